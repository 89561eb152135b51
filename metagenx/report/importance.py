"""What mattered: the importance of each setting, as a table, a line for the screen, and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metagenx.meta.importance import Importance
from metagenx.report.numbers import percent
from metagenx.report.page.elements import Element, Note, Table, as_csv

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

MOST_SAID = 3


def importance_of(evidence: Evidence) -> Importance:
    """How much of the score's variance each thing that was varied explains, in the search."""
    return evidence.searched.importance()


def importance_element(evidence: Evidence) -> Element:
    """A table, or why there is none."""
    import pandas as pd

    found = importance_of(evidence)
    if found.why_not:
        return Note(f"What mattered: {found.why_not}.")
    rows = [[s.name, f"{percent(s.share)} ({100 * s.low:.0f}–{100 * s.high:.0f})"] for s in found.shares]
    rows.append(["together with others only", percent(found.interactions)])
    shows = (
        f"Share of the variance of log10 “{evidence.goal.measure}” in the search that each explains on its own, by a "
        f"forest on {found.n_settings} settings (fANOVA), with the 95 % interval of forests on resampled settings. "
        f"Rank correlation with what trees predict that have not seen a setting: {found.correlation:.2f}."
    )
    data = pd.DataFrame(
        [(s.name, s.share, s.low, s.high) for s in found.shares], columns=["parameter", "share", "low", "high"]
    )
    return Table(
        "What mattered, in numbers", shows, ["parameter", "share"], rows, frozenset(), as_csv("importance", data)
    )


def importance_line(evidence: Evidence) -> str:
    """The most important ones in one line, or why nothing can be told."""
    found = importance_of(evidence)
    if found.why_not:
        return f"what mattered: {found.why_not}"
    said = [f"{s.name} {percent(s.share)} ({100 * s.low:.0f}–{100 * s.high:.0f})" for s in found.shares[:MOST_SAID]]
    return f"what mattered: {', '.join(said)} of the variance"
