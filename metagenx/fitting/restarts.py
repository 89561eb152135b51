"""Fits that start again when they have stagnated, until a target is reached or a budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from metagenx.errors import InputError
from metagenx.fitting.de import State
from metagenx.fitting.problem import FloatArray, Problem
from metagenx.fitting.run import FitResult, Improve
from metagenx.fitting.run_worker import Task
from metagenx.fitting.settings import Settings

if TYPE_CHECKING:
    from metagenx.fitting.parallel_runs import Crew

Streams = Callable[[int], tuple[np.random.Generator, np.random.Generator]]

SAME_FOM = 0.01  # relative, above the best
SAME_ERRORS = 3.0  # error bars of the best
_LOOK_AGAIN = 0.1  # s


@dataclass(frozen=True)
class RestartedFit:
    """Several runs of one fit, in the order in which they were made.

    ``reached`` is None without a target; ``cut_short`` says that the common budget ended the last run. Runs
    other than the best hold no state. ``errors`` ``(n_dim,)`` are standard errors of the best run, for the question
    which runs ended where it did; without them, its error bars by the FOM level decide. ``in_vain`` counts evaluations
    of runs that one of ``cores`` processes had begun ahead and that were not needed; ``elapsed`` is the real time in s,
    if it is known.
    """

    runs: tuple[FitResult, ...]
    target: float | None = None
    cut_short: bool = False
    errors: FloatArray | None = None
    in_vain: int = 0
    cores: int = 1
    elapsed: float | None = None

    @property
    def best(self) -> FitResult:
        """The run with the lowest FOM; the first of equals."""
        return min(self.runs, key=_rank)

    @property
    def evaluations(self) -> int:
        """Evaluations of all runs."""
        return sum(run.evaluations for run in self.runs)

    @property
    def seconds(self) -> float:
        """Time of all runs, one after the other."""
        return sum(run.seconds for run in self.runs)

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached."""
        return None if self.target is None else bool(self.best.fom <= self.target)

    @property
    def trace(self) -> tuple[tuple[int, float], ...]:
        """Improvements over all runs: (evaluations of all runs so far, best FOM of all so far)."""
        improvements: list[tuple[int, float]] = []
        before, lowest = 0, np.inf
        for run in self.runs:
            for evaluations, fom in run.trace:
                if fom < lowest:
                    improvements.append((before + evaluations, fom))
                    lowest = fom
            before += run.evaluations
        return tuple(improvements)

    @property
    def complete(self) -> tuple[FitResult, ...]:
        """The runs that ended by the rules of their settings."""
        runs = self.runs[:-1] if self.cut_short else self.runs
        return tuple(run for run in runs if run.stop not in ("interrupted", "failed", "discrepancy", "target"))

    @property
    def same(self) -> tuple[FitResult, ...]:
        """The complete runs that ended in the minimum of the best run."""
        return tuple(run for run in self.complete if same_minimum(run, self.best, self.errors))

    @property
    def n_same(self) -> int:
        """How many of the complete runs ended in the minimum of the best run."""
        return len(self.same)


