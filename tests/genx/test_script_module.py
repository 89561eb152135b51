"""A script as a running module: namespace, imports, simulations, rows, messages."""

from __future__ import annotations

import gc
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from metagenx.errors import InputError, ScriptError, ScriptRefused
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.script import ScriptModule


def data(n_sets: int = 1, n_points: int = 4) -> DataList:
    x = np.linspace(0.1, 1.0, n_points)
    return DataList(DataSet(f"set {i}", x, x + 1.0, 0.1 * x, extra={"res": 0.01 * x}) for i in range(n_sets))


def run(text: str, **options: Any) -> ScriptModule:
    return ScriptModule(text, data(), file="film.hgx", **options)


def error_of(text: str, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        run(text, **options)
    return caught.value


# Namespace -----------------------------------------------------------------------------------------------------------


def test_names_that_are_there_before_the_script_runs() -> None:
    script = run("names = [__name__, _sim, TextIO, len(data), data[0].res[0]]\nzero = Sim(data)")
    assert script.namespace["names"][0] == "genx_script_module"
    assert script.namespace["names"][1] is False
    assert script.namespace["__package__"] == "genx"
    np.testing.assert_array_equal(script.namespace["zero"], np.zeros((1, 4)))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(ending: str) -> None:
    assert run(ending.join(["\ufeffx = 1", "if x:", "    y = 2", ""])).namespace["y"] == 2


def test_sim_flag() -> None:
    script = run("SLD = []\ndef Sim(data):\n    if _sim: SLD.append(1)\n    return [d.x for d in data]")
    script.simulate(data(), sim_flag=False)
    assert script.namespace["SLD"] == []
    script.simulate(data(), sim_flag=True)
    assert script.namespace["SLD"] == [1]


def test_a_script_without_sim_gives_zeros() -> None:
    np.testing.assert_array_equal(run("").simulate(data(2))[1], np.zeros(4))


# Imports -------------------------------------------------------------------------------------------------------------

WAYS = [
    "import models.spec_nx as model",
    "import genx.models.spec_nx as model",
    "from models import spec_nx as model",
    "from genx.models import spec_nx as model",
    "from .models import spec_nx as model",
    "import spec_nx as model",
    "import models\nimport models.spec_nx\nmodel = models.spec_nx",
    "import genx.models.spec_nx\nmodel = genx.models.spec_nx",
]


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_to_import_a_library_lead_to_the_same_object(way: str) -> None:
    script = run(f"import models.spec_nx as usual\n{way}\nsame = model is usual\nlayer = model.Layer(d=1)")
    assert script.namespace["same"]
    assert script.namespace["layer"].d == 1.0


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("old", ["spec_nx2", "spec_nx_legacy", "spec_nx_new"])
def test_removed_modules_are_replaced_and_it_is_said(old: str, trust: bool) -> None:
    script = run(f"import models.spec_nx\nimport models.{old} as model\nsame = model is models.spec_nx", trust=trust)
    assert script.namespace["same"]
    assert len(script.notices) == 1
    assert old in script.notices[0]
    assert "spec_nx is used" in script.notices[0]


def test_a_library_that_is_not_built_yet() -> None:
    error = error_of("x = 1\nfrom models.interdiff_ba import *")
    assert isinstance(error, ScriptError)
    assert error.where == "film.hgx, script line 2"
    assert "models.interdiff_ba is not supported yet" in error.what
    assert "models.interdiff" in str(error.hint)


def test_star_import_takes_what_scripts_may_have() -> None:
    script = run("from numpy import *\nfrom models.spec_nx import *\nx = sin(pi/2)\nlayer = Layer()")
    assert script.namespace["x"] == 1.0
    assert "save" not in script.namespace


def test_two_scripts_have_databases_of_their_own() -> None:
    text = "from models.utils import fp, create_fp\nfp.set_wavelength({0})\nv = fp.Fe\nown = create_fp({0}).Fe"
    first, second = run(text.format(1.54)), run(text.format(0.71))
    assert first.namespace["v"] != second.namespace["v"]
    assert first.evaluate("fp.Fe") == first.namespace["own"]
    assert second.evaluate("fp.Fe") == second.namespace["own"]


def test_a_library_shares_its_databases_with_the_script() -> None:
    script = run("from models.utils import fp\nimport models.utils as u\nsame = u.fp is fp")
    assert script.namespace["same"]


def test_numpy_may_import_parts_of_itself() -> None:
    """numpy does so in C when a method is first used, through the builtins of the script; warnings as well."""
    script = run("from numpy import *\na = array([1.0, 2.0])\nx = [a.sum(), a.mean(), a.std(), a.max(), a.clip(0, 1)]")
    assert script.namespace["x"][0] == 3.0
    with pytest.warns(RuntimeWarning):
        run("from numpy import *\nx = array([1.0])/0")


# Trust ---------------------------------------------------------------------------------------------------------------


def test_trust_runs_everything_but_models_are_ours() -> None:
    script = run(
        "import os, numpy\nimport models.spec_nx as m\nfrom models.utils import fp\n"
        "x = os.getpid()\ny = getattr(fp, 'Fe')",
        trust=True,
    )
    assert script.namespace["numpy"] is np
    assert script.namespace["os"].getpid() == script.namespace["x"]
    assert script.namespace["m"].Layer.__module__.startswith("metagenx.genx.models")
    assert script.evaluate("os.sep") is not None


def test_the_message_of_a_refusal() -> None:
    error = error_of("import os\nimport sys\nopen('x')\n" + "import os\n" * 9)
    assert isinstance(error, ScriptRefused)
    assert error.exit_code == 2
    assert str(error).startswith("film.hgx, script line 1: import os is outside the safe subset")
    assert "script line 3: open()" in str(error)
    assert "and 7 more" in str(error)
    assert "--trust" in str(error)


# Simulations ---------------------------------------------------------------------------------------------------------


def simulate(body: str, n_sets: int = 2) -> list[np.ndarray]:
    sets = data(n_sets)
    text = "from numpy import *\ndef Sim(data):\n    " + body.replace("\n", "\n    ")
    return ScriptModule(text, sets, file="film.hgx").simulate(sets)


@pytest.mark.parametrize(
    "body",
    [
        "return [d.x for d in data]",
        "return tuple(d.x for d in data)",
        "return array([d.x for d in data])",
        "return [list(d.x) for d in data]",
        "return [1.0 + 0*data[0].x, 3]",
        "return [d.x*1j for d in data]",
        "return [ones((5, 4)), ones((1, 4))]",
        "return [array([nan]*4), array([inf]*4)]",
    ],
)
def test_what_sim_may_return(body: str) -> None:
    result = simulate(body)
    assert len(result) == 2
    assert all(type(item) is np.ndarray and item.shape[-1] == 4 for item in result)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "Sim returned nothing"),
        ("return []", "0 simulations for 2 data sets"),
        ("return [data[0].x]", "1 simulations for 2 data sets"),
        ("return 5", "must return a list of arrays, not a int"),
        ("return data[0].x", "4 simulations for 2 data sets"),
        ("return [data[0].x, data[0].x[1:]]", "3 points for data set 1, which has 4"),
        ("return [data[0].x, ones((2, 2, 4))]", "2 × 2 × 4 points for data set 1"),
        ("return ['a', 'b']", "not an array of numbers"),
        ("return [None, None]", "not an array of numbers"),
        ("return [array([None]*4)]*2", "not an array of numbers"),
        ("return {0: data[0].x, 1: data[1].x}", "not a dict"),
    ],
)
def test_what_sim_may_not_return(body: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message.replace("(", r"\(")) as caught:
        simulate(body)
    assert "film.hgx" in str(caught.value)


