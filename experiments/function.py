"""A plain Python problem for function.yaml: anything that turns vectors into numbers can be tuned for."""

from __future__ import annotations

import numpy as np

from metagenx.fitting.problem import FunctionProblem


def values(x: np.ndarray) -> np.ndarray:
    """Rastrigin's function plus one, ``(n, 6)`` to ``(n,)``: many minima on a grid, the lowest, 1, at 0.37."""
    y = x - 0.37
    return 1.0 + np.sum(y**2 + 2.0 * (1.0 - np.cos(2.0 * np.pi * y)), axis=1)


def ripples() -> FunctionProblem:
    """The problem: function, limits, start."""
    return FunctionProblem(values, [[-3.0, 3.0]] * 6, start=[2.0] * 6, vectorised=True)


def valley() -> FunctionProblem:
    """Rosenbrock's banana valley plus one, in four dimensions; the lowest value, 1, lies at (1, 1, 1, 1)."""

    def banana(x: np.ndarray) -> np.ndarray:
        return 1.0 + np.sum(100.0 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1.0 - x[:, :-1]) ** 2, axis=1)

    return FunctionProblem(banana, [[-2.0, 2.0]] * 4, start=[-1.2, 1.0, -1.2, 1.0], vectorised=True)
