"""From an experiment to what a run needs: problems that open, settings that race, rules that fit the budget."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np

from metagenx.errors import InputError, ScriptRefused
from metagenx.fitting import streams
from metagenx.fitting.api import evaluations_of_full_run
from metagenx.fitting.auto import Strategy
from metagenx.fitting.problem import Problem
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.meta.blocks import StartRule
from metagenx.meta.experiment import Experiment
from metagenx.meta.experiment_reader import Sample
from metagenx.meta.experiment_schema import TestSection
from metagenx.meta.goals import AT_EQUAL_LENGTH, FOM_AT_BUDGET
from metagenx.meta.objective import Contender
from metagenx.meta.problem_source import ProblemSource, open_model, open_problem
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.records import BASELINE
from metagenx.meta.statistics import BestKnown
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.twins import FIRST_HELD_OUT, best_of, make_twin, twin_name

PUBLISHED = "genx3"
"""Setting id of GenX's defaults (best_1_bin, km = kr = 0.7, three members per parameter) with a stop at stagnation."""

AUTO = "auto"
"""Setting id of the strategy of ``metagenx fit``, as settings."""

_DEFAULTS = (
    "create_trial",
    "km",
    "kr",
    "use_pop_mult",
    "pop_mult",
    "use_max_generations",
    "max_generation_mult",
)

TIMING_SECONDS = 0.3
HOURS_MARGIN = 0.9  # of a budget in hours is planned; the rest is start-up, and the last round's tail


@dataclass(frozen=True)
class MadeTwin:
    """A twin in a run: of which sample, and the f* that its truth gives."""

    of: str
    number: int
    best: BestKnown

    @property
    def held_out(self) -> bool:
        """Whether only the validation sees it."""
        return self.number >= FIRST_HELD_OUT


