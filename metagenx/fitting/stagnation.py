"""When a run has nothing more to find: the spread of its population, the generations without improvement."""

from __future__ import annotations

import numpy as np

from metagenx.fitting.problem import FloatArray
from metagenx.fitting.settings import Settings


def parameter_spread(population: FloatArray, bounds: FloatArray) -> float:
    """Largest (max − min) of a parameter over the population ``(n_pop, n_dim)``, in widths of its bounds."""
    width = bounds[:, 1] - bounds[:, 0]
    spread = population.max(axis=0) - population.min(axis=0)
    return float((spread / np.where(width > 0.0, width, 1.0)).max())


def converged(settings: Settings, population: FloatArray, bounds: FloatArray) -> bool:
    """GenX's own rule: no parameter spreads over ``min_parameter_spread`` per cent of its bounds."""
    if settings.min_parameter_spread <= 0.0:
        return False
    return parameter_spread(population, bounds) < 0.01 * settings.min_parameter_spread


def stagnated(
    settings: Settings,
    population: FloatArray,
    foms: FloatArray,
    bounds: FloatArray,
    idle_generations: int,
) -> bool:
    """Whether any of the three stagnation rules holds.

    ``foms`` is ``(n_pop,)``; a member without a FOM (inf) means that the FOMs still spread.
    ``idle_generations`` counts since the best FOM last improved by ``stagnation_improvement``.
    """
    if not settings.use_stagnation:
        return False
    if 0 < settings.stagnation_generations <= idle_generations:
        return True
    if settings.stagnation_fom_spread > 0.0:
        best = float(foms.min())
        # Not "<": a plateau at a best of exactly zero has no spread at all.
        if float(foms.max()) - best <= settings.stagnation_fom_spread * abs(best):
            return True
    limit = 0.01 * settings.stagnation_parameter_spread
    return limit > 0.0 and parameter_spread(population, bounds) < limit


def improved(settings: Settings, fom: float, reference: float) -> bool:
    """Whether a best FOM is far enough below the reference to count as an improvement."""
    if not np.isfinite(reference):
        return bool(np.isfinite(fom))
    return fom < reference - settings.stagnation_improvement * abs(reference)
