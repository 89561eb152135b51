"""Instrumental resolution: the grids that a curve is simulated on, and the average over them.

Two ways. *Full*: every point is simulated at several places around it and the weighted average taken
(`gaussian_grid`, `trapezoid_grid`, `kalpha_grid`, then `average`); the grid of n points and m places is
flattened place by place: all n points at the first place, then at the second. *Fast*: the curve at the points
themselves is convolved (`convolve`, `smear`).

Shapes: points (n_points,) or (n_population, n_points); widths are scalars, (n_points,), (n_population, 1) or
(n_population, n_points). A width of zero means no smearing, and the sign of a width does not matter (GenX:
NaN or an exception for both). Sums run in the same order for every individual, so a population gives the
numbers of its members.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.physics.compiled import compiled
from metagenx.physics.elementary import exponential
from metagenx.physics.pointwise import Array, Values

Indices = NDArray[np.int64]

# A kernel of `convolve` longer than this is a mistake in the unit of `res`, and would take for ever.
_LONGEST_KERNEL = 1_000_000
# `smear` leaves out points further away than this many σ: their density is below 1e-31 of the centre's.
_FAR = 12.0


class Grid(NamedTuple):
    """Where to simulate, and how to average.

    x : (n_places·n_points,) or (n_population, n_places·n_points).
    weights : (n_population | 1, n_places, n_points | 1); they add up to 1 along the places.
    """

    x: Array
    weights: Array

    @property
    def n_places(self) -> int:
        """How often every point is simulated."""
        return int(self.weights.shape[1])


def gaussian_grid(x: Array, sigma: Values, n_places: int, reach: Values) -> Grid:
    """Normal distribution of standard deviation `sigma` at equal steps from −reach·σ to +reach·σ.

    The average is ∫w·I dx / ∫w dx by the trapezoid rule, w the normal density. Steps and densities both scale
    with σ, so the weights are the same for every point.
    """
    _need_places(n_places)
    places = np.linspace(-1.0, 1.0, n_places)
    if np.ndim(reach) == 0:
        return Grid(_spread(x, places * reach, sigma), _gaussian_weights(n_places, float(reach)))
    offsets = places * np.asarray(reach, dtype=float).reshape(-1, 1)
    return Grid(_spread(x, offsets, sigma), _normalised(np.exp(-0.5 * offsets**2)))


def trapezoid_grid(x: Array, inner: Values, outer: Values, n_places: int) -> Grid:
    """Trapezoid with a top of full width `inner`, falling linearly to zero at full width `outer`.

    An `outer` width below the `inner` one means a box. Of a trapezoid both ends are left out: their weight is zero.
    """
    inner, outer = np.asarray(inner, dtype=float), np.asarray(outer, dtype=float)
    # At both ends of a trapezoid the weight is zero.
    _need_places(n_places, at_least=3 if np.any(outer > inner) else 2)
    width = np.maximum(inner, outer)
    places = np.linspace(-0.5, 0.5, n_places)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = (inner / width).reshape(-1, 1)
        flank = 1 - (2 * np.abs(places) - top) / (1 - top)
        density = np.where(2 * np.abs(places) <= top, 1.0, flank)
    density = np.where(width.reshape(-1, 1) == 0, 1.0, density)
    weights = _normalised(density)
    if np.all(outer > inner):  # the weight of both ends is zero: they need not be simulated
        places, weights = places[1:-1], np.ascontiguousarray(weights[:, 1:-1])
    return Grid(_spread(x, places, width), weights)


def kalpha_grid(
    x: Array,
    sigma: Values,
    energy1: Values,
    energy2: Values,
    ratio: Values,
    n_places: int,
    reach: Values,
) -> Grid:
    """Two normal distributions: one at x, one at x·E2/E1 with the weight 1/ratio; 2·n_places places.

    As in GenX, one trapezoid rule runs over both one after the other, the step from the last place of the
    first to the first place of the second, a negative width, included.
    """
    _need_places(n_places)
    population = _is_population(x, sigma, energy1, energy2, reach)
    offsets = np.linspace(-1.0, 1.0, n_places) * np.asarray(reach, dtype=float).reshape(-1, 1)
    second_line = np.asarray(energy2, dtype=float) / np.asarray(energy1, dtype=float)
    lines = [np.atleast_2d(_spread(centre, offsets, sigma)) for centre in (x, x * second_line)]
    grid = np.concatenate(np.broadcast_arrays(*lines), axis=1)
    places = grid.reshape(len(grid), 2 * n_places, -1)
    density = np.exp(-0.5 * offsets**2)[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        # The second density at its own centre is the first one's: both have the width σ.
        weak = density / np.asarray(ratio, dtype=float).reshape(-1, 1, 1)
        density = np.concatenate(np.broadcast_arrays(density, weak), axis=1)
        widths = np.empty_like(places)
        widths[:, 0] = places[:, 1] - places[:, 0]
        widths[:, 1:-1] = places[:, 2:] - places[:, :-2]
        widths[:, -1] = places[:, -1] - places[:, -2]
        weights = density * widths
        weights = weights / _sum_over_places(weights)
    return Grid(grid if population else grid[0], weights)


def average(intensity: Array, weights: Array) -> Array:
    """Weighted average over the places: (n_population | 1, n_places·n_points) → (n_population, n_points)."""
    intensity = np.ascontiguousarray(np.atleast_2d(intensity), dtype=np.float64)
    n_points = intensity.shape[1] // weights.shape[1]
    out = np.empty((max(len(intensity), len(weights)), n_points))
    _average(intensity, np.ascontiguousarray(weights), out)
    return out


def convolve(intensity: Array, x: Array, sigma: Values, reach: Values) -> Array:
    """Convolve a curve on equidistant points with a normal distribution cut at ±reach·σ.

    Parameters
    ----------
    intensity : (n_population | 1, n_points).
    x : (n_points,) or (n_population, n_points); its first two points give the step h.
    sigma, reach : scalars or (n_population, 1).

    The kernel is GenX's: g(u) for u in arange(−reach·σ, reach·σ + h, h), normalised by its sum, with constant
    continuation at both ends and the centring of ``convolve(mode="same")``. If 2·reach·σ is no multiple of h
    it is not symmetric, and a σ well below h shifts the curve by a part of a step.

    Raises
    ------
    InputError : fewer than two points, points that do not ascend, or a kernel of more than a million points.
    """
    intensity = np.ascontiguousarray(np.atleast_2d(intensity), dtype=np.float64)
    if np.shape(x)[-1] < 2:
        raise InputError(
            "fast conv needs at least two points", hint="use the restype 'full conv and varying res.'"
        )
    step = np.atleast_1d(x[..., 1] - x[..., 0])
    if np.any(step <= 0):
        raise InputError(
            "fast conv needs ascending, equidistant x",
            hint="sort the data, or use the restype 'full conv and varying res.'",
        )
    widths = np.abs(np.asarray(sigma, dtype=float)).reshape(-1)
    half = np.abs(np.asarray(np.asarray(sigma, dtype=float) * reach)).reshape(-1)
    with np.errstate(invalid="ignore"):
        length = np.ceil(((half + step) - (-half)) / step)
    longest = np.max(length, initial=0.0, where=np.isfinite(length))
    if longest > _LONGEST_KERNEL:
        raise InputError(
            f"fast conv needs a kernel of {longest:.2g} points: resolution is far wider than a step of x",
            hint="res is a standard deviation in the unit of x",
        )
    size = np.where(half == 0, 0, np.where(np.isfinite(length), length, -1)).astype(np.int64)
    n_population = max(len(intensity), len(step), len(half))
    out = np.empty((n_population, intensity.shape[1]))
    _convolve(intensity, step, widths, half, size, out)
    return out


def smear(intensity: Array, x: Array, sigma: Values) -> Array:
    """Average a curve over its own points, with a normal distribution of width σ_j around each point j.

    Parameters
    ----------
    intensity : (n_population | 1, n_points).
    x : (n_points,) or (n_population, n_points).
    sigma : scalar, (n_points,), (n_population, 1) or (n_population, n_points).

    result_j = Σ_i I_i·w_ij·t_i / Σ_i w_ij·t_i with w_ij = exp(−(x_i − x_j)²/2σ_j²), t_i = ½ at both ends and
    else 1: a trapezoid rule in the index, not in x, as GenX has it.
    """
    intensity = np.ascontiguousarray(np.atleast_2d(intensity), dtype=np.float64)
    points = np.ascontiguousarray(np.atleast_2d(x), dtype=np.float64)
    widths = np.atleast_2d(np.asarray(sigma, dtype=np.float64))
    widths = np.broadcast_to(widths, (len(widths), points.shape[1])).copy()
    first, last = _windows(points, widths)
    out = np.empty((max(len(intensity), len(points), len(widths)), intensity.shape[1]))
    _smear(intensity, points, widths, first, last, out)
    return out


def _windows(points: Array, widths: Array) -> tuple[Indices, Indices]:
    """First and last (exclusive) point that count for each point; all of them unless x ascends."""
    n_population, n = max(len(points), len(widths)), points.shape[1]
    ascending = np.all(np.diff(points) >= 0, axis=1)
    first, last = np.zeros((n_population, n), dtype=np.int64), np.full((n_population, n), n)
    for m in range(n_population):
        x, reach = points[m % len(points)], _FAR * np.abs(widths[m % len(widths)])
        if ascending[m % len(points)] and np.all(np.isfinite(reach)):
            first[m] = np.searchsorted(x, x - reach, side="left")
            last[m] = np.searchsorted(x, x + reach, side="right")
    return first, last


def _need_places(n_places: int, at_least: int = 2) -> None:
    if n_places < at_least:
        raise InputError(
            f"full convolution with respoints={n_places} has nothing to average",
            hint=f"set respoints to {at_least} or more, 5 to 11 are usual",
        )


def _spread(x: Array, offsets: Array, width: Values) -> Array:
    """x + offset·width for every place, flattened place by place; 1-D if nothing is a population."""
    width = np.asarray(width, dtype=float)
    if offsets.ndim == 1 and np.ndim(x) == 1 and width.ndim < 2:
        return (x + offsets[:, None] * width).reshape(-1)
    rows, steps = np.ascontiguousarray(np.atleast_2d(x)), np.ascontiguousarray(np.atleast_2d(offsets))
    widths = np.ascontiguousarray(np.atleast_2d(width))
    out = np.empty((max(len(rows), len(steps), len(widths)), steps.shape[1] * rows.shape[1]))
    _spread_kernel(rows, steps, widths, out)
    return out if _is_population(x, width, offsets) else out[0]


def _is_population(*values: Values) -> bool:
    return any(np.ndim(value) == 2 for value in values)


@lru_cache(maxsize=64)
def _gaussian_weights(n_places: int, reach: float) -> Array:
    weights = _normalised(np.exp(-0.5 * (np.linspace(-1.0, 1.0, n_places) * reach) ** 2))
    return weights


def _normalised(density: Array) -> Array:
    """Weights of the trapezoid rule with equal steps: (n_places,) or (n_population, n_places) → Grid."""
    weights = np.atleast_2d(density)[:, :, None].copy()
    weights[:, [0, -1]] *= 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights / _sum_over_places(weights))


def _sum_over_places(weights: Array) -> Array:
    total = weights[:, :1].copy()
    for place in range(1, weights.shape[1]):  # one after the other: numpy's own order depends on the shape
        total += weights[:, place : place + 1]
    return total


@compiled()
def _spread_kernel(x: Array, offsets: Array, width: Array, out: Array) -> None:
    n = x.shape[1]
    for m in range(out.shape[0]):
        row = x[m if x.shape[0] > 1 else 0]
        steps = offsets[m if offsets.shape[0] > 1 else 0]
        widths = width[m if width.shape[0] > 1 else 0]
        for place in range(steps.size):
            part = out[m, place * n : (place + 1) * n]
            for i in range(n):
                part[i] = row[i] + steps[place] * widths[i if widths.size > 1 else 0]


@compiled()
def _average(intensity: Array, weights: Array, out: Array) -> None:
    n = out.shape[1]
    for m in range(out.shape[0]):
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        weight = weights[m if weights.shape[0] > 1 else 0]
        row = out[m]
        for i in range(n):
            row[i] = 0.0
        for place in range(weight.shape[0]):
            part = curve[place * n : (place + 1) * n]
            if weight.shape[1] == 1:
                for i in range(n):
                    row[i] += weight[place, 0] * part[i]
            else:
                for i in range(n):
                    row[i] += weight[place, i] * part[i]


@compiled()
def _convolve(
    intensity: Array, step: Array, sigma: Array, half_width: Array, size: Indices, out: Array
) -> None:
    """`size` is the length of each individual's kernel; 0 leaves the curve as it is, −1 makes it NaN."""
    n = out.shape[1]
    kernel, padded = np.empty(1), np.empty(n)
    for m in range(out.shape[0]):
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        length = size[m if size.size > 1 else 0]
        if length < 1:
            for i in range(n):
                out[m, i] = curve[i] if length == 0 else np.nan
            continue
        if kernel.size < length:
            kernel, padded = np.empty(length), np.empty(n + length - 1)
        h = step[m if step.size > 1 else 0]
        s = sigma[m if sigma.size > 1 else 0]
        r = half_width[m if half_width.size > 1 else 0]
        increment = (-r + h) - (-r)  # numpy's arange takes the difference of its first two values
        total = 0.0
        for j in range(length):
            u = (-r + j * increment) / s
            kernel[j] = exponential(-0.5 * u * u)
        for j in range(length):
            total += kernel[j]
        shift = (length - 1) // 2 - (length - 1)
        for i in range(n + length - 1):
            padded[i] = curve[min(max(i + shift, 0), n - 1)]
        row = out[m]
        for i in range(n):
            row[i] = 0.0
        for j in range(length):
            w = kernel[j] / total
            part = padded[length - 1 - j : length - 1 - j + n]
            for i in range(n):
                row[i] += w * part[i]


