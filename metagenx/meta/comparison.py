"""Is one setting better than another? Tests, the error rate of a whole race, and what can be detected."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.ratios import informative, mean_log_ratio_draws
from metagenx.meta.targets import Runs, in_pairs

FloatArray = NDArray[np.float64]


def ert_test(pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator, *, n_draws: int = 9999) -> float:
    """One-sided p value: the challenger's ERT is not lower than the baseline's (mean of logs over instances).

    It is the share of the confidence distribution behind
    :func:`~metagenx.meta.ratios.mean_ratio_interval` that lies on the baseline's side, so test and
    printed interval never contradict each other. Runs need not be equally many. A challenger that never
    succeeded on an instance where the baseline did is never better: settings that fail fast cannot win. No
    instance that says anything: 1.
    """
    pairs = [pairs[index] for index in informative(pairs)]
    if not pairs or any(challenger.successes == 0 for _, challenger in pairs):
        return 1.0
    means = mean_log_ratio_draws(pairs, rng, n_draws)
    return float((1 + np.count_nonzero(means <= 0)) / (1 + n_draws))


def log_time_differences(baseline: Runs, challenger: Runs) -> FloatArray:
    """ln(baseline's time) − ln(challenger's time) on common repeats, above 0 where the challenger was faster.

    If only one succeeded, it wins by infinity; pairs in which neither did say nothing and are left out,
    whatever they cost: failing fast is not a merit.
    """
    baseline, challenger = in_pairs(baseline, challenger)
    mine = np.where(baseline.hits, np.log(np.maximum(baseline.costs, 1)), np.inf)
    other = np.where(challenger.hits, np.log(np.maximum(challenger.costs, 1)), np.inf)
    either = baseline.hits | challenger.hits
    return np.asarray(mine[either] - other[either])


def wilcoxon(differences: FloatArray, *, two_sided: bool = True) -> float:
    """p value of Wilcoxon's signed-rank test, exact with ties; infinite differences share the highest rank.

    One-sided: the alternative is that the differences lie above 0. Zeros are left out; none left: 1.
    """
    from scipy.stats import rankdata

    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    ranks = np.rint(2 * rankdata(np.abs(differences))).astype(int)  # doubled, so that shared ranks are whole
    positive = int(ranks[differences > 0].sum())
    total = int(ranks.sum())
    share = np.zeros(total + 1)  # distribution of the sum of ranks under random signs
    share[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(share)
        shifted[rank:] = share[: total + 1 - rank]
        share = (share + shifted) / 2
    above = float(share[positive:].sum())
    if not two_sided:
        return min(1.0, above)
    return min(1.0, 2 * min(above, float(share[: positive + 1].sum())))


def sign_test(differences: FloatArray, *, two_sided: bool = True) -> float:
    """p value of the exact sign test; one-sided: the alternative is that the differences lie above 0."""
    from scipy.stats import binomtest

    wins, n = int((differences > 0).sum()), int((differences != 0).sum())
    if n == 0:
        return 1.0
    return float(binomtest(wins, n, alternative="two-sided" if two_sided else "greater").pvalue)


def holm(p_values: Sequence[float]) -> FloatArray:
    """Holm's adjusted p values, in the order given (S. Holm, Scand. J. Stat. 6, 65, 1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


class AlphaSpending:
    """The error rate of a whole race, spent over its looks.

    The probability that any look of the race finds a difference that is not there is at most ``alpha``,
    however the looks depend on each other (a union bound: the levels sum to ``alpha``). With a known number
    of looks they are equal; without one, look k gets alpha/(k(k+1)), so that the race may go on for ever.
    Several challengers at one look share its level by :func:`holm`.
    """

    def __init__(self, alpha: float = 0.05, looks: int | None = None) -> None:
        if not 0 < alpha < 1 or (looks is not None and looks < 1):
            raise ValueError(f"alpha {alpha}, looks {looks}")
        self.alpha, self.looks = alpha, looks

    def level(self, look: int) -> float:
        """Significance level of look 1, 2, …; 0 beyond the announced number of looks."""
        if look < 1:
            raise ValueError(f"look {look}")
        if self.looks is not None:
            return self.alpha / self.looks if look <= self.looks else 0.0
        return self.alpha / (look * (look + 1))


def smallest_detectable_ratio(
    standard_error: float, *, degrees: float = math.inf, alpha: float = 0.05, power: float = 0.8
) -> float:
    """The ratio that a two-sided test at ``alpha`` finds with probability ``power``.

    ``standard_error`` is that of the mean log10 ratio, in decades
    (:func:`~metagenx.meta.ratios.standard_error`), ``degrees`` its degrees of freedom (instances − 1
    when the claim is over instances).
    """
    from scipy.stats import t as student

    if not math.isfinite(standard_error):
        return math.inf
    quantiles = student.ppf([1 - alpha / 2, power], degrees)
    return float(10.0 ** (quantiles.sum() * standard_error))


def planned_standard_error(successes: float) -> float:
    """Standard error, in decades, of the log ratio of two settings with so many successes each.

    For plans, before any run: a restarted run's time is close to exponential, so that n successes fix its
    mean to 1/√n.
    """
    return math.sqrt(2 / successes) / math.log(10) if successes > 0 else math.inf
