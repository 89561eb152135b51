"""``metagenx batch``: many data sets, one model, one table.

Every file is fitted as ``metagenx fit`` fits one: restarts until its evaluations are spent. The random streams of a
file come from its content, so its numbers depend neither on its neighbours nor on the order or number of workers. With
a warm start each file begins at the answer of its predecessor in natural order, folder by folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, Interrupted, MetagenxError, ResourcesSpent
from metagenx.fitting.api import evaluations_of_full_run
from metagenx.fitting.auto import Strategy
from metagenx.fitting.settings import Settings
from metagenx.genx.disk import read_bytes
from metagenx.meta.batch_data import AS_DETECTED, DataOptions, check_options
from metagenx.meta.batch_files import BatchFile, chains, find_files, result_names
from metagenx.meta.batch_fit import Answer, BatchRules, Job, failed, key_of
from metagenx.meta.batch_journal import KIND, answers, earlier_answers, write_answer
from metagenx.meta.batch_table import BatchResult, write_batch
from metagenx.meta.interrupts import interrupts
from metagenx.meta.problem_source import ProblemSource, open_model
from metagenx.meta.progress import Listener, Progress, silent
from metagenx.meta.ray_session import ray_session
from metagenx.meta.sessions import HOW_TO_RESUME
from metagenx.runs import (
    DEFAULT_BASE,
    Journal,
    Notice,
    RunFolder,
    SessionEnded,
    SessionStarted,
    find_run,
    machine,
)

if TYPE_CHECKING:
    from metagenx.genx.model import Model

Data = str | PathLike[str]


@dataclass(frozen=True)
class Batch:
    """A batch, ready to be run: checked model, rules, files.

    Parameters
    ----------
    names, bounds : of the fitted parameters, (n_dim,) and (n_dim, 2).
    left_out : files in the folders that look like no measurements.
    """

    rules: BatchRules
    files: tuple[BatchFile, ...]
    warm_start: bool
    names: tuple[str, ...]
    bounds: tuple[tuple[float, float], ...]
    left_out: tuple[str, ...]

    @property
    def name(self) -> str:
        """What its runs are called."""
        stem = Path(self.rules.model.name).stem
        return (re.sub(r"[^\w.+-]+", "-", stem).strip("-. ")[:56] or "model") + "-batch"

    @property
    def rules_json(self) -> dict[str, Any]:
        """All that decides the numbers of one file, but the file."""
        rules = self.rules
        return {
            "model": hashlib.sha256(rules.model.content or b"").hexdigest(),
            "fom": rules.fom,
            "how": {**asdict(rules.how), "columns": list(rules.how.columns)},
            "settings": json.loads(rules.settings.key()),
            "seed": rules.seed,
            "evaluations": rules.evaluations,
            "max_runs": rules.max_runs,
            "agreeing": rules.agreeing,
            "strategy": asdict(rules.strategy) if rules.strategy else None,
            "chosen": sorted(rules.chosen),
            "may_end_early": rules.may_end_early,
            "warm_start": self.warm_start,
        }

    @property
    def config(self) -> dict[str, Any]:
        """For the manifest: the rules, the files with their hashes, the parameters."""
        return {
            "kind": KIND,
            "rules": self.rules_json,
            "files": [
                {"name": file.name, "path": os.path.abspath(file.path), "sha256": file.sha256} for file in self.files
            ],
            "parameters": list(self.names),
            "bounds": [list(pair) for pair in self.bounds],
            "left_out": list(self.left_out),
        }

    @property
    def identity(self) -> str:
        """Equal for batches with equal numbers: where the files lie does not count."""
        files = [[file.name, file.sha256] for file in self.files]
        return hashlib.sha256(json.dumps([KIND, self.rules_json, files]).encode()).hexdigest()


def prepare_batch(
    data: Sequence[Data] | Data,
    model: Model | Data,
    *,
    warm_start: bool = False,
    seed: int = 0,
    evaluations: int | None = None,
    as_in_file: bool = False,
    fom: str | None = None,
    how: DataOptions = AS_DETECTED,
    trust: bool = False,
    **overrides: Any,
) -> Batch:
    """Check the model and find the files; parameters and errors as of :func:`batch`. No data are read yet."""
    from metagenx.genx.fom import check_name

    if evaluations is not None and evaluations < 1:
        raise InputError(f"evaluations is {evaluations}, it must be at least 1")
    check_options(how)
    source = _source(model, trust)
    opened = open_model(source)
    rows = opened.file.fitted_rows
    if not rows:
        raise InputError(
            "no parameter is fitted", where=source.place or source.name, hint="Switch some on in the parameter table."
        )
    settings = Settings.from_options(opened.options, **overrides)
    if not as_in_file and "use_stagnation" not in overrides:
        settings = settings.replace(use_stagnation=True)
    if warm_start:
        settings = settings.replace(use_start_guess=True)
    items = [data] if isinstance(data, str | PathLike) else list(data)
    found = find_files(items, but=Path(source.place) if source.place else None)
    rules = BatchRules(
        model=source,
        settings=settings,
        seed=seed,
        evaluations=evaluations or evaluations_of_full_run(settings, len(rows)),
        max_runs=1 if as_in_file else None,
        agreeing=1 if as_in_file else 2,
        fom=check_name(fom) if fom else None,
        how=how,
        strategy=None if as_in_file else Strategy().with_settings(settings),
        chosen=frozenset(overrides),
        may_end_early=not as_in_file and evaluations is None,
    )
    bounds = tuple((float(row.minimum), float(row.maximum)) for row in rows)
    return Batch(rules, found.files, warm_start, tuple(row.name for row in rows), bounds, found.left_out)


def batch(
    data: Sequence[Data] | Data,
    model: Model | Data,
    *,
    warm_start: bool = False,
    seed: int = 0,
    evaluations: int | None = None,
    as_in_file: bool = False,
    fom: str | None = None,
    how: DataOptions = AS_DETECTED,
    out: Data | None = None,
    workers: int | None = None,
    where: str = "local",
    resume: bool = True,
    trust: bool = False,
    progress: Listener = silent,
    should_stop: Callable[[], bool] = lambda: False,
    dashboard: bool = True,
    **overrides: Any,
) -> BatchResult:
    """Fit many data sets with one model.

    Parameters
    ----------
    data : a folder, a pattern such as ``"scan_*.dat"``, or a list of files, folders and patterns.
    model : from ``metagenx.load``, or a .hgx or .gx file; its data sets are replaced, its commands kept.
    warm_start : every file starts at the answer of the one before it in natural order (of those in the same folder),
        instead of the values in the model. Then only folders are fitted in parallel.
    seed : the same seed gives the same numbers.
    evaluations : FOM evaluations of all runs of one file, which will be spent; default: until they agree, at the most
        those of one run as GenX would make it.
    as_in_file : one run for each file that ends where GenX's would, without polish and stop rules of ours.
    how : how data files are to be read, where they do not say so themselves.
    where : ``local``, ``auto`` for a cluster if there is one, or the address of one.
    overrides : single settings in GenX's names, e.g. ``km=0.5``.
    out, workers, resume, trust, progress, should_stop, dashboard : see :func:`metagenx.tune`.

    Raises
    ------
    InputError : a mistake in the arguments, the model or its script; no data files; another driver works in the folder.
        What is wrong with a data file is a failed row of the table instead.
    Interrupted, ResourcesSpent : the run ended early; the same call goes on.
    """
    prepared = prepare_batch(
        data, model, warm_start=warm_start, seed=seed, evaluations=evaluations, as_in_file=as_in_file, fom=fom,
        how=how, trust=trust, **overrides,
    )  # fmt: skip
    for notice in open_model(prepared.rules.model).notices:
        progress(Progress("notice", notice, KIND))
    base = Path(out) if out is not None else DEFAULT_BASE
    folder = find_run(base, prepared.name, prepared.identity) if resume else None
    if folder is None:
        source = prepared.rules.model
        inputs = {Path(source.name).name: source.content or b""}
        folder = RunFolder.create(
            base, prepared.name, identity=prepared.identity, config=prepared.config, seed=seed, inputs=inputs
        )
    run = _Run(prepared, folder, progress, should_stop)
    try:
        with _working(folder, workers) as journal:
            if resume:
                run.take_over(journal, base)
            run.work(journal, workers, where, dashboard)
    except MetagenxError:
        with contextlib.suppress(MetagenxError):
            write_batch(folder, answers(folder.replay()))
        raise
    result = write_batch(folder, answers(folder.replay()))
    progress(Progress("finished", result.verdict, KIND, len(prepared.files), result.evaluations, len(prepared.files)))
    return result


def _source(model: Model | Data, trust: bool) -> ProblemSource:
    if isinstance(model, str | PathLike):
        return ProblemSource.from_file(Path(model), trust=trust)
    import tempfile

    from metagenx.genx.file import write

    with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
        path = Path(folder) / f"{model.name}.hgx"
        write(model.file, path)  # without a simulation: a template need not have data
        place = str(model.file.path) if model.file.path else ""
        return replace(ProblemSource.from_file(path, trust=model.trust or trust), place=place)


@contextlib.contextmanager
def _working(folder: RunFolder, workers: int | None) -> Iterator[Journal]:
    """Hold the lock of a run folder; how the session began and ended goes into journal and manifest."""
    with folder.lock(), folder.journal() as journal:
        folder.session_started()
        journal.append(SessionStarted(machine()["host"], os.getpid(), {"machine": machine(), "workers": workers}))
        if journal.dropped:
            journal.append(Notice(f"{journal.dropped} bytes of a torn last line were dropped"))
        state, reason = "failed", ""
        try:
            yield journal
            state = "finished"
        except (KeyboardInterrupt, Interrupted) as error:
            state, reason = "interrupted", "Ctrl-C"
            raise _interrupted(folder) from (error if isinstance(error, KeyboardInterrupt) else None)
        except ResourcesSpent as error:
            state, reason = "spent", error.what
            raise
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            try:
                journal.append(SessionEnded(state, reason))
                folder.session_ended(state, reason)
            except MetagenxError:  # a full disk may not hide why the run ended
                if state == "finished":
                    raise


def _interrupted(folder: RunFolder) -> Interrupted:
    return Interrupted("interrupted", where=str(folder.path), hint=HOW_TO_RESUME)


class _Run:
    """One session of a batch: what is known, what is left, and who hears of it."""

    def __init__(self, prepared: Batch, folder: RunFolder, progress: Listener, should_stop: Callable[[], bool]) -> None:
        self.prepared, self.folder, self.progress, self.should_stop = prepared, folder, progress, should_stop
        self.names = result_names(prepared.files)
        self.numbers = {file.name: number for number, file in enumerate(prepared.files)}
        self.known: dict[str, Answer] = {}
        self.evaluations = 0
        self.interrupted = False

    def take_over(self, journal: Journal, base: Path) -> None:
        """Take the answers of earlier runs by the same rules: only what is new in a folder is fitted."""
        self.known = self._known(journal)
        earlier = earlier_answers(base, self.prepared.name, self.prepared.rules_json, self.folder)
        if not earlier:
            return
        taken = 0
        for chain in self._chains(journal):
            while (key := chain.next_key()) is not None:
                if key not in self.known:
                    if key not in earlier:
                        break  # what follows in a chain is not known either
                    answer, place = earlier[key]
                    self._copy(journal, answer, place)
                    taken += 1
                chain.take(self.known[key])
        if taken:
            journal.append(Notice(f"{taken} files were fitted in an earlier run by the same rules, and taken from it"))
            self._say("notice", f"{taken} files are taken from an earlier run")

    def _copy(self, journal: Journal, answer: Answer, place: Path) -> None:
        """An answer of another run, its model too, with its place in this one."""
        details = {**answer.details, "number": self.numbers[answer.name]}
        fitted = read_bytes(place / str(answer.details["model"]))
        self._write(journal, Answer(answer.name, details, answer.records, fitted))

    def _known(self, journal: Journal) -> dict[str, Answer]:
        found = answers(journal.replay())
        if self.prepared.warm_start:
            return found  # what came after a file whose process died started elsewhere, and stays
        return {key: answer for key, answer in found.items() if not answer.details.get("died")}

    def work(self, journal: Journal, workers: int | None, where: str, dashboard: bool) -> None:
        """Fit what is not known yet; raises what :func:`batch` says."""
        self.known = self._known(journal)
        self.evaluations = sum(r.evaluations for answer in self.known.values() for r in answer.records)
        left = self._chains(journal)
        if not any(chain.is_left for chain in left):
            return
        with (
            interrupts(self._stop),
            ray_session(workers, where=where, log_folder=self.folder.ray, dashboard=dashboard) as session,
        ):
            # Imported here: Ray reads its environment when it is imported, and the session has set it.
            from metagenx.meta.batch_ray import work_on_ray

            self._say("started", session.line)
            work_on_ray(
                [chain for chain in left if chain.is_left],
                self.prepared.rules,
                session,
                write=lambda answer: self._write(journal, answer),
                died=self._died,
                should_stop=self._is_stopping,
            )
        if self.interrupted:
            raise _interrupted(self.folder)

    def _chains(self, journal: Journal) -> list[_Chain]:
        return [
            _Chain(self, files, lambda answer: self._write(journal, answer))
            for files in chains(self.prepared.files, warm_start=self.prepared.warm_start)
        ]

    def _write(self, journal: Journal, answer: Answer) -> None:
        name = self.names[answer.name] if answer.fitted is not None else None
        answer = replace(answer, details={**answer.details, "model": name})
        write_answer(self.folder, journal, answer, name or "")
        self.known[answer.details["key"]] = answer
        self.evaluations += sum(record.evaluations for record in answer.records)
        if answer.best is None:
            self._say("notice", f"{answer.name} failed: {answer.details['reason']}")
        self._say("fits", answer.name)

    def _died(self, job: Job, reason: str) -> Answer:
        return failed(job.number, job.name, key_of(job.name, job.sha256, job.start), reason, died=True)

    def _stop(self) -> None:
        if not self.interrupted:
            self.interrupted = True
            self._say("stopping", "stopping after the running fits; Ctrl-C again stops at once")

    def _is_stopping(self) -> bool:
        if self.should_stop():
            self._stop()
        return self.interrupted

    def _say(self, kind: str, text: str) -> None:
        self.progress(Progress(kind, text, KIND, len(self.known), self.evaluations, len(self.prepared.files)))


class _Chain:
    """Files to be fitted one after the other; each starts where the last good answer before it ended, if warm."""

    def __init__(self, run: _Run, files: Sequence[BatchFile], write: Callable[[Answer], None]) -> None:
        self._run, self._files, self._write = run, deque(files), write
        self._start: tuple[float, ...] | None = None
        self._follows: str | None = None

    def next_key(self) -> str | None:
        """Key of the next answer; None at the end."""
        return key_of(self._files[0].name, self._files[0].sha256, self._start) if self._files else None

    @property
    def is_left(self) -> bool:
        """Whether there is anything to do; passes over what is known."""
        while (key := self.next_key()) is not None and key in self._run.known:
            self.take(self._run.known[key])
        return bool(self._files)

    def next_job(self) -> Job | None:
        """The next file that has to be fitted; those that cannot be read get their answer here."""
        while self.is_left:
            file, number = self._files[0], self._run.numbers[self._files[0].name]
            try:
                if file.unreadable is not None:
                    raise InputError(file.unreadable)
                return Job(number, file.name, file.content(), file.sha256, self._start, self._follows)
            except InputError as error:
                answer = failed(number, file.name, self.next_key() or "", error.what)
                self._write(answer)
                self.take(answer)
        return None

    def take(self, answer: Answer) -> None:
        """The answer to the first file that is left."""
        self._files.popleft()
        if self._run.prepared.warm_start and answer.best is not None:
            self._start, self._follows = answer.best.values, answer.name
