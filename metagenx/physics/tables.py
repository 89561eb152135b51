"""Arguments of the kernels in the one form that they are compiled for."""

from __future__ import annotations

from typing import Any

import numpy as np


def table(values: Any, kind: type = np.float64) -> np.ndarray:
    """The values as the one kind of array that the kernels are compiled for: (n_population | 1, …)."""
    array: np.ndarray = np.ascontiguousarray(values, dtype=kind)
    if array.ndim < 2:
        array = array.reshape(1, -1)
    flags = array.flags
    return array if flags.writeable and flags.aligned else array.copy()


def common_length(*arrays: np.ndarray) -> int:
    """Size of the population; ValueError if the arrays do not agree about it."""
    lengths = {len(array) for array in arrays}
    if len(lengths - {1}) > 1:
        raise ValueError(f"populations of different sizes: {sorted(lengths)}")
    return max(lengths)
