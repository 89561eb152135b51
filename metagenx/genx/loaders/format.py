"""What a data format is to the registry: how it is recognised, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from metagenx.genx.loaders.measured import MeasuredSet


@dataclass(frozen=True)
class LoadOptions:
    """What the user knows better than the file.

    `columns` are roles or names in order (column text only); `x` is one of `coordinates.X_KINDS`; `pick` is the data
    set or scan that is wanted, by name or number.
    """

    columns: tuple[str, ...] = ()
    x: str | None = None
    pick: str | None = None


@dataclass
class Found:
    """What a reader found: sets, how it understood the file, and what may be wrong."""

    sets: list[MeasuredSet]
    said: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """One data format.

    `recognises` gets the content and the path, and is asked in the order of the registry; None: only by name.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    read: Callable[[bytes, Path, LoadOptions], Found]
    recognises: Callable[[bytes, Path], bool] | None = None
