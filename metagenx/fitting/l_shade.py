"""L-SHADE: F and C learnt from what won, current-to-pbest/1, an archive, a population that shrinks to four.

Source: Tanabe & Fukunaga, "Improving the Search Performance of SHADE Using Linear Population Size Reduction", CEC 2014,
1658. The population shrinks in ``population_reduction.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting.problem import FloatArray
from metagenx.fitting.success_history import (
    SuccessHistory,
    archived,
    current_to_pbest,
    drawn_factors,
    gains,
    lehmer_mean,
)

MEMORY = 0.5  # of F and C at the beginning


def begin(n_dim: int, memory_size: int) -> SuccessHistory:
    """The memory before the first generation: F = C = 0.5 in every slot, an empty archive."""
    return SuccessHistory(np.full(memory_size, MEMORY), np.full(memory_size, MEMORY), np.empty((0, n_dim)))


def trials(
    rng: np.random.Generator, history: SuccessHistory, population: FloatArray, foms: FloatArray, p_best: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Trial vectors ``(n_pop, n_dim)``, and the F and C ``(n_pop,)`` that they were made with."""
    slots = rng.integers(len(history.km), size=len(population))
    factors, crossover = drawn_factors(rng, history.km[slots], history.kr[slots])
    n_best = round(p_best * len(population))
    made = current_to_pbest(rng, population, foms, history.archive, factors, factors, crossover, n_best)
    return made, factors, crossover


def learn(
    rng: np.random.Generator,
    history: SuccessHistory,
    parents: FloatArray,
    foms: FloatArray,
    told: FloatArray,
    factors: FloatArray,
    crossover: FloatArray,
    room: int,
) -> None:
    """After a generation: displaced parents into the archive, and one slot of the memory from what won.

    Parameters
    ----------
    parents, foms : before the selection, ``(n_pop, n_dim)`` and ``(n_pop,)``.
    told : FOMs of the trials, ``(n_pop,)``.
    room : of the archive, members.
    """
    won: NDArray[np.bool_] = told < foms
    if not won.any():
        return
    history.archive = archived(rng, history.archive, parents[won], room)
    weights = gains(foms[won], told[won])
    history.km[history.slot] = lehmer_mean(factors[won], weights)
    history.kr[history.slot] = learnt_crossover(history.kr[history.slot], crossover[won], weights)
    history.slot = (history.slot + 1) % len(history.km)


def learnt_crossover(remembered: float, winners: FloatArray, weights: FloatArray) -> float:
    """The new value of a slot of C: the weighted Lehmer mean; NaN (⊥) if it is that already or no winner has C > 0."""
    if np.isnan(remembered) or winners.max() == 0.0:
        return np.nan
    return lehmer_mean(winners, weights)
