"""A beam time: what comes is fitted, judged, written down and said, until somebody ends it.

The journal of the run folder has one line for each answer. The same command goes on where it was: files that have been
judged are not fitted again, the minima and the history are those of the last answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError, MetagenxError
from metagenx.fitting.cores import usable_cores
from metagenx.fitting.settings import Settings
from metagenx.live.belonging import Belonging, History, Look, Residuals
from metagenx.live.counting_time import Wanted, forecast
from metagenx.live.follower import Answer, Follower
from metagenx.live.precision import wanted_precisions
from metagenx.live.record import KIND, MEMORY, PHASE, Update, number
from metagenx.live.results import write_curves, write_fit, write_report, write_updates
from metagenx.live.searchers import Searchers
from metagenx.live.state import SEQUENCE, SWEEPS, State, States, whole_plan, work_of
from metagenx.live.sweeps import Curve, with_curves
from metagenx.live.verdict import AGREEING, CHANGE, verdict
from metagenx.live.watch import Arrival, Trouble, Watcher
from metagenx.meta.batch_data import AS_DETECTED, DataOptions, check_options, model_with
from metagenx.meta.counting import believable
from metagenx.meta.problem_source import ProblemSource, open_model
from metagenx.runs import (
    DEFAULT_BASE,
    Journal,
    Notice,
    RoundDecided,
    RunFolder,
    SessionEnded,
    SessionStarted,
    find_run,
    machine,
)

if TYPE_CHECKING:
    from metagenx.genx.model import Model

INTERVAL = 0.2  # s between two looks at the folder
_LOOKING = 0.05  # of the time, at the most
_TIDY_AFTER = 2.0  # s without news after which results are written
_CHECK = 15.0  # s for fits from scratch on each file, if nobody is waiting


@dataclass(frozen=True)
class Wishes:
    """What is asked for.

    Parameters
    ----------
    place : folder or file that is watched.
    model : GenX file whose data sets are replaced.
    sweeps : the files are repeated sweeps of one sample, and are added up; else each is a state of its own.
    precision : texts such as ``"thickness 0.5"``.
    once : take what is there, and end.
    budget : s from a change to its verdict; None: the default.
    workers : cores; None: all.
    """

    place: Path
    model: Path
    sweeps: bool = False
    precision: tuple[str, ...] = ()
    once: bool = False
    fom: str | None = None
    how: DataOptions = AS_DETECTED
    seed: int = 0
    trust: bool = False
    workers: int | None = None
    budget: float | None = None

    def config(self) -> dict[str, Any]:
        """What decides the numbers, for the manifest."""
        content = hashlib.sha256(self.model.read_bytes()).hexdigest()
        return {
            "kind": KIND, "place": str(self.place.absolute()), "model": content, "sweeps": self.sweeps, "fom": self.fom,
            "format": self.how.format, "x": self.how.x, "columns": list(self.how.columns), "trust": self.trust,
        }  # fmt: skip


@dataclass(frozen=True)
class Listener:
    """Who hears what happens."""

    update: Callable[[Update], None] = lambda update: None
    trouble: Callable[[Trouble], None] = lambda trouble: None
    say: Callable[[str], None] = lambda text: None


class Session:
    """One session at the instrument; a context manager, which holds the run folder and the processes.

    Raises
    ------
    InputError : a mistake in the wishes, a model that cannot be run, another session works in the run folder.
    """

    def __init__(
        self,
        wishes: Wishes,
        *,
        out: Path | None = None,
        resume: bool = True,
        listener: Listener | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_options(wishes.how)
        self.wishes, self._listener, self._should_stop, self._clock = (
            wishes, listener or Listener(), should_stop, clock
        )  # fmt: skip
        self._source = ProblemSource.from_file(wishes.model, trust=wishes.trust, fom=wishes.fom)
        self._base = open_model(self._source)
        self.problem = self._base.problem(wishes.fom)
        self.wanted: tuple[Wanted, ...] = wanted_precisions(wishes.precision, self.problem.names)
        self._out, self._resume = out or DEFAULT_BASE, resume
        self.updates: list[Update] = []
        self.folder = self._find_folder()
        self._stack = contextlib.ExitStack()
        self._state: State | None = None
        self._answer: tuple[Answer, Update] | None = None
        self._is_tidy, self._is_same, self._told = True, True, ""
        self._last_news = clock()
        self.n_troubles = 0

    def _find_folder(self) -> RunFolder:
        config = self.wishes.config()
        identity = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
        name = f"live-{self.wishes.place.absolute().name or 'folder'}"
        found = find_run(self._out, name, identity) if self._resume else None
        if found is not None:
            return found
        config |= {"parameters": list(self.problem.names), "bounds": np.asarray(self.problem.bounds).tolist()}
        inputs = {Path(self._source.name).name: self._source.content or b""}
        return RunFolder.create(self._out, name, identity=identity, config=config, seed=self.wishes.seed, inputs=inputs)

    # ------------------------------------------------------------------------------------------------------
    # Begin and end

    def __enter__(self) -> Session:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.folder.lock())
            self._journal: Journal = stack.enter_context(self.folder.journal())
            self.folder.session_started()
            self._journal.append(SessionStarted(machine()["host"], os.getpid(), {"machine": machine()}))
            cores = self.wishes.workers or usable_cores()
            self._searchers = stack.enter_context(Searchers(cores))
            settings = Settings.from_options(self._base.options)
            self._follower = Follower(
                self._searchers, settings, seed=self.wishes.seed, fom=self.wishes.fom, clock=self._clock,
                **({} if self.wishes.budget is None else {"budget": self.wishes.budget}),
            )  # fmt: skip
            self._states = States(SWEEPS if self.wishes.sweeps else SEQUENCE)
            self._history = History()
            self._arrived_since: list[list[Any]] = []
            self._watcher = Watcher(self.wishes.place, but=self.wishes.model, known=self._take_up(), clock=self._clock)
            self._searchers.start()
            self._warm()
            if self._searchers.last_failure:
                self._listener.say(f"{self._searchers.last_failure}; they are made here, in the time that is left")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        interrupted = self._should_stop() or (kind is not None and issubclass(kind, KeyboardInterrupt))
        state = "interrupted" if interrupted else "failed" if error is not None else "finished"
        with self._stack:
            self._searchers.close()  # nobody hears them any more, and the report needs the cores
            with contextlib.suppress(MetagenxError):
                self._tidy()
                write_report(self.folder, self.updates)
            with contextlib.suppress(MetagenxError):
                self._journal.append(SessionEnded(state, "" if error is None else str(error)))
                self.folder.session_ended(state)

    def _take_up(self) -> dict[str, str]:
        """What the journal knows: SHA-256 of the files that were judged, by name."""
        bounds = np.asarray(self.problem.bounds, dtype=float)
        arrived: list[list[Any]] = []
        memory: dict[str, Any] | None = None
        for event in self._journal.replay().rounds:
            if event.phase != PHASE:
                continue
            if event.details.get("kind") == MEMORY:
                memory = event.details
                arrived += memory["arrived"]
                self._history.restore(memory["history"])
            else:
                with contextlib.suppress(InputError):
                    self.updates.append(Update.from_json(event.details))
        if memory is None:
            return {}
        self._follower.restore(memory["follower"], bounds)
        known = {str(name): str(sha256) for name, sha256, *_ in arrived}
        self._take_up_files(arrived, known)
        if memory["state"] is not None:
            self._state = self._states.remember(memory["state"])
        if self.updates:
            self._listener.say(f"goes on after update {self.updates[-1].number}: {self.updates[-1].line}")
        return known

    def _take_up_files(self, arrived: Sequence[Sequence[Any]], known: dict[str, str]) -> None:
        """The states as they were; a file that is another now comes as a change of its state."""
        folder = self.wishes.place if self.wishes.place.is_dir() else self.wishes.place.parent
        course: dict[int, list[tuple[float, float]]] = {}
        for name, sha256, state_number, modified, work in arrived:
            state = self._states.remember(state_number)
            state.names.add(name)
            course.setdefault(state_number, []).append((modified, work))
            if sha256 != known[name]:
                continue
            with contextlib.suppress(MetagenxError, OSError):
                content = (folder / name).read_bytes()
                if hashlib.sha256(content).hexdigest() == sha256:
                    state.curves[name] = self._curves(self._model(name, content, []))
        for state in self._states.members:
            state.course = course[state.number]

    def _warm(self) -> None:
        """Compile and load what a fit needs before there is anything to fit."""
        problem = self.problem
        low, high = np.asarray(problem.bounds, dtype=float).T
        problem.evaluate(low + (high - low) * np.linspace(0.3, 0.7, 5)[:, None])
        with contextlib.suppress(MetagenxError):
            from metagenx.fitting.covariance import covariance_at
            from metagenx.fitting.local_minimum import local_minimum
            from metagenx.fitting.polish import polish

            polish(problem, problem.start, float(problem.evaluate(problem.start[None])[0]), max_iterations=1)
            local_minimum(problem, problem.start, max_iterations=1)
            covariance_at(problem, problem.start)

    # ------------------------------------------------------------------------------------------------------
    # The loop

    def run(self, is_over: Callable[[Update | None], bool] = lambda update: False) -> Update | None:
        """Watch until somebody wants to end; the last update.

        Parameters
        ----------
        is_over : asked after every look, with the last update: whether that is enough.
        """
        last = self.updates[-1] if self.updates else None
        while not self._should_stop() and not is_over(last):
            begun = self._clock()
            news = self._watcher.look(at_once=self.wishes.once)
            looked = self._clock() - begun
            for update in self._take(news, begun):
                last = update
                if self._should_stop() or is_over(last):
                    return last
            if self.wishes.once:
                return self._checked() or last
            check = self._look_back(max(0.0, max(INTERVAL, looked / _LOOKING) - (self._clock() - begun)))
            last = check or last
            if not self._is_tidy and self._clock() - self._last_news > _TIDY_AFTER:
                self._tidy()
        return last

    def _take(self, news: Sequence[Arrival | Trouble], begun: float) -> Iterator[Update]:
        """What has come since the last look; of sweeps that came together only the sum is fitted."""
        for place, one in enumerate(news):
            if self._should_stop():
                return
            if isinstance(one, Trouble):
                self._trouble(one)
                continue
            is_last = all(isinstance(other, Trouble) for other in news[place + 1 :])
            try:
                update = self._arrived(
                    one, begun if place == 0 else self._clock(), fit=is_last or not self.wishes.sweeps
                )
            except MetagenxError as error:
                self._trouble(Trouble(one.name, _reason(error, one.name)))
                if isinstance(error, InputError):
                    continue
                raise  # the disk is full: going on would lose what is found
            except Exception as error:  # a file that nobody has thought of must not end a beam time
                self._trouble(Trouble(one.name, f"{type(error).__name__}: {error}"[:500]))
                continue
            if update is not None:
                yield update
                if self.wishes.once and not is_last:
                    yield self._checked() or update

    def _arrived(self, arrival: Arrival, begun: float, *, fit: bool) -> Update | None:
        notices: list[str] = []
        model = self._model(arrival.name, arrival.content, notices)
        curves = self._curves(model)
        if not any(len(curve.x) for curve in curves):
            raise InputError("there is no point in it yet")
        state, told = self._states.place(arrival.name, curves)
        is_same = self._state is not None and state.number == self._state.number
        if not is_same and self._state is not None:
            self._tidy()
            self._history.begin_anew()
        self._state, self._is_same, self._told = state, is_same, told
        state.take(arrival.name, curves, arrival.modified)
        self._arrived_since.append(
            [arrival.name, arrival.sha256, state.number, arrival.modified, work_of(state.measured())]
        )
        if not fit and not told:
            return None
        if len(state.files) > 1:
            model = _with_data(model, state.measured())
        key = hashlib.sha256(f"{arrival.sha256} {' '.join(state.files)}".encode()).hexdigest()
        answer = self._follower.update(model, key, begun=begun)
        if arrival.left_out:
            notices.append("its last line has no end yet and was left out")
        return self._answered(arrival, state, answer, begun, told, is_same, tuple(notices))

    def _answered(
        self, arrival: Arrival, state: State, answer: Answer, begun: float, told: str, is_same: bool,
        notices: tuple[str, ...],
    ) -> Update:  # fmt: skip
        count = 1 + max((update.number for update in self.updates), default=0)
        update = self._judged(answer, state, told, is_same, is_again=False)
        update = replace(
            update, number=count, file=arrival.name, sha256=arrival.sha256, time=arrival.modified,
            seconds=self._clock() - begun, notices=notices,
        )  # fmt: skip
        self._say(update, answer)
        if count == 1 and answer.deviations is not None and not answer.deviations.uses_errors:
            self._say_how_to_weigh(answer)
        return update

    def _say_how_to_weigh(self, answer: Answer) -> None:
        if any(d.use and believable(d.y, d.error) for d in answer.model.data):
            name = answer.problem.fom_name
            self._listener.say(
                f"the figure of merit {name} does not weigh by the errors of the data; --fom chi2bars does, and needs "
                "less counting for the same precision, if the model is right"
            )

    def _judged(self, answer: Answer, state: State, told: str, is_same: bool, *, is_again: bool) -> Update:
        residuals = Residuals.of(answer.model.data, answer.simulations, len(answer.names), answer.deviations)
        look = Look(
            residuals, answer.fom, answer.names, answer.values, answer.errors, answer.minimum,
            is_certain=answer.recent_same >= AGREEING, one_sample=is_same,
        )  # fmt: skip
        belonging = self._history.judge(look, is_again=is_again)
        if told:
            belonging = Belonging("bad" if "does not agree" in told else "warning", told, belonging.reduced, 1.0)
        ahead = forecast(
            answer, whole_plan(self._base.data, self._states), self.wanted,
            by_counting=answer.recent_same >= AGREEING and not belonging.is_limited_by_model,
        )  # fmt: skip
        pace = state.pace()
        said = verdict(answer, belonging, self.wanted, ahead, pace)
        longer = None
        if ahead is not None:
            longer = {
                "points": ahead.points, "sweeps": ahead.sweeps, "times": ahead.work, "decided by": ahead.decided_by,
                "seconds": number(ahead.work * pace), "reached": ahead.is_reached,
            }  # fmt: skip
        minima = self._follower.minima
        names = answer.names
        return Update(
            number=0, file="", sha256="", state=state.number, files=state.files, time=0.0, said=time.time(),
            points=sum(int(np.isfinite(d.y).sum()) for d in answer.model.data if d.use), advice=said.advice,
            level=said.level, line=said.line, is_certain=said.is_certain,
            values={name: number(value) for name, value in zip(names, answer.values, strict=True)},
            errors={name: number(error) for name, error in zip(names, answer.errors, strict=True)},
            limits={name: limit for name, limit in zip(names, answer.limits, strict=True) if limit},
            fom=number(answer.fom), reduced_chi2=number(residuals.reduced), misfit=number(residuals.misfit),
            belongs=belonging.level, why=belonging.reason, fits=answer.recent, fits_same=answer.recent_same,
            fresh=answer.fresh, fresh_same=answer.fresh_same, next_minimum_sigma=number(answer.next_worse),
            longer=longer, seconds=answer.seconds, evaluations=answer.evaluations,
            minima=() if minima is None else tuple(tuple(map(float, m.values)) for m in minima.members),
        )  # fmt: skip

    def _look_back(self, timeout: float) -> Update | None:
        """What fits from scratch say about the last data since; told if it changes the advice or the minimum."""
        answer = self._follower.look(timeout)
        if answer is None or self._answer is None or self._state is None:
            return None
        before, last = self._answer
        found = self._judged(answer, self._state, self._told, self._is_same, is_again=True)
        found = replace(
            found, number=last.number, file=last.file, sha256=last.sha256, time=last.time, is_check=True,
            notices=last.notices,
        )  # fmt: skip
        changed = (found.advice, found.level, found.is_certain) != (last.advice, last.level, last.is_certain)
        if changed or answer.minimum != before.minimum or answer.fom < before.fom * (1.0 - 1e-3):
            self._say(found, answer)
            return found
        self._answer = (answer, last)
        self._journal.append(self._memory(is_check=True))
        return None

    def _checked(self) -> Update | None:
        """Give fits from scratch the time to agree."""
        ends = self._clock() + _CHECK
        last: Update | None = None
        while self._answer is not None and self._clock() < ends and not self._should_stop():
            if self._answer[0].is_final or self._answer[0].fresh_same >= AGREEING:
                break
            last = self._look_back(0.2) or last
        return last

    def _say(self, update: Update, answer: Answer) -> None:
        self._journal.append(
            RoundDecided(PHASE, update.number, update.to_json()), self._memory(is_check=update.is_check)
        )
        self.updates.append(update)
        self._answer, self._is_tidy, self._last_news = (answer, update), False, self._clock()
        write_curves(self.folder, answer, update)
        self._listener.update(update)

    def _memory(self, *, is_check: bool) -> RoundDecided:
        """What the next answers depend on beside the files, for a session that goes on after this one was killed."""
        arrived, self._arrived_since = self._arrived_since, []
        details = {
            "kind": MEMORY, "arrived": arrived, "follower": self._follower.to_json(),
            "history": self._history.to_json(points=not is_check), "state": self._state.number if self._state else None,
        }  # fmt: skip
        return RoundDecided(PHASE, len(self.updates), details)

    def _trouble(self, trouble: Trouble) -> None:
        self.n_troubles += 1
        self._journal.append(Notice(f"{trouble.name}: {trouble.reason}"))
        self._listener.trouble(trouble)

    def _tidy(self) -> None:
        """Write the table, the fitted model and the plots."""
        if self._is_tidy:
            return
        self._is_tidy = True
        write_updates(self.folder, self.updates)
        if self._answer is not None:
            answer, update = self._answer
            write_fit(self.folder, answer, update)

    # ------------------------------------------------------------------------------------------------------

    def _model(self, name: str, content: bytes, notices: list[str]) -> Model:
        return model_with(name, content, self._source, fom=self.wishes.fom, how=self.wishes.how, notices=notices)

    @staticmethod
    def _curves(model: Model) -> tuple[Curve, ...]:
        return tuple(Curve.of(dataset) for dataset in model.data)


def _with_data(model: Model, curves: tuple[Curve, ...]) -> Model:
    from metagenx.genx.model import Model as GenxModel

    file = model.file.with_results(fom_log=[], start_guess=[])
    file.data = with_curves(model.data, curves)
    return GenxModel(file, trust=model.trust)


def _reason(error: MetagenxError, name: str) -> str:
    """What is wrong, and where if that is more than the file itself."""
    is_known = not error.where or error.where in (name, Path(name).name)
    return error.what if is_known else f"{error.where}: {error.what}"


def is_reached(update: Update | None) -> bool:
    """Whether the sample can be changed."""
    return update is not None and update.advice == CHANGE
