"""The average of a simulation over a distribution of thicknesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.thickness_distribution import ThicknessDistribution

Array = NDArray[np.float64]


def averaged(
    simulate: Callable[[Array], NDArray[Any]], thickness: Array, distribution: ThicknessDistribution | None
) -> NDArray[Any]:
    """Σ_j P_j·simulate(t_j·thickness); without a distribution simply simulate(thickness).

    Parameters
    ----------
    simulate : from the thicknesses (n_population | 1, n_layer) to an array (n_population | 1, …).
    """
    if distribution is None:
        return simulate(thickness)
    total: Any = 0.0
    for step in range(distribution.factors.shape[1]):
        weight = distribution.weights[:, step]
        curve = simulate(np.ascontiguousarray(thickness * distribution.factors[:, step : step + 1]))
        total = total + weight.reshape(-1, *(1,) * (curve.ndim - 1)) * curve
    return np.asarray(total)
