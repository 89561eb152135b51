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

Array = NDArray[np.float64]
Values = float | Array  # a scalar, one per point, or one per individual

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

    An `outer` width below the `inner` one means a box.
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
    return Grid(_spread(x, places, width), _normalised(density))


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
    half = np.abs(np.atleast_1d(np.asarray(sigma, dtype=float) * reach).reshape(-1))
    widths = np.abs(np.atleast_1d(np.asarray(sigma, dtype=float)).reshape(-1))
    longest = np.max(2 * half / step, initial=0.0, where=np.isfinite(half / step))
    if longest > _LONGEST_KERNEL:
        raise InputError(
            f"fast conv needs a kernel of {longest:.2g} points: resolution is far wider than a step of x",
            hint="res is a standard deviation in the unit of x",
        )
    out = np.empty((max(len(intensity), len(step), len(half)), intensity.shape[1]))
    _convolve(intensity, step, np.broadcast_to(widths, half.shape).copy(), half, out)
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
    widths = np.ascontiguousarray(np.broadcast_to(widths, (len(widths), points.shape[1])))
    out = np.empty((max(len(intensity), len(points), len(widths)), intensity.shape[1]))
    _smear(intensity, points, widths, out)
    return out


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
    weights.setflags(write=False)
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
            if widths.size == 1:
                distance = steps[place] * widths[0]
                for i in range(n):
                    part[i] = row[i] + distance
            else:
                for i in range(n):
                    part[i] = row[i] + steps[place] * widths[i]


@compiled()
def _average(intensity: Array, weights: Array, out: Array) -> None:
    n_points = out.shape[1]
    same_for_all_points = weights.shape[2] == 1
    for m in range(out.shape[0]):
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        weight = weights[m if weights.shape[0] > 1 else 0]
        row = out[m]
        row[:] = 0.0
        for place in range(weights.shape[1]):
            part = curve[place * n_points : (place + 1) * n_points]
            if same_for_all_points:
                w = weight[place, 0]
                for i in range(n_points):
                    row[i] += w * part[i]
            else:
                for i in range(n_points):
                    row[i] += weight[place, i] * part[i]


@compiled()
def _convolve(intensity: Array, step: Array, sigma: Array, half_width: Array, out: Array) -> None:
    n = out.shape[1]
    kernel, padded = np.empty(1), np.empty(n)
    for m in range(out.shape[0]):
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        h = step[m if step.shape[0] > 1 else 0]
        s = sigma[m if sigma.shape[0] > 1 else 0]
        r = half_width[m if half_width.shape[0] > 1 else 0]
        row = out[m]
        if s == 0.0 or r == 0.0:
            row[:] = curve
            continue
        if not (np.isfinite(s) and np.isfinite(r) and np.isfinite(h)):
            row[:] = np.nan
            continue
        # numpy's arange: its length, and its values from the difference of the first two.
        size = int(np.ceil(((r + h) - (-r)) / h))
        increment = (-r + h) - (-r)
        if kernel.size < size:
            kernel, padded = np.empty(size), np.empty(n + size - 1)
        for j in range(size):
            u = (-r + j * increment) / s
            kernel[j] = exponential(-0.5 * u * u)
        total = 0.0
        for j in range(size):
            total += kernel[j]
        shift = (size - 1) // 2 - (size - 1)
        for i in range(n + size - 1):
            padded[i] = curve[min(max(i + shift, 0), n - 1)]
        row[:] = 0.0
        for j in range(size):
            w = kernel[j] / total
            part = padded[size - 1 - j : size - 1 - j + n]
            for i in range(n):
                row[i] += w * part[i]


@compiled()
def _smear(intensity: Array, points: Array, sigma: Array, out: Array) -> None:
    n = out.shape[1]
    first, start, weights = np.empty(n, np.int64), np.zeros(n + 1, np.int64), np.empty(0)
    for m in range(out.shape[0]):
        if m == 0 or points.shape[0] > 1 or sigma.shape[0] > 1:
            x = points[m if points.shape[0] > 1 else 0]
            s = sigma[m if sigma.shape[0] > 1 else 0]
            _windows(x, s, first, start)
            if weights.size < start[n]:
                weights = np.empty(start[n])
            for j in range(n):
                row = weights[start[j] : start[j + 1]]
                _densities(x[first[j] : first[j] + row.size], x[j], s[j], row)
                if first[j] == 0:
                    row[0] *= 0.5
                if first[j] + row.size == n:
                    row[-1] *= 0.5
                row /= _sum(row)
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        for j in range(n):
            row = weights[start[j] : start[j + 1]]
            out[m, j] = _dot(row, curve[first[j] : first[j] + row.size])


@compiled()
def _windows(x: Array, sigma: Array, first: NDArray[np.int64], start: NDArray[np.int64]) -> None:
    """The points that count for each point: from ``first[j]`` on, ``start[j + 1] - start[j]`` of them."""
    n = x.size
    ascending = True
    for i in range(1, n):
        ascending = ascending and x[i] >= x[i - 1]
    for j in range(n):
        first[j], last = 0, n
        reach = _FAR * abs(sigma[j])
        if ascending and np.isfinite(reach):
            first[j] = np.searchsorted(x, x[j] - reach, side="left")
            last = np.searchsorted(x, x[j] + reach, side="right")
        start[j + 1] = start[j] + last - first[j]


@compiled()
def _densities(x: Array, centre: float, sigma: float, out: Array) -> None:
    """Normal densities but for a factor; a width of 0 leaves what is at the centre, NaN gives NaN."""
    if sigma == 0.0:
        for i in range(out.size):
            out[i] = 1.0 if x[i] == centre else 0.0
    elif np.isnan(sigma) or np.isnan(centre):
        out[:] = np.nan
    else:
        for i in range(out.size):
            u = (x[i] - centre) / sigma
            out[i] = exponential(-0.5 * u * u)


@compiled()
def _sum(values: Array) -> float:
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total


@compiled()
def _dot(a: Array, b: Array) -> float:
    """Σ a·b in four running sums, which do not wait for one another."""
    s0 = s1 = s2 = s3 = 0.0
    whole = a.size // 4 * 4
    for i in range(0, whole, 4):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
    for i in range(whole, a.size):
        s0 += a[i] * b[i]
    return (s0 + s1) + (s2 + s3)
