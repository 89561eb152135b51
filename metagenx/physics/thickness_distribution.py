"""Distributions of the thickness over the area of a film: by which factors it differs, and how often.

Factors and weights are (n_population | 1, n_steps); the weights add up to 1. An individual without a
distribution (width 0) has the factor 1 with the weight 1 and nothing else, so that its average is exactly the
curve of one thickness. Sums run in the same order for every individual.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metagenx.physics.pointwise import Array, Values

_LEAST_FLAT_WIDTH = 1e-4


class ThicknessDistribution(NamedTuple):
    """By which `factors` the thickness differs and with which `weights`; (n_population | 1, n_steps) each."""

    factors: Array
    weights: Array


def gaussian(width: Values, n_steps: int) -> ThicknessDistribution:
    """Normal distribution of relative standard deviation `width`, cut off at ±1 standard deviation.

    The cut is GenX's: t = 1 − s … 1 + s in equal steps, P = exp(−((t − 1)/s)²/2).
    """
    s, places = _column(width), np.linspace(-1.0, 1.0, n_steps)
    return _finished(s, 1 + places * s, np.exp(-0.5 * places**2), centred=False)


def half_gaussian(width: Values, n_steps: int) -> ThicknessDistribution:
    """One flank of a normal distribution: P = exp(−((t − 1 − s)/s)²/2) for t = 1 − 2s … 1, moved to the mean 1."""
    s, places = _column(width), np.linspace(-2.0, 0.0, n_steps)
    return _finished(s, 1 + places * s, np.exp(-0.5 * (places - 1) ** 2), centred=True)


def pulsed_laser(width: Values, n_steps: int, lorentz_scale: Values, flat_width: Values) -> ThicknessDistribution:
    """GenX's empirical distribution of films by pulsed laser deposition, moved to the mean 1.

    t = 1 − max(2s, w) … 1 in equal steps, P = l/(1 + ((t − 1)/s)²) + 1 − l where t > w, else 0.

    Parameters
    ----------
    lorentz_scale : l, the part of the Lorentzian.
    flat_width : w, relative; at least 1e-4.
    """
    s, w = _column(width), np.maximum(_LEAST_FLAT_WIDTH, _column(flat_width))
    part = _column(lorentz_scale)
    t = 1 + np.linspace(-1.0, 0.0, n_steps) * np.maximum(2 * s, w)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(t > w, part / (1 + ((t - 1) / s) ** 2) + (1 - part), 0.0)
    return _finished(s, t, density, centred=True)


def _column(values: Values) -> Array:
    return np.asarray(values, dtype=float).reshape(-1, 1)


def _finished(width: Array, factors: Array, density: Array, *, centred: bool) -> ThicknessDistribution:
    """Normalise the density; move the factors to the mean 1 if `centred`; one factor where there is no width."""
    factors, density = np.broadcast_arrays(factors, density)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = density / _sum_over_steps(density)
        if centred:
            factors = factors + (1 - _sum_over_steps(factors * weights))
    single = np.zeros(factors.shape[1])
    single[:1] = 1.0
    return ThicknessDistribution(np.where(width == 0, 1.0, factors), np.where(width == 0, single, weights))


def _sum_over_steps(values: Array) -> Array:
    total = values[:, :1].copy()
    for step in range(1, values.shape[1]):  # one after the other: numpy's own order depends on the shape
        total += values[:, step : step + 1]
    return total
