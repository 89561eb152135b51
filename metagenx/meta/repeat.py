"""``metagenx.repeat``: do independent fits end at the same answer? The question of 2014, made precise."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, MetagenxError
from metagenx.experience.rows import Origin
from metagenx.fitting import streams
from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.blocks import FIRST_REPEAT, Block, StartRule
from metagenx.meta.campaign import Campaign
from metagenx.meta.filing import file_records
from metagenx.meta.minima import Minimum, find_minima, spread
from metagenx.meta.objective import Contender, best_known
from metagenx.meta.outcome import save_run, write_best, write_fits
from metagenx.meta.preparation import Problems, file_settings
from metagenx.meta.problem_source import ProblemSource, open_model, open_problem
from metagenx.meta.progress import Listener, Progress, silent
from metagenx.meta.race_rules import Decision
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.meta.statistics import BestKnown, Interval, Target
from metagenx.runs import DEFAULT_BASE, RunFolder, find_run, write_table
from metagenx.runs.folder import data_copy

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.genx.loaders import DataRequest
    from metagenx.genx.model import Model

SAMPLE = "data"
OF = ("fitted", "all")


@dataclass
class Repeats:
    """The plan of a robustness test: one round, one setting, ``n`` fits."""

    contender: Contender
    n: int
    best: dict[str, BestKnown] = field(default_factory=dict)
    finished: bool = False
    round: int = 0
    stage: str = "repeat"

    @property
    def blocks(self) -> list[Block]:
        """All fits in one block."""
        first = FIRST_REPEAT["repeat"]
        return [Block("repeat", self.contender.name, SAMPLE, tuple(range(first, first + self.n)))]

    @property
    def contenders(self) -> dict[str, Contender]:
        """The one setting."""
        return {self.contender.name: self.contender}

    def may_return(self, setting: str) -> bool:
        """There is no later round."""
        return False

    def foreseen(self, setting: str, sample: str) -> float:
        """All fits are alike."""
        return 1.0

    def complete(self, records: Sequence[FitRecord], *, out_of_time: bool = False) -> Decision:
        """The end."""
        self.best, self.finished = best_known(records, self.best), True
        return Decision(
            round=self.round,
            stage=self.stage,
            evaluations=sum(record.evaluations for record in records),
            best={sample: known.fom for sample, known in self.best.items()},
            incumbent=self.contender.name,
            left={},
        )


@dataclass(frozen=True)
class RepeatResult:
    """What independent fits of one model found.

    Parameters
    ----------
    table : one row per fit: FOM, success, evaluations, reason of stop, all parameters; ``repeats.csv``.
    parameters : spread of every parameter, over the fits that reached the best minimum and over all.
    minima : the places where fits ended, the best first.
    rate : share of the fits that ended in the right basin, with its 95 % interval.
    time : expected evaluations until a fit does.
    notices : what a user should know about how this was measured.
    """

    folder: RunFolder
    table: pd.DataFrame
    parameters: pd.DataFrame
    minima: tuple[Minimum, ...]
    rate: Interval
    time: Interval
    records: tuple[FitRecord, ...]
    settings: Settings
    notices: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The answer in one line."""
        n, failed = len(self.records), sum(record.failure is not None for record in self.records)
        if not self.minima:
            return f"none of {n} fits gave a figure of merit: {self.records[0].failure}"
        hits = round(self.rate.estimate * n)
        line = (
            f"{hits} of {n} fits ({100 * self.rate.estimate:.0f} %, 95 % interval {100 * self.rate.low:.0f} to "
            f"{100 * self.rate.high:.0f} %) ended in the best minimum, FOM {self.minima[0].fom:.6g}"
        )
        if len(self.minima) > 1:
            second = self.minima[1]
            line += (
                f"; {len(self.minima) - 1} other place{'s' if len(self.minima) > 2 else ''}, the next best FOM "
                f"{second.fom:.6g} ({len(second.repeats)} fits)"
            )
        return line + (f"; {failed} fits failed" if failed else "")

    @property
    def reached(self) -> bool:
        """Whether at least two fits agree on the best minimum: one alone proves nothing."""
        return bool(self.minima) and round(self.rate.estimate * len(self.records)) >= 2

    def save(self, path: str | PathLike[str]) -> Path:
        """Copy the results: the best fit to a ``.hgx``, or all files to a folder; raises InputError."""
        return save_run(self.folder, Path(path))


