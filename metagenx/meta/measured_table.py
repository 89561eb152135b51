"""The table of measured settings: what ran, on which sample, and what each run cost until its hit or its end."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.meta.parameters import Value

COLUMNS = ("setting", "create_trial", "km", "kr", "pop_mult", "sample", "n_dim", "runs")


@dataclass(frozen=True)
class MeasuredRuns:
    """Runs of one setting on one sample: ``costs`` ``(n,)`` in evaluations, ``hits`` ``(n,)`` bool.

    The costs are until the hit, or until the run had stagnated or was cut off.
    """

    setting: str
    values: Mapping[str, Value]
    sample: str
    n_dim: int
    costs: NDArray[np.float64]
    hits: NDArray[np.bool_]

    def at(self, cutoff: float) -> tuple[float, int]:
        """Evaluations spent and successes, had every run been ended after ``cutoff`` evaluations."""
        return float(np.minimum(self.costs, cutoff).sum()), int((self.hits & (self.costs <= cutoff)).sum())


def built_in_tables() -> dict[str, Path]:
    """Name → file of the tables that come with metagenx."""
    folder = Path(__file__).parent / "tables"
    return {path.name.removesuffix(".csv.gz"): path for path in sorted(folder.glob("*.csv.gz"))}


def read_table(path: Path) -> list[MeasuredRuns]:
    """Read a table; lines that begin with # say how it was made.

    Raises
    ------
    InputError : it cannot be read, or is no such table.
    """
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(
            f"the table cannot be read: {error}",
            where=str(path),
            hint="It is a .csv.gz as tabular_publish.py makes it.",
        ) from None
    rows = csv.DictReader(line for line in io.StringIO(text) if not line.startswith("#"))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise InputError(f"the columns of the table are not {', '.join(COLUMNS)}", where=str(path))
    found = []
    for row in rows:
        try:
            runs = np.array(row["runs"].split(), dtype=float)
            values: dict[str, Value] = {"create_trial": row["create_trial"]}
            values |= {name: float(row[name]) for name in ("km", "kr", "pop_mult")}
            found.append(MeasuredRuns(row["setting"], values, row["sample"], int(row["n_dim"]), np.abs(runs), runs > 0))
        except (ValueError, TypeError, AttributeError):
            where = f"{path}, line {rows.line_num}"
            raise InputError("a row of the table is damaged", where=where, hint="Make the table again.") from None
    return found


def write_table(path: Path, rows: list[MeasuredRuns], made: str) -> None:
    """Write a table; ``made`` says how it came about, in lines. A run that did not hit has a minus before its cost."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in made.splitlines())
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        runs = " ".join(f"{cost:.0f}" if hit else f"{-cost:.0f}" for cost, hit in zip(row.costs, row.hits, strict=True))
        values = [row.values[name] for name in ("create_trial", "km", "kr", "pop_mult")]
        writer.writerow([row.setting, *values, row.sample, row.n_dim, runs])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
