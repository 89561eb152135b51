"""The space that defines itself: a first box in a superset, from what a problem is like and what others have taught.

``search_space: auto`` stands for ``search_spaces/auto.yaml``; any space file with ``automatic: true`` is a superset in
the same way, and its ends are hard bounds that never move. From here on the box follows the evidence
(:mod:`~metagenx.meta.space_changes`). Nothing here looks at a clock: the time of an evaluation decides how many of them
a budget in hours buys, that number is kept in the run folder, and it alone enters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metagenx.fitting.settings import SMALLEST_POPULATION
from metagenx.meta.box import Box
from metagenx.meta.parameters import ChoiceParameter
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.space_changes import Change, SpacePolicy, Trial, form_text, refine

WIDE_BOUNDS = 2.5  # limits so far apart, relative to the start: 0.45 to 2 times a value is 1.55
FEWEST_SETTINGS = 30  # of a problem that may teach where to look
NEAREST = 8  # problems that teach
FARTHEST = 1.5  # how unlike they may be


@dataclass(frozen=True)
class ProblemShape:
    """What a problem is like, in the numbers by which experience is carried over.

    Parameters
    ----------
    n_dim : fitted parameters.
    relative_width : median over the parameters of (upper − lower limit) / |start|.
    n_points, n_layers : 0 where unknown; ``noise``: median relative error of the data, nan where unknown.
    """

    n_dim: int
    relative_width: float = math.nan
    n_points: int = 0
    n_layers: int = 0
    noise: float = math.nan

    @classmethod
    def of(
        cls,
        lower: Sequence[float],
        upper: Sequence[float],
        start: Sequence[float],
        *,
        n_points: int = 0,
        n_layers: int = 0,
        noise: float = math.nan,
    ) -> ProblemShape:
        """From limits and start ``(n_dim,)``."""
        low, high, first = (np.asarray(values, dtype=float) for values in (lower, upper, start))
        with np.errstate(divide="ignore", invalid="ignore"):
            widths = (high - low) / np.abs(first)
        known = widths[np.isfinite(widths)]
        return cls(len(low), float(np.median(known)) if len(known) else math.nan, n_points, n_layers, noise)

    def distance(self, other: ProblemShape) -> float:
        """How unlike two problems are: 1 is a factor of e in one feature; unknown features do not count."""
        mine, theirs = self._logarithms(), other._logarithms()
        weights = (2.0, 1.0, 0.25, 0.5, 0.1)  # the number of parameters first; noise spans decades
        pairs = zip(weights, mine, theirs, strict=True)
        return math.sqrt(sum((w * (a - b)) ** 2 for w, a, b in pairs if math.isfinite(a) and math.isfinite(b)))

    def _logarithms(self) -> tuple[float, ...]:
        values = (self.n_dim, self.relative_width, self.n_points, self.n_layers, self.noise)
        return tuple(math.log(value) if value > 0 else math.nan for value in values)


@dataclass(frozen=True)
class Taught:
    """What one problem has taught: settings that were tried on it, as points of a superset, with their scores.

    Parameters
    ----------
    correlation : rank correlation of the scores with what trees say that have not seen them; None: to be found
        (:func:`~metagenx.meta.predictability.predictability`).
    """

    name: str
    shape: ProblemShape
    trials: tuple[Trial, ...]
    correlation: float | None = None


@dataclass(frozen=True)
class Lesson:
    """Where good settings lay in a study whose runs are not at hand.

    Parameters
    ----------
    shape : of the problems that were studied; it is carried over to those that are as like as a teacher has to be.
    choices : choice → values that were alive; ``lowest``, ``highest``: number → soft bound.
    """

    name: str
    shape: ProblemShape
    choices: Mapping[str, tuple[str, ...]]
    lowest: Mapping[str, float]
    highest: Mapping[str, float]


#: Read off a surrogate of 180 settings on simulated two-layer films, where 4.5 % of the whole space were within 0.05 of
#: the default's log10 ERT. Never to be judged on these films themselves: it would know the answer.
STUDY = Lesson(
    "a study of two-layer films",
    ProblemShape(9, 1.5),
    {"create_trial": ("best_1_bin", "rand_1_bin", "simplex_best_1_bin")},
    {"km": 0.55},
    {"pop_mult": 4.0},
)


@dataclass(frozen=True)
class DefinedSpace:
    """A space as it is at the beginning of a run.

    Parameters
    ----------
    box : what is searched first.
    changes : how it came from the superset, with reasons.
    suggestions : points that did best elsewhere, the best first; they race too.
    teachers : the problems that it was learned from.
    best_of_store : the best that the user's store knows for a problem like this one; it always races.
    """

    box: Box
    changes: tuple[Change, ...]
    suggestions: tuple[Point, ...] = ()
    teachers: tuple[str, ...] = ()
    best_of_store: Point | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which :meth:`from_json` makes the same space whatever has been learned meanwhile."""
        return {
            "ranges": {name: list(ends) for name, ends in self.box.ranges.items()},
            "alive": {name: list(values) for name, values in self.box.alive.items()},
            "forms": self.box.forms(),
            "changes": [change.to_json() for change in self.changes],
            "suggestions": [dict(point) for point in self.suggestions],
            "teachers": list(self.teachers),
            "best_of_store": self.best_of_store,
        }

    @classmethod
    def from_json(cls, space: SearchSpace, data: Mapping[str, Any]) -> DefinedSpace:
        """Inverse of :meth:`to_json`, in the same superset."""
        ranges = {name: (float(low), float(high)) for name, (low, high) in data["ranges"].items()}
        alive = {name: tuple(values) for name, values in data["alive"].items()}
        changes = tuple(Change.from_json(change) for change in data["changes"])
        return cls(
            Box(space, ranges, alive),
            changes,
            tuple(map(dict, data["suggestions"])),
            tuple(data["teachers"]),
            data.get("best_of_store"),
        )

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Parameter → why it is searched where it is."""
        found = {
            name: [change.reason for change in self.changes if change.parameter == name]
            for name in self.box.space.names
        }
        return {name: reasons or ["as in the superset"] for name, reasons in found.items()}

    @property
    def lines(self) -> list[str]:
        """One line for each parameter: what is searched, and why."""
        return [f"{name}: {form_text(self.box.form(name))}  ({'; '.join(self.reasons[name])})" for name in self.reasons]


def define_space(
    space: SearchSpace,
    shape: ProblemShape,
    evaluations: int,
    taught: Sequence[Taught] = (),
    policy: SpacePolicy | None = None,
    lessons: Sequence[Lesson] = (),
) -> DefinedSpace:
    """The space to begin with.

    Parameters
    ----------
    space : the superset.
    evaluations : budget of the whole run.
    taught : what other problems have taught; the nearest count, if they are near enough and can be told apart.
    lessons : what stands in where nobody may teach.
    """
    changes: list[Change] = []
    box = Box.whole(space)
    for name, rule in _RULES.items():
        parameter = space.parameters.get(name)
        if parameter is None or isinstance(parameter, ChoiceParameter):
            continue
        low, high, reason = rule(shape, evaluations)
        found = box.with_values(name, parameter.clip(low), parameter.clip(high))
        if found.form(name) != box.form(name) and not found.is_frozen(name):
            changes.append(Change("define", name, box.form(name), found.form(name), reason))
            box = found
    near = nearest(shape, taught, space)
    for lesson in lessons:
        if not near and _applies(lesson, shape):
            box = _as_in(lesson, box, changes)
    pooled = [trial for teacher in near for trial in _ranked(teacher)]
    box, learned = refine(box, pooled, policy)
    told = _told(near)
    changes += [Change(c.kind, c.parameter, c.before, c.after, f"{c.reason}; {told}") for c in learned]
    return DefinedSpace(box, tuple(changes), _suggestions(space, near), tuple(teacher.name for teacher in near))


def nearest(shape: ProblemShape, taught: Sequence[Taught], space: SearchSpace) -> list[Taught]:
    """Who may teach a problem: the most like it, each with enough settings that succeeded and can be told apart.

    What is in the scores of settings must be found again by trees that have not seen them: the order of a few lucky
    runs is no evidence of where good settings lie.
    """
    from metagenx.meta.predictability import LEAST_CORRELATION, predictability

    fit = [teacher for teacher in taught if sum(not trial.censored for trial in teacher.trials) >= FEWEST_SETTINGS]
    fit = [teacher for teacher in fit if shape.distance(teacher.shape) <= FARTHEST]
    fit.sort(key=lambda teacher: (shape.distance(teacher.shape), teacher.name))
    found: list[Taught] = []
    for teacher in fit:
        known = predictability(space, teacher.trials) if teacher.correlation is None else teacher.correlation
        if len(found) < NEAREST and known >= LEAST_CORRELATION:
            found.append(teacher)
    return found


# ---------------------------------------------------------------------- from the problem alone

_Rule = Callable[[ProblemShape, int], tuple[float, float, str]]


def _km(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    return 0.3, 1.0, "below 0.3 differences die out, above 1 they rarely converge"


def _kr(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    return 0.1, 1.0, "below 0.1 hardly more than one parameter moves at a time"


def _smallest(shape: ProblemShape) -> int:
    return max(5, math.ceil(shape.n_dim * (1.0 if shape.relative_width > WIDE_BOUNDS else 0.5)))


def _pop_mult(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    n = shape.n_dim
    least = _smallest(shape)
    most = max(2 * least, min(15 * n, evaluations // 20))
    wide = (
        f", limits are wide ({shape.relative_width:.1f} times the start)" if shape.relative_width > WIDE_BOUNDS else ""
    )
    return _four(least / n), _four(most / n), f"{least} to {most} members for {n} parameters{wide}"


def _pop_size(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    low, high, reason = _pop_mult(shape, evaluations)
    return max(SMALLEST_POPULATION, round(low * shape.n_dim)), round(high * shape.n_dim), reason


def _cutoff(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    n, cubed = shape.n_dim, shape.n_dim**3
    least = max(20 * _smallest(shape), 4 * cubed)
    most = max(2 * least, min(54 * cubed, evaluations // 100))
    return (
        _four(least / cubed),
        _four(most / cubed),
        f"{least:,} to {most:,} evaluations of a run for {n} parameters, of {evaluations:,} in all",
    )


def _max_evaluations(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    low, high, reason = _cutoff(shape, evaluations)
    cubed = shape.n_dim**3
    return round(low * cubed), round(high * cubed), reason


def _stagnation(shape: ProblemShape, evaluations: int) -> tuple[float, float, str]:
    return 10, 60, "shorter gives up what still moves, longer pays for what is lost"


def _four(value: float) -> float:
    return float(f"{value:.4g}")


_RULES: dict[str, _Rule] = {
    "km": _km,
    "kr": _kr,
    "pop_mult": _pop_mult,
    "pop_size": _pop_size,
    "max_evaluation_mult": _cutoff,
    "max_evaluations": _max_evaluations,
    "stagnation_generations": _stagnation,
}


def _applies(lesson: Lesson, shape: ProblemShape) -> bool:
    """Wide limits reward what the study did not see: large populations and a low kr."""
    return not shape.relative_width > WIDE_BOUNDS and shape.distance(lesson.shape) <= FARTHEST


def _as_in(lesson: Lesson, box: Box, changes: list[Change]) -> Box:
    reason = f"{lesson.name} found the good ones here; they are soft bounds, a share of the proposals looks beyond"
    for name, parameter in box.space.parameters.items():
        found = box
        if isinstance(parameter, ChoiceParameter):
            kept = tuple(v for v in box.alive[name] if v in lesson.choices.get(name, box.alive[name]))
            found = box.with_alive(name, kept) if kept else box
        elif name in lesson.lowest or name in lesson.highest:
            low, high = (parameter.decode(end) for end in box.ranges[name])
            low, high = max(low, lesson.lowest.get(name, low)), min(high, lesson.highest.get(name, high))  # type: ignore[type-var]
            found = box.with_values(name, low, high) if low < high else box  # type: ignore[operator]
        if found.form(name) != box.form(name):
            changes.append(Change("define", name, box.form(name), found.form(name), reason))
            box = found
    return box


# ---------------------------------------------------------------------- from what others have taught


def _ranked(teacher: Taught) -> list[Trial]:
    """A problem's trials with their rank for a score, from 0 to 1: problems differ in how hard they are."""
    order = sorted(teacher.trials, key=lambda t: (t.censored, t.score, repr(sorted(t.point.items()))))
    return [Trial(t.point, place / len(order), censored=t.censored) for place, t in enumerate(order)]


def _told(teachers: Sequence[Taught]) -> str:
    n = sum(len(teacher.trials) for teacher in teachers)
    return f"{n} settings on {len(teachers)} like problems ({', '.join(teacher.name for teacher in teachers)})"


def _suggestions(space: SearchSpace, teachers: Sequence[Taught], n: int = 2) -> tuple[Point, ...]:
    """The points with the best mean rank over the problems, of those that were tried on as many as any."""
    ranks: dict[str, list[float]] = {}
    points: dict[str, Mapping[str, Any]] = {}
    for teacher in teachers:
        for trial in _ranked(teacher):
            key = repr(sorted(trial.point.items()))
            points[key] = trial.point
            ranks.setdefault(key, []).append(1.0 if trial.censored else trial.score)
    most = max((len(found) for found in ranks.values()), default=0)
    shared = {key: sum(found) / len(found) for key, found in ranks.items() if len(found) == most}
    best = sorted(shared, key=lambda key: (shared[key], key))[:n]
    return tuple(point for key in best if space.contains(point := dict(points[key])))
