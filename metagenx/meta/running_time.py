"""Expected running time of a restarted run (ERT) and its interval.

ERT is the sum of the evaluations of all runs, each ended by success, stagnation or cutoff, divided by the
number of successes (Auger & Hansen, CEC 2005). It is (mean cost of a success) + (1 − p)/p · (mean cost of a
failure), and at the usual counts its spread comes mostly from the success rate p. The plain percentile
bootstrap covers too little there (86 to 93 % instead of 95 % at 20 runs) and knows nothing of the failures
that were not seen. So the interval is made of draws from three confidence distributions:

* p: Jeffreys' Beta(s + ½, f + ½); without a failure, half of the weight lies at p = 1 (Brown, Cai &
  DasGupta, Stat. Sci. 16, 101, 2001);
* mean cost of a success, mean cost of a failure: studentised bootstrap of the runs on the log scale, turned
  round (draw = mean·exp(−T·s.e.), T the bootstrapped log difference over its own s.e.); below five runs
  Student's t with a coefficient of variation drawn towards 1, the exponential's.

``benchmarks/honest_intervals.py`` measures the coverage.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.intervals import Interval
from metagenx.meta.targets import Runs

N_DRAWS = 4000
FEWEST_FOR_BOOTSTRAP = 5

FloatArray = NDArray[np.float64]


def expected_running_time(runs: Runs) -> tuple[float, bool]:
    """ERT in evaluations, and whether it is only a bound.

    Without a success it is 2 × all evaluations spent, flagged; without a run nan, flagged.
    """
    if len(runs.costs) == 0:
        return math.nan, True
    if runs.successes == 0:
        return 2 * runs.evaluations, True
    return runs.evaluations / runs.successes, False


def ert_interval(runs: Runs, rng: np.random.Generator, *, confidence: float = 0.95, n_draws: int = N_DRAWS) -> Interval:
    """ERT with its interval, in evaluations; without a success [low, inf], flagged."""
    estimate, censored = expected_running_time(runs)
    if len(runs.costs) == 0:
        return Interval(estimate, 0.0, math.inf, confidence, censored)
    low, high = quantiles(log_ert_draws(runs, rng, n_draws), confidence)
    return Interval(estimate, math.exp(low), math.inf if censored else math.exp(high), confidence, censored)


def log_ert_draws(runs: Runs, rng: np.random.Generator, n_draws: int = N_DRAWS) -> FloatArray:
    """Draws ``(n_draws,)`` of ln ERT from its confidence distribution; needs at least one run."""
    successes = runs.successes
    failures = len(runs.costs) - successes
    rate = rng.beta(successes + 0.5, failures + 0.5, n_draws)
    if failures == 0:
        rate = np.where(rng.random(n_draws) < 0.5, 1.0, rng.beta(successes, 1.0, n_draws))
    # What has not been seen is taken from what has: a failure is as dear as the dearest success was,
    # a success as dear as failures were on average.
    hit, missed = runs.costs[runs.hits], runs.costs[~runs.hits]
    of_failure = _mean_draws(missed, rng, n_draws) if failures else np.full(n_draws, runs.costs.max())
    of_success = _mean_draws(hit, rng, n_draws) if successes else of_failure
    # rate may underflow to 0 when nothing was reached: then the time is endless, which is true
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(of_success + (1 - rate) / rate * of_failure))


def quantiles(draws: FloatArray, confidence: float) -> tuple[float, float]:
    """Ends of the central interval of draws; draws may be infinite."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
    return float(low), float(high)


def _mean_draws(costs: FloatArray, rng: np.random.Generator, n_draws: int) -> FloatArray:
    """Draws of the mean of a positive cost, by the bootstrap-t on the log scale turned round."""
    n, mean = len(costs), costs.mean()
    if mean == 0:
        return np.zeros(n_draws)
    if n < FEWEST_FOR_BOOTSTRAP:
        seen = costs.var(ddof=1) / mean**2 if n > 1 else 0.0
        variation = ((n - 1) * seen + 2) / (n + 1)  # a prior of two degrees of freedom at 1
        steps = rng.standard_t(n + 1, n_draws) * math.sqrt(variation / n)
        return np.asarray(mean * np.exp(np.clip(steps, -50, 50)))
    relative_error = math.sqrt(costs.var(ddof=1) / n) / mean
    sample = costs[rng.integers(0, n, (n_draws, n))]
    means = sample.mean(axis=1)
    errors = sample.std(axis=1, ddof=1) / math.sqrt(n) / means
    # a resample of one value repeated tells nothing about its error: it counts as T = 0
    statistic = np.divide(np.log(means / mean), errors, out=np.zeros(n_draws), where=errors > 1e-12)
    return np.asarray(mean * np.exp(np.clip(-statistic * relative_error, -50, 50)))