@dataclass(frozen=True)
class Problems:
    """The problems of a run, by sample: where they come from, and opened here."""

    sources: dict[str, ProblemSource]
    problems: dict[str, Problem]
    twins: dict[str, MadeTwin] = field(default_factory=dict, kw_only=True)

    @property
    def real(self) -> tuple[str, ...]:
        """Names of the samples that are the user's own: all but the twins."""
        return tuple(name for name in self.sources if name not in self.twins)

    @property
    def searched(self) -> tuple[str, ...]:
        """Names of the samples that the search may see: all but the twins that are held out."""
        return tuple(name for name in self.sources if name not in self.twins or not self.twins[name].held_out)

    @property
    def held_out(self) -> tuple[str, ...]:
        """Names of the twins that only the validation sees."""
        return tuple(name for name in self.sources if name in self.twins and self.twins[name].held_out)

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of the samples."""
        return tuple(self.sources)

    @property
    def n_dim(self) -> int:
        """Fitted parameters; of the largest sample, if there are several."""
        return max(len(problem.names) for problem in self.problems.values())

    def best(self) -> dict[str, BestKnown]:
        """f* so far: the FOM of the values in each file, which may be a finished fit; of a twin, at its truth."""
        found = {name: twin.best for name, twin in self.twins.items()}
        for sample, problem in self.problems.items():
            start = np.asarray(problem.start, dtype=float)
            fom = float(problem.evaluate(start[np.newaxis, :])[0])
            if math.isfinite(fom) and (sample not in found or fom < found[sample].fom):
                found[sample] = BestKnown(fom, tuple(map(float, start)))
        return found


@dataclass(frozen=True)
class Preparation(Problems):
    """What a tuning run is made of.

    Parameters
    ----------
    shipped : the file's settings as GenX runs them.
    start : where fits start.
    notices : what a user should know before the run.
    """

    experiment: Experiment
    shipped: Settings
    start: StartRule
    notices: list[str] = field(default_factory=list)

    @property
    def baseline(self) -> Settings:
        """The file's settings with the stop at stagnation; as they are, if fits are compared at equal length."""
        if self.experiment.tune.goal in AT_EQUAL_LENGTH:
            return self.shipped
        return self.shipped.replace(use_stagnation=True)

    def pinned(self) -> list[Contender]:
        """Settings that always race: the file's, the best published ones if they differ, and those of ``metagenx fit``
        where the search space knows of what they do.
        """
        published = self.baseline.replace(**{name: getattr(Settings(), name) for name in _DEFAULTS})
        found = [Contender(BASELINE, self.baseline, "file", pinned=True)]
        if self._does(published) != self._does(self.baseline):
            found.append(Contender(PUBLISHED, published, "published", pinned=True))
        if "polish" in {*self.experiment.space.names, *self.experiment.space.fixed}:
            ours = Strategy().as_settings(self.baseline, self.n_dim)
            found.append(Contender(AUTO, ours, "metagenx", pinned=True))
        return found

    def _does(self, settings: Settings) -> tuple[object, ...]:
        """What settings come to for these samples, however they are written down."""
        dims = [len(problem.names) for problem in self.problems.values()]
        sizes = [(settings.population_size(n), settings.generation_limit(n)) for n in dims]
        return (settings.create_trial, settings.km, settings.kr, *sizes)

    def full_cost(self) -> int:
        """Evaluations of one fit of the file as shipped, the mean over the samples."""
        costs = [evaluations_of_full_run(self.shipped, len(self.problems[name].names)) for name in self.real]
        return round(sum(costs) / len(costs))

    def seconds_per_evaluation(self) -> float:
        """Time of one FOM evaluation in a fit, all overhead included; measured now, on one core."""
        total = 0.0
        for sample in self.real:
            problem = self.problems[sample]
            n, evaluations, begun = 0, 0, time.perf_counter()
            while time.perf_counter() - begun < TIMING_SECONDS:
                settings = self.baseline.replace(max_evaluations=4 * self.baseline.population_size(self.n_dim))
                moves = streams.stream(0, "timing", sample, n)
                initial = streams.stream(0, "timing initial", sample, n)
                result = run_fit(problem, settings, initial=initial, moves=moves)
                if n == 0:  # the first one compiles and warms caches
                    begun, evaluations = time.perf_counter(), -result.evaluations
                evaluations, n = evaluations + result.evaluations, n + 1
            total += (time.perf_counter() - begun) / max(evaluations, 1)
        return total / len(self.real)

    @property
    def tuner(self) -> TunerSettings:
        """The tuner's own settings."""
        return self.experiment.tuner

    def _most_repeats(self) -> int:
        """Most fits of a setting on a sample in the search: the tuner decides where the experiment is silent."""
        written = self.experiment.test.repeats
        return max(written, self.tuner.most_repeats) if written == TestSection().repeats else written

    def rules(self, evaluations: int) -> RaceRules:
        """The rules of the race for a budget in evaluations."""
        tune = self.experiment.tune
        return RaceRules(
            evaluations=evaluations,
            trials=len(self.experiment.settings) or tune.trials,
            cohorts=1 if self.experiment.settings else self.tuner.cohorts,
            drop_losers=tune.racing,
            repeats=self._most_repeats(),
            validate=tune.validate,
            baseline=self._baseline_name(),
            seed=self.experiment.seed,
            tuner=self.tuner,
        )

    def _baseline_name(self) -> str:
        names = [contender.name for contender in self.pinned()]
        return self.experiment.baseline if self.experiment.baseline in names else BASELINE