def repeat(
    model: Model | str | PathLike[str],
    n: int = 50,
    perturb: float = 0.10,
    of: str = "fitted",
    *,
    seed: int = 0,
    settings: Settings | None = None,
    as_in_file: bool = False,
    out: str | PathLike[str] | None = None,
    workers: int | None = None,
    where: str = "local",
    resume: bool = True,
    trust: bool = False,
    data: Sequence[DataRequest] = (),
    progress: Listener = silent,
    should_stop: Callable[[], bool] = lambda: False,
    dashboard: bool = True,
    **overrides: Any,
) -> RepeatResult:
    """Fit a model ``n`` times, independently, each from a perturbed start and a population of its own.

    Parameters
    ----------
    model : from ``metagenx.load``, a .hgx or .gx file, or ``file.py:name`` for any Python problem.
    n : number of fits.
    perturb : start values are multiplied by a random number of 1 ± this.
    of : ``fitted`` moves the rows that are fitted, inside their limits. ``all`` moves every row of the table, as in
        2014: those that are not fitted change the model itself, so the fits are not of the same problem.
    settings : instead of those in the file; ``overrides`` are single ones, e.g. ``km=0.5``.
    as_in_file : fits end where GenX's would; else also when they have stagnated.
    out, workers, resume, trust, data, progress, should_stop, dashboard : see :func:`metagenx.tune`.

    Raises
    ------
    InputError : a mistake in the arguments, the file or its script; another driver works in the folder.
    Interrupted, ResourcesSpent : the run ended early; the same call goes on.
    """
    _check(n, perturb, of)
    source, inputs = source_with_data(_source(model, trust), data, progress)
    problems = Problems({SAMPLE: source}, {SAMPLE: open_problem(source)})
    chosen = settings or file_settings(problems.sources)[0]
    if not as_in_file and settings is None:
        chosen = chosen.replace(use_stagnation=True)
    chosen = chosen.replace(**overrides)
    start = StartRule(perturb, True, of)
    config = {"n": n, "perturb": perturb, "of": of, "seed": seed, "settings": json.loads(chosen.key())}
    if data:
        config["data"] = [
            {**request.to_json(), "sha256": hashlib.sha256(content).hexdigest()}
            for request, content in zip(data, inputs.values(), strict=True)
        ]
    folder = _folder(out, source, config, seed, resume, inputs)
    rounds = Repeats(Contender(BASELINE, chosen, "file"), n, best={} if of == "all" else problems.best())
    campaign = Campaign(
        rounds,
        folder,
        problems.sources,
        seed,
        start,
        _name(source),
        progress,
        best=lambda: rounds.best,
        workers=workers,
        where=where,
        dashboard=dashboard,
        budget=n,
        should_stop=should_stop,
    )
    try:
        campaign.run()
    except MetagenxError:
        with contextlib.suppress(MetagenxError):
            write_fits(folder, problems, campaign.records, rounds.best, Target(), seed=seed)
        raise
    finally:
        if of == "fitted":  # else every fit is of a model of its own
            origin = Origin("repeat", _name(source), seed)
            file_records(origin, problems, campaign.new_records, rounds.contenders, rounds.best, progress)
    result = repeat_result(folder, problems, campaign.records, rounds, seed, notices_of(of, as_in_file, perturb))
    progress(Progress("finished", result.verdict, "repeat", n, sum(r.evaluations for r in campaign.records), n))
    return result


def _check(n: int, perturb: float, of: str) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InputError(f"n is {n!r}, it must be a whole number of fits, at least 1")
    if not (isinstance(perturb, int | float) and 0.0 <= perturb <= 10.0):
        raise InputError(f"perturb is {perturb!r}, it must be between 0 and 10 (0.1 is 10 %)")
    if of not in OF:
        raise InputError(f"of is {of!r}, it must be one of {', '.join(OF)}")


def _source(model: Model | str | PathLike[str], trust: bool) -> ProblemSource:
    if not isinstance(model, str | PathLike):
        with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
            path = model.save(Path(folder) / f"{model.name}.hgx")
            return ProblemSource.from_file(path, trust=model.trust or trust)
    if ".py:" in str(model):
        return ProblemSource.from_function(str(model))
    return ProblemSource.from_file(Path(model), trust=trust)


