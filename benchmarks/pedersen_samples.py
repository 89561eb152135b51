"""The functions of ``pedersen_problems`` as an experiment names them: ``pedersen_samples.py:ackley_10``."""

from __future__ import annotations

from functools import partial

from pedersen_problems import FUNCTIONS, problem

DIMENSIONS = (2, 5, 10, 20, 30, 50, 100)
globals().update({f"{name}_{n_dim}": partial(problem, name, n_dim) for name in FUNCTIONS for n_dim in DIMENSIONS})
