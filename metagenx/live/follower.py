"""One measurement, followed: at each change fitted from where it was, here, and from scratch, in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.covariance import Covariance, covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.problem import Deviations, FloatArray
from metagenx.fitting.run_worker import Recipe
from metagenx.fitting.settings import Settings
from metagenx.genx.limits import at_limit
from metagenx.live.minima import Minima, sigmas_worse
from metagenx.live.searchers import MOST_RUNS, Search, Searchers

if TYPE_CHECKING:
    from metagenx.genx.model import Model
    from metagenx.genx.population import ModelProblem

BUDGET = 1.6  # s from a change to its answer, at the most; 2 s with reading the file before it
SOON = 0.7  # s after which an answer does not wait for another fit from scratch
KNOWN = 5  # fits from scratch in the best minimum after which an answer waits for none
FRESH = 2  # fits from scratch that an answer waits for
_PATIENT = 8  # updates at which the whole budget is used, as long as fits do not agree
_FOR_JUDGING = 0.3  # s of the budget that are kept for the last steps and the error bars
_FOR_MINIMA = 0.5  # of the budget that following all minima may take
_STEPS = 4  # to the bottom of the best minimum at a time
_RIVALS = 3  # next minima of which it is told how much worse they are


@dataclass(frozen=True, eq=False)
class Answer:
    """What is known of a measurement.

    Attributes
    ----------
    names, values, errors, limits : of the fitted parameters; standard errors, NaN or inf where there are none; ``min``
        or ``max`` where a value is at its limit.
    fresh, fresh_same : fits from scratch on these very data that have ended, and in the best minimum.
    recent, recent_same : the same of the last fits, those on earlier data included.
    minimum : number of the minimum; another number than before is another minimum.
    next_worse : by how many standard deviations of counting statistics the next minimum is worse; NaN if there is none.
    deviations : what the figure of merit is made of; None if nobody knows.
    simulations : the best curve of each data set in use, ``(n_points,)`` each.
    is_final : whether no more fits from scratch are to come for these data.
    """

    names: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    limits: tuple[str, ...]
    fom: float
    covariance: Covariance | None
    why_no_errors: str
    minimum: int
    next_worse: float
    fresh: int
    fresh_same: int
    recent: int
    recent_same: int
    seconds: float
    evaluations: int
    model: Model = field(repr=False)
    problem: ModelProblem = field(repr=False)
    deviations: Deviations | None = field(repr=False)
    simulations: tuple[FloatArray, ...] = field(repr=False)
    is_final: bool = False


class Follower:
    """Fits of one model to data that change.

    Parameters
    ----------
    searchers : processes that make the fits from scratch; without any they are made here, in the time that is left.
    fom : figure of merit instead of the model's.
    budget : s from a change to its answer.
    """

    def __init__(
        self,
        searchers: Searchers,
        settings: Settings,
        *,
        seed: int = 0,
        fom: str | None = None,
        budget: float = BUDGET,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._searchers, self._settings, self._seed, self._fom = searchers, settings, seed, fom
        self._budget, self._clock = budget, clock
        self.minima: Minima | None = None
        self._version = 0
        self._search: Search | None = None
        self._fresh: list[int] = []  # the minimum in which each fit on the newest data has ended
        self._answer: Answer | None = None
        self._evaluations = 0

    def update(self, model: Model, key: str, *, begun: float | None = None) -> Answer:
        """Fit changed data.

        Parameters
        ----------
        key : of the data, which decides the random streams.
        begun : when the change was seen; the budget counts from then.

        Raises
        ------
        InputError : the model cannot be run with these data.
        """
        begun = self._clock() if begun is None else begun
        self._version += 1
        self._fresh, self._evaluations = [], 0
        self._search = Search(
            self._version, key, Recipe(model.file, model.trust, self._fom or model.fom_function), self._settings,
            self._seed,
        )  # fmt: skip
        self._searchers.start()
        self._searchers.search(self._search)
        problem = model.problem(self._fom)
        if self.minima is None:
            self.minima = Minima(np.asarray(problem.bounds, dtype=float))
        self.minima.follow(problem, begun + _FOR_MINIMA * self._budget, self._clock)
        self._wait(problem, begun)
        if not self.minima.members or not np.isfinite(self.minima.best.fom):
            self.minima.add(problem, np.clip(problem.start, *np.asarray(problem.bounds).T), is_fit=False)
        if not np.isfinite(self.minima.best.fom):
            raise InputError(
                f"no candidate has a figure of merit: {problem.last_failure or 'the data may have no usable point'}"
            )
        self._answer = self._judged(model, problem, begun, begun + self._budget)
        return self._answer

    def to_json(self) -> dict[str, Any]:
        """What the next answers depend on."""
        return {"version": self._version, "minima": None if self.minima is None else self.minima.to_json()}

    def restore(self, told: Mapping[str, Any], bounds: FloatArray) -> None:
        """Inverse of :meth:`to_json`; ``bounds`` ``(n_dim, 2)``."""
        self._version = int(told["version"])
        if told["minima"] is not None:
            self.minima = Minima(bounds)
            self.minima.restore(told["minima"])

    def look(self, timeout: float) -> Answer | None:
        """What fits from scratch have found since the last answer, if that says more; waits ``timeout`` s for it."""
        answer = self._answer
        if answer is None or self.minima is None or answer.is_final:
            self._searchers.found(timeout)
            return None
        if not self._listen(answer.problem, timeout):
            return None
        self._answer = self._judged(answer.model, answer.problem, self._clock(), self._clock() + self._budget)
        return self._answer

    def _wait(self, problem: ModelProblem, begun: float) -> None:
        """Until there are enough fits from scratch, or it is time to answer."""
        assert self.minima is not None
        while len(self._fresh) < FRESH:
            same = self.minima.agreement()[0]
            if same >= KNOWN and self._searchers.n_alive:
                return  # one more would not change the verdict; what it finds is told later
            is_known = same >= FRESH or self._version > _PATIENT
            ends = begun + (SOON if self.minima.members and is_known else self._budget - _FOR_JUDGING)
            left = ends - self._clock()
            if left <= 0.0:
                return
            if self._searchers.n_alive:
                self._listen(problem, left)
            else:
                self._search_here(problem, begun + self._budget)

    def _listen(self, problem: ModelProblem, timeout: float) -> bool:
        """Take in what the searchers have found; whether that was anything."""
        assert self.minima is not None
        found = self._searchers.found(timeout)
        for one in found:
            self._evaluations += one.result.evaluations
            if not np.isfinite(one.result.fom):
                continue
            is_whole = one.result.stop != "interrupted"  # else it is a guess, which says nothing about agreement
            ended_in = self.minima.add(problem, one.result.values, is_fit=is_whole)
            if is_whole and one.version == self._version:
                self._fresh.append(ended_in.number)
        return bool(found)

    def _search_here(self, problem: ModelProblem, ends: float) -> None:
        """One fit from scratch in this process, cut off when the time is over."""
        assert self.minima is not None
        assert self._search is not None
        number = len(self._fresh)
        search = self._search
        result = search.run(problem, number, lambda: self._clock() >= ends)
        self._evaluations += result.evaluations
        if np.isfinite(result.fom) and (result.stop != "interrupted" or not self.minima.members):
            ended_in = self.minima.add(problem, result.values)
            self._fresh.append(ended_in.number)

    def _judged(self, model: Model, problem: ModelProblem, begun: float, ends: float) -> Answer:
        """The best minimum at its bottom, its error bars, and how the others compare."""
        minima = self.minima
        assert minima is not None
        covariance, reason = self._covariance(problem, ends)
        best = minima.best
        limits = tuple(at_limit(value, *bounds) for value, bounds in zip(best.values, problem.bounds, strict=True))
        errors = np.full(len(best.values), np.nan) if covariance is None else covariance.errors
        deviation = None if covariance is None else covariance.noise.deviation
        worse = np.nan
        if deviation is not None:
            told = [
                sigmas_worse(problem, best.values, rival.values, deviation)
                for rival in minima.members[1 : 1 + _RIVALS]
                if np.isfinite(rival.fom)
            ]
            worse = min((value for value in told if np.isfinite(value)), default=np.nan)
        recent_same, recent = minima.agreement()
        fresh = len(self._fresh)
        return Answer(
            names=tuple(problem.names), values=best.values.copy(), errors=errors, limits=limits, fom=best.fom,
            covariance=covariance, why_no_errors=reason, minimum=best.number, next_worse=worse,
            fresh=fresh, fresh_same=sum(number == best.number for number in self._fresh),
            recent=recent, recent_same=recent_same, seconds=self._clock() - begun, evaluations=self._evaluations,
            model=model, problem=problem,
            deviations=None if covariance is None else problem.deviations(best.values[None]),
            simulations=_simulations(model, problem.names, best.values),
            is_final=fresh >= MOST_RUNS or not self._searchers.n_alive,
        )  # fmt: skip

    def _covariance(self, problem: ModelProblem, ends: float) -> tuple[Covariance | None, str]:
        """Go to the bottom of the best minimum, as far as there is time, and look at the slopes there."""
        minima = self.minima
        assert minima is not None
        begun = self._clock()
        found: Covariance | None = None
        reason = ""
        while True:
            best = minima.best
            try:
                lower = local_minimum(problem, best.values, max_iterations=_STEPS)
                fom = float(problem.evaluate(lower.vector[None])[0])
                self._evaluations += lower.evaluations + 1
                minima.take(best, lower.vector, fom)
                found, reason = covariance_at(problem, minima.best.values), ""
                self._evaluations += found.evaluations
            except InputError as error:
                return found, error.what
            minima.judge(found.errors)
            if minima.best is best and (lower.converged or self._clock() + (self._clock() - begun) > ends):
                return found, reason


def _simulations(model: Model, names: tuple[str, ...], values: FloatArray) -> tuple[FloatArray, ...]:
    curves = model.simulate(dict(zip(names, map(float, values), strict=True)))
    return tuple(
        np.broadcast_to(np.asarray(curve, dtype=float), np.shape(dataset.x)).copy()
        for curve, dataset in zip(curves, model.data, strict=True)
    )
