"""What ``metagenx batch`` says on the screen and with ``--json``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.meta.batch_journal import KIND, fits_folder
from metagenx.meta.batch_table import ERRORS, batch_csv, shown_errors
from metagenx.report.numbers import with_error
from metagenx.runs import header

if TYPE_CHECKING:
    from metagenx.meta.batch_table import BatchResult
    from metagenx.runs import RunFolder

MOST_COLUMNS = 4  # parameters that fit on a screen
MOST_ROWS = 60


def is_batch(folder: RunFolder) -> bool:
    """Whether a run is a batch."""
    return bool(folder.manifest().get("config", {}).get("kind") == KIND)


def write_batch_report(folder: RunFolder, *, trust: bool = False) -> Path:
    """Write ``report.html`` of a batch; returns its path; raises as ``write_report``."""
    from metagenx.report.batch_page import batch_page
    from metagenx.runs import write_atomically

    write_atomically(folder.report, batch_page(folder, trust=trust))
    return folder.report


def batch_summary(result: BatchResult) -> dict[str, Any]:
    """What ``metagenx batch --json`` prints: the numbers of ``verdict.json``, every row, and where the files are."""
    numbers = json.loads(result.folder.verdict.read_text(encoding="utf-8"))
    return {
        **numbers,
        "rows": result.table.to_dict("records"),
        "run": result.folder.path,
        "table": batch_csv(result.folder),
        "report": result.folder.report,
        "fits": sorted(fits_folder(result.folder).glob("*.hgx")),
    }


def batch_text(result: BatchResult, report: Path) -> str:
    """A line for each file, the answer, and where the table and the report are."""
    shown = result.parameters[:MOST_COLUMNS]
    errors = shown_errors(result.table, result.parameters)
    rows = [["file", "status", "FOM", *shown, ""]]
    for row in result.table.to_dict("records")[:MOST_ROWS]:
        values = [
            with_error(row[header(name)], row[f"{header(name)} {errors}"]) if math.isfinite(row[header(name)]) else "-"
            for name in shown
        ]
        fom = f"{row['FOM']:.5g}" if math.isfinite(row["FOM"]) else "-"
        rows.append([str(row["file"]), str(row["status"]), fom, *values, str(row["failure"])])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if len(result.table) > MOST_ROWS:
        lines.append(f"… {len(result.table) - MOST_ROWS} more in the table")
    if len(result.parameters) > len(shown):
        lines.append(f"{len(result.parameters) - len(shown)} more parameters in the table")
    if result.usable:
        others = " and ".join(words for column, (_, words) in ERRORS.items() if column != errors)
        lines.append(f"In brackets: {ERRORS[errors][1]}. In the table too: {others}.")
    table = batch_csv(result.folder)
    return "\n".join([*lines, "", f"→ {result.verdict}", f"table   {table}", f"report  {report}"])