def source_with_data(
    source: ProblemSource, data: Sequence[DataRequest], progress: Listener = silent
) -> tuple[ProblemSource, dict[str, bytes]]:
    """The source with new measurements in its model, and the data files by the names of their copies.

    Raises
    ------
    InputError : the data cannot be read, or do not fit; the problem is no GenX file.
    """
    if not data:
        return source, {}
    if source.is_function:
        raise InputError("new data are for a GenX file, not for a Python problem", where=source.name)
    from metagenx.genx.loaders import put_data

    new = put_data(open_model(source), data)
    for sentence in (*new.said, *new.notices):
        progress(Progress("notice", sentence))
    inputs: dict[str, bytes] = {}
    for request in data:
        content = request.path.read_bytes()
        name = data_copy(request.path.name, hashlib.sha256(content).hexdigest(), {source.name: b"", **inputs})
        inputs[name] = content
    return ProblemSource.from_model(new.model, source.name, fom=source.fom, place=source.place), inputs


def _folder(
    out: str | PathLike[str] | None,
    source: ProblemSource,
    config: dict[str, Any],
    seed: int,
    resume: bool,
    copies: dict[str, bytes],
) -> RunFolder:
    content = hashlib.sha256(source.content or source.name.encode()).hexdigest()
    settings = {key: value for key, value in config.items() if key != "data"}  # they are in the content
    identity = hashlib.sha256(json.dumps(["repeat", content, source.function, settings]).encode()).hexdigest()
    base, name = Path(out) if out is not None else DEFAULT_BASE, f"{_name(source)}-repeat"
    found = find_run(base, name, identity) if resume else None
    inputs = {Path(source.name.rpartition(":")[0] or source.name).name: source.content or b"", **copies}
    return found or RunFolder.create(base, name, identity=identity, config=config, seed=seed, inputs=inputs)


def _name(source: ProblemSource) -> str:
    place = source.name.rpartition(":")[0] or source.name
    return re.sub(r"[^\w.+-]+", "-", Path(place).stem).strip("-. ")[:56] or "model"


def notices_of(of: str, as_in_file: bool, perturb: float) -> tuple[str, ...]:
    """What a user should know about how the fits were made."""
    found = []
    if of == "all":
        found.append(
            "of=all multiplies the rows that are not fitted too, as in 2014: every fit is of a slightly different "
            "model, and the spread of FOMs and parameters contains that difference"
        )
    if perturb > 0:
        found.append(
            "a perturbed start is one member of the population; the others are drawn inside the bounds, so most of "
            "the spread comes from them"
        )
    if not as_in_file:
        found.append("a fit also ends when it has stagnated; as_in_file runs it to the end, as GenX does")
    return tuple(found)


def repeat_result(
    folder: RunFolder,
    problems: Problems,
    records: Sequence[FitRecord],
    rounds: Repeats,
    seed: int,
    notices: tuple[str, ...],
) -> RepeatResult:
    """Judge the fits of a plan, and write everything in the folder but the report."""
    problem, settings, target = problems.problems[SAMPLE], rounds.contender.settings, Target()
    minima = find_minima(records, problem.bounds)
    parameters = spread(records, problem.names, minima[0].repeats if minima else ())
    known = rounds.best.get(SAMPLE, BestKnown(math.nan, ()))
    runs = statistics.score(records, known, target)
    rate = statistics.wilson(runs.successes, len(records))
    time = statistics.ert_interval(runs, streams.stream(seed, "repeat time"))
    table = write_fits(folder, problems, records, rounds.best, target, seed=seed)
    write_best(folder, problems, records, settings)
    write_table(folder.spread, parameters)
    result = RepeatResult(folder, table, parameters, tuple(minima), rate, time, tuple(records), settings, notices)
    folder.write_json(
        folder.verdict,
        {
            "answer": "repeat",
            "line": result.verdict,
            "reached": result.reached,
            "fits": len(records),
            "success_rate": rate.to_json(),
            "expected_evaluations": time.to_json(),
            "best_fom": known.fom,
            "minima": [minimum.to_json() for minimum in minima],
            "parameters": list(problem.names),
            "notices": list(notices),
            "seed": seed,
        },
    )
    return result
