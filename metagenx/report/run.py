"""The report of a run folder, and what ``--json`` prints of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metagenx.meta.repeat import RepeatResult
    from metagenx.meta.tune import TuneResult
    from metagenx.runs import RunFolder


def write_report(folder: RunFolder, *, trust: bool = False) -> Path:
    """Write ``report.html`` from the journal and the tables; returns its path.

    Works for a run that is finished, interrupted or killed. ``trust`` runs a model script that leaves the safe subset,
    without which such a model has no band of depth profiles.

    Raises
    ------
    FileFormatError : it is no run folder, or its journal is damaged.
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """
    from metagenx.report.batch import is_batch, write_batch_report
    from metagenx.report.evidence import TUNE, Evidence
    from metagenx.report.metatune_page import is_metatune, write_metatune_report
    from metagenx.report.repeat_page import repeat_page
    from metagenx.report.tune_page import tune_page
    from metagenx.runs import write_atomically

    if is_metatune(folder):
        return write_metatune_report(folder)
    if is_batch(folder):
        return write_batch_report(folder, trust=trust)
    evidence = Evidence.of(folder)
    page = tune_page(evidence, trust=trust) if evidence.kind == TUNE else repeat_page(evidence, trust=trust)
    write_atomically(folder.report, page)
    return folder.report


def rebuild(folder: RunFolder, *, trust: bool = False, say: Callable[[str], None] = lambda text: None) -> Path:
    """The tables and the report again, from the journal; returns the report's path; raises as :func:`write_report`.

    Where the tables cannot be made again (inputs altered or not trusted, another version of metagenx, a driver at work
    there), those in the folder stay, ``say`` hears why, and the report is made of what there is.
    """
    from metagenx.errors import FileFormatError, InputError
    from metagenx.meta.reread import reread
    from metagenx.report.live_page import is_live, write_live_report
    from metagenx.report.metatune_page import is_metatune, write_metatune_report

    folder.manifest()
    if is_live(folder):
        return write_live_report(folder)
    if is_metatune(folder):
        return write_metatune_report(folder)
    try:
        with folder.lock():
            reread(folder, trust=trust)
    except FileFormatError:
        raise
    except InputError as error:
        say(f"the tables stay as they are: {error}")
    return write_report(folder, trust=trust)


def tune_summary(result: TuneResult) -> dict[str, Any]:
    """What ``metagenx tune --json`` prints: the numbers of ``verdict.json``, and where the files are."""
    return _summary(result.folder)


def repeat_summary(result: RepeatResult) -> dict[str, Any]:
    """What ``metagenx repeat --json`` prints: the numbers of ``verdict.json``, and where the files are."""
    return _summary(result.folder)


def _summary(folder: RunFolder) -> dict[str, Any]:
    numbers = json.loads(folder.verdict.read_text(encoding="utf-8"))
    best = sorted(folder.path.glob("best*.hgx"))
    return {**numbers, "run": folder.path, "report": folder.report, "best": best}
