"""The part of the beam that a sample of finite length intercepts, for several beam profiles.

All lengths in mm. Every argument may be a scalar, one value per point ``(n_points,)`` or one per individual
``(n_population, 1)``; the result follows numpy broadcasting. `length` is the sample's, along the beam.
"""

from __future__ import annotations

import numpy as np

from metagenx.physics.compiled import compiled
from metagenx.physics.elementwise import error_function
from metagenx.physics.pointwise import Array, Values, over_points


def gaussian(sine: Values, length: Values, sigma: Values) -> Array:
    """Gaussian beam, standard deviation `sigma`, centred on the sample: erf(L·sinθ/(2√2·σ))."""
    return over_points(_gaussian, sine, length, sigma)


def square(sine: Values, length: Values, width: Values) -> Array:
    """Beam of constant intensity and full `width`, centred on the sample: min(1, L·sinθ/w)."""
    return over_points(_square, sine, length, width)


def gaussian_with_offset(sine: Values, length: Values, sigma: Values, offset: Values) -> Array:
    """Gaussian beam whose centre passes the sample's centre at a distance `offset`."""
    return over_points(_gaussian_with_offset, sine, length, sigma, offset)


def square_with_offset(sine: Values, length: Values, width: Values, offset: Values) -> Array:
    """Square beam at a distance `offset`: the part of the beam that overlaps with the sample's shadow."""
    return over_points(_square_with_offset, sine, length, width, offset)


def trapezoid(sine: Values, length: Values, inner: Values, outer: Values) -> Array:
    """Beam behind two slits: constant over the `inner` width, falling linearly to zero at the `outer` one."""
    return over_points(_trapezoid, sine, length, inner, outer)


@compiled(relaxed=True)
def _gaussian(sine: Array, length: Array, sigma: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, part = sine[m if sine.shape[0] > 1 else 0], out[m]
        factor = length[m if length.size > 1 else 0] / (2 * np.sqrt(2) * sigma[m if sigma.size > 1 else 0])
        for i in range(part.size):
            part[i] = error_function(row[i] * factor)


@compiled(relaxed=True)
def _square(sine: Array, length: Array, width: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, part = sine[m if sine.shape[0] > 1 else 0], out[m]
        factor = length[m if length.size > 1 else 0] / width[m if width.size > 1 else 0]
        for i in range(part.size):
            share = row[i] * factor
            part[i] = 1.0 if share > 1.0 else share


@compiled(relaxed=True)
def _gaussian_with_offset(sine: Array, length: Array, sigma: Array, offset: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, part = sine[m if sine.shape[0] > 1 else 0], out[m]
        per_sigma = 1 / (np.sqrt(2) * sigma[m if sigma.size > 1 else 0])
        half = length[m if length.size > 1 else 0] / 2 * per_sigma
        shift = offset[m if offset.size > 1 else 0] * per_sigma
        for i in range(part.size):
            shadow = row[i] * half
            part[i] = 0.5 * (error_function(shadow + shift) + error_function(shadow - shift))


@compiled(relaxed=True)
def _square_with_offset(sine: Array, length: Array, width: Array, offset: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, part = sine[m if sine.shape[0] > 1 else 0], out[m]
        half = length[m if length.size > 1 else 0] / 2
        beam = width[m if width.size > 1 else 0]
        shift = offset[m if offset.size > 1 else 0]
        for i in range(part.size):
            low, high = shift - row[i] * half, shift + row[i] * half
            low, high = -beam / 2 if low < -beam / 2 else low, beam / 2 if high > beam / 2 else high
            part[i] = 0.0 if high < low else (high - low) / beam


@compiled(relaxed=True)
def _trapezoid(sine: Array, length: Array, inner: Array, outer: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, part = sine[m if sine.shape[0] > 1 else 0], out[m]
        size = length[m if length.size > 1 else 0]
        top, foot = inner[m if inner.size > 1 else 0], outer[m if outer.size > 1 else 0]
        share = 2 * top / (top + foot)
        share = 1.0 if share > 1.0 else share
        for i in range(part.size):
            shadow = row[i] * size
            core = shadow / top
            core = (1.0 if core > 1.0 else core) if top > 0.0 else 0.0
            rest = 1.0 - (shadow - top) / (foot - top)
            rest = 0.0 if rest < 0.0 else rest
            flank = 1.0 - rest * rest
            flank = (0.0 if flank < 0.0 else flank) if foot > top else 0.0
            part[i] = share * core + (1.0 - share) * flank
