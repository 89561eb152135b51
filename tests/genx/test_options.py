"""The config INI: read like configparser, edited line by line, given types."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.genx.file import GenxFile, read
from metagenx.genx.options import DEFAULTS, edited, format_value, parse, solver_options, typed_solver_options

CONFIG = """\
[data plot]
zoom = False

[solver]
km = 0.6
pop mult = 3
create trial = jade_best
use pop mult = False
figure of merit = log

[parameters]
registred classes = Layer;Stack;Sample

[startup]
script = ['from numpy import *',
\t'# BEGIN Instrument DO NOT CHANGE',
\t"inst = model.Instrument(probe='x-ray', wavelength=1.54, coords='q')",
\t'',
\t'cp = UserVars()',
\t'    return I']

"""


def _configparser(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def test_sections_and_multi_line_values() -> None:
    options, notices = parse(CONFIG)
    assert options == _configparser(CONFIG)
    assert notices == []
    assert options["startup"]["script"].splitlines()[2].startswith('"inst = model')


def test_the_examples_are_read_as_configparser_reads_them(shared: Path) -> None:
    count = 0
    for path in sorted((shared / "genx_files").rglob("*.*gx")):
        file = read(path)
        options, notices = parse(file.config)
        assert options == _configparser(file.config), path.name
        assert notices == []
        count += 1
    assert count >= 19


INI_TEXT = st.text(alphabet="ab c=:[]#;\t\n'\"%", max_size=80)


@given(INI_TEXT)
@settings(max_examples=400, deadline=None)
def test_any_text_that_configparser_reads_is_read_alike(text: str) -> None:
    options, _ = parse(text)
    try:
        expected = _configparser(text)
    except configparser.Error:
        return
    if "DEFAULT" not in expected:
        assert options == expected


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_survived(text: str) -> None:
    options, _ = parse(text)
    assert isinstance(options, dict)
    assert edited(text, {}) == text


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("rubbish\n[solver]\nkm = 0.5\n", "line 1"),
        ("[solver]\nrubbish\nkm = 0.5\n", "line 2"),
        ("km = 1\n", "line 1"),
    ],
)
def test_lines_that_mean_nothing_are_noticed(text: str, notice: str) -> None:
    options, notices = parse(text)
    assert len(notices) == 1
    assert notice in notices[0]
    if "[solver]" in text:
        assert options == {"solver": {"km": "0.5"}}


def test_only_the_changed_lines_change() -> None:
    changed = edited(CONFIG, {"solver": {"km": "0.5", "kr": "0.9"}, "batch": {"keep last": "True"}})
    before, after = CONFIG.splitlines(), changed.splitlines()
    assert [line for line in after if line not in before] == [
        "km = 0.5",
        "kr = 0.9",
        "[batch]",
        "keep last = True",
    ]
    assert [line for line in before if line not in after] == ["km = 0.6"]
    assert parse(changed)[0]["startup"] == parse(CONFIG)[0]["startup"]
    assert after.index("kr = 0.9") == after.index("figure of merit = log") + 1


def test_multi_line_values_and_removal() -> None:
    changed = edited(CONFIG, {"startup": {"script": "['a = 1',\n'b']"}, "solver": {"km": None}})
    assert parse(changed)[0]["startup"]["script"] == "['a = 1',\n'b']"
    assert "km" not in parse(changed)[0]["solver"]
    assert parse(changed)[0]["solver"]["pop mult"] == "3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[solver]",
        "[solver]\r\nkm = 1\r\n",
        "[a]\nb = 1",
        "[solver]\nkm = 1\n[b]\nc = 2\n[solver]\nkm = 3\n",
    ],
)
def test_a_value_set_is_the_value_read(text: str) -> None:
    changed = edited(text, {"solver": {"km": "0.25", "pop size": "70"}, "new": {"x": "1"}})
    options = parse(changed)[0]
    assert options["solver"]["km"] == "0.25"
    assert options["solver"]["pop size"] == "70"
    assert options["new"] == {"x": "1"}
    assert _configparser(changed) == options


NAMES = st.sampled_from(["km", "kr", "pop mult", "create trial"])
VALUES = st.text(alphabet="abc 019.=;#'", max_size=12).map(str.strip)


@given(
    INI_TEXT,
    st.dictionaries(st.sampled_from(["solver", "a"]), st.dictionaries(NAMES, VALUES, min_size=1), min_size=1),
)
@settings(max_examples=400, deadline=None)
def test_edited_text_holds_the_changes_and_all_else(text: str, changes: dict[str, dict[str, str]]) -> None:
    before = parse(text)[0]
    after = parse(edited(text, changes))[0]
    expected = {section: dict(options) for section, options in before.items()}
    for section, options in changes.items():
        expected.setdefault(section, {}).update(options)
    assert after == expected


def test_types_and_defaults() -> None:
    values = solver_options(GenxFile(options=parse(CONFIG)[0], fom_name="diff"))
    assert values["km"] == 0.6
    assert values["pop_mult"] == 3
    assert values["use_pop_mult"] is False
    assert values["create_trial"] == "jade_best"
    assert values["figure_of_merit"] == "log"
    assert values["kr"] == 0.7
    assert values["max_generations"] == 500
    assert values["allowed_fom_discrepancy"] == 1e-10
    assert values["ignore_fom_nan"] is True
    assert (values["limit_fit_range"], values["fit_xmin"], values["fit_xmax"]) == (False, 0.0, 180.0)
    assert set(values) == set(DEFAULTS)


def test_the_file_names_the_fom_where_the_config_does_not() -> None:
    assert solver_options(GenxFile(fom_name="R1"))["figure_of_merit"] == "R1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("km", "fast"),
        ("km", "nan"),
        ("pop mult", "2.5"),
        ("pop size", ""),
        ("max generations", "inf"),
        ("use boundaries", "perhaps"),
        ("create trial", " "),
    ],
)
def test_wrong_values_are_noticed_and_not_used(name: str, text: str) -> None:
    values, notices = typed_solver_options({"solver": {name: text}})
    assert len(notices) == 1
    assert name in notices[0]
    assert values == DEFAULTS


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("use_boundaries", "yes", True),
        ("use_boundaries", "0", False),
        ("pop_mult", "3.0", 3),
        ("pop_mult", "1e2", 100),
        ("km", "1", 1.0),
        ("fit_xmax", "inf", float("inf")),
        ("create_trial", "jade_best", "jade_best"),
    ],
)
def test_other_ways_to_write_a_value(name: str, text: str, value: object) -> None:
    values, notices = typed_solver_options({"solver": {name.replace("_", " "): text}})
    assert notices == []
    assert values[name] == value
    assert type(values[name]) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_the_text(number: float) -> None:
    values, _ = typed_solver_options({"solver": {"km": format_value(number)}})
    assert values["km"] == number
