"""CMA-ES: a normal distribution that moves, and learns its shape, from the ranking of what was drawn from it.

Source: Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, with its default parameters (table 1),
weights below zero for the worse half included; restarts with a growing population after Auger & Hansen, CEC 2005, 1769
(IPOP). Parameters are measured in widths of their bounds. The tutorial knows no bounds: a coordinate outside 0 … 1 is
reflected for the evaluation, as if the FOM went on mirrored behind the bounds. So that the distribution does not
spread over ever more mirror images, no parameter has a standard deviation above a third of its width, which is also the
default of pycma. Of the tutorial's stops (B.3) the one for noisy functions ("Stagnation") is left out: the rules of
``stagnation.py`` are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from metagenx.fitting.problem import FloatArray

WIDEST = 1 / 3  # standard deviation where there are bounds, of their width
LARGEST_CONDITION = 1e14
SMALLEST_STEP = 1e-12  # TolX, of the first standard deviation
LARGEST_GROWTH = 1e4  # TolXUp
SMALLEST_SPREAD = 1e-12  # TolFun, for FOMs around 1; relative for larger ones


@dataclass
class CmaEs:
    """One descent: the distribution N(mean, sigma² covariance), its paths, and what its end is judged by.

    ``mean`` ``(n_dim,)`` in widths of the bounds, ``covariance = axes diag(lengths²) axesᵀ`` as of ``decomposed``.
    ``steps`` ``(n_population, n_dim)`` are the last draws, ``(x − mean)/sigma``, before reflection. No standard
    deviation exceeds ``widest``. ``recent`` holds the best FOMs of the last generations, newest last. The lowest median
    of a generation's FOMs so far, ``lowest_median``, says whether the descent goes on; its best candidate is luck, as
    none is kept.
    """

    n_population: int
    mean: FloatArray
    sigma: float
    first_sigma: float
    widest: float
    covariance: FloatArray
    axes: FloatArray
    lengths: FloatArray
    path_sigma: FloatArray
    path_covariance: FloatArray
    steps: FloatArray
    recent: FloatArray = field(default_factory=lambda: np.empty(0))
    descent: int = 0
    generation: int = 0
    decomposed: int = 0
    lowest_median: float = np.inf
    finished: bool = False


@dataclass(frozen=True)
class Rates:
    """The tutorial's table 1 for ``n_dim`` and a population: recombination weights and learning rates."""

    weights: FloatArray  # (n_population,), positive ones sum to 1
    n_parents: int
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    expected_length: float  # of a standard normal vector


@lru_cache(maxsize=64)  # the same in every generation
def rates(n_dim: int, n_population: int) -> Rates:
    """Default parameters for a dimension and a population."""
    n, rank = float(n_dim), np.arange(1, n_population + 1)
    raw = math.log((n_population + 1) / 2) - np.log(rank)
    n_parents = n_population // 2
    better, worse = raw[:n_parents], raw[n_parents:]
    mu_eff = float(better.sum() ** 2 / (better**2).sum())
    mu_eff_worse = float(worse.sum() ** 2 / (worse**2).sum())
    c_sigma = (mu_eff + 2) / (n + mu_eff + 5)
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
    c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + mu_eff))
    limits = (1 + c_1 / c_mu, 1 + 2 * mu_eff_worse / (mu_eff + 2), (1 - c_1 - c_mu) / (n * c_mu))
    positive, negative = raw[raw >= 0].sum(), -raw[raw < 0].sum()
    weights = np.where(raw >= 0, raw / positive, raw * min(limits) / negative)
    weights.flags.writeable = False
    return Rates(
        weights=weights,
        n_parents=n_parents,
        mu_eff=mu_eff,
        c_sigma=c_sigma,
        d_sigma=1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma,
        c_c=c_c,
        c_1=c_1,
        c_mu=c_mu,
        expected_length=math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
    )


def begin(mean: FloatArray, sigma: float, n_population: int, *, widest: float = np.inf, descent: int = 0) -> CmaEs:
    """A descent before its first generation, with a round distribution."""
    n_dim = len(mean)
    return CmaEs(
        n_population=n_population,
        mean=mean.copy(),
        sigma=sigma,
        first_sigma=sigma,
        widest=max(sigma, widest),
        covariance=np.eye(n_dim),
        axes=np.eye(n_dim),
        lengths=np.ones(n_dim),
        path_sigma=np.zeros(n_dim),
        path_covariance=np.zeros(n_dim),
        steps=np.empty((0, n_dim)),
        descent=descent,
    )


def restarted(rng: np.random.Generator, cma: CmaEs, growth: float) -> CmaEs:
    """The next descent: from anywhere inside the bounds, with a larger population."""
    size = max(cma.n_population + 1, round(cma.n_population * growth)) if growth > 1.0 else cma.n_population
    start = rng.random(len(cma.mean))
    return begin(start, cma.first_sigma, size, widest=cma.widest, descent=cma.descent + 1)


def ask(rng: np.random.Generator, cma: CmaEs) -> FloatArray:
    """Candidates ``(n_population, n_dim)`` in widths of the bounds, not yet reflected."""
    normal = rng.standard_normal((cma.n_population, len(cma.mean)))
    cma.steps = (normal * cma.lengths) @ cma.axes.T
    return cma.mean + cma.sigma * cma.steps


