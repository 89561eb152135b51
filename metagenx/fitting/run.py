"""One fit: a problem, settings and two random streams give a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from metagenx.errors import InputError
from metagenx.fitting import de, error_bars
from metagenx.fitting.de import State
from metagenx.fitting.problem import FloatArray, Problem
from metagenx.fitting.settings import Settings
from metagenx.genx.limits import at_limit

if TYPE_CHECKING:
    import pandas as pd

Improve = Callable[[Problem, State], None]


@dataclass(frozen=True, eq=False)
class FitResult:
    """What one run of differential evolution gave.

    ``values`` ``(n_dim,)`` and ``fom`` are the best found; ``trace`` holds every improvement as (evaluations,
    best FOM), ``fom_log`` is ``(n, 2)`` with generation and best FOM, as GenX stores it. ``error_low`` ≤ 0 ≤
    ``error_high`` reach from the values to the edge of the FOM level ``errorbar_level`` (NaN: unknown).
    ``start_fom`` is the FOM of the start guess (NaN: not used, or none). ``stop`` is one of ``de.STOPS``;
    ``failure`` says why a run failed, ``fom`` may then be NaN. An interrupted run continues from ``state``.
    """

    names: tuple[str, ...]
    values: FloatArray
    fom: float
    evaluations: int
    generations: int
    seconds: float
    stop: str
    trace: tuple[tuple[int, float], ...]
    fom_log: FloatArray
    error_low: FloatArray
    error_high: FloatArray
    bounds: FloatArray
    settings: Settings
    start_fom: float = np.nan
    failure: str | None = None
    state: State | None = field(default=None, repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The fitted parameters: name, value, error low and high, min, max, and the limit a value sits at."""
        import pandas as pd

        return pd.DataFrame(
            {
                "name": self.names,
                "value": self.values,
                "error low": self.error_low,
                "error high": self.error_high,
                "min": self.bounds[:, 0],
                "max": self.bounds[:, 1],
                "at limit": self.at_limit,
            }
        )

    @property
    def at_limit(self) -> list[str]:
        """For each parameter ``min``, ``max`` or nothing."""
        return [at_limit(value, *bounds) for value, bounds in zip(self.values, self.bounds, strict=True)]


def run_fit(
    problem: Problem,
    settings: Settings,
    *,
    initial: np.random.Generator | None = None,
    moves: np.random.Generator | None = None,
    start: ArrayLike | None = None,
    target: float | None = None,
    on_generation: Callable[[State], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    improve: Improve | None = None,
    state: State | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> FitResult:
    """Run differential evolution once.

    Parameters
    ----------
    initial, moves : random streams of the initial population and of all else (``streams.py``).
    start : start guess ``(n_dim,)`` instead of the problem's own.
    target : stop as soon as the best FOM is not above this.
    on_generation : called with the state after the initial population and after every generation; must not
        change it.
    should_stop : asked after every batch; True interrupts the run, which can go on from ``result.state``.
    improve : called with problem and state after every generation, before ``on_generation``, and at the end of the run;
        may ``de.take_in`` and ``de.adopt`` better vectors. It must decide by the state alone, so that a run that
        goes on is as if undisturbed; its InputErrors end the run.
    state : go on with this run; settings, streams, start and target are then those of the state.

    Raises
    ------
    InputError : unusable bounds or start, missing streams. What goes wrong later, in the evaluation, is a
        result with ``stop == "failed"`` and a reason.
    """
    if state is None:
        if initial is None or moves is None:
            raise InputError("a new run needs the random streams initial and moves")
        first = problem.start if start is None else np.asarray(start, dtype=float)
        state = de.begin(
            settings,
            problem.bounds,
            initial=initial,
            moves=moves,
            start=first,
            target=target,
            names=problem.names,
            initial_bounds=getattr(problem, "initial_bounds", None),
        )
    interrupted = False
    begun = clock() - state.seconds
    while state.stop is None and not interrupted:
        told = state.generation if state.fom_log else -1
        try:
            foms = problem.evaluate(de.ask(state))
        except InputError as error:
            state.stop, state.failure = "failed", str(error)
            break
        de.tell(state, foms)
        is_new = bool(state.fom_log) and state.generation > told
        if improve is not None and is_new:
            try:
                improve(problem, state)
            except InputError as error:
                state.stop, state.failure = "failed", str(error)
                break
        if on_generation is not None and is_new:
            state.seconds = clock() - begun
            on_generation(state)
        interrupted = state.stop is None and should_stop is not None and should_stop()
    state.seconds = clock() - begun
    return _result(problem, state)


def _result(problem: Problem, state: State) -> FitResult:
    best, best_fom = state.answer
    best_fom = best_fom if np.isfinite(best_fom) else np.nan
    low, high = error_bars.scan(*state.log.everything(), best, best_fom, state.settings.errorbar_level)
    failure = state.failure
    reason = getattr(problem, "last_failure", None)
    if failure and reason and not state.trace:
        failure = f"{failure} ({reason})"
    return FitResult(
        names=tuple(problem.names),
        values=best.copy(),
        fom=best_fom,
        evaluations=state.evaluations,
        generations=state.generation,
        seconds=state.seconds,
        stop=state.stop or "interrupted",
        trace=tuple(state.trace),
        fom_log=np.array(state.fom_log, dtype=float).reshape(-1, 2),
        error_low=low,
        error_high=high,
        bounds=state.bounds.copy(),
        settings=state.settings,
        start_fom=state.start_fom,
        failure=failure,
        state=state,
    )