def run_restarts(
    problem: Problem,
    settings: Settings,
    *,
    streams: Streams,
    max_evaluations: int | None = None,
    max_runs: int | None = None,
    target: float | None = None,
    start: ArrayLike | None = None,
    on_generation: Callable[[State], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    improve_of: Callable[[int], Improve | None] | None = None,
    settings_of: Callable[[int], Settings] | None = None,
    enough: Callable[[RestartedFit], bool] | None = None,
    crew: Crew | None = None,
    on_run: Callable[[FitResult], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> RestartedFit:
    """Run the fit again and again with fresh populations.

    Parameters
    ----------
    streams : the random streams (initial, moves) of run 0, 1, …
    max_evaluations : of all runs together; the last run is cut off there. The first population is always
        evaluated.
    max_runs : end after so many runs.
    target : end when the best FOM is not above this.
    start : start guess of the first run. The later ones draw their whole population, so that runs which end
        in the same minimum say something about it.
    improve_of : ``improve`` of run 0, 1, …, see ``run_fit``.
    settings_of : the settings of run 0, 1, … where they differ from ``settings``, e.g. in the patience of a run.
    enough : end when it says so of the runs made so far; asked after each.
    crew : other processes that make runs too. Which runs count, and what they give, is the same with and without.
    on_run : called with every run that another process has made, when it is counted.

    Raises
    ------
    InputError : nothing that would end the restarts; see also ``run_fit``.
    """
    if max_evaluations is None and max_runs is None and target is None:
        raise InputError("restarts need a limit of evaluations or runs, or a target")
    first = problem.start if start is None else np.asarray(start, dtype=float)
    search = _Search(
        problem, settings, streams, max_evaluations, max_runs, target, first, improve_of, settings_of, enough
    )
    watching = _Watching(on_generation, should_stop, clock)
    if crew is None:
        while not search.is_over:
            search.take(watching.make(search.next_task(), problem))
        return search.result()
    try:
        _make_together(search, problem, watching, crew, on_run)
    finally:
        crew.close()
    return replace(search.result(), in_vain=crew.in_vain, cores=crew.cores_used)


class _Search:
    """The runs that count so far, and what comes next: decided by the results alone, in the order of the numbers."""

    def __init__(
        self,
        problem: Problem,
        settings: Settings,
        streams: Streams,
        max_evaluations: int | None,
        max_runs: int | None,
        target: float | None,
        start: FloatArray,
        improve_of: Callable[[int], Improve | None] | None,
        settings_of: Callable[[int], Settings] | None,
        enough: Callable[[RestartedFit], bool] | None,
    ) -> None:
        self._n_dim = len(problem.bounds)
        self._settings, self._streams, self._budget, self._max_runs = settings, streams, max_evaluations, max_runs
        self._target, self._start, self._enough = target, start, enough
        self._improve_of, self._settings_of = improve_of, settings_of
        self._runs: list[FitResult] = []
        self._spent = 0
        self._cut_short = False
        self.is_over = False

    @property
    def number(self) -> int:
        """Of the run that is to be taken next."""
        return len(self._runs)

    @property
    def is_cut_short(self) -> bool:
        """Whether the next run must be kept within what is left of the budget: it is another run then."""
        return _within(self._settings_for(self.number), self._n_dim, self._budget, self._spent)[1]

    def next_task(self) -> Task:
        """The run that comes next, within what is left of the budget."""
        own, _ = _within(self._settings_for(self.number), self._n_dim, self._budget, self._spent)
        return self._task(self.number, own)

    def task_ahead(self, number: int) -> Task | None:
        """A run to be made ahead, or None: there will be no such run, or probably not, as far as the budget goes."""
        own = self._settings_for(number)
        if self._max_runs is not None and number >= self._max_runs:
            return None
        if self._budget is not None and number > self.number:
            usual = self._spent / self.number if self.number else own.evaluation_limit(self._n_dim) or self._budget
            if number * usual >= self._budget:
                return None
        return self._task(number, own)

    def take(self, run: FitResult) -> None:
        """Count a run, the one with the next number."""
        of_run, number = self._settings_for(self.number), self.number
        shortened = self.is_cut_short
        self._spent += run.evaluations
        self._runs.append(replace(run, settings=of_run))  # not what was left of the budget
        best = min(self._runs, key=_rank)
        self._runs = [run if run is best else replace(run, state=None) for run in self._runs]
        self._cut_short = shortened and run.stop == "cutoff"
        worth_it = self._spent + 2 * self._settings.population_size(self._n_dim) + 1
        self.is_over = (
            run.stop in ("interrupted", "failed", "discrepancy", "target")
            or (self._budget is not None and worth_it > self._budget)
            or (self._max_runs is not None and number + 1 >= self._max_runs)
            or (self._enough is not None and self._enough(self.result()))
        )

    def end_with(self, runs: Iterable[tuple[int, FitResult]]) -> None:
        """End here, by request, with runs that were made ahead or are under way, and their numbers."""
        self._runs += [replace(run, settings=self._settings_for(number)) for number, run in runs]
        self._cut_short, self.is_over = False, True

    def result(self) -> RestartedFit:
        """All runs so far."""
        return RestartedFit(tuple(self._runs), self._target, cut_short=self._cut_short)

    def _settings_for(self, number: int) -> Settings:
        return self._settings if self._settings_of is None else self._settings_of(number)

    def _task(self, number: int, own: Settings) -> Task:
        initial, moves = self._streams(number)
        improve = None if self._improve_of is None else self._improve_of(number)
        own = own.replace(use_start_guess=False) if number else own
        return Task(number, own, initial, moves, self._start, self._target, improve)


class _Watching:
    """Who hears of runs that are made here, and may end them."""

    def __init__(
        self,
        on_generation: Callable[[State], None] | None,
        should_stop: Callable[[], bool] | None,
        clock: Callable[[], float],
    ) -> None:
        self._on_generation, self._should_stop, self._clock = on_generation, should_stop, clock
        self._was_asked = False

    def is_asked_to_stop(self) -> bool:
        """Whether the user wants to end; once he does he does."""
        self._was_asked = self._was_asked or (self._should_stop is not None and self._should_stop())
        return self._was_asked

    def make(self, task: Task, problem: Problem, is_settled: Callable[[], bool] | None = None) -> FitResult:
        """Make a run here; ``is_settled`` is asked after every batch too, and ends it."""
        stop = self.is_asked_to_stop if is_settled is None else (lambda: is_settled() or self.is_asked_to_stop())
        return task.run(problem, on_generation=self._on_generation, should_stop=stop, clock=self._clock)


def _make_together(
    search: _Search, problem: Problem, watching: _Watching, crew: Crew, on_run: Callable[[FitResult], None] | None
) -> None:
    """Make runs here and elsewhere until those that count, in their order, are enough."""
    here: int | None = None  # the run that is being made in this process
    made_here: set[int] = set()

    def unbegun() -> Task | None:
        number = search.number
        while number == here or number in crew.finished or crew.is_making(number):
            number += 1
        is_doubtful = crew.expected_runs is not None and search.number < crew.expected_runs <= number
        return None if is_doubtful or search.is_cut_short else search.task_ahead(number)

    def is_settled() -> bool:
        """Take what is there, in order; whether the run that is being made here has become needless."""
        crew.tend(search.number, unbegun)
        while not search.is_over and not search.is_cut_short and search.number in crew.finished:
            number = search.number
            run = crew.finished.pop(number)
            if on_run is not None and number not in made_here:
                on_run(run)
            search.take(run)
        return search.is_over or (here is not None and here != search.number and search.is_cut_short)

    while not (is_settled() and search.is_over):
        if search.is_cut_short:  # another run than one made ahead
            search.take(watching.make(search.next_task(), problem))
            continue
        task = unbegun()
        if task is None and not watching.is_asked_to_stop():
            crew.pause(_LOOK_AGAIN)
            continue
        task = task or search.next_task()
        here = task.number
        run = watching.make(task, problem, is_settled)
        made_here.add(here)
        if run.stop != "interrupted" or search.is_over:
            crew.finished[here] = run
        elif watching.is_asked_to_stop():
            search.end_with([*sorted(crew.finished.items()), (here, run)])
            crew.finished.clear()
        else:
            crew.in_vain += run.evaluations
        here = None


def _within(settings: Settings, n_dim: int, budget: int | None, spent: int) -> tuple[Settings, bool]:
    """Settings that stay within what is left of the budget, and whether that is below their own cutoff."""
    own = settings.evaluation_limit(n_dim)
    if budget is None or (own is not None and own <= budget - spent):
        return settings, False
    return settings.replace(max_evaluations=max(1, budget - spent)), True


def same_minimum(run: FitResult, best: FitResult, errors: FloatArray | None = None) -> bool:
    """Whether a run ended where the best one did.

    FOM within 1 %, and every parameter within three error bars of the best, where it has error bars: ``errors``
    ``(n_dim,)``, or those of the FOM level.
    """
    if not run.fom <= best.fom + SAME_FOM * abs(best.fom):
        return False
    reach = SAME_ERRORS * (np.maximum(-best.error_low, best.error_high) if errors is None else errors)
    away = np.abs(run.values - best.values)
    return bool(np.all((away <= reach) | ~np.isfinite(reach) | (reach <= 0.0)))


def _rank(run: FitResult) -> float:
    return run.fom if np.isfinite(run.fom) else np.inf
