"""The report of a run folder, and what ``--json`` prints of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metagenx.meta.repeat import RepeatResult
    from metagenx.meta.tune import TuneResult
    from metagenx.runs import RunFolder


def write_report(folder: RunFolder) -> Path:
    """Write ``report.html`` from the journal and the tables; returns its path.

    Raises
    ------
    FileFormatError : it is no run folder, or its journal is damaged.
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """
    from metagenx.runs import write_atomically

    folder.manifest()
    write_atomically(folder.report, "<!doctype html><title>metagenx</title>\n")
    return folder.report


def rebuild(folder: RunFolder) -> Path:
    """The tables and the report again, from the journal; returns the report's path; raises as :func:`write_report`."""
    return write_report(folder)


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
