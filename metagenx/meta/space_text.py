"""The space that a run would search, as a search space file with the reason of every bound in a comment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.genx.disk import replace_atomically
from metagenx.meta.automatic_space import DefinedSpace
from metagenx.meta.experiment import load_experiment
from metagenx.meta.preparation import HOURS_MARGIN, Preparation, prepare
from metagenx.meta.ray_session import cores
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_definition import defined_space, is_automatic

AS_WRITTEN = "as the search space says"


@dataclass(frozen=True)
class ShownSpace:
    """A space to be shown.

    Parameters
    ----------
    space : what would be searched at first.
    reasons : parameter or fixed setting → why.
    facts : what it follows from, and what it would cost; the times are estimates, and decide nothing.
    automatic : whether it would refine itself.
    """

    space: SearchSpace
    reasons: Mapping[str, Sequence[str]]
    facts: Mapping[str, Any]
    automatic: bool
    notices: tuple[str, ...]
    defined: DefinedSpace | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "search_space": {"version": 1, **self.space.to_json()},
            "reasons": {name: list(reasons) for name, reasons in self.reasons.items()},
            "automatic": self.automatic,
            "facts": dict(self.facts),
            "suggestions": [dict(point) for point in self.defined.suggestions] if self.defined else [],
            "teachers": list(self.defined.teachers) if self.defined else [],
        }

    @property
    def yaml(self) -> str:
        """The search space file."""
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        moves = " A run of `search_space: auto` begins here and moves with what it finds." if self.automatic else ""
        data = self.space.to_json()
        lines = [f"# {facts}.{moves}", "version: 1", f"algorithm: {data['algorithm']}", "", "parameters:"]
        for name, form in data["parameters"].items():
            lines += [f"  # {reason}" for reason in self.reasons.get(name, ())]
            lines.append(f"  {name}: {json.dumps(form)}")
        for key in ("fixed", "forbid"):
            if data[key]:
                lines += ["", f"{key}:"]
        fixed = [line for name, value in data["fixed"].items() for line in self._fixed(name, value)]
        forbid = [f"  - {json.dumps(clause)}" for clause in data["forbid"]]
        where = lines.index("fixed:") + 1 if data["fixed"] else len(lines)
        lines[where:where] = fixed
        return "\n".join([*lines, *forbid]) + "\n"

    def _fixed(self, name: str, value: Any) -> list[str]:
        return [f"  # {reason}" for reason in self.reasons.get(name, ())] + [f"  {name}: {json.dumps(value)}"]


def shown_space(file: Path, overrides: Sequence[str] = (), *, trust: bool = False) -> ShownSpace:
    """The space that ``tune`` would begin with; raises its InputErrors."""
    experiment = load_experiment(file, overrides, trust=trust)
    preparation = prepare(experiment, trust=trust, with_twins=False)
    if experiment.settings:
        raise InputError("the experiment lists its settings, so nothing is searched", where=str(file))
    pace = preparation.seconds_per_evaluation()
    evaluations = experiment.budget.evaluations or _in_hours(preparation, pace)
    facts = {
        "fitted parameters": preparation.n_dim,
        "evaluations": f"{evaluations:,}",
        "µs an evaluation": round(1e6 * pace),
        "cores": cores(),
        "minutes at least": round(evaluations * pace / cores() / 60.0, 1),
    }
    notices = tuple(preparation.notices)
    if not is_automatic(preparation):
        reasons = {name: [AS_WRITTEN] for name in experiment.space.names}
        return ShownSpace(experiment.space, reasons, facts, False, notices)
    defined = defined_space(preparation, evaluations)
    return ShownSpace(defined.box.as_space(), defined.reasons, facts, True, notices, defined)


def write_space(path: Path, text: str) -> None:
    """Write a search space file. Raises InputError."""
    try:
        replace_atomically(path, text.encode())
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(path)) from error


def _in_hours(preparation: Preparation, pace: float) -> int:
    hours = preparation.experiment.budget.hours
    assert hours is not None
    return max(1, int(HOURS_MARGIN * 3600.0 * hours * cores() / pace))
