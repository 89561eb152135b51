"""Expected running time of a restarted run (ERT), ratios of it, and their intervals.

ERT is the sum of the evaluations of all runs, each ended by success, stagnation or cutoff, divided by the
number of successes (Auger & Hansen, CEC 2005). It is (mean cost of a success) + (1 − p)/p · (mean cost of a
failure), and at the usual counts its spread comes mostly from the success rate p. The plain percentile
bootstrap covers too little there (86 to 93 % instead of 95 % at 20 runs, and nothing at all of the failures
when none was seen). So an interval here is made of draws from three confidence distributions:

* p: Jeffreys' Beta(s + ½, f + ½); without a failure, half of the weight lies at p = 1 (Brown, Cai & DasGupta,
  Stat. Sci. 16, 101, 2001);
* mean cost of a success, mean cost of a failure: studentised bootstrap of the runs on the log scale, turned
  round (draw = mean·exp(−T·s.e.), T the bootstrapped log difference over its own s.e.); below five runs
  Student's t with a coefficient of variation drawn towards 1, the exponential's.

Over several instances, the mean of log10 ratios has a studentised bootstrap over instances and then runs;
below eight instances, where the bootstrap has too few different resamples, Student's t takes its place. The
variance between instances is never taken smaller than the runs alone would make it (Knapp-Hartung with the
usual floor). ``benchmarks/honest_intervals.py`` measures the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.intervals import Interval
from metagenx.meta.targets import Runs

N_DRAWS = 4000
FEWEST_FOR_BOOTSTRAP = 5
FEWEST_INSTANCES_FOR_BOOTSTRAP = 8

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


def ert_interval(
    runs: Runs, rng: np.random.Generator, *, confidence: float = 0.95, n_draws: int = N_DRAWS
) -> Interval:
    """ERT with its interval, in evaluations; without a success [low, inf], flagged."""
    estimate, censored = expected_running_time(runs)
    if len(runs.costs) == 0:
        return Interval(estimate, 0.0, math.inf, confidence, censored)
    low, high = _quantiles(log_ert_draws(runs, rng, n_draws), confidence)
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


def log_ratio(baseline: Runs, challenger: Runs) -> tuple[float, bool]:
    """ln of ERT(baseline)/ERT(challenger), above 0 if the challenger is better; and whether it is a bound."""
    mine, mine_censored = expected_running_time(baseline)
    other, other_censored = expected_running_time(challenger)
    return math.log(mine) - math.log(other), mine_censored or other_censored


def ratio_interval(
    baseline: Runs,
    challenger: Runs,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    n_draws: int = N_DRAWS,
) -> Interval:
    """ERT(baseline)/ERT(challenger) on one sample: above 1 the challenger needs less.

    Common seeds are not used to narrow it: after a few generations the runs have forgotten them.
    If the baseline never succeeded the ratio has no upper limit, if the challenger never did no lower one.
    """
    return mean_ratio_interval([(baseline, challenger)], rng, confidence=confidence, n_draws=n_draws)


def informative(pairs: Sequence[tuple[Runs, Runs]]) -> list[int]:
    """Instances that say something about the ratio: both settings were run, and at least one succeeded."""
    return [
        index
        for index, (baseline, challenger) in enumerate(pairs)
        if len(baseline.costs) and len(challenger.costs) and (baseline.successes or challenger.successes)
    ]


def mean_ratio_interval(
    pairs: Sequence[tuple[Runs, Runs]],
    rng: np.random.Generator,
    *,
    over_instances: bool = False,
    confidence: float = 0.95,
    n_draws: int = N_DRAWS,
) -> Interval:
    """Geometric mean over instances of ERT(baseline)/ERT(challenger); one pair is one instance.

    ``over_instances`` makes it a statement about all samples of the kind, not only those measured; it needs
    at least two. Instances on which neither setting ever succeeded say nothing and are left out
    (:func:`informative` lists the others); none left: nan in [0, inf], flagged.
    """
    pairs = [pairs[index] for index in informative(pairs)]
    over = "instances and runs" if over_instances else "runs"
    if not pairs or (over_instances and len(pairs) < 2):
        estimate = math.exp(log_ratio(*pairs[0])[0]) if pairs else math.nan
        return Interval(estimate, 0.0, math.inf, confidence, True, over)
    points, censored = zip(*(log_ratio(*pair) for pair in pairs), strict=True)
    draws = log_ratio_draws(pairs, rng, n_draws)
    if over_instances:
        low, high = _over_instances(np.array(points), draws, rng, confidence)
    else:
        low, high = _quantiles(draws.mean(axis=1), confidence)
    if any(baseline.successes == 0 for baseline, _ in pairs):
        high = math.inf
    if any(challenger.successes == 0 for _, challenger in pairs):
        low = -math.inf
    estimate = math.exp(math.fsum(points) / len(points))
    return Interval(estimate, math.exp(low), math.exp(high), confidence, any(censored), over)


def log_ratio_draws(
    pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator, n_draws: int = N_DRAWS
) -> FloatArray:
    """Draws ``(n_draws, n_instance)`` of the log ratios of ERT, independent between instances."""
    return np.stack(
        [log_ert_draws(mine, rng, n_draws) - log_ert_draws(other, rng, n_draws) for mine, other in pairs],
        axis=1,
    )


def standard_error(interval: Interval) -> float:
    """Standard error, in decades, of a ratio or ERT, from its interval; inf where it has an open end."""
    from scipy.special import ndtri

    if not (interval.low > 0 and math.isfinite(interval.high)):
        return math.inf
    return math.log10(interval.high / interval.low) / (2 * float(ndtri(0.5 + interval.confidence / 2)))


def _mean_draws(costs: FloatArray, rng: np.random.Generator, n_draws: int) -> FloatArray:
    """Draws of the mean of a positive cost, by the bootstrap-t on the log scale turned round."""
    n, mean = len(costs), costs.mean()
    if mean == 0:
        return np.zeros(n_draws)
    if n < FEWEST_FOR_BOOTSTRAP:
        seen = costs.var(ddof=1) / mean**2 if n > 1 else 0.0
        variation = ((n - 1) * seen + 2) / (n + 1)  # a prior of two degrees of freedom at 1
        return np.asarray(mean * np.exp(rng.standard_t(n + 1, n_draws) * math.sqrt(variation / n)))
    relative_error = math.sqrt(costs.var(ddof=1) / n) / mean
    sample = costs[rng.integers(0, n, (n_draws, n))]
    means = sample.mean(axis=1)
    errors = sample.std(axis=1, ddof=1) / math.sqrt(n) / means
    # a resample of one value repeated tells nothing about its error: it counts as T = 0
    statistic = np.divide(np.log(means / mean), errors, out=np.zeros(n_draws), where=errors > 1e-12)
    return np.asarray(mean * np.exp(np.clip(-statistic * relative_error, -50, 50)))


def _over_instances(
    points: FloatArray, draws: FloatArray, rng: np.random.Generator, confidence: float
) -> tuple[float, float]:
    """Interval of the mean log ratio when other samples might have been measured."""
    from scipy.stats import t as student

    n = len(points)
    within = _spread(draws) ** 2  # (n,) variance of each instance's log ratio from its runs alone
    centre, error = points.mean(), math.sqrt(max(points.var(ddof=1), within.mean()) / n)
    if n < FEWEST_INSTANCES_FOR_BOOTSTRAP:
        q = float(student.ppf(0.5 + confidence / 2, n - 1))
        return centre - q * error, centre + q * error
    n_draws = len(draws)
    chosen = rng.integers(0, n, (n_draws, n))
    # The observed points scatter by instances and by runs already, so resampling them is resampling both.
    again = points[chosen]
    errors = np.sqrt(np.maximum(again.var(axis=1, ddof=1), within[chosen].mean(axis=1)) / n)
    low, high = _quantiles((again.mean(axis=1) - centre) / errors, confidence)
    return centre - high * error, centre - low * error


def _spread(draws: FloatArray) -> FloatArray:
    """Standard deviation by the central 68 %, which censored tails do not carry away."""
    low, high = np.quantile(draws, [0.1587, 0.8413], axis=0)
    return np.asarray((high - low) / 2)


def _quantiles(draws: FloatArray, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
    return float(low), float(high)
