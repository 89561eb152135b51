"""The minima that have been found so far, followed as the data change.

What was the second best minimum yesterday may be the best one today: all that fits from scratch have ever ended in are
kept, and polished on the new data. That costs some hundred evaluations each, and hardly ever misses what a search from
scratch would find.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.noise import used_points
from metagenx.fitting.polish import polish
from metagenx.fitting.problem import FloatArray, ProblemWithData
from metagenx.fitting.restarts import SAME_ERRORS, SAME_FOM
from metagenx.live.record import number

MOST = 10  # minima that are followed
WINDOW = 20  # fits from scratch that the agreement is told of
_TINY = 1e-3  # of the width of the limits: no two minima are as near as that
_SHARE_OF_MAGNITUDE = 2.0 - 2.0 / np.pi  # of σ²: the variance of |d + δ| − |d| for a large δ


@dataclass(eq=False)
class Minimum:
    """One minimum: where it is now ``(n_dim,)``, its FOM, its number, and where the last fits ended."""

    number: int
    values: FloatArray
    fom: float
    errors: FloatArray | None = None  # standard errors when it was last the best


@dataclass
class Minima:
    """All minima of one state of a sample.

    Attributes
    ----------
    members : the lowest FOM first.
    ends : number of the minimum in which each fit from scratch has ended, the newest last.
    """

    bounds: FloatArray
    members: list[Minimum] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    _count: int = 0

    @property
    def best(self) -> Minimum:
        """The one with the lowest FOM."""
        return self.members[0]

    def follow(self, problem: ProblemWithData, ends_at: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Go down from every minimum on changed data, the best before first, as long as there is time.

        Those that there is no time for, or that cannot be simulated any more, are judged where they are.
        """
        if not self.members:
            return
        foms = problem.evaluate(np.array([minimum.values for minimum in self.members]))
        seconds = 0.0
        for minimum, fom in zip(self.members, foms, strict=True):
            minimum.fom = float(fom) if np.isfinite(fom) else np.inf
            begun = clock()
            if not np.isfinite(minimum.fom) or begun + seconds > ends_at:
                continue
            self._polish(problem, minimum)
            seconds = max(seconds, clock() - begun)
        self._merge()

    def add(self, problem: ProblemWithData, values: FloatArray, *, is_fit: bool = True) -> Minimum:
        """Where a fit from scratch has ended, perhaps on older data: which minimum that is now.

        ``is_fit`` is false for a guess, which says nothing about agreement.
        """
        fom = problem.evaluate(values[None])[0]
        self._count += 1
        minimum = Minimum(self._count, np.array(values), float(fom) if np.isfinite(fom) else np.inf)
        if np.isfinite(minimum.fom):
            self._polish(problem, minimum)
        self.members.append(minimum)
        self._merge()
        found = next((known for known in self.members if self.same(known, minimum)), minimum)
        if is_fit:
            self.ends = [*self.ends[-(WINDOW - 1) :], found.number]
        return found

    def to_json(self) -> dict[str, Any]:
        """All that later answers depend on."""
        members = [
            [one.number, one.values.tolist(), None if one.errors is None else [number(e) for e in one.errors]]
            for one in self.members
        ]
        return {"members": members, "ends": self.ends, "count": self._count}

    def restore(self, told: Mapping[str, Any]) -> None:
        """Inverse of :meth:`to_json`; the figures of merit are not known yet."""
        self.members = [
            Minimum(n, np.array(values, dtype=float), np.inf, None if errors is None else np.array(errors, dtype=float))
            for n, values, errors in told["members"]
        ]
        self.ends, self._count = [int(end) for end in told["ends"]], int(told["count"])

    def take(self, minimum: Minimum, values: FloatArray, fom: float) -> None:
        """A better place in a minimum."""
        if fom < minimum.fom:
            minimum.values, minimum.fom = np.array(values), float(fom)
            self._merge()

    def judge(self, errors: FloatArray) -> None:
        """Standard errors ``(n_dim,)`` of the best minimum, by which others are told from it."""
        self.best.errors = errors
        self._merge()

    def agreement(self) -> tuple[int, int]:
        """How many of the last fits from scratch ended in what is the best minimum now, of how many."""
        if not self.members:
            return 0, 0
        return sum(end == self.best.number for end in self.ends), len(self.ends)

    def same(self, one: Minimum, other: Minimum) -> bool:
        """Whether two are one minimum: FOM within 1 %, values within three standard errors, or hardly apart at all."""
        if abs(one.fom - other.fom) > SAME_FOM * min(abs(one.fom), abs(other.fom)):
            return False
        width = self.bounds[:, 1] - self.bounds[:, 0]
        errors = one.errors if one.errors is not None else other.errors
        if errors is None and self.members:
            errors = self.best.errors
        reach = np.zeros(len(width)) if errors is None else SAME_ERRORS * np.where(np.isnan(errors), np.inf, errors)
        return bool(np.all(np.abs(one.values - other.values) <= np.maximum(reach, _TINY * width)))

    def _polish(self, problem: ProblemWithData, minimum: Minimum) -> None:
        try:
            found = polish(problem, minimum.values, minimum.fom, max_iterations=12)
        except InputError:
            return
        if found.fom < minimum.fom:
            minimum.values, minimum.fom = found.vector, found.fom

    def _merge(self) -> None:
        """Sort; of those that have become one, the older number stays, with the better values."""
        kept: list[Minimum] = []
        for minimum in sorted(self.members, key=lambda found: found.fom):
            twin = next((known for known in kept if self.same(known, minimum)), None)
            if twin is None:
                kept.append(minimum)
                continue
            old, new = sorted((twin.number, minimum.number))
            twin.number = old
            twin.errors = twin.errors if twin.errors is not None else minimum.errors
            self.ends = [old if end == new else end for end in self.ends]
        self.members = kept[:MOST]


def sigmas_worse(problem: ProblemWithData, best: FloatArray, other: FloatArray, deviation: FloatArray) -> float:
    """By how many standard deviations of counting statistics the FOM of another minimum is worse; NaN if unknown.

    The FOM is a sum of w·|d|^p over points, and so is the difference of two: its noise is that of the differences d,
    seen through the distance δ of the two simulations. Per point the variance is 4·w²·δ²·σ² for squares, and for
    magnitudes w² times the smaller of δ² and (2 − 2/π)·σ².

    Parameters
    ----------
    deviation : ``(n_points,)`` standard deviations of the differences.
    """
    found = problem.deviations(np.array([best, other]))
    used = used_points(found) & np.isfinite(deviation)
    weight, noise = np.abs(found.weights[used]), deviation[used]
    one, two = found.differences[:, used]
    apart = two - one
    if found.power == 2:
        worse, variance = weight * (two**2 - one**2), (2.0 * weight * apart * noise) ** 2
    else:
        worse = weight * (np.abs(two) - np.abs(one))
        variance = weight**2 * np.minimum(apart**2, _SHARE_OF_MAGNITUDE * noise**2)
    spread = float(np.sqrt(variance.sum()))
    return float(worse.sum() / spread) if spread > 0.0 else np.nan
