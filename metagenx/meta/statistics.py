"""SIGNATURES (bodies follow): intervals, running times, tests. See the docstrings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metagenx.meta.records import FitRecord


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; ``censored`` marks a bound that was not measured."""

    estimate: float
    low: float
    high: float
    confidence: float = 0.95
    censored: bool = False


@dataclass(frozen=True)
class Runs:
    """Runs of one setting on one sample, re-scored for one target: cost (n,) evaluations each, hit (n,) bool."""

    costs: np.ndarray
    hits: np.ndarray


@dataclass(frozen=True)
class BestKnown:
    """f* of one sample: FOM, values (n_dim,), error bars (n_dim,) or None."""

    fom: float
    values: tuple[float, ...]
    errors: tuple[float, ...] | None = None


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval: ...
def hit_time(trace: Sequence[tuple[int, float]], target: float) -> int | None: ...
def right_basin(record: FitRecord, best: BestKnown, *, within: float = 0.01, n_errors: float = 3.0) -> bool: ...
def score(records: Sequence[FitRecord], best: BestKnown, *, within: float = 0.01) -> Runs: ...  # re-score: call again when f* falls
def expected_running_time(runs: Runs) -> Interval: ...  # point estimate or flagged lower bound (no interval)
def ert_interval(runs: Runs, rng: np.random.Generator, confidence: float = 0.95) -> Interval: ...
def ratio_interval(baseline: Runs, challenger: Runs, rng: np.random.Generator) -> Interval: ...  # > 1: challenger better
def mean_ratio_interval(pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator) -> Interval: ...  # over instances, geometric mean
def paired_ert_test(pairs: Sequence[tuple[Runs, Runs]], rng: np.random.Generator) -> float: ...  # p, one-sided: challenger better; runs paired by repeat
def wilcoxon_censored(baseline: Runs, challenger: Runs, alternative: str = "two-sided") -> float: ...
def sign_test(baseline: Runs, challenger: Runs, alternative: str = "two-sided") -> float: ...
def holm(p_values: Sequence[float]) -> np.ndarray: ...  # adjusted p
def smallest_detectable_ratio(standard_error: float, *, df: float = np.inf, alpha: float = 0.05, power: float = 0.8) -> float: ...


class AlphaSpending:
    """Error rate of a whole race, spent over its looks: level(look) is the threshold of look 1, 2, …"""

    def __init__(self, alpha: float = 0.05, looks: int | None = None) -> None: ...
    def level(self, look: int) -> float: ...
