"""The report of a beam time: every parameter against time, and what was said when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError
from metagenx.meta.batch_fit import NOT_REACHED, REACHED
from metagenx.report.batch_plots import number_figure, parameter_figure
from metagenx.report.numbers import whole
from metagenx.report.page.elements import Element, Headline, Section, Table, as_csv
from metagenx.report.page.render import render
from metagenx.runs import RoundDecided, header, write_atomically
from metagenx.runs.journal import read_journal

if TYPE_CHECKING:
    from pathlib import Path

    from metagenx.runs import RunFolder

_KIND = "live"  # of run folder, and of the rounds in its journal
_MOST_ROWS = 300
_MOODS = {"good": "good", "info": "good", "warning": "warning", "bad": "warning"}


def live_page(folder: RunFolder, updates: Sequence[Mapping[str, Any]]) -> str:
    """The page as HTML.

    Parameters
    ----------
    updates : as `metagenx live --json` prints them, of each the last answer, in their order; at least one.
    """
    import pandas as pd

    config = folder.manifest()["config"]
    names = [str(name) for name in config["parameters"]]
    bounds = np.array(config["bounds"], dtype=float).reshape(-1, 2)
    begun = float(updates[0]["time"])
    # The last of each state is what a sequence is made of; of one sample every update is.
    is_sequence = len({update["state"] for update in updates}) > 1
    last = list({update["state"]: update for update in updates}.values()) if is_sequence else list(updates)
    table = pd.DataFrame([_row(update, begun) for update in last])
    elements: list[Element] = []
    by_file, by_time = parameter_figure(table, names, bounds), number_figure(table, names, bounds)
    if by_time is not None:
        for plot in by_time.plots:
            plot.model.xaxis.axis_label = "minutes"
        shows = "The values with their error bars, against the time of the files, in minutes since the first."
        elements.append(replace(by_time, title="Parameters against time", shows=shows))
    if by_file is not None:
        elements.append(by_file)
    said = [
        [str(u["number"]), str(u["file"]), str(u["state"]), f"{(float(u['time']) - begun) / 60:.1f}", str(u["line"])]
        for u in updates[-_MOST_ROWS:]
    ]
    verdicts = Table(
        "Verdicts", "What was said about each change; the last answer of each.",
        ["update", "file", "state", "minutes", "verdict"], said, data=as_csv("live", table),
    )  # fmt: skip
    now = updates[-1]
    headline = Headline(
        f"metagenx live · {config['place']}", str(now["line"]), "The last verdict.", str(now["advice"]),
        _MOODS.get(str(now["level"]), "plain"),
        [(whole(len(updates)), "updates"), (whole(len({u["state"] for u in updates})), "states of the sample")],
    )  # fmt: skip
    parts = [Section("parameters", "Parameters against time", elements), Section("verdicts", "Verdicts", [verdicts])]
    return render(headline, parts, title=f"{folder.path.parent.name} · metagenx")


def is_live(folder: RunFolder) -> bool:
    """Whether this is the run folder of a beam time."""
    return bool(folder.manifest()["config"].get("kind") == _KIND)


def write_live_report(folder: RunFolder) -> Path:
    """``report.html`` from the journal, also while the session is running; returns its path.

    Raises
    ------
    InputError : nothing has been fitted yet.
    FileFormatError : the journal is damaged.
    """
    last: dict[int, Mapping[str, Any]] = {}
    for line in read_journal(folder.path / "events.jsonl"):
        event = line.event
        if isinstance(event, RoundDecided) and event.phase == _KIND and event.details.get("kind") == "update":
            last[int(event.details["number"])] = event.details
    if not last:
        raise InputError(
            "nothing has been fitted in this beam time yet", where=str(folder.path), hint="Wait for the first verdict."
        )
    write_atomically(folder.report, live_page(folder, [update for _, update in sorted(last.items())]))
    return folder.report


def _row(update: Mapping[str, Any], begun: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "file": update["file"], "number": (float(update["time"]) - begun) / 60.0,
        "status": REACHED if update["is_certain"] else NOT_REACHED, "FOM": _number(update["fom"]),
    }  # fmt: skip
    for name, value in update["values"].items():
        row[header(name)] = _number(value)
        row[f"{header(name)} error"] = _number(update["errors"].get(name))
    return row


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
