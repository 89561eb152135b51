"""Data sets and data commands: GenX's numbers, and a wall around the evaluator."""

from __future__ import annotations

import copy
import json
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from metagenx.errors import InputError
from metagenx.genx.command_functions import NAMES
from metagenx.genx.data import DataList, DataSet, run_commands, settle
from metagenx.genx.expressions import evaluate


def a_set() -> DataSet:
    x = np.linspace(0.0, 1.0, 11)
    return DataSet("film", x, 10.0 * x, 0.1 + x, extra={"res": 0.01 * x, "det": 100.0 + x})


# what scripts see


def test_columns_are_attributes() -> None:
    dataset = a_set()
    assert_array_equal(dataset.res, 0.01 * dataset.x)
    assert_array_equal(dataset.det_raw, 100.0 + dataset.x_raw)
    assert dataset.columns == ("x", "y", "error", "res", "det")
    with pytest.raises(AttributeError, match=r"no column 'h'.*res, det"):
        _ = dataset.h


def test_a_script_may_set_anything_but_internals() -> None:
    dataset = a_set()
    dataset.res = dataset.res * 2.0
    dataset.y = dataset.y + 1.0
    dataset.mine = 3
    assert_array_equal(dataset.extra_data["res"], 0.02 * dataset.x)
    assert dataset.mine == 3
    for name in ("_invented_here", "__class__x"):
        with pytest.raises(AttributeError):
            setattr(dataset, name, 1)


def test_a_copy_shares_nothing() -> None:
    original = DataList([a_set()])
    changed = original.copy()
    assert isinstance(changed, DataList)
    changed[0].x *= 2.0
    changed[0].res[:] = 0.0
    changed[0].extra_commands["res"] = "res*2"
    changed[0].mine = 1
    assert_array_equal(original[0].x, np.linspace(0.0, 1.0, 11))
    assert_array_equal(original[0].res, 0.01 * original[0].x)
    assert original[0].extra_commands == {}
    with pytest.raises(AttributeError):
        _ = original[0].mine


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_data_sets_cross_processes(again: object) -> None:
    dataset = a_set()
    dataset.mine = 3
    restored = again(DataList([dataset]))[0]  # type: ignore[operator]
    assert_array_equal(restored.res, dataset.res)
    assert (restored.name, restored.mine) == ("film", 3)


def test_a_data_set_gives_a_script_only_numbers_and_text() -> None:
    public = {name for name in dir(DataSet) if not name.startswith("_")} - set(DataSet.__slots__)
    assert public == {"columns", "copy"}
    assert not hasattr(a_set(), "__dict__")


# commands: GenX's own numbers


