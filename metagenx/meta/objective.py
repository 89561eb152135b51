"""What a setting is worth: the expected number of evaluations until a restarted fit is in the right basin.

The score is the mean over the samples of log10 ERT (expected running time): evaluations of all fits,
successful or not, each ended by success, stagnation or cutoff, divided by the number of successes. A setting
without a success has a lower bound in its place (twice all that it spent), flagged as censored, so giving up
early is never cheap.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.records import FitRecord, sorted_records
from metagenx.meta.statistics import BestKnown, Runs, Target


@dataclass(frozen=True)
class Contender:
    """One setting in the race.

    Parameters
    ----------
    name : its short id: ``file``, ``genx3``, ``s001`` …
    origin : where it comes from: ``file``, ``published``, ``random``, ``sobol``, ``tpe``, ``near the best``,
        ``cutoff``.
    point : its place in the search space; None for settings from elsewhere.
    pinned : always races, is never dropped.
    """

    name: str
    settings: Settings
    origin: str
    point: Mapping[str, Any] | None = None
    pinned: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values for the journal."""
        return {
            "name": self.name,
            "settings": dataclasses.asdict(self.settings),
            "origin": self.origin,
            "point": None if self.point is None else dict(self.point),
            "pinned": self.pinned,
        }


@dataclass(frozen=True)
class Standing:
    """How a setting stands: ``score`` is the mean over samples of log10 ERT, ``error`` its standard error
    (decades).

    ``closeness`` is the mean of log10(final FOM / f*), which ranks settings that have no success yet.
    ``evaluations`` counts all that were spent, ``hits`` and ``fits`` all samples together.
    """

    runs: Mapping[str, Runs]
    score: float
    error: float
    closeness: float
    hits: int
    fits: int
    evaluations: int
    censored: bool

    @property
    def rank(self) -> tuple[float, float]:
        """Sort key: smaller is better."""
        return (self.score, self.closeness)

    @property
    def pessimistic(self) -> float:
        """The score plus one standard error; no settings without a success are judged on it."""
        return math.inf if self.censored else self.score + self.error


def best_known(records: Iterable[FitRecord], before: Mapping[str, BestKnown] | None = None) -> dict[str, BestKnown]:
    """f* of every sample: the lowest FOM among the records and the best known before. It only falls.

    Of equal FOMs the first in the order of the tables wins, so the answer does not depend on the order of
    arrival.
    """
    best = dict(before or {})
    for record in sorted_records(list(records)):
        found = statistics.better(best.get(record.sample), record)
        if found is not None:
            best[record.sample] = found
    return best


def standing(records: Mapping[str, Sequence[FitRecord]], best: Mapping[str, BestKnown], target: Target) -> Standing:
    """Judge one setting by its fits, sample → records, on all samples of ``best``."""
    runs = {sample: statistics.score(records.get(sample, ()), known, target) for sample, known in best.items()}
    everything = [(record, best[sample]) for sample in best for record in records.get(sample, ())]
    gaps = [_log_ratio(record.fom, known.fom) for record, known in everything]
    closeness = float(np.mean(gaps)) if gaps else math.inf
    return standing_of_runs(runs, closeness, sum(record.evaluations for record, _ in everything))


def standing_of_runs(runs: Mapping[str, Runs], closeness: float, evaluations: int) -> Standing:
    """Judge one setting by its scored runs, sample → runs."""
    scores, variances, censored = [], [], False
    for sample_runs in runs.values():
        time, bound = statistics.expected_running_time(sample_runs)
        scores.append(math.log10(max(time, 1.0)) if len(sample_runs.costs) else math.inf)
        variances.append(log_variance(sample_runs))
        censored = censored or bound
    return Standing(
        runs=runs,
        score=float(np.mean(scores)),
        error=float(np.sqrt(np.sum(variances)) / len(variances) / math.log(10.0)),
        closeness=closeness,
        hits=sum(r.successes for r in runs.values()),
        fits=sum(len(r.costs) for r in runs.values()),
        evaluations=evaluations,
        censored=censored,
    )


def log_variance(runs: Runs) -> float:
    """Variance of ln ERT of one sample, by the delta method on the ratio Σ cost / Σ success; inf without a
    success.

    With few successes the spread seen is too small by luck; it is not let below that of half-regular
    successes.
    """
    hits, total = runs.successes, runs.evaluations
    if hits == 0:
        return math.inf
    residuals = runs.costs - total / hits * runs.hits
    return max(float((residuals**2).sum()) / total**2, 0.25 / hits)


def _log_ratio(fom: float, best: float) -> float:
    """log10(fom / best), at most 6; 6 for a failed fit and where a ratio means nothing."""
    if not math.isfinite(fom) or best <= 0.0 or fom <= 0.0:
        return 0.0 if fom == best else 6.0
    return min(math.log10(fom / best), 6.0)
