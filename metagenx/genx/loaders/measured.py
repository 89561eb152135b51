"""What every loader gives: data sets as measured, with what was found out about the file on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.data import DataSet

Floats = NDArray[np.float64]

# What x is: Q in Å⁻¹, 2θ in degrees, L of a crystal truncation rod; "" if the file does not say.
Axis = Literal["q", "2theta", "l", ""]

AXIS_NAMES: dict[str, str] = {
    "q": "Q in Å⁻¹",
    "2theta": "2θ in degrees",
    "l": "L in reciprocal lattice units",
    "": "of a kind that the file does not name",
}
RESOLUTION = "res"


@dataclass(frozen=True)
class MeasuredSet:
    """One measurement: raw columns of shape ``(n_points,)`` in Å⁻¹ or degrees.

    `error` is one standard deviation, NaN where the file has none. `extra` may hold ``res``, the standard deviation
    of x in the unit of x. `wavelength` is in Å, None if the file does not name it; `meta` is the header.
    """

    name: str
    x: Floats
    y: Floats
    error: Floats
    extra: Mapping[str, Floats] = field(default_factory=dict)
    axis: Axis = ""
    wavelength: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def dataset(self) -> DataSet:
        """As GenX holds it: raw columns and the commands that change nothing."""
        made = DataSet(self.name, self.x, self.y, self.error, extra=self.extra)
        made.meta = dict(self.meta)
        return made


@dataclass(frozen=True)
class ReadData:
    """What was read from a data file.

    Attributes
    ----------
    format : name of the format, e.g. ``"orso"``; `title` says it in words.
    sets : the measurements, in the order of the file.
    detected : how the file was understood, one sentence each: to be shown to the user.
    notices : what may be wrong with it, one sentence each.
    """

    path: Path
    format: str
    title: str
    sets: tuple[MeasuredSet, ...]
    detected: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The file in one line: format, sets, points, what x is."""
        first = self.sets[0]
        count = f"{len(self.sets)} data sets" if len(self.sets) > 1 else f"{len(first.x)} points"
        return f"{self.path.name}: {self.title}, {count}, x is {AXIS_NAMES[first.axis]}"


def measured(
    name: str,
    x: ArrayLike,
    y: ArrayLike,
    error: ArrayLike | None = None,
    *,
    extra: Mapping[str, ArrayLike] | None = None,
    axis: Axis = "",
    wavelength: float | None = None,
    meta: Mapping[str, Any] | None = None,
    where: str,
    notices: list[str],
) -> MeasuredSet:
    """A set of columns that fit together; points without a place (x not a number) are dropped, and it is said.

    Raises InputError if nothing is left, or lengths differ.
    """
    columns = {"x": _column(x), "y": _column(y)}
    columns["error"] = np.full(columns["x"].shape, np.nan) if error is None else _column(error)
    columns |= {f"extra {key}": _column(values) for key, values in (extra or {}).items()}
    lengths = {key: len(values) for key, values in columns.items()}
    if len(set(lengths.values())) != 1:
        listed = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise InputError(f"the columns have different lengths: {listed}", where=where, hint="The file is damaged.")
    label = f"data set {name!r}" if name else "the data set"
    placed = np.isfinite(columns["x"])
    if not placed.all():
        notices.append(f"{label}: {np.count_nonzero(~placed)} points without a finite x were left out")
        columns = {key: values[placed] for key, values in columns.items()}
    if not len(columns["x"]):
        raise InputError(f"{label} has no point", where=where, hint="The measurement is empty; export it again.")
    if not np.isfinite(columns["y"]).any():
        raise InputError(f"{label} has no y value that is a number", where=where, hint="Look at the intensity column.")
    columns["error"] = _checked_error(columns["error"], label, notices)
    bad = np.count_nonzero(~np.isfinite(columns["y"]))
    if bad:
        notices.append(f"{label}: {bad} y values are not numbers; they do not count in a figure of merit")
    kept = {key.removeprefix("extra "): values for key, values in columns.items() if key.startswith("extra ")}
    if wavelength is not None and not (np.isfinite(wavelength) and wavelength > 0.0):
        wavelength = None
    return MeasuredSet(
        name, columns["x"], columns["y"], columns["error"], kept, axis, wavelength, dict(meta or {})
    )  # fmt: skip


def _checked_error(error: Floats, label: str, notices: list[str]) -> Floats:
    """Error bars without infinities; nothing else is mended, but said."""
    infinite = np.isinf(error)
    if infinite.any():
        error = np.where(infinite, np.nan, error)
        notices.append(f"{label}: {np.count_nonzero(infinite)} error bars are infinite; they count as unknown")
    known = error[np.isfinite(error)]
    if (known <= 0.0).any():
        notices.append(
            f"{label}: {np.count_nonzero(known <= 0.0)} error bars are zero or negative: figures of merit that divide "
            "by them leave these points out"
        )
    return error


def _column(values: ArrayLike) -> Floats:
    return np.array(values, dtype=np.float64).ravel()


def identifier(name: str, taken: set[str]) -> str:
    """A column name that a script can use as an attribute; not one that means something else, nor a taken one.

    GenX's way: what is no identifier or reserved gets the prefix ``col_``.
    """
    clean = "".join(sign if sign.isalnum() or sign == "_" else "_" for sign in name.strip()).strip("_") or "column"
    if not clean.isidentifier() or iskeyword(clean) or clean in DataSet.__slots__ or clean in ("e", "copy", "columns"):
        clean = f"col_{clean}"
    made, number = clean, 2
    while made in taken:
        made, number = f"{clean}_{number}", number + 1
    taken.add(made)
    return made
