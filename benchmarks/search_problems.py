"""What the search benchmarks fit: simulated samples of three families and real files, each with its best known fit."""

from __future__ import annotations

import numpy as np
from measure import SHARED

import metagenx
from metagenx.errors import InputError
from metagenx.fitting.covariance import covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.problem import FloatArray
from metagenx.fitting.settings import Settings
from metagenx.fitting.slopes import objective
from metagenx.genx.deviations import Deviations
from metagenx.genx.population import ModelProblem
from metagenx.meta.families import FAMILIES, HELD_OUT_FROM, N_SAMPLES, sample
from metagenx.meta.targets import BestKnown, Target


class Hit(Exception):
    """Raised by the first candidate in the right basin, through whatever optimiser asked for it."""


class Spent(Exception):
    """Raised where the next batch would pass the limit of evaluations."""


class CountedProblem:
    """A problem that counts every candidate, whoever asks, and stops at the first one in the right basin.

    ``hit`` is the number of evaluations until then, or None. ``best_fom`` and ``improved_at`` tell how a run went on.
    """

    def __init__(self, problem: ModelProblem, best: BestKnown, *, limit: int, target: Target | None = None) -> None:
        self._problem = problem
        self._target = target or Target()
        self._best = best
        self._level = self._target.fom(best)
        self._zero = 0.0
        try:
            at_best = problem.deviations(np.array([best.values]))
            self._zero = float(problem.evaluate(np.array([best.values]))[0] - objective(at_best)[0] / at_best.divisor)
        except InputError:
            pass
        self.names, self.bounds, self.start = problem.names, problem.bounds, problem.start
        self.limit, self.evaluations, self.best_fom = limit, 0, np.inf
        self.hit: int | None = None
        self.improvements: list[tuple[int, float]] = []

    @property
    def last_failure(self) -> str | None:
        return self._problem.last_failure

    def evaluate(self, vectors: FloatArray) -> FloatArray:
        self._afford(len(vectors))
        foms = self._problem.evaluate(vectors)
        self._saw(vectors, foms)
        return foms

    def deviations(self, vectors: FloatArray) -> Deviations:
        self._afford(len(vectors))
        found = self._problem.deviations(vectors)
        self._saw(vectors, self._zero + objective(found) / found.divisor)
        return found

    def _afford(self, count: int) -> None:
        if self.evaluations + count > self.limit:
            raise Spent

    def _saw(self, vectors: FloatArray, foms: FloatArray) -> None:
        told = np.where(np.isfinite(foms), foms, np.inf)
        lowest = float(told.min())
        if lowest < self.best_fom:
            self.best_fom = lowest
            self.improvements.append((self.evaluations + int(np.argmin(told)) + 1, lowest))
        for i in np.flatnonzero(told <= self._level):
            if self._target.agrees(vectors[i], self._best):
                self.hit = self.evaluations + int(i) + 1
                self.evaluations = self.hit
                raise Hit
        self.evaluations += len(foms)


def best_from(problem: ModelProblem, vector: FloatArray) -> BestKnown:
    """The minimum next to a vector, with its error bars."""
    try:
        found = local_minimum(problem, vector, max_iterations=60).vector
        if problem.evaluate(found[None])[0] > problem.evaluate(vector[None])[0]:
            found = vector
    except InputError:
        found = vector
    fom = float(problem.evaluate(found[None])[0])
    try:
        errors: tuple[float, ...] | None = tuple(np.nan_to_num(covariance_at(problem, found).errors, nan=np.inf))
    except InputError:
        errors = None
    return BestKnown(fom, tuple(found.tolist()), errors)


SEARCHED = ("M2", "L3", "ML")  # families of films of 9, 12 and 14 parameters
SEEDS = (900_001, 900_002)  # of no measurement
FILES = (
    "X-ray_Reflectivity",
    "SuperAdam_SiO",
    "SuperAdam_SiO_full_res_calc",
    "D17_TOF_SiO",
    "SuperAdam_SiO_systematic_errors",
    "SuperAdam_SiO_advanced_fp_res",
    "SXRD",
)


def instance_names(*, quick: bool) -> list[str]:
    """Samples interleaved over families, so that an interrupted benchmark has seen all of them; then the files."""
    samples = [f"{family}.{number}" for number in range(N_SAMPLES) for family in SEARCHED]
    return [*samples[:2], FILES[0]] if quick else [*samples, *FILES]


def is_simulated(name: str) -> bool:
    return name.split(".")[0] in FAMILIES


def held_out(name: str) -> bool:
    """Whether nothing was chosen by this instance: real files, samples from number 4 on."""
    return not is_simulated(name) or int(name.split(".")[1]) >= HELD_OUT_FROM


def load_instance(name: str) -> tuple[ModelProblem, Settings, FloatArray | None]:
    """The problem, the settings in the file without its start guess, and the truth where it is known."""
    if is_simulated(name):
        family, number = name.split(".")
        made = sample(family, int(number))
        return made.model.problem(), Settings(use_start_guess=False), made.truth
    model = metagenx.load(SHARED / "genx_files" / f"{name}.hgx")
    return model.problem(), Settings.from_options(model.options, use_start_guess=False), None


def best_known(problem: ModelProblem, truth: FloatArray | None, settings: Settings) -> BestKnown:
    """f* before any measurement: from the truth, or from fits with other seeds and the settings to be measured."""
    if truth is not None:
        return best_from(problem, truth)
    fits = [metagenx.fit(problem, seed, settings=settings) for seed in SEEDS]
    return best_from(problem, min(fits, key=lambda fit: fit.fom).values)
