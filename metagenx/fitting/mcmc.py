"""The posterior of the parameters by Markov chains: DREAM of the package bumps, an extra of the installation.

The likelihood is Gaussian, with the noise that the covariance found at the best fit, whatever the figure of merit; the
prior is uniform inside the limits of the parameters, and Gaussian for the systematic errors of the script. DREAM: J. A.
Vrugt et al., Int. J. Nonlinear Sci. Numer. Simul. 10 (2009) 273.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.covariance import LEVELS, Covariance, covariance_at
from metagenx.fitting.problem import FloatArray, ProblemWithData
from metagenx.fitting.slopes import domain_of

if TYPE_CHECKING:
    import pandas as pd

_FEWEST_CHAINS = 12
_CHAINS_PER_PARAMETER = 3
_START = 10  # generations that the chains begin with
CONVERGED = 1.05  # of R̂


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws from the posterior.

    Attributes
    ----------
    names : of the parameters; ``best`` ``(n_dim,)`` the fit from which the chains began.
    chains : ``(n_generations, n_chains, n_dim)``, after burn-in; ``log_posterior`` ``(n_generations, n_chains)``.
    evaluations : what it cost.
    notes : what a user should know.
    """

    names: tuple[str, ...]
    best: FloatArray
    chains: FloatArray
    log_posterior: FloatArray
    evaluations: int
    notes: tuple[str, ...]

    @property
    def samples(self) -> FloatArray:
        """All draws, ``(n, n_dim)``."""
        return self.chains.reshape(-1, self.chains.shape[2])

    @property
    def median(self) -> FloatArray:
        """Medians, ``(n_dim,)``."""
        return np.asarray(np.median(self.samples, axis=0))

    @property
    def r_hat(self) -> FloatArray:
        """Gelman and Rubin's R̂ of the halves of all chains, ``(n_dim,)``: 1 where they agree."""
        return split_r_hat(self.chains)

    @property
    def correlations(self) -> FloatArray:
        """Correlation matrix of the draws, ``(n_dim, n_dim)``."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.atleast_2d(np.corrcoef(self.samples, rowvar=False))

    def intervals(self, level: float) -> FloatArray:
        """Intervals with equal tails, ``(n_dim, 2)``."""
        tail = 0.5 - 0.5 * level
        return np.asarray(np.quantile(self.samples, [tail, 1.0 - tail], axis=0).T)

    @property
    def table(self) -> pd.DataFrame:
        """Name, best, median, the ends of the 68 and 95 % intervals, R̂."""
        import pandas as pd

        columns: dict[str, Any] = {"name": self.names, "best": self.best, "median": self.median}
        for level, word in zip(LEVELS, ("68 %", "95 %"), strict=True):
            columns[f"{word} low"], columns[f"{word} high"] = self.intervals(level).T
        return pd.DataFrame({**columns, "R hat": self.r_hat})

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, without the draws."""
        return {
            "draws": len(self.samples),
            "chains": self.chains.shape[1],
            "evaluations": self.evaluations,
            "notes": list(self.notes),
            "parameters": self.table.to_dict("records"),
            "correlations": self.correlations.tolist(),
        }


