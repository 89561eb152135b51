"""The nearest minimum of a figure of merit by its Jacobian: squares by least squares, magnitudes by a linear program.

Near a minimum the simulation is almost linear in the parameters. The minimum of the linearised sum inside a box around
the vector and inside the limits is exact: a bounded linear least-squares problem for squares (Gauss-Newton), a linear
program for magnitudes (M. R. Osborne and G. A. Watson, Comput. J. 14 (1971) 184). The box grows and shrinks as the true
sum follows its model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metagenx.fitting.noise import BoolArray
from metagenx.fitting.problem import FloatArray, ProblemWithData
from metagenx.fitting.slopes import Slopes, domain_of, objective, slopes_at

_PARTS = np.array([1.0, 0.3, 0.1, 0.03])  # of a step, all tried at once
_FIRST_BOX = 0.05  # of the width of the limits
_SMALLEST_BOX = 1e-9
_ENOUGH = 1e-9  # relative improvement of the sum


@dataclass(frozen=True, eq=False)
class LocalMinimum:
    """``vector`` ``(n_dim,)``, its sum (N − p times the FOM, for most), and what finding it cost."""

    vector: FloatArray
    sum: float
    evaluations: int
    converged: bool


def local_minimum(
    problem: ProblemWithData,
    start: FloatArray,
    *,
    steps: FloatArray | None = None,
    moving: BoolArray | None = None,
    max_iterations: int = 40,
) -> LocalMinimum:
    """Go down to the minimum next to a vector.

    Parameters
    ----------
    start : ``(n_dim,)``, inside the limits.
    steps : ``(n_dim,)`` of the derivatives; default: 1e-5 of the width of the limits.
    moving : ``(n_dim,)`` which parameters may move; default: all.

    Raises
    ------
    InputError : the start cannot be simulated.
    """
    vector = np.array(start, dtype=float)
    domain = domain_of(np.asarray(problem.bounds, dtype=float), vector)
    width = domain[:, 1] - domain[:, 0]
    steps = 1e-5 * width if steps is None else steps
    steps = np.where(np.ones(len(vector), dtype=bool) if moving is None else moving, steps, 0.0)
    free = np.flatnonzero((steps > 0.0) & (width > 0.0))
    box, evaluations, converged = _FIRST_BOX, 0, not len(free)
    lowest = np.nan
    for _ in range(max_iterations):
        slopes = slopes_at(problem, vector, steps, domain)
        evaluations += slopes.evaluations
        lowest = float(objective(slopes.found)[0])
        if converged:
            break
        reach = np.column_stack([np.maximum(domain[:, 0] - vector, -box * width),
                                 np.minimum(domain[:, 1] - vector, box * width)])[free]  # fmt: skip
        move = np.zeros(len(vector))
        move[free] = _linearised_minimum(slopes, free, reach)
        while True:
            trials = np.clip(vector + _PARTS[:, None] * move, domain[:, 0], domain[:, 1])
            sums = objective(problem.deviations(trials))
            evaluations += len(trials)
            best = int(np.argmin(sums))
            if sums[best] < lowest or np.abs(move / np.where(width > 0.0, width, 1.0)).max() < _SMALLEST_BOX:
                break
            move = move * 0.01
        taken = float(np.abs(move[free] / width[free]).max() * _PARTS[best])
        improved = lowest - sums[best]
        if improved > 0.0:
            vector = trials[best]
            lowest = float(sums[best])
        box = min(1.0, 2.0 * box) if best == 0 and improved > 0.0 else max(2.0 * taken, 1e3 * _SMALLEST_BOX)
        if not improved > _ENOUGH * abs(lowest):
            converged = True
            break
    return LocalMinimum(vector, lowest, evaluations, converged)


def _linearised_minimum(slopes: Slopes, free: np.ndarray, reach: FloatArray) -> FloatArray:
    """The step ``(n_free,)`` to the minimum of the linearised sum inside a box ``(n_free, 2)``."""
    share = slopes.found.divisor * slopes.found.prior_weights
    if slopes.found.power == 2:
        return _least_squares(slopes, free, reach, share)
    return _least_magnitudes(slopes, free, reach, share)


def _least_squares(slopes: Slopes, free: np.ndarray, reach: FloatArray, share: FloatArray) -> FloatArray:
    from scipy.optimize import lsq_linear

    root, known = np.sqrt(slopes.weight), np.sqrt(np.maximum(share, 0.0))
    rows = np.vstack([slopes.slope[:, free] * root[:, None], slopes.prior_slope[:, free] * known[:, None]])
    aim = np.concatenate([slopes.difference * root, -slopes.prior * known])
    length = np.linalg.norm(rows, axis=0)
    scale = np.where(length > 0.0, length, 1.0)
    found = lsq_linear(rows / scale, aim, bounds=(reach[:, 0] * scale, reach[:, 1] * scale + 1e-300), method="bvls")
    return np.asarray(np.clip(found.x / scale, reach[:, 0], reach[:, 1]))


def _least_magnitudes(slopes: Slopes, free: np.ndarray, reach: FloatArray, share: FloatArray) -> FloatArray:
    """Σ w·\\|d − xδ\\| + cᵀδ in a box, by the dual linear program, which has one row for each parameter only.

    It is the largest dᵀπ − Σ (high·a − low·b) with \\|π\\| ≤ w, a, b ≥ 0 and xᵀπ − a + b = c; the step is the
    multiplier of the rows.
    """
    from scipy.optimize import linprog

    unit = np.maximum(-reach[:, 0], reach[:, 1])
    unit = np.where(unit > 0.0, unit, 1.0)
    low, high = reach[:, 0] / unit, reach[:, 1] / unit
    scale = max(float(np.abs(slopes.difference).max(initial=0.0)), 1e-300)
    heaviest = slopes.weight.max()
    slope, weight = slopes.slope[:, free] * (unit / scale), slopes.weight / heaviest
    known = 2.0 * (share * slopes.prior) @ slopes.prior_slope[:, free] * unit / (heaviest * scale)
    one = np.eye(len(free))
    found = linprog(
        np.concatenate([-slopes.difference / scale, high, -low]),
        A_eq=np.hstack([slope.T, -one, one]),
        b_eq=known,
        bounds=np.vstack([np.column_stack([-weight, weight]), np.tile([0.0, np.inf], (2 * len(free), 1))]),
        method="highs-ds",
    )
    if found.x is None:
        return np.zeros(len(free))
    return np.asarray(np.clip(-found.eqlin.marginals, low, high) * unit)
