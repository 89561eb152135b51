"""The average of a simulation over a distribution of thicknesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.physics.thickness_distribution import ThicknessDistribution

Array = NDArray[np.float64]


def averaged(
    simulate: Callable[[Array], NDArray[Any]],
    thickness: Array,
    distribution: ThicknessDistribution | None,
    fixed: Array | None = None,
) -> NDArray[Any]:
    """Σ_j P_j·simulate(t_j·(thickness − fixed) + fixed); without a distribution simply simulate(thickness).

    Parameters
    ----------
    simulate : from the thicknesses (n_population | 1, n_layer) to an array (n_population | 1, …).
    fixed : what of the thicknesses is the same at every place, (n_population | 1, n_layer).
    """
    if distribution is None:
        return simulate(thickness)
    total: Any = 0.0
    for step in range(distribution.factors.shape[1]):
        weight = distribution.weights[:, step]
        factor = distribution.factors[:, step : step + 1]
        varied = thickness * factor if fixed is None else (thickness - fixed) * factor + fixed
        curve = simulate(np.ascontiguousarray(varied))
        total = total + weight.reshape(-1, *(1,) * (curve.ndim - 1)) * curve
    return np.asarray(total)
