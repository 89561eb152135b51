"""How far simulated curves are from a measured one: Σ |weight·(target − T(simulation))| over the points.

All figures of merit of GenX have this form, with T one of four functions, or with the square of the bracket;
`weight` and `target` = T(data) depend on the data only.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .logarithm import log10

Array = NDArray[np.float64]


class Transform(IntEnum):
    """The function T through which data and simulation are seen."""

    IDENTITY = 0
    LOG10 = 1
    SQRT = 2
    SQRT_OF_MAGNITUDE = 3


def transformed(values: Array, transform: Transform) -> Array:
    """T of data or a simulation of any shape; -inf and NaN where T has no finite value.

    The logarithm is the kernel's, so that equal numbers have a difference of exactly zero.
    """
    with np.errstate(invalid="ignore"):
        if transform is Transform.LOG10:
            return _logarithms(np.array(values, dtype=float).ravel()).reshape(np.shape(values))
        if transform is Transform.SQRT:
            return np.sqrt(values)
        return np.sqrt(np.abs(values)) if transform is Transform.SQRT_OF_MAGNITUDE else values


@compiled()
def _logarithms(values: Array) -> Array:
    result = np.empty_like(values)
    for i in range(len(values)):
        result[i] = log10(values[i])
    return result


@compiled()
def summed_deviations(simulations: Array, target: Array, weight: Array, transform: int, squared: bool) -> Array:
    """Sums of the finite deviations of many simulations.

    Parameters
    ----------
    simulations : (n_population, n_points), C-contiguous.
    target : (n_points,), T of the data.
    weight : (n_points,); NaN leaves a point out.
    transform : a `Transform`.
    squared : whether the difference is squared before it is weighted.

    Returns
    -------
    (n_population,). The order of summation is fixed by n_points alone: a row's sum does not depend on its
    company.
    """
    n_population, n_points = simulations.shape
    sums = np.empty(n_population)
    terms = np.empty(n_points)
    for row in range(n_population):
        simulation = simulations[row]
        if transform == 1:
            for i in range(n_points):
                terms[i] = target[i] - log10(simulation[i])
        elif transform == 2:
            for i in range(n_points):
                terms[i] = target[i] - np.sqrt(simulation[i])
        elif transform == 3:
            for i in range(n_points):
                terms[i] = target[i] - np.sqrt(abs(simulation[i]))
        else:
            for i in range(n_points):
                terms[i] = target[i] - simulation[i]
        if squared:
            for i in range(n_points):
                terms[i] *= terms[i]
        for i in range(n_points):
            term = abs(weight[i] * terms[i])
            # False for NaN, too.
            terms[i] = term if term < np.inf else 0.0
        sums[row] = _sum(terms)
    return sums


@compiled(inline=True)
def _sum(terms: Array) -> float:
    """Sum in eight interleaved parts: the same order on every machine, whatever its vectors."""
    n = len(terms) - len(terms) % 8
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for i in range(0, n, 8):
        s0 += terms[i]
        s1 += terms[i + 1]
        s2 += terms[i + 2]
        s3 += terms[i + 3]
        s4 += terms[i + 4]
        s5 += terms[i + 5]
        s6 += terms[i + 6]
        s7 += terms[i + 7]
    total = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
    for i in range(n, len(terms)):
        total += terms[i]
    return total
