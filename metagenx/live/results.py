"""What a session leaves in its run folder: the table of all updates, the fitted models, the newest curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.live.record import CURVES, Update
from metagenx.meta.batch_journal import fits_folder
from metagenx.runs import RunFolder, to_json, write_atomically, write_table
from metagenx.runs.files import writing

if TYPE_CHECKING:
    from metagenx.live.follower import Answer

_MOST_POINTS = 4000  # of a curve that is looked at


def updates_csv(folder: RunFolder) -> Path:
    """The table of all updates."""
    return folder.path / "live.csv"


def write_updates(folder: RunFolder, updates: Sequence[Update]) -> None:
    """The table: of each update the last answer; raises as the journal."""
    last = {update.number: update for update in updates}
    write_table(updates_csv(folder), [update.row() for _, update in sorted(last.items())])


def write_report(folder: RunFolder, updates: Sequence[Update]) -> None:
    """``report.html``: the parameters against time, if there are two updates at least; raises as the journal."""
    from metagenx.report.live_page import live_page

    last = {update.number: update.to_json() for update in updates}
    if len(last) > 1:
        write_atomically(folder.report, live_page(folder, [update for _, update in sorted(last.items())]))


def write_fit(folder: RunFolder, answer: Answer, update: Update) -> None:
    """The fitted model with its data as .hgx: ``best.hgx``, and one for each state in ``fits/``."""
    offsets = [
        (-float(error), float(error)) if np.isfinite(error) else None for error in answer.errors
    ]  # GenX shows them in its column Error
    values = dict(zip(answer.names, map(float, answer.values), strict=True))
    model = answer.model.with_results(values=values, errors=offsets)
    model.save(folder.best)
    place = fits_folder(folder)
    with writing(place):
        place.mkdir(exist_ok=True)
    write_atomically(place / f"state{update.state:04d}.hgx", folder.best.read_bytes())


def write_curves(folder: RunFolder, answer: Answer, update: Update) -> None:
    """Data and best fit of the newest answer, to be looked at."""
    sets: list[dict[str, Any]] = []
    for dataset, curve in zip(answer.model.data, answer.simulations, strict=True):
        if dataset.use and len(dataset.x):
            step = max(1, len(dataset.x) // _MOST_POINTS)
            columns = {"x": dataset.x, "y": dataset.y, "error": dataset.error, "fit": curve}
            sets.append({"name": dataset.name, **{key: _some(values, step) for key, values in columns.items()}})
    write_atomically(folder.path / CURVES, to_json({"update": update.number, "sets": sets}))


def _some(values: Any, step: int) -> list[float | None]:
    every = np.asarray(values, dtype=float).ravel()[::step]
    return [float(value) if np.isfinite(value) else None for value in every]
