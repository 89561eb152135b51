"""Parratt's recursion as it is written in the books, layer by layer in complex numbers.

The fast kernels of :mod:`.specular` leave to it the individuals outside their range: growing waves (gain,
negative thickness), enormous phases or roughness. It is also what they are compared with.
"""

from __future__ import annotations

import cmath
import math

import numpy as np

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


@compiled()
def order_of_layers(first: np.ndarray, last: np.ndarray, repetitions: np.ndarray, n_layer: int) -> np.ndarray:
    """Indices of all layers bottom → top, repetitions written out, substrate and ambient included."""
    n = 2
    for block in range(first.size):
        n += (last[block] - first[block]) * repetitions[block]
    order = np.empty(n, np.int64)
    order[0] = 0
    at = 1
    for block in range(first.size):
        for _ in range(repetitions[block]):
            for layer in range(first[block], last[block]):
                order[at] = layer
                at += 1
    order[at] = n_layer - 1
    return order


@compiled()
def amplitude_of_one(
    q: np.ndarray,
    potential: np.ndarray,
    ambient: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    order: np.ndarray,
    out: np.ndarray,
) -> None:
    """Reflected amplitude of one stack, (n_q,) → `out`.

    potential : (n_layer, n_q | 1). ambient : (n_q | 1,). The others are one row of those of
    `specular.amplitude`; order is that of `order_of_layers`.
    """
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
