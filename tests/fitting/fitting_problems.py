"""Functions with known minima. Only + − × in a fixed order, so that every machine computes the same bits."""

from __future__ import annotations

import numpy as np

from metagenx.fitting.problem import FunctionProblem


def sphere(vectors: np.ndarray) -> np.ndarray:
    total = np.full(len(vectors), 1.0)
    for i in range(vectors.shape[1]):
        away = vectors[:, i] - 0.1 * (i + 1)
        total = total + away * away
    return total


def rosenbrock(vectors: np.ndarray) -> np.ndarray:
    total = np.full(len(vectors), 1.0)
    for i in range(vectors.shape[1] - 1):
        a, b = vectors[:, i], vectors[:, i + 1]
        bend, away = b - a * a, 1.0 - a
        total = total + 100.0 * bend * bend + away * away
    return total


def sphere_problem(n_dim: int = 5, **kwargs) -> FunctionProblem:
    return FunctionProblem(sphere, [[-2.0, 3.0]] * n_dim, vectorised=True, **kwargs)


def rosenbrock_problem(n_dim: int = 4) -> FunctionProblem:
    return FunctionProblem(rosenbrock, [[-2.0, 3.0]] * n_dim, start=[-1.0] * n_dim, vectorised=True)
