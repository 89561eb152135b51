"""Reading the numbers of parameter objects: one, one per point, or one per individual of a population."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError

Array = NDArray[np.float64]


def is_population(*values: Any) -> bool:
    """Whether any value holds one number per individual, (n_population, …)."""
    return any(isinstance(value, np.ndarray) and value.ndim == 2 for value in values)


def number(owner: Any, field: str) -> Any:
    """A field that is one number, or one per individual: a float or (n_population, 1).

    Raises
    ------
    InputError : it is neither.
    """
    value = getattr(owner, field)
    if type(value) is float or type(value) is int:
        return value
    array = _as_array(owner, field, value)
    if array.size == 1 and array.ndim < 2:
        return float(array.reshape(-1)[0])
    if array.ndim != 2 or array.shape[1] != 1:
        raise InputError(f"{_name(owner, field)} must be one number, not an array of shape {array.shape}")
    return array


def whole_number(owner: Any, field: str) -> int:
    """A field that is one whole number, the same for all; rounded, for a parameter table holds floats."""
    value = number(owner, field)
    smallest, largest = np.min(value), np.max(value)
    if not np.isfinite(smallest + largest) or round(smallest) != round(largest):
        raise InputError(f"{_name(owner, field)} must be the same whole number for all, not {value!r}")
    return round(float(smallest))


def per_point(owner: Any, field: str, n_points: int, n_places: int = 1) -> Any:
    """A field with one number, one per individual or one per point, on a grid with `n_places` places of every
    point, point by point.

    Returns
    -------
    a float, (n_population, 1), (n_places·n_points,) or (n_population, n_places·n_points).

    Raises
    ------
    InputError : its length is not that of x.
    """
    value = getattr(owner, field)
    if type(value) is float or type(value) is int:
        return value
    array = _as_array(owner, field, value)
    if array.size == 1 and array.ndim < 2:
        return float(array.reshape(-1)[0])
    if array.ndim > 2 or array.shape[-1] not in (1, n_points) or (array.ndim == 1 and array.size != n_points):
        raise InputError(
            f"{_name(owner, field)} has {array.shape[-1]} values, x has {n_points} points",
            hint=f"give one number, or an array as long as x (for example data[0].{field})",
        )
    if n_places == 1 or array.shape[-1] != n_points or n_points == 1:
        return array
    return np.repeat(array, n_places, axis=-1)


def writable(array: Array) -> Array:
    """The array, or a copy of a read-only one: for these the kernels would have to be compiled again."""
    return array if array.flags.writeable else array.copy()


def _as_array(owner: Any, field: str, value: Any) -> Array:
    if value is None or isinstance(value, str | bytes):
        raise InputError(f"{_name(owner, field)} must be a number, not {value!r}")
    try:
        return writable(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        raise InputError(f"{_name(owner, field)} must be a number, not {value!r}") from None


def _name(owner: Any, field: str) -> str:
    return f"{type(owner).__name__}.{field}"
