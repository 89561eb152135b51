"""Repeated sweeps of one sample: added up, and compared before they are.

A sweep's error column says what one count is: error² = y·quantum. Sweeps are averaged with the weights of their
exposures, 1/quantum, which is what adding their counts would give. Weights by each point's own error would prefer what
counted too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metagenx.fitting.problem import FloatArray
from metagenx.genx.data import DataList, DataSet
from metagenx.meta.counting import believable

_SAME_X = 1e-6  # of the range of x
_FEWEST = 3  # common points that a comparison needs


@dataclass(frozen=True, eq=False)
class Curve:
    """One data set: x, y and its errors ``(n_points,)``, and how long it was counted, in units of its own."""

    x: FloatArray
    y: FloatArray
    error: FloatArray
    exposure: float

    @classmethod
    def of(cls, data: DataSet) -> Curve:
        """From a data set of a model."""
        x, y, error = (np.asarray(column, dtype=float) for column in (data.x, data.y, data.error))
        exposure = 1.0
        if error.shape == y.shape and believable(y, error):
            with np.errstate(all="ignore"):
                quantum = error**2 / y
            good = quantum[np.isfinite(quantum) & (quantum > 0.0)]
            exposure = float(1.0 / np.median(good)) if len(good) else 1.0
        return cls(x, y, error if error.shape == y.shape else np.full(y.shape, np.nan), exposure)


def together(curves: Sequence[Curve]) -> Curve:
    """The sweeps as one measurement, on all their points; each point with the exposure that it has had."""
    x = np.concatenate([curve.x for curve in curves])
    y = np.concatenate([curve.y for curve in curves])
    error = np.concatenate([curve.error for curve in curves])
    weight = np.concatenate([np.full(len(curve.x), curve.exposure) for curve in curves])
    there = np.isfinite(x) & np.isfinite(y)
    x, y, error, weight = (column[there] for column in (x, y, error, weight))
    if not len(x):
        return curves[-1]
    order = np.argsort(x, kind="stable")
    x, y, error, weight = (column[order] for column in (x, y, error, weight))
    apart = _SAME_X * (float(x[-1] - x[0]) or 1.0)
    first = np.flatnonzero(np.concatenate([[True], np.diff(x) > apart]))
    total = np.add.reduceat(weight, first)
    mean = np.add.reduceat(weight * y, first) / total
    spread = np.sqrt(np.add.reduceat((weight * error) ** 2, first)) / total
    return Curve(np.add.reduceat(weight * x, first) / total, mean, spread, sum(curve.exposure for curve in curves))


def disagreement(new: Curve, old: Curve) -> tuple[float, int]:
    """χ² of the difference of two independent measurements of one curve, and how many points they share.

    Differences are those of square roots, whose noise does not depend on what was counted. NaN without errors or
    with too few points in common.
    """
    if not (len(new.x) and len(old.x)):
        return np.nan, 0
    order = np.argsort(old.x, kind="stable")
    x = old.x[order]
    place = np.clip(np.searchsorted(x, new.x), 1, max(len(x) - 1, 1)) if len(x) > 1 else np.ones(len(new.x), dtype=int)
    before, after = np.abs(new.x - x[place - 1]), np.abs(new.x - x[np.minimum(place, len(x) - 1)])
    nearest = order[np.where(before <= after, place - 1, np.minimum(place, len(x) - 1))]
    close = np.minimum(before, after) <= _SAME_X * (float(x[-1] - x[0]) or 1.0)
    a, b, ea, eb = new.y[close], old.y[nearest[close]], new.error[close], old.error[nearest[close]]
    z = departures(a, ea, b, eb)
    z = z[np.isfinite(z)]
    return (float(np.sum(z**2)), len(z)) if len(z) >= _FEWEST else (np.nan, len(z))


def departures(
    y: FloatArray, error: FloatArray, other: FloatArray, other_error: FloatArray | None = None
) -> FloatArray:
    """How far y is from another curve, in standard deviations, ``(n_points,)``; NaN where nothing is known.

    With counts (y > 0) the square roots are compared: 2(√y − √other)·√y/error is near to normal down to a few counts,
    where (y − other)/error is not. ``other_error`` is that of the other curve, if it is measured too.
    """
    also = np.zeros(len(y)) if other_error is None else other_error
    with np.errstate(all="ignore"):
        variance = error**2 / y + np.where(also == 0.0, 0.0, also**2 / other)
        roots = 2.0 * (np.sqrt(y) - np.sqrt(np.maximum(other, 0.0))) / np.sqrt(variance)
        plain = (y - other) / np.sqrt(error**2 + also**2)
        z = np.where(y > 0.0, roots, plain)
    return np.asarray(np.where(np.isfinite(z) & (error > 0.0), z, np.nan))


def with_curves(data: DataList, curves: Sequence[Curve]) -> DataList:
    """Data sets with other measurements in them; extra columns go along where the points are the same."""
    return DataList(_with_curve(dataset, curve) for dataset, curve in zip(data, curves, strict=True))


def _with_curve(old: DataSet, curve: Curve) -> DataSet:
    new = old.copy()
    columns = {}
    for name, values in old.extra_data.items():
        if np.shape(values) == np.shape(old.x):
            order = np.argsort(old.x, kind="stable")
            columns[name] = np.interp(curve.x, np.asarray(old.x, dtype=float)[order], np.asarray(values, float)[order])
    new.x, new.y, new.error = curve.x.copy(), curve.y.copy(), curve.error.copy()
    # Its columns are made from itself: the commands of the file were for the raw data of one sweep.
    new.x_raw, new.y_raw, new.error_raw = curve.x.copy(), curve.y.copy(), curve.error.copy()
    new.x_command, new.y_command, new.error_command = "x", "y", "e"
    new.extra_data, new.extra_data_raw = columns, {name: values.copy() for name, values in columns.items()}
    new.extra_commands = {name: name for name in columns}
    new.y_sim, new.y_fom = np.zeros(0), np.zeros(0)
    return new
