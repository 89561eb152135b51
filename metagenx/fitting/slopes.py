"""How the simulation changes with each parameter: the Jacobian, from one batch of candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.noise import BoolArray, used_points
from metagenx.fitting.problem import Deviations, FloatArray, ProblemWithData


@dataclass(frozen=True, eq=False)
class Slopes:
    """Differences between data and simulation at a vector, and their derivatives there.

    Attributes
    ----------
    found : the deviations of the whole batch; its first candidate is the vector itself.
    used : ``(n_points,)``; ``difference`` ``(n_used,)``, ``weight`` ``(n_used,)``.
    slope : ``(n_used, n_dim)`` derivatives of the (transformed) simulation.
    prior : ``(n_prior,)``; ``prior_slope`` ``(n_prior, n_dim)``.
    evaluations : what it cost.
    unusable : parameters that could not be moved either way without losing the simulation.
    """

    found: Deviations
    used: BoolArray
    difference: FloatArray
    weight: FloatArray
    slope: FloatArray
    prior: FloatArray
    prior_slope: FloatArray
    evaluations: int
    unusable: tuple[int, ...]


def slopes_at(problem: ProblemWithData, vector: FloatArray, steps: FloatArray, domain: FloatArray) -> Slopes:
    """Derivatives by central differences, one-sided at the end of the domain or where one side has no simulation.

    Parameters
    ----------
    vector, steps : ``(n_dim,)``; a step of zero gives a derivative of zero at no cost.
    domain : ``(n_dim, 2)``, which no candidate leaves.

    Raises
    ------
    InputError : the vector itself cannot be simulated, or nothing is known of the form of the figure of merit.
    """
    moved = np.flatnonzero(steps > 0.0)
    candidates = np.tile(vector, (1 + 2 * len(moved), 1))
    candidates[1 + 2 * np.arange(len(moved)), moved] = np.minimum(vector + steps, domain[:, 1])[moved]
    candidates[2 + 2 * np.arange(len(moved)), moved] = np.maximum(vector - steps, domain[:, 0])[moved]
    found = problem.deviations(candidates)
    simulated: BoolArray = np.asarray(np.isfinite(found.differences).any(axis=1))
    if not simulated[0]:
        raise InputError("no point of the data can be compared with the simulation of the best fit")
    used = used_points(found)
    slope = np.zeros((int(used.sum()), len(vector)))
    prior_slope = np.zeros((len(found.prior_weights), len(vector)))
    unusable = []
    for place, k in enumerate(moved):
        above, below = (row if simulated[row] else 0 for row in (1 + 2 * place, 2 + 2 * place))
        width = candidates[above, k] - candidates[below, k]
        if width <= 0.0:
            unusable.append(int(k))
            continue
        slope[:, k] = (found.differences[below] - found.differences[above])[used] / width
        prior_slope[:, k] = (found.prior[above] - found.prior[below]) / width
    return Slopes(
        found=found,
        used=used,
        difference=found.differences[0][used],
        weight=np.abs(found.weights[used]),
        slope=slope,
        prior=found.prior[0],
        prior_slope=prior_slope,
        evaluations=len(candidates),
        unusable=tuple(unusable),
    )


def domain_of(bounds: FloatArray, vector: FloatArray) -> FloatArray:
    """The limits ``(n_dim, 2)``, wider where a fit without boundaries has left them."""
    return np.column_stack([np.minimum(bounds[:, 0], vector), np.maximum(bounds[:, 1], vector)])


def objective(found: Deviations) -> FloatArray:
    """The figures of merit of candidates times N − p, without the constants of penalties; ``(n,)``.

    A point without a value does not count, as in the figure of merit; a candidate without any is infinitely bad.
    """
    with np.errstate(all="ignore"):
        terms = np.abs(found.weights * np.abs(found.differences) ** found.power)
    good = np.isfinite(terms)
    sums = np.where(good, terms, 0.0).sum(axis=1) + found.divisor * (found.prior**2 @ found.prior_weights)
    return np.where(good.any(axis=1) & np.isfinite(sums), sums, np.inf)
