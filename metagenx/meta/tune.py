"""``metagenx.tune``: which settings of differential evolution fit this film fastest and most reliably?"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from metagenx.errors import InputError, MetagenxError
from metagenx.experience.rows import Origin
from metagenx.fitting import streams
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.meta.campaign import Campaign
from metagenx.meta.experiment import Experiment, load_experiment
from metagenx.meta.filing import file_records
from metagenx.meta.given_settings import GivenSettings
from metagenx.meta.goals import AT_EQUAL_LENGTH
from metagenx.meta.objective import Contender
from metagenx.meta.outcome import recorder_of, save_run, write_fits, write_outcome
from metagenx.meta.places import longest_fit
from metagenx.meta.preparation import HOURS_MARGIN, Preparation, prepare
from metagenx.meta.progress import Listener, Progress, silent
from metagenx.meta.proposals import Proposals
from metagenx.meta.race import Proposer, Race
from metagenx.meta.race_rules import SHIPPED
from metagenx.meta.ray_session import cores
from metagenx.meta.recorded import keep_record_file, try_record
from metagenx.meta.records import FitRecord
from metagenx.meta.space_definition import (
    PROBE_SHARE,
    automatic_proposals,
    defined_space,
    is_automatic,
    pinned_of_store,
    space_of_run,
)
from metagenx.meta.verdict import Verdict, judge
from metagenx.runs import DEFAULT_BASE, RunFolder, find_run

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.genx.loaders import DataRequest
    from metagenx.meta.automatic_space import DefinedSpace

TRIAL_FIT_SECONDS = 3.0
START_UP_SECONDS = 15.0


@dataclass(frozen=True)
class TuneResult:
    """What a tuning run found.

    Parameters
    ----------
    experiment : what was asked.
    folder : where everything is.
    table : one row per setting.
    answer : the verdict with all its numbers.
    settings : what to use from now on: the winner's, or the baseline's.
    records : every fit.
    """

    experiment: Experiment
    folder: RunFolder
    table: pd.DataFrame
    answer: Verdict
    settings: Settings
    records: tuple[FitRecord, ...]

    @property
    def verdict(self) -> str:
        """The answer in one line."""
        return self.answer.line

    def save(self, path: str | PathLike[str]) -> Path:
        """Copy the results: the best fit to a ``.hgx``, or all files to a folder (without Ray's); returns the path.

        Raises
        ------
        InputError : the place cannot be written to, or there is no best fit of a GenX file.
        """
        return save_run(self.folder, Path(path))


@dataclass(frozen=True)
class Plan:
    """What a run would do, for ``--dry-run``: nothing of it was run but one fit, to see how long it takes.

    ``seconds`` counts the fits on ``workers`` cores and the start of Ray.
    """

    settings: int
    fits: int
    evaluations: int
    seconds: float
    workers: int
    seconds_per_evaluation: float

    @property
    def line(self) -> str:
        """The plan in one line."""
        return (
            f"up to {self.settings} settings, about {self.fits:,} fits, {self.evaluations:,} evaluations of "
            f"{1e6 * self.seconds_per_evaluation:.0f} µs: about {_duration(self.seconds)} on {self.workers} workers"
        )


def tune(
    experiment: Experiment | str | PathLike[str],
    *,
    out: str | PathLike[str] | None = None,
    overrides: Sequence[str] = (),
    data: Sequence[DataRequest] = (),
    workers: int | None = None,
    where: str | None = None,
    resume: bool = True,
    trust: bool = False,
    progress: Listener = silent,
    should_stop: Callable[[], bool | str] = lambda: False,
    dashboard: bool = True,
) -> TuneResult:
    """Search the settings, validate the winner against the settings in the file, write the run folder.

    Parameters
    ----------
    experiment : an experiment, its YAML or Python file, or a .hgx or .gx file (then with all defaults).
    out : folder of all runs; default ``runs``.
    overrides : ``"tune.trials=20"`` …, as ``--set`` takes them.
    data : new measurements for the model, as ``metagenx.genx.loaders.requests_from`` makes them of file names.
    workers : fits at once; default: what the experiment says, else one per core. Changes no number.
    where : ``local``, ``auto`` for a Ray cluster that runs already, or its address; default: what the experiment says.
    resume : go on with (or read again) the last run of the same experiment below ``out``; False starts a new one.
    trust : run a script that leaves the safe subset, a Python problem, an experiment in Python.
    progress : hears what happens.
    should_stop : asked often; True ends the run like one Ctrl-C, a reason in words ends it as spent.
    dashboard : start the Ray dashboard with a Ray of our own.

    Raises
    ------
    InputError : a mistake in experiment, file or script; another driver works in the folder.
    Interrupted : Ctrl-C; the same call goes on.
    ResourcesSpent : disk or memory are spent; the same call goes on.
    """
    experiment = _loaded(experiment, overrides, data, trust)
    preparation = prepare(experiment, trust=trust)
    if experiment.record is not None:
        try_record(experiment.record, preparation)
    for notice in preparation.notices:
        progress(Progress("notice", notice))
    base = Path(out) if out is not None else DEFAULT_BASE
    folder = find_run(base, experiment.name, experiment.hash) if resume else None
    if folder is None:
        folder = RunFolder.for_experiment(base, experiment)
    elif folder.is_finished:
        progress(Progress("notice", f"{folder.path} has this run, finished: its answer is read again"))
    else:
        progress(Progress("notice", f"going on with {folder.path}"))
    if experiment.record is not None:
        keep_record_file(folder, experiment.record)
    budget = _budget(experiment, preparation, folder, workers or experiment.run.workers or cores())
    race = new_race(preparation, budget, space_of_run(preparation, budget, folder))
    campaign = Campaign(
        race,
        folder,
        preparation.sources,
        experiment.seed,
        preparation.start,
        experiment.name,
        progress,
        best=lambda: race.best,
        workers=workers or experiment.run.workers,
        where=where or experiment.run.where,
        dashboard=dashboard,
        hours=experiment.budget.hours,
        budget=budget,
        should_stop=should_stop,
    )
    try:
        campaign.run()
    except MetagenxError:
        with contextlib.suppress(MetagenxError):  # on a full disk the reason matters more than the tables
            recorder = recorder_of(preparation, race)
            seed = experiment.seed
            write_fits(folder, preparation, campaign.records, race.best, race.target, seed=seed, recorder=recorder)
        raise
    finally:
        origin = Origin("tune", experiment.name, experiment.seed)
        file_records(origin, preparation, campaign.new_records, race.contenders, race.best, progress)
    answer = judge(race)
    table, settings = write_outcome(folder, preparation, race, answer, campaign.records)
    progress(Progress("finished", answer.line, "done", len(campaign.records), race.spent, budget))
    return TuneResult(experiment, folder, table, answer, settings, tuple(campaign.records))


def plan(
    experiment: Experiment | str | PathLike[str],
    *,
    overrides: Sequence[str] = (),
    data: Sequence[DataRequest] = (),
    workers: int | None = None,
    trust: bool = False,
) -> Plan:
    """What :func:`tune` would do and how long it would take, timed on the model; raises its InputErrors."""
    experiment = _loaded(experiment, overrides, data, trust)
    preparation = prepare(experiment, trust=trust, with_twins=False)  # they cost as much as the samples they are of
    workers = workers or experiment.run.workers or cores()
    pace = preparation.seconds_per_evaluation()
    cost = _cost_of_fit(preparation)
    evaluations = experiment.budget.evaluations or _in_hours(experiment, pace, workers)
    seconds = evaluations * pace / workers + START_UP_SECONDS
    if experiment.budget.hours is not None:
        seconds = min(seconds, 3600.0 * experiment.budget.hours)
    return Plan(experiment.tune.trials, round(evaluations / cost), evaluations, seconds, workers, pace)


def new_race(preparation: Preparation, budget: int, defined: DefinedSpace | None = None) -> Race:
    """The race of an experiment, before its first round; ``defined``: its automatic space, else defined now."""
    experiment, n_dim = preparation.experiment, preparation.n_dim
    rules, pinned = preparation.rules(budget), preparation.pinned()
    if defined is None and is_automatic(preparation):
        defined = defined_space(preparation, budget)
    is_equal_length = experiment.tune.goal in AT_EQUAL_LENGTH  # then the baseline is the file as shipped
    proposals: Proposer
    if experiment.settings:
        proposals = GivenSettings(experiment.settings, preparation.baseline)
    elif defined is not None:
        proposals = automatic_proposals(preparation, defined)
        rules = dataclasses.replace(rules, probe_share=PROBE_SHARE)
        pinned += pinned_of_store(preparation, defined)
    else:
        proposals = Proposals(
            experiment.space,
            preparation.baseline,
            tuner=preparation.tuner,
            seed=experiment.seed,
            n_dim=n_dim,
        )
    return Race(
        rules,
        pinned,
        proposals,
        preparation.searched,
        target=experiment.target,
        best=preparation.best(),
        shipped=None if is_equal_length else Contender(SHIPPED, preparation.shipped, "file"),
        full_cost=preparation.full_cost(),
        held_out=preparation.held_out,
        real=preparation.real,
        longest=lambda settings: longest_fit(settings, n_dim),
        space_changes=[] if defined is None else list(defined.changes),
    )


def _loaded(
    experiment: Experiment | str | PathLike[str], overrides: Sequence[str], data: Sequence[DataRequest], trust: bool
) -> Experiment:
    if isinstance(experiment, Experiment):
        if overrides or data:
            raise InputError("overrides and data belong to a file; change the experiment itself instead")
        return experiment
    return load_experiment(Path(experiment), overrides, data, trust=trust)


def _budget(experiment: Experiment, preparation: Preparation, folder: RunFolder, workers: int) -> int:
    """Evaluations of the run; from a budget in hours alone, as measured when the run began."""
    if experiment.budget.evaluations is not None:
        return experiment.budget.evaluations
    planned = folder.manifest().get("planned_evaluations")
    if not isinstance(planned, int):
        planned = _in_hours(experiment, preparation.seconds_per_evaluation(), workers)
        folder.update_manifest(planned_evaluations=planned)
    return planned


def _in_hours(experiment: Experiment, pace: float, workers: int) -> int:
    assert experiment.budget.hours is not None
    return max(1, int(HOURS_MARGIN * 3600.0 * experiment.budget.hours * workers / pace))


def _cost_of_fit(preparation: Preparation) -> float:
    """Evaluations of one fit with the file's settings: of one that is run now, if it ends in good time."""
    costs = []
    for sample in preparation.real:
        problem = preparation.problems[sample]
        begun = time.monotonic()
        result = run_fit(
            problem,
            preparation.baseline,
            initial=streams.stream(0, "plan", sample),
            moves=streams.stream(0, "plan moves", sample),
            should_stop=lambda begun=begun: time.monotonic() - begun > TRIAL_FIT_SECONDS,  # type: ignore[misc]
        )
        ended = result.stop != "interrupted"
        costs.append(float(result.evaluations if ended else max(result.evaluations, 3 * len(problem.names) ** 3)))
    return max(1.0, sum(costs) / len(costs))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
