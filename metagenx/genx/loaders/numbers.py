"""Rows of numbers in text: which sign separates, which marks the decimals, and where a row is broken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.loaders.source import MAX_POINTS

Floats = NDArray[np.float64]

COMMENT_SIGNS = ("#", "%", "!", ";", "//", "*", "@", "&")
MAX_VALUES = 8_000_000
_SAMPLE, _SAMPLE_SIZE = 500, 200_000  # lines and characters that decide the layout
_FORTRAN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(?:[dD]([-+]?\d+)|([-+]\d{2,3}))$")
_COMMENT = re.compile(r"\s#")
_MISSING = {"nan", "-nan", "+nan", "na", "n/a", "null", "none", "--", "-", "1.#qnan", "-1.#ind", "1.#ind"}
_INFINITE = {"1.#inf": np.inf, "-1.#inf": -np.inf, "∞": np.inf}
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eEdD][-+]?\d+)?$|[-+]?\d+(?:[eE][-+]?\d+)?$")


@dataclass(frozen=True)
class Layout:
    """How a row is written: `delimiter` None is any white space."""

    delimiter: str | None = None
    decimal: str = "."

    @property
    def words(self) -> str:
        """For the user."""
        between = {None: "white space", "\t": "tabs", ",": "commas", ";": "semicolons"}[self.delimiter]
        return f"columns separated by {between}" + (", decimal comma" if self.decimal == "," else "")

    def cells(self, line: str) -> list[str]:
        """The cells of a line, without quotes and without empty ones at its end."""
        if self.delimiter is None:
            return line.split()
        cells = [cell.strip().strip("\"'") for cell in line.split(self.delimiter)]
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def row(self, line: str) -> list[float] | None:
        """The numbers of a line; None if it holds anything else."""
        row = [self.number(cell) for cell in self.cells(line)]
        return None if not row or None in row else [value for value in row if value is not None]

    def number(self, cell: str) -> float | None:
        """The number in a cell: NaN for an empty or missing one, None if it is something else."""
        if self.decimal == ",":
            if "." in cell:
                return None
            if "," in cell:
                if not _DECIMAL_COMMA.match(cell):
                    return None
                cell = cell.replace(",", ".")
        return number(cell)


LAYOUTS = tuple(
    Layout(delimiter, decimal)
    for delimiter, decimal in ((";", "."), (";", ","), ("\t", "."), ("\t", ","), (",", "."), (None, "."), (None, ","))
)


def number(cell: str) -> float | None:
    """The number that a cell holds, None if it holds none; empty cells and the ways to write NaN give NaN."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        pass
    low = cell.strip().lower()
    if not low or low in _MISSING:
        return float("nan")
    if low in _INFINITE:
        return _INFINITE[low]
    fortran = _FORTRAN.match(cell.strip())
    if fortran:
        mantissa, exponent, bare = fortran.groups()
        return float(f"{mantissa}e{exponent or bare}")
    return None


def without_comment(line: str) -> str:
    """A line up to a comment in it; empty if all of it is one."""
    line = line.strip()
    if line.startswith(COMMENT_SIGNS):
        return ""
    return _COMMENT.split(line, maxsplit=1)[0].rstrip()


def layout_of(lines: Sequence[str]) -> tuple[Layout, int]:
    """The layout that makes rows of two or more numbers of most `lines`, and the number of its columns.

    Raises InputError if none does.
    """
    sample: list[str] = []
    size = 0
    for line in lines:
        text = without_comment(line)
        if text and any(sign.isdigit() for sign in text):
            sample.append(text)
            size += len(text)
        if len(sample) >= _SAMPLE or size > _SAMPLE_SIZE:
            break
    best: tuple[int, Layout, int] | None = None
    for layout in LAYOUTS:
        widths = Counter(len(row) for text in sample if (row := layout.row(text)) is not None and len(row) > 1)
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        if best is None or count > best[0]:
            best = (count, layout, width)
    if best is None:
        raise InputError(
            "no line of it holds two or more numbers",
            hint="A data file needs columns of numbers: x, y and, if known, the error.",
        )
    return best[1], best[2]


@dataclass(frozen=True)
class Rows:
    """The table in a text: `values` ``(n_rows, n_columns)`` and the line (from 0) of its first row."""

    values: Floats
    first: int
    skipped_at_end: int = 0


def rows_of(lines: Sequence[str], layout: Layout, width: int, where: str, start: int = 0) -> Rows:
    """All rows from the first one of `width` numbers on.

    Raises InputError with the line if a row in between is broken or of another width.
    """
    rows: list[list[float]] = []
    first, broken = -1, -1
    for number_of_line in range(start, len(lines)):
        text = without_comment(lines[number_of_line])
        if not text:
            continue
        row = layout.row(text)
        fits = row is not None and len(row) == width
        if first < 0:
            if not fits:
                continue
            first = number_of_line
        if fits and broken < 0 and row is not None:
            rows.append(row)
            if len(rows) > MAX_POINTS or len(rows) * width > MAX_VALUES:
                raise InputError(
                    f"it has more than {min(MAX_POINTS, MAX_VALUES // width)} rows of {width} numbers",
                    where=where,
                    hint="Export the reduced curve only.",
                )
        elif row is not None:
            at = broken if broken >= 0 else number_of_line
            raise _broken_row(lines[at], len(row), width, at, where, is_text=broken >= 0)
        elif broken < 0:
            broken = number_of_line
    if not rows:
        raise InputError("it has no row of numbers", where=where, hint="Export the measurement again.")
    left = sum(1 for line in lines[broken:] if line.strip()) if broken >= 0 else 0
    return Rows(np.array(rows, dtype=np.float64), first, left)


def _broken_row(line: str, found: int, width: int, at: int, where: str, *, is_text: bool) -> InputError:
    shown = line.strip()[:60]
    what = f"{shown!r} is not a row of numbers" if is_text else f"this row has {found} columns, the others have {width}"
    return InputError(
        what,
        where=f"{where}, line {at + 1}",
        hint="Mend the line, or mark it as a comment with #. Several measurements go into several files or one .ort.",
    )


def column(values: Iterable[str], what: str, where: str) -> Floats:
    """Numbers from cells; raises InputError naming `what` for the first that is none."""
    result: list[float] = []
    for cell in values:
        value = number(cell)
        if value is None:
            raise InputError(f"{what} holds {cell[:40]!r}, which is not a number", where=where)
        result.append(value)
        if len(result) > MAX_POINTS:
            raise InputError(f"{what} has more than {MAX_POINTS} values", where=where)
    return np.array(result, dtype=np.float64)
