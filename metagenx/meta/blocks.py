"""The unit of work: a block of fits of one setting on one sample, and how a worker does it.

A block ends by a rule that needs nothing but its own fits, so the same fits are run wherever and in whatever
order the blocks are done, and a block that was cut short goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.fitting import streams
from metagenx.fitting.problem import Problem
from metagenx.fitting.run import FitResult, run_fit
from metagenx.fitting.settings import Settings
from metagenx.fitting.tuned_runs import improver_of_run, settings_of_run
from metagenx.meta.problem_source import ProblemSource, open_model, open_problem
from metagenx.meta.records import FitRecord

FIRST_REPEAT = {"search": 0, "confirmation": 100_000, "validation": 200_000, "repeat": 0}
"""First repeat number of each phase; so no fit of one phase shares its random numbers with another's."""


@dataclass(frozen=True)
class Block:
    """Fits with the numbers ``repeats`` of one setting on one sample in one phase.

    The block ends when all are done, or after the fit that brings their evaluations to ``evaluations``,
    whichever comes first. A fit that failed without an evaluation counts as one eighth of ``evaluations``, so
    a setting that cannot run ends its blocks too.
    """

    phase: str
    setting: str
    sample: str
    repeats: tuple[int, ...]
    evaluations: int | None = None

    @property
    def first(self) -> int:
        """Number of the next fit."""
        return self.repeats[0]

    def after(self, record: FitRecord) -> Block | None:
        """What is left of the block when its next fit is done; None at the end."""
        assert record.key == (self.phase, self.setting, self.sample, self.first), (record.key, self)
        left = None
        if self.evaluations is not None:
            spent = record.evaluations or -(-self.evaluations // 8)
            left = self.evaluations - spent
        if len(self.repeats) <= 1 or (left is not None and left <= 0):
            return None
        return dataclasses.replace(self, repeats=self.repeats[1:], evaluations=left)

    def without(self, done: Mapping[tuple[str, str, str, int], FitRecord]) -> Block | None:
        """What is left of the block when some of its fits are done already, by :attr:`FitRecord.key`."""
        keys = {repeat: (self.phase, self.setting, self.sample, repeat) for repeat in self.repeats}
        if self.evaluations is None:
            missing = tuple(repeat for repeat, key in keys.items() if key not in done)
            return dataclasses.replace(self, repeats=missing) if missing else None
        left: Block | None = self
        while left is not None and keys[left.first] in done:
            left = left.after(done[keys[left.first]])
        return left

    def records(self, done: Mapping[tuple[str, str, str, int], FitRecord]) -> list[FitRecord]:
        """The block's own records among all that are done, in its order."""
        found = []
        left: Block | None = self
        while left is not None:
            found.append(done[self.phase, self.setting, self.sample, left.first])
            left = left.after(found[-1])
        return found

    def slices(self, count: int) -> list[Block]:
        """The block cut into up to ``count`` blocks that can be done side by side.

        A block with a limit on its evaluations is a sequence and cannot be cut.
        """
        if self.evaluations is not None:
            return [self]
        count = max(1, min(count, len(self.repeats)))
        return [dataclasses.replace(self, repeats=self.repeats[i::count]) for i in range(count)]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Block:
        """Inverse of :meth:`to_json`."""
        return cls(**{**data, "repeats": tuple(data["repeats"])})

    def __str__(self) -> str:
        last = f"–{self.repeats[-1]}" if self.evaluations is None and len(self.repeats) > 1 else ""
        return f"{self.sample} {self.setting} {self.phase} fit {self.first}{last}"


@dataclass(frozen=True)
class StartRule:
    """Where a fit starts: each value of the file multiplied by a random number of 1 ± ``perturb``.

    A value of zero moves by up to ``perturb`` of the width of its bounds. With ``clip`` the start stays inside the
    bounds. ``of`` is ``fitted``, or ``all`` as in 2014: the rows that are not fitted move as well, so the model itself
    changes from fit to fit (there, zeros do not move).
    """

    perturb: float = 0.0
    clip: bool = True
    of: str = "fitted"

    def start(self, problem: Problem, rng: np.random.Generator) -> np.ndarray:
        """The start of one fit, (n_dim,), in the units of the parameters."""
        start, bounds = np.asarray(problem.start, dtype=float), np.asarray(problem.bounds, dtype=float)
        scale = np.where(start != 0.0, np.abs(start), bounds[:, 1] - bounds[:, 0])
        moved = start + self.perturb * scale * rng.uniform(-1.0, 1.0, size=len(start))
        return np.asarray(np.clip(moved, bounds[:, 0], bounds[:, 1]) if self.clip else moved)


_AS_IT_STANDS = StartRule()


def changed_problem(source: ProblemSource, perturb: float, rng: np.random.Generator) -> Problem:
    """A GenX model with every row of its table that is not fitted multiplied by a random number of 1 ± ``perturb``."""
    model = open_model(source)
    fixed = [row for row in model.file.table if row.name.strip() and not row.fit]
    factors = 1.0 + perturb * rng.uniform(-1.0, 1.0, size=len(fixed))
    values = {row.name: float(row.value * factor) for row, factor in zip(fixed, factors, strict=True)}
    return model.with_values(values).problem(fom=source.fom) if values else open_problem(source)


def run_one(
    block: Block, source: ProblemSource, settings: Settings, *, seed: int, start: StartRule = _AS_IT_STANDS
) -> FitRecord:
    """The first fit of a block. Whatever goes wrong in it is a record with a reason."""
    sample, repeat = block.sample, block.first
    key: dict[str, Any] = {
        "phase": block.phase,
        "setting": block.setting,
        "sample": sample,
        "repeat": repeat,
        "host": platform.node(),
    }
    try:
        rng = streams.start_stream(seed, sample, repeat)
        problem = open_problem(source)
        first = start.start(problem, rng)
        if start.of == "all" and not source.is_function:
            problem = changed_problem(source, start.perturb, rng)
        run = repeat - FIRST_REPEAT[block.phase]
        result = run_fit(
            problem,
            settings_of_run(settings, run),
            initial=streams.initial_stream(seed, sample, repeat),
            moves=streams.moves_stream(seed, settings.hash(), sample, repeat),
            start=first,
            improve=improver_of_run(problem, settings, run),
        )
    except Exception as error:
        return FitRecord(**key, **_nothing(f"{type(error).__name__}: {error}"))
    return FitRecord(**key, **_outcome(result))


def _outcome(result: FitResult) -> Mapping[str, Any]:
    errors = np.maximum(-result.error_low, result.error_high)
    return {
        "fom": float(result.fom),
        "values": tuple(float(value) for value in result.values),
        "evaluations": int(result.evaluations),
        "generations": int(result.generations),
        "stop": result.stop,
        "seconds": float(result.seconds),
        "trace": tuple((int(evaluations), float(fom)) for evaluations, fom in result.trace),
        "failure": result.failure,
        "errors": tuple(float(error) for error in errors),
    }


def _nothing(failure: str) -> Mapping[str, Any]:
    return {
        "fom": float("nan"),
        "values": (),
        "evaluations": 0,
        "generations": 0,
        "stop": "failed",
        "seconds": 0.0,
        "trace": (),
        "failure": failure,
    }
