"""How large the noise of the data is: by their error column where that agrees with the fit, else by the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting.problem import Deviations, FloatArray

BoolArray = NDArray[np.bool_]

#: Chance of a χ² that far from its mean, below which the error column is not believed as it is.
BELIEVED = 0.001


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the differences between data and simulation.

    Attributes
    ----------
    deviation : ``(n_points,)``, NaN for points that are left out.
    estimated : whether its size comes from the fit itself; intervals are then wider by Student's t.
    degrees_of_freedom : points that count, less fitted parameters.
    reduced_chi2 : of the differences against the error column; NaN without one.
    text : where it comes from, in words.
    """

    deviation: FloatArray
    estimated: bool
    degrees_of_freedom: int
    reduced_chi2: float
    text: str


def noise_of_fit(found: Deviations, used: BoolArray, n_fitted: int) -> Noise:
    """The noise at a minimum.

    The error column is taken as it is where the χ² of the fit is one that it allows (chance above 0.1 %), and where the
    figure of merit weighs by it and the χ² is smaller. Else the variance is a mixture of two shapes, the error column's
    and the one for which the figure of merit weighs rightly (noise ∝ 1/weight, 1/√weight if it squares), with the share
    of the highest Gaussian likelihood and the size of the residuals. Without an error column it is the latter, or that
    of counts, σ ∝ data^(1 − γ/2), γ from 0 (relative errors are equal) to 2 (all errors are), by the same likelihood
    (R. J. Carroll and D. Ruppert, Transformation and Weighting in Regression, 1988).

    Parameters
    ----------
    found : its first candidate is the best.
    used : ``(n_points,)``, see :func:`used_points`.
    n_fitted : number of fitted parameters.
    """
    from scipy.special import chdtr, chdtrc  # scipy.stats would take a second to import

    difference = found.differences[0]
    d, weight, error = difference[used], np.abs(found.weights[used]), found.noise[used]
    degrees = int(used.sum()) - n_fitted
    deviation = np.full(len(difference), np.nan)
    has_errors = bool(len(d) and np.isfinite(error).all())
    reduced = float(np.sum((d / error) ** 2) / degrees) if has_errors and degrees > 0 else np.nan
    if degrees < 1:
        if has_errors and found.uses_errors:
            deviation[used] = error
            return Noise(deviation, False, degrees, np.nan, "the error column, which this fit cannot check")
        return Noise(deviation, True, degrees, np.nan, "unknown: there are not more points than parameters")
    if has_errors:
        above, below = float(chdtrc(degrees, reduced * degrees)), float(chdtr(degrees, reduced * degrees))
        if above > BELIEVED and (below > BELIEVED or found.uses_errors):
            deviation[used] = error
            return Noise(deviation, False, degrees, reduced, f"the error column (reduced χ² {reduced:.3g})")
    equal = weight ** (-1.0 / found.power)
    shapes = _mixtures(error, equal) if has_errors else [equal, *_of_counts(found.data[used], found.relative[used])]
    deviation[used] = _most_likely(d, shapes, found.power, degrees)
    return Noise(deviation, True, degrees, reduced, _words(has_errors, reduced))


def used_points(found: Deviations) -> BoolArray:
    """Which points count: a finite difference in every candidate that has any, and a weight; ``(n_points,)``."""
    finite = np.isfinite(found.differences)
    simulated = finite.any(axis=1)
    weighs = np.isfinite(found.weights) & (found.weights != 0.0)
    return np.asarray(weighs & finite[simulated].all(axis=0))


def _mixtures(error: FloatArray, equal: FloatArray) -> list[FloatArray]:
    """Shapes of the standard deviations whose squares are mixtures of two."""
    one, other = ((shape / np.exp(np.mean(np.log(shape)))) ** 2 for shape in (error, equal))
    shares = [0.0, *(1.0 / (1.0 + np.exp(-np.linspace(-9.0, 9.0, 61)))), 1.0]
    return [np.sqrt((1.0 - share) * one + share * other) for share in shares]


def _of_counts(data: FloatArray, relative: FloatArray) -> list[FloatArray]:
    """Shapes of counting noise: relative errors that grow as a power of what is counted."""
    size = np.abs(data)
    if not (np.isfinite(relative).all() and (relative > 0.0).all() and (size > 0.0).all()):
        return []
    return [relative * size ** (-0.5 * power) for power in np.linspace(0.0, 2.0, 41)]


def _most_likely(d: FloatArray, shapes: list[FloatArray], power: int, degrees: int) -> FloatArray:
    """The shape of the highest Gaussian likelihood, in the size of the differences."""
    best, highest = shapes[0], -np.inf
    for shape in shapes:
        mean = float(np.mean((d / shape) ** 2))
        likelihood = -float(np.sum(np.log(shape))) - 0.5 * len(d) * np.log(max(mean, 1e-300))
        if likelihood > highest:
            best, highest = shape, likelihood
    if power == 2:
        scale = np.sqrt(np.sum((d / best) ** 2) / degrees)
    else:
        # The mean magnitude, which is what such a figure of merit minimises; for Gaussian noise the same.
        scale = np.sqrt(np.pi / 2.0) * np.sum(np.abs(d) / best) / degrees
    return np.asarray(scale * best)


def _words(has_errors: bool, reduced: float) -> str:
    if not has_errors:
        return "the residuals of the fit (there is no complete error column)"
    return f"the residuals of the fit (reduced χ² {reduced:.3g}: the error column alone does not explain them)"
