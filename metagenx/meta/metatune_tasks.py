"""What a tuner profile is judged by: replayed tuning runs, and how soon they hold good settings to be the best.

A task is a tuning run on a family of samples with a budget in evaluations; its number decides proposals and luck. After
each round the race holds some settings to be the best. Their regret, log10 ERT above the best of the space, is a curve
over the evaluations spent; the value of a task is its mean over log evaluations, from the next smaller budget to its
own. Together the budgets cover one stretch: the area under the regret curve, in decades. A profile's score is its mean
over the families.

The verdict is not asked: it is the same for all profiles, and refuses what is not proven, so that by what it returns
nearly all of them are alike. Its evaluations are its own, though: what is held to be the best after more than
``1 - VALIDATION_SHARE`` of the budget does not count.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from metagenx.errors import MetagenxError
from metagenx.meta.automatic_space import DefinedSpace, ProblemShape, Taught, define_space
from metagenx.meta.families import FAMILIES
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.tuner_settings import TunerSettings

VALIDATION_SHARE = 0.2  # of the budget
FIRST_SHARE = 0.25  # the curve begins at this part of the smallest budget

Tasks = tuple["TuningTask", ...]


@dataclass(frozen=True, order=True)
class TuningTask:
    """One tuning run: on the samples of a family, with a budget in evaluations; ``number`` is its seed.

    Its part of the curve is from ``begin`` evaluations to the budget.
    """

    family: str
    budget: int
    number: int
    begin: int


def tasks_of(families: Sequence[str], budgets: Sequence[int], numbers: Sequence[int]) -> Tasks:
    """All tasks of some families and budgets, in the order of their numbers."""
    ordered = sorted(set(budgets))
    begins = [max(1, int(FIRST_SHARE * ordered[0])), *ordered]
    parts = list(zip(begins, ordered, strict=False))
    return tuple(TuningTask(f, budget, n, begin) for n in numbers for f in families for begin, budget in parts)


def only(benchmark: TabularBenchmark, family: str) -> TabularBenchmark:
    """The benchmark of one family."""
    return dataclasses.replace(
        benchmark,
        samples={family: benchmark.samples[family]},
        n_dims={family: benchmark.n_dims[family]},
        landscapes={family: benchmark.landscapes[family]},
        _known={},
    )


@dataclass
class Ground:
    """Where tuning tasks are replayed: a benchmark, and what automatic spaces are defined from.

    Parameters
    ----------
    families : the benchmark of each family.
    shapes : what the problems of a family are like; without one the whole space is searched.
    taught : what a problem may learn from; a family never learns from itself.
    """

    families: Mapping[str, TabularBenchmark]
    shapes: Mapping[str, ProblemShape]
    taught: Sequence[Taught]
    _features: dict[tuple[str, int], str] = field(default_factory=dict, repr=False)
    _spaces: dict[tuple[str, object], DefinedSpace] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, benchmark: TabularBenchmark, teachers: Collection[str] | None = None) -> Ground:
        """Of all families of a benchmark; ``teachers``: families that may teach, default: all of them."""
        from metagenx.experience.features import features_of_file
        from metagenx.meta.families import sample
        from metagenx.meta.space_experience import shape_of, taught_by_tables

        families = {name: only(benchmark, name) for name in benchmark.families}
        for own in families.values():
            _ = own.best  # found once, and not in every process
        known = [name for name in families if name in FAMILIES]
        shapes = {name: shape_of(features_of_file(sample(name, 0).model.file)) for name in known}
        allowed = [name for name in known if teachers is None or name in teachers]
        return cls(families, shapes, taught_by_tables(allowed) if allowed else ())

    def space(self, family: str, budget: int, tuner: TunerSettings) -> DefinedSpace | None:
        """The automatic space of a run, from what the other families have taught; None: the whole space."""
        if family not in self.shapes:
            return None
        space, shape = self.families[family].space, self.shapes[family]
        if (family, budget) not in self._features:
            alone = define_space(space, shape, budget)
            self._features[family, budget] = repr((family, alone.box.ranges, alone.box.alive))
        # Budgets that allow the same box at first are taught the same: the learning is what takes time.
        key = self._features[family, budget], tuner.space_policy
        if key not in self._spaces:
            taught = [teacher for teacher in self.taught if teacher.name != family]
            self._spaces[key] = define_space(space, shape, budget, taught, tuner.space_policy)
        return self._spaces[key]

    def replay(self, tuner: TunerSettings, task: TuningTask) -> float:
        """The value of a task, in decades; see the module. Inf if this tuner cannot run."""
        from metagenx.meta.replayed_tuning import named_replayed

        own = self.families[task.family]
        try:
            space = self.space(task.family, task.budget, tuner)
            rounds = named_replayed(own, task.budget, task.number, tuner=tuner, defined=space)
        except MetagenxError:
            return math.inf
        begin, end = math.log(task.begin), math.log(task.budget)
        place, total, regret = begin, 0.0, own.regret(own.default)
        for spent, settings in rounds:
            if spent > (1.0 - VALIDATION_SHARE) * task.budget:
                break
            now = min(max(math.log(spent), begin), end)
            total += (now - place) * regret
            place, regret = now, own.regret(settings)
        return (total + (end - place) * regret) / (end - begin)


def areas(values: Mapping[TuningTask, float]) -> dict[tuple[str, int], float]:
    """The area of each (family, number) of which all budgets are there: mean over log evaluations."""
    n_parts = len({task.budget for task in values})
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for task, value in values.items():
        found.setdefault((task.family, task.number), []).append((math.log(task.budget / task.begin), value))
    return {
        key: sum(width * value for width, value in parts) / sum(width for width, _ in parts)
        for key, parts in sorted(found.items())
        if len(parts) == n_parts
    }


def score(values: Mapping[TuningTask, float]) -> float:
    """Mean over families of the mean area: each family counts the same; inf without values."""
    by_family: dict[str, list[float]] = {}
    for (family, _), area in areas(values).items():
        by_family.setdefault(family, []).append(area)
    return float(np.mean([np.mean(found) for found in by_family.values()])) if by_family else math.inf
