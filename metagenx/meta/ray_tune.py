"""Runs the tasks of a conductor with Ray Tune; see :mod:`metagenx.meta.rounds_on_tune` for how it paces them."""

from __future__ import annotations

import contextlib
import json
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from metagenx.errors import ResourcesSpent
from metagenx.genx.disk import FULL
from metagenx.meta.blocks import StartRule
from metagenx.meta.conductor import Conductor
from metagenx.meta.problem_source import ProblemSource
from metagenx.meta.ray_metrics import RunMetrics
from metagenx.meta.ray_session import RaySession
from metagenx.meta.rounds_on_tune import RoundScheduler, Shared, TaskSearcher, last_line
from metagenx.meta.trial import RECORDS, SettingTrial
from metagenx.runs import writing

MOST_WORKERS = 100_000  # of a cluster that grows


class _Names(Shared, tune.Callback):
    """Readable tasks in the dashboard, and no records in Tune's own memory."""

    def __init__(self, pacer: RoundScheduler) -> None:
        self.pacer = pacer

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        block = json.loads(trial.config["work"])["blocks"]
        actor: Any = trial.temporary_state.ray_actor
        self.pacer.started(getattr(actor, "_actor_id", None))
        if block and actor is not None:
            first = block[0]
            name = f"{first['sample']} {first['setting']} {first['phase']} from fit {first['repeats'][0]}"
            with contextlib.suppress(AttributeError):  # a convenience only
                actor.train = NamedTask(actor, name)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        result.pop(RECORDS, None)


class NamedTask:
    """The method ``train`` of an actor, its calls named in the dashboard; does not keep the actor alive."""

    def __init__(self, actor: Any, name: str) -> None:
        self._actor, self._name = weakref.ref(actor), name

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Call it, under the name."""
        actor: Any = self._actor()
        return type(actor).__getattr__(actor, "train").options(name=self._name).remote(*args, **kwargs)


def run_on_tune(
    conductor: Conductor,
    session: RaySession,
    *,
    sources: Mapping[str, ProblemSource],
    seed: int,
    start: StartRule,
    title: str,
    folder: Path,
    on_progress: Callable[[], None] = lambda: None,
    should_stop: Callable[[], None] = lambda: None,
) -> None:
    """Work until the conductor has nothing left, or stops.

    Parameters
    ----------
    sources : the problem of each sample.
    folder : for Ray Tune's own files; they may be deleted afterwards.
    on_progress : called after every report of a trial.
    should_stop : called often; sets the conductor's ``error`` to stop.

    Raises
    ------
    whatever the conductor keeps in ``error``; ResourcesSpent if Ray itself breaks down.
    """
    if not conductor.stopping:
        trainable = tune.with_parameters(
            SettingTrial,
            sources=dict(sources),
            seed=seed,
            start=start,
            portion=max(1.0, session.workers / 50),  # the driver handles some 50 reports a second
            title=title,
        )
        trainable.__name__ = trainable.__qualname__ = SettingTrial.__name__
        metrics = RunMetrics(title)

        def progress() -> None:
            on_progress()
            metrics.update(conductor, pacer.workers)

        workers_now = session.workers_now if session.may_grow else None
        pacer = RoundScheduler(conductor, session.workers, progress, should_stop, workers_now)
        _fit(trainable, conductor, pacer, title, folder)
    if conductor.error is not None:
        raise conductor.error
    if not conductor.rounds.finished:
        raise ResourcesSpent("Ray Tune ended before the work was done", hint=f"See {folder / 'tune.log'}.")


def _fit(trainable: Any, conductor: Conductor, pacer: RoundScheduler, title: str, folder: Path) -> None:
    with pending_trials(MOST_WORKERS if pacer.workers_now is not None else pacer.workers):
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                num_samples=-1,
                search_alg=TaskSearcher(conductor, pacer),
                scheduler=pacer,
                reuse_actors=True,
                trial_name_creator=lambda trial: f"{title} {trial.config['name']}",
                trial_dirname_creator=lambda trial: f"{trial.config['name'].replace(' ', '_')}_{trial.trial_id}",
            ),
            run_config=tune.RunConfig(
                name=title,
                storage_path=str(folder.resolve()),
                verbose=0,
                callbacks=[_Names(pacer)],
                failure_config=tune.FailureConfig(max_failures=-1),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        try:
            tuner.fit()
        except Exception as error:
            if conductor.error is None:
                with writing(folder):  # Ray keeps its state on the same disk, and may be the first to find it full
                    _raise_error_of_the_disk(error)
                raise ResourcesSpent(
                    f"Ray broke down: {last_line(str(error)) or type(error).__name__}",
                    hint=f"What is done is kept; see {folder / 'tune.log'}.",
                ) from error


def _raise_error_of_the_disk(error: BaseException | None) -> None:
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            raise error
        error = error.__cause__ or error.__context__


@contextlib.contextmanager
def pending_trials(workers: int) -> Iterator[None]:
    """Let Tune queue one waiting trial per worker; its default for own searchers is one in all.

    Our searcher proposes no more trials than there are workers, so a larger number does no harm."""
    before = os.environ.get("TUNE_MAX_PENDING_TRIALS_PG")
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(workers)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TUNE_MAX_PENDING_TRIALS_PG"]
        else:
            os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = before
