"""jSO: L-SHADE with a weighted pull to the best and schedules for p, F and C over the evaluations of a run.

Source: Brest, Maučec & Bošković, "Single Objective Real-Parameter Optimization: Algorithm jSO", CEC 2017, 1311, with
what it takes over from iL-SHADE (CEC 2016, 1188): the last slot of the memory always is 0.9, a slot moves half way to
what has won, and in the first half no member is its own pbest. As in the authors' runs the schedules follow the
evaluations, which the paper writes as generations: with a shrinking population only their number is known beforehand.
"""

from __future__ import annotations

import numpy as np

from metagenx.fitting.l_shade import learnt_crossover
from metagenx.fitting.problem import FloatArray
from metagenx.fitting.success_history import (
    SuccessHistory,
    archived,
    current_to_pbest,
    drawn_factors,
    gains,
    lehmer_mean,
)

MEMORY_KM, MEMORY_KR = 0.3, 0.8
LAST_SLOT = 0.9


def begin(n_dim: int, memory_size: int) -> SuccessHistory:
    """The memory before the first generation: F = 0.3 and C = 0.8, in the last slot both 0.9; an empty archive."""
    history = SuccessHistory(np.full(memory_size, MEMORY_KM), np.full(memory_size, MEMORY_KR), np.empty((0, n_dim)))
    history.km[-1] = history.kr[-1] = LAST_SLOT
    return history


def share_of_best(p_best: float, progress: float) -> float:
    """p: falls linearly to half of its first value."""
    return p_best * (1.0 - 0.5 * progress)


def pull(factors: FloatArray, progress: float) -> FloatArray:
    """Fw: 0.7 F in the first fifth of the evaluations, 0.8 F in the second, then 1.2 F."""
    return factors * (0.7 if progress < 0.2 else 0.8 if progress < 0.4 else 1.2)


def limited(factors: FloatArray, crossover: FloatArray, progress: float) -> tuple[FloatArray, FloatArray]:
    """F at most 0.7 before 60 % of the evaluations; C at least 0.7 before 25 %, at least 0.6 before 50 %."""
    if progress < 0.6:
        factors = np.minimum(factors, 0.7)
    if progress < 0.5:
        crossover = np.maximum(crossover, 0.7 if progress < 0.25 else 0.6)
    return factors, crossover


def trials(
    rng: np.random.Generator,
    history: SuccessHistory,
    population: FloatArray,
    foms: FloatArray,
    p_best: float,
    progress: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Trial vectors ``(n_pop, n_dim)``, and the F and C ``(n_pop,)``; ``progress`` is 0 … 1 of the evaluations."""
    slots = rng.integers(len(history.km), size=len(population))
    factors, crossover = limited(*drawn_factors(rng, history.km[slots], history.kr[slots]), progress)
    n_best = round(share_of_best(p_best, progress) * len(population))
    made = current_to_pbest(
        rng, population, foms, history.archive, factors, pull(factors, progress), crossover, n_best,
        not_itself=progress < 0.5,
    )  # fmt: skip
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
    """After a generation, as in L-SHADE; a slot becomes the mean of what it was and of what has won."""
    won = told < foms
    if not won.any():
        return
    history.archive = archived(rng, history.archive, parents[won], room)
    weights = gains(foms[won], told[won])
    slot = history.slot
    history.km[slot] = 0.5 * (history.km[slot] + lehmer_mean(factors[won], weights))
    history.kr[slot] = 0.5 * (history.kr[slot] + learnt_crossover(history.kr[slot], crossover[won], weights))
    history.km[-1] = history.kr[-1] = LAST_SLOT
    history.slot = (slot + 1) % len(history.km)
