"""The race of tuner profiles: which are tried, which go on, and which one is better than the one set by hand.

Pure logic, as the race of settings: a round is a list of evaluations (a profile, and the tasks that it has to do); when
all are done, in whatever order, the next round follows from their values alone.

1. **Search.** Profiles come in cohorts from the searcher; each does the first tasks. A later cohort knows the earlier.
2. **Halving.** The better half does as many tasks again, and so on, until the finalists are left.
3. **Confirmation.** Finalists and the hand-made profile do tasks with numbers never used before. The best of those that
   are better by a paired test (Holm over the finalists, one-sided 5 %) wins; if there is none, the hand-made one stays.

All profiles do the same tasks (same proposals' seed, same luck), so differences are paired.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metagenx.fitting import streams
from metagenx.meta import searchers
from metagenx.meta.box import Box
from metagenx.meta.comparison import holm
from metagenx.meta.metatune_tasks import Tasks, TuningTask, areas, score, tasks_of
from metagenx.meta.profile import HAND_MADE
from metagenx.meta.searchers_by_steps import Tried
from metagenx.meta.space import Point, SearchSpace, point_key
from metagenx.meta.space_changes import Change, SpacePolicy, Trial, refine
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.tuner_space import first_box, place_of_tuner, tuner_at

FIRST_FRESH = 1_000_000  # number of the first task of the confirmation
LEVEL = 0.05
N_SIGN_FLIPS = 9999


@dataclass(frozen=True)
class MetaRules:
    """What a search for a profile may spend.

    Parameters
    ----------
    families, budgets : of the tasks.
    trials : profiles proposed, in ``cohorts``.
    repeats : tasks of each family and budget that a profile does first; doubled for the better half, and so on.
    finalists : profiles confirmed, with ``confirm`` fresh tasks of each family and budget.
    searcher : who proposes profiles.
    """

    families: tuple[str, ...]
    budgets: tuple[int, ...]
    trials: int = 100
    cohorts: int = 4
    repeats: int = 1
    finalists: int = 3
    confirm: int = 12
    searcher: str = "random"
    seed: int = 0


@dataclass(frozen=True)
class Evaluation:
    """A profile and the tasks that it has to do in this round."""

    profile: str
    round: int
    tasks: Tasks


@dataclass
class MetaRace:
    """State of a race of profiles; see the module.

    Attributes
    ----------
    tuners, points : settings of each profile, and where they lie in the space.
    values : profile → task → value, of the search and of the confirmation.
    levels : p value of each finalist after Holm, at the end.
    winner : the profile that is better; None: the hand-made one stays.
    box, space_changes : where an automatic space is searched now, and how it came to that, with reasons.
    """

    rules: MetaRules
    space: SearchSpace
    stage: str = "search"
    round: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    tuners: dict[str, TunerSettings] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)
    values: dict[str, dict[TuningTask, float]] = field(default_factory=dict)
    fresh: dict[str, dict[TuningTask, float]] = field(default_factory=dict)
    alive: list[str] = field(default_factory=list)
    finalists: list[str] = field(default_factory=list)
    levels: dict[str, float] = field(default_factory=dict)
    winner: str | None = None
    box: Box | None = None
    space_changes: list[Change] = field(default_factory=list)
    _drawn: int = 0
    _cohort: int = 0
    _done: int = 0

    def __post_init__(self) -> None:
        self._add(HAND_MADE, TunerSettings(), place_of_tuner(self.space, TunerSettings()))
        if self.space.automatic:
            self.box, self.space_changes = first_box(self.space)
        self._open_cohort()

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.stage == "done"

    def complete(self, found: Mapping[tuple[str, TuningTask], float]) -> None:
        """Take the values of this round's evaluations, decide, and open the next round."""
        into = self.fresh if self.stage == "confirmation" else self.values
        for evaluation in self.evaluations:
            for task in evaluation.tasks:
                into.setdefault(evaluation.profile, {})[task] = found[evaluation.profile, task]
        self.round += 1
        self.evaluations = []
        if self.stage == "search" and self._cohort < self.rules.cohorts and len(self.tuners) <= self.rules.trials:
            self._open_cohort()
        elif self.stage in ("search", "halving"):
            self._halve()
        else:
            self._decide()
        if not self.evaluations and self.stage != "done":
            self.stage = "done"

    def gain(self, profile: str, *, fresh: bool = False) -> float:
        """Score of a profile less that of the hand-made one on the same tasks, in decades; below 0 it is better."""
        values = (self.fresh if fresh else self.values).get(profile, {})
        base = (self.fresh if fresh else self.values).get(HAND_MADE, {})
        common = {task: value for task, value in values.items() if task in base}
        if not common:
            return math.inf
        return score(common) - score({task: base[task] for task in common})

    # ------------------------------------------------------------------ rounds

    def _add(self, name: str, tuner: TunerSettings, point: Point) -> None:
        self.tuners[name], self.points[name] = tuner, point

    def _open_cohort(self) -> None:
        rules = self.rules
        left = rules.trials - (len(self.tuners) - 1)
        count = -(-left // (rules.cohorts - self._cohort))
        history = [Tried(self.points[name], self.gain(name)) for name in self.values]
        rng = streams.stream(rules.seed, "profiles", self._cohort)
        taken = {point_key(point) for point in self.points.values()}
        new = [] if self._cohort else [HAND_MADE]
        self._refine()
        for proposed in searchers.propose(rules.searcher, self.space, history, count, rng, cohort=self._cohort):
            point = self._moved(proposed, rng)
            if point_key(point) not in taken:
                taken.add(point_key(point))
                name = f"p{len(self.tuners):03d}"
                self._add(name, tuner_at(self.space, point), point)
                new.append(name)
        self._cohort += 1
        self.alive += [name for name in new if name != HAND_MADE]
        self._done = rules.repeats
        self._give(new, range(rules.repeats))

    def _refine(self) -> None:
        """Move the box of an automatic space by what was found so far; the hand-made profile is to be beaten."""
        if self.box is None or not self._cohort:
            return
        base = areas(self.values[HAND_MADE])
        rows = {name: areas(values) for name, values in self.values.items() if name != HAND_MADE}
        differences = [[own[key] - base[key] for key in own if key in base] for own in rows.values()]
        # What profiles truly differ by is in this spread, too: nothing is dropped too early.
        known = [value for row in differences for value in row if math.isfinite(value)]
        error = float(np.std(known)) / math.sqrt(max(1, len(base))) if known else math.inf
        trials = []
        for name in rows:
            gain = self.gain(name)
            trials.append(Trial(self.points[name], gain, gain - 2.0 * error, censored=not math.isfinite(gain)))
        self.box, changes = refine(self.box, trials, incumbent=0.0)
        self.space_changes += changes

    def _moved(self, point: Point, rng: np.random.Generator) -> Point:
        """A proposal moved into the box; a share stays where it is in the superset."""
        if self.box is None:
            return point
        share, self._drawn = SpacePolicy().whole, self._drawn + 1
        stays = int(self._drawn * share) > int((self._drawn - 1) * share)
        return point if stays else self.box.draw_inside(point, rng)

    def _give(self, profiles: Sequence[str], numbers: range, *, first: int = 0) -> None:
        tasks = tasks_of(self.rules.families, self.rules.budgets, [first + number for number in numbers])
        self.evaluations = [Evaluation(profile, self.round, tasks) for profile in profiles]

    def _halve(self) -> None:
        """The better half does as many tasks again; when the finalists are left, they do fresh ones."""
        self.stage = "halving"
        usable = [name for name in self.alive if math.isfinite(self.gain(name))]
        self.alive = sorted(usable, key=lambda name: (self.gain(name), name))
        if len(self.alive) > 2 * self.rules.finalists:
            self.alive = self.alive[: max(self.rules.finalists, -(-len(self.alive) // 2))]
            numbers = range(self._done, 2 * self._done)
            self._done *= 2
            self._give([HAND_MADE, *self.alive], numbers)
            return
        self.stage = "confirmation"
        self.finalists = [name for name in self.alive if self.gain(name) < 0.0][: self.rules.finalists]
        if self.finalists:
            self._give([HAND_MADE, *self.finalists], range(self.rules.confirm), first=FIRST_FRESH)

    def _decide(self) -> None:
        levels = [
            paired_test(self.fresh[name], self.fresh[HAND_MADE], streams.stream(self.rules.seed, "confirm", name))
            for name in self.finalists
        ]
        self.levels = dict(zip(self.finalists, holm(levels), strict=True))
        passed = [name for name in self.finalists if self.levels[name] <= LEVEL]
        self.winner = min(passed, key=lambda name: (self.gain(name, fresh=True), name), default=None)
        self.stage = "done"

    def to_json(self) -> list[dict[str, Any]]:
        """A row for each profile, the best first: the table of the report."""
        rows = []
        for name, tuner in self.tuners.items():
            confirmed = name in self.fresh
            rows.append({
                "profile": name,
                "gain": _number(self.gain(name)),
                "tasks": len(self.values.get(name, {})),
                "fresh_gain": _number(self.gain(name, fresh=True)) if confirmed else None,
                "fresh_score": _number(score(self.fresh[name])) if confirmed else None,
                "fresh_tasks": len(self.fresh.get(name, {})),
                "p": self.levels.get(name),
                "changes": tuner.changes(),
            })  # fmt: skip
        return sorted(rows, key=lambda row: (-row["fresh_tasks"], row["fresh_gain"] or 0.0, -row["tasks"], row["gain"]))


def paired_test(
    challenger: Mapping[TuningTask, float], baseline: Mapping[TuningTask, float], rng: np.random.Generator
) -> float:
    """One-sided p value of a lower mean area, by flipping the signs of paired differences (areas of common tasks)."""
    ours, theirs = areas(challenger), areas(baseline)
    differences = np.array([ours[key] - theirs[key] for key in ours if key in theirs])
    if not len(differences) or not np.isfinite(differences).all():
        return 1.0
    signs = rng.choice([-1.0, 1.0], size=(N_SIGN_FLIPS, len(differences)))
    flipped = (signs * differences).mean(axis=1)
    return float((1 + np.count_nonzero(flipped <= differences.mean() + 1e-12)) / (N_SIGN_FLIPS + 1))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