def test_commands_give_genx_s_columns(shared: Path) -> None:
    count = 0
    for path in sorted((shared / "reference" / "public").glob("*.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        with np.load(path.with_suffix(".npz")) as arrays:
            for i, given_set in enumerate(manifest["datasets"]):
                prefix = f"d{i}_extra_raw_"
                dataset = DataSet(given_set["name"])
                dataset.x_raw, dataset.y_raw, dataset.error_raw = (
                    arrays[f"d{i}_{name}_raw"] for name in ("x", "y", "error")
                )
                for name in ("x", "y", "error"):
                    setattr(dataset, f"{name}_command", given_set[f"{name}_command"])
                dataset.extra_commands = given_set["extra_commands"]
                dataset.extra_data_raw = {
                    key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)
                }
                run_commands(dataset)
                for name in ("x", "y", "error"):
                    assert_array_equal(getattr(dataset, name), arrays[f"d{i}_{name}"], err_msg=path.stem)
                for name, values in dataset.extra_data.items():
                    assert_array_equal(values, arrays[f"d{i}_extra_{name}"], err_msg=path.stem)
                count += 1
    assert count >= 200


def _run(x: str = "x", y: str = "y", e: str = "e", **extra: str) -> DataSet:
    dataset = a_set()
    dataset.x_command, dataset.y_command, dataset.error_command, dataset.extra_commands = x, y, e, extra
    run_commands(dataset)
    return dataset


def test_footprint_error_and_slope_see_processed_columns() -> None:
    dataset = _run(x="2*x", y="y/10", e="fpe(0.5, 0.1) + dydx()", res="res", det="det")
    x, y = dataset.x, dataset.y
    slope = np.full(11, 0.5)  # y = x_raw, x = 2·x_raw
    np.testing.assert_allclose(dataset.error, np.where(x < 0.5, 0.1 * y, 0.0) + slope, rtol=1e-14)
    defaults = _run(e="fpe()")
    assert_array_equal(defaults.error, np.where(defaults.x < 0.05, 0.01 * defaults.y, 0.0))
    parabola = DataSet("p", [0.0, 1.0, 3.0], [0.0, 1.0, 9.0], [1.0, 1.0, 1.0])
    parabola.error_command = "dydx()"
    run_commands(parabola)
    assert_array_equal(parabola.error, [1.0, 3.0, 4.0])


def test_these_functions_exist_only_for_the_error() -> None:
    for command in ("dydx()", "fpe()"):
        with pytest.raises(InputError, match="y command"):
            _run(y=command)


def test_one_number_fills_a_column() -> None:
    dataset = _run(e="0.5")
    assert_array_equal(dataset.error, np.full(11, 0.5))


def test_without_raw_data_the_set_is_a_grid() -> None:
    dataset = DataSet("empty")
    dataset.extra_data_raw = {"res": np.zeros(0)}
    run_commands(dataset)
    assert_array_equal(dataset.x, np.linspace(0.01, 6.01, 600))
    assert np.isnan(dataset.y).all()
    assert np.isnan(dataset.error).all()
    assert_array_equal(dataset.res, np.zeros(600))
    dataset = DataSet("made")
    dataset.x_command, dataset.y_command, dataset.error_command = " arange(0, 6, 0.05)", "0*arange(120)", "1"
    run_commands(dataset)
    assert len(dataset.x) == len(dataset.y) == len(dataset.error) == 120


def test_lengths_must_agree_and_nothing_changes_otherwise() -> None:
    dataset = a_set()
    dataset.x_command = "x[5:]"
    with pytest.raises(InputError, match=r"different lengths: x 6, y 11") as caught:
        run_commands(dataset, where="film.hgx")
    assert "film.hgx, data set 'film'" in str(caught.value)
    assert len(dataset.x) == 11
    dataset.y_command, dataset.error_command = "y[5:]", "e[5:]"
    with pytest.raises(InputError, match="res 11"):
        run_commands(dataset)
    dataset.extra_commands = {"res": "res[5:]", "det": "det[5:]"}
    run_commands(dataset)
    assert len(dataset.x) == len(dataset.det) == 6


def test_a_column_left_over_from_older_data_may_differ() -> None:
    dataset = a_set()
    dataset.extra_data_raw["old"] = np.arange(3.0)
    run_commands(dataset)
    assert len(dataset.old) == 3


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("y/y.max()", lambda d: d.y / 10.0),
        ("y/max(y)", lambda d: d.y / 10.0),
        ("y*max(y[0], 3)*len(y)*float(2)*int(3.7)", lambda d: d.y * max(d.y[0], 3) * 11 * 6),
        ("y - min(y)*round(y[3], 1)*any(y > 5)*all(x > 2)", lambda d: d.y),
        ("where(x > 0.5, y, 0)", lambda d: np.where(d.x > 0.5, d.y, 0)),
        ("rms(y, e, 0.1)", lambda d: np.sqrt(d.y**2 + d.error**2 + 0.01)),
        ("log10(maximum(y, 1e-3))", lambda d: np.log10(np.maximum(d.y, 1e-3))),
        ("convolve(y, ones(3)/3, 'same')", lambda d: np.convolve(d.y, np.ones(3) / 3, "same")),
        ("real(exp(1j*pi*x))", lambda d: np.exp(1j * np.pi * d.x).real),
        ("r_[y[:5], zeros(6)]", lambda d: np.r_[d.y[:5], np.zeros(6)]),
        ("c_[x, y][:, 1]", lambda d: d.y),
        ("hstack((y[:5], y[5:]))", lambda d: d.y),
        ("r_[0:11]", lambda d: np.arange(11)),
        ("r_[0:1:11j]", lambda d: np.linspace(0, 1, 11)),
        ("dot(c_[x, y], array([1, 2]))", lambda d: d.x + 2 * d.y),
        ("transpose(array([x, y]))[:, 0]", lambda d: d.x),
        ("cumsum(y)", lambda d: np.cumsum(d.y)),
        ("y*(x > 0.3)*(x <= 0.8)", lambda d: d.y * (d.x > 0.3) * (d.x <= 0.8)),
        ("(y if y.size > 5 else x)", lambda d: d.y),
        ("float32(y)", lambda d: d.y.astype(np.float32)),
        ("y - sum(y)/y.size", lambda d: d.y - d.y.sum() / 11),
        ("y[::-1][::-1]", lambda d: d.y),
        ("abs(-y)", lambda d: d.y),
        ("x**2 - -y % 3 // 1", lambda d: d.x**2 - -d.y % 3 // 1),
        ("(x[:, newaxis]*ones(2))[:, 0]", lambda d: d.x),
        ("sqrt(det)", lambda d: np.sqrt(d.det)),
        ("linspace(0, 1, 11)", lambda d: np.linspace(0, 1, 11)),
        ("not_equal(y, 0)*1.0", lambda d: (d.y != 0) * 1.0),
    ],
)
def test_numpy_as_users_write_it(command: str, value: object) -> None:
    np.testing.assert_allclose(_run(y=command).y, value(a_set()), rtol=1e-6)  # type: ignore[operator]


