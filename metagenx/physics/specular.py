"""Specular reflectivity of slab stacks, unpolarised or one spin state: Parratt with Névot–Croce roughness.

L. G. Parratt, Phys. Rev. 95, 359 (1954); L. Névot and P. Croce, Rev. Phys. Appl. 15, 761 (1980).
"""

from __future__ import annotations

import numpy as np

from . import parratt
from .blocks import Blocks
from .compiled import compiled

__all__ = ["Blocks", "amplitude", "reflectivity"]


def reflectivity(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivity |r|² of a population of samples, ``(n_population, n_q)``; arguments as in `amplitude`."""
    r = amplitude(q, potential, ambient, thickness, sigma, blocks)
    return np.asarray(r.real**2 + r.imag**2)


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
        ambient (0).
    ambient : complex (n_population | 1,), n_M².
    thickness, sigma : (n_population | 1, n_layer), Å; sigma is of the top interface of its layer; the
        thickness of both ends and the sigma of the ambient are unused.

    Wave vectors are q_k = sqrt(potential_k + n_M² q²), principal root; lossless evanescent waves decay. An
    individual with a NaN or an infinity among its values is NaN; the others are not touched by it.
    """
    q2 = np.atleast_2d(np.ascontiguousarray(q, dtype=np.float64))
    v = np.atleast_2d(np.ascontiguousarray(potential, dtype=np.complex128))
    n2 = np.atleast_1d(np.ascontiguousarray(ambient, dtype=np.complex128))
    d = np.atleast_2d(np.ascontiguousarray(thickness, dtype=np.float64))
    s = np.atleast_2d(np.ascontiguousarray(sigma, dtype=np.float64))
    n_layer = v.shape[1]
    blocks.check(n_layer)
    n_population = max(len(q2), len(v), len(n2), len(d), len(s), len(blocks.repetitions))
    out = np.empty((n_population, q2.shape[1]), dtype=np.complex128)
    first = np.array(blocks.first, dtype=np.int64)
    last = np.array(blocks.last, dtype=np.int64)
    repetitions = np.ascontiguousarray(blocks.repetitions, dtype=np.int64)
    _amplitude(q2, v, n2, d, s, first, last, repetitions, out)
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