def test_a_sim_that_is_no_function() -> None:
    script = run("Sim = 5")
    with pytest.raises(ScriptError, match="'int' object is not callable"):
        script.simulate(data())


# Messages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        (
            "x = 1\ny = thickness",
            2,
            "NameError: name 'thickness' is not defined, in `y = thickness`",
            "Define it",
        ),
        ("thickness = 1\ny = thicknes", 2, "NameError", "Did you mean thickness?"),
        ("\n\nx = 1/0", 3, "ZeroDivisionError: division by zero, in `x = 1/0`", "zero"),
        ("from numpy import *\nx = ones(3) + ones(4)", 2, "could not be broadcast", "different lengths"),
        ("x = data[7]", 1, "IndexError", "more data sets"),
        ("x = {}['key']", 1, "KeyError: key", None),
        ("from numpy import foo", 1, "ImportError", None),
        ("def f(): return f()\n\nf()", 1, "RecursionError", "calls itself"),
        ("raise ValueError('a\\x1b[31m\\nb')", 1, "ValueError: a [31m b", None),
        ("import models.spec_nx as m\ni = m.Instrument(probe='gamma')", 2, "probe must be one of", None),
        ("from models.utils import fp\nx = fp.Xx", 2, "Xx", None),
    ],
)
def test_errors_name_the_line_and_help(text: str, line: int, what: str, hint: str | None) -> None:
    error = error_of(text)
    assert isinstance(error, ScriptError)
    assert error.where == f"film.hgx, script line {line}"
    assert what in error.what
    assert hint is None or hint in str(error.hint)


