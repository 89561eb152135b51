"""Reduced curves of the magnetism reflectometer at SNS (QuickNXS): Qz, R, dR, dQz, θ; one set per spin state."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from metagenx.errors import FileFormatError
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import measured
from metagenx.genx.loaders.numbers import Layout, rows_of
from metagenx.genx.loaders.source import DAMAGED, lines_of

_FIRST = b"# Datafile created by QuickNXS"


def recognises(content: bytes, path: Path) -> bool:
    """Whether QuickNXS says so in the first line."""
    return content.startswith(_FIRST)


def read(content: bytes, path: Path, options: LoadOptions) -> Found:
    """Every block of rows is a data set, named by the runs and the spin state that its header names."""
    result = Found([], ["QuickNXS: Qz, R, error, resolution (standard deviation), angle of incidence"])
    block: list[str] = []
    header: dict[str, str] = {}
    begun = 0
    lines = lines_of(content, path.name)
    for index, line in enumerate([*lines, "# [Data]"]):
        text = line.strip()
        if text.startswith("#"):
            if block:
                _take(block, header, begun, path, result)
                block = []
            match = re.match(r"#\s*(Input file indices|Extracted states|Type)\s*:\s*(.*)", text)
            if match:
                header[match.group(1)] = match.group(2).strip()
        elif text:
            begun = begun if block else index
            block.append(text)
        elif block:
            _take(block, header, begun, path, result)
            block = []
    if not result.sets:
        raise FileFormatError("it holds no rows of data", where=path.name, hint=DAMAGED)
    return result


def _take(block: list[str], header: dict[str, str], begun: int, path: Path, result: Found) -> None:
    where = f"{path.name}, block at line {begun + 1}"
    width = len(block[0].split())
    if width < 2:
        raise FileFormatError("a row has no column R", where=where, hint=DAMAGED)
    values = rows_of(block, Layout(), width, where).values
    states = re.split(r"[\s,]+", header.get("Extracted states", ""))
    state = states[min(len(result.sets), len(states) - 1)]
    runs = header.get("Input file indices", path.stem)
    name = f"{runs} ({state})" if state else runs
    if any(made.name == name for made in result.sets):
        name = f"{name} {len(result.sets)}"
    extra = {}
    if width > 3 and np.isfinite(values[:, 3]).any():
        extra["res"] = values[:, 3]
    if width > 4:
        extra["ai"] = values[:, 4]
    result.sets.append(
        measured(
            name, values[:, 0], values[:, 1], values[:, 2] if width > 2 else None, extra=extra, axis="q", where=where,
            notices=result.notices,
        )
    )  # fmt: skip
