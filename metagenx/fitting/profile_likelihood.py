"""Profile likelihood: how the figure of merit rises along one parameter while all others follow.

It needs no parabola: where the minimum is lopsided, or ends at a limit, so does the interval. What rise belongs to 68
or 95 % comes from the covariance (``Covariance.ratio``): that of χ², 1.00 and 3.84, for chi2bars with true error bars,
and as much as the noise makes likely for figures of merit that are no likelihood (J. T. Kent, Biometrika 69 (1982) 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.covariance import LEVELS, Covariance, covariance_at, quantile
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.problem import FloatArray, ProblemWithData
from metagenx.fitting.slopes import domain_of, objective

_STEP = 0.4  # standard errors between two points
_MOST_POINTS = 60  # on one side
_BEYOND = 1.15  # how far the curve is followed, in half widths of the widest interval


@dataclass(frozen=True, eq=False)
class Profile:
    """The profile of one parameter.

    Attributes
    ----------
    name : of the parameter; ``number`` its place.
    values : ``(n,)`` in order; ``foms`` ``(n,)``; ``vectors`` ``(n, n_dim)`` the minima of all others there.
    rise : ``(n,)`` standard errors that the rise of the FOM is worth, negative below the minimum.
    best : the value at the minimum; ``fom`` there.
    intervals : level → (low, high); an end at a limit of the parameter is that limit.
    levels : level → FOM at the ends of its interval.
    evaluations : what it cost.
    notes : what a user should know.
    """

    name: str
    number: int
    values: FloatArray
    foms: FloatArray
    vectors: FloatArray
    rise: FloatArray
    best: float
    fom: float
    intervals: dict[float, tuple[float, float]]
    levels: dict[float, float]
    evaluations: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "name": self.name,
            "best": self.best,
            "fom": self.fom,
            "intervals": {f"{100 * level:.3g} %": list(ends) for level, ends in self.intervals.items()},
            "fom_at_ends": {f"{100 * level:.3g} %": fom for level, fom in self.levels.items()},
            "values": self.values.tolist(),
            "foms": self.foms.tolist(),
            "evaluations": self.evaluations,
            "notes": list(self.notes),
        }


def profile(
    problem: ProblemWithData, values: FloatArray, name: str, *, covariance: Covariance | None = None
) -> Profile:
    """Follow the minimum along one parameter, down and up, until the 95 % interval ends or a limit comes.

    Parameters
    ----------
    values : ``(n_dim,)``, the best fit.
    name : of the parameter.
    covariance : at the best fit, if it is known already.

    Raises
    ------
    InputError : there is no parameter of that name; what ``covariance_at`` raises.
    """
    number = number_of(problem.names, name)
    values = np.asarray(values, dtype=float)
    known = covariance is not None
    covariance = covariance or covariance_at(problem, values)
    evaluations = 0 if known else covariance.evaluations
    domain = domain_of(np.asarray(problem.bounds, dtype=float), values)
    step = _first_step(covariance, number, domain)
    derivative_steps = _derivative_steps(covariance, domain)
    lowest = local_minimum(problem, values, steps=derivative_steps)
    evaluations += lowest.evaluations
    worth = 0.5 * covariance.ratio[number]  # rise of the sum for one standard error
    far = worth * (_BEYOND * quantile(max(LEVELS), covariance.noise)) ** 2
    points = [(lowest.vector, lowest.sum)]
    for direction in (-1.0, 1.0):
        side, cost = _walk(problem, points[0], number, direction * step, domain, far, derivative_steps)
        points += side
        evaluations += cost
    points.sort(key=lambda point: float(point[0][number]))
    vectors, sums = np.array([p[0] for p in points]), np.array([p[1] for p in points])
    foms = problem.evaluate(vectors)
    evaluations += len(vectors)
    best = int(np.argmin(sums))
    at = vectors[:, number]
    signs = np.sign(np.arange(len(at)) - best)
    rise = signs * np.sqrt(np.maximum(sums - sums[best], 0.0) / worth)
    rise = np.maximum.accumulate(rise)
    intervals, levels = {}, {}
    divisor = float(problem.deviations(vectors[best : best + 1]).divisor)
    evaluations += 1
    for level in LEVELS:
        z = quantile(level, covariance.noise)
        intervals[level] = (_crossing(at, rise, -z, domain[number]), _crossing(at, rise, z, domain[number]))
        levels[level] = float(foms[best] + worth * z**2 / divisor)
    return Profile(
        name, number, at, foms, vectors, rise, float(at[best]), float(foms[best]), intervals, levels, evaluations,
        _notes(intervals, domain[number], vectors[best], values, covariance),
    )  # fmt: skip


def number_of(names: tuple[str, ...], name: str) -> int:
    """The place of a fitted parameter; InputError with a suggestion if there is none of that name."""
    if name in names:
        return names.index(name)
    import difflib

    close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    suggestion = f"Did you mean {close[0]}? " if close else ""
    raise InputError(f"no fitted parameter is called {name!r}", hint=f"{suggestion}Fitted are {', '.join(names)}.")


def _first_step(covariance: Covariance, number: int, domain: FloatArray) -> float:
    low, high = covariance.intervals(LEVELS[0])[number] - covariance.values[number]
    width = float(domain[number, 1] - domain[number, 0])
    if width <= 0.0:
        raise InputError(f"{covariance.names[number]} cannot move: its limits are equal")
    half = max(-low, high)
    return float(np.clip(_STEP * half, 1e-8 * width, 0.1 * width)) if np.isfinite(half) and half > 0 else 0.02 * width


def _derivative_steps(covariance: Covariance, domain: FloatArray) -> FloatArray:
    width = domain[:, 1] - domain[:, 0]
    error = np.sqrt(np.diag(covariance.matrix))
    usable = np.isfinite(error) & (error > 0.0)
    return np.asarray(np.clip(np.where(usable, 0.02 * error, 1e-5 * width), 1e-9 * width, 1e-3 * width))


def _walk(
    problem: ProblemWithData,
    start: tuple[FloatArray, float],
    number: int,
    step: float,
    domain: FloatArray,
    far: float,
    derivative_steps: FloatArray,
) -> tuple[list[tuple[FloatArray, float]], int]:
    """Minima along one direction, until the sum has risen by ``far`` or the limit is reached."""
    points = [start]
    evaluations = 0
    moving = np.arange(len(start[0])) != number
    limit = domain[number, 0] if step < 0 else domain[number, 1]
    for _ in range(_MOST_POINTS):
        vector, total = points[-1]
        if vector[number] == limit or total - start[1] > far:
            break
        value = vector[number] + step
        value = min(value, limit) if step > 0 else max(value, limit)
        guesses = [vector.copy()]
        if len(points) > 1 and points[-2][0][number] != vector[number]:
            part = (value - vector[number]) / (vector[number] - points[-2][0][number])
            guesses.append(np.clip(vector + part * (vector - points[-2][0]), domain[:, 0], domain[:, 1]))
        for guess in guesses:
            guess[number] = value
        sums = objective(problem.deviations(np.array(guesses)))
        evaluations += len(guesses)
        if not np.isfinite(sums).any():
            break  # no simulation there: the model ends before its limit
        found = local_minimum(problem, guesses[int(np.argmin(sums))], steps=derivative_steps, moving=moving)
        evaluations += found.evaluations
        if found.sum - total < 0.02 * far:
            step *= 1.5  # flat
        points.append((found.vector, found.sum))
    return points[1:], evaluations


def _crossing(at: FloatArray, rise: FloatArray, z: float, limits: FloatArray) -> float:
    """Where the rise is worth z standard errors; the limit of the parameter where it never is."""
    if z < 0.0:
        return float(limits[0]) if rise[0] > z else float(np.interp(z, rise, at))
    return float(limits[1]) if rise[-1] < z else float(np.interp(z, rise, at))


def _notes(
    intervals: dict[float, tuple[float, float]],
    limits: FloatArray,
    best: FloatArray,
    values: FloatArray,
    covariance: Covariance,
) -> tuple[str, ...]:
    found = []
    for level, ends in intervals.items():
        open_ends = [word for word, end, limit in zip(("below", "above"), ends, limits, strict=True) if end == limit]
        if open_ends:
            found.append(f"the {100 * level:.3g} % interval is open {' and '.join(open_ends)}: it ends at the limit")
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.abs(best - values) / covariance.errors
    if np.nanmax(np.where(np.isfinite(moved), moved, 0.0), initial=0.0) > 1.0:
        found.append("a better minimum was found on the way, more than an error bar from the fit: fit again from there")
    return tuple(found)