def test_the_innermost_line_of_the_script_is_named() -> None:
    script = run("def helper(x):\n    return x/0\n\ndef Sim(data):\n    return [helper(1)]")
    with pytest.raises(ScriptError) as caught:
        script.simulate(data())
    assert caught.value.where == "film.hgx, script line 2"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("def f((a, b)):\n    print a", 1, "not be parenthesized"),
        ("exec 'x'", 1, "exec runs a text as a program"),
        ("if True:\nx = 1", 2, "expected an indented block"),
        ("x = (1,\ny = 2", 1, "'(' was never closed"),
        ("def f(:", 1, "invalid syntax"),
    ],
)
def test_syntax_errors_name_the_line(text: str, line: int, what: str) -> None:
    error = error_of(text)
    assert isinstance(error, ScriptError)
    assert error.where == f"film.hgx, script line {line}"
    assert what in error.what


def test_errors_can_be_sent_to_another_process() -> None:
    error = error_of("x = 1/0")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_an_exception_class_of_the_script_does_no_harm() -> None:
    error = error_of("class E(Exception):\n    def __str__(self): return 1/0\nraise E()")
    assert error.what.startswith("E, in")


def test_print_goes_to_stderr_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    run("print('a', 1, sep='-')\nprint('x\\x1b[2J')\nfor i in range(1000): print(i)")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("a-1\nx [2J\n")
    assert len(captured.err.splitlines()) == 201
    assert "not shown" in captured.err


# Rows of the parameter table -----------------------------------------------------------------------------------------

ROWS = """
from models.utils import UserVars
from numpy import *
import models.spec_nx as model
inst = model.Instrument()
layers = [model.Layer(d=1), model.Layer(d=2)]
cp = UserVars()
cp.new_var('dLambda', 0.5)
class Box:
    value = 1.0
    @property
    def checked(self): return self.v
    @checked.setter
    def checked(self, v):
        if any(v < 0): raise ValueError('negative')
        self.v = v
box = Box()
box.v = 0.0
level = 1.0
table = {'a': 1.0}
def set_all(x):
    for layer in layers: layer.setD(x)
"""


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("inst.setI0", "inst.I0"),
        ("inst.I0", "inst.getI0()"),
        ("cp.setDLambda", "cp.dLambda"),
        ("cp.dLambda", "cp.getDLambda()"),
        ("layers[1].d", "layers[1].d"),
        ("layers[1].setD", "layers[1].d"),
        ("box.value", "box.value"),
        ("box.checked", "box.v"),
        ("set_all", "layers[0].d"),
        ("level", "level"),
        ("table['a']", "table['a']"),
        (" inst.I0 ", "inst.I0"),
        ("(lambda v: inst.setI0(v))", "inst.I0"),
    ],
)
@pytest.mark.parametrize("value", [7.5, np.array([[1.0], [2.0]])])
def test_rows_set_what_they_name(name: str, expression: str, value: Any) -> None:
    script = run(ROWS)
    script.compile_setter(name)(value)
    assert script.evaluate(expression) is value or script.evaluate(expression) == value


