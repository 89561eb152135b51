"""What a batch leaves: one table, a row for each file; every run; the numbers of the headline."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError
from metagenx.meta.batch_files import varying_number
from metagenx.meta.batch_fit import FAILED, NOT_REACHED, REACHED, Answer
from metagenx.runs import RunFolder, header, write_repeats, write_table, write_traces

if TYPE_CHECKING:
    import pandas as pd

NOT_DONE = "not done"
# Columns of a parameter beside its value, the kind of error bar that they hold, and what that is.
ERRORS = {
    "error": ("covariance", "standard errors from the covariance"),
    "FOM level error": ("FOM level", "how far to where the FOM has risen by GenX's level"),
    "spread": ("spread", "standard deviations over the runs in the best minimum"),
}


@dataclass(frozen=True)
class BatchResult:
    """What became of the files of a batch.

    Parameters
    ----------
    table : one row for each file in natural order; ``batch.csv``.
    parameters : names of the fitted parameters.
    counts : how many files have which status.
    """

    folder: RunFolder
    table: pd.DataFrame
    parameters: tuple[str, ...]
    counts: Mapping[str, int]
    evaluations: int

    @property
    def verdict(self) -> str:
        """The answer in one line."""
        n = len(self.table)
        line = f"{self.counts[REACHED]} of {n} files reached their best minimum"
        others = [
            f"{self.counts[status]} {words}"
            for status, words in ((NOT_REACHED, "did not"), (FAILED, "failed"), (NOT_DONE, "are not done"))
            if self.counts[status]
        ]
        return "; ".join([line, *others])

    @property
    def reached(self) -> bool:
        """Whether every file did."""
        return self.counts[REACHED] == len(self.table)

    @property
    def usable(self) -> bool:
        """Whether any file was fitted at all."""
        return bool(self.counts[REACHED] + self.counts[NOT_REACHED])

    def save(self, path: str | PathLike[str]) -> Path:
        """Copy all files to a folder (without Ray's); raises InputError if it cannot be written."""
        target = Path(path)
        ignored = shutil.ignore_patterns("ray", "run.lock")
        try:
            shutil.copytree(self.folder.path, target, dirs_exist_ok=True, ignore=ignored)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", where=str(target)) from error
        return target


def shown_errors(table: pd.DataFrame, parameters: Sequence[str]) -> str:
    """The column of `ERRORS` that plots and texts show: the covariance, or where no file has one, GenX's FOM level."""
    first, second, *_ = ERRORS
    known = any(table[f"{header(name)} {first}"].notna().any() for name in parameters)
    return first if known else second


def batch_csv(folder: RunFolder) -> Path:
    """The table of a batch."""
    return folder.path / "batch.csv"


def write_batch(folder: RunFolder, answers: Mapping[str, Answer]) -> BatchResult:
    """Write ``batch.csv``, ``repeats.csv``, ``traces.npz`` and ``verdict.json`` from the answers so far, by key.

    Raises
    ------
    FileFormatError : the manifest is not that of a batch.
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """
    import pandas as pd

    manifest = folder.manifest()
    config = manifest["config"]
    names = tuple(map(str, config["parameters"]))
    files = [str(file["name"]) for file in config["files"]]
    of_file = {answer.name: answer for answer in answers.values()}
    numbers = varying_number(files)
    rows = [
        _row(name, of_file.get(name), names, None if numbers is None else numbers[place])
        for place, name in enumerate(files)
    ]
    columns = list(_row("", None, names, None if numbers is None else 0.0))
    table = write_table(batch_csv(folder), pd.DataFrame(rows, columns=columns))
    records = [record for answer in of_file.values() for record in answer.records]
    write_repeats(folder.repeats, records, dict.fromkeys(files, names), seed=int(manifest["seed"]))
    write_traces(folder.traces, records)
    counts = Counter(dict.fromkeys((REACHED, NOT_REACHED, FAILED, NOT_DONE), 0))
    counts.update(table["status"])
    spent = sum(answer.evaluations for answer in of_file.values())
    result = BatchResult(folder, table, names, dict(counts), spent)
    folder.write_json(
        folder.verdict,
        {
            "answer": "batch",
            "line": result.verdict,
            "reached": result.reached,
            "files": len(files),
            "counts": dict(counts),
            "failed": {
                answer.name: answer.details["reason"]
                for answer in (of_file[name] for name in files if name in of_file)
                if answer.details["status"] == FAILED
            },
            "parameters": list(names),
            "evaluations": spent,
            "warm_start": bool(config["rules"]["warm_start"]),
            "left_out": list(config.get("left_out", ())),
            "seed": manifest["seed"],
        },
    )
    return result


def _row(name: str, answer: Answer | None, parameters: tuple[str, ...], number: float | None) -> dict[str, Any]:
    """A file's row; one that is not done has nothing in it."""
    details = answer.details if answer is not None else {}
    best = answer.best if answer is not None else None
    records = answer.records if answer is not None else ()
    row: dict[str, Any] = {"file": name}
    if number is not None:
        row["number"] = number
    row |= {
        "status": details.get("status", NOT_DONE),
        "FOM": best.fom if best is not None else math.nan,
        "verdict": details.get("verdict", ""),
    }
    bars = details.get("error bars") or {}
    for place, parameter in enumerate(parameters):
        row[header(parameter)] = best.values[place] if best is not None else math.nan
        for column, (kind, _) in ERRORS.items():
            row[f"{header(parameter)} {column}"] = float(bars[kind][place]) if bars else math.nan
    return row | {
        "evaluations": answer.evaluations if answer is not None else 0,
        "runs": len(records),
        "points": int(details.get("points", 0)),
        "error bars": " | ".join(bars.get("notes") or ()),
        "started from": details.get("follows") or "",
        "failure": details.get("reason", ""),
        "notices": " | ".join(details.get("notices") or ()),
        "model": details.get("model") or "",
        "seconds": math.fsum(record.seconds for record in records),
        "host": records[0].host if records else "",
    }
