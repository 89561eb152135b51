"""Fast convolution: a curve averaged over its own points.

Shapes: points (n_points,) or (n_population, n_points); widths are scalars, (n_population, 1) and, for
`smear`, also (n_points,) or (n_population, n_points). A width of zero means no smearing, and the sign of a
width does not matter (GenX: NaN or an exception). Sums run in the same order for every individual, so a
population gives the numbers of its members.
"""

from __future__ import annotations

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
        raise InputError("fast conv needs at least two points", hint="use the restype 'full conv and varying res.'")
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


@compiled()
def _convolve(intensity: Array, step: Array, sigma: Array, half_width: Array, size: Indices, out: Array) -> None:
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
    """Weights of the points from `begin` on in the average at point j; width 0 takes what is at j alone."""
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
