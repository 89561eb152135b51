"""Profiles of magnetic films along their depth, cut into thin slices without roughness; for one sample.

Depth z in Å, 0 at the surface of the substrate, upwards. Layers have the shape (n_layer,), first the substrate, last
the ambient medium.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_LEAST_WIDTH = 1e-20  # Å
_ROOT_2 = np.sqrt(2.0)


@dataclass(frozen=True)
class Shares:
    """What the layers contribute along the depth.

    z : (n_z,), Å.
    share : (n_layer, n_z), the part of each layer; they add up to 1.
    moment : (n_layer, n_z), the moment of each layer, its interface layers included, in units of the layer's own.
    """

    z: Array
    share: Array
    moment: Array


def grid(thickness: Array, low: float, high: float, step: float) -> Array:
    """Depths from `low` below the lowest interface to `high` above the highest, Å."""
    top = 0.0
    for d in thickness[1:-1]:
        top = top + d
    return np.arange(-low, top + high + step, step)


def reach(sigma: Array, sigma_l: Array, sigma_u: Array, multiple: float, buffer: float) -> tuple[float, float]:
    """How far below the lowest and above the highest interface a profile goes, Å."""
    low_of_first, high_of_last = np.hypot(sigma_l[1], sigma[0]), np.hypot(sigma_u[-2], sigma[-2])
    return (
        float(max(sigma[0], low_of_first) * multiple + buffer),
        float(max(sigma[-2], high_of_last) * multiple + buffer),
    )


def shares(
    z: Array,
    thickness: Array,
    sigma: Array,
    interface_layers: tuple[Array, Array],
    changes: tuple[Array, Array],
    widths: tuple[Array, Array],
    ends: tuple[float, float],
) -> Shares:
    """The profiles of all layers.

    Parameters
    ----------
    z : (n_z,), Å.
    thickness, sigma : Å; sigma is of the top interface of its layer.
    interface_layers : thickness of the lower and upper interface layers, Å.
    changes : relative changes of the moment in them.
    widths : sigma_ml and sigma_mu, of the steps of the moment.
    ends : thickness that substrate and ambient medium count with, Å.

    A layer from a to b, with the widths σ_a and σ_b of its interfaces, has the weight ½ + ½·erf((z − a)/√2σ_a) below
    the point between them that divides the layer as σ_a : σ_b, and ½ − ½·erf((z − b)/√2σ_b) above; the share is its
    part of the sum of all weights. The moment's steps at the interface layers are not cut at the ends of the layer.
    """
    from scipy.special import erf

    n_layer = len(thickness)
    low = np.hypot(widths[0][1:], sigma[:-1]) + _LEAST_WIDTH
    high = np.hypot(widths[1][:-1], sigma[:-1]) + _LEAST_WIDTH
    weight, moment = np.empty((n_layer, len(z))), np.empty((n_layer, len(z)))
    end = 0.0
    for k in range(n_layer):
        begin = end
        if k == 0:
            begin, end = -ends[0], 0.0
        elif k == n_layer - 1:
            end = begin + ends[1]
        else:
            end = begin + thickness[k]
        below = (sigma[k - 1] if k > 0 else 0.0) + _LEAST_WIDTH
        above = (sigma[k] if k < n_layer - 1 else 0.0) + _LEAST_WIDTH
        middle = (above * begin + below * end) / (below + above)
        rise = 0.5 + 0.5 * erf((z - begin) / (_ROOT_2 * below))
        weight[k] = np.where(z <= middle, rise, 0.5 - 0.5 * erf((z - end) / (_ROOT_2 * above)))
        moment[k] = 1.0
        if changes[0][k] != 0.0:
            width = low[k - 1] if k > 0 else _LEAST_WIDTH
            moment[k] += changes[0][k] * (0.5 + 0.5 * erf((begin + interface_layers[0][k] - z) / (_ROOT_2 * width)))
        if changes[1][k] != 0.0:
            width = high[k] if k < n_layer - 1 else _LEAST_WIDTH
            moment[k] += changes[1][k] * (0.5 + 0.5 * erf((z - end + interface_layers[1][k]) / (_ROOT_2 * width)))
    return Shares(z, weight / np.sum(weight, axis=0), moment)


def compressed(values: ComplexArray, limits: Array) -> NDArray[np.int64]:
    """Indices of the points that are left when neighbours that differ little are joined.

    Again and again every second point is left out whose two neighbours differ by no more than the limit in every
    value, until all stay; the first and the last point always stay.

    Parameters
    ----------
    values : (n_value, n_z). limits : (n_value,).
    """
    return _compressed(np.ascontiguousarray(values), np.ascontiguousarray(limits))


def means(values: ComplexArray, kept: NDArray[np.int64]) -> ComplexArray:
    """Means of the values over the slices between the points `kept`, both ends included; then the last point.

    values : (n_value, n_z). Returns (n_value, n_kept).
    """
    return _means(np.ascontiguousarray(values), kept)


@compiled()
def _compressed(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    kept = np.arange(values.shape[1])
    n = kept.size
    while True:
        left = 0
        for i in range(n):
            stays = i % 2 == 0 or i == n - 1
            if not stays:
                for j in range(limits.size):
                    # not "greater": a difference that is no number keeps the point
                    if not abs(values[j, kept[i - 1]] - values[j, kept[i + 1]]) <= limits[j]:
                        stays = True
                        break
            if stays:
                # what is overwritten lies behind i − 1, which the next odd point compares with
                kept[left] = kept[i]
                left += 1
        if left == n:
            return kept[:n].copy()
        n = left


@compiled()
def _means(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    out = np.empty((values.shape[0], kept.size), dtype=np.complex128)
    for j in range(values.shape[0]):
        for s in range(kept.size - 1):
            total = complex(0.0, 0.0)
            for i in range(kept[s], kept[s + 1] + 1):
                total += values[j, i]
            out[j, s] = total / (kept[s + 1] + 1 - kept[s])
        out[j, kept.size - 1] = values[j, kept[kept.size - 1]]
    return out
