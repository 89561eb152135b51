"""Profiles of a layered sample along its depth: any quantity of the layers, smeared by the roughness.

For one sample, not for a population. Depth z in Å, 0 at the surface of the substrate, upwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Keeps a sharp interface computable, Å; GenX's value, and it moves the first z.
_LEAST_ROUGHNESS = 1e-7


def interfaces(thickness: Array, sigma: Array) -> tuple[Array, Array]:
    """Where the interfaces are, and how rough: (n_layer − 1,) each, from substrate and first layer upwards.

    Parameters
    ----------
    thickness, sigma : (n_layer,), Å, substrate first, ambient medium last; sigma is of a layer's top
        interface. The thickness of both ends and the sigma of the ambient are unused.
    """
    positions = np.concatenate([[0.0], np.cumsum(thickness[1:-1])])
    return positions, sigma[:-1] + _LEAST_ROUGHNESS


def default_depths(positions: Array, roughness: Array) -> Array:
    """Depths in steps of 0.5 Å, from 5σ below the first interface to 5σ above the last."""
    return np.arange(-5 * roughness[0], np.max(positions) + 5 * roughness[-1], 0.5)


def profile(z: Array, values: NDArray, positions: Array, roughness: Array) -> NDArray:
    """A quantity of the layers along z: Σ_k (v_k − v_{k+1})·(½ − ½·erf((z − z_k)/(√2·σ_k))) + v_M.

    Parameters
    ----------
    z : (n_z,), Å.
    values : real or complex (n_layer,).
    positions, roughness : (n_layer − 1,), as `interfaces` gives them.

    Returns
    -------
    (n_z,), of the type of `values`. GenX computes in single precision, we do not.
    """
    from scipy.special import erf

    z = np.asarray(z, dtype=float)
    result = np.full(z.shape, values[-1])
    steps = values[:-1] - values[1:]
    for step, position, sigma in zip(steps, positions, roughness, strict=True):
        if step != 0:
            result += step * (0.5 - 0.5 * erf((z - position) / (np.sqrt(2) * sigma)))
    return result
