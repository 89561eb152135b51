"""Full convolution: the grids that a curve is simulated on, and the average over them.

Every point is simulated at several places around it and the weighted average taken: `gaussian_grid`,
`trapezoid_grid` or `kalpha_grid`, then `average`. The grid of n points and m places is flattened point by
point: all m places of the first point, then of the second. So what is next to each other in the grid is so in Q,
and the kernels, which take it block by block, meet total reflection in few of them.

Shapes: points (n_points,) or (n_population, n_points); widths are scalars, (n_points,), (n_population, 1) or
(n_population, n_points). A width of zero means no smearing, and the sign of a width does not matter (GenX
gives NaN for the first). Sums run in the same order for every individual, so a population gives the numbers
of its members.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from metagenx.errors import InputError
from metagenx.physics.compiled import compiled
from metagenx.physics.pointwise import Array, Values


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

    An `outer` width below the `inner` one means a box. Of a trapezoid both ends are left out: their weight is
    zero.
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
    by_point = [line.reshape(len(line), -1, n_places) for line in np.broadcast_arrays(*lines)]
    grid = np.concatenate(by_point, axis=2).reshape(len(by_point[0]), -1)
    places = grid.reshape(len(grid), -1, 2 * n_places).transpose(0, 2, 1)
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
        return np.asarray(x[:, None] + offsets * (width[:, None] if width.ndim else width)).reshape(-1)
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
            for i in range(n):
                out[m, i * steps.size + place] = row[i] + steps[place] * widths[i if widths.size > 1 else 0]


@compiled()
def _average(intensity: Array, weights: Array, out: Array) -> None:
    n = out.shape[1]
    for m in range(out.shape[0]):
        curve = intensity[m if intensity.shape[0] > 1 else 0]
        weight = weights[m if weights.shape[0] > 1 else 0]
        row = out[m]
        n_places, each = weight.shape[0], weight.shape[1] > 1
        for i in range(n):
            total = 0.0
            for place in range(n_places):
                total += weight[place, i if each else 0] * curve[i * n_places + place]
            row[i] = total