@compiled()
def _smear(intensity: Array, points: Array, sigma: Array, first: Indices, last: Indices, out: Array) -> None:
    """`first` and `last` (exclusive) bound the points that count for each point."""
    n = out.shape[1]
    start, weights = np.zeros(n + 1, np.int64), np.empty(0)
    for m in range(out.shape[0]):
        begin, end = first[m if first.shape[0] > 1 else 0], last[m if last.shape[0] > 1 else 0]
        if m == 0 or points.shape[0] > 1 or sigma.shape[0] > 1:
            x = points[m if points.shape[0] > 1 else 0]
            s = sigma[m if sigma.shape[0] > 1 else 0]
            for j in range(n):
                start[j + 1] = start[j] + end[j] - begin[j]
            if weights.size < start[n]:
                weights = np.empty(start[n])
            for j in range(n):
                _weigh(x, begin[j], j, s[j], weights[start[j] : start[j + 1]])
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        for j in range(n):
            row, part = weights[start[j] : start[j + 1]], curve[begin[j] : end[j]]
            # Four running sums, which do not wait for one another.
            s0 = s1 = s2 = s3 = 0.0
            whole = row.size // 4 * 4
            for k in range(0, whole, 4):
                s0 += row[k] * part[k]
                s1 += row[k + 1] * part[k + 1]
                s2 += row[k + 2] * part[k + 2]
                s3 += row[k + 3] * part[k + 3]
            for k in range(whole, row.size):
                s0 += row[k] * part[k]
            out[m, j] = (s0 + s1) + (s2 + s3)


@compiled()
def _weigh(x: Array, begin: int, j: int, sigma: float, weights: Array) -> None:
    """Weights of the points from `begin` on in the average at point j; a width of 0 takes what is at j alone."""
    part, centre = x[begin : begin + weights.size], x[j]
    for k in range(weights.size):
        u = (part[k] - centre) / sigma
        weights[k] = exponential(-0.5 * u * u)
    if sigma == 0.0 or np.isnan(sigma) or np.isnan(centre):
        for k in range(weights.size):
            weights[k] = (1.0 if part[k] == centre else 0.0) if sigma == 0.0 else np.nan
    if begin == 0:
        weights[0] *= 0.5
    if begin + weights.size == x.size:
        weights[weights.size - 1] *= 0.5
    total = 0.0
    for k in range(weights.size):
        total += weights[k]
    for k in range(weights.size):
        weights[k] /= total
