"""Any searcher of Ray Tune, by the name that Ray knows it under: ``ray:optuna``, ``ray:hyperopt`` …

The searcher is made anew for every cohort and told the history, so that it depends on nothing but that and the seed.
It sees a flat box: choices as such, all else as its place in [0, 1]. What does not count in a combination is in the
middle there, and is left out of what it proposes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.meta.parameters import ChoiceParameter
from metagenx.meta.searchers_by_steps import Tried
from metagenx.meta.space import Point, SearchSpace

#: Ray's name → the module that it needs, and the package that has it.
PACKAGES = {
    "ax": ("ax", "ax-platform"),
    "bayesopt": ("bayes_opt", "bayesian-optimization"),
    "bohb": ("hpbandster", "hpbandster ConfigSpace"),
    "hebo": ("hebo", "HEBO"),
    "hyperopt": ("hyperopt", "hyperopt"),
    "nevergrad": ("nevergrad", "nevergrad"),
    "optuna": ("optuna", "optuna"),
    "zoopt": ("zoopt", "zoopt"),
}
NUMBERS_ONLY = frozenset({"bayesopt"})
METRIC = "score"
MOST_DRAWS = 20
_SEEDS = ("seed", "random_state_seed", "random_state")


def propose_by_ray(
    name: str, space: SearchSpace, history: Sequence[Tried], n: int, rng: np.random.Generator
) -> list[Point]:
    """Up to ``n`` points of one of Ray Tune's searchers.

    Raises
    ------
    InputError : its package is not installed; it cannot search this space.
    """
    module, package = PACKAGES[name]
    if importlib.util.find_spec(module) is None:
        raise InputError(
            f"the searcher ray:{name} needs the package {package}, which is not installed",
            hint=f"pip install {package}",
        )
    seed = int(rng.integers(2**31))
    known = [item for item in history if math.isfinite(item.score)]
    worst = max((item.score for item in known), default=0.0)
    box = _Box(space, numbers_only=name in NUMBERS_ONLY)
    found: list[Point] = []
    with _seeded(seed):
        try:
            searcher = _searcher(name, box, [box.config(item.point) for item in known], seed)
            for number, item in enumerate(known):
                if searcher.suggest(f"known{number}") is None:
                    break
                searcher.on_trial_complete(f"known{number}", {METRIC: item.score, "training_iteration": 1})
            for number in range(MOST_DRAWS * max(n, 1)):
                if len(found) >= n:
                    break
                config = searcher.suggest(f"new{number}")
                if not isinstance(config, dict):  # it has enough running, or has come to its end
                    break
                point = box.point(config)
                if point is not None:
                    found.append(point)
                else:  # a forbidden combination is as bad as the worst
                    searcher.on_trial_complete(f"new{number}", {METRIC: worst, "training_iteration": 1})
        except (ImportError, ValueError, TypeError, AssertionError) as error:
            raise InputError(f"the searcher ray:{name} cannot search this space: {error}") from error
    return found


class _Box:
    """A search space as Ray's searchers see it."""

    def __init__(self, space: SearchSpace, *, numbers_only: bool) -> None:
        from ray import tune

        self.space = space
        self.choices = {
            name: parameter
            for name, parameter in space.parameters.items()
            if isinstance(parameter, ChoiceParameter) and not numbers_only
        }
        self.domains: dict[str, Any] = {
            name: tune.choice(list(self.choices[name].values)) if name in self.choices else tune.uniform(0.0, 1.0)
            for name in space.names
        }

    def config(self, point: Any) -> dict[str, Any]:
        """A point with every axis; those that do not count in the middle."""
        units = dict(zip(self.space.names, map(float, self.space.encode(point)), strict=True))
        return {name: self.choices[name].decode(unit) if name in self.choices else unit for name, unit in units.items()}

    def point(self, config: dict[str, Any]) -> Point | None:
        """The point of a configuration; None where it is forbidden."""
        places = [
            self.choices[name].encode(config[name]) if name in self.choices else float(config[name])
            for name in self.space.names
        ]
        return self.space.decode(np.array(places))


def _searcher(name: str, box: _Box, points: list[dict[str, Any]], seed: int) -> Any:
    from ray.tune.search import SEARCH_ALG_IMPORT

    imported: Any = SEARCH_ALG_IMPORT[name]
    kind = imported()
    takes = inspect.signature(kind.__init__).parameters
    options: dict[str, Any] = {option: seed for option in _SEEDS if option in takes}
    if points and "points_to_evaluate" in takes:
        options["points_to_evaluate"] = points
    if "optimizer" in takes and name == "nevergrad":
        import nevergrad

        options["optimizer"] = nevergrad.optimizers.NGOpt
    searcher = kind(**options)
    searcher.set_search_properties(METRIC, "min", box.domains)
    return searcher


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """For searchers that draw from the global generators: seeded, and afterwards as they were."""
    numbers, others = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numbers)  # noqa: NPY002
        random.setstate(others)
