"""The last mile of a fit: bounded Levenberg-Marquardt from one vector, a Jacobian and several steps in one batch each.

For figures of merit that sum magnitudes the squares are weighed anew before each step by 1/|difference| (iteratively
reweighted least squares; E. J. Schlossmacher, J. Am. Stat. Assoc. 68 (1973) 857); a step is taken only if it lowers
the figure of merit itself. ``local_minimum.py`` goes to the very minimum, at ten times the price; here a few per mille
are enough, because differential evolution, or another start, comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.noise import used_points
from metagenx.fitting.problem import Deviations, FloatArray, ProblemWithData
from metagenx.fitting.slopes import domain_of, objective

_STEP = 1e-6  # of the derivatives, in widths of the limits
_DAMPING = np.array([1e-3, 3e-2, 1.0, 30.0])  # tried at once, in units of the last that was best
_FIRST_DAMPING = 0.1
_LEAST_DAMPING, _MOST_DAMPING = 1e-7, 1e7
_SMALL = 0.03  # of the median magnitude: differences below it weigh no more


@dataclass(frozen=True, eq=False)
class Polished:
    """Where a polish ended: ``vector`` ``(n_dim,)``, its FOM, and everything that it evaluated, in order.

    ``vectors`` ``(n, n_dim)`` and ``foms`` ``(n,)``, inf where there is none; every one cost an evaluation.
    ``converged`` is false if it was ended by ``max_iterations`` or ``max_evaluations``.
    """

    vector: FloatArray
    fom: float
    vectors: FloatArray
    foms: FloatArray
    converged: bool

    @property
    def evaluations(self) -> int:
        """What it cost."""
        return len(self.foms)


def polish(
    problem: ProblemWithData,
    start: FloatArray,
    fom: float,
    *,
    improvement: float = 1e-3,
    max_iterations: int = 30,
    max_evaluations: int | None = None,
) -> Polished:
    """Go down from a vector until a step lowers the FOM by less than ``improvement`` of it.

    Parameters
    ----------
    start : ``(n_dim,)``; what lies outside the limits may stay where it is.
    fom : its FOM, as ``evaluate`` gives it.
    max_evaluations : never more than so many.

    Raises
    ------
    InputError : the start cannot be simulated, or nothing is known of the form of the figure of merit.
    """
    vector = np.array(start, dtype=float)
    domain = domain_of(np.asarray(problem.bounds, dtype=float), vector)
    width = domain[:, 1] - domain[:, 0]
    free = np.flatnonzero(width > 0.0)
    limit = np.inf if max_evaluations is None else max_evaluations
    vectors: list[FloatArray] = []
    foms: list[FloatArray] = []
    spent, damping, converged, zero = 0, _FIRST_DAMPING, False, np.nan
    for _ in range(max_iterations):
        if spent + 1 + len(free) + len(_DAMPING) > limit:
            break
        found, slope, prior_slope, moved = _slopes(problem, vector, free, _STEP * width, domain)
        sums = objective(found)
        if not np.isfinite(sums[0]):
            raise InputError("no point of the data can be compared with the simulation of the start of the polish")
        if not np.isfinite(zero):
            zero = fom - sums[0] / found.divisor  # what penalties add to the sum of the deviations
        lowest = float(sums[0])
        trials, tried = _trials(found, slope, prior_slope, vector, free, domain, damping)
        after = objective(problem.deviations(trials))
        vectors += [moved, trials]
        foms += [zero + sums / found.divisor, zero + after / found.divisor]
        spent += len(moved) + len(trials)
        best = int(np.argmin(after))
        damping = float(np.clip(tried[best] if after[best] < lowest else 100.0 * tried[-1], _LEAST_DAMPING, 1e300))
        if after[best] < lowest:
            vector = trials[best]
        if lowest - after[best] <= improvement * abs(lowest) and (after[best] < lowest or damping > _MOST_DAMPING):
            converged = True
            break
    if not vectors:
        return Polished(vector, fom, np.empty((0, len(vector))), np.empty(0), False)
    all_vectors, all_foms = np.concatenate(vectors), np.concatenate(foms)
    lowest_of_all = int(np.argmin(all_foms))  # it may be one of a Jacobian
    if not all_foms[lowest_of_all] < fom:
        return Polished(np.array(start, dtype=float), fom, all_vectors, np.maximum(all_foms, fom), converged)
    vector = all_vectors[lowest_of_all]
    exact = problem.evaluate(vector[None])  # sums of deviations and FOM differ in their last digits
    told = float(exact[0]) if np.isfinite(exact[0]) else np.inf
    all_foms = np.append(np.maximum(all_foms, told), told)
    return Polished(vector.copy(), told, np.vstack([all_vectors, vector]), all_foms, converged)


def _slopes(
    problem: ProblemWithData, vector: FloatArray, free: np.ndarray, steps: FloatArray, domain: FloatArray
) -> tuple[Deviations, FloatArray, FloatArray, FloatArray]:
    """Deviations at the vector and beside it, their derivatives ``(n_used, n_free)``, and the candidates."""
    candidates = np.tile(vector, (1 + len(free), 1))
    forward = vector[free] + steps[free] <= domain[free, 1]
    candidates[1 + np.arange(len(free)), free] += np.where(forward, steps[free], -steps[free])
    found = problem.deviations(candidates)
    used = used_points(found)
    change = candidates[1 + np.arange(len(free)), free] - vector[free]
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = -((found.differences[1:, used] - found.differences[0, used]) / change[:, None]).T
        prior_slope = ((found.prior[1:] - found.prior[0]) / change[:, None]).T
    return found, np.nan_to_num(slope), np.nan_to_num(prior_slope), candidates


def _trials(
    found: Deviations,
    slope: FloatArray,
    prior_slope: FloatArray,
    vector: FloatArray,
    free: np.ndarray,
    domain: FloatArray,
    damping: float,
) -> tuple[FloatArray, FloatArray]:
    """The next vectors ``(n, n_dim)``, one for each damping ``(n,)``, inside the domain."""
    used = used_points(found)
    difference, weight = found.differences[0][used], np.abs(found.weights[used])
    if found.power == 1:
        magnitude = np.abs(difference)
        weight = weight / np.maximum(magnitude, max(_SMALL * float(np.median(magnitude)), 1e-300))
    known = found.divisor * found.prior_weights
    curvature = (slope.T * weight) @ slope + (prior_slope.T * known) @ prior_slope
    pull = (slope.T * weight) @ difference - (prior_slope.T * known) @ found.prior[0]
    place, low, high = vector[free], domain[free, 0], domain[free, 1]
    blocked = ((place <= low) & (pull < 0.0)) | ((place >= high) & (pull > 0.0)) | ~(np.diag(curvature) > 0.0)
    inside = np.flatnonzero(~blocked)
    scale = 1.0 / np.sqrt(np.diag(curvature)[inside])
    values, directions = np.linalg.eigh(curvature[np.ix_(inside, inside)] * np.outer(scale, scale))
    values = np.maximum(values, 0.0)
    projected = directions.T @ (pull[inside] * scale)
    tried = np.clip(damping * _DAMPING, _LEAST_DAMPING, None)
    trials = np.tile(vector, (len(tried), 1))
    moves = (directions @ (projected[:, None] / (values[:, None] + tried))) * scale[:, None]
    trials[:, free[inside]] += moves.T
    return np.clip(trials, domain[:, 0], domain[:, 1]), tried
