"""Search spaces: the value forms, conditions, files with mistakes, the built-in spaces."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import ConfigError, InputError
from metagenx.fitting.settings import Settings, describe
from metagenx.meta.conditions import condition
from metagenx.meta.parameters import ChoiceParameter, FloatParameter, IntParameter, Parameter
from metagenx.meta.space import SearchSpace, point_key
from metagenx.meta.space_file import built_in_folder, built_in_spaces, load_space

SCHEMES = ("best_1_bin", "rand_1_bin", "best_either_or", "rand_either_or", "jade_best", "simplex_best_1_bin")


def write(folder: Path, text: str, name: str = "space.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> dict[str, tuple[int | None, str, str | None]]:
    """Key path → (line, message, suggestion) of a space that must not load."""
    with pytest.raises(ConfigError) as caught:
        load_space(write(folder, text))
    return {m.path: (m.line, m.message, m.suggestion) for m in caught.value.mistakes}


# ---------------------------------------------------------------------------------------------------------------
# Value forms

unit = st.floats(0.0, 1.0)
parameters = st.one_of(
    st.builds(lambda a, b: FloatParameter(a, a + b), st.floats(-1e3, 1e3), st.floats(0.01, 1e3)),
    st.builds(lambda a, b: FloatParameter(a, a * b, log=True), st.floats(1e-6, 1e3), st.floats(1.1, 1e6)),
    st.builds(lambda n, step: FloatParameter(0.5, 0.5 + n * step, step=step), st.integers(1, 30), st.floats(0.01, 2)),
    st.builds(lambda a, n, step: IntParameter(a, a + n, step=step), st.integers(-50, 50), st.integers(4, 90),
              st.integers(1, 4)),
    st.builds(lambda a, n: IntParameter(a, a + n, log=True), st.integers(1, 50), st.integers(1, 500)),
    st.just(ChoiceParameter(SCHEMES)),
    st.just(ChoiceParameter((True, False), is_grid=True)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(parameters, unit)
def test_what_is_decoded_is_contained_and_decodes_again_to_itself(parameter: Parameter, place: float) -> None:
    value = parameter.decode(place)
    assert parameter.contains(value)
    assert parameter.clip(value) == value
    there = parameter.encode(value)
    assert 0.0 <= there <= 1.0
    again = parameter.decode(there)
    if isinstance(parameter, FloatParameter) and parameter.step is None:
        assert again == pytest.approx(value, rel=2e-3, abs=2e-3 * (parameter.high - parameter.low))
    else:
        assert again == value


@settings(max_examples=200, deadline=None)
@given(parameters, st.one_of(st.floats(), st.integers(-(10**6), 10**6), st.text(max_size=3)))
def test_clip_always_gives_a_legal_value(parameter: Parameter, value: float | int | str) -> None:
    assert parameter.contains(parameter.clip(value))


def test_every_whole_number_gets_its_share() -> None:
    parameter = IntParameter(1, 4)
    counts = np.bincount([parameter.decode(u) for u in (np.arange(4000) + 0.5) / 4000], minlength=5)
    assert list(counts[1:]) == [1000] * 4
    assert list(IntParameter(2, 9, step=3).grid()) == [2, 5, 8]


def test_log_gives_every_octave_its_share() -> None:
    draws = [FloatParameter(1.0, 16.0, log=True).decode(u) for u in (np.arange(4000) + 0.5) / 4000]
    assert np.mean(np.array(draws) < 4.0) == pytest.approx(0.5, abs=0.01)


def test_proposals_can_be_typed() -> None:
    value = FloatParameter(0.3, 1.0).decode(0.123456789)
    assert value == float(f"{value:.4g}")


# ---------------------------------------------------------------------------------------------------------------
# Conditions


def test_conditions() -> None:
    assert condition("km", "< 0.35").holds({"km": 0.3})
    assert not condition("km", "<0.35").holds({"km": 0.35})
    assert condition("km", ">= 0.35").holds({"km": 0.35})
    assert condition("create_trial", ["a", "b"]).holds({"create_trial": "b"})
    assert condition("create_trial", "!= a").holds({"create_trial": "b"})
    assert not condition("create_trial", "a").holds({})
    for wrong in ("< x", [], {}, None, [[1]]):
        with pytest.raises(ValueError, match=r"\w"):
            condition("km", wrong)


# ---------------------------------------------------------------------------------------------------------------
# A space

CONDITIONAL = """
parameters:
  create_trial: {choice: [best_1_bin, rand_1_bin, jade_best]}
  km: {float: [0.3, 1.0]}
  c: {float: [0.01, 0.3], log: true, when: {create_trial: jade_best}}
  max_log_elements: {int: [200, 100_000], log: true, when: {c: "> 0.1"}}
