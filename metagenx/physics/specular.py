"""Specular reflectivity of slab stacks, unpolarised or one spin state: Parratt with Névot–Croce roughness.

L. G. Parratt, Phys. Rev. 95, 359 (1954); L. Névot and P. Croce, Rev. Phys. Appl. 15, 761 (1980).
"""

from __future__ import annotations

import numpy as np

from . import parratt
from .blocks import Blocks
from .compiled import compiled

__all__ = ["Blocks", "amplitude", "amplitude_dispersive", "reflectivity", "reflectivity_dispersive"]


def reflectivity(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity |r|² of a population of samples, ``(n_population, n_q)``; arguments as in `amplitude`."""
    return _square(amplitude(q, potential, ambient, thickness, sigma, blocks))


def amplitude(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Complex reflected amplitude of a population of samples, ``(n_population, n_q)``.

    q : (n_q,) or (n_population, n_q), Å⁻¹, outside the sample, ≥ 1e-10.
    potential : complex (n_population | 1, n_layer), (n_k² − n_M²)·(4π/λ)² in Å⁻²; first substrate, last
        ambient (0). Or (n_population | 1, n_layer, n_q) where it changes from point to point.
    ambient : complex (n_population | 1,), n_M². Or (n_population | 1, n_q).
    thickness, sigma : (n_population | 1, n_layer), Å; sigma is of the top interface of its layer; the
        thickness of both ends and the sigma of the ambient are unused.

    Wave vectors are q_k = sqrt(potential_k + n_M² q²), principal root; lossless evanescent waves decay. An
    individual with a NaN or an infinity among its values is NaN; the others are not touched by it.
    """
    v = np.asarray(potential, dtype=np.complex128)
    n2 = np.asarray(ambient, dtype=np.complex128)
    return _population(
        q, v[..., None] if v.ndim == 2 else v, n2[..., None] if n2.ndim == 1 else n2, thickness, sigma, blocks
    )


def reflectivity_dispersive(
    q: np.ndarray,
    wavelength: np.ndarray,
    quadratic: np.ndarray,
    linear: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity where each point has its own wavelength; arguments as in `amplitude_dispersive`."""
    return _square(amplitude_dispersive(q, wavelength, quadratic, linear, thickness, sigma, blocks))


def amplitude_dispersive(
    q: np.ndarray,
    wavelength: np.ndarray,
    quadratic: np.ndarray,
    linear: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Complex amplitude where each point has its own wavelength: time of flight, energy scans.

    The refractive index of layer k is n_k = 1 − quadratic_k·λ² − linear_k·λ.

    q : (n_q,) or (n_population, n_q), Å⁻¹, = 4π sin(θ)/λ with the angle θ outside the sample; for time of
        flight at a fixed angle simply the q of the point.
    wavelength : (n_q,) or (n_population, n_q), Å.
    quadratic, linear : complex (n_population | 1, n_layer), Å⁻² and Å⁻¹; last is the ambient.
    thickness, sigma, blocks : as in `amplitude`.

    The wave vectors of the fact sheet, 2 n_M (2π/λ) sqrt(n_k²/n_M² − cos²θ), in a form without cancellation:
    sqrt(n_M² q² + (n_k² − n_M²)(4π/λ)²) with (n_k² − 1)/λ² = (aλ + b)² − 2a − 2b/λ.
    """
    a = np.atleast_2d(np.asarray(quadratic, dtype=np.complex128))[..., None]
    b = np.atleast_2d(np.asarray(linear, dtype=np.complex128))[..., None]
    length = np.atleast_2d(np.asarray(wavelength, dtype=np.float64))
    at = length[:, None, :]
    optical = (4 * np.pi) ** 2 * ((a * at + b) ** 2 - 2 * a - 2 * b / at)
    ambient = (1 - a[:, -1] * length**2 - b[:, -1] * length) ** 2
    return _population(q, optical - optical[:, -1:], ambient, thickness, sigma, blocks)


def _square(r: np.ndarray) -> np.ndarray:
    return np.asarray(r.real**2 + r.imag**2)


def _population(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    points = np.atleast_2d(np.ascontiguousarray(q, dtype=np.float64))
    v = np.ascontiguousarray(potential)
    n2 = np.ascontiguousarray(ambient)
    d = np.atleast_2d(np.ascontiguousarray(thickness, dtype=np.float64))
    s = np.atleast_2d(np.ascontiguousarray(sigma, dtype=np.float64))
    blocks.check(v.shape[1])
    n_population = max(len(points), len(v), len(n2), len(d), len(s), len(blocks.repetitions))
    out = np.empty((n_population, points.shape[1]), dtype=np.complex128)
    first = np.array(blocks.first, dtype=np.int64)
    last = np.array(blocks.last, dtype=np.int64)
    repetitions = np.ascontiguousarray(blocks.repetitions, dtype=np.int64)
    _amplitude(points, v, n2, d, s, first, last, repetitions, out)
    return out


@compiled()
def _amplitude(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    repetitions: np.ndarray,
    out: np.ndarray,
) -> None:
    for m in range(out.shape[0]):
        order = parratt.order_of_layers(
            first, last, repetitions[m if repetitions.shape[0] > 1 else 0], potential.shape[1]
        )
        parratt.amplitude_of_one(
            q[m if q.shape[0] > 1 else 0],
            potential[m if potential.shape[0] > 1 else 0],
            ambient[m if ambient.shape[0] > 1 else 0],
            thickness[m if thickness.shape[0] > 1 else 0],
            sigma[m if sigma.shape[0] > 1 else 0],
            order,
            out[m],
        )
