"""Layers that change from one repetition of their stack to the next (fact sheet 4.2).

Shapes: values and gradients are (n_population | 1, 1 or n_layer), `n_copies` (n_population | 1,); results
(n_population | 1, n_copies at most, n_layer). Copies are counted from 0 at the bottom; beyond the number of
copies of an individual the results mean nothing. Only operations that round the same in any company.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.pointwise import Array

RoughnessGradient = Literal["relative linear", "relative sqrt", "absolute linear", "absolute sqrt"]
Counts = NDArray[np.int64]


def roughness(sigma: Array, gradient: Array, kind: RoughnessGradient, n_copies: Counts) -> Array:
    """σ of every copy, that of the lowest unchanged; with u = i/(N − 1):

    σ·(1 + g·u), σ·sqrt(1 + (g·u)²), σ + g·u or sqrt(σ² + (g·u)²).
    """
    change = gradient[:, None, :] * _progress(n_copies)
    sigma = sigma[:, None, :]
    if kind == "relative linear":
        return np.asarray(sigma * (1 + change))
    if kind == "relative sqrt":
        return np.asarray(sigma * np.sqrt(1 + change * change))
    if kind == "absolute linear":
        return np.asarray(sigma + change)
    return np.where(change == 0, sigma, np.sqrt(sigma * sigma + change * change))


def around_the_middle(values: Array, gradient: Array, n_copies: Array | Counts, most_copies: int) -> Array:
    """value·(1 − gradient·(½ − i/N)): thicknesses and densities.

    Parameters
    ----------
    n_copies : N, (n_population | 1,); of densities GenX's ``Repetitions``, which need not be whole.
    most_copies : how many copies there are at most.
    """
    copies = np.arange(most_copies)[None, :, None]
    number = np.asarray(n_copies, dtype=float)[:, None, None]
    place = 0.5 - copies / np.where(number == 0, 1.0, number)  # without a copy the result is not used
    return np.asarray(values[:, None, :] * (1 - gradient[:, None, :] * place))


def linear(gradient: Array, n_copies: Counts) -> Array:
    """1 + gradient·i/(N − 1), (n_population | 1, n_copies, 1): the scale of the bilayers of a supermirror."""
    return np.asarray(1 + gradient[:, None, :] * _progress(n_copies))


def _progress(n_copies: Counts) -> Array:
    """i/(N − 1) of every copy, (n_population | 1, n_copies, 1); 0 for a single copy."""
    copies = np.arange(n_copies.max(initial=0))[None, :, None]
    return np.asarray(copies / np.maximum(n_copies - 1, 1)[:, None, None])
