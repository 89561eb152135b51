"""Settings for a file never seen: of the shipped portfolio, or of the user's own runs where those are more alike.

Settings of the user's count if they had ten runs, and at least three such settings were compared on the same problem;
the best of them by its pessimistic log10 ERT is taken. Runs with a polish are left out: what they cost is not
comparable with the table, which was measured without.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metagenx.errors import ConfigError, InputError
from metagenx.experience.features import features_of_file
from metagenx.fitting.schemes import SCHEMES
from metagenx.fitting.settings import Settings
from metagenx.genx.file import GenxFile
from metagenx.meta.automatic_space import FARTHEST, ProblemShape
from metagenx.meta.parameters import Value
from metagenx.meta.portfolio import Portfolio, shipped_portfolio
from metagenx.meta.space import Point
from metagenx.meta.space_experience import COMMANDS, rows_of_store, shape_of, taught_by_store

LEAST_RUNS, LEAST_SETTINGS = 10, 3
NOT_KNOWN = "the portfolio was made of another table, or is missing: make it again, python -m metagenx.meta.portfolio"
_POPULATION = ("use_pop_mult", "pop_mult", "pop_size")


@dataclass(frozen=True)
class OwnProblem:
    """A problem of the user's on which settings were compared.

    Parameters
    ----------
    values, score, setting_runs : the best of them, its pessimistic log10 ERT, and its runs.
    n_settings, runs, evaluations : all that were compared.
    """

    name: str
    shape: ProblemShape
    values: Mapping[str, Value]
    score: float
    setting_runs: int
    n_settings: int
    runs: int
    evaluations: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name, "n_parameters": self.shape.n_dim, "settings": dict(self.values),
            "log10_ert": self.score, "setting_runs": self.setting_runs, "n_settings": self.n_settings,
            "runs": self.runs, "evaluations": self.evaluations,
        }  # fmt: skip


@dataclass(frozen=True)
class Advice:
    """Settings for a file, and why.

    Parameters
    ----------
    source : ``portfolio``, ``own runs``, or ``file`` where nothing alike is known; ``values`` is empty then.
    like : the problems that it is from; ``runs`` and ``evaluations``: all that was measured on them.
    setting_runs : of these runs, those of this setting; 0 where the file's settings stay.
    """

    source: str
    values: Mapping[str, Value]
    like: tuple[str, ...]
    runs: int
    evaluations: int
    setting_runs: int
    sentence: str

    def with_changes(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The settings to change in the file; what the user has named himself stays.

        Raises
        ------
        InputError : he has named another scheme; the other settings were measured with this one.
        """
        scheme = self.values.get("create_trial")
        if scheme is not None and changes.get("create_trial", scheme) != scheme:
            raise InputError(
                f"--settings-from portfolio chooses create_trial {scheme}, and {changes['create_trial']} was asked for",
                hint="Leave out one of the two.",
            )
        if not self.values:
            return dict(changes)
        ours: dict[str, Any] = {**self.values, "use_pop_mult": True}
        if any(name in changes for name in _POPULATION):
            ours = {name: value for name, value in ours.items() if name not in _POPULATION}
        return {**ours, **changes}

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "source": self.source, "settings": dict(self.values), "like": list(self.like), "runs": self.runs,
            "evaluations": self.evaluations, "setting_runs": self.setting_runs, "sentence": self.sentence,
        }  # fmt: skip


@dataclass(frozen=True)
class ShownPortfolio:
    """What there is to choose from."""

    portfolio: Portfolio | None
    own: tuple[OwnProblem, ...]

    @property
    def notices(self) -> list[str]:
        """What a user should know."""
        return [] if self.portfolio is not None else [NOT_KNOWN]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        shipped = None
        if self.portfolio is not None:
            found = self.portfolio
            shipped = {**found.to_json(), "runs": found.runs, "evaluations": found.evaluations}
        return {"portfolio": shipped, "own": [problem.to_json() for problem in self.own]}

    @property
    def text(self) -> str:
        """For a terminal: expected evaluations to the answer of each member on each problem, and the runs behind it."""
        lines = []
        if self.portfolio is not None:
            problems = self.portfolio.problems
            rows = [["settings", *(f"{p.name}, {p.shape.n_dim} parameters" for p in problems)]]
            for number, member in enumerate(self.portfolio.members):
                cells = [f"{10.0 ** p.scores[number]:,.0f} ({p.member_runs[number]:,} runs)" for p in problems]
                rows.append([settings_text(member.values), *cells])
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            lines += ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
            n_settings = max(problem.n_settings for problem in problems)
            lines.append(
                f"expected evaluations with restarts; chosen among {n_settings} settings, from "
                f"{self.portfolio.runs:,} runs ({self.portfolio.evaluations:,} evaluations) of simulated films"
            )
        lines += [
            f"your own {problem.name}, {problem.shape.n_dim} parameters: {settings_text(problem.values)} was the best "
            f"of {problem.n_settings} settings, {problem.runs:,} runs"
            for problem in self.own
        ] or ["your own runs teach nothing yet: no problem has three settings with ten runs each (metagenx tune)"]
        return "\n".join(lines)


