"""The conductor's tasks on Ray Tune: an own searcher that hands out tasks, an own scheduler that paces them.

One trial is one setting (in confirmation and validation, where the number of fits is fixed, one slice of a
setting's fits). A trial whose block is done is paused until a later round asks for its setting again, or
stopped when the race has dropped it; its actor goes on with the next setting. What is proposed and decided
follows from completed rounds in the conductor; nothing here depends on who finishes first.

Tune gives a freed actor to the first trial that waits for one, even if a process of its own is just starting for it:
left alone, short blocks would all be done by one process while others start in vain. So no more trials are active than
there are workers, and a trial that is done idles while processes start; after that it hands its actor over as soon as
there is a task that nobody works on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from metagenx.errors import ResourcesSpent
from metagenx.meta.conductor import TASKS_OF_A_WORKER, Conductor, Task
from metagenx.meta.records import FitRecord
from metagenx.meta.trial import RECORDS, work_of

START_SECONDS = 30.0  # so long idle processes wait for a new one to start
LOOK_SECONDS = 5.0  # so often it is looked whether nodes have joined
MOST_DEATHS = 4  # of the processes of one trial in a row, without a fit done in between


class Shared:
    """Base of what Tune is given.

    Tune deep-copies and pickles all of it; but what these share must stay one, and stays in this process.
    """

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (object, ())


class TaskSearcher(Shared, Searcher):
    """Proposes a trial for every task that has none.

    A first round with fewer tasks than workers is filled up with trials that have nothing to do: their
    processes load the models meanwhile, and are there when the next round opens.
    """

    def __init__(self, conductor: Conductor, pacer: RoundScheduler) -> None:
        super().__init__()
        self.conductor, self.pacer = conductor, pacer

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next task without a trial; None while all are given out; FINISHED at the end."""
        if self.conductor.stopping:
            return Searcher.FINISHED  # type: ignore[return-value]
        if self.pacer.active >= self.pacer.workers:
            return None
        for name, task in self.conductor.tasks.items():
            if self.pacer.trial(name) is None:
                return {"name": name, "setting": task.setting, "work": work_of(task)}
        if len(self.pacer.trials) < self.pacer.workers:
            name = f"worker {len(self.pacer.trials) + 1}"
            return {"name": name, "setting": "", "work": work_of(None)}
        return None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """The conductor knows already."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing."""


