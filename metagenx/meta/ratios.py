"""Is one setting cheaper than another: ratios of expected running times, and their intervals.

On one sample the interval comes from the confidence distributions of both ERTs
(:func:`~metagenx.meta.running_time.log_ert_draws`). For the mean of log ratios over several samples,

* as a statement about these samples: studentised bootstrap of the runs within each (where a setting has too
  few runs or successes for it, the means of the draws, which are on the wide side);
* as a statement about all samples of the kind: studentised bootstrap over the samples, whose observed ratios
  scatter by their runs already; below eight samples, which have too few different resamples, Student's t.

``benchmarks/honest_intervals.py`` measures the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.intervals import Interval
from metagenx.meta.running_time import N_DRAWS, expected_running_time, log_ert_draws, quantiles
from metagenx.meta.targets import Runs

FEWEST_INSTANCES_FOR_BOOTSTRAP = 8
FEWEST_RUNS_FOR_BOOTSTRAP = 10
FEWEST_SUCCESSES_FOR_BOOTSTRAP = 3

FloatArray = NDArray[np.float64]


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
    if not pairs:
        return Interval(math.nan, 0.0, math.inf, confidence, True, over)
    points, censored = zip(*(log_ratio(*pair) for pair in pairs), strict=True)
    estimate = math.exp(math.fsum(points) / len(points))
    if over_instances:
        low, high = _over_instances(np.array(points), rng, confidence, n_draws)
    else:
        low, high = quantiles(mean_log_ratio_draws(pairs, rng, n_draws), confidence)
    if any(baseline.successes == 0 for baseline, _ in pairs):
        high = math.inf
    if any(challenger.successes == 0 for _, challenger in pairs):
        low = -math.inf
    return Interval(estimate, math.exp(low), math.exp(high), confidence, any(censored), over)


def mean_log_ratio_draws(
    pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator, n_draws: int = N_DRAWS
) -> FloatArray:
    """Draws ``(n_draws,)`` of the mean log ratio on these instances, from its confidence distribution."""
    everything = [runs for pair in pairs for runs in pair]
    if len(pairs) > 1 and all(
        len(runs.costs) >= FEWEST_RUNS_FOR_BOOTSTRAP and runs.successes >= FEWEST_SUCCESSES_FOR_BOOTSTRAP
        for runs in everything
    ):
        signs = (1.0, -1.0) * len(pairs)
        observed = [_linearised(runs.costs, runs.hits) for runs in everything]
        mean = math.fsum(sign * float(log) for sign, (log, _) in zip(signs, observed, strict=True)) / len(pairs)
        variance = math.fsum(float(v) for _, v in observed)
        if variance > 0:
            again, variances = np.zeros(n_draws), np.zeros(n_draws)
            for sign, runs in zip(signs, everything, strict=True):
                chosen = rng.integers(0, len(runs.costs), (n_draws, len(runs.costs)))
                log, v = _linearised(runs.costs[chosen], runs.hits[chosen])
                again += sign * log / len(pairs)
                variances += v
            ratio = np.sqrt(variance / np.maximum(variances, 1e-12 * variance))
            return np.asarray(mean - (again - mean) * ratio)
    draws = [log_ert_draws(mine, rng, n_draws) - log_ert_draws(other, rng, n_draws) for mine, other in pairs]
    return np.asarray(np.mean(draws, axis=0))


def standard_error(interval: Interval) -> float:
    """Standard error, in decades, of a ratio or ERT, from its interval; inf where it has an open end."""
    from scipy.special import ndtri

    if not (interval.low > 0 and math.isfinite(interval.high)):
        return math.inf
    return math.log10(interval.high / interval.low) / (2 * float(ndtri(0.5 + interval.confidence / 2)))


def _linearised(costs: FloatArray, hits: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """ln ERT and its variance by linearisation, over the last axis; no success counts as half of one."""
    n = costs.shape[-1]
    ert = costs.sum(axis=-1) / np.maximum(hits.sum(axis=-1), 0.5)
    residual = (costs - ert[..., None] * hits) / costs.mean(axis=-1)[..., None]
    return np.log(ert), (residual**2).sum(axis=-1) / (n * (n - 1))


def _over_instances(
    points: FloatArray, rng: np.random.Generator, confidence: float, n_draws: int
) -> tuple[float, float]:
    """Interval of the mean log ratio when other samples might have been measured."""
    from scipy.stats import t as student

    n = len(points)
    if n < 2:
        return -math.inf, math.inf
    centre, error = float(points.mean()), float(points.std(ddof=1)) / math.sqrt(n)
    if n < FEWEST_INSTANCES_FOR_BOOTSTRAP:
        q = float(student.ppf(0.5 + confidence / 2, n - 1))
        return centre - q * error, centre + q * error
    again = points[rng.integers(0, n, (n_draws, n))]
    spread = again.std(axis=1, ddof=1)
    statistic = (again.mean(axis=1) - centre)[spread > 0] / (spread[spread > 0] / math.sqrt(n))
    if len(statistic) == 0:
        return centre, centre
    low, high = quantiles(statistic, confidence)
    return centre - high * error, centre - low * error
