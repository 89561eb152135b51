"""Experiments in Python: as powerful as YAML, with mistakes at their lines, and never run untrusted."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from metagenx.cli import main
from metagenx.errors import ConfigError, InputError, ScriptError, ScriptRefused
from metagenx.meta.experiment import Experiment, experiment_from, load_experiment
from metagenx.meta.preparation import prepare
from metagenx.meta.recorded import try_record

PROBLEMS = Path(__file__).with_name("problems.py")
EXAMPLE = Path(__file__).parents[2] / "experiments" / "example_tests.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.hgx").write_bytes(b"a film")
    return tmp_path


def load(folder: Path, text: str, *overrides: str) -> Experiment:
    path = folder / "example_tests.py"
    path.write_text(text, encoding="utf-8")
    return load_experiment(path, overrides, trust=True)


def mistakes(folder: Path, text: str) -> dict[str, tuple[int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return {m.path: (m.line, m.message) for m in caught.value.mistakes}


def test_it_says_what_yaml_says(folder: Path) -> None:
    (folder / "film.yaml").write_text(
        "model: {file: film.hgx}\nseed: 3\ntest: {repeats: 7, start: {perturb: 20 %}}\n"
        "settings: [{create_trial: jade_best}, {km: 0.5, use_stagnation: no}]\n"
        "samples: {twins: {search: 0, held_out: 1}}\n"
    )
    text = """
import numpy as np
experiment = dict(model={"file": "film.hgx"}, seed=np.int64(3), samples={"twins": {"search": 0, "held_out": 1}})
experiment["test"] = {"repeats": 7, "start": {"perturb": np.float64(0.2)}}
def settings():
    yield {"create_trial": "jade_best"}
    yield {"km": 0.5, "use_stagnation": False}
"""
    assert load(folder, text).hash == load_experiment(folder / "film.yaml").hash


def test_untrusted_code_does_not_run(folder: Path) -> None:
    path = folder / "example_tests.py"
    path.write_text(f"open({str(folder / 'ran')!r}, 'w')\nexperiment = {{}}\n")
    with pytest.raises(ScriptRefused, match="--trust"):
        load_experiment(path)
    result = CliRunner().invoke(main, ["tune", f"--tests={path}"])
    assert result.exit_code == 2
    assert "--trust" in result.output
    assert not (folder / "ran").exists()


def test_mistakes_have_their_lines(folder: Path) -> None:
    text = """
experiment = {
    "model": {"file": "film.hgx"},
    "test": {
        "repeats": 1,
        "reapets": 5,
    },
    "seed": object(),
    "search_space": "schemes",
}

def settings():
    return [{"create_trial": "jade_bets"}, {"kmm": 0.5}]
"""
    found = mistakes(folder, text)
    assert found["test.repeats"][0] == 5
    assert found["test.reapets"] == (6, "is an unknown key")
    assert found["seed"][0] == 8
    assert "object" in found["seed"][1]
    assert found["settings[0].create_trial"][0] == 12
    assert found["settings[1].kmm"][0] == 12
    assert "search_space" in found["settings"][1]


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("x = 1\n", "the file", None),
        ("experiment = [1]\n", "experiment", 1),
        ("experiment = {}\n\nrecord = 5\n", "record", 3),
        ("experiment = {\n  'model': \n", "the file", 1),
        ("experiment = {'settings': [{'km': 1}], 'model': {'file': 'film.hgx'}}\ndef settings():\n    return []\n",
         "settings", 2),
        ("experiment = {'model': {'file': 'film.hgx'}}\ndef settings():\n    return []\n", "settings", 2),
        ("experiment = {'model': {'file': 'film.hgx', 3: 4}}\n", "model", 1),
    ],
)  # fmt: skip
def test_what_is_no_experiment(folder: Path, text: str, path: str, line: int | None) -> None:
    assert mistakes(folder, text)[path][0] == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import math\nexperiment = {'seed': math.nothing}\n", 2),
        ("experiment = {'model': {'file': 'film.hgx'}}\ndef settings():\n    yield {}\n    1 / 0\n", 4),
        ("raise SystemExit(3)\nexperiment = {}\n", 1),
    ],
)
def test_code_that_fails_says_where(folder: Path, text: str, line: int) -> None:
    with pytest.raises(ScriptError) as caught:
        load(folder, text)
    assert str(caught.value.where).endswith(f"example_tests.py, line {line}")


RECORDED = "experiment = {{'model': {{'function': {problem!r}}}}}\ndef record(fit):\n    {body}\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return {'FOM': 1}", "already"),
        ("return {fit.names[0]: 1}", "AttributeError"),
        ("return {'x': fit['nothing']}", "not fitted"),
        ("return {'x': [1, 2]}", "list"),
        ("return 5", "dictionary"),
    ],
)
def test_record_is_tried_before_anything_is_fitted(folder: Path, body: str, words: str) -> None:
    experiment = load(folder, RECORDED.format(problem=f"{PROBLEMS}:rastrigin", body=body))
    assert experiment.record is not None
    with pytest.raises(InputError, match=words):
        try_record(experiment.record, prepare(experiment, trust=True))


def test_what_is_recorded_does_not_make_another_run(folder: Path) -> None:
    """Started again with another ``record``, the run is found, and only its table is made anew."""
    one = load(folder, RECORDED.format(problem=f"{PROBLEMS}:rastrigin", body="return {'a': 1}"))
    two = load(folder, RECORDED.format(problem=f"{PROBLEMS}:rastrigin", body="return {'b': 1}"))
    assert one.hash == two.hash
    assert one.record != two.record


def test_the_resolved_experiment_loads_again(folder: Path) -> None:
    experiment = load(folder, "experiment = {'model': {'file': 'film.hgx'}, 'settings': [{'km': 0.4}]}\n")
    resolved = experiment.resolved()
    again = experiment_from({**resolved, "model": {"file": "film.hgx"}}, folder / "manifest.json", folder)
    assert again.hash == experiment.hash
    assert again.settings == ({"km": 0.4},)


def test_the_example_loads_and_takes_another_file(folder: Path) -> None:
    experiment = load_experiment(EXAMPLE, trust=True)
    assert len(experiment.settings) == 6
    assert experiment.record is not None
    other = load_experiment(EXAMPLE, [f'model.file="{folder / "film.hgx"}"'], trust=True)
    assert other.samples[0].file == folder / "film.hgx"


def test_on_the_command_line_tests_and_a_file_to_fit_go_together(folder: Path) -> None:
    run = CliRunner().invoke
    film = folder / "film.hgx"  # is no GenX file
    for arguments, words in (
        (["tune"], "--tests"),
        (["tune", "film.yaml", f"--tests={EXAMPLE}"], ".hgx or .gx"),
        (["tune", str(film), f"--tests={EXAMPLE}", "--trust", "--dry-run"], "film.hgx"),
    ):
        result = run(main, arguments)
        assert result.exit_code == 2, result.output
        assert words in result.output
