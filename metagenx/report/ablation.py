"""Which changes made the gain: a table, and a line for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metagenx.meta.ablation import Step
from metagenx.report.numbers import times
from metagenx.report.page.elements import Table, as_csv

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence


def ablation_of(evidence: Evidence) -> tuple[Step, ...]:
    """The steps from the baseline to the winner; none without a winner, or if the search cannot tell."""
    verdict = evidence.verdict or {}
    return evidence.searched.ablation(str(verdict.get("baseline", "file")), verdict.get("winner"))


def ablation_element(evidence: Evidence) -> Table | None:
    """A table of the steps."""
    import pandas as pd

    steps = ablation_of(evidence)
    if not steps:
        return None
    rows = [[step.name, _value(step.before), _value(step.after), f"{times(step.gain)}×"] for step in steps]
    columns = ["what is changed", "from", "to", "predicted gain"]
    shows = (
        "From the baseline to the answer, the change first that gains most: by what factor a forest on the settings of "
        "the search sees the cost fall with each. Nothing was fitted for it; what counts is the validation above."
    )
    return Table("Which changes made the gain", shows, columns, rows, frozenset(),
                 as_csv("ablation", pd.DataFrame(rows, columns=columns)))  # fmt: skip


def ablation_text(steps: Sequence[Step]) -> str:
    """The steps in one line."""
    return ", ".join(
        f"{step.name} {_value(step.before)} → {_value(step.after)} ({times(step.gain)}×)" for step in steps
    )


def _value(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return "off" if value != value else f"{value:.4g}" if isinstance(value, float) else f"{value}"
    return str(value)
