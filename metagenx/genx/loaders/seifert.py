"""Seifert .nja: blocks of ``&Key=value`` lines, each followed by its rows of angle and counts per second."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from metagenx.errors import FileFormatError
from metagenx.genx.loaders.attenuation import counting_error
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import measured
from metagenx.genx.loaders.numbers import Layout, number, rows_of
from metagenx.genx.loaders.source import DAMAGED, lines_of

_KEY = re.compile(r"&(\w+)=([^\t&]*)")
_TWO_THETA = ("T", "2T", "TO", "OT", "OW", "C")


def recognises(content: bytes, path: Path) -> bool:
    """Whether it is named .nja and has its keys."""
    return path.suffix.lower() == ".nja" or (b"&ScanAxis=" in content[:65536] and b"&NumScans=" in content[:65536])


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Every scan as a data set; counts per second, with counting statistics as errors if the time is known."""
    result = Found([], ["Seifert: 2θ (or the scanned angle) and counts per second"])
    keys: dict[str, str] = {}
    block: list[str] = []
    begun = 0
    for index, line in enumerate([*lines_of(content, path.name), ""]):
        text = line.strip()
        cells = text.split()
        is_row = bool(cells) and all(number(cell) is not None for cell in cells)
        if is_row and len(cells) >= 2:
            begun = begun if block else index
            block.append(text)
            continue
        if block and not is_row:
            _take(block, keys, begun, path, result)
            block = []
        if not text.startswith("&Axis="):
            keys.update(_KEY.findall(text))
    if not result.sets:
        raise FileFormatError("it holds no scan of angle and counts", where=path.name, hint=DAMAGED)
    return result


def _take(block: list[str], keys: dict[str, str], begun: int, path: Path, result: Found) -> None:
    where = f"{path.name}, scan at line {begun + 1}"
    values = rows_of(block, Layout(), len(block[0].split()), where).values
    declared = keys.get("NoValues", "").strip()
    if declared.isdigit() and int(declared) != len(values):
        result.notices.append(f"{where}: {declared} points are announced, {len(values)} are there")
    axis = keys.get("ScanAxis", "").strip().upper()
    factor = 2.0 if axis == "O" else 1.0
    result.said.append(f"{where}: scan axis {axis or 'not named'}" + (", doubled to 2θ" if factor == 2.0 else ""))
    time = number(keys.get("Time", ""))
    known = time is not None and np.isfinite(time) and time > 0.0
    error = counting_error(values[:, 1] * time) / time if known and time is not None else None
    name = path.stem if not result.sets else f"{path.stem} {len(result.sets)}"
    result.sets.append(
        measured(
            name, factor * values[:, 0], values[:, 1], error, axis="2theta" if axis in (*_TWO_THETA, "O", "") else "",
            where=where, notices=result.notices,
        )
    )  # fmt: skip
