"""What became of an automatic space in a run, as plain values: for verdict, report and terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Forms = Mapping[str, Mapping[str, Any]]


def space_account(
    superset: Forms, defined: Mapping[str, Any], decisions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The account of a run.

    Parameters
    ----------
    superset : parameter → its form in the search space file.
    defined : the space as it was when the run began, :meth:`DefinedSpace.to_json`.
    decisions : of the rounds in their order, ``round``, ``stage``, ``evaluations``, ``left`` and ``space``.

    Returns
    -------
    ``superset``, ``first`` and ``last`` box, ``changes`` with the round after which each was made (0: from the
    beginning), ``probe`` (None if there was none), and who ``teachers`` were.
    """
    first = {name: dict(form) for name, form in defined["forms"].items()}
    changes = [{"round": 0, **change} for change in defined["changes"]]
    last, probe, before = dict(first), None, 0
    for decision in decisions:
        told = [dict(change) for change in decision.get("space", ())]
        if told[: len(defined["changes"])] == list(defined["changes"]):  # the first round tells how it was defined
            told = told[len(defined["changes"]) :]
        for change in told:
            changes.append({"round": decision["round"], **change})
            last[change["parameter"]] = dict(change["after"])
        if decision["stage"] == "probe":
            left = [name for name, why in decision.get("left", {}).items() if "probe" in why]
            probe = {"round": decision["round"], "evaluations": decision["evaluations"] - before, "left": len(left)}
        before = decision["evaluations"]
    return {
        "superset": {name: dict(form) for name, form in superset.items()},
        "first": first,
        "last": last,
        "changes": changes,
        "probe": probe,
        "suggestions": list(defined.get("suggestions", ())),
        "best_of_store": defined.get("best_of_store"),
        "teachers": list(defined.get("teachers", ())),
    }
