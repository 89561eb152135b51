"""One file of a batch, fitted: what a worker gets, does, and gives back."""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import MetagenxError
from metagenx.experience.features import features_of_file
from metagenx.experience.rows import Origin
from metagenx.fitting.api import fitted_model
from metagenx.fitting.auto import Strategy, finished, improver, reserved
from metagenx.fitting.error_bars import ErrorBars, error_bars_of, with_spread
from metagenx.fitting.filing import file_runs
from metagenx.fitting.restarts import RestartedFit, Streams, run_restarts
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream
from metagenx.meta.batch_data import AS_DETECTED, DataOptions, model_with
from metagenx.meta.problem_source import ProblemSource
from metagenx.meta.records import BASELINE, FitRecord, number_to_json

if TYPE_CHECKING:
    from metagenx.fitting.problem import FloatArray, Problem
    from metagenx.fitting.run import FitResult
    from metagenx.genx.model import Model

PHASE = "batch"
REACHED, NOT_REACHED, FAILED = "reached", "not reached", "failed"


@dataclass(frozen=True)
class BatchRules:
    """What all fits of a batch share.

    Parameters
    ----------
    model : the GenX file whose data sets are replaced.
    fom : figure of merit instead of the file's own.
    evaluations : FOM evaluations of all restarts of one file together; None: no limit but ``max_runs``.
    max_runs : restarts of one file; None: as many as the evaluations allow.
    agreeing : how many runs must end in the same minimum for it to count as reached.
    how : how data files are read.
    strategy : polish, jumps and patience of ``metagenx fit``; None: plain differential evolution.
    chosen : names of the settings that the strategy must not touch.
    may_end_early : whether the runs of a file may end when they agree, before the evaluations are spent.
    """

    model: ProblemSource
    settings: Settings
    seed: int
    evaluations: int | None
    max_runs: int | None = None
    agreeing: int = 2
    fom: str | None = None
    how: DataOptions = AS_DETECTED
    strategy: Strategy | None = None
    chosen: frozenset[str] = frozenset()
    may_end_early: bool = False


@dataclass(frozen=True)
class Job:
    """One file to be fitted.

    Parameters
    ----------
    number : place in the batch.
    start : values to start from, (n_dim,); None: those of the model's table.
    follows : name of the file that ``start`` is the answer of.
    """

    number: int
    name: str
    content: bytes = field(repr=False)
    sha256: str
    start: tuple[float, ...] | None = None
    follows: str | None = None


@dataclass(frozen=True)
class Answer:
    """What became of a file: numbers for the journal, a record per run, and the fitted model as .hgx.

    ``details`` hold status, reason of failure, notices, what the file contained, and how many runs agree.
    """

    name: str
    details: dict[str, Any]
    records: tuple[FitRecord, ...] = ()
    fitted: bytes | None = field(default=None, repr=False)

    @property
    def best(self) -> FitRecord | None:
        """The run with the lowest FOM; None if no run gave one."""
        return best_record(self.records)

    @property
    def evaluations(self) -> int:
        """FOM evaluations of all runs and of the error bars."""
        bars = self.details.get("error bars") or {}
        return sum(record.evaluations for record in self.records) + int(bars.get("evaluations", 0))


def best_record(records: tuple[FitRecord, ...]) -> FitRecord | None:
    """The record with the lowest FOM, the first of equals; None if no record has one."""
    usable = [record for record in records if np.isfinite(record.fom)]
    return min(usable, key=lambda record: record.fom) if usable else None


def key_of(name: str, sha256: str, start: tuple[float, ...] | None) -> str:
    """What an answer belongs to, beside the rules of its batch: the same key always has the same answer."""
    values = None if start is None else [repr(float(value)) for value in start]
    return hashlib.sha256(json.dumps([name, sha256, values]).encode()).hexdigest()


def failed(number: int, name: str, key: str, reason: str, **more: Any) -> Answer:
    """The answer for a file that could not be fitted, and why."""
    details = {"number": number, "name": name, "key": key, "status": FAILED, "reason": " ".join(reason.split())}
    return Answer(name, {**details, **more})


