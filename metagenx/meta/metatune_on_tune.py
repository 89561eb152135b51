"""Evaluations of tuner profiles on Ray Tune: one outer trial is one profile at work on the tasks of a round.

An outer trial waits for the most part: it asks for next to no CPU, and its tuning runs are Ray tasks with an explicit
scheduling strategy, for without one they would have to fit into what the trial itself has. There is no Tuner inside a
Tuner: the inner run is a replay, or the race with its fits one after the other.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from metagenx.errors import ResourcesSpent
from metagenx.meta.metatune_real import RealRun, tune_really
from metagenx.meta.metatune_tasks import Ground, TuningTask
from metagenx.meta.ray_session import RaySession
from metagenx.meta.ray_tune import NamedTask, pending_trials
from metagenx.meta.rounds_on_tune import Shared, last_line
from metagenx.meta.tuner_settings import TunerSettings

OUTER_CPU = 0.001  # 0 is not allowed
# A whole one would not fit beside the outer trial: on one core no task could ever start, on two only one at a time.
TASK_CPU = 0.9
STRATEGY = "DEFAULT"
VALUES = "values"

Job = dict[str, Any]
"""What a trial does: ``name``, ``settings`` of the tuner, and ``tasks`` (as lists) or ``real`` runs."""


def _replayed(ground: Ground, settings: dict[str, Any], tasks: Sequence[Sequence[Any]]) -> list[float]:
    return [ground.replay(TunerSettings(**settings), TuningTask(*task)) for task in tasks]


def _real(settings: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    return tune_really(TunerSettings(**settings), **run).to_json()


class ProfileTrial(tune.Trainable):
    """One evaluation; done after one step."""

    def setup(self, config: dict[str, Any], ground: Any = None) -> None:
        """Remember where the ground lies; ``config["job"]`` is what this trial does."""
        self._ground, self._job = ground, json.loads(config["job"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next job."""
        self._job = json.loads(new_config["job"])
        return True

    def step(self) -> dict[str, Any]:
        """Hand the tuning runs out and wait for them."""
        job: Job = self._job
        if "real" in job:
            task: Any = ray.remote(_real).options(
                num_cpus=TASK_CPU, scheduling_strategy=STRATEGY, name=f"tuning run {job['name']}"
            )
            found: Any = ray.get([task.remote(job["settings"], run) for run in job["real"]])
        else:
            task = ray.remote(_replayed).options(
                num_cpus=TASK_CPU, scheduling_strategy=STRATEGY, name=f"replay {job['name']}"
            )
            found = ray.get(task.remote(self._ground[0], job["settings"], job["tasks"]))
        return {VALUES: json.dumps(found), "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any] | None:
        """Nothing to save: a job that was lost is done again."""
        Path(checkpoint_dir, "nothing.json").write_text("{}", encoding="utf-8")
        return None

    def load_checkpoint(self, checkpoint: dict[str, Any] | str | None) -> None:
        """Nothing to load."""

    def __repr__(self) -> str:
        return "metagenx tuner profiles"


class _Names(Shared, tune.Callback):
    """Readable tasks in the dashboard."""

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        actor: Any = trial.temporary_state.ray_actor
        if actor is not None:
            with contextlib.suppress(AttributeError):  # a convenience only
                actor.train = NamedTask(actor, _name(trial))


def _name(trial: Trial) -> str:
    return str(json.loads(trial.config["job"])["name"])


class _Jobs(Shared, Searcher):
    """Hands out the jobs of the open round; what is done opens the next one."""

    def __init__(
        self, jobs: Callable[[], list[Job]], take: Callable[[Job, Any], None], stop: Callable[[], bool], workers: int
    ) -> None:
        super().__init__()
        self._jobs, self._take, self._stop, self._workers = jobs, take, stop, workers
        self._given: dict[str, Job] = {}
        self.failed: list[str] = []
        self.error: BaseException | None = None

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next job that nobody has; None while all are given out; FINISHED at the end."""
        if self._stop() or self.failed or self.error:
            return Searcher.FINISHED  # type: ignore[return-value]
        open_jobs = self._jobs()
        if not open_jobs:
            return Searcher.FINISHED  # type: ignore[return-value]
        taken = {job["name"] for job in self._given.values()}
        if len(taken) >= self._workers:
            return None
        for job in open_jobs:
            if job["name"] not in taken:
                self._given[trial_id] = job
                return {"job": json.dumps(job)}
        return None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take what a trial has found."""
        job = self._given.pop(trial_id, None)
        if job is None:
            return
        if error or result is None or VALUES not in result:
            self.failed.append(job["name"])
            return
        try:
            self._take(job, json.loads(result[VALUES]))
        except Exception as problem:  # a full disk and its like: kept, raised where Tune cannot swallow it
            self.error = problem


def run_jobs(
    jobs: Callable[[], list[Job]],
    take: Callable[[Job, Any], None],
    session: RaySession,
    *,
    ground: Ground,
    title: str,
    folder: Path,
    should_stop: Callable[[], bool],
) -> None:
    """Do jobs until there are none, or until ``should_stop``.

    Parameters
    ----------
    jobs : those of the open round that are not done; empty at the end.
    take : takes a job and its values; the last one of a round opens the next round.
    folder : for Ray Tune's own files.

    Raises
    ------
    ResourcesSpent : a process died, or Ray broke down.
    """
    place = ray.put(ground)
    # In a list, so that the trial holds the place and not the ground.
    trainable: Any = tune.with_resources(tune.with_parameters(ProfileTrial, ground=[place]), {"cpu": OUTER_CPU})
    trainable.__name__ = trainable.__qualname__ = ProfileTrial.__name__
    searcher = _Jobs(jobs, take, should_stop, session.workers)
    with pending_trials(session.workers):
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                num_samples=-1,
                search_alg=searcher,
                reuse_actors=True,
                trial_name_creator=lambda trial: f"{title} {_name(trial)}",
                trial_dirname_creator=lambda trial: f"{_name(trial).replace(' ', '_')}_{trial.trial_id}",
            ),
            run_config=tune.RunConfig(
                name=title,
                storage_path=str(folder.resolve()),
                verbose=0,
                callbacks=[_Names()],
                failure_config=tune.FailureConfig(max_failures=2),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        try:
            tuner.fit()
        except Exception as error:
            if searcher.error is None:
                raise ResourcesSpent(
                    f"Ray broke down: {last_line(str(error)) or type(error).__name__}",
                    hint=f"What is done is kept; see {folder / 'tune.log'}.",
                ) from error
    if searcher.error is not None:
        raise searcher.error
    if searcher.failed:
        raise ResourcesSpent(
            f"the process that worked on {', '.join(searcher.failed)} died three times",
            hint="Most often memory is short: use fewer workers. What is done is kept: the same command goes on.",
        )


__all__ = ["Job", "RealRun", "run_jobs"]
