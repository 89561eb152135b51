"""Geometry of a crystal's unit cell: volume, lattice spacings, distances.

Lengths in Å, angles in degrees; every argument may be a scalar or an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# a, b, c in Å; alpha, beta, gamma in degrees.
Cell = tuple[Any, Any, Any, Any, Any, Any]


def volume(cell: Cell) -> Any:
    """Volume of the cell, Å³."""
    a, b, c, *angles = cell
    x, y, z = _cosines(angles)
    return a * b * c * np.sqrt(1 - x * x - y * y - z * z + 2 * x * y * z)


def inverse_spacing_squared(h: Any, k: Any, l: Any, cell: Cell) -> Array:
    """1/d² of the lattice planes (h k l), Å⁻²; the indices need not be whole numbers.

    The squared length of h a* + k b* + l c* (International Tables for Crystallography, vol. B, 1.1).
    """
    a, b, c, *angles = cell
    x, y, z = _cosines(angles)
    area, edges = a * b * c, (b * c, a * c, a * b)
    total = (h * edges[0]) ** 2 * (1 - x * x)
    total = total + (k * edges[1]) ** 2 * (1 - y * y)
    total = total + (l * edges[2]) ** 2 * (1 - z * z)
    total = total + 2 * h * k * (area * c) * (x * y - z)
    total = total + 2 * k * l * (area * a) * (y * z - x)
    total = total + 2 * h * l * (area * b) * (x * z - y)
    return np.asarray(total / volume(cell) ** 2)


def length(x: Any, y: Any, z: Any, cell: Cell) -> Array:
    """Length in Å of the vector with the fractional coordinates x, y, z."""
    a, b, c, *angles = cell
    cosine_alpha, cosine_beta, cosine_gamma = _cosines(angles)
    u, v, w = x * a, y * b, z * c
    square = u * u + v * v + w * w + 2 * (v * w * cosine_alpha + u * w * cosine_beta + u * v * cosine_gamma)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def _cosines(angles: Any) -> list[Any]:
    return [np.cos(np.radians(angle)) for angle in angles]