ESCAPES = [
    "__import__('os').system('touch x')",
    "loadtxt('/etc/passwd')",
    "savetxt('x', y)",
    "open('x', 'w')",
    "eval('1')",
    "exec('1')",
    "y.tofile('x')",
    "y.dump('x')",
    "y.dumps()",
    "y.__class__",
    "y.__class__.__base__.__subclasses__()",
    "y.__array_interface__",
    "y.ctypes.data",
    "y.base",
    "y.data",
    "y.tobytes()",
    "y.view()",
    "y.astype('O')",
    "y.max.__self__",
    "sin.__globals__",
    "dydx.func",
    "(lambda: 1)()",
    "[c for c in (1).__class__.__mro__]",
    "{k: 1 for k in x}",
    "(z := y)",
    "f'{y.__class__}'",
    "'{0.__class__}'.format(y)",
    "'a'*10",
    "b'abc'",
    "getattr(y, 'tofile')",
    "type(y)",
    "vars()",
    "globals()",
    "np.load('x')",
    "array([y], dtype='O')",
    "array(['a'])",
    "array([sin])",
    "ones(3, 'V1000000000')",
    "zeros(10**10)",
    "max(x, y)",
    "max('a', 'b')",
    "max([])",
    "float(y)",
    "int('1')",
    "len(len)",
    "zeros((100000, 100000))",
    "ones(-1)",
    "ndarray((10**6, 10**6))",
    "arange(0, 1, 1e-12)",
    "arange(1e300)",
    "arange(0, 10, nan)",
    "linspace(0, 1, 10**9)",
    "linspace(0, 1, num=10**9)",
    "r_[0:10**12]",
    "r_[0:1:1000000000j]",
    "r_['r', x]",
    "ones(3000)[:, newaxis]*ones(3000)",
    "ones(3000)[:, None] < ones(3000)",
    "maximum(ones(3000)[:, None], ones(3000))",
    "dot(ones((3000, 1)), ones((1, 3000)))",
    "x[zeros((3000, 3000))]",
    "convolve(ones(100000), ones(100000))",
    "10**10**10",
    "9**64**64**64",
    "((9**64)**64)**64",
    "2 << 100000",
    "x << 3",
    "[1]*10**10",
    "(1,)*10**10",
    "x @ y",
    "x in y",
    "x is y",
    "0 < x < 1",
    "print(y)",
    "y(*x)",
    "sum(**{})",
    "await x",
    "yield",
    "x = y",
    "import os",
    "x; y",
    "x y",
    "",
    "unknown",
    "e_raw",
    "1/0",
    "x[100000]",
    "x['a']",
    "y[0]()",
    "x.real()",
    "x if y else x",
    "x and y",
    "not y",
    "y + 1j",
    "c_[x, y]",
    "None",
    "sin",
    "r_",
    "(x, y)",
    "nan[0]",
    "\x00",
    "x" + "+x" * 2000,
    "(" * 500 + "x" + ")" * 500,
    "-" * 1500 + "x",
]


