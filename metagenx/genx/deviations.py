"""How far candidates are from the data, point by point: what error bars are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.fom_functions import Points
from metagenx.physics.deviation import Transform

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Deviations:
    """A figure of merit before its sum, of n candidates.

    divisor · FOM = Σ weight·\\|difference\\|^power + divisor · Σ prior_weight·prior² + a constant, the first sum over
    the points of all data sets in use, one after the other.

    Attributes
    ----------
    differences : ``(n, n_points)`` T(data) − T(simulation), NaN for a point that is left out.
    weights : ``(n_points,)``.
    power : 1, or 2 for the figures of merit that square.
    noise : ``(n_points,)`` standard deviations of the differences if the error column is right, NaN without one.
    data : ``(n_points,)`` the data themselves.
    relative : ``(n_points,)`` what a relative error of one makes of T(data).
    uses_errors : whether the figure of merit weighs by the error column.
    divisor : N − p, or 1.
    prior : ``(n, n_prior)`` departures of the systematic errors of the script, in their own errors.
    prior_weights : ``(n_prior,)``.
    """

    differences: Array
    weights: Array
    power: int
    noise: Array
    data: Array
    relative: Array
    uses_errors: bool
    divisor: float
    prior: Array
    prior_weights: Array


def stacked(parts: Sequence[Deviations | None], like: Deviations) -> Deviations:
    """Candidates of several evaluations as one; None is a candidate without a simulation, all NaN."""
    nothing = np.full((1, len(like.weights)), np.nan)
    no_prior = np.full((1, len(like.prior_weights)), np.nan)
    return replace(
        like,
        differences=np.concatenate([nothing if part is None else part.differences for part in parts]),
        prior=np.concatenate([no_prior if part is None else part.prior for part in parts]),
    )


def noise_of(points: Points, transform: Transform) -> Array:
    """Standard deviations of T(y) by the error column, to first order, ``(n_points,)``; NaN where it gives none."""
    if points.error.shape != points.y.shape:
        return np.full(points.y.shape, np.nan)
    with np.errstate(all="ignore"):
        noise = _slope(points.y, transform) * points.error
    return np.where(np.isfinite(noise) & (noise > 0.0), noise, np.nan)


def relative_noise(y: Array, transform: Transform) -> Array:
    """What a relative error of one makes of T(y), to first order, ``(n_points,)``."""
    with np.errstate(all="ignore"):
        return np.asarray(_slope(y, transform) * np.abs(y))


def _slope(y: Array, transform: Transform) -> Array:
    if transform is Transform.IDENTITY:
        return np.ones_like(y)
    if transform is Transform.LOG10:
        return np.asarray(np.abs(1.0 / (y * np.log(10.0))))
    return np.asarray(0.5 / np.sqrt(np.abs(y)))
