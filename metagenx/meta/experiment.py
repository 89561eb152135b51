"""SIGNATURES (bodies follow): the experiment file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metagenx.meta.space import SearchSpace

DEFAULT_EVALUATIONS = 12_000_000


@dataclass(frozen=True)
class Sample:
    """One measurement that is fitted: ``data`` for a single file, else the stem of its file."""

    name: str
    file: Path


@dataclass(frozen=True)
class Experiment:
    """A validated experiment: everything resolved, nothing left to guess."""

    name: str
    samples: tuple[Sample, ...]
    fom: str | None                 # None: keep the file's
    baseline: str                   # "file" | "genx3"
    space: SearchSpace
    # test.*: repeats, start.perturb, start.of, start.clip, success.fom_within, success.fom_below, max_evaluations
    # tune.*: goal, searcher, trials, rounds, racing, validate
    # budget.*: evaluations, hours;   run.*: workers, where
    test: Any
    tune: Any
    seed: int
    budget: Any
    run: Any
    source: Path | None

    def resolved(self) -> dict[str, Any]: ...
    @property
    def hash(self) -> str: ...


def load_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment: ...
def experiment_for(file: str | Path, overrides: Sequence[str] = ()) -> Experiment: ...  # no YAML: `model: {file: …}`
def experiment_template(summary: Any) -> str: ...
