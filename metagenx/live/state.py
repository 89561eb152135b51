"""The states of the sample: which files are one measurement, and how fast it is counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metagenx.fitting.problem import FloatArray
from metagenx.genx.data import DataList
from metagenx.live.sweeps import Curve, disagreement, together

SWEEPS, SEQUENCE = "sweeps", "sequence"
_CHANCE = 1e-7  # that two sweeps of one sample differ so much


@dataclass
class State:
    """One state of the sample: the newest content of each of its files, by name.

    ``course`` has the time and the work of each arrival: points times exposure, summed over data sets.
    ``names`` are those of all its files, also of one whose content is not known yet because it has changed between two
    sessions.
    """

    number: int
    curves: dict[str, tuple[Curve, ...]] = field(default_factory=dict)
    course: list[tuple[float, float]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files."""
        return tuple(self.curves)

    def measured(self) -> tuple[Curve, ...]:
        """All its files as one measurement, for each data set."""
        every = list(self.curves.values())
        if len(every) == 1:
            return every[0]
        return tuple(together([curves[i] for curves in every]) for i in range(len(every[0])))

    def take(self, name: str, curves: tuple[Curve, ...], time: float) -> None:
        """The newest content of a file."""
        self.curves[name] = curves
        self.names.add(name)
        self.course.append((time, work_of(self.measured())))

    def pace(self) -> float:
        """Seconds that measuring once more what has been measured so far would take; NaN if unknown."""
        if len(self.course) < 2:
            return np.nan
        (begun, first), (now, last) = self.course[0], self.course[-1]
        return (now - begun) / (last - first) * last if now > begun and last > first else np.nan


def work_of(curves: tuple[Curve, ...]) -> float:
    """Points times exposure."""
    return float(sum(len(curve.x) * curve.exposure for curve in curves))


@dataclass
class States:
    """All states so far.

    Parameters
    ----------
    kind : ``sweeps``: files are repetitions, added up as long as they agree; ``sequence``: every file is a state of its
        own, which may grow.
    """

    kind: str
    members: list[State] = field(default_factory=list)

    def place(self, name: str, curves: tuple[Curve, ...]) -> tuple[State, str]:
        """The state that a file belongs to, a new one if need be, and what is to be said about that."""
        owner = next((state for state in reversed(self.members) if name in state.names), None)
        if owner is not None:
            return owner, ""
        if self.kind == SEQUENCE or not self.members:
            return self._new(), ""
        told = ""
        for state in [self.members[-1], *reversed(self.members[:-1])]:
            if not state.curves:
                continue
            off = _off(curves, state.measured())
            if not off:
                again = f"{name} agrees with state {state.number} again" if state is not self.members[-1] else ""
                return state, again
            told = told or f"{name} does not agree with the sweeps before it ({off}): another sample, or alignment?"
        return self._new(), told

    def remember(self, number: int) -> State:
        """The state of a number, for a measurement that goes on."""
        for state in self.members:
            if state.number == number:
                return state
        self.members.append(State(number))
        return self.members[-1]

    def _new(self) -> State:
        state = State(1 + max((state.number for state in self.members), default=0))
        self.members.append(state)
        return state


def _off(new: tuple[Curve, ...], old: tuple[Curve, ...]) -> str:
    """How a sweep differs from others, if it does by more than counting statistics allows."""
    from scipy.special import chdtrc

    told = [disagreement(one, other) for one, other in zip(new, old, strict=True)]
    total, points = sum(chi2 for chi2, n in told if np.isfinite(chi2)), sum(n for chi2, n in told if np.isfinite(chi2))
    if points and chdtrc(points, total) < _CHANCE:
        return f"χ² {total:.3g} for {points} points"
    return ""


def whole_plan(base: DataList, states: States) -> tuple[FloatArray, ...]:
    """The points of a whole sweep: those of the longest measurement so far, or of the model's own data."""
    plan = [np.asarray(dataset.x, dtype=float) for dataset in base]
    for state in states.members:
        for curves in state.curves.values():
            for number, curve in enumerate(curves):
                if len(curve.x) > len(plan[number]) or not _overlap(plan[number], curve.x):
                    plan[number] = curve.x
    return tuple(plan)


def _overlap(plan: FloatArray, x: FloatArray) -> bool:
    """Whether a plan goes on where a measurement is: else it is that of another instrument."""
    return bool(len(plan) and len(x) and plan.min() <= x.max() and x.min() <= plan.max())
