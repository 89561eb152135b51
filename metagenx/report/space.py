"""The automatic search space of a run: where it began, how it moved, and why; for the page and for the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metagenx.meta.space_account import space_account
from metagenx.meta.space_changes import form_text
from metagenx.report.numbers import whole
from metagenx.report.page.elements import Element, Note, Section, Table, as_csv

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

BEGINNING = "beginning"


def account_of(evidence: Evidence) -> dict[str, Any] | None:
    """What became of the space, from manifest and journal; None if it did not define itself."""
    defined = evidence.manifest.get("defined_space")
    superset = evidence.config.get("search_space", {})
    if not isinstance(defined, Mapping) or not isinstance(superset, Mapping):
        return None
    decisions = [
        {"round": found.decision.round, "stage": found.decision.phase, **found.decision.details}
        for found in evidence.rounds
    ]
    return space_account(superset.get("parameters", {}), defined, decisions)


def space_section(evidence: Evidence) -> Section:
    """Superset, first and last box, the probe, and every change with its reason."""
    import pandas as pd

    account = account_of(evidence)
    if account is None:
        return Section("space", "Search space", [])
    elements: list[Element] = [Note(f"{_origin(account)} {_probe(account)}")]
    rows = [
        [name, *(form_text(account[box][name]) for box in ("first", "last")), form_text(form)]
        for name, form in account["superset"].items()
    ]
    columns = ["parameter", "first box", "last box", "superset"]
    elements.append(
        Table(
            "Where settings were looked for",
            "Most proposals come from the box, 15 % from the whole superset, whose ends never move.",
            columns, rows, frozenset(), as_csv("space", pd.DataFrame(rows, columns=columns)),
        )
    )  # fmt: skip
    changes = [
        [
            BEGINNING if not change["round"] else f"round {change['round']}", change["parameter"], change["kind"],
            form_text(change["before"]), form_text(change["after"]), change["reason"],
        ]
        for change in account["changes"]
    ]  # fmt: skip
    columns = ["when", "parameter", "change", "before", "after", "why"]
    elements.append(
        Table(
            "How it moved", "Every change of the box, and its reason.", columns, changes, frozenset(),
            as_csv("space-changes", pd.DataFrame(changes, columns=columns)), folded=len(changes) > 12,
        )
    )  # fmt: skip
    return Section("space", "Search space", elements)


def space_lines(evidence: Evidence) -> list[str]:
    """The same in a few lines for the screen; none if the space did not define itself."""
    account = account_of(evidence)
    if account is None:
        return []
    moved = [change for change in account["changes"] if change["round"]]
    kinds = {kind: sum(change["kind"] == kind for change in moved) for kind in ("widen", "narrow", "drop", "freeze")}
    told = ", ".join(f"{kind} {n}" for kind, n in kinds.items() if n) or "none"
    lines = [f"  search space: {_origin(account)} {_probe(account)} Changes on the way: {told}."]
    boxes = [
        f"{name} {form_text(account['first'][name])}"
        + (f" → {form_text(form)}" if form != account["first"][name] else "")
        for name, form in account["last"].items()
    ]
    return [*lines, f"  searched: {'; '.join(boxes)}"]


def _origin(account: Mapping[str, Any]) -> str:
    if account["teachers"]:
        return f"The first box follows from the problem and from what was measured on {', '.join(account['teachers'])}."
    return "The first box follows from the problem; no like problem was measured well enough to teach more."


def _probe(account: Mapping[str, Any]) -> str:
    probe = account["probe"]
    if probe is None:
        return "There was no probe: the budget did not pay for one."
    return f"A probe of {whole(probe['evaluations'])} evaluations sent {probe['left']} settings away."
