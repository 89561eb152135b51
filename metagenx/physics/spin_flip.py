"""Neutron reflectivity of magnetic slab stacks with spin flip: all four channels at once.

S. J. Blundell and J. A. C. Bland, Phys. Rev. B 46, 3391 (1992), with GenX's Gaussian roughness factors, as a
recursion of 2×2 reflection matrices instead of a product of 4×4 transfer matrices: only decaying exponentials
occur, so it stays accurate below the critical edge and for thick stacks, where the product does not.
"""

from __future__ import annotations

import numpy as np

from . import blundell_bland, spin_stack
from .blocks import Blocks
from .tables import common_length, table

__all__ = ["Blocks", "spin_flip"]


def spin_flip(
    q: np.ndarray,
    potential_plus: np.ndarray,
    potential_minus: np.ndarray,
    angle: np.ndarray,
    thickness: np.ndarray,
    sigma: np.ndarray,
    blocks: Blocks,
) -> np.ndarray:
    """Reflectivities ``(n_population, 4, n_q)`` in the order uu, dd, ud, du.

    q : (n_q,) or (n_population, n_q), Å⁻¹.
    potential_plus, potential_minus : complex (n_population | 1, n_layer), V± in Å⁻² with
        k± = sqrt(q²/4 − V±); first substrate, last ambient (0).
    angle : (n_population | 1, n_layer), degrees, of the moment against the neutron polarisation.
    thickness, sigma : (n_population | 1, n_layer), Å; sigma is of the top interface of its layer.

    As in GenX, du repeats ud, which is |reflected −|² for incident +.
    """
    points, d, s = table(q), table(thickness), table(sigma)
    plus, minus = table(potential_plus, np.complex128), table(potential_minus, np.complex128)
    turn, times = table(np.radians(angle)), table(blocks.repetitions, np.int64)
    n_population = common_length(points, plus, minus, turn, d, s, times)
    n_layer, n_q = plus.shape[1], points.shape[1]
    blocks.check(n_layer)
    if not n_layer == minus.shape[1] == turn.shape[1] == d.shape[1] == s.shape[1]:
        raise ValueError(f"{n_layer} layers, but angles {turn.shape}, thicknesses {d.shape}, roughnesses {s.shape}")
    first, last = np.array(blocks.first, dtype=np.int64), np.array(blocks.last, dtype=np.int64)
    out = np.empty((n_population, 4, n_q))
    left = np.zeros(n_population, dtype=np.bool_)
    work, waves, interfaces, limits, slots = spin_stack.workspace(n_layer, blocks)
    spin_stack.reflect_population(
        points, plus, minus, turn, d, s, first, last, times,
        work, waves, interfaces, limits, slots, left, out,
    )  # fmt: skip
    degrees = table(angle)
    for m in np.flatnonzero(left):
        arrays = (points, plus, minus, degrees, d, s, times)
        q_m, plus_m, minus_m, angle_m, d_m, s_m, times_m = (array[m % len(array)] for array in arrays)
        out[m, :3] = blundell_bland.reflectivity(q_m, plus_m, minus_m, angle_m, d_m, s_m, blocks, times_m)
        out[m, 3] = out[m, 2]
    return out
