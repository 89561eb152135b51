"""When a fit has succeeded: the right basin, and what a run cost until it was there.

f* of a sample, the best FOM ever seen on it, only falls; records are scored against it and scored again
when it does. Nothing here is stored with a record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.goals import EXPECTED_COST, FOM_AT_BUDGET, SUCCESS_RATE, TIME
from metagenx.meta.records import FitRecord

_LOWEST, _HIGHEST_RATIO = 1e-300, 1e100


@dataclass(frozen=True)
class BestKnown:
    """The best solution known of one sample: f*, where it lies ``(n_dim,)``, and its error bars ``(n_dim,)``.

    An error bar is a half-width in the unit of the parameter (of a lopsided one the longer side); nan where
    there is none. ``errors`` is None as long as none were computed.
    """

    fom: float
    values: tuple[float, ...]
    errors: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Target:
    """What counts as success.

    The default is the right basin: FOM ≤ (1 + ``within``)·f*, and parameters within ``n_errors`` error bars
    of those of f* where error bars exist. ``below`` sets a plain FOM instead. ``tolerance`` is added to the
    FOM target, for problems whose f* is 0. ``goal`` says what a fit costs when it is scored
    (:mod:`~metagenx.meta.goals`).
    """

    within: float = 0.01
    n_errors: float = 3.0
    below: float | None = None
    tolerance: float = 0.0
    goal: str = EXPECTED_COST

    def fom(self, best: BestKnown) -> float:
        """The FOM to be reached."""
        if self.below is not None:
            return self.below
        return best.fom + self.within * abs(best.fom) + self.tolerance

    def agrees(self, values: Sequence[float], best: BestKnown) -> bool:
        """Whether parameters lie in the basin of the best known solution."""
        if self.below is not None or best.errors is None:
            return True
        for value, centre, error in zip(values, best.values, best.errors, strict=True):
            if math.isfinite(error) and error > 0 and not abs(value - centre) <= self.n_errors * error:
                return False
        return True

    def hit_time(self, record: FitRecord, best: BestKnown) -> int | None:
        """Evaluations until the run reached the target, or None.

        The basin is judged by where the run ended, the time by its first FOM at or below the target.
        A failed fit never succeeds.
        """
        if record.failure is not None or not self.agrees(record.values, best):
            return None
        return hit_time(record.trace, self.fom(best))


def hit_time(trace: Sequence[tuple[int, float]], target: float) -> int | None:
    """Evaluations of the first improvement to ``target`` or below; None if there was none."""
    return next((evaluations for evaluations, fom in trace if fom <= target), None)


def right_basin(record: FitRecord, best: BestKnown, target: Target | None = None) -> bool:
    """Whether a run ended in the right basin."""
    return (target or Target()).hit_time(record, best) is not None


def better(best: BestKnown | None, record: FitRecord) -> BestKnown | None:
    """The best known solution after a record was seen: lower FOM wins, the first of equals stays."""
    if not math.isfinite(record.fom) or (best is not None and record.fom >= best.fom):
        return best
    return BestKnown(record.fom, record.values, record.errors)


@dataclass(frozen=True)
class Runs:
    """Runs of one setting on one sample, scored: what each cost and whether it succeeded.

    ``costs`` ``(n,)`` are evaluations until the hit, or until the run ended without one, or what else the goal counts,
    never below 1; ``hits`` ``(n,)`` bool; ``repeats`` ``(n,)`` are the repeat numbers, rising, by which settings are
    paired.
    """

    costs: NDArray[np.float64]
    hits: NDArray[np.bool_]
    repeats: NDArray[np.int64]

    @property
    def successes(self) -> int:
        """Number of hits."""
        return int(self.hits.sum())

    @property
    def evaluations(self) -> float:
        """All that was spent."""
        return float(self.costs.sum())

    def at(self, repeats: NDArray[np.int64]) -> Runs:
        """The runs with these repeat numbers, all of which must be there."""
        where = np.searchsorted(self.repeats, repeats)
        return Runs(self.costs[where], self.hits[where], self.repeats[where])


def score(records: Iterable[FitRecord], best: BestKnown, target: Target | None = None) -> Runs:
    """Score the records of one setting on one sample against what is known now."""
    target = target or Target()
    rows = sorted((record.repeat, *_cost(record, best, target)) for record in records)
    return Runs(
        costs=np.array([cost for _, cost, _ in rows], dtype=float),
        hits=np.array([hit for _, _, hit in rows], dtype=bool),
        repeats=np.array([repeat for repeat, _, _ in rows], dtype=np.int64),
    )


def _cost(record: FitRecord, best: BestKnown, target: Target) -> tuple[float, bool]:
    """What a fit costs by the goal, and whether it counts as a success."""
    if target.goal == FOM_AT_BUDGET:
        if record.failure is not None or not math.isfinite(record.fom):
            return _HIGHEST_RATIO, False
        return min(max(record.fom, _LOWEST) / max(best.fom, _LOWEST), _HIGHEST_RATIO), True
    time = target.hit_time(record, best)
    spent = record.evaluations if time is None else time
    if target.goal == SUCCESS_RATE:
        spent = 1
    elif target.goal == TIME:
        return max(1.0, 1e3 * record.seconds * spent / max(record.evaluations, 1)), time is not None
    return spent, time is not None


def in_pairs(baseline: Runs, challenger: Runs) -> tuple[Runs, Runs]:
    """Both settings restricted to the repeats that both have run."""
    common = np.intersect1d(baseline.repeats, challenger.repeats)
    return baseline.at(common), challenger.at(common)