def sample_posterior(
    problem: ProblemWithData,
    values: FloatArray,
    *,
    samples: int = 10_000,
    seed: int = 0,
    covariance: Covariance | None = None,
) -> Posterior:
    """Draw from the posterior around a fit.

    Parameters
    ----------
    values : ``(n_dim,)``, the best fit.
    samples : draws to return; half as many are made before them and thrown away.
    seed : the same seed gives the same draws. bumps draws from numpy's global generator, which is seeded for this call
        and put back afterwards.
    covariance : at the best fit, if it is known already.

    Raises
    ------
    InputError : bumps is not installed; there is nothing to draw; what ``covariance_at`` raises.
    """
    dream = _dream()
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise InputError(f"samples is {samples!r}, it must be a whole number of at least 1")
    values = np.asarray(values, dtype=float)
    known = covariance is not None
    covariance = covariance or covariance_at(problem, values)
    moving = problem.bounds[:, 1] > problem.bounds[:, 0]
    if not moving.any():
        raise InputError("no parameter can move: all limits are equal")
    model = _Model(problem, values, covariance, moving)
    n_chains = max(_FEWEST_CHAINS, _CHAINS_PER_PARAMETER * int(moving.sum()))
    generations = -(-samples // n_chains)
    start = covariance.sample(np.random.default_rng(seed), _START * n_chains)[:, moving]
    start = _unstuck(start, covariance, moving, np.random.default_rng((seed, 1)))
    collected: list[tuple[FloatArray, FloatArray]] = []
    population = start.reshape(_START, n_chains, -1)
    with _global_generator(seed), np.errstate(all="ignore"):
        sampler = dream(
            model=model,
            population=population,
            draws=(_START + generations // 2 + generations) * n_chains,
            alpha=0.0,  # to the end
        )
        sampler.monitor = lambda state, x, logp: collected.append((x.copy(), logp.copy()))
        sampler.sample()
    kept = collected[-generations:]
    chains = np.tile(values, (len(kept), n_chains, 1))
    chains[:, :, moving] = np.array([x for x, _ in kept])
    log_posterior = np.array([logp for _, logp in kept])
    evaluations = model.evaluations + (0 if known else covariance.evaluations)
    return Posterior(
        problem.names, values, chains, log_posterior, evaluations, _notes(problem.names, chains, covariance, moving)
    )


def check_installed() -> None:
    """InputError with what to type if bumps is not installed."""
    _dream()


def _dream() -> Any:
    try:
        from bumps.dream.core import Dream
    except ImportError:
        raise InputError(
            "MCMC needs the package bumps, which is not installed", hint='pip install "metagenx[mcmc]"'
        ) from None
    return Dream


class _Model:
    """What DREAM asks of a model: labels, bounds ``(2, n)``, and the log posterior of a population."""

    def __init__(self, problem: ProblemWithData, values: FloatArray, covariance: Covariance, moving: Any) -> None:
        self._problem, self._values, self._moving = problem, values, moving
        self._noise = covariance.noise.deviation
        self._used = np.isfinite(self._noise)
        domain = domain_of(np.asarray(problem.bounds, dtype=float), values)[moving]
        self.labels = [name for name, moves in zip(problem.names, moving, strict=True) if moves]
        self.bounds = domain.T.copy()
        self.evaluations = 0

    def map(self, population: FloatArray) -> FloatArray:
        """Log posterior ``(n,)`` of vectors ``(n, n_moving)``, up to a constant; −inf without a simulation."""
        vectors = np.tile(self._values, (len(population), 1))
        vectors[:, self._moving] = population
        self.evaluations += len(vectors)
        found = self._problem.deviations(vectors)
        residual = found.differences[:, self._used] / self._noise[self._used]
        known = found.prior[:, found.prior_weights > 0.0]
        total = -0.5 * (np.sum(residual**2, axis=1) + np.sum(known**2, axis=1))
        return np.where(np.isfinite(total), total, -np.inf)


def _unstuck(start: FloatArray, covariance: Covariance, moving: Any, rng: np.random.Generator) -> FloatArray:
    """Chains that begin at different places in every parameter: where the covariance knows none, all over its range."""
    same = np.ptp(start, axis=0) == 0.0
    low, high = domain_of(covariance.bounds, covariance.values)[moving].T
    anywhere = low + (high - low) * rng.random(start.shape)
    return np.where(same, anywhere, start)


@contextlib.contextmanager
def _global_generator(seed: int) -> Iterator[None]:
    """numpy's global generator, which is bumps' own, seeded for a while; and that of its compiled functions."""
    from metagenx.physics.compiled_random import seed_compiled_generator

    first, second = np.random.SeedSequence(seed).generate_state(2)
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(first)  # noqa: NPY002
    seed_compiled_generator(int(second))
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def split_r_hat(chains: FloatArray) -> FloatArray:
    """R̂ of the halves of chains ``(n_generations, n_chains, n_dim)`` (A. Gelman et al., Bayesian Data Analysis, 2013).

    NaN where a parameter does not move, or there are fewer than four generations.
    """
    half = len(chains) // 2
    if half < 2:
        return np.full(chains.shape[2], np.nan)
    parts = np.concatenate([chains[:half], chains[-half:]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = parts.mean(axis=0).var(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt((half - 1) / half + between / within))


def _notes(names: tuple[str, ...], chains: FloatArray, covariance: Covariance, moving: Any) -> tuple[str, ...]:
    found = [f"Gaussian noise as by {covariance.noise.text}"]
    r_hat = split_r_hat(chains)
    slow = [name for name, r, moves in zip(names, r_hat, moving, strict=True) if moves and not r <= CONVERGED]
    if slow:
        found.append(f"the chains have not mixed (R̂ above {CONVERGED}), draw more samples: {', '.join(slow)}")
    return tuple(found)