def tell(cma: CmaEs, foms: FloatArray) -> None:
    """Learn from the FOMs ``(n_population,)``: numbers, or inf where there is none; such candidates rank last.

    A generation without a single number teaches nothing.
    """
    cma.generation += 1
    cma.lowest_median = min(cma.lowest_median, float(np.sort(foms)[len(foms) // 2]))
    if np.isfinite(foms).any():
        _learn(cma, foms)
    _judge(cma, foms)


def _learn(cma: CmaEs, foms: FloatArray) -> None:
    n_dim, r = len(cma.mean), rates(len(cma.mean), cma.n_population)
    steps = cma.steps[np.argsort(foms, kind="stable")]
    step = r.weights[: r.n_parents] @ steps[: r.n_parents]
    cma.mean = cma.mean + cma.sigma * step
    white = cma.axes @ ((cma.axes.T @ step) / cma.lengths)  # C^(−1/2) of the step
    cma.path_sigma = (1 - r.c_sigma) * cma.path_sigma + math.sqrt(r.c_sigma * (2 - r.c_sigma) * r.mu_eff) * white
    length = float(np.linalg.norm(cma.path_sigma))
    settled = length / math.sqrt(1 - (1 - r.c_sigma) ** (2 * cma.generation))
    is_short = settled < (1.4 + 2 / (n_dim + 1)) * r.expected_length
    cma.path_covariance = (1 - r.c_c) * cma.path_covariance
    if is_short:
        cma.path_covariance = cma.path_covariance + math.sqrt(r.c_c * (2 - r.c_c) * r.mu_eff) * step
    # A bad direction is unlearnt by its Mahalanobis length, so that the covariance stays positive definite.
    lengths2 = (((steps @ cma.axes) / cma.lengths) ** 2).sum(axis=1)
    weights = np.where(r.weights >= 0, r.weights, r.weights * n_dim / np.maximum(lengths2, 1e-300))
    kept = 1 + (0.0 if is_short else r.c_1 * r.c_c * (2 - r.c_c)) - r.c_1 - r.c_mu * float(r.weights.sum())
    rank_one = np.outer(cma.path_covariance, cma.path_covariance)
    rank_mu = (steps.T * weights) @ steps
    cma.covariance = kept * cma.covariance + r.c_1 * rank_one + r.c_mu * rank_mu
    cma.covariance = 0.5 * (cma.covariance + cma.covariance.T)
    cma.sigma *= math.exp(r.c_sigma / r.d_sigma * (length / r.expected_length - 1))
    too_wide = cma.sigma * np.sqrt(np.diag(cma.covariance)) / cma.widest
    if too_wide.max() > 1.0:
        shrunk = 1.0 / np.maximum(too_wide, 1.0)
        cma.covariance = cma.covariance * np.outer(shrunk, shrunk)
        cma.path_covariance = cma.path_covariance * shrunk
    if cma.generation - cma.decomposed >= max(1, math.floor(1 / (10 * n_dim * (r.c_1 + r.c_mu)))):
        _decompose(cma)


def _decompose(cma: CmaEs) -> None:
    squares, axes = np.linalg.eigh(cma.covariance)
    if not np.isfinite(squares).all() or squares[0] <= 0 or squares[-1] > LARGEST_CONDITION * squares[0]:
        cma.finished = True  # ConditionCov
        return
    cma.axes, cma.lengths, cma.decomposed = axes, np.sqrt(squares), cma.generation


def _judge(cma: CmaEs, foms: FloatArray) -> None:
    """Whether the descent is over, by the tutorial's B.3."""
    n_dim = len(cma.mean)
    memory = 10 + math.ceil(30 * n_dim / cma.n_population)
    cma.recent = np.append(cma.recent, foms.min())[-memory:]
    if len(cma.recent) == memory and np.isfinite(cma.recent[-1]):
        together = np.append(foms, cma.recent)
        tolerance = SMALLEST_SPREAD * max(1.0, abs(float(cma.recent[-1])))
        flat = bool(np.ptp(cma.recent) == 0.0)  # EqualFunValues
        cma.finished |= flat or bool(np.isfinite(together).all() and np.ptp(together) < tolerance)
    deviations = cma.sigma * np.sqrt(np.diag(cma.covariance))
    smallest = SMALLEST_STEP * cma.first_sigma
    cma.finished |= bool((deviations < smallest).all() and (cma.sigma * np.abs(cma.path_covariance) < smallest).all())
    cma.finished |= cma.sigma * float(cma.lengths.max()) > LARGEST_GROWTH * cma.first_sigma
    axis = cma.generation % n_dim
    cma.finished |= bool((cma.mean == cma.mean + 0.1 * cma.sigma * cma.lengths[axis] * cma.axes[:, axis]).all())
    cma.finished |= bool((cma.mean == cma.mean + 0.2 * deviations).any())


def folded(candidates: FloatArray) -> FloatArray:
    """Coordinates brought into 0 … 1 by reflection at both ends, as often as needed."""
    away = np.mod(candidates, 2.0)
    return np.where(away > 1.0, 2.0 - away, away)