@pytest.mark.parametrize("command", ESCAPES, ids=lambda c: c[:40] or "empty")
def test_everything_else_is_refused_in_words(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        _run(y=command)
    assert time.process_time() - start < 2.0
    assert "data set 'film', y command" in str(caught.value)
    assert len(str(caught.value)) < 500
    assert list(tmp_path.iterdir()) == []


def test_the_refusal_says_what_is_known() -> None:
    with pytest.raises(InputError, match=r"the name 'mon' is unknown \(columns here: det, e, res, x, y\)"):
        _run(y="y/mon")
    with pytest.raises(InputError, match="must not touch files"):
        _run(y="loadtxt('a.txt')")


@given(st.text(alphabet="xyer0129.+-*/()[],:<>= snij_", max_size=30))
@settings(max_examples=500, deadline=None)
def test_any_command_gives_a_column_or_an_input_error(command: str) -> None:
    dataset = a_set()
    dataset.y_command = command
    try:
        run_commands(dataset)
    except InputError:
        return
    assert dataset.y.dtype == np.float64
    assert dataset.y.shape == dataset.x.shape


def test_all_of_genx_s_names_are_there() -> None:
    listed = """abs arange arccos arcsin arctan arctan2 array c_ complex64 complex128 convolve cos cumsum dot exp
        float32 float64 hstack imag isscalar linspace log log2 log10 logical_not maximum minimum nan ndarray newaxis
        not_equal ones ones_like pi r_ real sin sqrt sum tan transpose where zeros zeros_like rms"""
    of_python = {"all", "any", "bool", "float", "int", "len", "max", "min", "round"}
    assert set(listed.split()) | of_python == set(NAMES)


def test_a_column_wins_over_a_function_of_its_name() -> None:
    assert evaluate("pi*2", {"pi": 1.0}) == 2.0


# what is said about columns


def test_missing_columns_become_nan() -> None:
    dataset = DataSet("film", [1.0, 2.0])
    notices = settle(dataset)
    assert np.isnan(dataset.y).all()
    assert np.isnan(dataset.error).all()
    assert any("no error bars" in notice for notice in notices)
    assert any("cannot be fitted" in n or "not fitted" in n for n in notices)


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (DataSet("film"), "is empty"),
        (DataSet("film", [1, np.nan], [1, 1], [1, 1]), "1 x values that are not numbers"),
        (DataSet("film", [1, 2], [np.nan, np.nan], [1, 1]), "no y value that is a number"),
    ],
)
def test_notices(dataset: DataSet, words: str) -> None:
    assert any(words in notice for notice in settle(dataset))
    dataset.use = False
    assert settle(dataset) == []


def test_unequal_columns_are_an_error_that_says_which() -> None:
    with pytest.raises(InputError, match=r"film\.hgx, data set 'a': .*x 2, y 3, error 2"):
        settle(DataSet("a", [1, 2], [1, 2, 3], [1, 2]), where="film.hgx")
