"""Who proposes the next settings to try. One function each, deterministic in what it is given.

A searcher is ``propose(space, history, n, rng, tuner) -> list[Point]``: the search space, all settings that raced so
far with their scores, how many are wanted, a random stream made from (seed, cohort), and the tuner's settings. The race
decides by evidence, so a searcher needs no statistics of its own; measured, the acceptance rule and the repeats decide,
the searcher hardly does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.meta.parameters import ChoiceParameter
from metagenx.meta.searchers_by_steps import Tried, differential_evolution, lus, racing
from metagenx.meta.searchers_of_ray import PACKAGES, propose_by_ray
from metagenx.meta.space import Point, SearchSpace
from metagenx.meta.tuner_settings import TunerSettings

MOST_DRAWS = 200
_BY_HAND = TunerSettings()


Searcher = Callable[[SearchSpace, Sequence[Tried], int, np.random.Generator, TunerSettings], list[Point]]


def propose(
    name: str,
    space: SearchSpace,
    history: Sequence[Tried],
    n: int,
    rng: np.random.Generator,
    *,
    cohort: int = 0,
    tuner: TunerSettings = _BY_HAND,
) -> list[Point]:
    """``n`` settings to try next; fewer if the space holds no more.

    From the second cohort on, a part of them (half, unless the tuner has it otherwise) lie near the best so far, the
    nearer the later.

    Raises
    ------
    InputError : no searcher of this name, or its library is not installed.
    """
    if name not in SEARCHERS:
        close = get_close_matches(name, SEARCHERS, n=1)
        hint = f"Did you mean {close[0]}?" if close else None
        raise InputError(f"searcher {name!r} is not one of {', '.join(SEARCHERS)}", hint=hint)
    near: list[Point] = []
    if name in {"random", "sobol"}:
        width = tuner.near_width * tuner.near_shrink ** max(0, cohort - 1)
        share = int((1.0 - tuner.whole_share if cohort else tuner.first_near) * n)
        near = near_the_best(space, history, share, rng, width=width, elites=tuner.near_elites)
    points = near + SEARCHERS[name](space, history, n - len(near), rng, tuner)
    return list({_key(point): point for point in points}.values())


def random(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
    """Uniform over the space."""
    return [space.sample(rng) for _ in range(n)]


def sobol(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
    """A scrambled Sobol sequence: spread more evenly than chance."""
    return list(space.sobol(n, rng)) if n > 0 else []


def grid(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
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
    width: float,
    elites: int,
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


def tpe(
    space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator, tuner: TunerSettings
) -> list[Point]:
    """Tree-structured Parzen estimator, by Optuna (``pip install metagenx[tpe]``).

    Choices are choices to it, all else is its place in [0, 1]; a parameter that does not count is not suggested.
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its options of use here are called experimental
            sampler = optuna.samplers.TPESampler(
                seed=int(rng.integers(2**31)),
                n_startup_trials=tuner.tpe_startup,
                multivariate=True,
                group=True,
                constant_liar=True,
            )
        study = optuna.create_study(sampler=sampler)
        axes: dict[str, Any] = {
            name: optuna.distributions.CategoricalDistribution(list(parameter.values))
            if isinstance(parameter, ChoiceParameter)
            else optuna.distributions.FloatDistribution(0.0, 1.0)
            for name, parameter in space.parameters.items()
        }
        for item in history:
            if math.isfinite(item.score):
                units = dict(zip(space.names, map(float, space.encode(item.point)), strict=True))
                params = {
                    name: value if isinstance(space.parameters[name], ChoiceParameter) else units[name]
                    for name, value in item.point.items()
                }
                known = {name: axes[name] for name in params}
                study.add_trial(optuna.trial.create_trial(params=params, distributions=known, value=float(item.score)))
        found: list[Point] = []
        for _ in range(MOST_DRAWS * max(n, 1)):
            if len(found) >= n:
                break
            trial = study.ask()
            point = _suggested(space, trial)
            if space.allowed(point):
                found.append(point)
            else:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return found
    finally:
        optuna.logging.set_verbosity(level)


def _suggested(space: SearchSpace, trial: Any) -> Point:
    """The values that a trial suggests for the parameters that count, what they depend on first."""
    point: Point = {}
    while True:
        missing = [name for name in space.names if name not in point and space.counts(name, point)]
        if not missing:
            return {name: point[name] for name in space.names if name in point}
        name = missing[0]
        parameter = space.parameters[name]
        if isinstance(parameter, ChoiceParameter):
            point[name] = trial.suggest_categorical(name, list(parameter.values))
        else:
            point[name] = parameter.decode(trial.suggest_float(name, 0.0, 1.0))


def _by_ray(
    name: str,
    space: SearchSpace,
    history: Sequence[Tried],
    n: int,
    rng: np.random.Generator,
    tuner: TunerSettings,
) -> list[Point]:
    """One of Ray Tune's searchers, with its own settings."""
    return propose_by_ray(name, space, history, n, rng)


SEARCHERS: dict[str, Searcher] = {
    "random": random,
    "sobol": sobol,
    "tpe": tpe,
    "racing": racing,
    "de": differential_evolution,
    "lus": lus,
    "grid": grid,
    **{f"ray:{name}": partial(_by_ray, name) for name in PACKAGES},
}


def _key(point: Mapping[str, Any]) -> str:
    return repr(sorted(point.items()))
