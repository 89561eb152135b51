"""The default strategy: differential evolution, polished on the way, from fresh populations until the runs agree.

Every few generations the best member goes down to its minimum by bounded Levenberg-Marquardt (``polish.py``): one
Jacobian in one batch saves hundreds of trial vectors. A run that finds nothing more ends early, and a new one starts.
How patient a run is follows the sequence of M. Luby, A. Sinclair and D. Zuckerman (Inf. Process. Lett. 47 (1993) 173),
1 1 2 1 1 2 4 …, which is never far from the best patience, whatever that is for a sample. docs/search.md has what each
part was measured to gain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting import de
from metagenx.fitting.de import State
from metagenx.fitting.domain_moves import different, kinds, redrawn, thickness_jumps
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.polish import polish
from metagenx.fitting.problem import FloatArray, Problem, ProblemWithData
from metagenx.fitting.restarts import RestartedFit
from metagenx.fitting.run import FitResult
from metagenx.fitting.settings import Settings

AGREEING = 2  # runs in the best minimum
_RISK = 0.05
_ANOTHER = 0.05  # a best member whose FOM has fallen by this part since the last polish may be in another minimum
_ANOTHER_MINIMUM = 0.01  # a jump that lowers the FOM by less led nowhere
_LAST_STEPS, _ANSWERS_STEPS = 5, 20  # of a run, of the answer
_WORTH_STEPS = 10  # a budget of so many times what they cost
_PARTS_TRIED = 24  # for each step, at the most
_LANDINGS = 2  # of jumps in thickness; of those of other kinds 1 each
_NO_LIMIT = 1 << 60
_NO_POLISH_AFTER = ("target", "failed", "discrepancy")


@dataclass(frozen=True)
class Strategy:
    """What ``auto`` adds to the settings of differential evolution.

    ``polish_interval``: generations from one polish of the best member to the next, 0: only at the end of a run.
    ``polish_improvement``: relative fall of the FOM below which a polish ends. ``jumps``: how often a run that is over
    may jump from its minimum to another (``domain_moves.py``). ``patience``: generations without an improvement of the
    part ``worth``, polish included, that end the shortest runs. ``cutoff``: evaluations per (fitted parameters)³ of the
    shortest runs, or ``generations`` populations if that is more. ``rarest``: a minimum that ends such a part of
    all runs shall be found, but for a risk of 5 %, before the search says that it is done.
    """

    polish_interval: int = 5
    polish_improvement: float = 5e-3
    jumps: int = 5
    patience: int = 10
    worth: float = 0.005
    cutoff: float = 10.0
    generations: int = 60
    rarest: float = 0.25
    polish: str = "alternate"

    def with_settings(self, settings: Settings) -> Strategy:
        """The strategy with the polish and jumps that the settings name; as it is if those say none."""
        if settings.polish == "none":
            return self
        named = {name: getattr(settings, name) for name in ("polish", "polish_interval", "polish_improvement", "jumps")}
        return replace(self, **named)

    @property
    def enough_runs(self) -> int:
        """Complete runs after which such a minimum would have been met."""
        return math.ceil(math.log(_RISK) / math.log(1.0 - self.rarest))

    def settings_of(self, settings: Settings, chosen: frozenset[str], run: int, n_dim: int = 0) -> Settings:
        """The settings of run 0, 1, …; what the user has ``chosen`` by name stays, and what is not at its default.

        With ``n_dim`` fitted parameters the cutoff is not below ``generations``: n³ is nothing if n is 2.
        """
        longer = luby(run + 1)
        least = self.generations * settings.population_size(n_dim) / n_dim**3 if n_dim else 0.0
        ours = {
            "use_stagnation": True,
            "stagnation_improvement": self.worth,
            "stagnation_generations": self.patience * longer,
            "max_evaluation_mult": max(self.cutoff, least) * longer,
        }
        default = Settings()
        free = {name for name in ours if name not in chosen and getattr(settings, name) == getattr(default, name)}
        changes = {name: value for name, value in ours.items() if name in free}
        theirs = longer_run(settings, run) if settings.use_luby else {}
        return settings.replace(**{name: value for name, value in theirs.items() if name not in free}, **changes)

    def as_settings(self, settings: Settings, n_dim: int) -> Settings:
        """The same as plain settings, each run of which stands for itself: what a tuning run can try and compare."""
        first = self.settings_of(settings, frozenset(), 0, n_dim)
        named = {name: getattr(self, name) for name in ("polish", "polish_interval", "polish_improvement", "jumps")}
        return first.replace(**named, use_luby=True)

    def enough(self, restarts: RestartedFit, errors: Callable[[FitResult], FloatArray | None]) -> bool:
        """Whether the runs so far settle the matter; ``errors`` gives the standard errors of a run, if it has any."""
        if len(restarts.complete) < self.enough_runs:
            return False
        return replace(restarts, errors=errors(restarts.best)).n_same >= AGREEING


def luby(number: int) -> int:
    """Member 1, 2, … of the sequence 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 …"""
    while True:
        power = number.bit_length()
        if number == (1 << power) - 1:
            return 1 << (power - 1)
        number -= (1 << (power - 1)) - 1


def longer_run(settings: Settings, run: int) -> dict[str, Any]:
    """How much more patient run 0, 1, … is by the Luby sequence: its stagnation_generations and cutoff."""
    longer = luby(run + 1)
    names = ("stagnation_generations", "max_evaluation_mult", "max_evaluations")
    return {name: getattr(settings, name) * longer for name in names}


class PolishBest:
    """Polishes the best member of a run; for ``run_fit(…, improve=…)``. All that it remembers is in the state.

    Parameters
    ----------
    interval : generations from one polish to the next.
    improvement : see ``Strategy``.
    greedy : what was polished goes into the population at once, which then gathers around it: fast, and blind for all
        else. Otherwise it is kept aside until the run is over.
    jumps : at most so many from minimum to minimum after a run that is over, as long as each leads lower.
    """

    def __init__(self, interval: int, improvement: float, *, greedy: bool, jumps: int) -> None:
        self._interval, self._improvement, self._greedy, self._jumps = interval, improvement, greedy, jumps

    def __call__(self, problem: Problem, state: State) -> None:
        """After a generation: polish if it is time, and if the best member is another than at the last polish."""
        if (state.stop or state.stopping) in _NO_POLISH_AFTER:
            return
        is_over = state.stop is not None or state.stopping is not None
        is_due = self._interval > 0 and state.generation > 0 and state.generation % self._interval == 0
        if is_over or is_due:
            self._polish(problem, state, self._improvement if is_over else _ANOTHER)
        if is_over or self._greedy:
            de.adopt(state)
        if is_over and state.polished_fom < math.inf:
            for _ in range(self._jumps):
                if not self._jump(problem, state):
                    break
            self._finish(problem, state)

    def _polish(self, problem: Problem, state: State, fall: float) -> None:
        if np.isfinite(state.polished_from):
            if not state.best_fom < state.polished_from - fall * abs(state.polished_from):
                return
        elif state.polished_from < 0.0:  # it cannot be polished
            return
        state.polished_from = state.best_fom
        self._go_down(problem, state, state.best, state.best_fom)
        if self._greedy:
            state.polished_from = min(state.polished_from, state.polished_fom)

    def _go_down(self, problem: Problem, state: State, vector: FloatArray, fom: float) -> None:
        assert isinstance(problem, ProblemWithData)
        try:
            found = polish(problem, vector, fom, improvement=self._improvement, max_evaluations=_affordable(state))
        except InputError:  # a figure of merit of which no more is known than its value
            state.polished_from = -math.inf
        else:
            de.take_in(state, found.vectors, found.foms)

    def _finish(self, problem: Problem, state: State) -> None:
        """A few steps to the very bottom, so that runs which differ by their last per cents can be told apart."""
        assert isinstance(problem, ProblemWithData)
        cost = _LAST_STEPS * cost_of_step(len(state.bounds)) + 1
        if cost > _affordable(state) or state.stop == "target":
            return
        found = local_minimum(problem, state.best, max_iterations=_LAST_STEPS)
        foms = problem.evaluate(found.vector[None])
        de.take_in(state, found.vector[None], foms, untold=found.evaluations)
        de.adopt(state)

    def _jump(self, problem: Problem, state: State) -> bool:
        """Go down from the best places to jump to; whether that led to a better minimum."""
        start, before = state.best, state.best_fom
        jumps = [(thickness_jumps(start, problem.names, state.bounds, state.rng), _LANDINGS)]
        jumps += [(redrawn(start, kind, state.bounds, state.rng), 1) for kind in kinds(problem.names)]
        places = np.concatenate([vectors for vectors, _ in jumps])
        if not 0 < len(places) <= _affordable(state) or state.stop == "target":
            return False
        foms = problem.evaluate(places)
        told = np.where(np.isfinite(foms), foms, np.inf)
        de.take_in(state, places, told)
        ends = np.cumsum([len(vectors) for vectors, _ in jumps])[:-1]
        for (vectors, landings), own in zip(jumps, np.split(told, ends), strict=True):
            for place in different(vectors, own, start, state.bounds, count=landings):
                if np.isfinite(own[place]) and _affordable(state) > 0:
                    self._go_down(problem, state, vectors[place], float(own[place]))
        de.adopt(state)
        return state.best_fom < before - _ANOTHER_MINIMUM * abs(before)


def _affordable(state: State) -> int:
    """Evaluations that are left to a run, beside those that it has asked for already."""
    limit = state.settings.evaluation_limit(len(state.bounds))
    return _NO_LIMIT if limit is None else limit - state.evaluations - len(state.candidates) - 2


def improver(problem: Problem, strategy: Strategy, run: int) -> PolishBest | None:
    """What polishes run 0, 1, … of this problem, or None if nothing is known of its data."""
    if not isinstance(problem, ProblemWithData):
        return None
    greedy = {"greedy": True, "aside": False}.get(strategy.polish, luby(run + 1) == 1)
    return PolishBest(strategy.polish_interval, strategy.polish_improvement, greedy=greedy, jumps=strategy.jumps)


def cost_of_step(n_dim: int) -> int:
    """Evaluations of one step of ``finished``, at the most."""
    return 2 * n_dim + 1 + _PARTS_TRIED


def reserved(problem: Problem, budget: int) -> int:
    """What of a budget the runs must leave to the last steps and the error bars of the answer."""
    if not isinstance(problem, ProblemWithData):
        return 0
    n_dim = len(problem.bounds)
    error_bars, steps = 4 * n_dim + 2, _LAST_STEPS * cost_of_step(n_dim) + 1
    return min(budget // 2, error_bars + (steps if budget >= _WORTH_STEPS * steps else 0))


def finished(problem: Problem, result: FitResult, max_evaluations: int | None = None) -> FitResult:
    """The result at the very bottom of its minimum, what that cost included; as it is without data.

    A run need not go there to be compared with others, its answer must.
    """
    if not isinstance(problem, ProblemWithData) or not np.isfinite(result.fom):
        return result
    steps = _ANSWERS_STEPS
    if max_evaluations is not None:
        steps = min(steps, (max_evaluations - 1) // cost_of_step(len(problem.bounds)))
    if steps < 1:
        return result
    try:
        found = local_minimum(problem, result.values, max_iterations=steps)
    except InputError:
        return result
    fom = float(problem.evaluate(found.vector[None])[0])
    cost = result.evaluations + found.evaluations + 1
    if not fom < result.fom:
        return replace(result, evaluations=cost)
    course = result.fom_log.copy()
    course[-1:, 1] = fom
    moved = result.values - found.vector
    return replace(
        result,
        values=found.vector,
        fom=fom,
        evaluations=cost,
        trace=(*result.trace, (cost, fom)),
        fom_log=course,
        error_low=np.minimum(result.error_low + moved, 0.0),
        error_high=np.maximum(result.error_high + moved, 0.0),
    )
