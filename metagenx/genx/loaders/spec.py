"""SPEC data files (Certified Scientific Software): every scan ``#S`` is a data set; pick one by its number.

The format is that of the SPEC manual, "Standard Data-File Format".
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders.attenuation import counting_error
from metagenx.genx.loaders.columns import meaning_of
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import MeasuredSet, identifier, measured
from metagenx.genx.loaders.numbers import Layout, rows_of
from metagenx.genx.loaders.source import DAMAGED, lines_of

_HKL = ("H", "K", "L")


def recognises(content: bytes, path: Path) -> bool:
    """Whether it begins as SPEC files do."""
    return bool(re.match(rb"\s*(?:#F |#S \d|#E \d+\s+#[DSC])", content[:400]))


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """All scans, or the picked one: x is the scanned column, y the last, errors by counting statistics."""
    lines = lines_of(content, path.name)
    starts = [index for index, line in enumerate(lines) if re.match(r"#S\s+\d+", line)]
    if not starts:
        raise FileFormatError("it holds no scan", where=path.name, hint=DAMAGED)
    result = Found([], ["SPEC: x is the scanned column, y the last, errors by counting statistics"])
    numbers = []
    for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        number = lines[begin].split()[1]
        numbers.append(number)
        if options.pick is not None and number != options.pick:
            continue
        if any(_is_row(line) for line in lines[begin:end]):
            result.sets.append(_scan(lines[begin:end], number, begin, path, result))
    if not result.sets:
        known = ", ".join(numbers[:20])
        what = "no scan has points" if options.pick is None else f"there is no scan {options.pick} with points"
        raise InputError(what, where=path.name, hint=f"The scans are {known}; pick one as {path.name}#{numbers[0]}.")
    return result


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("#", "@"))


def _scan(lines: list[str], number: str, begin: int, path: Path, result: Found) -> MeasuredSet:
    where = f"{path.name}, scan {number} at line {begin + 1}"
    labels: list[str] = []
    for line in lines:
        if line.startswith("#L "):
            labels = re.split(r"\s{2,}|\t", line[3:].strip())
    kept = [line if _is_row(line) else "" for line in lines]
    width = len(next(line for line in kept if line).split())
    if width < 2:
        raise FileFormatError("its rows have one column", where=where, hint=DAMAGED)
    values = rows_of(kept, Layout(), width, where).values
    if len(labels) != width:
        labels = [f"column_{index + 1}" for index in range(width)]
    place = _scanned(labels, values)
    meaning = meaning_of(labels[place])
    factor, axis = (meaning.factor, meaning.axis) if meaning.role == "x" else (1.0, "")
    result.said.append(f"scan {number}: x is {labels[place]}, y is {labels[-1]}; the other columns are extra columns")
    taken = {"res"}
    extra = {
        identifier(label.lower() if label in _HKL else label, taken): values[:, i]
        for i, label in enumerate(labels[:-1])
        if i != place
    }
    y = values[:, -1]
    return measured(
        f"{path.stem} scan {number}", values[:, place] * factor, y, counting_error(y), extra=extra, axis=axis,
        where=where, notices=result.notices,
    )  # fmt: skip


def _scanned(labels: list[str], values: NDArray[np.float64]) -> int:
    """The column that is x: the first, or of H, K and L the one that moves most."""
    if tuple(labels[:3]) != _HKL:
        return 0
    return int(np.argmax(np.ptp(values[:, :3], axis=0)))
