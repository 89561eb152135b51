"""From the axis of a measurement to the scattering vector.

Angles are GenX's: 2θ, offsets of 2θ and angles of incidence in degrees; wavelengths in Å; Q in Å⁻¹. Every
argument may be a scalar, one value per point ``(n_points,)`` or one per individual ``(n_population, 1)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Values = float | Array  # a scalar, one per point, or one per individual

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
    half_angle = (np.asarray(x, dtype=float) + offset) * (np.pi / 360)
    return clip(4 * np.pi / np.asarray(wavelength) * np.sin(half_angle))


def q_from_q(x: Values, wavelength: Values, offset: Values) -> Array:
    """Q whose 2θ is moved by `offset` degrees; NaN beyond back-scattering, unless the offset is 0."""
    x = np.asarray(x, dtype=float)
    offset = np.asarray(offset, dtype=float)
    moved = offset != 0
    if not moved.any():
        return clip(x)
    scale = np.asarray(wavelength, dtype=float) / (4 * np.pi)
    with np.errstate(invalid="ignore"):
        shifted = np.sin(np.arcsin(scale * x) + offset * (np.pi / 360)) / scale
    # An individual without an offset keeps its Q to the last digit, whatever its neighbours do.
    return clip(shifted if moved.all() else np.where(moved, shifted, x))


def q_from_q_at_angle(x: Values, incidence: Values, offset: Values) -> Array:
    """Q of a time-of-flight measurement whose angle of incidence is wrong by offset/2 (all in degrees)."""
    x = np.asarray(x, dtype=float)
    offset = np.asarray(offset, dtype=float)
    moved = offset != 0
    if not moved.any():
        return clip(x)
    alpha = np.asarray(incidence, dtype=float) * (np.pi / 180)
    with np.errstate(invalid="ignore", divide="ignore"):
        shifted = x * np.sin(alpha + offset * (np.pi / 360)) / np.sin(alpha)
    return clip(shifted if moved.all() else np.where(moved, shifted, x))


def wavelength_at_angle(q: Values, incidence: Values) -> Array:
    """Wavelength that has scattering vector `q` at an angle of incidence in degrees: λ = 4π·sin(α)/Q."""
    return np.asarray(4 * np.pi * np.sin(np.asarray(incidence, dtype=float) * (np.pi / 180)) / q)


def sine_of_incidence(q: Values, wavelength: Values) -> Array:
    """sin θ = λQ/4π; NaN beyond back-scattering, where no angle exists."""
    sine = np.asarray(q, dtype=float) * (np.asarray(wavelength, dtype=float) / (4 * np.pi))
    return np.asarray(np.where(sine > 1, np.nan, sine) if np.any(sine > 1) else sine)


def clip(q: Values) -> Array:
    """Q, not below ``Q_MINIMUM``; NaN stays NaN."""
    return np.asarray(np.maximum(q, Q_MINIMUM), dtype=float)
