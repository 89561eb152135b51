"""Experiment files: defaults, units, YAML's traps, all mistakes at once, overrides, identity."""

from __future__ import annotations

import contextlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metagenx.errors import EXIT_BAD_INPUT, ConfigError, FileFormatError, InputError
from metagenx.meta import quantities
from metagenx.meta.experiment import Experiment, experiment_for, experiment_from, load_experiment
from metagenx.meta.experiment_schema import DEFAULT_EVALUATIONS, DEFAULT_SEED, TuneSection, TwinsSection
from metagenx.meta.experiment_template import ModelSummary, experiment_template
from metagenx.meta.yaml_lines import parse_yaml


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.hgx").write_bytes(b"a film")
    (tmp_path / "other.hgx").write_bytes(b"another film")
    return tmp_path


def write(folder: Path, text: str, name: str = "film.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str, *overrides: str) -> Experiment:
    return load_experiment(write(folder, text), overrides)


def mistakes(folder: Path, text: str, *overrides: str) -> dict[str, tuple[int | None, str, str | None]]:
    """Key path → (line, message, suggestion) of an experiment that must not load."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, *overrides)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    return {m.path: (m.line, m.message, m.suggestion) for m in caught.value.mistakes}


MINIMAL = "model: {file: film.hgx}\n"

# ---------------------------------------------------------------------------------------------------------------
# Good files


def test_a_file_name_alone_is_an_experiment(folder: Path) -> None:
    experiment = load(folder, MINIMAL)
    assert experiment.name == "film"
    assert [(sample.name, sample.file) for sample in experiment.samples] == [("data", folder / "film.hgx")]
    assert experiment.fom is None
    assert experiment.baseline == "file"
    assert experiment.space.name == "auto.yaml"
    assert experiment.test.repeats == 60
    assert (experiment.test.start.perturb, experiment.test.start.of, experiment.test.start.clip) == (
        0.1,
        "fitted",
        True,
    )
    assert experiment.target.within == 0.01
    assert experiment.target.below is None
    assert experiment.tune.searcher == "random"
    assert experiment.tune.racing
    assert experiment.tune.validate == 200
    assert experiment.seed == DEFAULT_SEED
    assert experiment.budget.evaluations == DEFAULT_EVALUATIONS
    assert experiment.run.workers is None


def test_a_model_file_stands_for_its_experiment(folder: Path) -> None:
    for experiment in (experiment_for(folder / "film.hgx"), load_experiment(folder / "film.hgx")):
        assert experiment.name == "film"
        assert experiment.source is None
        assert experiment.hash == load(folder, MINIMAL).hash


def test_units_and_yaml_numbers(folder: Path) -> None:
    experiment = load(
        folder,
        """
model: {file: film.hgx, fom: log}
name: 2014
seed: 1e3
search_space: {parameters: {km: {float: [1e-1, 1]}}}
test:
  repeats: 40_000
  start: {perturb: 12.5 %, clip: no}
  success: {fom_within: 1e-3, fom_below: 4.6e-2}
  max_evaluations: 40k
tune: {racing: off, trials: 2e2}
budget: {evaluations: 3 M, hours: 90 min}
run: {workers: auto}
""",
    )
    assert experiment.name == "2014"
    assert experiment.fom == "log"
    assert experiment.seed == 1000
    assert experiment.space.names == ("km",)
    assert experiment.test.repeats == 40_000
    assert experiment.test.start.perturb == 0.125
    assert experiment.test.start.clip is False
    assert experiment.target.within == 1e-3
    assert experiment.target.below == 0.046
    assert experiment.test.max_evaluations == 40_000
    assert experiment.tune.racing is False
    assert experiment.tune.trials == 200
    assert experiment.budget.evaluations == 3_000_000
    assert experiment.budget.hours == 1.5


def test_several_samples(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "film.hgx").write_bytes(b"a third film")
    experiment = load(folder, "model: {files: [film.hgx, other.hgx, sub/film.hgx]}")
    assert [sample.name for sample in experiment.samples] == ["film", "other", "film-2"]


def test_empty_keys_mean_their_defaults(folder: Path) -> None:
    assert load(folder, MINIMAL + "tune:\nbudget:\n  hours:\nsearch_space:\n").hash == load(folder, MINIMAL).hash


def test_hours_alone_need_no_evaluations(folder: Path) -> None:
    assert load(folder, MINIMAL + "budget: {hours: 2}").budget.evaluations is None


def test_files_lie_beside_the_yaml_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "experiments").mkdir()
    path = write(folder / "experiments", "model: {file: ../film.hgx}\nsearch_space: space.yaml")
    write(folder / "experiments", "parameters: {kr: {float: [0, 1]}}", "space.yaml")
    monkeypatch.chdir(folder.parent)
    assert load_experiment(path).space.names == ("kr",)


# ---------------------------------------------------------------------------------------------------------------
# Mistakes


def test_all_mistakes_at_once_with_lines_and_suggestions(folder: Path) -> None:
    found = mistakes(
        folder,
        """versoin: 1
model:
  file: fim.hgx
  fom: lgo
baseline: fle
seed: -3
search_space: de-coer
test:
  repeats: many
  start: {perturb: 10 parsec, of: fited, clip: maybe}
  success: {fom_within: 0 %, of: best_known, fom_blow: 3}
  max_evaluations: 40.00001k
tune:
  goal: expected_csot
  trails: 4
  racing: off
  racing: on
  validate: true
budget: {trials: 3, hours: -2 h}
run: local
name: ../x
""",
    )
    assert found["versoin"] == (1, "is an unknown key", "version")
    assert found["model.file"][0] == 3
    assert found["model.file"][2] == "film.hgx"
    assert found["model.fom"][0] == 4
    assert "Did you mean log?" in found["model.fom"][1]
    assert found["baseline"] == (5, '"fle" must be one of file, genx3', "file")
    assert found["seed"] == (6, "is -3, it must be at least 0", None)
    assert "Did you mean de-core?" in found["search_space"][1]
    assert found["test.repeats"] == (9, '"many" is not a whole number, such as 40_000 or 40k', None)
    assert found["test.start.perturb"] == (10, '"10 parsec" has an unknown unit; use %', None)
    assert found["test.start.of"][2] == "fitted"
    assert found["test.start.clip"][1] == '"maybe" is not true or false'
    assert found["test.success.fom_within"][1] == "is 0 %, it must be above 0"
    assert found["test.success.fom_blow"] == (11, "is an unknown key", "fom_below")
    assert found["test.max_evaluations"][1] == '"40.00001k" is not a whole number'
    assert found["tune.goal"][2] == "expected_cost"
    assert found["tune.trails"] == (15, "is an unknown key", "trials")
    assert found["tune.racing"] == (17, "is there twice (first in line 16)", None)
    assert found["tune.validate"][0] == 18
    assert found["budget.trials"] == (19, "is an unknown key", "tune.trials")
    assert found["budget.hours"] == (19, "is -2 h, it must be above 0", None)
    assert found["run"] == (20, 'must be a section of "key: value" lines', None)
    assert "cannot name a folder" in found["name"][1]
    assert len(found) == 21


def test_the_message_is_what_the_user_reads(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder, "model: {file: film.hgx}\ntune:\n  trails: 3\n")
    assert str(caught.value).splitlines() == [
        f"{folder / 'film.yaml'} has 1 mistake",
        "  line 3    tune.trails              is an unknown key; did you mean trials?",
    ]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", "model", "is missing"),
        ("tune: {trials: 3}", "model", "names the .hgx or .gx file"),
        ("model:", "model", "is missing"),
        ("model: film.hgx", "model", "must be a section"),
        ("model: {fom: log}", "model", "has no file"),
        ("model: {file: [film.hgx]}", "model.file", "must be text"),
        ("model: {files: []}", "model.files", "list of files"),
        ("model: {files: film.hgx}", "model.files", "list of files"),
        ("model: {files: [film.hgx, nix.hgx]}", "model.files[1]", "there is no file"),
        ("model: {file: film.hgx, files: [film.hgx]}", "model.files", "does not go with model.file"),
        ("model: {file: .}", "model.file", "is a folder"),
        (MINIMAL + "version: 2", "version", '"2" must be 1'),
        (MINIMAL + "search_space: [de-core]", "search_space", "must be the name of a search space"),
        (
            MINIMAL + "search_space: {parameters: {kmm: {float: [0, 1]}}}",
            "search_space.parameters.kmm",
            "not a setting",
        ),
        (MINIMAL + "test: {repeats: 1}", "test.repeats", "at least 2"),
        (MINIMAL + "test: {repeats: 10 %}", "test.repeats", "unknown unit"),
        (MINIMAL + "test: {success: {fom_below: .inf}}", "test.success.fom_below", "finite"),
        (MINIMAL + "test: {success: {fom_below: abc}}", "test.success.fom_below", "not a number"),
        (MINIMAL + "seed: 1.5", "seed", "not a whole number"),
        (MINIMAL + "run: {workers: many}", "run.workers", "not a whole number"),
        (MINIMAL + "run: {workers: 0}", "run.workers", "at least 1"),
        (MINIMAL + "budget: {cost: 5 USD}", "budget.cost", "unknown key"),
        (MINIMAL + "name: ''", "name", "must be text"),
        ("model:\n\tfile: film.hgx", "the file", "indented with a tab"),
        ("model: {file: film.hgx", "the file", "is not YAML"),
        ("model: a: b", "the file", "quotes"),
        ("- model", "the file", 'must consist of "key: value" lines'),
        (MINIMAL + "---\n" + MINIMAL, "the file", "several documents"),
        ("model: !!python/object/apply:os.system [ls]", "model", "the tag"),
        ("model: &a [*a]", "model", "too deeply"),
        ("[1, 2]: 3", "the file", "not plain text"),
    ],
)
def test_each_mistake_is_named(folder: Path, text: str, path: str, message: str) -> None:
    found = mistakes(folder, text)
    assert path in found, found
    assert message in found[path][1]


def test_mistakes_of_the_search_space_join_those_of_the_experiment(folder: Path) -> None:
    write(folder, "parameters:\n  kmm: {float: [0, 1]}\n", "mine.yaml")
    found = mistakes(folder, MINIMAL + "search_space: mine.yaml\nseed: x\n")
    assert found["mine.yaml:2 parameters.kmm"] == (2, "is not a setting of the fit", "km")
    assert found["seed"][0] == 3


def test_no_such_experiment(folder: Path) -> None:
    write(folder, MINIMAL)
    with pytest.raises(FileFormatError, match=r"there is no such file\n.*film.yaml"):
        load_experiment(folder / "fim.yaml")
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_experiment(folder)
    (folder / "bad.yaml").write_bytes(b"model: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_experiment(folder / "bad.yaml")
    (folder / "huge.yaml").write_bytes(b"# " + b"x" * 2_000_000)
    with pytest.raises(FileFormatError, match="too large"):
        load_experiment(folder / "huge.yaml")


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["film.hgx", "10 %", "40k", "de-core", "fitted", "random", "< 3", "2 h", "keep", "file"]),
)  # fmt: skip
keys = st.sampled_from(
    ["model", "file", "files", "fom", "test", "start", "perturb", "of", "success", "tune", "trials", "seed", "budget",
     "hours", "run", "workers", "search_space", "parameters", "km", "create_trial", "float", "choice", "when", "forbid",
     "fixed", "extends", "log", "step", "version", "name", "trails", "0"]
)  # fmt: skip
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(keys, anything, max_size=5), st.booleans())
def test_whatever_it_holds_an_experiment_loads_or_says_what_is_wrong(folder: Path, data: dict, good: bool) -> None:
    data = {**data, "model": {"file": "film.hgx"}} if good else data
    with contextlib.suppress(InputError):
        load(folder, json.dumps(data)).resolved()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!#'\"|>%@ \t\n,0x~?\\."), max_size=40))
def test_any_text_is_yaml_or_a_mistake(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_yaml(text, "x.yaml")


# ---------------------------------------------------------------------------------------------------------------
# --set


def test_overrides(folder: Path) -> None:
    experiment = load(
        folder, MINIMAL + "tune: {trials: 5}", "tune.trials=7", "test.start={perturb: 5 %}", "budget.hours=30 min",
        "search_space=schemes", "run.workers=3",
    )  # fmt: skip
    assert experiment.tune.trials == 7
    assert experiment.test.start.perturb == 0.05
    assert experiment.budget.hours == 0.5
    assert experiment.space.names == ("create_trial",)
    assert experiment.run.workers == 3
    assert load(folder, MINIMAL + "tune: {trials: 5}", "tune.trials=").tune.trials == 60


def test_a_file_on_the_command_line_is_looked_for_in_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = folder / "here"
    here.mkdir()
    (here / "film.hgx").write_bytes(b"the film of the current folder")
    path = write(folder, MINIMAL)
    monkeypatch.chdir(here)
    assert (
        load_experiment(path, ["model.file=film.hgx"]).samples[0].file.read_bytes() == b"the film of the current folder"
    )
    assert load_experiment(path, ["model.file=../other.hgx"]).samples[0].file.read_bytes() == b"another film"
    assert load_experiment(path, ["model.file=../other.hgx"]).name == "other"
    # what is not there is looked for beside the YAML file
    assert load_experiment(path, ["model.file=other.hgx"]).samples[0].file == folder / "other.hgx"
    assert load_experiment(path).samples[0].file == folder / "film.hgx"


def test_one_file_replaces_several(folder: Path) -> None:
    text = "model: {files: [film.hgx, other.hgx]}"
    assert [s.name for s in load(folder, text, "model.file=film.hgx").samples] == ["data"]
    assert len(load(folder, MINIMAL, "model.files=[film.hgx, other.hgx]").samples) == 2


def test_mistakes_in_overrides_name_the_option(folder: Path) -> None:
    found = mistakes(
        folder, MINIMAL + "baseline: fle", "tune.trails=3", "model.file=nix.hgx", "test=3", "x", "seed.a=3",
        "run.workers=0", "a.b=[", "tune.racing=perhaps", ".=1",
    )  # fmt: skip
    assert found["--set tune.trails"] == (None, "is an unknown key", "trials")
    assert "there is no file" in found["--set model.file"][1]
    assert found["--set test"][1] == 'must be a section of "key: value" lines'
    assert found["--set x"][1] == "must be such as tune.trials=20"
    assert found["--set run.workers"][1] == "is 0, it must be at least 1"
    assert found["--set tune.racing"][1] == '"perhaps" is not true or false'
    assert "is not YAML" in found["--set a.b=["][1]
    assert "--set seed" in found
    assert found["baseline"][0] == 2


def test_an_override_below_a_value_is_a_mistake(folder: Path) -> None:
    found = mistakes(folder, MINIMAL + "search_space: de-core", "search_space.parameters.km={float: [0, 1]}")
    assert found["--set search_space.parameters.km"][1] == "search_space has no keys of its own"


# ---------------------------------------------------------------------------------------------------------------
# Identity


def test_the_hash_is_that_of_the_numbers(folder: Path) -> None:
    first = load(folder, MINIMAL)
    same = [
        "# a comment\nmodel:\n  file: film.hgx\n",
        MINIMAL + "description: words\nname: other\nrun: {workers: 4}",
        MINIMAL + "search_space: auto\ntest: {repeats: 6e1}\nbudget: {evaluations: 12M}",
    ]
    other = [
        "model: {file: other.hgx}",
        MINIMAL + "seed: 1",
        MINIMAL + "search_space: schemes",
        MINIMAL + "budget: {hours: 2}",
    ]
    assert all(load(folder, text).hash == first.hash for text in same)
    different = {load(folder, text).hash for text in other}
    assert len(different | {first.hash}) == 5
    assert load(folder, "model: {file: film.hgx, fom: diff}").hash != first.hash
    (folder / "film.hgx").rename(folder / "moved.hgx")
    assert load(folder, "model: {file: moved.hgx}").hash == first.hash
    (folder / "moved.hgx").write_bytes(b"the film, changed")
    assert load(folder, "model: {file: moved.hgx}").hash != first.hash


def test_the_resolved_experiment_is_plain_json_and_loads_again(folder: Path) -> None:
    experiment = load(folder, MINIMAL + "test: {start: {perturb: 20 %}}\nsearch_space: de-full")
    resolved = json.loads(json.dumps(experiment.resolved(), allow_nan=False))
    assert resolved["test"]["start"]["perturb"] == 0.2
    resolved["model"] = {"file": "film.hgx", "fom": resolved["model"]["fom"]}
    del resolved["search_space"]["name"]
    assert load(folder, json.dumps(resolved)).hash == experiment.hash


def test_an_experiment_travels_to_workers(folder: Path) -> None:
    experiment = load(folder, MINIMAL)
    assert pickle.loads(pickle.dumps(experiment)).hash == experiment.hash


# ---------------------------------------------------------------------------------------------------------------
# The template


def test_the_template_is_the_experiment_with_all_defaults(folder: Path) -> None:
    summary = ModelSummary("film.hgx", "log", 14, 350, {"create_trial": "best_1_bin", "km": 0.6, "use_pop_mult": False})
    text = experiment_template(summary)
    assert load(folder, text).hash == load(folder, MINIMAL).hash
    assert "14 fitted parameters and 350 points" in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_template_gives_km_and_kr_only_to_schemes_that_have_them() -> None:
    own = ModelSummary("film.hgx", "log", 14, 350, {"create_trial": "cma_es", "km": 0.6, "kr": 0.6, "pop_size": 9})
    assert own.settings_line == "cma_es, with the population of its paper"
    assert replace(own, settings={"create_trial": "jade_best", "km": 0.6, "kr": 0.5, "pop_size": 9}).settings_line == (
        "jade_best, km 0.6, kr 0.5, population 9"
    )


@pytest.mark.parametrize("name", ["fi lm.hgx", 'fi"lm.hgx', "fi'lm: #1.hgx", "filmÅ.hgx", "{film}.hgx", "no", "1e3"])
def test_the_template_takes_any_file_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"a film")
    text = experiment_template(ModelSummary(name, "log\nseed: 3", 14, 350, {}))
    assert load(folder, text).samples[0].file == folder / name
    assert load(folder, text).seed == DEFAULT_SEED


# ---------------------------------------------------------------------------------------------------------------
# Quantities


@pytest.mark.parametrize(
    ("function", "text", "value"),
    [
        (quantities.count, "40k", 40_000),
        (quantities.count, "40_000", 40_000),
        (quantities.count, "1.5 M", 1_500_000),
        (quantities.count, 4e4, 40_000),
        (quantities.fraction, "10 %", 0.1),
        (quantities.fraction, "10%", 0.1),
        (quantities.fraction, 0.1, 0.1),
        (quantities.hours, "90 min", 1.5),
        (quantities.hours, "3600 s", 1.0),
        (quantities.hours, 2, 2.0),
        (quantities.flag, "off", False),
        (quantities.flag, True, True),
    ],
)
def test_quantities(function, text, value) -> None:  # type: ignore[no-untyped-def]
    assert function(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "k", "1 2", "nan", "inf", "1e999", None, True, [], "0x10", "10 parsec", "--3"])
def test_what_is_no_quantity(text: object) -> None:
    for function in (quantities.count, quantities.fraction, quantities.hours):
        with pytest.raises(ValueError, match=r"is not|unit"):
            function(text)


def test_the_searchers_are_those_that_there_are() -> None:
    from metagenx.meta.searchers import SEARCHERS

    assert set(get_args(get_type_hints(TuneSection)["searcher"])) == set(SEARCHERS)


def test_the_shipped_experiments_load(shared: Path) -> None:
    experiments = Path(__file__).resolve().parents[2] / "experiments"
    for path in sorted(experiments.glob("*.yaml")):
        if path.name == "tuner.yaml":  # of metagenx metatune
            continue
        model = shared / "genx_files" / "X-ray_Reflectivity.hgx"
        assert load_experiment(path, [f"model.file={model}"]).samples[0].file == model


# ---------------------------------------------------------------------------------------------------------------
# Samples, twins, and the experiments that come with the package


def test_samples_by_name_by_pattern_and_as_functions(folder: Path) -> None:
    (folder / "problem.py").write_text("def one(): ...\n")
    assert [s.name for s in load(folder, "samples: film.hgx").samples] == ["data"]
    assert [s.name for s in load(folder, "samples: ['*.hgx']").samples] == ["film", "other"]
    found = load(folder, "samples: {files: [other.hgx, 'f*.hgx', problem.py:one]}")
    assert [(s.name, s.function) for s in found.samples] == [("other", None), ("film", None), ("one", "one")]
    (folder / "scan[1].hgx").write_bytes(b"a film")
    assert load(folder, "samples: scan[1].hgx").samples[0].file.name == "scan[1].hgx"
    changed = load(folder, "samples: {files: [other.hgx], twins: {search: 5}}", "samples.files=film.hgx")
    assert [s.file.name for s in changed.samples] == ["film.hgx"]
    assert (changed.twins.search, changed.twins.held_out) == (5, TwinsSection().held_out)
    assert load(folder, MINIMAL).hash != load(folder, MINIMAL + "samples: {twins: {search: 7}}").hash


def test_mistakes_in_samples(folder: Path) -> None:
    found = mistakes(folder, MINIMAL + "samples: {files: other.hgx, twins: {serch: 2, held_out: -1}}")
    assert found["samples.twins.serch"][2] == "search"
    assert "at least 0" in found["samples.twins.held_out"][1]
    assert "does not go with model.file" in found["samples.files"][1]
    found = mistakes(folder, "samples: {files: ['*.gx', none.hgx]}")
    assert "matches" in found["samples.files[0]"][1]
    assert "there is no file" in found["samples.files[1]"][1]


@pytest.mark.parametrize("name", ["film", "family", "schemes-2014", "function"])
def test_the_experiments_that_come_along_load(name: str) -> None:
    path = Path(__file__).parents[2] / "experiments" / f"{name}.yaml"
    experiment = load_experiment(path)
    assert experiment.name == name
    assert f"{name}.yaml" in (path.parent / "README.md").read_text(encoding="utf-8")
    assert (experiment.budget.evaluations or 0) <= DEFAULT_EVALUATIONS
    again = experiment_from({**experiment.resolved(), "model": {}, "samples": {
        "files": [f"{s.file.name}:{s.function}" if s.function else s.file.name for s in experiment.samples],
        "twins": {"search": experiment.twins.search, "held_out": experiment.twins.held_out},
    }}, path, path.parent)  # fmt: skip
    assert again.hash == experiment.hash
