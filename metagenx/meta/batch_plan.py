"""What ``metagenx batch`` would do, and how long it would take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError, MetagenxError
from metagenx.fitting import streams
from metagenx.meta.batch_data import model_with
from metagenx.meta.batch_files import chains
from metagenx.meta.ray_session import cores

if TYPE_CHECKING:
    from metagenx.fitting.problem import Problem
    from metagenx.meta.batch import Batch

START_UP_SECONDS = 15.0
TIMING_SECONDS = 0.5


def options_of_batch(
    texts: Sequence[str], scheme: str | None, workers: int | None, where: str
) -> tuple[dict[str, Any], int | None, str]:
    """(settings of the fits, workers, where) of a command line: ``run.workers`` and ``run.where`` as in an experiment.

    Raises
    ------
    ConfigError, InputError : mistakes in ``--set``.
    """
    from metagenx.fitting.settings import overrides_from_text

    others = []
    for text in texts:
        key, _, value = (part.strip() for part in text.partition("="))
        if key == "run.where":
            where = value
        elif key == "run.workers":
            if not value.isdecimal() or int(value) < 1:
                raise InputError(f"run.workers is {value!r}, it must be a whole number of at least 1", where="--set")
            workers = int(value)
        else:
            others.append(text)
    changes = overrides_from_text(others)
    if scheme:
        changes["create_trial"] = scheme
    return changes, workers, where


@dataclass(frozen=True)
class BatchPlan:
    """A plan, for ``--dry-run``: all files were read, one was simulated to see how long that takes.

    ``unreadable`` has the reason for each file that would be a failed row; ``seconds`` are at the most, and None if no
    file can be fitted.
    """

    files: tuple[str, ...]
    unreadable: dict[str, str]
    notices: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...]
    evaluations: int
    seconds: float | None
    workers: int
    warm_start: bool

    @property
    def text(self) -> str:
        """The plan in words."""
        n, bad = len(self.files), len(self.unreadable)
        lines = [f"{n} file{'s' if n != 1 else ''}, {n - bad} of them can be fitted"]
        lines += [f"  {name}: {reason}" for name, reason in self.unreadable.items()]
        lines += [f"  {name}: {text}" for name, texts in self.notices.items() for text in texts]
        if self.left_out:
            lines.append(f"left out, no data by their names: {', '.join(self.left_out)}")
        if self.seconds is not None:
            duration = f"{self.seconds:.0f} s" if self.seconds < 90 else f"{self.seconds / 60:.0f} min"
            how = "each from the answer before it" if self.warm_start else "independently"
            lines.append(
                f"at the most {self.evaluations:,} evaluations a file, {how}: at the most {duration} on {self.workers} "
                f"worker{'s' if self.workers != 1 else ''}"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "text": self.text}


def plan_batch(prepared: Batch, workers: int | None = None) -> BatchPlan:
    """Read every file, and time the model of the first that can be fitted."""
    unreadable: dict[str, str] = {}
    heard: dict[str, tuple[str, ...]] = {}
    pace: float | None = None
    rules = prepared.rules
    for file in prepared.files:
        notices: list[str] = []
        if file.unreadable is not None:
            unreadable[file.name] = file.unreadable
            continue
        try:
            model = model_with(file.name, file.content(), rules.model, fom=rules.fom, how=rules.how, notices=notices)
            if pace is None:
                pace = _seconds_per_evaluation(model.problem(), rules.settings.population_size)
        except MetagenxError as error:
            unreadable[file.name] = error.what
        if notices:
            heard[file.name] = tuple(notices)
    side_by_side = len(chains(prepared.files, warm_start=prepared.warm_start))
    used = max(1, min(workers or cores(), side_by_side))
    evaluations = rules.evaluations or 0
    usable = len(prepared.files) - len(unreadable)
    seconds = None if pace is None else usable * evaluations * pace / used + START_UP_SECONDS
    return BatchPlan(
        tuple(file.name for file in prepared.files),
        unreadable,
        heard,
        prepared.left_out,
        evaluations,
        seconds,
        used,
        prepared.warm_start,
    )


def _seconds_per_evaluation(problem: Problem, population_size: Callable[[int], int]) -> float:
    low, high = np.asarray(problem.bounds).T
    size = population_size(len(low))
    vectors = low + (high - low) * streams.stream(0, "plan").random((size, len(low)))
    problem.evaluate(vectors)  # compiles what is not compiled yet
    begun, n = time.perf_counter(), 0
    while n < 1 or time.perf_counter() - begun < TIMING_SECONDS:
        problem.evaluate(vectors)
        n += 1
    return (time.perf_counter() - begun) / (n * size)
