"""What L-SHADE and jSO share: a memory of the F and C that won, an archive of displaced parents, p-best mutation.

Sources: Tanabe & Fukunaga, CEC 2013, 71 (SHADE) and CEC 2014, 1658 (L-SHADE); Zhang & Sanderson, IEEE Trans. Evol.
Comput. 13 (2009) 945 (archive, current-to-pbest/1). F is called km and C kr, as everywhere in metagenx. A terminal
value ⊥ in the memory of kr, from which on its slot gives kr = 0, is stored as NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metagenx.fitting import schemes
from metagenx.fitting.problem import FloatArray

SPREAD = 0.1  # scale of the Cauchy and normal variates around the remembered values
FEWEST_BEST = 2  # members that count as the best, at the least


@dataclass
class SuccessHistory:
    """Memory of a run: ``km`` and ``kr`` ``(H,)``, the ``slot`` written next, the archive ``(n_archive, n_dim)``."""

    km: FloatArray
    kr: FloatArray
    archive: FloatArray
    slot: int = 0


def drawn_factors(rng: np.random.Generator, km: FloatArray, kr: FloatArray) -> tuple[FloatArray, FloatArray]:
    """F and C of every member, around remembered values ``(n_pop,)``.

    F is a Cauchy variate of scale 0.1, drawn again while it is not positive, at most 1. C is a normal variate of
    standard deviation 0.1 limited to 0 … 1, and 0 where the memory is terminal (NaN).
    """
    factors = km + SPREAD * rng.standard_cauchy(len(km))
    while len(again := np.flatnonzero(~(factors > 0.0))):
        factors[again] = km[again] + SPREAD * rng.standard_cauchy(len(again))
    normal = rng.standard_normal(len(kr))
    crossover = np.where(np.isnan(kr), 0.0, np.clip(kr + SPREAD * normal, 0.0, 1.0))
    return np.minimum(factors, 1.0), crossover


def current_to_pbest(
    rng: np.random.Generator,
    population: FloatArray,
    foms: FloatArray,
    archive: FloatArray,
    factors: FloatArray,
    pulls: FloatArray,
    crossover: FloatArray,
    n_best: int,
    *,
    not_itself: bool = False,
) -> FloatArray:
    """``v_i + Fw_i (x_pbest − v_i) + F_i (x_r1 − x_r2)``, binomial crossover with C_i.

    Parameters
    ----------
    archive : ``(n_archive, n_dim)``; r2 is drawn from population and archive, r1 from the population; i, r1 and r2
        differ.
    factors, pulls, crossover : F, Fw and C of every member, ``(n_pop,)``.
    n_best : pbest is one of so many best members, at least two.
    not_itself : no member is its own pbest.
    """
    n_pop = len(population)
    uniform = rng.random((4, n_pop))
    itself = np.arange(n_pop)
    leaders = np.argsort(foms, kind="stable")[: max(FEWEST_BEST, n_best)]
    rank = schemes.index_of(uniform[0], len(leaders))
    if not_itself:
        place = np.full(n_pop, len(leaders))
        place[leaders] = np.arange(len(leaders))
        is_leader = place < len(leaders)
        others = schemes.index_of(uniform[0], len(leaders) - 1)
        rank = np.where(is_leader, others + (others >= place), rank)
    r1 = schemes.index_of(uniform[1], n_pop - 1)
    r1 += r1 >= itself
    everyone = np.concatenate([population, archive])
    r2 = schemes.third(uniform[2], itself, r1, len(everyone))
    toward_best = pulls[:, None] * (population.take(leaders.take(rank), axis=0) - population)
    difference = factors[:, None] * (population.take(r1, axis=0) - everyone.take(r2, axis=0))
    mutant = population + toward_best + difference
    return schemes.binomial_crossover(rng, population, mutant, crossover[:, None], uniform[3])


def halfway_inside(trials: FloatArray, parents: FloatArray, bounds: FloatArray) -> None:
    """Put every value that is outside its bounds in the middle between the bound and its parent's value; in place.

    All arrays ``(n_pop, n_dim)``, ``bounds`` ``(n_dim, 2)``; the parents are inside (JADE; L-SHADE, eq. 11).
    """
    lower, upper = bounds.T
    np.copyto(trials, 0.5 * (lower + parents), where=trials < lower)
    np.copyto(trials, 0.5 * (upper + parents), where=trials > upper)


def gains(before: FloatArray, after: FloatArray) -> FloatArray:
    """How much lower the FOMs of the winners are, ``(n_winners,)``: the weights of what is learnt from them.

    A winner over a member without a FOM (inf) has no number; it counts as much as the largest that has one.
    """
    found = before - after
    known = np.isfinite(found)
    found[~known] = found[known].max(initial=0.0) or 1.0
    return found


def lehmer_mean(values: FloatArray, weights: FloatArray) -> float:
    """``Σ w v² / Σ w v``; 0 if all values are."""
    # Scaled, so that neither tiny nor huge FOMs leave the range of the numbers.
    weighted = weights / weights.max() * values
    total = float(weighted.sum())
    return float((weighted * values).sum()) / total if total > 0.0 else 0.0


def archived(rng: np.random.Generator, archive: FloatArray, displaced: FloatArray, room: int) -> FloatArray:
    """The archive with the displaced parents added; beyond ``room`` members, randomly chosen older ones make room."""
    new = displaced if len(displaced) <= room else displaced[np.sort(rng.permutation(len(displaced))[:room])]
    left = room - len(new)
    old = archive if len(archive) <= left else archive[np.sort(rng.permutation(len(archive))[:left])]
    return np.concatenate([old, new])
