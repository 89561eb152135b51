"""Many runs of plain differential evolution side by side, in one batch each generation.

A run that starts again after it has ended is a row of independent runs, so its expected cost follows from single runs:
what all of them cost, over how many hit. One course serves two rules of ending: GenX's own, the limit of generations,
and stagnation with a cutoff behind it, because both ends are noted and neither moves the population. A candidate's FOM
does not depend on its company, so a course is the same as alone (tests/test_reference_cases.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metagenx.fitting import de
from metagenx.fitting.api import evaluations_of_full_run
from metagenx.fitting.problem import FloatArray
from metagenx.fitting.settings import Settings
from metagenx.fitting.stagnation import improved, parameter_spread, stagnated
from metagenx.fitting.streams import initial_stream, moves_stream
from metagenx.genx.population import ModelProblem
from metagenx.meta.targets import BestKnown, Target

COLLAPSED = 1e-6  # of the bounds: a population so small goes nowhere
IDLE = 200  # generations without an improvement of 1e-4: the rest of the run is charged unseen
CUTOFF = 10.0  # evaluations in n³ of a run that may start again


@dataclass(frozen=True)
class Course:
    """One run: evaluations until the right basin (None: not met), until it had stagnated, of the whole run.

    ``lowest`` is the lowest FOM met, None of a run that hit.
    """

    hit: int | None
    stagnated: int
    whole: int
    lowest: float | None


class _Run:
    def __init__(self, settings: Settings, problem: ModelProblem, name: str, number: int) -> None:
        self.settings = settings
        self.restarting = settings.replace(use_stagnation=True, max_evaluation_mult=CUTOFF)
        self.n_dim = len(problem.names)
        self.state = de.begin(
            settings,
            problem.bounds,
            initial=initial_stream(number, name, 0),
            moves=moves_stream(number, settings.hash(), name, 0),
        )
        self.hit: int | None = None
        self.stagnated: int | None = None
        self.is_hopeless = False
        self._reference, self._since = np.inf, 0

    @property
    def is_over(self) -> bool:
        return self.hit is not None or self.is_hopeless or self.state.stop is not None

    def tell(self, asked: FloatArray, foms: FloatArray, best: BestKnown, target: Target) -> None:
        state, before = self.state, self.state.evaluations
        for i in np.flatnonzero(foms <= target.fom(best)):
            if target.agrees(asked[i], best):
                self.hit = before + int(i) + 1
                return
        generation = state.generation
        de.tell(state, foms)
        if state.generation == generation and generation > 0:
            return
        if improved(self.restarting, state.best_fom, self._reference):
            self._reference, self._since = state.best_fom, state.generation
        if self.stagnated is None:
            idle = state.generation - self._since
            at_end = state.evaluations + len(state.population) + 1 > CUTOFF * self.n_dim**3
            if at_end or stagnated(self.restarting, state.population, state.foms, state.bounds, idle):
                self.stagnated = state.evaluations
        is_small = state.generation % 10 == 0 and parameter_spread(state.population, state.bounds) < COLLAPSED
        self.is_hopeless = is_small or state.generation - self._since >= IDLE

    def course(self) -> Course:
        whole = evaluations_of_full_run(self.settings, self.n_dim)
        end = self.hit or (whole if self.is_hopeless else self.state.evaluations)
        lowest = self.state.best_fom if self.hit is None else None
        return Course(self.hit, min(self.stagnated or end, whole), whole, lowest)


def courses(
    problem: ModelProblem, best: BestKnown, settings: Settings, name: str, numbers: range, target: Target | None = None
) -> list[Course]:
    """The courses of the runs with these numbers.

    Each goes to its hit, to its limit of generations, or to where nothing can be hoped for: a population without any
    width, or ``IDLE`` generations without improvement. Such a run is charged as a whole one.
    """
    target = target or Target()
    runs = [_Run(settings, problem, name, number) for number in numbers]
    while active := [run for run in runs if not run.is_over]:
        asked = [de.ask(run.state) for run in active]
        foms = problem.evaluate(np.concatenate(asked))
        ends = np.cumsum([len(part) for part in asked])[:-1]
        for run, part, own in zip(active, asked, np.split(foms, ends), strict=True):
            run.tell(part, own, best, target)
    return [run.course() for run in runs]
