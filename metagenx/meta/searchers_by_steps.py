"""Searchers that step from what was tried: iterated racing, differential evolution, and LUS.

All are functions of the history alone: what they would remember between calls follows from the settings that raced, in
their order. Settings without a success have a bound for a score, which ranks them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.meta.parameters import ChoiceParameter
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.tuner_settings import TunerSettings

MOST_DRAWS = 200


@dataclass(frozen=True)
class Tried:
    """One setting that raced: where it lies in the space, and its score (log10 ERT, smaller is better)."""

    point: Mapping[str, Any]
    score: float
    censored: bool = False


def racing(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
    """Iterated racing: normal steps around one of the elites, shorter with every iteration; choices lean to its own.

    After M. López-Ibáñez et al., Oper. Res. Perspect. 3 (2016) 43 (irace): ⌊2 + log2 n_dim⌋ elites, the better the
    likelier; the standard deviation shrinks by (1/N)^(1/n_dim) per iteration of N settings; a choice is the elite's
    with probability (iteration − 1)/iterations, else drawn. The race itself is the race of the tuning run.
    """
    known = _ranked(history)
    if len(known) < 2:
        return [space.sample(rng) for _ in range(n)]
    elites = [item.point for item in known[: math.floor(2 + math.log2(space.n_dim))]]
    iteration = 1 + len(history) // tuner.racing_iteration
    iterations = max(iteration, math.floor(2 + math.log2(space.n_dim)))
    width = tuner.racing_width * (1.0 / tuner.racing_iteration) ** ((iteration - 1) / space.n_dim)
    keep = iteration / (iterations + 1)
    weights = np.arange(len(elites), 0, -1, dtype=float)

    def step() -> Point | None:
        elite = elites[int(rng.choice(len(elites), p=weights / weights.sum()))]
        place = space.encode(elite)
        unit = np.array([_truncated(centre, width, rng) for centre in place])
        for axis, (name, parameter) in enumerate(space.parameters.items()):
            if isinstance(parameter, ChoiceParameter):
                unit[axis] = place[axis] if name in elite and rng.random() < keep else rng.random()
        return space.decode(unit)

    return _drawn(step, n)


def differential_evolution(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
    """Differential evolution on the settings of differential evolution: rand/1/bin among the best that were tried.

    The population is the best ``de_population`` of the history; a trial that is better takes its place there by itself.
    Choices are drawn anew now and then: their differences mean nothing.
    """
    known = _ranked(history)[: tuner.de_population]
    if len(known) < 4:
        return [space.sample(rng) for _ in range(n)]
    places = np.array([space.encode(item.point) for item in known])
    is_choice = np.array([isinstance(parameter, ChoiceParameter) for parameter in space.parameters.values()])
    counter = iter(range(MOST_DRAWS * max(n, 1)))

    def trial() -> Point | None:
        target = places[next(counter) % len(places)]
        one, two, three = places[rng.choice(len(places), 3, replace=False)]
        mutant = np.where(is_choice, one, one + tuner.de_f * (two - three))
        drawn = is_choice & (rng.random(space.n_dim) < tuner.de_other_choice)
        mutant = np.where(drawn, rng.random(space.n_dim), _reflected(mutant))
        crossed = rng.random(space.n_dim) < tuner.de_cr
        crossed[rng.integers(space.n_dim)] = True
        return space.decode(np.where(crossed, mutant, target))

    return _drawn(trial, n)


def lus(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
    """Local unimodal sampling (Pedersen, SwarmOps): uniform in a box around the best, which shrinks with each failure.

    The half-width is multiplied by 0.5^(1/(γ·n_dim)) for every setting that was not better than the best before it.
    """
    if not history:
        return [space.sample(rng) for _ in range(n)]
    best, half = history[0], tuner.lus_width
    for item in history[1:]:
        if item.score < best.score:
            best = item
        else:
            half *= 0.5 ** (1.0 / (tuner.lus_gamma * space.n_dim))
    centre = space.encode(best.point)
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    return _drawn(lambda: space.decode(low + (high - low) * rng.random(space.n_dim)), n)


def _ranked(history: Sequence[Tried]) -> list[Tried]:
    """The best first; those without a success last."""
    usable = [item for item in history if math.isfinite(item.score)]
    return sorted(usable, key=lambda item: (item.censored, item.score, repr(sorted(item.point.items()))))


def _drawn(draw: Any, n: int) -> list[Point]:
    """``n`` points that are not forbidden, or as many as a limited number of draws gives."""
    found: list[Point] = []
    for _ in range(MOST_DRAWS * max(n, 1)):
        if len(found) >= n:
            break
        point = draw()
        if point is not None:
            found.append(point)
    return found


def _truncated(centre: float, width: float, rng: np.random.Generator) -> float:
    """A normal step that stays inside [0, 1]."""
    for _ in range(MOST_DRAWS):
        value = float(rng.normal(centre, width))
        if 0.0 <= value <= 1.0:
            return value
    return centre


def _reflected(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values outside [0, 1] come back inside, as far from the wall as they were beyond it."""
    folded = np.abs(unit) % 2.0
    return np.asarray(np.where(folded > 1.0, 2.0 - folded, folded))
