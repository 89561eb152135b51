"""Spin-flip reflectivity as it is written in the books, point by point and layer by layer in complex numbers.

S. J. Blundell and J. A. C. Bland, Phys. Rev. B 46, 3391 (1992), with GenX's Gaussian roughness factors, as a
recursion of reflection matrices. The fast kernel of :mod:`.spin_flip` leaves to it the individuals outside its
range, and is compared with it.
"""

from __future__ import annotations

import math

import numpy as np

from .blocks import Blocks
from .compiled import compiled
from .parratt import exponential, order_of_layers, principal_root


def reflectivity(
    q: np.ndarray,
    potential_plus: np.ndarray,
    potential_minus: np.ndarray,
    angle: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
    repetitions: np.ndarray,
) -> np.ndarray:
    """uu, dd, ud of one sample, (3, n_q); arguments: one row of those of `spin_flip.spin_flip`."""
    out = np.empty((3, len(q)))
    _reflectivity(
        np.array(q, dtype=np.float64),
        np.array(potential_plus, dtype=np.complex128),
        np.array(potential_minus, dtype=np.complex128),
        np.radians(np.array(angle, dtype=np.float64)),
        np.array(thickness, dtype=np.float64),
        np.array(sigma, dtype=np.float64),
        order_of_layers(blocks, repetitions, len(potential_plus)),
        out,
    )
    return out


@compiled()
def _reflectivity(
    q: np.ndarray,
    potential_plus: np.ndarray,
    potential_minus: np.ndarray,
    angle: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    order: np.ndarray,
    out: np.ndarray,
) -> None:
    for point in range(q.size):
        q2 = complex(0.25 * q[point] * q[point], 0.0)
        x = principal_root(q2 - potential_plus[0])
        y = principal_root(q2 - potential_minus[0])
        # Reflection matrix just above the last interface: rows reflected +, −; columns incident +, −.
        uu = ud = du = dd = complex(0.0, 0.0)
        for step in range(order.size - 1):
            i, j = order[step], order[step + 1]
            if step > 0:
                up = exponential(1j * (thickness[i] * x))
                down = exponential(1j * (thickness[i] * y))
                uu *= up * up
                ud *= up * down
                du *= up * down
                dd *= down * down
            u = principal_root(q2 - potential_plus[j])
            v = principal_root(q2 - potential_minus[j])
            half = 0.5 * (angle[j] - angle[i])
            c, s = math.cos(half), math.sin(half)
            rough = -0.5 * sigma[i] * sigma[i]
            a00 = c * (x + u) / (2 * u) * exponential(rough * (u - x) ** 2)
            a02 = s * (u + y) / (2 * u) * exponential(rough * (u - y) ** 2)
            a20 = -s * (x + v) / (2 * v) * exponential(rough * (v - x) ** 2)
            a22 = c * (y + v) / (2 * v) * exponential(rough * (v - y) ** 2)
            b00 = c * (u - x) / (2 * u) * exponential(rough * (u + x) ** 2)
            b02 = s * (u - y) / (2 * u) * exponential(rough * (u + y) ** 2)
            b20 = s * (x - v) / (2 * v) * exponential(rough * (v + x) ** 2)
            b22 = c * (v - y) / (2 * v) * exponential(rough * (v + y) ** 2)
            # incident and reflected in the upper layer for unit incident waves + and − in the lower one
            w00, w02 = a00 + b00 * uu + b02 * ud, a02 + b00 * du + b02 * dd
            w20, w22 = a20 + b20 * uu + b22 * ud, a22 + b20 * du + b22 * dd
            n00, n02 = b00 + a00 * uu + a02 * ud, b02 + a00 * du + a02 * dd
            n20, n22 = b20 + a20 * uu + a22 * ud, b22 + a20 * du + a22 * dd
            determinant = w00 * w22 - w02 * w20
            uu, du = (n00 * w22 - n02 * w20) / determinant, (n02 * w00 - n00 * w02) / determinant
            ud, dd = (n20 * w22 - n22 * w20) / determinant, (n22 * w00 - n20 * w02) / determinant
            x, y = u, v
        out[0, point] = uu.real**2 + uu.imag**2
        out[1, point] = dd.real**2 + dd.imag**2
        out[2, point] = ud.real**2 + ud.imag**2
