"""Numbers of atoms and slabs: one for all, or one per individual of a population."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError

Array = NDArray[np.float64]


def one_number(value: Any, what: str) -> Any:
    """`value`, if it is one number, or one per individual (n_population, 1).

    Raises
    ------
    InputError : it is not; `what` says whose value it is.
    """
    if type(value) is float or type(value) is int:
        return value
    array = np.asarray(value) if isinstance(value, int | float | np.number | np.ndarray) else np.empty(0)
    if array.dtype.kind in "fiub":
        if array.size == 1 and array.ndim < 2:
            return float(array.reshape(-1)[0])
        if array.ndim == 2 and array.shape[1] == 1:
            return value
    raise InputError(f"{what} must be one number, not {value!r:.80}")


def table_of(values: list[Any], what: str) -> Array:
    """Numbers of many atoms as (n_population | 1, n_atom).

    Raises
    ------
    InputError : one of them is no number, or populations have different sizes.
    """
    arrays = [value for value in values if type(value) is np.ndarray and value.ndim == 2]
    n_population = len(arrays[0]) if arrays else 1
    if any(array.shape != (n_population, 1) for array in arrays):
        raise InputError(f"{what} holds populations of different sizes")
    table = np.empty((n_population, len(values)))
    for i, value in enumerate(values):
        table[:, i : i + 1] = value if type(value) is float else one_number(value, what)
    return table
