"""Spin-flip reflectivity of neutrons, of layers whose moment differs near their interfaces.

The matrices of S. J. Blundell and J. A. C. Bland, Phys. Rev. B 46, 3391 (1992), with the boundaries of
:mod:`.four_waves`.
"""

from __future__ import annotations

import math

import numpy as np

from .blocks import Blocks
from .boundaries import walks
from .compiled import compiled
from .four_waves import averaged, through_boundary, through_layer
from .parratt import principal_root
from .tables import common_length, table

_SMALLEST_SQUARE = 1e-22


def reflectivity(
    q: np.ndarray,
    nuclear: np.ndarray,
    magnetic: np.ndarray,
    changes: tuple[np.ndarray, np.ndarray],
    angle: np.ndarray,
    thickness: tuple[np.ndarray, np.ndarray, np.ndarray],
    widths: tuple[np.ndarray, np.ndarray, np.ndarray],
    blocks: Blocks,
) -> np.ndarray:
    """uu, dd, ud of a population of samples, (n_population, 3, n_q); ud is |reflected −|² for incident +.

    Layers have the shape (n_population | 1, n_layer); first the substrate, last the ambient medium.

    Parameters
    ----------
    q : (n_population | 1, n_q), Å⁻¹.
    nuclear : complex, 4π·dens·(b − iσ/2λ), Å⁻²; k± = √(q²/4 − nuclear ∓ magnetic).
    magnetic : 4π·μ·|magn|·dens, Å⁻².
    changes : its relative changes in the lower and the upper interface layer.
    angle : of the moment against the polarisation of the neutrons, degrees.
    thickness, widths : as in `interface_layers.reflectivity`.
    """
    points, optical, moment, turn = table(q), table(nuclear, np.complex128), table(magnetic), table(np.radians(angle))
    lower, upper = table(changes[0]), table(changes[1])
    d, dl, du = (table(value) for value in thickness)
    sl, s, su = (table(value) for value in widths)
    n_population = common_length(
        points, optical, moment, turn, lower, upper, d, dl, du, sl, s, su, table(blocks.repetitions, np.int64)
    )
    n_layer = optical.shape[1]
    blocks.check(n_layer)
    out = np.empty((n_population, 3, points.shape[1]))
    for walk in walks(blocks, n_layer, n_population):
        _reflectivity(
            points, optical, moment, lower, upper, turn, d, dl, du, sl, s, su,
            walk.members, walk.pairs, walk.steps, out,
        )  # fmt: skip
    return out


@compiled(inner=True)
def _waves(square: complex, k: np.ndarray, spin: int) -> None:
    if abs(square.real) + abs(square.imag) < _SMALLEST_SQUARE:
        square = complex(_SMALLEST_SQUARE, 0.0)
    k[spin] = principal_root(square)
    k[2 + spin] = -k[spin]


@compiled(inner=True)
def step(above: np.ndarray, below: np.ndarray, turn: float, x: np.ndarray) -> None:
    """The matrix of a sharp step from waves `above` to waves `below`; the moments enclose the angle `turn`, rad."""
    c, s = math.cos(0.5 * turn), math.sin(0.5 * turn)
    for a in range(4):
        for b in range(4):
            overlap = c if a % 2 == b % 2 else (s if a % 2 == 0 else -s)
            x[a, b] = overlap * (above[a] + below[b]) / (2.0 * above[a])


@compiled()
def _reflectivity(
    q: np.ndarray,
    nuclear: np.ndarray,
    magnetic: np.ndarray,
    change_l: np.ndarray,
    change_u: np.ndarray,
    angle: np.ndarray,
    thickness: np.ndarray,
    dd_l: np.ndarray,
    dd_u: np.ndarray,
    sigma_l: np.ndarray,
    sigma: np.ndarray,
    sigma_u: np.ndarray,
    members: np.ndarray,
    pairs: np.ndarray,
    steps: np.ndarray,
    out: np.ndarray,
) -> None:
    n_layer = nuclear.shape[1]
    matrices = np.empty((pairs.shape[0], 4, 4), dtype=np.complex128)
    left, middle, right = (
        np.empty((4, 4), dtype=np.complex128),
        np.empty((4, 4), dtype=np.complex128),
        np.empty((4, 4), dtype=np.complex128),
    )
    k = np.empty((n_layer, 3, 4), dtype=np.complex128)
    r = np.empty((2, 2), dtype=np.complex128)
    for t in range(members.size):
        m = members[t]
        nuclear_m = nuclear[m if nuclear.shape[0] > 1 else 0]
        magnetic_m = magnetic[m if magnetic.shape[0] > 1 else 0]
        lower_m = change_l[m if change_l.shape[0] > 1 else 0]
        upper_m = change_u[m if change_u.shape[0] > 1 else 0]
        angle_m = angle[m if angle.shape[0] > 1 else 0]
        d_m = thickness[m if thickness.shape[0] > 1 else 0]
        dl_m = dd_l[m if dd_l.shape[0] > 1 else 0]
        du_m = dd_u[m if dd_u.shape[0] > 1 else 0]
        sl_m = sigma_l[m if sigma_l.shape[0] > 1 else 0]
        s_m = sigma[m if sigma.shape[0] > 1 else 0]
        su_m = sigma_u[m if sigma_u.shape[0] > 1 else 0]
        q_m = q[m if q.shape[0] > 1 else 0]
        for i in range(q_m.size):
            q2 = 0.25 * q_m[i] * q_m[i]
            for j in range(n_layer):
                for part in range(3):
                    factor = 1.0 if part == 0 else (1.0 + lower_m[j] if part == 1 else 1.0 + upper_m[j])
                    for spin in range(2):
                        moment = magnetic_m[j] * factor if spin == 0 else -magnetic_m[j] * factor
                        _waves(q2 - nuclear_m[j] - moment, k[j, part], spin)
            for p in range(pairs.shape[0]):
                above, below = pairs[p, 0], pairs[p, 1]
                has_l, has_u = lower_m[above] != 0.0, upper_m[below] != 0.0
                if has_l:
                    step(k[above, 0], k[above, 1], 0.0, left)
                step(k[above, 1], k[below, 2], angle_m[above] - angle_m[below], middle)
                if has_u:
                    step(k[below, 2], k[below, 0], 0.0, right)
                averaged(
                    left, middle, right, k[above, 0], k[above, 1], k[below, 2], k[below, 0], has_l, has_u,
                    dl_m[above], du_m[below],
                    -0.5 * sl_m[above] ** 2, -0.5 * s_m[below] ** 2, -0.5 * su_m[below] ** 2, matrices[p],
                )  # fmt: skip
            for a in range(2):
                for b in range(2):
                    r[a, b] = 0.0
            for s in range(steps.size):
                p = steps[s]
                if s > 0:
                    through_layer(r, k[pairs[p, 1], 0], d_m[pairs[p, 1]])
                through_boundary(r, matrices[p])
            out[m, 0, i] = r[0, 0].real ** 2 + r[0, 0].imag ** 2
            out[m, 1, i] = r[1, 1].real ** 2 + r[1, 1].imag ** 2
            out[m, 2, i] = r[1, 0].real ** 2 + r[1, 0].imag ** 2
