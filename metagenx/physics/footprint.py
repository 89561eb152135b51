"""The part of the beam that a sample of finite length intercepts, for several beam profiles.

All lengths in mm. Every argument may be a scalar, one value per point ``(n_points,)`` or one per individual
``(n_population, 1)``; the result follows numpy broadcasting. `length` is the sample's, along the beam.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.elementwise import erf, erf_of_multiple

Array = NDArray[np.float64]
Values = float | Array  # a scalar, one per point, or one per individual


def gaussian(sine: Values, length: Values, sigma: Values) -> Array:
    """Gaussian beam, standard deviation `sigma`, centred on the sample: erf(L·sinθ/(2√2·σ))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        per_sigma = np.asarray(length, dtype=float) / (2 * np.sqrt(2) * np.asarray(sigma, dtype=float))
        return erf_of_multiple(np.asarray(sine, dtype=float), per_sigma)


def square(sine: Values, length: Values, width: Values) -> Array:
    """Beam of constant intensity and full `width`, centred on the sample: min(1, L·sinθ/w)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = sine * (np.asarray(length, dtype=float) / np.asarray(width, dtype=float))
    return np.asarray(np.minimum(1.0, share))


def gaussian_with_offset(sine: Values, length: Values, sigma: Values, offset: Values) -> Array:
    """Gaussian beam whose centre passes the sample's centre at a distance `offset`."""
    half_shadow = sine * (np.asarray(length, dtype=float) / 2)
    offset = np.asarray(offset, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_sigma = 1 / (np.sqrt(2) * np.asarray(sigma, dtype=float))
        both = erf((half_shadow + offset) * per_sigma) + erf((half_shadow - offset) * per_sigma)
    return np.asarray(0.5 * both)


def square_with_offset(sine: Values, length: Values, width: Values, offset: Values) -> Array:
    """Square beam at a distance `offset`: the part of the beam that overlaps with the sample's shadow."""
    half_shadow = sine * (np.asarray(length, dtype=float) / 2)
    half_width = np.asarray(width, dtype=float) / 2
    offset = np.asarray(offset, dtype=float)
    overlap = np.minimum(half_shadow + offset, half_width) - np.maximum(offset - half_shadow, -half_width)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(overlap, 0.0) / (2 * half_width))


def trapezoid(sine: Values, length: Values, inner: Values, outer: Values) -> Array:
    """Beam behind two slits: constant over the `inner` width, falling linearly to zero at the `outer` one."""
    shadow = np.asarray(sine * np.asarray(length, dtype=float))
    inner, outer = np.asarray(inner, dtype=float), np.asarray(outer, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        core_share = np.minimum(1.0, 2 * inner / (inner + outer))
        core = np.where(inner > 0, np.minimum(1.0, shadow / inner), 0.0)
        reach = np.minimum(1.0, (shadow - inner) / (outer - inner))
        flank = np.where(outer > inner, np.clip(1 - (1 - reach) ** 2, 0.0, 1.0), 0.0)
        return np.asarray(core_share * core + (1 - core_share) * flank)
