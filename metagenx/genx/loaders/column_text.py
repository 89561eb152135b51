"""Columns of numbers in text, whatever separates them: what was detected is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.loaders.columns import (
    DATA_SET,
    Meaning,
    Table,
    meaning_of,
    plain_name,
    table_as_told,
    table_by_place,
    table_of_names,
)
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import MeasuredSet, identifier, measured
from metagenx.genx.loaders.numbers import COMMENT_SIGNS, Layout, layout_of, rows_of
from metagenx.genx.loaders.source import lines_of

_HEADER_LINES = 8  # above the numbers, in which names and units are looked for
_UNIT_ONLY = re.compile(
    r"^[\[(]?(?:1/\S+|\S+\^?-1|deg\w*|°\S*|cps|counts|a\.?u\.?|\S*⁻¹|1|none|-|nm|å|a)[\])]?$", re.IGNORECASE
)
_LARGEST_Q, _SMALLEST_ANGLE = 1.2, 3.0  # of the last point: what is likely, if nothing is written


@dataclass(frozen=True)
class Columns:
    """A table of numbers as it stands in a text, with the names above it."""

    layout: Layout
    values: NDArray[np.float64]
    header: list[str]
    names: list[str] | None
    notices: list[str]


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Column text: data sets, how the columns were understood, and what may be wrong."""
    where = path.name
    columns = read_columns(lines_of(content, where), where)
    table = _table(columns, options, where)
    notices = list(columns.notices)
    said = [f"{columns.layout.words}; {len(columns.values)} rows", *table.said]
    sets = sets_of(columns, table, path.stem, where, notices)
    if not table.axis:
        said.append(_likely(sets[0]))
    return Found(sets, said, notices)


def read_columns(lines: list[str], where: str, start: int = 0) -> Columns:
    """The table in these lines from line `start` on; InputError with the line if it is broken."""
    try:
        layout, width = layout_of(lines[start:])
    except InputError as error:
        raise InputError(error.what, where=where, hint=error.hint) from None
    rows = rows_of(lines, layout, width, where, start)
    notices = []
    if rows.skipped_at_end:
        notices.append(f"{rows.skipped_at_end} lines of text after the last row were left out")
    header = [line for line in lines[start : rows.first] if line.strip()]
    names = _names(header[-_HEADER_LINES:], layout, width)
    return Columns(layout, rows.values, header, names, notices)


def sets_of(columns: Columns, table: Table, name: str, where: str, notices: list[str]) -> list[MeasuredSet]:
    """The data sets in a table: one, or several if a column numbers them."""
    plain = [plain_name(text) for text in columns.names or ()]
    if DATA_SET not in plain:
        return [_set(columns.values, table, name, where, notices)]
    numbers = columns.values[:, plain.index(DATA_SET)]
    sets = []
    for number in dict.fromkeys(numbers.tolist()):
        sets.append(_set(columns.values[numbers == number], table, f"{name} {number:g}", where, notices))
    return sets


def _set(values: NDArray[np.float64], table: Table, name: str, where: str, notices: list[str]) -> MeasuredSet:
    def scaled(role: Any) -> NDArray[np.float64] | None:
        index = table.index(role)
        return None if index is None else values[:, index] * table.meanings[index].factor

    x, y, error, resolution = scaled("x"), scaled("y"), scaled("error"), scaled("res")
    assert x is not None
    assert y is not None
    taken: set[str] = {"res"}
    extra = {
        identifier(meaning.name, taken): values[:, i]
        for i, meaning in enumerate(table.meanings)
        if meaning.role == "extra" and plain_name(meaning.name) != DATA_SET
    }
    if resolution is not None and np.isfinite(resolution).any():
        extra = {"res": resolution, **extra}
    return measured(name, x, y, error, extra=extra, axis=table.axis, where=where, notices=notices)


def _table(columns: Columns, options: LoadOptions, where: str) -> Table:
    width = columns.values.shape[1]
    if options.columns:
        return table_as_told(options.columns, width, where)
    named = table_of_names(columns.names) if columns.names else None
    table = named or table_by_place(width)
    if not table.axis:
        hinted = _axis_in_header(columns.header)
        index = table.index("x")
        if hinted is not None and index is not None:
            meanings = list(table.meanings)
            meanings[index] = replace(hinted, name=meanings[index].name)
            said = [*table.said, f"x is {hinted.said}, by the header"]
            return Table(tuple(meanings), said)
    return table


def _axis_in_header(header: Sequence[str]) -> Meaning | None:
    """What x is, where a header names its unit in a line of its own, such as ``# x_units: 2theta``."""
    for line in header:
        match = re.search(r"(?:\bx|absc\w*|axis)[ _-]*unit\w*\s*[:=]\s*(.+)$", line, re.IGNORECASE)
        if not match:
            continue
        text = match.group(1).strip().strip("\"'[]()")
        meaning = meaning_of(text)
        if meaning.role == "x" and meaning.axis:
            return meaning
        quantity = meaning_of(f"Q ({text})")
        if re.search(r"1/|-\s*1|⁻", text):
            return quantity
    return None


def _names(header: Sequence[str], layout: Layout, width: int) -> list[str] | None:
    """The names above the columns: the nearest line with as many words as there are columns."""
    units: list[str] | None = None
    for line in reversed(header):
        text = line.strip()
        for sign in sorted(COMMENT_SIGNS, key=len, reverse=True):
            text = text.removeprefix(sign).strip() if text.startswith(sign) else text
        text = text.lstrip("#").strip()
        cells = _cells(text, layout, width)
        if len(cells) != width or any(len(cell) > 40 for cell in cells):
            continue
        if all(_UNIT_ONLY.match(cell) or not cell for cell in cells):
            units = units or cells
            continue
        if not any(sign.isalpha() for sign in text):
            continue
        return [f"{name} ({unit})" for name, unit in zip(cells, units, strict=True)] if units else cells
    return None


def _cells(text: str, layout: Layout, width: int) -> list[str]:
    """The words of a header line, split like the rows, or by two spaces, or by one."""
    text = re.sub(r"\b(?:two|2)[ _-]+(?=theta|θ)", "2", text, flags=re.IGNORECASE)
    ways = [layout.cells(text)] if layout.delimiter else []
    ways += [re.split(r"\t+|\s{2,}", text), [cell.strip() for cell in text.split(",")]]
    # A unit in brackets belongs to the name before it.
    ways.append(re.sub(r"\s+(?=[\[(])", "\0", text).split())
    ways.append(text.split())
    for cells in ways:
        if len(cells) == width:
            return [cell.replace("\0", " ").strip().strip("\"'") for cell in cells]
    return []


def _likely(found: MeasuredSet) -> str:
    last = float(np.max(found.x))
    if last <= _LARGEST_Q:
        guess = f"a last point of {last:g} looks like Q in Å⁻¹"
    elif last >= _SMALLEST_ANGLE:
        guess = f"a last point of {last:g} looks like 2θ in degrees"
    else:
        guess = f"a last point of {last:g} may be Q or 2θ"
    return f"the file does not say what x is; {guess}"
