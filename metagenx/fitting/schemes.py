"""The moves of GenX's six schemes, each on a whole population at once; and the names of all schemes.

Population ``(n_pop, n_dim)``, best ``(n_dim,)``; every function returns trial vectors ``(n_pop, n_dim)`` and
knows nothing of bounds. ``km`` is the mutation constant F, ``kr`` the crossover constant C (the second
mutation constant in the either-or schemes). Indices are drawn with replacement from the whole population and
may equal the target; r1 ≠ r2, and a random base differs from both.

Sources: Storn & Price, J. Global Optim. 11 (1997) 341; Price, Storn & Lampinen, Differential Evolution
(2005), section 2.6 (either-or); Zhang & Sanderson, IEEE Trans. Evol. Comput. 13 (2009) 945 (JADE). GenX's
JADE differs from the paper: it pulls towards the best of all, its archive holds every vector ever evaluated,
and F is the absolute value of a Cauchy variate, clipped, where the paper draws again. ``simplex_best_1_bin``
moves like ``best_1_bin``; its polish is in ``simplex.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metagenx.fitting.problem import FloatArray

SCHEMES = (
    "best_1_bin",
    "rand_1_bin",
    "best_either_or",
    "rand_either_or",
    "jade_best",
    "simplex_best_1_bin",
)
OWN_SCHEMES = ("l_shade", "jso", "cma_es")  # metagenx's, unknown to GenX; in modules of their names
ALL_SCHEMES = (*SCHEMES, *OWN_SCHEMES)
JADE_SPREAD = 0.1  # scale of the Cauchy and normal variates around F and C

Indices = NDArray[np.intp]


def best_1_bin(rng: np.random.Generator, population: FloatArray, best: FloatArray, km: float, kr: float) -> FloatArray:
    """``b + F (x_r1 − x_r2)``, binomial crossover with the target."""
    n_pop = len(population)
    uniform = rng.random((3, n_pop))
    r1, r2 = pair(uniform[0], uniform[1], n_pop)
    mutant = best + km * (population.take(r1, axis=0) - population.take(r2, axis=0))
    return binomial_crossover(rng, population, mutant, kr, uniform[2])


def rand_1_bin(rng: np.random.Generator, population: FloatArray, km: float, kr: float) -> FloatArray:
    """``x_r3 + F (x_r1 − x_r2)``, binomial crossover with the target."""
    n_pop = len(population)
    uniform = rng.random((4, n_pop))
    r1, r2 = pair(uniform[0], uniform[1], n_pop)
    base = population.take(third(uniform[2], r1, r2, n_pop), axis=0)
    mutant = base + km * (population.take(r1, axis=0) - population.take(r2, axis=0))
    return binomial_crossover(rng, population, mutant, kr, uniform[3])


def best_either_or(
    rng: np.random.Generator, population: FloatArray, best: FloatArray, km: float, kr: float, pf: float
) -> FloatArray:
    """With probability pf ``b + F (x_r1 − x_r2)``, else ``v + C (x_r1 + x_r2 − 2 v)``."""
    n_pop = len(population)
    uniform = rng.random((3, n_pop))
    r1, r2 = pair(uniform[0], uniform[1], n_pop)
    first, second = population.take(r1, axis=0), population.take(r2, axis=0)
    mutation = best + km * (first - second)
    recombination = population + kr * (first + second - 2.0 * population)
    return np.where(uniform[2][:, None] < pf, mutation, recombination)


def rand_either_or(rng: np.random.Generator, population: FloatArray, km: float, kr: float, pf: float) -> FloatArray:
    """With probability pf ``x_r0 + F (x_r1 − x_r2)``, else ``x_r0 + C (x_r1 + x_r2 − 2 x_r0)``."""
    n_pop = len(population)
    uniform = rng.random((4, n_pop))
    r1, r2 = pair(uniform[0], uniform[1], n_pop)
    base = population.take(third(uniform[2], r1, r2, n_pop), axis=0)
    first, second = population.take(r1, axis=0), population.take(r2, axis=0)
    mutation = base + km * (first - second)
    recombination = base + kr * (first + second - 2.0 * base)
    return np.where(uniform[3][:, None] < pf, mutation, recombination)


def jade_best(
    rng: np.random.Generator,
    population: FloatArray,
    best: FloatArray,
    archive: FloatArray,
    km: FloatArray,
    kr: FloatArray,
) -> FloatArray:
    """``v + F_i (b − v) + F_i (x_r1 − a_r2)``, crossover with C_i.

    ``archive`` is ``(n_archive, n_dim)``, every vector evaluated so far; ``km`` and ``kr`` are one value per
    member, ``(n_pop,)``, from :func:`jade_factors`.
    """
    n_pop = len(population)
    uniform = rng.random((3, n_pop))
    first = population.take(index_of(uniform[0], n_pop), axis=0)
    second = archive.take(index_of(uniform[1], len(archive)), axis=0)
    mutant = population + km[:, None] * (best - population + first - second)
    return binomial_crossover(rng, population, mutant, kr[:, None], uniform[2])


def jade_factors(rng: np.random.Generator, km: float, kr: float, n_pop: int) -> tuple[FloatArray, FloatArray]:
    """``F_i = clip(|F + 0.1 Cauchy|, 0, 1)`` and ``C_i = clip(C + 0.1 N(0, 1), 0, 1)``, each ``(n_pop,)``."""
    factors = np.minimum(np.abs(km + JADE_SPREAD * rng.standard_cauchy(n_pop)), 1.0)
    crossover = np.clip(kr + JADE_SPREAD * rng.standard_normal(n_pop), 0.0, 1.0)
    return factors, crossover


def jade_adapted(
    km: float, kr: float, factors: FloatArray, crossover: FloatArray, success: NDArray[np.bool_], c: float
) -> tuple[float, float]:
    """F and C after a generation: moved by ``c`` towards the Lehmer mean of F_i and the mean of C_i that won.

    Without a winner nothing changes.
    """
    if not success.any():
        return km, kr
    winners = factors[success]
    total = float(winners.sum())
    lehmer = float((winners * winners).sum()) / total if total > 0.0 else 0.0
    return (1.0 - c) * km + c * lehmer, (1.0 - c) * kr + c * float(crossover[success].mean())


def redraw_outside(rng: np.random.Generator, vectors: FloatArray, bounds: FloatArray) -> int:
    """Draw every value that is not strictly inside its bounds again, uniformly in them; in place.

    ``vectors`` is ``(n, n_dim)``, ``bounds`` ``(n_dim, 2)``. Returns how many values were drawn. No clipping
    and no reflection, as in GenX.
    """
    lower, upper = np.ascontiguousarray(bounds.T)
    inside = (vectors > lower) & (vectors < upper)  # NaN is not inside
    outside = np.flatnonzero(~inside)
    if len(outside):
        parameter = outside % len(lower)
        low = lower.take(parameter)
        vectors.put(outside, low + rng.random(len(outside)) * (upper.take(parameter) - low))
    return len(outside)


def index_of(uniform: FloatArray, n: int) -> Indices:
    """Indices 0 … n − 1 from uniform variates."""
    return (uniform * n).astype(np.intp)


def pair(first: FloatArray, second: FloatArray, n: int) -> tuple[Indices, Indices]:
    """Two different indices, every ordered pair equally likely."""
    r1, r2 = index_of(first, n), index_of(second, n - 1)
    r2 += r2 >= r1  # skips r1, so that nothing has to be drawn again
    return r1, r2


def third(uniform: FloatArray, r1: Indices, r2: Indices, n: int) -> Indices:
    """An index that differs from two different ones."""
    r3 = index_of(uniform, n - 2)
    r3 += r3 >= np.minimum(r1, r2)
    r3 += r3 >= np.maximum(r1, r2)
    return r3


def binomial_crossover(
    rng: np.random.Generator,
    population: FloatArray,
    mutant: FloatArray,
    kr: float | FloatArray,
    forced: FloatArray,
) -> FloatArray:
    """In place: the mutant with probability kr for each parameter, and in one forced one; else the target."""
    n_pop, n_dim = population.shape
    kept = rng.random((n_pop, n_dim)) >= kr
    kept[np.arange(n_pop), index_of(forced, n_dim)] = False
    np.copyto(mutant, population, where=kept)
    return mutant
