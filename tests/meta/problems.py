"""Cheap problems with traps, as a user would hand them in: ``problems.py:rastrigin``."""

import time

import numpy as np

from metagenx.fitting.problem import FunctionProblem

CENTRE, N_DIM = 0.37, 6


def _many_minima(x: np.ndarray) -> np.ndarray:
    """Rastrigin's function, (n, 6) to (n,), with its minimum of 1 off the middle."""
    y = x - CENTRE
    return 1.0 + (y**2).sum(axis=1) + 2.0 * (1.0 - np.cos(2.0 * np.pi * y)).sum(axis=1)


def rastrigin() -> FunctionProblem:
    return FunctionProblem(_many_minima, [[-3.0, 3.0]] * N_DIM, start=[2.0] * N_DIM, vectorised=True)


def slow() -> FunctionProblem:
    """The same, about 0.2 s for a fit, so that a test can interfere."""

    def delayed(x: np.ndarray) -> np.ndarray:
        time.sleep(0.004)
        return _many_minima(x)

    return FunctionProblem(delayed, [[-3.0, 3.0]] * N_DIM, start=[2.0] * N_DIM, vectorised=True)


def sometimes_nan() -> FunctionProblem:
    """NaN in a third of the box, an exception in a corner."""

    def holes(x: np.ndarray) -> np.ndarray:
        if (x > 2.9).all(axis=1).any():
            raise ZeroDivisionError("the corner")
        return np.where(x[:, 0] < -1.0, np.nan, _many_minima(x))

    return FunctionProblem(holes, [[-3.0, 3.0]] * N_DIM, start=[2.0] * N_DIM, vectorised=True)


def nothing() -> FunctionProblem:
    return FunctionProblem(lambda x: np.full(len(x), np.nan), [[0.0, 1.0]] * 2, vectorised=True)