class RoundScheduler(Shared, TrialScheduler):
    """Gives records to the conductor; continues, pauses, resumes and stops trials as its rounds want."""

    def __init__(
        self,
        conductor: Conductor,
        workers: int,
        on_progress: Callable[[], None],
        should_stop: Callable[[], None],
        workers_now: Callable[[], int] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.workers_now, self.looked_at = workers_now, time.monotonic()
        self.conductor, self.on_progress, self.should_stop = conductor, on_progress, should_stop
        self.workers = workers
        self.trials: dict[str, Trial] = {}
        self.deaths: dict[str, int] = {}
        self.freed = 0  # actors handed over whose next trial has not begun
        self.actors: set[Any] = set()
        self.waiting_since: float | None = None
        self.starting_since: float | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled for Tune's snapshots only, which are never restored; the listener may be a terminal.
        return (object, ())

    @property
    def active(self) -> int:
        """Trials that have an actor, or wait for one."""
        return sum(trial.status in {Trial.RUNNING, Trial.PENDING} for trial in self.trials.values())

    def trial(self, name: str) -> Trial | None:
        """The trial that can do a task; one that was stopped cannot come back, so another takes its place."""
        found = self.trials.get(name)
        return None if found is None or found.status in {Trial.TERMINATED, Trial.ERROR} else found

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """A trial is known now, or comes back after its process died."""
        self.trials[trial.config["name"]] = trial

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Take the records, then say how the trial goes on."""
        name = trial.config["name"]
        records = [FitRecord.from_json(record) for record in json.loads(result[RECORDS])]
        if records:
            self.deaths.pop(name, None)
            self.conductor.record(name, records)
            self.on_progress()
        self._stop_leavers(tune_controller, but=trial)
        if self.conductor.stopping:
            return TrialScheduler.STOP
        task = self.conductor.tasks.get(name)
        if records and task is not None and _same_work(trial, task):
            # Where to go on, should the process die now.
            trial.config["work"] = work_of(task)
            return TrialScheduler.CONTINUE
        if task is None and not self._somebody_waits():
            return TrialScheduler.CONTINUE  # idle
        self.freed += 1
        if task is None and not self.conductor.rounds.may_return(trial.config["setting"]):
            return TrialScheduler.STOP
        # Without Tune's checkpoint: the configuration says all there is to know.
        tune_controller.pause_trial(trial, should_checkpoint=False)
        return TrialScheduler.NOOP

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """A paused trial whose setting is wanted again, or a new one."""
        if self.conductor.error is None:
            self.should_stop()
        self._look_for_nodes()
        self._stop_leavers(tune_controller)
        if self.conductor.stopping:
            return None
        for name, task in self.conductor.tasks.items():
            trial = self.trial(name)
            if trial is None or trial.status not in {Trial.PENDING, Trial.PAUSED}:
                continue
            if trial.status == Trial.PENDING or self.active < self.workers:
                trial.config["work"] = work_of(task)
                return trial
        return None

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """A worker process died; Tune starts the trial again, unless this happens again and again."""
        name = trial.config["name"]
        self.deaths[name] = self.deaths.get(name, 0) + 1
        if self.deaths[name] >= MOST_DEATHS and self.conductor.error is None:
            self.conductor.error = ResourcesSpent(
                f"the process that fits {name} died {MOST_DEATHS} times in a row",
                hint="Most often memory is short: use fewer workers. " + _reason(trial),
            )

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> None:
        """Nothing more to know."""

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Nothing more to know."""

    def debug_string(self) -> str:
        """Never shown."""
        return "rounds"

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the journal is what a run resumes from."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing."""

    def _somebody_waits(self) -> bool:
        """Whether there is a task that nobody works on, and no process that starts or is free already will.

        After some time that is no longer waited for: the cluster is smaller than announced, its nodes take minutes to
        come, or an actor got lost. Of processes that have not started in time nothing is expected until one starts.
        """
        pending = [trial for trial in self.trials.values() if trial.status == Trial.PENDING]
        starting = sum(trial.temporary_state.ray_actor is None for trial in pending)
        free = self.freed - (len(pending) - starting)
        found = [self.trial(name) for name in self.conductor.tasks]
        waiting = [
            trial
            for trial in found
            if trial is None
            or trial.status == Trial.PAUSED
            or (trial.status == Trial.PENDING and trial.temporary_state.ray_actor is None)
        ]
        now = time.monotonic()
        self.waiting_since = (self.waiting_since or now) if waiting else None
        self.starting_since = (self.starting_since or now) if starting else None
        process_comes = self.starting_since is not None and now - self.starting_since < START_SECONDS
        actor_comes = free > 0 and (self.waiting_since is None or now - self.waiting_since < START_SECONDS)
        return bool(waiting) and not (process_comes or actor_comes)

    def _look_for_nodes(self) -> None:
        """Nodes that have joined since are put to work."""
        if self.workers_now is not None and time.monotonic() - self.looked_at > LOOK_SECONDS:
            self.looked_at = time.monotonic()
            if (found := self.workers_now()) > self.workers:
                self.workers = found
                self.conductor.slices = TASKS_OF_A_WORKER * found

    def started(self, actor: Any) -> None:
        """A trial begins in an actor, which may have been another's."""
        self.waiting_since = None
        if actor in self.actors:
            self.freed = max(0, self.freed - 1)
        else:
            self.starting_since = None
        self.actors.add(actor)

    def _stop_leavers(self, tune_controller: Any, but: Trial | None = None) -> None:
        """Stop waiting trials that nobody will want again; running ones are stopped when they report."""
        for trial in list(tune_controller.get_live_trials()):
            if trial is not but and trial.status in {Trial.PAUSED, Trial.PENDING}:
                wanted = trial.config["name"] in self.conductor.tasks or not trial.config["setting"]
                returns = trial.status == Trial.PAUSED and self.conductor.rounds.may_return(trial.config["setting"])
                if self.conductor.stopping or not (wanted or returns):
                    tune_controller.stop_trial(trial)


def _same_work(trial: Trial, task: Task) -> bool:
    """Whether the trial's actor is at work on this task, rather than on one of an earlier round."""
    given = json.loads(trial.config["work"])["blocks"]
    wanted = {(block.phase, block.sample, repeat) for block in task.blocks for repeat in block.repeats}
    return bool(wanted) and wanted <= {(b["phase"], b["sample"], r) for b in given for r in b["repeats"]}


def _reason(trial: Trial) -> str:
    """The last line of what Tune wrote down about a dead process."""
    path = getattr(trial, "error_file", None)
    if path and Path(path).is_file():
        return last_line(Path(path).read_text(encoding="utf-8", errors="replace"))
    return ""


def last_line(text: str) -> str:
    """The last line of a text, cut to a readable length."""
    lines = text.strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""
