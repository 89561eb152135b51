"""Many fits, kept safe: a plan in rounds, worked off on Ray, every record in the journal before it counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metagenx.errors import ResourcesSpent
from metagenx.meta.blocks import StartRule
from metagenx.meta.conductor import TASKS_OF_A_WORKER, Conductor, Rounds
from metagenx.meta.interrupts import interrupts
from metagenx.meta.problem_source import ProblemSource
from metagenx.meta.progress import Listener, Progress
from metagenx.meta.ray_session import cores, ray_session
from metagenx.meta.records import FitRecord
from metagenx.meta.sessions import HOW_TO_RESUME, interrupted, session
from metagenx.meta.statistics import BestKnown
from metagenx.runs import (
    BestFound,
    FitDone,
    Journal,
    Notice,
    RoundDecided,
    RunFolder,
    SettingAdded,
)


@dataclass
class Campaign:
    """One run of a plan in one folder.

    Parameters
    ----------
    rounds : the plan; complete when :meth:`run` returns.
    folder : where everything is kept.
    sources : the problem of each sample.
    title : how the run is called in the Ray dashboard.
    workers, where, dashboard : see :func:`metagenx.meta.ray_session.ray_session`.
    hours : the run ends at the end of the round in which so many hours of work are over.
    best : f* of each sample, as the plan knows it now.
    progress : hears what happens.
    should_stop : asked often; True has the effect of one Ctrl-C, a reason ends the run as spent.

    Attributes
    ----------
    records, new_records : all fits of the run, and those of this session, when :meth:`run` has ended in any way.
    """

    rounds: Rounds
    folder: RunFolder
    sources: Mapping[str, ProblemSource]
    seed: int
    start: StartRule
    title: str
    progress: Listener
    best: Callable[[], Mapping[str, BestKnown]]
    workers: int | None = None
    where: str = "local"
    dashboard: bool = True
    hours: float | None = None
    budget: int = 0
    should_stop: Callable[[], bool | str] = lambda: False
    records: list[FitRecord] = field(default_factory=list)
    new_records: list[FitRecord] = field(default_factory=list)
    _begun: float = 0.0
    _worked: float = 0.0
    _known: int = 0

    def run(self) -> None:
        """Work the plan off, or as much of it as can be.

        Raises
        ------
        Interrupted : Ctrl-C.
        ResourcesSpent : no disk, no memory, or workers that die again and again.
        InputError : another driver works in the folder.
        """
        details = {"workers": self.workers}
        with self.folder.lock(), self.folder.journal() as journal, session(self.folder, journal, details):
            try:
                self._run(journal)
            finally:
                self.records = list(journal.replay().records)
                self.new_records = self.records[self._known :]

    def _run(self, journal: Journal) -> None:
        replay = journal.replay()
        self._known = len(replay.records)
        decided = {event.round: event.details for event in replay.rounds}
        if journal.dropped:
            journal.append(Notice(f"{journal.dropped} bytes of a torn last line were dropped"))
        self._begun = time.monotonic()
        self._worked = max((float(details.get("worked", 0.0)) for details in decided.values()), default=0.0)
        conductor = Conductor(
            self.rounds,
            known=replay.records,
            write=lambda records: journal.append(*map(FitDone, records)),
            on_round=lambda decision: self._note(journal, decided, decision),
            out_of_time=lambda number: self._out_of_time(decided, number),
            # More slices than workers, so that none waits long for the last one.
            slices=TASKS_OF_A_WORKER * (self.workers or cores()),
        )
        if conductor.error is not None:
            raise conductor.error
        if conductor.stopping:
            return

        def stop() -> None:
            conductor.error = conductor.error or interrupted(self.folder)
            self._say("stopping", "stopping after the running fits; Ctrl-C again stops at once", conductor)

        self.progress(Progress("notice", f"{self.folder.path}: starting Ray"))  # which takes some seconds
        with (
            interrupts(stop),
            ray_session(
                self.workers, where=self.where, log_folder=self.folder.ray, dashboard=self.dashboard
            ) as session,
        ):
            # Imported here: Ray reads its environment when it is imported, and the session has set it.
            from metagenx.meta.ray_tune import run_on_tune

            conductor.slices = TASKS_OF_A_WORKER * session.workers
            self._say("started", session.line, conductor)
            run_on_tune(
                conductor,
                session,
                sources=self.sources,
                seed=self.seed,
                start=self.start,
                title=self.title,
                folder=self.folder.ray,
                on_progress=lambda: self._say("fits", "", conductor),
                should_stop=lambda: self._asked(conductor, stop),
            )

    def _asked(self, conductor: Conductor, stop: Callable[[], None]) -> None:
        asked = self.should_stop()
        if isinstance(asked, str) and asked:
            spent = ResourcesSpent(asked, where=str(self.folder.path), hint=HOW_TO_RESUME)
            conductor.error = conductor.error or spent
        elif asked:
            stop()

    def _note(self, journal: Journal, decided: Mapping[int, Any], decision: Any) -> None:
        """Write a round's end into the journal, unless it stands there already."""
        known = journal.replay().settings
        events: list[Any] = [
            SettingAdded(name, contender.to_json())
            for name, contender in self.rounds.contenders.items()
            if name not in known
        ]
        before = journal.replay().best
        events += [
            BestFound(sample, best)
            for sample, best in self.best().items()
            if sample not in before or best.fom < before[sample].fom
        ]
        if decision.round not in decided:
            details = {**decision.to_json(), "worked": self._worked + time.monotonic() - self._begun}
            events.append(RoundDecided(decision.stage, decision.round, details))
        journal.append(*events)
        if decision.round not in decided:
            self.progress(
                Progress(
                    "round",
                    decision.text,
                    stage=decision.stage,
                    fits=len(journal.replay().records),
                    evaluations=decision.evaluations,
                    budget=self.budget,
                    details=decision.to_json(),
                )
            )

    def _out_of_time(self, decided: Mapping[int, Any], number: int) -> bool:
        """Whether the hours are over; what the journal says of a round holds for ever."""
        if number in decided:
            return bool(decided[number].get("out_of_time", False))
        if self.hours is None:
            return False
        return self._worked + time.monotonic() - self._begun >= 3600.0 * self.hours

    def _say(self, kind: str, text: str, conductor: Conductor) -> None:
        done = Progress(
            kind,
            text,
            stage=getattr(self.rounds, "stage", ""),
            fits=len(conductor.done),
            evaluations=conductor.evaluations,
            budget=self.budget,
        )
        self.progress(done)