def prepare(experiment: Experiment, *, trust: bool = False, with_twins: bool = True) -> Preparation:
    """Open the problems of an experiment, see that they can be fitted, and make their twins.

    Raises
    ------
    ScriptRefused : the problem is Python code, or a script that leaves the safe subset, and not trusted.
    InputError : a file, script or function that cannot be used; no FOM at the start of a fit.
    """
    if experiment.test.start.of == "all":
        raise InputError(
            "test.start.of is all: it changes the model from fit to fit, so settings cannot be compared",
            hint="Use fitted for tune; metagenx repeat --of all repeats the test of 2014.",
        )
    heard: list[str] = []
    sources = {sample.name: _source(sample, experiment, trust, heard) for sample in experiment.samples}
    problems = {name: open_problem(source) for name, source in sources.items()}
    settings, notices = file_settings(sources)
    twins = _twins(experiment, sources, problems, heard, settings.errorbar_level) if with_twins else {}
    notices = [*heard, *notices]
    limit = experiment.test.max_evaluations
    if limit is not None:
        settings = settings.replace(max_evaluations=min(limit, settings.max_evaluations or limit))
    start = experiment.test.start
    found = Preparation(
        sources, problems, experiment, settings, StartRule(start.perturb, start.clip), notices, twins=twins
    )
    if experiment.tune.goal == FOM_AT_BUDGET:
        _check_foms(found)
    return found


def _check_foms(preparation: Preparation) -> None:
    for sample, best in preparation.best().items():
        if best.fom <= 0.0:
            raise InputError(
                f"the FOM is {best.fom:g}, and the goal {FOM_AT_BUDGET} compares FOMs by their ratio",
                where=sample,
                hint="Add a number to the function that keeps it above 0, or choose another goal.",
            )


def _twins(
    experiment: Experiment,
    sources: dict[str, ProblemSource],
    problems: dict[str, Problem],
    notices: list[str],
    errorbar_level: float,
) -> dict[str, MadeTwin]:
    """Make the twins of every GenX file, and put them among the sources and problems."""
    wanted, found = experiment.twins, {}
    numbers = [*range(1, wanted.search + 1), *range(FIRST_HELD_OUT, FIRST_HELD_OUT + wanted.held_out)]
    for sample in experiment.samples:
        source = sources[sample.name]
        for number in numbers if not source.is_function else ():
            name = twin_name(sample.name, number, is_only=len(experiment.samples) == 1)
            try:
                twin = make_twin(open_model(source), sample.content_hash, number, seed=experiment.seed)
                made = ProblemSource.from_model(twin.model, f"{name}.hgx", fom=experiment.fom, place=name)
                problem = open_problem(made)
                best = best_of(problem, twin.truth, errorbar_level=errorbar_level)
            except InputError as error:
                notices.append(f"{sample.name} has no twins, so settings are compared without them: {error.what}")
                break
            sources[name], problems[name] = made, problem
            found[name] = MadeTwin(sample.name, number, best)
    return found


def _source(sample: Sample, experiment: Experiment, trust: bool, notices: list[str]) -> ProblemSource:
    if sample.function is not None:
        name = f"{sample.file}:{sample.function}"
        if not trust:
            raise ScriptRefused(
                "the problem of this experiment is Python code, which may do anything; it was not run",
                where=name,
                hint="If you trust it, run it with --trust (in Python: trust=True).",
            )
        return ProblemSource.from_function(name)
    if sample.data:
        from metagenx.genx.loaders import put_data
        from metagenx.genx.model import load

        new = put_data(load(sample.file, trust=trust), [item.request for item in sample.data])
        notices += [*new.said, *new.notices]
        return ProblemSource.from_model(new.model, sample.file.name, fom=experiment.fom, place=str(sample.file))
    return ProblemSource.from_file(sample.file, trust=trust, fom=experiment.fom)


def file_settings(sources: dict[str, ProblemSource]) -> tuple[Settings, list[str]]:
    """The settings stored in the (first) file; GenX's defaults for a function."""
    found = {
        name: Settings() if source.is_function else Settings.from_options(open_model(source).options)
        for name, source in sources.items()
    }
    first, *others = found
    different = [name for name in others if found[name] != found[first]]
    notices = [f"the settings of {first} are taken as the file's; {', '.join(different)} have others"]
    return found[first], notices if different else []
