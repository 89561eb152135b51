"""Who proposes the next settings to try. One function each, deterministic in what it is given.

A searcher is ``propose(space, history, n, rng) -> list[Point]``: the search space, all settings that raced so
far with their scores, how many are wanted, and a random stream made from (seed, cohort). The race decides by
evidence, so a searcher needs no statistics of its own; measured, the acceptance rule and the repeats decide,
the searcher hardly does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.meta.space import Point, SearchSpace

NEAR_SHARE = 0.5  # of a later cohort that is proposed near the best; the rest comes from the whole space
FIRST_WIDTH = 0.2  # standard deviation of proposals near the best, in widths of the space; halved each cohort
MOST_DRAWS = 200


@dataclass(frozen=True)
class Tried:
    """One setting that raced: where it lies in the space, and its score (log10 ERT, smaller is better)."""

    point: Mapping[str, Any]
    score: float
    censored: bool = False


Searcher = Callable[[SearchSpace, Sequence[Tried], int, np.random.Generator], list[Point]]


def propose(
    name: str,
    space: SearchSpace,
    history: Sequence[Tried],
    n: int,
    rng: np.random.Generator,
    *,
    cohort: int = 0,
) -> list[Point]:
    """``n`` settings to try next; fewer if the space holds no more.

    From the second cohort on, half of them lie near the best so far, the nearer the later.

    Raises
    ------
    InputError : no searcher of this name, or its library is not installed.
    """
    if name not in SEARCHERS:
        close = get_close_matches(name, SEARCHERS, n=1)
        hint = f"Did you mean {close[0]}?" if close else None
        raise InputError(f"searcher {name!r} is not one of {', '.join(SEARCHERS)}", hint=hint)
    near: list[Point] = []
    if cohort > 0 and name in {"random", "sobol"}:
        near = near_the_best(space, history, int(NEAR_SHARE * n), rng, width=FIRST_WIDTH * 0.5 ** (cohort - 1))
    points = near + SEARCHERS[name](space, history, n - len(near), rng)
    return list({_key(point): point for point in points}.values())


def random(space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator) -> list[Point]:
    """Uniform over the space."""
    return [space.sample(rng) for _ in range(n)]


def sobol(space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator) -> list[Point]:
    """A scrambled Sobol sequence: spread more evenly than chance."""
    return list(space.sobol(n, rng)) if n > 0 else []


def grid(space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator) -> list[Point]:
    """The points of a space made of grids and choices, in order; those tried already are left out."""
    tried = {_key(item.point) for item in history}
    found: list[Point] = []
    for point in space.grid():
        if len(found) >= n:
            break
        if _key(point) not in tried:
            found.append(point)
    return found


def near_the_best(
    space: SearchSpace,
    history: Sequence[Tried],
    n: int,
    rng: np.random.Generator,
    *,
    width: float = FIRST_WIDTH,
    elites: int = 4,
) -> list[Point]:
    """Normal steps in the unit cube from one of the best settings, as iterated racing does (irace)."""
    ranked = sorted((t for t in history if not t.censored), key=lambda t: (t.score, _key(t.point)))[:elites]
    if not ranked:
        return []
    weights = np.arange(len(ranked), 0, -1, dtype=float)
    found: list[Point] = []
    for _ in range(MOST_DRAWS * max(n, 1)):
        if len(found) >= n:
            break
        parent = space.encode(ranked[int(rng.choice(len(ranked), p=weights / weights.sum()))].point)
        unit = parent + width * rng.standard_normal(len(parent))
        unit = np.abs(unit) % 2.0  # reflected at the walls, so that they are not favoured
        point = space.decode(np.where(unit > 1.0, 2.0 - unit, unit))
        if point is not None:
            found.append(point)
    return found


def tpe(space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator) -> list[Point]:
    """Tree-structured Parzen estimator over the unit cube of the space, by Optuna (``pip install
    metagenx[tpe]``).
    """
    try:
        import optuna
    except ImportError:
        raise InputError(
            "the searcher tpe needs Optuna, which is not installed", hint="pip install 'metagenx[tpe]'"
        ) from None
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        seed = int(rng.integers(2**31))
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=10, multivariate=True, constant_liar=True)
        study = optuna.create_study(sampler=sampler)
        n_dim = len(space.encode(space.sample(np.random.default_rng(0))))
        axes: dict[str, Any] = {f"u{i:02d}": optuna.distributions.FloatDistribution(0.0, 1.0) for i in range(n_dim)}
        for item in history:
            if math.isfinite(item.score):
                params = dict(zip(axes, map(float, space.encode(item.point)), strict=True))
                study.add_trial(optuna.trial.create_trial(params=params, distributions=axes, value=float(item.score)))
        found: list[Point] = []
        for _ in range(MOST_DRAWS * max(n, 1)):
            if len(found) >= n:
                break
            trial = study.ask(axes)
            point = space.decode(np.array([trial.params[axis] for axis in axes]))
            if point is not None:
                found.append(point)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return found
    finally:
        optuna.logging.set_verbosity(level)


SEARCHERS: dict[str, Searcher] = {"random": random, "sobol": sobol, "tpe": tpe, "grid": grid}


def _key(point: Mapping[str, Any]) -> str:
    return repr(sorted(point.items()))
