"""The parameter table bound to a real script."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.errors import InputError, ScriptError, ScriptRefused
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import Row
from metagenx.genx.grid import ParameterGrid
from metagenx.genx.script import ScriptModule

SCRIPT = """
from models.utils import UserVars
cp = UserVars()
cp.new_var("thick", 10.0)
cp.new_var("dLambda", 1.0)
level = 3.0
calls = []
class Box:
    value = 1.0
box = Box()
boxes = [Box(), Box()]
def set_all(v):
    calls.append(v)
    box.value = v
def fails(v):
    raise ValueError("too large")
def Sim(data):
    return [cp.thick * d.x for d in data]
"""


@pytest.fixture
def script() -> ScriptModule:
    return ScriptModule(SCRIPT, DataList([DataSet("a", [1.0, 2.0], [1.0, 2.0], [1.0, 1.0])]))


def row(name: str, value: float = 5.0, fit: bool = True, low: float = 0.0, high: float = 10.0) -> Row:
    return Row(name, value, fit, low, high)


def test_rows_are_applied_in_order(script: ScriptModule) -> None:
    rows = [
        row("cp.setThick", 2.0),
        row(""),
        row("box.value", 7.0, fit=False),
        row("set_all", 8.0, fit=False),
    ]
    grid = ParameterGrid(rows, script)
    grid.apply_all()
    assert script.evaluate("cp.thick") == 2.0
    assert script.evaluate("box.value") == 8.0
    assert grid.fitted_names == ["cp.setThick"]
    grid.apply_all({"set_all": 9.0})
    assert script.evaluate("calls") == [8.0, 9.0]


def test_flags_of_empty_rows_count(script: ScriptModule) -> None:
    grid = ParameterGrid([row("cp.setThick"), row(""), row("  "), row("cp.setDLambda", fit=False)], script)
    assert grid.n_fit_flags == 3
    assert grid.start.shape == (1,)
    np.testing.assert_array_equal(grid.bounds, [[0.0, 10.0]])


def test_one_candidate_and_a_population(script: ScriptModule) -> None:
    grid = ParameterGrid([row("cp.setThick"), row("boxes[1].value"), row("level")], script)
    grid.apply_fitted(np.array([1.0, 2.0, 3.0]))
    values = [script.evaluate(name) for name in ("cp.thick", "boxes[1].value", "level")]
    assert values == [1.0, 2.0, 3.0]
    assert all(type(value) is float for value in values)
    vectors = np.arange(12.0).reshape(4, 3)
    grid.apply_fitted(vectors)
    assert script.evaluate("cp.thick").shape == (4, 1)
    np.testing.assert_array_equal(script.evaluate("level")[:, 0], vectors[:, 2])
    assert script.evaluate("boxes[0].value") == 1.0


def test_a_plain_variable_is_set_and_told(script: ScriptModule) -> None:
    ParameterGrid([row("level", 4.0)], script).apply_all()
    assert script.evaluate("level") == 4.0
    assert any("level" in notice for notice in script.notices)


def test_all_rows_that_name_nothing_are_listed(script: ScriptModule) -> None:
    rows = [row("cp.setThick"), row("cp.setThik"), row("", fit=False), row("nothing.setD"), row("1 + 1")]
    with pytest.raises(ScriptError) as error:
        ParameterGrid(rows, script)
    text = str(error.value)
    assert "row 2 (cp.setThik)" in text
    assert "row 4 (nothing.setD)" in text
    assert "row 5 (1 + 1)" in text
    assert "row 1" not in text


def test_a_name_outside_the_safe_subset_is_refused(script: ScriptModule) -> None:
    with pytest.raises(ScriptRefused, match="row 1"):
        ParameterGrid([row("cp.__class__.setX")], script)


def test_a_failing_setter_names_its_row(script: ScriptModule) -> None:
    with pytest.raises(ScriptError, match=r"row 2 \(fails\).*too large"):
        ParameterGrid([row(""), row("fails", fit=False)], script).apply_all()


def test_nothing_to_fit(script: ScriptModule) -> None:
    for rows in ([], [row("cp.setThick", fit=False)], [row("")]):
        with pytest.raises(InputError, match="no parameter of the table is fitted"):
            ParameterGrid(rows, script).check_fit()


def test_all_bad_limits_are_listed(script: ScriptModule) -> None:
    rows = [
        row("cp.setThick", low=3.0, high=1.0),
        row("cp.setDLambda", value=float("nan")),
        row("box.value", low=2.0, high=2.0),
        row("level", high=float("inf")),
        row("set_all", fit=False, low=3.0, high=1.0),
    ]
    with pytest.raises(InputError) as error:
        ParameterGrid(rows, script).check_fit()
    text = str(error.value)
    assert [f"row {i}" in text for i in range(1, 6)] == [True, True, True, True, False]
    assert "min 3 is above max 1" in text


def test_values_outside_their_limits(script: ScriptModule) -> None:
    grid = ParameterGrid([row("cp.setThick", value=11.0), row("level")], script)
    assert grid.outside_limits == ["row 1 (cp.setThick): the value 11 lies outside 0 to 10"]
    grid.check_fit()
    with pytest.raises(InputError, match="outside 0 to 10"):
        grid.check_fit(use_boundaries=True)
