"""What a tuner profile is judged by: tuning tasks that are replayed, and what its answers are worth.

A task is a whole tuning run: a family of samples, a budget in evaluations, a number that decides proposals and runs.
Its value is log10 ERT of the returned settings less log10 ERT of the default, the truth of the benchmark: below 0 the
tuner has helped, above 0 it did harm. A profile's score is the mean over families of the area of that curve over log
budget, divided by its width: decades, as all scores.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metagenx.errors import MetagenxError
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.tuner_settings import TunerSettings

HELD_OUT = 1  # samples of a family, the last ones, that only the validation of a task sees

Tasks = tuple["TuningTask", ...]


@dataclass(frozen=True, order=True)
class TuningTask:
    """One tuning run: on the samples of a family, with a budget in evaluations; ``number`` is its seed."""

    family: str
    budget: int
    number: int

    @property
    def key(self) -> str:
        """As text, for the journal."""
        return f"{self.family} {self.budget} {self.number}"


def tasks_of(families: Sequence[str], budgets: Sequence[int], numbers: Sequence[int]) -> Tasks:
    """All tasks of some families and budgets, in the order of their numbers."""
    return tuple(TuningTask(f, b, n) for n in numbers for f in families for b in budgets)


def only(benchmark: TabularBenchmark, family: str) -> TabularBenchmark:
    """The benchmark of one family."""
    return dataclasses.replace(
        benchmark,
        samples={family: benchmark.samples[family]},
        n_dims={family: benchmark.n_dims[family]},
        landscapes={family: benchmark.landscapes[family]},
        _known={},
    )


def replay(benchmark: TabularBenchmark, tuner: TunerSettings, task: TuningTask) -> float:
    """The value of a task, in decades; see the module. Inf if this tuner cannot run."""
    from metagenx.meta.replayed_tuning import tune_replayed

    samples = benchmark.samples[task.family]
    searched, held_out = samples[:-HELD_OUT], samples[-HELD_OUT:]
    try:
        answer = tune_replayed(benchmark, task.budget, task.number, tuner=tuner, samples=searched, held_out=held_out)
    except MetagenxError:
        return math.inf
    return benchmark.score(answer.settings, samples) - benchmark.score(benchmark.default, samples)


def weights(budgets: Sequence[int]) -> dict[int, float]:
    """Weight of each budget in the area over log budget (trapezoids), all together 1."""
    ordered = sorted(set(budgets))
    if len(ordered) == 1:
        return {ordered[0]: 1.0}
    places = np.log(np.array(ordered, dtype=float))
    widths = np.zeros(len(ordered))
    widths[:-1] += np.diff(places) / 2.0
    widths[1:] += np.diff(places) / 2.0
    return dict(zip(ordered, (widths / widths.sum()).tolist(), strict=True))


def areas(values: Mapping[TuningTask, float]) -> dict[tuple[str, int], float]:
    """The area of each (family, number) of which all budgets are there."""
    share = weights([task.budget for task in values])
    found: dict[tuple[str, int], dict[int, float]] = {}
    for task, value in values.items():
        found.setdefault((task.family, task.number), {})[task.budget] = value
    return {
        key: sum(share[budget] * value for budget, value in curve.items())
        for key, curve in sorted(found.items())
        if len(curve) == len(share)
    }


def score(values: Mapping[TuningTask, float]) -> float:
    """Mean over families of the mean area: each family counts the same; inf without values."""
    by_family: dict[str, list[float]] = {}
    for (family, _), area in areas(values).items():
        by_family.setdefault(family, []).append(area)
    return float(np.mean([np.mean(found) for found in by_family.values()])) if by_family else math.inf
