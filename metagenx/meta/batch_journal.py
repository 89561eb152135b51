"""The answers of a batch in the journal of its run folder, and out of it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metagenx.errors import FileFormatError
from metagenx.meta.batch_fit import PHASE, Answer
from metagenx.runs import FitDone, Journal, Replay, RoundDecided, RunFolder, list_runs, versions, write_atomically
from metagenx.runs.files import writing

KIND = "batch"


def fits_folder(folder: RunFolder) -> Path:
    """Where the fitted models of a batch are, a .hgx for each file."""
    return folder.path / "fits"


def write_answer(folder: RunFolder, journal: Journal, answer: Answer, file_name: str) -> None:
    """Put an answer on the disk: its model first, so that what the journal says is there; raises as the journal."""
    if answer.fitted is not None:
        place = fits_folder(folder)
        with writing(place):
            place.mkdir(exist_ok=True)
        write_atomically(place / file_name, answer.fitted)
    decided = RoundDecided(PHASE, int(answer.details["number"]), answer.details)
    journal.append(*map(FitDone, answer.records), decided)


def answers(replay: Replay) -> dict[str, Answer]:
    """The answers in a journal, by key; of a file that was tried again the last. Half-written ones do not count."""
    found: dict[str, Answer] = {}
    records: dict[str, list[Any]] = {}
    for record in replay.records:
        records.setdefault(record.sample, []).append(record)
    for event in replay.rounds:
        details = event.details
        if event.phase == PHASE and "key" in details:
            found[details["key"]] = Answer(details["name"], details, tuple(records.get(details["name"], ())))
    return found


def earlier_answers(base: Path, name: str, rules: Mapping[str, Any], but: RunFolder) -> dict[str, tuple[Answer, Path]]:
    """Answers of other runs by the same rules, by key, with the folder of their models: a folder of data has grown.

    Runs that cannot be read are passed over.
    """
    found: dict[str, tuple[Answer, Path]] = {}
    for folder in list_runs(base, name):
        try:
            manifest = folder.manifest()
            same = manifest.get("config", {}).get("rules") == rules
            if folder.path == but.path or not same or manifest["versions"]["metagenx"] != versions()["metagenx"]:
                continue
            for key, answer in answers(folder.replay()).items():
                place = fits_folder(folder)
                if answer.best is not None and (place / str(answer.details.get("model"))).is_file():
                    found.setdefault(key, (answer, place))
        except (FileFormatError, KeyError):
            continue
    return found
