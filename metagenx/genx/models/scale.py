"""Simulations scaled to the data: the factor is calculated instead of fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError

__all__ = ["scale_sim", "scale_sqrt_sim"]

Array = NDArray[np.float64]


def scale_sim(
    data: Sequence[Any], sim_list: Sequence[Any], scale_func: Callable[[Any], Any] | None = None
) -> list[Any]:
    """All simulations times the factor s that fits them best to the data sets in use.

    s = Σ y·S/Σ S² over all points, without regard to error bars.

    Parameters
    ----------
    data : the data sets.
    sim_list : a simulation of each, (n_points,) or (n_population, n_points).
    scale_func : called with s, a number or (n_population, 1).

    Raises
    ------
    InputError : not one simulation per data set, or no data set in use.
    """
    product, square = 0.0, 0.0
    for y, simulation in _in_use(data, sim_list):
        product = product + _total(y * simulation)
        square = square + _total(simulation**2)
    return _scaled(sim_list, product / square, 1, scale_func)


def scale_sqrt_sim(
    data: Sequence[Any], sim_list: Sequence[Any], scale_func: Callable[[Any], Any] | None = None
) -> list[Any]:
    """All simulations times s², where s fits amplitudes: s = Σ √(y·S)/Σ S over the data sets in use.

    Parameters as in `scale_sim`; `scale_func` is called with s.
    """
    root, total = 0.0, 0.0
    for y, simulation in _in_use(data, sim_list):
        root = root + _total(np.sqrt(y * simulation))
        total = total + _total(simulation)
    return _scaled(sim_list, root / total, 2, scale_func)


def _in_use(data: Sequence[Any], sim_list: Sequence[Any]) -> list[tuple[Array, Array]]:
    if len(data) != len(sim_list):
        raise InputError(f"scale_sim: {len(sim_list)} simulations for {len(data)} data sets")
    pairs = [(d.y, np.asarray(s)) for d, s in zip(data, sim_list, strict=True) if d.use]
    if not pairs:
        raise InputError("scale_sim: no data set is in use, so there is nothing to scale to")
    return pairs


def _total(values: Array) -> Any:
    """Sum over the points: a number, or (n_population, 1)."""
    return np.sum(np.ascontiguousarray(values), axis=-1, keepdims=values.ndim > 1)


def _scaled(sim_list: Sequence[Any], s: Any, power: int, scale_func: Callable[[Any], Any] | None) -> list[Any]:
    if scale_func is not None:
        scale_func(s)
    factor = s if power == 1 else s * s
    return [simulation * factor for simulation in sim_list]
