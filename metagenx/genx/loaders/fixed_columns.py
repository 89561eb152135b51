"""Formats that are columns of numbers in a known order: GenX's own conventions and those of single instruments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders.column_text import read_columns
from metagenx.genx.loaders.columns import SIGMA_OF_FWHM, table_as_told
from metagenx.genx.loaders.format import Found, LoadOptions
from metagenx.genx.loaders.measured import Axis, MeasuredSet, measured
from metagenx.genx.loaders.source import lines_of

Floats = NDArray[np.float64]
Read = Callable[[bytes, Path, LoadOptions], Found]


@dataclass(frozen=True)
class Order:
    """Which column (from 0) holds what; a column that the file does not have stays empty."""

    x: int = 0
    y: int = 1
    error: int | None = 2
    res: int | None = None
    extra: tuple[tuple[str, int], ...] = ()
    axis: Axis = ""
    skip: int = 0
    res_is_fwhm: bool | None = None  # None: by the column's name


def reader(order: Order, words: str) -> Read:
    """A reader of columns in this order; `words` say what the order is."""

    def read(content: bytes, path: Path, options: LoadOptions) -> Found:
        lines = lines_of(content, path.name)
        if order.skip and len(lines) <= order.skip:
            raise FileFormatError(
                f"it ends within its {order.skip} header lines",
                where=path.name,
                hint="The file was cut off; copy it again.",
            )
        columns = read_columns(lines, path.name, order.skip)
        found = Found([], [f"{words}; {columns.layout.words}"], list(columns.notices))
        told = table_as_told(options.columns, columns.values.shape[1], path.name) if options.columns else None
        if told is not None:
            from metagenx.genx.loaders.column_text import sets_of

            found.sets += sets_of(columns, told, path.stem, path.name, found.notices)
            found.said += told.said
            return found
        found.sets.append(_set(columns.values, columns.names, order, path, found))
        return found

    return read


def _set(values: Floats, names: list[str] | None, order: Order, path: Path, found: Found) -> MeasuredSet:
    width = values.shape[1]
    if max(order.x, order.y) >= width:
        raise InputError(
            f"it has {width} columns; x is expected in column {order.x + 1} and y in column {order.y + 1}",
            where=path.name,
        )

    def taken(index: int | None) -> Floats | None:
        return values[:, index] if index is not None and index < width else None

    extra = {name: values[:, index] for name, index in order.extra if index < width}
    resolution = taken(order.res)
    if resolution is not None and order.res is not None:
        named = names[order.res] if names else ""
        fwhm = order.res_is_fwhm if order.res_is_fwhm is not None else bool(re.search("fwhm", named, re.IGNORECASE))
        extra = {"res": resolution * (SIGMA_OF_FWHM if fwhm else 1.0), **extra}
        found.said.append(
            "the resolution is a full width at half maximum, made a standard deviation"
            if fwhm
            else "the resolution is taken as a standard deviation"
        )
    if taken(order.error) is None:
        found.notices.append("the file has no error column")
    return measured(
        path.stem, values[:, order.x], values[:, order.y], taken(order.error), extra=extra, axis=order.axis,
        where=path.name, notices=found.notices,
    )  # fmt: skip


DEFAULT = reader(Order(), "GenX's default order: x, y, error")
RESOLUTION = reader(Order(res=3), "GenX's order with resolution: x, y, error, resolution")
AMOR = reader(Order(error=3, res=2, axis="q"), "AMOR: Q, R, resolution, error")
D17_COSMOS = reader(Order(res=3, axis="q"), "D17 (COSMOS): Q, R, error, resolution")
D17_LEGACY = reader(Order(res=3, axis="q", skip=36), "D17 (before COSMOS): 36 header lines; Q, R, error, resolution")


def is_cosmos(content: bytes, path: Path) -> bool:
    """Whether it is a reduced curve in ILL's .mft."""
    return path.suffix.lower() == ".mft"


def is_amor(content: bytes, path: Path) -> bool:
    """Whether the name is AMOR's ``….Rqz…``."""
    return ".rqz" in path.name.lower() and not content.lstrip(b"\xef\xbb\xbf").startswith(b"# # ORSO")


def is_d17_legacy(content: bytes, path: Path) -> bool:
    """Whether it is an .out file with a header as long as D17's."""
    return path.suffix.lower() == ".out" and content.count(b"\n") > 37