def settings_text(values: Mapping[str, Value]) -> str:
    """``best_1_bin, km 0.7, kr 0.7, population 3 per parameter``."""
    constants = "" if values["create_trial"] == "jade_best" else f", km {values['km']:g}, kr {values['kr']:g}"
    return f"{values['create_trial']}{constants}, population {values['pop_mult']:g} per parameter"


def shown_portfolio(folder: Path | None = None) -> ShownPortfolio:
    """The shipped portfolio, and what the runs of a store (default: the user's) teach."""
    from metagenx.experience.store import Store

    rows = rows_of_store((), -1) if folder is None else Store(folder).read().rows
    return ShownPortfolio(shipped_portfolio(), tuple(own_problems(rows)))


def advise(file: GenxFile, seed: int) -> Advice:
    """Settings for a file. Runs of it with the same seed do not count: a command twice shall do the same twice."""
    features = features_of_file(file)
    return advice_for(shape_of(features), shipped_portfolio(), own_problems(rows_of_store({features.problem}, seed)))


def advice_for(shape: ProblemShape, portfolio: Portfolio | None, own: Sequence[OwnProblem]) -> Advice:
    """Settings for a problem of this shape."""
    near = portfolio.near(shape) if portfolio is not None else []
    mine = min(own, key=lambda problem: (shape.distance(problem.shape), problem.score), default=None)
    distance = math.inf if mine is None else shape.distance(mine.shape)
    if mine is not None and distance <= min(FARTHEST, near[0][0] if near else math.inf):
        sentence = (
            f"settings from your own runs: {settings_text(mine.values)}, the best of {mine.n_settings} settings on "
            f"{mine.name}, from {mine.runs:,} runs, {mine.setting_runs:,} of them with these settings"
        )
        return Advice("own runs", mine.values, (mine.name,), mine.runs, mine.evaluations, mine.setting_runs, sentence)
    number = portfolio.choose(shape) if portfolio is not None else None
    if portfolio is None or number is None:
        why = NOT_KNOWN if portfolio is None else f"nothing like a file with {shape.n_dim} parameters was measured"
        return Advice("file", {}, (), 0, 0, 0, f"the file's own settings stay: {why}")
    names = tuple(problem.name for _, problem in near)
    runs = sum(problem.runs for _, problem in near)
    of_this = sum(problem.member_runs[number] for _, problem in near)
    values = portfolio.members[number].values
    sentence = (
        f"settings from the portfolio: {settings_text(values)}; from {runs:,} runs of simulated films "
        f"({', '.join(names)}), {of_this:,} of them with these settings"
    )
    evaluations = sum(problem.evaluations for _, problem in near)
    return Advice("portfolio", values, names, runs, evaluations, of_this, sentence)


def own_problems(rows: Iterable[Mapping[str, Any]]) -> list[OwnProblem]:
    """Problems in a store that teach; see the head of this module."""
    of_problem: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["command"] in COMMANDS and not row["failure"] and row["n_parameters"] > 0:
            of_problem[row["problem"]].append(row)
    found = []
    for problem in sorted(of_problem):
        counts = Counter(row["settings"] for row in of_problem[problem])
        known = [
            row for row in of_problem[problem] if counts[row["settings"]] >= LEAST_RUNS and _place_of(row) is not None
        ]
        for taught in taught_by_store(known, _place):
            best = min((trial for trial in taught.trials if not trial.censored), key=lambda t: t.score, default=None)
            if best is not None and len(taught.trials) >= LEAST_SETTINGS:
                own = sum(_place_of(row) == best.point for row in known)
                spent = sum(int(row["evaluations"]) for row in known)
                evidence = own, len(taught.trials), len(known), spent
                found.append(OwnProblem(taught.name, taught.shape, best.point, best.score, *evidence))
    return found


def _place_of(row: Mapping[str, Any]) -> Point | None:
    try:
        return _place(Settings.from_values(json.loads(row["settings"])), row["n_parameters"])
    except (ConfigError, ValueError, TypeError):
        return None  # of another version of metagenx


def _place(settings: Settings, n_dim: int) -> Point | None:
    """What the portfolio knows of settings; None if there is more to them."""
    if settings.create_trial not in SCHEMES or settings.polish != "none" or settings.population_reduction:
        return None
    values = {name: getattr(settings, name) for name in ("create_trial", "km", "kr")}
    return {**values, "pop_mult": settings.population_size(n_dim) / n_dim}
