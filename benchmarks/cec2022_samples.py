"""The functions of ``cec2022_functions`` as an experiment names them: ``cec2022_samples.py:F2``."""

from __future__ import annotations

from functools import partial

import numpy as np
from cec2022_functions import HALF_WIDTH, N_DIM, NUMBERS, SOLVED, errors_at, load

from metagenx.fitting.problem import FunctionProblem


def problem(number: int) -> FunctionProblem:
    """One function; 1e-8 is added to its error, what CEC calls solved, so that ratios mean something."""
    function = load()[number]

    def values(vectors: np.ndarray) -> np.ndarray:
        return errors_at(number, np.ascontiguousarray(vectors), function.shift, function.matrix) + SOLVED

    bounds = [[-HALF_WIDTH, HALF_WIDTH]] * N_DIM
    return FunctionProblem(values, bounds, start=[0.0] * N_DIM, vectorised=True)


globals().update({f"F{number}": partial(problem, number) for number in NUMBERS})
