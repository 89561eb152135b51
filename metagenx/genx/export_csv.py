"""Data and fit as CSV: UTF-8, decimal points, units in the header, the header in the first line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.export_curves import Curve, Exported
from metagenx.genx.loaders.measured import RESOLUTION

_X = {"q": ("Q [Å⁻¹]", "Å⁻¹"), "2theta": ("2θ [°]", "°"), "l": ("L [r.l.u.]", "r.l.u."), "": ("x", "")}


def to_csv(exported: Exported) -> bytes:
    """The curves one below the other; a first column numbers them if there are several.

    Columns: x with its unit, R, dR, resolution, extra columns, simulation, residual ((R − simulation)/dR), FOM (the
    point-wise figure of merit). A column that no curve has is left out; a missing value is an empty cell. Numbers read
    back to the last digit.
    """
    curves = exported.curves
    numbered = len(curves) > 1
    axes = {curve.measured.axis for curve in curves}
    name, unit = _X[axes.pop()] if len(axes) == 1 else ("x [° or Å⁻¹]", "° or Å⁻¹")
    tables = [_columns(curve, unit) for curve in curves]
    names = list(dict.fromkeys(key for table in tables for key in table))
    names = [key for key in _in_order(names) if any(key in t and np.isfinite(t[key]).any() for t in tables)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*(["data set"] if numbered else []), name, *names])
    for curve, table in zip(curves, tables, strict=True):
        columns = [table.get(key) for key in names]
        for i, x in enumerate(curve.measured.x):
            cells = [_cell(x), *("" if column is None else _cell(column[i]) for column in columns)]
            writer.writerow([*([str(curve.index)] if numbered else []), *cells])
    return stream.getvalue().encode()


def _columns(curve: Curve, unit: str) -> dict[str, NDArray[np.float64]]:
    measured = curve.measured
    columns = {"R": measured.y, "dR": measured.error}
    for name, values in measured.extra.items():
        columns[f"res [{unit}]" if name == RESOLUTION and unit else name] = values
    if curve.simulation is not None and curve.point_fom is not None and curve.residual is not None:
        columns |= {"simulation": curve.simulation, "residual": curve.residual, "FOM": curve.point_fom}
    return columns


def _in_order(names: Sequence[str]) -> list[str]:
    """The order of `_columns` also where an early curve lacks what a later one has."""
    last = [name for name in ("simulation", "residual", "FOM") if name in names]
    return [name for name in names if name not in last] + last


def _cell(value: float) -> str:
    return repr(float(value)) if np.isfinite(value) else "" if np.isnan(value) else str(value)
