"""The counting noise of a measurement: how large one count is at each point; another curve measured in the same way.

A detector counts: y = count·quantum, with a quantum that depends on attenuators, times and monitors, not on the film.
So the quanta of a measurement are those of any film in the same experiment. They follow from the error column
(error² = y·quantum), from whole numbers in y, or from how much neighbouring points scatter. What the error column says
is smoothed by a running median, which keeps the steps of an attenuator and forgets the fringes of the film.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError

FloatArray = NDArray[np.float64]

_WINDOW = 15  # points of the running median
_MOST_COUNTED = 1e6  # counts; more are drawn from a normal distribution
_MEDIAN_OF_CHI2 = 0.4549  # of one degree of freedom
_SCATTER = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / np.sqrt(70.0)  # blind for what is cubic over five points
_FEWEST_SCATTER = 9  # points
_LEAST_NOISE = 1e-6  # relative; below it the data are a curve without noise
_MOST_GROUPS = 8  # of points of like intensity


@dataclass(frozen=True, eq=False)
class Counting:
    """How a data set was measured.

    Attributes
    ----------
    quantum : ``(n_points,)`` what one count adds to y; NaN for points without data.
    deviation : ``(n_points,)`` standard deviations, for data that are not counts: differences, asymmetries, data below
        zero after a background was taken off. None for counts.
    has_zeros : whether points without a count are kept; else one count is the least, as only such points are shown.
    text : where it comes from, in words.
    """

    quantum: FloatArray
    deviation: FloatArray | None
    has_zeros: bool
    text: str

    def measure(self, ideal: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Another curve ``(n_points,)`` measured in this way: y and its error column, NaN where the data have none."""
        if self.deviation is not None:
            return ideal + self.deviation * rng.standard_normal(len(ideal)), self.deviation.copy()
        with np.errstate(invalid="ignore"):
            mean = np.nan_to_num(np.maximum(ideal, 0.0) / self.quantum)
        few = rng.poisson(np.minimum(mean, _MOST_COUNTED)).astype(float)
        many = np.rint(mean + np.sqrt(mean) * rng.standard_normal(len(mean)))
        counts = np.where(mean < _MOST_COUNTED, few, many)
        if not self.has_zeros:
            counts = np.maximum(counts, 1.0)
        there = np.isfinite(ideal) & np.isfinite(self.quantum)
        y, error = counts * self.quantum, np.sqrt(np.maximum(counts, 1.0)) * self.quantum
        return np.where(there, y, np.nan), np.where(there, error, np.nan)


def counting_of(y: FloatArray, error: FloatArray) -> Counting:
    """How data y with an error column, ``(n_points,)`` each, were counted.

    Raises
    ------
    InputError : neither errors nor whole counts nor enough points to see their scatter.
    """
    y, error = np.asarray(y, dtype=float), np.asarray(error, dtype=float)
    there = np.isfinite(y)
    if not there.any():
        raise InputError("there are no data, so nothing says how they were counted")
    if (y[there] < 0.0).any():
        return _differences(y, error, there)
    has_zeros = bool((y[there] == 0.0).any())
    if believable(y, error):
        usable = there & np.isfinite(error) & (error > 0.0)
        # A point without a count has the error of one.
        quantum = np.where(usable, error**2 / np.maximum(y, error), np.nan)
        return Counting(_smooth(quantum, there), None, has_zeros, "the error column")
    size = _whole(y[there])
    text = "whole counts in the data"
    if size is None:
        size, text = _scatter(y[there]), "the scatter of neighbouring points"
    return Counting(np.where(there, size, np.nan), None, has_zeros, text)


def believable(y: FloatArray, error: FloatArray) -> bool:
    """Whether an error column can be one of counts: there for nearly all points with data, and not y itself."""
    there = np.isfinite(y) & (y != 0.0)
    if error.shape != y.shape or not there.any():
        return False
    good = np.isfinite(error[there]) & (error[there] > 0.0)
    return bool(good.mean() >= 0.9 and not np.allclose(error[there][good], np.abs(y[there][good]), rtol=1e-9, atol=0.0))


def _differences(y: FloatArray, error: FloatArray, there: NDArray[np.bool_]) -> Counting:
    """Data that may be negative are not counts; each point keeps its error."""
    if believable(y, error):
        deviation, text = np.where(there, error, np.nan), "the error column, data below zero"
        deviation = np.where(np.isfinite(deviation), deviation, np.nanmedian(deviation))
    else:
        steps = _steps(y[there])
        size = float(np.sqrt(np.median(steps**2) / _MEDIAN_OF_CHI2))
        deviation, text = np.full(len(y), size), "the scatter of neighbouring points, data below zero"
    return Counting(np.full(len(y), np.nan), np.where(there, deviation, np.nan), True, text)


def _smooth(quantum: FloatArray, there: NDArray[np.bool_]) -> FloatArray:
    """Running median, gaps filled; NaN where there are no data."""
    logs = np.log(quantum)
    logs = np.where(np.isfinite(logs), logs, np.nan)
    reach = _WINDOW // 2
    padded = np.pad(logs, reach, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    overall = float(np.nanmedian(logs))
    empty = ~np.isfinite(windows).any(axis=1)
    middle = np.nanmedian(np.where(empty[:, None], overall, windows), axis=1)
    return np.where(there, np.exp(middle), np.nan)


def _whole(y: FloatArray) -> float | None:
    """What one count is, if all small values are whole multiples of the smallest; None if they are not."""
    positive = y[y > 0.0]
    if not len(positive):
        return None
    if np.array_equal(positive, np.rint(positive)) and positive.max() >= 10.0:
        return 1.0
    multiples = positive / positive.min()
    low = multiples[multiples < 1000.0]
    whole = np.abs(low - np.rint(low)) < 1e-4 * low
    different = len(np.unique(np.rint(low)))
    return float(positive.min()) if different >= 5 and whole.mean() > 0.95 else None


def _scatter(y: FloatArray) -> float:
    steps = _steps(y)
    middle = y[2:-2]
    good = middle > 0.0
    if not good.any():
        raise InputError("no point lies above zero, so nothing says how the data were counted")
    # Fringes scatter too, so that the groups of points that scatter least tell more about the counts.
    ratios = (steps[good] ** 2 / middle[good])[np.argsort(middle[good])]
    groups = np.array_split(ratios, max(1, min(_MOST_GROUPS, len(ratios) // _FEWEST_SCATTER)))
    size = float(np.quantile([np.median(group) for group in groups], 0.25) / _MEDIAN_OF_CHI2)
    if not size > _LEAST_NOISE**2 * float(np.median(middle[good])):
        raise InputError(
            "the data have neither errors nor noise, so nothing says how they were counted",
            hint="They look simulated; use a measurement, or give an error column.",
        )
    return size


def _steps(y: FloatArray) -> FloatArray:
    if len(y) < _FEWEST_SCATTER:
        raise InputError("there are too few points without errors to say how they were counted")
    return np.convolve(y, _SCATTER, mode="valid")
