"""Reflection where two kinds of waves mix: spins of neutrons, or polarisations of x-rays.

Each layer has four waves: two that go down (0, 1), and two that go up (2, 3). A boundary with the magnetic interface
layers on both of its sides is one 4×4 matrix, averaged over the roughness of its three steps. The 2×2 matrix R of the
reflected waves goes upwards through the stack, where waves only decay: products of the 4×4 matrices, and recursions
from above, lose their digits below the critical angle and in thick stacks.
"""

from __future__ import annotations

import numpy as np

from .compiled import compiled
from .parratt import exponential as inlined_exponential


@compiled(inner=True)
def solve(s: np.ndarray, t: np.ndarray, x: np.ndarray, work: np.ndarray) -> None:
    """x = s⁻¹·t of (4, 4) matrices, by elimination with partial pivoting; `work` is memory for s."""
    for i in range(4):
        for j in range(4):
            work[i, j] = s[i, j]
            x[i, j] = t[i, j]
    for column in range(4):
        pivot = column
        largest = abs(work[column, column].real) + abs(work[column, column].imag)
        for i in range(column + 1, 4):
            size = abs(work[i, column].real) + abs(work[i, column].imag)
            if size > largest:
                pivot, largest = i, size
        if pivot != column:
            for j in range(4):
                work[column, j], work[pivot, j] = work[pivot, j], work[column, j]
                x[column, j], x[pivot, j] = x[pivot, j], x[column, j]
        inverse = 1.0 / work[column, column]
        for i in range(column + 1, 4):
            factor = work[i, column] * inverse
            if factor != 0.0:
                for j in range(column + 1, 4):
                    work[i, j] -= factor * work[column, j]
                for j in range(4):
                    x[i, j] -= factor * x[column, j]
    for i in range(3, -1, -1):
        inverse = 1.0 / work[i, i]
        for j in range(4):
            total = x[i, j]
            for l in range(i + 1, 4):
                total -= work[i, l] * x[l, j]
            x[i, j] = total * inverse


@compiled(inner=True)
def exponential(z: complex) -> complex:
    """As that of `parratt`, but not inlined a dozen times: that takes seconds to compile."""
    return inlined_exponential(z)


@compiled(inner=True)
def damped(factor: float, k: complex) -> complex:
    """exp(factor·k²)."""
    return exponential(factor * (k * k))


@compiled(inner=True)
def averaged(
    left: np.ndarray,
    middle: np.ndarray,
    right: np.ndarray,
    k: np.ndarray,
    k_l: np.ndarray,
    k_u: np.ndarray,
    k_below: np.ndarray,
    has_l: bool,
    has_u: bool,
    dd_l: float,
    dd_u: float,
    rough_l: float,
    rough: float,
    rough_u: float,
    out: np.ndarray,
) -> None:
    """The averaged matrix X̄ of a boundary, (4, 4).

    Parameters
    ----------
    left, middle, right : (4, 4), the matrices of the three steps, from the medium above (wave vectors k) to its lower
        interface layer (k_l), from there to the upper interface layer (k_u) of the medium below, and to that medium
        (k_below); left and right are overwritten.
    has_l, has_u : whether the interface layers differ from their media; if not, left or right is not read.
    dd_l, dd_u : thickness of the interface layers, Å.
    rough_l, rough, rough_u : −σ²/2 of the step above, of the boundary, and of the step below.
    """
    for c in range(4):
        phase = exponential(-1j * k_l[c] * dd_l)
        for a in range(4):
            if has_l:
                left[a, c] *= phase * damped(rough_l, k[a] - k_l[c])
            else:
                left[a, c] = phase if a == c else 0.0
        phase = exponential(-1j * k_u[c] * dd_u)
        for b in range(4):
            if has_u:
                right[c, b] *= phase * damped(rough_u, k_below[b] - k_u[c])
            else:
                right[c, b] = phase if c == b else 0.0
    for a in range(4):
        t0 = t1 = t2 = t3 = complex(0.0, 0.0)
        for c in range(4):
            t0 += left[a, c] * middle[c, 0]
            t1 += left[a, c] * middle[c, 1]
            t2 += left[a, c] * middle[c, 2]
            t3 += left[a, c] * middle[c, 3]
        for b in range(4):
            total = t0 * right[0, b] + t1 * right[1, b] + t2 * right[2, b] + t3 * right[3, b]
            out[a, b] = total * damped(rough, k_below[b] - k[a])


@compiled(inner=True)
def through_layer(r: np.ndarray, k: np.ndarray, thickness: float) -> None:
    """R from the bottom of a layer to its top: upwards and downwards through it."""
    for a in range(2):
        for b in range(2):
            r[a, b] *= exponential(1j * (k[b] - k[2 + a]) * thickness)


@compiled(inner=True)
def through_boundary(r: np.ndarray, x: np.ndarray) -> None:
    """R from just below a boundary to just above it: (X_rt + X_rr R)(X_tt + X_tr R)⁻¹."""
    d00 = x[0, 0] + x[0, 2] * r[0, 0] + x[0, 3] * r[1, 0]
    d01 = x[0, 1] + x[0, 2] * r[0, 1] + x[0, 3] * r[1, 1]
    d10 = x[1, 0] + x[1, 2] * r[0, 0] + x[1, 3] * r[1, 0]
    d11 = x[1, 1] + x[1, 2] * r[0, 1] + x[1, 3] * r[1, 1]
    u00 = x[2, 0] + x[2, 2] * r[0, 0] + x[2, 3] * r[1, 0]
    u01 = x[2, 1] + x[2, 2] * r[0, 1] + x[2, 3] * r[1, 1]
    u10 = x[3, 0] + x[3, 2] * r[0, 0] + x[3, 3] * r[1, 0]
    u11 = x[3, 1] + x[3, 2] * r[0, 1] + x[3, 3] * r[1, 1]
    inverse = 1.0 / (d00 * d11 - d01 * d10)
    r[0, 0] = (u00 * d11 - u01 * d10) * inverse
    r[0, 1] = (u01 * d00 - u00 * d01) * inverse
    r[1, 0] = (u10 * d11 - u11 * d10) * inverse
    r[1, 1] = (u11 * d00 - u10 * d01) * inverse