forbid:
  - {create_trial: rand_1_bin, km: "< 0.5"}
"""


@pytest.fixture
def conditional(tmp_path: Path) -> SearchSpace:
    return load_space(write(tmp_path, CONDITIONAL))


def test_samples_are_legal_points(conditional: SearchSpace) -> None:
    rng = np.random.default_rng(1)
    points = [conditional.sample(rng) for _ in range(500)] + conditional.sobol(300, rng)
    for point in points:
        assert conditional.contains(point)
        assert ("c" in point) == (point["create_trial"] == "jade_best")
        assert ("max_log_elements" in point) == (point.get("c", 0) > 0.1)
        assert not (point["create_trial"] == "rand_1_bin" and point["km"] < 0.5)
    assert {point["create_trial"] for point in points} == {"best_1_bin", "rand_1_bin", "jade_best"}


def test_a_point_outside_is_not_contained(conditional: SearchSpace) -> None:
    good = {"create_trial": "best_1_bin", "km": 0.5}
    assert conditional.contains(good)
    for wrong in (
        {"create_trial": "best_1_bin"},
        {**good, "c": 0.1},
        {**good, "km": 1.5},
        {**good, "km": True},
        {**good, "kr": 0.5},
        {"create_trial": "rand_1_bin", "km": 0.4},
        {"create_trial": "jade_best", "km": 0.4, "c": 0.2},
    ):
        assert not conditional.contains(wrong), wrong


def test_encode_and_decode_are_inverse(conditional: SearchSpace) -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        point = conditional.sample(rng)
        place = conditional.encode(point)
        assert place.shape == (4,)
        assert ((place >= 0) & (place <= 1)).all()
        again = conditional.decode(place)
        assert again is not None
        assert again.keys() == point.keys()
        assert again["create_trial"] == point["create_trial"]
        assert again["km"] == pytest.approx(point["km"], rel=1e-3)


def test_decode_of_a_forbidden_place_is_none(conditional: SearchSpace) -> None:
    assert conditional.decode(np.array([0.5, 0.0, 0.5, 0.5])) is None


def test_equal_generators_give_equal_points(conditional: SearchSpace) -> None:
    one, two = (conditional.sobol(20, np.random.default_rng(3)) for _ in range(2))
    assert one == two
    assert one != conditional.sobol(20, np.random.default_rng(4))
    assert conditional.sobol(5, np.random.default_rng(3)) == one[:5]


def test_sobol_is_more_even_than_chance(tmp_path: Path) -> None:
    space = load_space(write(tmp_path, "parameters: {km: {float: [0, 1]}, kr: {float: [0, 1]}}"))
    points = np.array([[p["km"], p["kr"]] for p in space.sobol(256, np.random.default_rng(5))])
    cells = np.histogram2d(*points.T, bins=8, range=[[0, 1], [0, 1]])[0]
    assert cells.min() >= 2  # 4 each on average; 256 random draws leave a cell empty in most cases


def test_clip_brings_any_settings_inside(conditional: SearchSpace) -> None:
    assert conditional.clip({"create_trial": "jade_best", "km": 7.0, "c": 1e-9, "kr": 3.0}) == {
        "create_trial": "jade_best", "km": 1.0, "c": 0.01,
    }  # fmt: skip


def test_to_json_survives_yaml(conditional: SearchSpace, tmp_path: Path) -> None:
    import json

    again = load_space(write(tmp_path, json.dumps(conditional.to_json()), "again.yaml"))
    assert again.to_json() == conditional.to_json()
    rng = np.random.default_rng(6), np.random.default_rng(6)
    assert [conditional.sample(rng[0]) for _ in range(20)] == [again.sample(rng[1]) for _ in range(20)]


def test_the_grid_has_every_allowed_point_once(tmp_path: Path) -> None:
    space = load_space(
        write(
            tmp_path,
            """
