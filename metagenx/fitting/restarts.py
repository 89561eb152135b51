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
from metagenx.fitting.problem import Problem
from metagenx.fitting.run import FitResult, run_fit
from metagenx.fitting.settings import Settings

Streams = Callable[[int], tuple[np.random.Generator, np.random.Generator]]

SAME_FOM = 0.01  # relative, above the best
SAME_ERRORS = 3.0  # error bars of the best


@dataclass(frozen=True)
class RestartedFit:
    """Several runs of one fit, in the order in which they were made.

    ``reached`` is None without a target; ``cut_short`` says that the common budget ended the last run. Runs
    other than the best hold no state.
    """

    runs: tuple[FitResult, ...]
    target: float | None = None
    cut_short: bool = False

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
        return tuple(
            run for run in runs if run.stop not in ("interrupted", "failed", "discrepancy", "target")
        )

    @property
    def n_same(self) -> int:
        """How many of the complete runs ended in the minimum of the best run."""
        return sum(same_minimum(run, self.best) for run in self.complete)


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

    Raises
    ------
    InputError : nothing that would end the restarts; see also ``run_fit``.
    """
    if max_evaluations is None and max_runs is None and target is None:
        raise InputError("restarts need a limit of evaluations or runs, or a target")
    runs: list[FitResult] = []
    spent = 0
    while True:
        own, shortened = _within(settings, len(problem.bounds), max_evaluations, spent)
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
            clock=clock,
        )
        spent += run.evaluations
        runs.append(dataclasses.replace(run, settings=settings))  # not what was left of the budget
        best = min(runs, key=_rank)
        runs = [run if run is best else dataclasses.replace(run, state=None) for run in runs]
        worth_it = spent + 2 * settings.population_size(len(problem.bounds)) + 1
        if (
            run.stop in ("interrupted", "failed", "discrepancy", "target")
            or (max_evaluations is not None and worth_it > max_evaluations)
            or (max_runs is not None and len(runs) >= max_runs)
        ):
            return RestartedFit(tuple(runs), target, cut_short=shortened and run.stop == "cutoff")


def _within(settings: Settings, n_dim: int, budget: int | None, spent: int) -> tuple[Settings, bool]:
    """Settings that stay within what is left of the budget, and whether that is below their own cutoff."""
    own = settings.evaluation_limit(n_dim)
    if budget is None or (own is not None and own <= budget - spent):
        return settings, False
    return settings.replace(max_evaluations=max(1, budget - spent)), True


def same_minimum(run: FitResult, best: FitResult) -> bool:
    """Whether a run ended where the best one did.

    FOM within 1 %, and every parameter within three error bars of the best, where it has error bars.
    """
    if not run.fom <= best.fom + SAME_FOM * abs(best.fom):
        return False
    reach = SAME_ERRORS * np.maximum(-best.error_low, best.error_high)
    away = np.abs(run.values - best.values)
    return bool(np.all((away <= reach) | ~np.isfinite(reach) | (reach <= 0.0)))


def _rank(run: FitResult) -> float:
    return run.fom if np.isfinite(run.fom) else np.inf
