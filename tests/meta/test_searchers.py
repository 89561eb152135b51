"""Searchers: deterministic, inside their space, and better than where they began on a cheap objective."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metagenx.errors import InputError
from metagenx.meta.searchers import SEARCHERS, Tried, propose
from metagenx.meta.searchers_of_ray import PACKAGES
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_file import load_space, space_from
from metagenx.meta.yaml_lines import Document

MISSING = {f"ray:{name}" for name in PACKAGES} - {"ray:optuna"}  # packages that tests do not need
USABLE = [name for name in SEARCHERS if name != "grid" and name not in MISSING]


def usable(name: str) -> None:
    if name in ("tpe", "ray:optuna"):
        pytest.importorskip("optuna")


@pytest.mark.parametrize("name", USABLE)
def test_searchers_are_deterministic_and_stay_inside(name: str) -> None:
    usable(name)
    for of in ("de-core", "strategies"):  # the second has choices with parameters that hang on them
        space = load_space(of, Path())
        rng = np.random.default_rng(3)
        history = [Tried(space.sample(rng), float(score)) for score in rng.uniform(3.5, 5.0, 14)]
        history.append(Tried(space.sample(rng), 3.0, censored=True))
        for cohort in (0, 2):
            first = propose(name, space, history, 7, np.random.default_rng(1), cohort=cohort)
            again = propose(name, space, history, 7, np.random.default_rng(1), cohort=cohort)
            assert first == again
            assert len(first) == 7
            assert all(space.contains(point) for point in first)
        other = propose(name, space, history, 7, np.random.default_rng(2))
        assert other != propose(name, space, history, 7, np.random.default_rng(1))
        assert propose(name, space, [], 3, np.random.default_rng(0))  # without a history too


# ------------------------------------------------------------------------------------------------ they improve


def planted() -> SearchSpace:
    """Two numbers, a choice, and a number that counts for one of its values only."""
    parameters = {
        "km": {"float": [0.0, 1.0]},
        "kr": {"float": [0.0, 1.0]},
        "create_trial": {"choice": ["best_1_bin", "rand_1_bin", "jade_best"]},
        "c": {"float": [0.01, 1.0], "log": True, "when": {"create_trial": "jade_best"}},
    }
    return space_from({"parameters": parameters}, Document("planted.yaml", {}), ("search_space",), Path())


def objective(point: Mapping[str, Any]) -> float:
    """Least, 3, at km 0.7, kr 0.2, jade_best, c 0.1."""
    distance = (point["km"] - 0.7) ** 2 + (point["kr"] - 0.2) ** 2
    if point["create_trial"] != "jade_best":
        return 3.5 + distance
    return 3.0 + float(distance + 0.1 * np.log10(point["c"] / 0.1) ** 2)


def courses(name: str, *, seeds: int = 6, rounds: int = 6, n: int = 8) -> np.ndarray:
    """Best score after each round, (seeds, rounds)."""
    space = planted()
    found = np.empty((seeds, rounds))
    for seed in range(seeds):
        history: list[Tried] = []
        for cohort in range(rounds):
            points = propose(name, space, history, n, np.random.default_rng([seed, cohort]), cohort=cohort)
            history += [Tried(point, objective(point)) for point in points]
            found[seed, cohort] = min(item.score for item in history)
    return found - 3.0


@pytest.fixture(scope="module")
def by_chance() -> np.ndarray:
    """What uniform draws alone reach."""
    space, rng = planted(), np.random.default_rng(0)
    draws = [[objective(space.sample(rng)) for _ in range(48)] for _ in range(40)]
    return np.array(draws).min(axis=1) - 3.0


@pytest.mark.parametrize("name", USABLE)
def test_each_improves_on_a_cheap_objective(name: str, by_chance: np.ndarray) -> None:
    usable(name)
    found = courses(name, seeds=3 if name in ("tpe", "ray:optuna") else 6)
    assert np.median(found[:, -1]) < 0.5 * np.median(found[:, 0])
    if name != "sobol":
        assert np.median(found[:, -1]) < np.median(by_chance)


# ------------------------------------------------------------------------------------------------------ names


def test_a_grid_is_proposed_once() -> None:
    space = load_space("schemes", Path())
    first = propose("grid", space, [], 4, np.random.default_rng(0))
    rest = propose("grid", space, [Tried(point, 4.0) for point in first], 9, np.random.default_rng(0))
    assert len(first) == 4
    assert len(rest) == 5  # nine schemes in all
    with pytest.raises(InputError, match="Did you mean sobol"):
        propose("soboll", space, [], 1, np.random.default_rng(0))


def test_a_searcher_of_ray_whose_package_is_missing_says_what_to_install() -> None:
    space = load_space("de-core", Path())
    for name, (module, package) in PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            with pytest.raises(InputError, match="not installed") as caught:
                propose(f"ray:{name}", space, [], 2, np.random.default_rng(0))
            assert caught.value.hint == f"pip install {package}"


def test_searchers_of_ray_leave_the_global_generators_alone() -> None:
    usable("ray:optuna")
    before = np.random.get_state()[1].copy()
    propose("ray:optuna", planted(), [], 2, np.random.default_rng(0))
    assert np.array_equal(np.random.get_state()[1], before)