parameters:
  create_trial: {grid: [best_1_bin, jade_best]}
  km: {float: [0.5, 0.7], step: 0.1}
  simplex_interval: {int: [4, 5], when: {create_trial: jade_best}}
forbid: [{create_trial: best_1_bin, km: 0.5}]
""",
        )
    )
    points = list(space.grid())
    assert len(points) == 2 + 3 * 2
    assert len({point_key(point) for point in points}) == 8
    assert points[0] == {"create_trial": "best_1_bin", "km": 0.6}
    assert all(space.contains(point) for point in points)


def test_a_continuum_has_no_grid() -> None:
    with pytest.raises(InputError, match="km is a continuum"):
        load_space("de-core").grid()


def test_settings_bring_the_switch_of_what_is_searched(tmp_path: Path) -> None:
    base = Settings(use_pop_mult=False, pop_size=50, use_max_generations=True)
    space = load_space(
        write(tmp_path, "parameters: {pop_mult: {float: [1, 9]}, stagnation_generations: {int: [5, 9]}}")
    )
    found = space.settings({"pop_mult": 4.0, "stagnation_generations": 7}, base)
    assert found.use_pop_mult
    assert found.use_stagnation
    assert found.use_max_generations
    assert found.population_size(10) == 40
    size = load_space(write(tmp_path, "parameters: {pop_size: {int: [10, 90]}}"))
    assert not size.settings({"pop_size": 30}, Settings()).use_pop_mult


def test_point_of_settings(conditional: SearchSpace) -> None:
    assert conditional.point(Settings(km=2.0)) == {"create_trial": "best_1_bin", "km": 2.0}
    assert "c" in conditional.point(Settings(create_trial="jade_best"))


# ---------------------------------------------------------------------------------------------------------------
# Files


def test_extends_inherits_replaces_and_removes(tmp_path: Path) -> None:
    space = load_space(
        write(
            tmp_path,
            """
extends: de-core
parameters: {km: {float: [0.6, 0.8]}, kr: null, max_evaluation_mult: null}
fixed: {kr: 0.9, pop_mult: 4}
""",
        )
    )
    assert space.names == ("create_trial", "stagnation_generations", "km")
    assert space.fixed == {
        "use_stagnation": True, "use_max_generations": False, "max_generation_mult": 1000, "kr": 0.9, "pop_mult": 4,
    }  # fmt: skip
    assert len(space.forbid) == 1


def test_a_chain_of_files(tmp_path: Path) -> None:
    write(tmp_path, "extends: de-core\nparameters: {kr: null}", "parent.yaml")
    assert "kr" not in load_space(write(tmp_path, "extends: parent.yaml\n")).names


def test_all_mistakes_at_once_with_lines_and_suggestions(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        """versoin: 1
extends: de-coer
parameters:
  kmm: {float: [0.3, 1.0]}
  kr: {float: [1.0, 0.3]}
  km: {float: [0.3]}
  pop_size: {float: [10, 100]}
  pop_mult: {float: [-1, 10], log: yes}
  create_trial: {choice: [best1bin, rand_1_bin]}
  c: {float: [0.01, 0.3], lgo: true, when: {create_tril: jade_best}}
  simplex_interval: 5
  use_boundaries: {int: [0, 1]}
  kr: {float: [0.1, 1.0]}
