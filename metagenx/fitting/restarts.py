"""Fits that start again when they have stagnated, until a target is reached or a budget is spent."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metagenx.errors import InputError
from metagenx.fitting.de import State
from metagenx.fitting.problem import FloatArray, Problem
from metagenx.fitting.run import FitResult, Improve, run_fit
from metagenx.fitting.settings import Settings

Streams = Callable[[int], tuple[np.random.Generator, np.random.Generator]]

SAME_FOM = 0.01  # relative, above the best
SAME_ERRORS = 3.0  # error bars of the best


@dataclass(frozen=True)
class RestartedFit:
    """Several runs of one fit, in the order in which they were made.

    ``reached`` is None without a target; ``cut_short`` says that the common budget ended the last run. Runs
    other than the best hold no state. ``errors`` ``(n_dim,)`` are standard errors of the best run, for the question
    which runs ended where it did; without them, its error bars by the FOM level decide.
    """

    runs: tuple[FitResult, ...]
    target: float | None = None
    cut_short: bool = False
    errors: FloatArray | None = None

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
        """Time of all runs."""
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

    Raises
    ------
    InputError : nothing that would end the restarts; see also ``run_fit``.
    """
    if max_evaluations is None and max_runs is None and target is None:
        raise InputError("restarts need a limit of evaluations or runs, or a target")
    runs: list[FitResult] = []
    spent = 0
    while True:
        of_run = settings_of(len(runs)) if settings_of is not None else settings
        own, shortened = _within(of_run, len(problem.bounds), max_evaluations, spent)
        if runs:
            own = own.replace(use_start_guess=False)
        initial, moves = streams(len(runs))
        run = run_fit(
            problem,
            own,
            initial=initial,
            moves=moves,
            start=start,
            target=target,
            on_generation=on_generation,
            should_stop=should_stop,
            improve=improve_of(len(runs)) if improve_of is not None else None,
            clock=clock,
        )
        spent += run.evaluations
        runs.append(dataclasses.replace(run, settings=of_run))  # not what was left of the budget
        best = min(runs, key=_rank)
        runs = [run if run is best else dataclasses.replace(run, state=None) for run in runs]
        worth_it = spent + 2 * settings.population_size(len(problem.bounds)) + 1
        if (
            run.stop in ("interrupted", "failed", "discrepancy", "target")
            or (max_evaluations is not None and worth_it > max_evaluations)
            or (max_runs is not None and len(runs) >= max_runs)
            or (enough is not None and enough(RestartedFit(tuple(runs), target)))
        ):
            return RestartedFit(tuple(runs), target, cut_short=shortened and run.stop == "cutoff")


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
