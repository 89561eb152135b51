from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.errors import ConfigError
from metagenx.fitting.schemes import ALL_SCHEMES, OWN_SCHEMES
from metagenx.fitting.settings import Settings, describe, mistakes_in, overrides_from_text

# The solver section of GenX's X-ray example, as the reader of the file hands it over.
XRAY = {
    "km": 0.6,
    "kr": 0.6,
    "pop_mult": 3,
    "pop_size": 50,
    "max_generations": 500,
    "max_generation_mult": 6,
    "sleep_time": 0.2,
    "max_log_elements": 100000,
    "errorbar_level": 1.05,
    "autosave_interval": 10,
    "parallel_processes": 2,
    "allowed_fom_discrepancy": 1e-10,
    "use_pop_mult": False,
    "use_max_generations": False,
    "use_start_guess": True,
    "use_boundaries": True,
    "use_parallel_processing": False,
    "create_trial": "best_1_bin",
    "figure_of_merit": "log",
    "ignore_fom_nan": True,
    "min_parameter_spread": 0.0,
}


def any_value(option):
    if option.choices:
        return st.sampled_from(option.choices)
    if option.kind is bool:
        return st.booleans()
    if option.kind is int:
        return st.integers(int(option.low), int(option.high))
    return st.floats(option.low, min(option.high, 1e300))


any_settings = st.fixed_dictionaries({}, optional={o.name: any_value(o) for o in describe()}).map(Settings.from_values)


def test_defaults_are_those_of_genx():
    settings = Settings()
    assert (settings.km, settings.kr, settings.create_trial) == (0.7, 0.7, "best_1_bin")
    assert settings.population_size(14) == 3 * 14
    assert settings.generation_limit(14) == 6 * 14 * 42
    assert settings.evaluation_limit(14) is None
    assert not settings.use_stagnation
    hidden = [settings.pf, settings.c, settings.simplex_interval, settings.simplex_step]
    assert hidden == [0.5, 0.07, 5, 0.05]
    assert (settings.simplex_rel_epsilon, settings.simplex_max_iter) == (1000.0, 100)


def test_the_solver_section_of_a_file_becomes_settings():
    settings = Settings.from_options(XRAY)
    assert settings == Settings(km=0.6, kr=0.6, use_pop_mult=False)
    assert settings.population_size(14) == 50
    assert settings.generation_limit(14) == 4200
    written = settings.to_options(14)
    assert {name: XRAY[name] for name in written} == written
    assert type(written["pop_mult"]) is int


def test_overrides_win_over_the_file_and_unknown_ones_are_mistakes():
    assert Settings.from_options({**XRAY, "create_trial": "newest"}, create_trial="jade_best").km == 0.6
    with pytest.raises(ConfigError, match="did you mean create_trial"):
        Settings.from_options(XRAY, creat_trial="jade_best")


def test_all_mistakes_are_listed_at_once_with_suggestions():
    values = {
        "kmm": 1,
        "create_trial": "best1bin",
        "pop_size": 2.5,
        "kr": "0.7",
        "use_boundaries": 1,
        "km": -1,
    }
    with pytest.raises(ConfigError) as caught:
        Settings.from_values(values)
    assert [m.path for m in caught.value.mistakes] == [
        "kmm",
        "create_trial",
        "km",
        "kr",
        "pop_size",
        "use_boundaries",
    ]
    assert [m.suggestion for m in caught.value.mistakes[:2]] == ["km", "best_1_bin"]
    assert "6 mistakes" in str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "0.7", None, True, [0.7]])
def test_numbers_must_be_finite_numbers(value):
    assert [m.path for m in mistakes_in({"km": value})] == ["km"]
    assert [m.path for m in mistakes_in({"pop_size": value})] == ["pop_size"]


def test_numbers_of_a_sampler_become_plain_numbers():
    settings = Settings(km=np.float64(0.5), pop_size=np.int64(20), pop_mult=2, max_generations=7.0)
    plain = {name: type(value) for name, value in dataclasses.asdict(settings).items()}
    assert (plain["km"], plain["pop_size"], plain["pop_mult"], plain["max_generations"]) == (
        float,
        int,
        float,
        int,
    )
    assert json.loads(settings.key()) == {"km": 0.5, "pop_size": 20, "pop_mult": 2.0, "max_generations": 7}


def test_hashes_never_change():
    """They are part of the random streams and of the ids in stored runs."""
    assert Settings().hash() == "44136fa355b3678a"
    jade = Settings(create_trial="jade_best", km=0.5, use_stagnation=True)
    assert jade.key() == '{"create_trial":"jade_best","km":0.5,"use_stagnation":true}'
    assert jade.hash() == "204421d1ead42ef0"


@given(any_settings, any_settings)
def test_keys_are_equal_exactly_when_settings_are(a, b):
    assert (a.key() == b.key()) == (a == b)
    assert Settings.from_values(json.loads(a.key())) == a


@given(any_settings, st.integers(1, 40))
def test_what_is_written_into_a_file_means_the_same_there(settings, n_dim):
    options = settings.to_options(n_dim)
    assert all(type(options[name]) is int for name in ("pop_mult", "pop_size", "max_generation_mult"))
    back = Settings.from_options(options)
    assert back.population_size(n_dim) == settings.population_size(n_dim)
    if settings.generation_limit(n_dim) <= 1_000_000_000:  # the largest that fits
        assert back.generation_limit(n_dim) == settings.generation_limit(n_dim)
    known = "best_1_bin" if settings.create_trial in OWN_SCHEMES else settings.create_trial  # to GenX
    assert (back.km, back.create_trial, back.use_boundaries) == (settings.km, known, settings.use_boundaries)


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        (Settings(max_evaluations=5000), 5000),
        (Settings(max_evaluation_mult=10), 10_000),
        (Settings(max_evaluations=5000, max_evaluation_mult=10), 5000),
        (Settings(max_evaluations=50_000, max_evaluation_mult=1.5), 1500),
    ],
)
def test_the_lower_cutoff_counts(settings, limit):
    assert settings.evaluation_limit(10) == limit


def test_every_setting_describes_itself():
    assert [option.name for option in describe()] == [f.name for f in dataclasses.fields(Settings)]
    for option in describe():
        assert option.description.endswith("."), option.name
        assert option.origin in ("genx", "constant", "metagenx")
        assert option.kind in (str, bool) or option.low <= option.default <= option.high
        assert set(option.schemes) <= set(ALL_SCHEMES)


def test_settings_on_a_command_line():
    texts = [
        "km=0.5",
        "create_trial = jade_best",
        "use-stagnation=yes",
        "pop_size=1_000",
        "use_boundaries=False",
    ]
    assert overrides_from_text(texts) == {
        "km": 0.5,
        "create_trial": "jade_best",
        "use_stagnation": True,
        "pop_size": 1000,
        "use_boundaries": False,
    }
    assert overrides_from_text([]) == {}
    with pytest.raises(ConfigError) as caught:
        overrides_from_text(["km", "kr=fast", "pop_sise=20", "use_boundaries=perhaps", "km=nan", "pop_size=2.5"])
    assert [m.path for m in caught.value.mistakes] == [
        "km",
        "pop_sise",
        "km",
        "kr",
        "pop_size",
        "use_boundaries",
    ]


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().km = 0.5
    assert Settings().replace(km=0.5) == Settings(km=0.5)
