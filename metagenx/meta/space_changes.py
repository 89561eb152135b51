"""How a search space follows from evidence: a box and what was tried in, another box and the changes with reasons out.

The same function defines a space from what other problems have taught, refines it in the course of a run, and serves
the space of the tuner's own settings: it knows points and scores only.

1. *Widen* by half where at least two of the best five sit at a soft bound (or beyond it: a share of the proposals comes
   from the whole superset). Hard bounds, the ends of the superset, never move.
2. *Drop* a choice all of whose settings are, at their most optimistic, worse than the best at its most pessimistic.
3. *Narrow* what matters to the box around the elite, inflated, and *freeze* what does not at the elite's median. The
   outermost tenth of the elite at either end does not count: a few are there by luck, and luck has no bounds.

What matters is told as in PED-ANOVA (Watanabe, Bansal & Hutter, IJCAI 2023): the Pearson divergence between the
elite's distribution and that of all that were tried, parameter by parameter; here in quarters of the values that were
tried, and less the divergence that chance alone gives, so that noise makes no importance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.box import Box
from metagenx.meta.parameters import Value

N_BEST = 5
BINS = 4


@dataclass(frozen=True)
class Trial:
    """One setting with its score (log10 ERT or any other, smaller is better).

    ``score`` is pessimistic, what is known for certain; ``optimistic`` is the best it may be in truth; ``censored``: it
    never succeeded, and the score is a bound.
    """

    point: Mapping[str, Any]
    score: float
    optimistic: float = -math.inf
    censored: bool = False


@dataclass(frozen=True)
class SpacePolicy:
    """The numbers of the rules; defaults after the study that came before the project.

    Parameters
    ----------
    elite : share of the settings that are the elite; at least ``2 n_dim + 2`` settings.
    trim : share of the elite that is left out at either end of a parameter, before it is boxed.
    inflate : of the elite's box, before it becomes the new one.
    matters : share of the importance below which a parameter is frozen.
    edge : of the box's width, what still counts as sitting at its bound; ``widen`` by how much it moves then.
    fewest : settings of a choice before it may be dropped.
    whole : share of the proposals that come from the whole superset, whatever the box.
    """

    elite: float = 0.15
    trim: float = 0.10
    inflate: float = 0.30
    matters: float = 0.05
    edge: float = 0.05
    widen: float = 0.50
    fewest: int = 3
    whole: float = 0.15


@dataclass(frozen=True)
class Change:
    """One change of a box: what is searched of a parameter before and after, and why."""

    kind: str
    parameter: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain values for journal and report."""
        return {
            "kind": self.kind,
            "parameter": self.parameter,
            "before": dict(self.before),
            "after": dict(self.after),
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Change:
        """Inverse of :meth:`to_json`."""
        return cls(**data)

    @property
    def text(self) -> str:
        """The change in one line."""
        return f"{self.parameter}: {form_text(self.before)} → {form_text(self.after)}, {self.reason}"


def form_text(form: Mapping[str, Any]) -> str:
    """What is searched of a parameter, for people: ``0.3 to 1``, ``a, b``, ``2 only``."""
    if "fixed" in form:
        return f"{_text(form['fixed'])} only"
    values = next(iter(form.values()))
    if "float" in form or "int" in form:
        return f"{_text(values[0])} to {_text(values[1])}"
    return ", ".join(map(_text, values))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def refine(
    box: Box, trials: Sequence[Trial], policy: SpacePolicy | None = None, *, incumbent: float = math.inf
) -> tuple[Box, list[Change]]:
    """The box that follows from what was tried, and why; the same box if there is too little to tell.

    Parameters
    ----------
    trials : with points of the superset, wherever in it they lie; their order does not matter.
    incumbent : score to beat of what is not among the trials, because nobody has proposed it.
    """
    policy = policy or SpacePolicy()
    ranked = sorted(
        (trial for trial in trials if not trial.censored and math.isfinite(trial.score)),
        key=lambda trial: (trial.score, repr(sorted(trial.point.items()))),
    )
    changes: list[Change] = []
    if len(ranked) >= N_BEST:
        box = _widened(box, ranked[:N_BEST], policy, changes)
    widened = {change.parameter for change in changes}
    best = min(incumbent, *(trial.score for trial in ranked[:1]), math.inf)
    box = _dropped(box, trials, best, policy, widened, changes)
    elite = ranked[: max(math.ceil(policy.elite * len(trials)), 2 * box.space.n_dim + 2)]
    if len(trials) >= 2 * len(elite) and len(elite) >= 2 * box.space.n_dim + 2:
        box = _narrowed(box, elite, trials, policy, widened, changes)
    return box, changes


# ---------------------------------------------------------------------- the three rules


def _widened(box: Box, best: Sequence[Trial], policy: SpacePolicy, changes: list[Change]) -> Box:
    for name in box.space.names:
        values = [trial.point[name] for trial in best if name in trial.point]
        if len(values) < 2:
            continue
        found, reason = box, ""
        if name in box.alive:
            count = Counter(value for value in values if value not in box.alive[name])
            back = tuple(value for value, n in count.items() if n >= 2)
            if back:
                found = box.with_alive(name, (*box.alive[name], *back))
                reason = f"{max(count.values())} of the best {len(best)} have {' or '.join(map(_text, back))}"
        else:
            found, reason = _moved_bounds(box, name, values, len(best), policy)
        if found is not box:
            changes.append(Change("widen", name, box.form(name), found.form(name), reason))
            box = found
    return box


def _moved_bounds(box: Box, name: str, values: list[Value], n_best: int, policy: SpacePolicy) -> tuple[Box, str]:
    low, high = box.ranges[name]
    places = sorted(box.space.parameters[name].encode(value) for value in values)
    width = high - low
    # What is frozen sits at both its bounds; only a value elsewhere speaks against it.
    margin = policy.edge * width if width > 0.0 else -policy.edge
    at_low, at_high = (p for p in places if p <= low + margin), (p for p in places if p >= high - margin)
    lower, upper = list(at_low), list(at_high)
    new_low = min(lower[1], low - policy.widen * width) if len(lower) >= 2 and low > 0.0 else low
    new_high = max(upper[-2], high + policy.widen * width) if len(upper) >= 2 and high < 1.0 else high
    found = box.with_range(name, new_low, new_high)
    if found.form(name) == box.form(name):
        return box, ""
    counts = ([f"{len(lower)} of the best {n_best} at or below the lower end"] if new_low < low else []) + (
        [f"{len(upper)} of the best {n_best} at or above the upper end"] if new_high > high else []
    )
    return found, " and ".join(counts)


def _dropped(
    box: Box, trials: Sequence[Trial], best: float, policy: SpacePolicy, widened: set[str], changes: list[Change]
) -> Box:
    for name, alive in list(box.alive.items()):
        if name in widened:
            continue
        lost: dict[Value, int] = {}
        for value in alive:
            mine = [trial for trial in trials if trial.point.get(name) == value]
            if len(mine) >= policy.fewest and min(trial.optimistic for trial in mine) > best:
                lost[value] = len(mine)
        kept = tuple(value for value in alive if value not in lost)
        if lost and kept:
            found = box.with_alive(name, kept)
            told = ", ".join(f"{_text(value)} ({n} settings)" for value, n in lost.items())
            reason = f"at their most optimistic worse than the best at its most pessimistic: {told}"
            changes.append(Change("drop", name, box.form(name), found.form(name), reason))
            box = found
    return box


def _narrowed(
    box: Box,
    elite: Sequence[Trial],
    trials: Sequence[Trial],
    policy: SpacePolicy,
    widened: set[str],
    changes: list[Change],
) -> Box:
    shares = importance(box, elite, trials)
    if not any(shares.values()):
        return box
    most = sorted(shares, key=lambda name: (-shares[name], name))[:2]  # two stay searched, or there is no search
    for name in box.searched:
        values = [trial.point[name] for trial in elite if name in trial.point]
        if name in widened or not values:
            continue
        share = f"{100 * shares[name]:.0f} % of the importance"
        if shares[name] <= policy.matters and name not in most:
            found = box.frozen_at(name, _median(box, name, values))
            kind, reason = "freeze", f"{share}: at the median of the best {len(elite)}"
        else:
            found = _around(box, name, values, policy)
            kind, reason = "narrow", f"{share}: where the best {len(elite)} of {len(trials)} lie"
        if found.form(name) != box.form(name):
            changes.append(Change(kind, name, box.form(name), found.form(name), reason))
            box = found
    return box


def _around(box: Box, name: str, values: list[Value], policy: SpacePolicy) -> Box:
    """A parameter cut to where the elite lies, inflated; never wider than it was."""
    if name in box.alive:
        return box.with_alive(name, tuple(value for value in box.alive[name] if value in values) or box.alive[name])
    low, high = box.ranges[name]
    places = [box.space.parameters[name].encode(value) for value in values]
    lowest, highest = (float(np.quantile(places, share)) for share in (policy.trim, 1.0 - policy.trim))
    margin = 0.5 * policy.inflate * (highest - lowest)
    new_low, new_high = max(low, lowest - margin), min(high, highest + margin)
    return box.with_range(name, new_low, new_high) if new_low < new_high else box


def _median(box: Box, name: str, values: list[Value]) -> Value:
    """The middle one of the elite's values, or the commonest of a choice."""
    if name in box.alive:
        count = Counter(values)
        return max(box.alive[name], key=lambda value: count[value])
    ordered = sorted(values, key=box.space.parameters[name].encode)
    return ordered[(len(ordered) - 1) // 2]


# ---------------------------------------------------------------------- what matters


def importance(box: Box, elite: Sequence[Trial], trials: Sequence[Trial]) -> dict[str, float]:
    """Share of each parameter in what sets the elite apart; all 0 if nothing does beyond chance."""
    excess = {name: _excess(*_places(box, name, elite, trials)) for name in box.space.names}
    total = sum(excess.values())
    return {name: value / total if total > 0.0 else 0.0 for name, value in excess.items()}


def _places(
    box: Box, name: str, elite: Sequence[Trial], trials: Sequence[Trial]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of the elite, and of all, lie in each quarter of what was tried, or have each choice."""
    parameter = box.space.parameters[name]
    everything = np.array([parameter.encode(trial.point[name]) for trial in trials if name in trial.point])
    mine = np.array([parameter.encode(trial.point[name]) for trial in elite if name in trial.point])
    if name in box.alive:
        edges = np.unique(everything)
    else:
        edges = np.unique(np.quantile(everything, np.arange(BINS) / BINS)) if len(everything) else everything
    if len(edges) < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return (
        np.bincount(np.searchsorted(edges, mine, side="right") - 1, minlength=len(edges)),
        np.bincount(np.searchsorted(edges, everything, side="right") - 1, minlength=len(edges)),
    )


def _excess(mine: NDArray[np.int64], everything: NDArray[np.int64]) -> float:
    """Pearson divergence of a part from its whole, less what a part drawn by chance would have; not below 0."""
    part, whole = int(mine.sum()), int(everything.sum())
    if part == 0 or whole <= part:
        return 0.0
    expected = part * everything / whole
    divergence = float((((mine - expected) ** 2) / expected).sum())
    by_chance = (len(everything) - 1) * (whole - part) / (whole - 1)
    return max(0.0, divergence - by_chance)
