"""What a scientist records of every fit: the columns that ``record(fit)`` of his tests file adds to ``repeats.csv``.

They are made when the table is written, from the fits in the journal: a ``record`` that was changed gives its new
columns when the same command is started again, and nothing is fitted a second time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, ScriptError
from metagenx.fitting.settings import Settings
from metagenx.meta.problem_source import ProblemSource, open_model
from metagenx.meta.records import BASELINE, FitRecord
from metagenx.meta.statistics import BestKnown, Target
from metagenx.meta.tests_file import failed, record_of
from metagenx.runs.files import write_atomically

if TYPE_CHECKING:
    from metagenx.genx.model import Model
    from metagenx.meta.preparation import Preparation, Problems
    from metagenx.runs.folder import RunFolder

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class RecordFile:
    """A tests file with a function ``record``: where it is, and the SHA-256 of its content."""

    file: Path
    sha256: str


def record_file(path: Path) -> RecordFile | None:
    """The tests file at ``path``, which is trusted, if it records anything."""
    return RecordFile(path, hashlib.sha256(path.read_bytes()).hexdigest()) if record_of(path) else None


@dataclass(frozen=True)
class RecordedFit:
    """One fit, as ``record`` gets it; ``fit["Film.setD"]`` is the value of a fitted parameter.

    Parameters
    ----------
    values : fitted parameter → value.
    settings : of differential evolution.
    success : whether it reached the target; ``evaluations_to_success`` when it did, else None.
    trace : every improvement as (evaluations, FOM).
    failure : why it failed, if it did; its values are then missing.
    """

    phase: str
    setting: str
    sample: str
    repeat: int
    fom: float
    values: Mapping[str, float]
    settings: Settings
    success: bool
    evaluations_to_success: int | None
    evaluations: int
    generations: int
    stop: str
    seconds: float
    trace: tuple[tuple[int, float], ...]
    failure: str | None
    source: ProblemSource

    def __getitem__(self, parameter: str) -> float:
        """The value of a fitted parameter; raises KeyError with the names that there are."""
        if parameter not in self.values:
            raise KeyError(f"{parameter} is not fitted; fitted are {', '.join(self.values) or 'none, for it failed'}")
        return self.values[parameter]

    @cached_property
    def model(self) -> Model | None:
        """The GenX model with the values of this fit, to simulate; None for a Python problem."""
        return None if self.source.is_function else open_model(self.source).with_values(dict(self.values))


class Recorder:
    """Adds the columns of ``record`` to the fits of a run.

    Parameters
    ----------
    settings : setting id → settings.

    Attributes
    ----------
    failures : fits for which it failed, and the first reason.
    """

    def __init__(
        self,
        source: RecordFile,
        problems: Problems,
        settings: Mapping[str, Settings],
        best: Mapping[str, BestKnown],
        target: Target,
    ) -> None:
        self._file, self._problems, self._settings = source.file, problems, settings
        self._best, self._target = best, target
        self._record: Callable[[RecordedFit], Any] | None = record_of(source.file)
        self.failures = 0
        self.first_failure: ScriptError | None = None

    def __call__(self, record: FitRecord) -> dict[str, Cell]:
        """The cells of one fit; empty where ``record`` fails, which is counted."""
        try:
            return self.cells(record)
        except ScriptError as error:
            self.failures += 1
            self.first_failure = self.first_failure or error
            return {}

    def cells(self, record: FitRecord) -> dict[str, Cell]:
        """The cells of one fit; raises ScriptError where ``record`` fails or gives no cells."""
        if self._record is None:
            return {}
        try:
            return _cells(self._record(self._fit(record)))
        except (Exception, SystemExit) as error:
            raise failed(self._file, error) from None

    def notice(self, n_fits: int) -> str | None:
        """What a user should know, if it failed for some fits."""
        if self.first_failure is None:
            return None
        first = f"{self.first_failure.where}: {self.first_failure.what}"
        return f"record() failed for {self.failures} of {n_fits} fits, whose columns stay empty; {first}"

    def _fit(self, record: FitRecord) -> RecordedFit:
        known = self._best.get(record.sample)
        time = None if known is None else self._target.hit_time(record, known)
        names = self._problems.problems[record.sample].names
        return RecordedFit(
            phase=record.phase,
            setting=record.setting,
            sample=record.sample,
            repeat=record.repeat,
            fom=record.fom,
            values=dict(zip(names, record.values, strict=False)),
            settings=self._settings[record.setting],
            success=time is not None,
            evaluations_to_success=time,
            evaluations=record.evaluations,
            generations=record.generations,
            stop=record.stop,
            seconds=record.seconds,
            trace=record.trace,
            failure=record.failure,
            source=self._problems.sources[record.sample],
        )


def try_record(source: RecordFile, preparation: Preparation) -> None:
    """Try ``record`` on the start values of the user's samples, before anything is fitted.

    Raises
    ------
    InputError : it fails there, or names a column that ``repeats.csv`` has already.
    """
    best, settings = preparation.best(), {BASELINE: preparation.baseline}
    recorder = Recorder(source, preparation, settings, best, preparation.experiment.target)
    for sample in preparation.real:
        problem = preparation.problems[sample]
        start = tuple(map(float, problem.start))
        fom = float(problem.evaluate(problem.start[None])[0])
        trace = ((1, fom),) if math.isfinite(fom) else ()
        made_up = FitRecord("search", BASELINE, sample, 0, fom, start, 1, 0, "generations", 0.0, trace)
        taken = {*OWN_COLUMNS, *problem.names}
        for name in recorder.cells(made_up):
            if name in taken:
                raise InputError(
                    f"record() gives a column {name!r}, which repeats.csv has already",
                    where=str(source.file),
                    hint="Call it something else.",
                )


def keep_record_file(folder: RunFolder, source: RecordFile) -> None:
    """Keep the tests file of now beside the inputs of a run that is gone on with, for its tables are made by it."""
    manifest = folder.manifest()
    if manifest["config"].get("record", {}).get("sha256") == source.sha256:
        return
    with folder.lock():
        write_atomically(folder.inputs / source.file.name, source.file.read_bytes())
        described = {"file": str(source.file), "sha256": source.sha256}
        folder.update_manifest(config={**manifest["config"], "record": described})


OWN_COLUMNS = (
    "phase", "setting", "sample", "repeat", "seed", "FOM", "success", "evaluations to success", "evaluations",
    "generations", "stop", "failure", "seconds", "host",
)  # fmt: skip


def _cells(found: Any) -> dict[str, Cell]:
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise TypeError(f"record() must give a dictionary, not a {type(found).__name__}")
    cells: dict[str, Cell] = {}
    for name, value in found.items():
        plain = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
        if not (plain is None or isinstance(plain, str | int | float | bool)):
            raise TypeError(f"record() gives a {type(value).__name__} as {name!r}; a cell is a number, text, or None")
        cells[str(name)] = plain
    return cells