fixed: {pf: 3, km: 0.5}
forbid: {a: b}
algorithm: cma
""",
    )
    assert found["versoin"] == (1, "is an unknown key", "version")
    assert found["extends"][0] == 2
    assert "Did you mean de-core?" in found["extends"][1]
    assert found["parameters.kmm"] == (4, "is not a setting of the fit", "km")
    assert found["parameters.kr.float"][0] == 5
    assert found["parameters.km.float"] == (6, "must be two numbers, [low, high]", None)
    assert "whole numbers" in found["parameters.pop_size.float"][1]
    assert found["parameters.pop_mult.float[0]"][0] == 8
    assert found["parameters.create_trial.choice[0]"][2] == "best_1_bin"
    assert found["parameters.c.lgo"] == (10, "is an unknown key", "log")
    assert found["parameters.c.when.create_tril"][2] == "create_trial"
    assert found["parameters.simplex_interval"][0] == 11
    assert "choice: [true, false]" in found["parameters.use_boundaries.int"][1]
    assert found["parameters.kr"] == (13, "is there twice (first in line 5)", None)
    assert found["fixed.pf"][0] == 14
    assert "not both" in found["fixed.km"][1]
    assert found["forbid"][0] == 15
    assert found["algorithm"][0] == 16


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("parameters: {}", "parameters", "nothing to search"),
        ("parameters: {km: {float: [0, 1], int: [0, 1]}}", "parameters.km", "one of float, int, choice, grid"),
        ("parameters: {km: {float: [0, 1], log: true}}", "parameters.km.float", "above 0 with log"),
        ("parameters: {km: {float: [0.1, 1], log: true, step: 0.1}}", "parameters.km.step", "not go with log"),
        ("parameters: {km: {float: [0.1, 1], step: 2}}", "parameters.km.step", "at most 0.9"),
        ("parameters: {km: {float: [0.1, .inf]}}", "parameters.km.float", "two numbers"),
        ("parameters: {km: {float: [a, b]}}", "parameters.km.float", "two numbers"),
        ("parameters: {pop_size: {int: [4, 9.5]}}", "parameters.pop_size.int", "whole"),
        ("parameters: {km: {choice: []}}", "parameters.km.choice", "list of values"),
        ("parameters: {km: {choice: [0.5, 0.5]}}", "parameters.km.choice", "twice"),
        ("parameters: {km: {choice: [0.5, 0.6], step: 1}}", "parameters.km.step", "no meaning"),
        ("parameters: {km: {float: [0, 1], log: perhaps}}", "parameters.km.log", "not true or false"),
        ("parameters: [km]", "parameters", "name: value"),
        ("parameters: {km: null}", "parameters.km", "not inherited"),
        ("version: 2\nparameters: {km: {float: [0, 1]}}", "version", "knows version 1"),
        ("extends: 3\nparameters: {km: {float: [0, 1]}}", "extends", "not the name"),
        ("parameters: {km: {float: [0, 1], when: {kr: 1}}}", "parameters.km.when.kr", "neither searched nor fixed"),
        ("parameters: {km: {float: [0, 1], when: {km: '> 0.5'}}}", "parameters.km.when", "depends on itself"),
        ("parameters: {km: {float: [0, 1]}}\nforbid: [{km: abc}]", "forbid[0].km", "is a number"),
        ("parameters: {km: {float: [0, 1]}}\nforbid: [{km: '>= 0'}]", "forbid", "forbids everything"),
        ("parameters: {km: {float: [0, 1]}}\nforbid: [{}]", "forbid[0]", "must be such as"),
        ("parameters: {create_trial: {choice: [jade_best]}}\nforbid: [{create_trial: '< 3'}]",
         "forbid[0].create_trial", "no order"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(tmp_path: Path, text: str, path: str, message: str) -> None:
    found = mistakes(tmp_path, text)
    assert path in found, found
    assert message in found[path][1]


def test_mistakes_of_an_inherited_file_are_named_with_it(tmp_path: Path) -> None:
    write(tmp_path, "version: 1\nparameters:\n  kmm: {float: [0, 1]}\n", "parent.yaml")
    found = mistakes(tmp_path, "version: 1\nextends: parent.yaml\n")
    assert found == {"parent.yaml:3 parameters.kmm": (2, "is not a setting of the fit", "km")}


def test_files_that_extend_each_other(tmp_path: Path) -> None:
    write(tmp_path, "extends: b.yaml\n", "a.yaml")
    write(tmp_path, "extends: a.yaml\n", "b.yaml")
    with pytest.raises(ConfigError, match="leads back to this file"):
        load_space(tmp_path / "a.yaml")


def test_an_unknown_name_lists_what_is_built_in(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Built in are auto, de-core, .*Did you mean de-full"):
        load_space("de-ful", tmp_path)


# ---------------------------------------------------------------------------------------------------------------
# The built-in spaces


@pytest.mark.parametrize("name", ["auto", "de-core", "de-full", "schemes", "strategies"])
def test_built_in_spaces_give_valid_settings(name: str) -> None:
    space, rng = load_space(name), np.random.default_rng(0)
    base = Settings(use_pop_mult=False, pop_size=50)
    for point in [*space.sobol(200, rng), *(space.sample(rng) for _ in range(200))]:
        found = space.settings(point, base)
        assert all(getattr(found, key) == value for key, value in point.items())
        assert 4 <= found.population_size(12) <= 30 * 12
        unused = [o.name for o in describe() if o.name in point and found.create_trial not in o.schemes]
        assert not unused, f"{unused} are searched although {found.create_trial} does not feel them"


def test_the_core_space_holds_what_the_study_recommends() -> None:
    space = load_space("de-core")
    for cutoff in (7, 10):  # n³; the cutoffs that gained most and never lost
        point = {
            "create_trial": "best_1_bin", "km": 0.7, "kr": 0.7, "pop_mult": 3.0, "max_evaluation_mult": float(cutoff),
            "stagnation_generations": 20,
        }  # fmt: skip
        assert space.contains(point)
        found = space.settings(point, Settings())
        assert found.evaluation_limit(12) == cutoff * 12**3
        # the limit of generations never ends a run before its cutoff, whatever the population
        for mult in (1.0, 15.0):
            small = space.settings({**point, "pop_mult": mult}, Settings())
            assert small.generation_limit(12) * small.population_size(12) >= 54 * 12**3


def test_the_schemes_of_genx_and_ours() -> None:
    assert [point["create_trial"] for point in load_space("schemes").grid()] == [*SCHEMES, "l_shade", "jso", "cma_es"]
    assert load_space("schemes").is_grid()
    assert not load_space("de-core").is_grid()


def test_the_readme_explains_every_setting() -> None:
    text = (built_in_folder() / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z_0-9]+)`", "\n".join(row for row in text.splitlines() if row.startswith("| `"))))
    assert {option.name for option in describe()} <= explained


def test_the_readme_gives_the_ranges_of_the_core_space() -> None:
    text = (built_in_folder() / "README.md").read_text(encoding="utf-8")
    for name, parameter in load_space("de-core").parameters.items():
        if not isinstance(parameter, ChoiceParameter):
            row = next(row for row in text.splitlines() if row.startswith(f"| `{name}` |"))
            low, high = re.findall(r"[\d.]+", row.split("|")[2])[:2]
            assert (float(low), float(high)) == (parameter.low, parameter.high)
            assert ("log" in row.split("|")[2]) == parameter.log


def test_built_in_spaces_are_found_from_anywhere(tmp_path: Path) -> None:
    code = "from metagenx.meta.space_file import load_space; print(*load_space('de-core').names)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "create_trial"
    assert set(built_in_spaces()) == {"auto", "de-core", "de-full", "schemes", "strategies"}
