"""From the axis of a measurement to the scattering vector.

Angles are GenX's: 2θ, offsets of 2θ and angles of incidence in degrees; wavelengths in Å; Q in Å⁻¹. Every
argument may be a scalar, one value per point ``(n_points,)`` or one per individual ``(n_population, 1)``.
"""

from __future__ import annotations

import numpy as np

from metagenx.physics.compiled import compiled
from metagenx.physics.elementary import LARGEST_ANGLE, sine_cosine
from metagenx.physics.elementwise import sine
from metagenx.physics.pointwise import Array, Values, over_points

# Photon energy times wavelength, eV Å, as the models use it (the scattering length tables use 12398.42).
HC = 12398.41984
# Q is never smaller than this, Å⁻¹: the recursion divides by Q of the ambient medium.
Q_MINIMUM = 1e-10


def q_from_two_theta(x: Values, wavelength: Values, offset: Values) -> Array:
    """Q of scattering angles: Q = 4π/λ·sin((x + offset)/2), not below ``Q_MINIMUM``.

    Parameters
    ----------
    x : 2θ in degrees, (n_points,) or (n_population, n_points).
    offset : what is added to every 2θ, degrees.
    """
    return over_points(_two_theta_kernel, x, offset, 4 * np.pi / np.asarray(wavelength, dtype=float))


def q_from_q(x: Values, wavelength: Values, offset: Values) -> Array:
    """Q whose 2θ is moved by `offset` degrees; NaN beyond back-scattering, unless the offset is 0.

    4π/λ·sin(θ + δ) with θ = asin(λx/4π), by the addition theorem: x·cos δ + sqrt((4π/λ)² − x²)·sin δ.
    """
    offset = np.asarray(offset, dtype=float)
    if offset.ndim < 2 and not np.any(offset):
        return clip(x)
    half = offset * (np.pi / 360)
    largest = 4 * np.pi / np.asarray(wavelength, dtype=float)
    return over_points(_moved_q_kernel, x, sine(half), sine(half / 2), largest)


def q_from_q_at_angle(x: Values, incidence: Values, offset: Values) -> Array:
    """Q of a time-of-flight measurement whose angle of incidence is wrong by offset/2 (all in degrees)."""
    x, offset = np.asarray(x, dtype=float), np.asarray(offset, dtype=float)
    if offset.ndim < 2 and not np.any(offset):
        return clip(x)
    alpha = np.asarray(incidence, dtype=float) * (np.pi / 180)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = x * sine(alpha + offset * (np.pi / 360)) / sine(alpha)
    return clip(np.where(offset == 0, x, moved))


def wavelength_at_angle(q: Values, incidence: Values) -> Array:
    """Wavelength that has scattering vector `q` at an angle of incidence in degrees: λ = 4π·sin(α)/Q."""
    return np.asarray(4 * np.pi * sine_of_angle(incidence) / q)


def q_at_angle(wavelength: Values, incidence: Values) -> Array:
    """Q of a wavelength at an angle of incidence in degrees: 4π/λ·sqrt(1 − cos²α), not below ``Q_MINIMUM``.

    Not sin(α): GenX subtracts cos²α, and for small angles the digits that this loses show in the fringes.
    """
    cosine = np.cos(np.asarray(incidence, dtype=float) * (np.pi / 180))
    return clip(4 * np.pi / np.asarray(wavelength, dtype=float) * np.sqrt(1 - cosine**2))


def sine_of_incidence(q: Values, wavelength: Values) -> Array:
    """sin θ = λQ/4π; NaN beyond back-scattering, where no angle exists."""
    return over_points(_sine_of_incidence_kernel, q, np.asarray(wavelength, dtype=float) / (4 * np.pi))


def sine_of_angle(angle: Values) -> Array:
    """Sine of an angle in degrees."""
    return sine(np.asarray(angle, dtype=float) * (np.pi / 180))


def clip(q: Values) -> Array:
    """Q, not below ``Q_MINIMUM``; NaN stays NaN."""
    return np.asarray(np.maximum(q, Q_MINIMUM), dtype=float)


@compiled(relaxed=True)
def _two_theta_kernel(x: Array, offset: Array, largest: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, q = x[m if x.shape[0] > 1 else 0], out[m]
        shift = offset[m if offset.size > 1 else 0]
        scale = largest[m if largest.size > 1 else 0]
        for i in range(q.size):
            half_angle = (row[i] + shift) * (np.pi / 360)
            value = scale * sine_cosine(half_angle)[0]
            value = Q_MINIMUM if value < Q_MINIMUM else value
            q[i] = value if abs(half_angle) <= LARGEST_ANGLE else np.nan


@compiled(relaxed=True)
def _moved_q_kernel(x: Array, sine_half: Array, sine_quarter: Array, largest: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, q = x[m if x.shape[0] > 1 else 0], out[m]
        s = sine_half[m if sine_half.size > 1 else 0]
        quarter = sine_quarter[m if sine_quarter.size > 1 else 0]
        c = 1.0 - 2.0 * quarter * quarter
        end = largest[m if largest.size > 1 else 0]
        for i in range(q.size):
            # Without an offset Q stays the same to the last digit, and beyond back-scattering too.
            value = row[i] if s == 0.0 else row[i] * c + np.sqrt(end * end - row[i] * row[i]) * s
            q[i] = Q_MINIMUM if value < Q_MINIMUM else value


@compiled(relaxed=True)
def _sine_of_incidence_kernel(q: Array, scale: Array, out: Array) -> None:
    for m in range(out.shape[0]):
        row, values = q[m if q.shape[0] > 1 else 0], out[m]
        s = scale[m if scale.size > 1 else 0]
        for i in range(values.size):
            value = row[i] * s
            values[i] = np.nan if value > 1.0 else value