def test_a_plain_variable_is_set_and_it_is_said() -> None:
    script = run(ROWS)
    script.compile_setter("level")(3.0)
    script.compile_setter("level")(4.0)
    assert script.namespace["level"] == 4.0
    assert len(script.notices) == 1
    assert "'level'" in script.notices[0]
    assert "GenX ignores" in script.notices[0]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("inst.setIO", "names nothing", "Did you mean inst.setI0?"),
        ("ins.setI0", "names nothing", "Did you mean inst.setI0?"),
        ("nothing", "names nothing", None),
        ("layers[5].d", "names nothing", None),
        ("inst.setI0(", "names nothing", None),
        ("1 + 2", "cannot be set", None),
        ("data", "cannot be set", None),
        ("x = 1", "names nothing", None),
        ("inst.I0; inst.I0", "names nothing", None),
    ],
)
def test_rows_that_name_nothing(name: str, message: str, hint: str | None) -> None:
    with pytest.raises(ScriptError, match=message) as caught:
        run(ROWS).compile_setter(name)
    assert repr(name) in str(caught.value.where)
    assert hint is None or caught.value.hint == hint


def test_rows_that_fail_when_they_are_set() -> None:
    script = run(ROWS)
    for name, reason in {
        "box.checked": "ValueError: negative",
        "(lambda: 1)": "takes 0 positional arguments",
    }.items():
        with pytest.raises(ScriptError) as caught:
            script.compile_setter(name)(-1.0)
        assert reason in caught.value.what
        assert caught.value.where == f"parameter {name!r}"


def test_setting_a_row_leaves_nothing_behind() -> None:
    script = run(ROWS)
    before = set(script.namespace)
    script.compile_setter("layers[0].d")(1.0)
    assert set(script.namespace) == before


def test_evaluate_is_an_expression_only() -> None:
    script = run(ROWS)
    assert script.evaluate("len(layers)") == 2
    assert script.evaluate("sum([l.d for l in layers])") == 3.0
    for text in ("import os", "x = 1", "", "def f(): pass"):
        with pytest.raises(ScriptError):
            script.evaluate(text)


# State ---------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_suspended_errstate_stays_in_the_script() -> None:
    before = np.geterr()
    script = run("from numpy import *\ndef g():\n    with errstate(all='raise'):\n        yield 1\nx = g()\nnext(x)")
    assert np.geterr() == before
    script.simulate(data())
    assert np.geterr() == before
    del script
    gc.collect()  # numpy complains about the generator, which cannot be ended where it was begun


def test_string_annotations_are_only_text() -> None:
    script = run(
        "from dataclasses import dataclass\nfrom models.lib.base import ModelParamBase\n"
        "@dataclass\nclass A(ModelParamBase):\n    a: 'float' = 1\n    b: 'nothing' = 2\nx = A(a=3)"
    )
    assert script.namespace["x"].a == 3.0
    assert type(script.namespace["x"].a) is float
    assert script.namespace["x"].b == 2


def test_loading_leaves_the_process_alone() -> None:
    before = set(sys.modules)
    run("from numpy import *\nimport models.spec_nx as model")
    assert not {"models", "genx", "models.spec_nx", "genx_script_module"} & (set(sys.modules) - before)
