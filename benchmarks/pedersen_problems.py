"""Nine functions on which M. E. H. Pedersen tuned differential evolution, in any number of dimensions.

Written from their published definitions (X. Yao, Y. Liu, G. Lin, IEEE Trans. Evol. Comput. 3 (1999) 82; M. E. H.
Pedersen, Hvass Laboratories HL1002 (2010) for the ranges). The population begins in one corner of the box, away from
the minimum ("asymmetric initialisation"). All have their minimum at 0; 1e-12 is added, so that ratios mean something.

A tuning experiment names them as ``pedersen_samples.py:ackley_10``. Schwefel 1-2 is the published function, the last
coordinate included.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np

from metagenx.fitting.problem import FunctionProblem

FLOOR = 1e-12


@numba.njit
def sphere(x: np.ndarray) -> float:
    return np.sum(x * x)


@numba.njit
def schwefel_2_22(x: np.ndarray) -> float:
    total, product = 0.0, 1.0
    for value in x:
        total += abs(value)
        product *= abs(value)
    return total + product


@numba.njit
def schwefel_1_2(x: np.ndarray) -> float:
    total, part = 0.0, 0.0
    for value in x:
        part += value
        total += part * part
    return total


@numba.njit
def schwefel_2_21(x: np.ndarray) -> float:
    return np.max(np.abs(x))


@numba.njit
def rosenbrock(x: np.ndarray) -> float:
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (x[i] - 1.0) ** 2
    return total


@numba.njit
def rastrigin(x: np.ndarray) -> float:
    total = 10.0 * len(x)
    for value in x:
        total += value * value - 10.0 * np.cos(2.0 * np.pi * value)
    return total


@numba.njit
def ackley(x: np.ndarray) -> float:
    n = len(x)
    squares, cosines = 0.0, 0.0
    for value in x:
        squares += value * value
        cosines += np.cos(2.0 * np.pi * value)
    return max(0.0, np.e + 20.0 - 20.0 * np.exp(-0.2 * np.sqrt(squares / n)) - np.exp(cosines / n))


@numba.njit
def griewank(x: np.ndarray) -> float:
    squares, product = 0.0, 1.0
    for i in range(len(x)):
        squares += x[i] * x[i]
        product *= np.cos(x[i] / np.sqrt(i + 1.0))
    return max(0.0, 1.0 + squares / 4000.0 - product)


@numba.njit
def penalized_1(x: np.ndarray) -> float:
    n = len(x)
    y = 1.0 + (x + 1.0) / 4.0
    total = 10.0 * np.sin(np.pi * y[0]) ** 2 + (y[n - 1] - 1.0) ** 2
    for i in range(n - 1):
        total += (y[i] - 1.0) ** 2 * (1.0 + 10.0 * np.sin(np.pi * y[i + 1]) ** 2)
    total *= np.pi / n
    for value in x:
        if abs(value) > 10.0:
            total += 100.0 * (abs(value) - 10.0) ** 4
    return total


# name → function, half-width of the box, corner in which a population begins
FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], float], float, tuple[float, float]]] = {
    "sphere": (sphere, 100.0, (50.0, 100.0)),
    "schwefel_2_22": (schwefel_2_22, 10.0, (5.0, 10.0)),
    "schwefel_1_2": (schwefel_1_2, 100.0, (50.0, 100.0)),
    "schwefel_2_21": (schwefel_2_21, 100.0, (50.0, 100.0)),
    "rosenbrock": (rosenbrock, 100.0, (15.0, 30.0)),
    "rastrigin": (rastrigin, 5.12, (2.56, 5.12)),
    "ackley": (ackley, 30.0, (15.0, 30.0)),
    "griewank": (griewank, 600.0, (300.0, 600.0)),
    "penalized_1": (penalized_1, 50.0, (5.0, 50.0)),
}


@numba.njit
def of_population(function: Callable[[np.ndarray], float], vectors: np.ndarray) -> np.ndarray:
    """Values ``(n,)`` of a population ``(n, n_dim)``."""
    found = np.empty(len(vectors))
    for i in range(len(vectors)):
        found[i] = function(vectors[i]) + FLOOR
    return found


def problem(name: str, n_dim: int) -> FunctionProblem:
    """One function in so many dimensions."""
    function, half, corner = FUNCTIONS[name]

    def values(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(of_population(function, np.ascontiguousarray(vectors)))

    bounds = [[-half, half]] * n_dim
    start = [float(np.mean(corner))] * n_dim
    return FunctionProblem(values, bounds, start=start, vectorised=True, initial_bounds=[list(corner)] * n_dim)
