"""Parratt's recursion as it is written in the books, layer by layer in complex numbers.

The fast kernels of :mod:`.specular` leave to it the individuals outside their range: growing waves (gain,
negative thickness), enormous phases or roughness. It is also what they are compared with.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from .blocks import Blocks
from .compiled import compiled


@compiled(inline=True)
def principal_root(z: complex) -> complex:
    """Square root with Re ≥ 0; a lossless evanescent wave decays, whatever the sign of the zero in Im z."""
    if z.imag == 0.0:
        return complex(math.sqrt(z.real), 0.0) if z.real >= 0.0 else complex(0.0, math.sqrt(-z.real))
    return cmath.sqrt(z)


@compiled(inline=True)
def exponential(z: complex) -> complex:
    """Complex exponential that overflows to infinity in silence."""
    size = math.exp(z.real)
    if z.imag == 0.0:
        return complex(size, 0.0)
    return complex(size * math.cos(z.imag), size * math.sin(z.imag))


def amplitude(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
    repetitions: np.ndarray,
) -> np.ndarray:
    """Reflected amplitude of one sample, (n_q,).

    potential : complex (n_layer, n_q | 1). ambient : complex (n_q | 1,). repetitions : (n_block,). The others
    are one row of those of `specular.amplitude`.
    """
    out = np.empty(len(q), dtype=np.complex128)
    _amplitude(
        np.array(q, dtype=np.float64),
        np.array(potential, dtype=np.complex128, order="C"),
        np.array(ambient, dtype=np.complex128),
        np.array(thickness, dtype=np.float64),
        np.array(sigma, dtype=np.float64),
        order_of_layers(blocks, repetitions, len(potential)),
        out,
    )
    return out


def order_of_layers(blocks: Blocks, repetitions: np.ndarray, n_layer: int) -> np.ndarray:
    """Indices of all layers bottom → top, repetitions written out, substrate and ambient included."""
    parts = [
        np.tile(np.arange(first, last), times)
        for first, last, times in zip(blocks.first, blocks.last, repetitions, strict=True)
    ]
    return np.concatenate([[0], *parts, [n_layer - 1]]).astype(np.int64)


@compiled()
def _amplitude(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    order: np.ndarray,
    out: np.ndarray,
) -> None:
    for i in range(q.size):
        at = i if potential.shape[1] > 1 else 0
        shift = ambient[i if ambient.size > 1 else 0] * (q[i] * q[i])
        below = principal_root(potential[0, at] + shift)
        total = complex(0.0, 0.0)
        for step in range(order.size - 1):
            k = order[step]
            above = principal_root(potential[order[step + 1], at] + shift)
            r = (above - below) / (above + below)
            if sigma[k] != 0.0:
                r *= exponential(-0.5 * sigma[k] * sigma[k] * (below * above))
            if step == 0:
                total = r
            else:
                wave = total * exponential(1j * (thickness[k] * below))
                total = (r + wave) / (1.0 + wave * r)
            below = above
        out[i] = total
