"""A portfolio: the few settings that together cover what was measured, and what each is worth on each problem.

It is learned greedily from the measured tables. GenX's default is its first member; then the setting is added that
lowers the mean over the families of the best member's log10 ERT the most, as long as that is worth more than ``WORTH``.
Where a setting had no success its score is a bound, and it does not count there.
``python -m metagenx.meta.portfolio`` writes it down with the SHA-256 of the tables that it is of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.meta.automatic_space import FARTHEST, ProblemShape
from metagenx.meta.hit_rates import log_running_times
from metagenx.meta.measured_table import MeasuredRuns
from metagenx.meta.parameters import Value
from metagenx.meta.space_experience import content_of_tables, rows_of_tables, shape_of

PORTFOLIO = Path(__file__).parent / "tables" / "portfolio.json"
DEFAULT = "default"  # GenX's, by its name in the table
WORTH = 0.01  # decades that a member has to add
_NEAREST = 0.1  # a problem that is more alike than this weighs no more


@dataclass(frozen=True)
class Member:
    """A setting of the portfolio: ``create_trial``, ``km``, ``kr``, ``pop_mult``."""

    name: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class KnownProblem:
    """A family that was measured.

    Parameters
    ----------
    n_settings, runs, evaluations : all that was measured on it.
    scores : mean over its samples of log10 ERT, by member; ``member_runs`` how many runs each is from.
    """

    name: str
    shape: ProblemShape
    n_settings: int
    runs: int
    evaluations: int
    scores: tuple[float, ...]
    member_runs: tuple[int, ...]


@dataclass(frozen=True)
class Portfolio:
    """Members and the problems they were measured on; ``tables`` is the SHA-256 of where they come from."""

    members: tuple[Member, ...]
    problems: tuple[KnownProblem, ...]
    tables: str = ""

    @property
    def runs(self) -> int:
        """All runs that it was learned from."""
        return sum(problem.runs for problem in self.problems)

    @property
    def evaluations(self) -> int:
        """Their evaluations."""
        return sum(problem.evaluations for problem in self.problems)

    def near(self, shape: ProblemShape) -> list[tuple[float, KnownProblem]]:
        """Problems that are alike enough to teach, with their distances, the nearest first."""
        found = [(shape.distance(problem.shape), problem) for problem in self.problems]
        return sorted(((d, p) for d, p in found if d <= FARTHEST), key=lambda pair: (pair[0], pair[1].name))

    def choose(self, shape: ProblemShape) -> int | None:
        """Number of the member that was best on problems like this one, the nearer weighing more; None: unknown."""
        near = self.near(shape)
        if not near:
            return None
        weights = np.array([1.0 / max(distance, _NEAREST) ** 2 for distance, _ in near])
        scores = np.array([problem.scores for _, problem in near])
        return int(np.argmin(weights @ scores))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Portfolio:
        """Inverse of :meth:`to_json`."""
        problems = [
            KnownProblem(
                **{
                    **problem,
                    "shape": ProblemShape(**problem["shape"]),
                    "scores": tuple(problem["scores"]),
                    "member_runs": tuple(problem["member_runs"]),
                }
            )
            for problem in data["problems"]
        ]
        return cls(tuple(Member(**member) for member in data["members"]), tuple(problems), data["tables"])


def learn(
    families: Mapping[str, Sequence[MeasuredRuns]], shapes: Mapping[str, ProblemShape], tables: str = ""
) -> Portfolio:
    """The portfolio of measured families.

    Raises
    ------
    InputError : the default was not measured on all samples of all families, or had no success on a family.
    """
    measured = {name: _Measured(rows) for name, rows in sorted(families.items())}
    names = [
        name
        for name in dict.fromkeys(row.setting for rows in families.values() for row in rows)
        if all(name in own.scores for own in measured.values())
    ]
    if DEFAULT not in names or not all(DEFAULT in own.successful for own in measured.values()):
        raise InputError(
            f"the table lacks the setting {DEFAULT!r} on some sample, or its successes", hint="Measure it first."
        )
    scores = {
        name: np.array([own.scores[name] if name in own.successful else np.inf for own in measured.values()])
        for name in names
    }
    chosen, best = [DEFAULT], scores[DEFAULT]
    while True:
        gains = {name: float((best - np.minimum(best, scores[name])).mean()) for name in names}
        name = max(names, key=lambda name: (gains[name], name))
        if not gains[name] > WORTH:
            break
        chosen.append(name)
        best = np.minimum(best, scores[name])
    values = {row.setting: dict(row.values) for rows in families.values() for row in rows}
    problems = [
        KnownProblem(
            family,
            shapes[family],
            len(own.scores),
            own.total_runs,
            own.evaluations,
            tuple(own.scores[name] for name in chosen),
            tuple(own.runs[name] for name in chosen),
        )
        for family, own in measured.items()
    ]
    return Portfolio(tuple(Member(name, values[name]) for name in chosen), tuple(problems), tables)


class _Measured:
    """One family: setting → mean log10 ERT and runs, of settings that ran on all its samples; which had successes."""

    def __init__(self, rows: Sequence[MeasuredRuns]) -> None:
        samples = sorted({row.sample for row in rows})
        cells = {(row.setting, row.sample): row for row in rows}
        names = [n for n in dict.fromkeys(row.setting for row in rows) if all((n, s) in cells for s in samples)]
        own = [[cells[name, s] for s in samples] for name in names]
        spent = np.array([[cell.costs.sum() for cell in row] for row in own]).reshape(-1, len(samples))
        hits = np.array([[cell.hits.sum() for cell in row] for row in own], dtype=float).reshape(-1, len(samples))
        means = log_running_times(spent, hits).mean(axis=1)
        self.scores = dict(zip(names, map(float, means), strict=True))
        self.successful = {name for name, row in zip(names, hits, strict=True) if row.any()}
        self.runs = {name: sum(len(cell.costs) for cell in row) for name, row in zip(names, own, strict=True)}
        self.total_runs, self.evaluations = sum(self.runs.values()), int(spent.sum())


def shapes_of_families(names: Sequence[str]) -> dict[str, ProblemShape]:
    """What the measured families are like, by their first sample."""
    from metagenx.experience.features import features_of_file
    from metagenx.meta.families import sample

    return {name: shape_of(features_of_file(sample(name, 0).model.file)) for name in names}


def learn_from_tables() -> Portfolio:
    """The portfolio of the tables that come with metagenx. Raises InputError for a damaged table."""
    families = rows_of_tables()
    return learn(families, shapes_of_families(list(families)), content_of_tables())


def shipped_portfolio() -> Portfolio | None:
    """The portfolio as written down; None if it is missing, damaged, or of other tables than those that are here."""
    try:
        found = Portfolio.from_json(json.loads(PORTFOLIO.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.tables == content_of_tables() else None


def write_portfolio() -> Portfolio:
    """Learn it from the tables as they are now, and write it down."""
    found = learn_from_tables()
    PORTFOLIO.write_text(json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return found


if __name__ == "__main__":
    for member in write_portfolio().members:
        print(member.name, *member.values.values())