def fit_file(rules: BatchRules, job: Job) -> Answer:
    """Read a file, put its data into the model, fit. Whatever is wrong with the file is an answer with a reason."""
    key = key_of(job.name, job.sha256, job.start)
    notices: list[str] = []
    described: dict[str, Any] = {"notices": notices, "follows": job.follows}
    try:
        model = model_with(job.name, job.content, rules.model, fom=rules.fom, how=rules.how, notices=notices)
        described["points"] = sum(int(np.isfinite(d.y).sum()) for d in model.data if d.use)
        problem = model.problem()
        settings = rules.settings
        start = problem.start if job.start is None else np.clip(job.start, *np.asarray(problem.bounds).T)

        def streams(run: int) -> tuple[np.random.Generator, np.random.Generator]:
            moves = moves_stream(rules.seed, settings.hash(), job.sha256, run)
            return initial_stream(rules.seed, job.sha256, run), moves

        restarts = _restarts(rules, problem, streams, start)
        records = tuple(_record(job.name, run, result) for run, result in enumerate(restarts.runs))
        named = rules.strategy.as_settings(settings, len(problem.names)) if rules.strategy else settings
        origin, features = Origin("batch", rules.model.name, rules.seed), features_of_file(model.file, rules.fom)
        file_runs(origin, features, restarts.runs, named, sample=job.name)
        if not np.isfinite(restarts.best.fom):
            reason = restarts.best.failure or "no candidate has a figure of merit"
            return Answer(job.name, failed(job.number, job.name, key, reason, **described).details, records)
        bars = with_spread(error_bars_of(problem, restarts.best), restarts.same)
        fitted = _saved(fitted_model(model, restarts.best))
    except MetagenxError as error:
        return failed(job.number, job.name, key, _reason(error, job.name), **described)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return failed(job.number, job.name, key, reason[:500], **described)
    details = {"number": job.number, "name": job.name, "key": key, "reason": "", **described}
    return Answer(job.name, {**details, **_judged(rules, restarts), "error bars": _bars(bars)}, records, fitted)


def _restarts(rules: BatchRules, problem: Problem, streams: Streams, start: FloatArray) -> RestartedFit:
    """The runs of one file: plain ones, or those of the strategy and the last steps of their answer."""
    strategy, settings, budget = rules.strategy, rules.settings, rules.evaluations
    if strategy is None:
        return run_restarts(
            problem, settings, streams=streams, max_evaluations=budget, max_runs=rules.max_runs, start=start
        )
    restarts = run_restarts(
        problem,
        settings,
        streams=streams,
        max_evaluations=None if budget is None else budget - reserved(problem, budget),
        max_runs=rules.max_runs,
        start=start,
        improve_of=lambda run: improver(problem, strategy, run),
        settings_of=lambda run: strategy.settings_of(settings, rules.chosen, run, len(problem.bounds)),
        # Agreement by the error bars of the FOM level, as in the verdict: those cost no evaluations.
        enough=(lambda so_far: strategy.enough(so_far, lambda best: None)) if rules.may_end_early else None,
    )
    of_error_bars = 4 * len(problem.bounds) + 2
    left = None if budget is None else budget - restarts.evaluations - of_error_bars
    best = finished(problem, restarts.best, left)
    return replace(restarts, runs=tuple(best if run is restarts.best else run for run in restarts.runs))


def _reason(error: MetagenxError, name: str) -> str:
    """What is wrong, and where if that is more than the file itself."""
    is_known = not error.where or error.where in (name, Path(name).name)
    return error.what if is_known else f"{error.where}: {error.what}"


def _saved(model: Model) -> bytes:
    with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
        return model.save(Path(folder) / "fitted.hgx").read_bytes()


def _judged(rules: BatchRules, restarts: RestartedFit) -> dict[str, Any]:
    """Whether the answer can be trusted as far as one batch can tell, and why."""
    complete, same = len(restarts.complete), restarts.n_same
    if complete >= 2:
        verdict = f"{same} of {complete} runs ended in the same minimum"
    elif complete == 1:
        verdict = "one run, so nothing says whether this is the best minimum"
    else:
        verdict = "stopped before a run had ended by itself"
    last = restarts.runs[-1]
    if last.failure:
        verdict += f"; the last run failed: {last.failure}"
    limits = [
        f"{name} at its {limit}"
        for name, limit in zip(restarts.best.names, restarts.best.at_limit, strict=True)
        if limit
    ]
    return {
        "status": REACHED if same >= rules.agreeing else NOT_REACHED,
        "verdict": "; ".join([verdict, *limits]),
        "runs": len(restarts.runs),
        "complete": complete,
        "same": same,
    }


def _bars(bars: ErrorBars) -> dict[str, Any]:
    """The error bars of a file, of each kind one number per parameter; see `error_bars.KINDS`."""
    covariance = bars.covariance
    unknown = np.full(len(bars.values), np.nan)
    level = np.maximum(-bars.level_low, bars.level_high)
    return {
        "covariance": [number_to_json(float(e)) for e in (unknown if covariance is None else covariance.errors)],
        "FOM level": [number_to_json(float(error)) for error in level],
        "spread": [number_to_json(float(error)) for error in bars.spread],
        "runs in spread": bars.n_runs,
        "notes": bars.notes,
        "evaluations": bars.evaluations,
    }


def _record(name: str, run: int, result: FitResult) -> FitRecord:
    errors = np.maximum(-result.error_low, result.error_high)
    return FitRecord(
        phase=PHASE,
        setting=BASELINE,
        sample=name,
        repeat=run,
        fom=float(result.fom),
        values=tuple(map(float, result.values)),
        evaluations=int(result.evaluations),
        generations=int(result.generations),
        stop=result.stop,
        seconds=float(result.seconds),
        trace=tuple((int(evaluations), float(fom)) for evaluations, fom in result.trace),
        failure=result.failure,
        host=platform.node(),
        errors=tuple(map(float, errors)),
    )
