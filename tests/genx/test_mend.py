from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_script_check import given_scripts, normalised

import metagenx
from metagenx.errors import ScriptError, ScriptRefused
from metagenx.genx.audit import audit
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row
from metagenx.genx.mend import Doubtful, mend
from metagenx.genx.script import ScriptModule

# (Python 2, the same in Python 3)
CERTAIN = [
    ("print x", "print(x)"),
    ('print "a", b', 'print("a", b)'),
    ('print "FOM is %g" % (1.0*a)', 'print("FOM is %g" % (1.0*a))'),
    ("print", "print"),  # reads in Python 3 too, and does nothing
    ("print\nprint x", "print()\nprint(x)"),
    ("print x,", 'print(x, end=" ")'),
    ("print a\nprint (a), b", "print(a)\nprint((a), b)"),
    ("print (a)\nprint a", "print (a)\nprint(a)"),
    ("print a\nprint -1", "print(a)\nprint(-1)"),
    ("print a\nprint [1, 2]", "print(a)\nprint([1, 2])"),
    ("if a: print b", "if a: print(b)"),
    ("for i in [1]: print i; print a", "for i in [1]: print(i); print(a)"),
    ("x = 1; print x  # why not", "x = 1; print(x)  # why not"),
    ("print a, (b,\n   c)", "print(a, (b,\n   c))"),
    ("print a, \\\n  b", "print(a, \\\n  b)"),
    ("print '''two\nlines''', a", "print('''two\nlines''', a)"),
    ("print lambda q: q", "print(lambda q: q)"),
    ("print {'a': 1}['a']", "print({'a': 1}['a'])"),
    ("try:\n  pass\nexcept ValueError, e:\n  pass", "try:\n  pass\nexcept ValueError as e:\n  pass"),
    (
        "try:\n  pass\nexcept (ValueError, KeyError), e:\n  pass",
        "try:\n  pass\nexcept (ValueError, KeyError) as e:\n  pass",
    ),
    ("try: print a\nexcept Exception, e: print e", "try: print(a)\nexcept Exception as e: print(e)"),
    ('raise ValueError, "bad"', 'raise ValueError("bad")'),
    ('raise ValueError, "bad %g" % a', 'raise ValueError("bad %g" % a)'),
    ("raise ValueError, 'a' + str(a)", "raise ValueError('a' + str(a))"),
    ("if a <> b: pass", "if a != b: pass"),
    ("x = `a` + '`'", "x = repr(a) + '`'"),
    ("x = `a`, [`b`]", "x = repr(a), [repr(b)]"),
    ("x = 0777", "x = 0o777"),
    ("x = 10L + 0xFFL", "x = 10 + 0xFF"),
    ("x = 00; y = 10L", "x = 00; y = 10"),
    ("x = ur'a'", "x = r'a'"),
    ("if a:\n        x = 1\n\ty = 2", "if a:\n        x = 1\n        y = 2"),
    ("for i in xrange(3): pass", "for i in range(3): pass"),
    ("x = unicode(a)", "x = str(a)"),
    ("for k, v in d.iteritems(): pass", "for k, v in d.items(): pass"),
    ("x = d.has_key('a')", "x = (('a') in d)"),
    ("x = a.d.has_key(f(1, 2))", "x = ((f(1, 2)) in a.d)"),
    ("print a\nx = map(f, y)[0]", "print(a)\nx = list(map(f, y))[0]"),
    ("print a\nx = range(3) + [1]", "print(a)\nx = list(range(3)) + [1]"),
    ("print a\nfor i, j in zip(x, y): pass", "print(a)\nfor i, j in zip(x, y): pass"),
    ("print a\nx = list(map(f, y))", "print(a)\nx = list(map(f, y))"),
    ("print a\nx = 4/2 + 1/2.0 + 8/5.43**3", "print(a)\nx = 4/2 + 1/2.0 + 8/5.43**3"),
    ("from __future__ import division\nprint a\nx = 1/2", "from __future__ import division\nprint(a)\nx = 1/2"),
    ("print a\ni = f(restype = 2)", "print(a)\ni = f(restype = 'full conv and varying res.')"),
    ("print a\ni.setRestype(3.0)", "print(a)\ni.setRestype('fast conv + varying res.')"),
    ("print a\ni = f(restype = 1)", "print(a)\ni = f(restype = 1)"),
]


@pytest.mark.parametrize(("old", "new"), CERTAIN)
def test_certain_mends(old: str, new: str) -> None:
    mended = mend(old)
    assert mended.text == new
    ast.parse(mended.text)
    changed = [i for i, (a, b) in enumerate(zip(old.split("\n"), new.split("\n"), strict=True), 1) if a != b]
    assert [m.line for m in mended.mends] == changed
    assert all(m.why for m in mended.mends)


# (script, line, words of the reason)
UNCERTAIN = [
    ("x = 1\nprint >>f, x", 2, "to a file"),
    ("print a\nprint >>f", 2, "to a file"),
    ("exec 'x = 1'", 1, "as a program"),
    ("exec code in space", 1, "as a program"),
    ("try:\n  pass\nexcept E, (a, b):\n  pass", 3, "two ways"),
    ("try:\n  pass\nexcept A, B, C:\n  pass", 3, "two ways"),
    ("print a\nraise E, value", 2, "two ways"),
    ("raise E, 'a', trace", 1, "two ways"),
    ("raise E, ('a', 1)", 1, "two ways"),
    ("raise 'text', 1", 1, "text is raised"),
    ("x = `a", 1, "belong together"),
    ("x = `f(`a`)`", 1, "belong together"),
    (r"x = ur'\u0041'", 1, "by number"),
    ("print a\n\nx = 1/2", 3, "1 / 2 is 0 in Python 2 and 0.5 in Python 3"),
    ("print a\nx = (2+3)/(2*2)*f", 2, "is 1 in Python 2 and 1.25 in Python 3"),
    ("print a\nx = map(None, a, b)", 2, "fills up"),
    ("x = f().has_key(1)", 1, "plain name"),
    ("x = d.has_key(1, 2)", 1, "plain name"),
]


@pytest.mark.parametrize(("script", "line", "words"), UNCERTAIN)
def test_uncertain_scripts_name_line_and_reason(script: str, line: int, words: str) -> None:
    with pytest.raises(Doubtful, match=words) as caught:
        mend(script)
    assert caught.value.line == line
    error = script_error(script)
    assert error.where == f"old.gx, script line {line}"
    assert words in error.what
    assert script.split("\n")[line - 1].strip() in error.what
    assert error.hint


# Python 3 that looks like Python 2, or is nobody's.
LEFT_ALONE = [
    "print(x)", "print = 3", "print", "x = print", "xrange = 3\ny = xrange", "def f(xrange): return xrange",
    "from mine import xrange\nx = xrange(3)", "x.has = 1", "f(long=3)", "s = 'print x; a <> b'", "# print x\n", "",
    "x = '''\nprint x\n'''", "x = a if b else c", "x = 1/2", "x = map(f, y)", "f(restype=2)", "x: int = 3",
    "sigmar = 3", "import models.spec_nx\nsigmar = 3\nx = f(sigmar)", "x = 0o17 + 0",
    "from numpy import *\nx = long(3)", "class A:\n  def iteritems(self): return 1\nx = A().iteritems()",
]  # fmt: skip


@pytest.mark.parametrize("script", LEFT_ALONE)
def test_python_3_is_left_alone(script: str) -> None:
    mended = mend(script)
    assert mended.text == script
    assert not mended.mends
    assert not mended.notices


NOT_PYTHON = [
    "x = (1,\n",
    "print 'a\n",
    "x = 1\n  y = 2",
    "print x\ny = = 2",
    "]",
    "a ` b",
    "if x\n  pass",
    "\0",
    "(" * 300,
]


@pytest.mark.parametrize("script", NOT_PYTHON)
def test_no_python_at_all(script: str) -> None:
    with pytest.raises((SyntaxError, Doubtful)):
        mend(script)
    assert script_error(script).where


def test_an_error_that_remains_keeps_its_line() -> None:
    error = script_error("print 'a'\n\nprint 'b'\nx = = 2\n")
    assert error.where == "old.gx, script line 4"


PIECES = [
    "print", "x", ",", "(", ")", "`", "'", '"', "<>", "\\", ":", ";", "=", "except", "raise", "exec", "[", "]",
    "lambda", ".", "has_key", "0777", "1L", "ur", "#", "map", "xrange", "1", "/", "2", "import", "setSigmar", "sigmar",
    "models.spec_nx", "if", "else", "for", "in",
]  # fmt: skip


@given(st.lists(st.sampled_from([*PIECES, "\n", "\t", " ", "\n    "])))
def test_nothing_but_the_promised_errors(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        mended = mend(text)
    except (Doubtful, SyntaxError):
        return
    ast.parse(mended.text)
    assert mended.text.count("\n") == text.count("\n")


def test_scripts_of_today_are_left_alone(shared: Path) -> None:
    scripts = given_scripts(shared)
    assert len(scripts) > 100
    for name, (text, _, _) in scripts.items():
        mended = mend(normalised(text))
        assert mended.text == normalised(text), name
        assert not mended.notices


# In a file -----------------------------------------------------------------------------------------------------------

X = np.linspace(0.1, 4.0, 40)


def script_error(script: str) -> ScriptError:
    with pytest.raises(ScriptError) as caught:
        ScriptModule(script, DataList([]), file="old.gx")
    return caught.value


def a_model(script: str, *names: str, value: float = 4.0) -> metagenx.Model:
    rows = [Row(name, value, True, 1.0, 8.0) for name in names]
    data = DataList([DataSet("d", X, np.exp(-X), 0.1 * np.exp(-X))])
    return metagenx.Model(GenxFile(script=script, table=rows, data=data))


SCRIPT = """\
import models.LIBRARY as model
from models.utils import UserVars, fp
inst = model.Instrument(wavelength=1.54, coords='tth')
A = model.Layer(d=50.0, dens=0.06, f=fp.Fe, LAYER)
sample = model.Sample(Stacks=[model.Stack(Layers=[A])], Ambient=model.Layer(dens=0.0),
                      Substrate=model.Layer(f=fp.Si, dens=0.05, sigma=3.0))
def Sim(data):
    HERE
    return [sample.SimSpecular(d.x, inst) for d in data]
"""


def script(library: str = "spec_nx", layer: str = "sigma=4.0", here: str = "pass") -> str:
    return SCRIPT.replace("LIBRARY", library).replace("LAYER", layer).replace("HERE", here)


@pytest.mark.parametrize(
    ("number", "option"),
    [(0.0, "no conv"), (1.0, "fast conv"), (2.0, "full conv and varying res."), (3.0, "fast conv + varying res.")],
)
def test_a_row_that_numbers_the_resolution_means_what_it_meant(number: float, option: str) -> None:
    resolution = "inst.res = 0.05"
    rows = [Row("inst.setRestype", number, False, 0.0, 8.0)]
    data = DataList([DataSet("d", X, np.exp(-X), 0.1 * np.exp(-X))])
    old = metagenx.Model(GenxFile(script=script(here=resolution + "; print 1"), table=rows, data=data))
    new = metagenx.Model(GenxFile(script=script(here=f"{resolution}; inst.restype = '{option}'"), data=data))
    np.testing.assert_array_equal(old.simulate()[0], new.simulate()[0])
    told = [notice for notice in old.notices if "inst.setRestype" in notice]
    assert [option in notice for notice in told] == [True] * (number >= 2)
    # GenX 3 numbers them otherwise, and its files mean that.
    as_now = metagenx.Model(GenxFile(script=script(here=resolution), table=rows, data=data))
    assert np.array_equal(as_now.simulate()[0], old.simulate()[0]) == (number < 2)


def test_a_python_2_file_runs_and_stays_as_it_is(tmp_path: Path) -> None:
    old, new = script(here="print 'sigma', A.sigma"), script()
    model = a_model(old, "A.setSigma")
    np.testing.assert_array_equal(model.simulate()[0], a_model(new, "A.setSigma").simulate()[0])
    (notice,) = model.notices
    assert "script line 8" in notice
    assert "`print 'sigma', A.sigma` is read as `print('sigma', A.sigma)`" in notice
    assert notice in audit(model).notices
    assert model.file.script == old
    saved = model.save(tmp_path / "saved.hgx")
    again = metagenx.load(saved)
    assert again.file.script == old
    assert again.notices == model.notices
    assert model.problem().path == "population"


def test_what_is_mended_must_be_safe_too() -> None:
    with pytest.raises(ScriptRefused, match="open"):
        ScriptModule("print open('/etc/passwd').read()\n", DataList([]))
    with pytest.raises(ScriptRefused):
        ScriptModule("print ().__class__.__bases__[0]\n", DataList([]))
    with pytest.raises(ScriptRefused):
        ScriptModule("x = `a.__globals__`\n", DataList([]))


def test_control_characters_do_not_reach_the_terminal() -> None:
    run = ScriptModule("print '\x1b[2J'\n", DataList([]))
    assert all(notice.isprintable() for notice in run.notices)


def test_a_thousand_mends_are_counted() -> None:
    run = ScriptModule("print 1\n" * 1000, DataList([]))
    assert len(run.notices) == 201
    assert "800 more lines" in run.notices[-1]


def test_rounded_quotients_are_told() -> None:
    run = ScriptModule("a = 3\nprint a\nx = a/2\n", DataList([]))
    assert any("rounded down" in notice for notice in run.notices)
    run = ScriptModule("a = 3\nprint a\nx = a/2.0\n", DataList([]))
    assert not any("rounded down" in notice for notice in run.notices)


def test_line_endings_of_any_kind() -> None:
    run = ScriptModule("x = 1\r\nprint x\r\n", DataList([]))
    assert "script line 2" in run.notices[0]


# Renamed parameters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["spec_nx", "spec_nx2", "soft_nx", "spec_inhom", "spec_adaptive"])
def test_sigmar_is_sigma_where_there_is_one_roughness(library: str) -> None:
    mended = mend(script(library, layer="sigmar=4.0", here="A.setSigmar(A.getSigmar() + A.sigmar)"))
    assert mended.text == script(library, layer="sigma=4.0", here="A.setSigma(A.getSigma() + A.sigma)")
    assert [m.line for m in mended.mends] == [4, 8]
    assert mended.row("A.setSigmar") == "A.setSigma"
    assert mended.row("cp.setSigmars") == "cp.setSigmars"


def test_a_row_with_the_old_name() -> None:
    old, new = a_model(script(), "A.setSigmar", value=6.0), a_model(script(), "A.setSigma", value=6.0)
    np.testing.assert_array_equal(old.simulate()[0], new.simulate()[0])
    assert old.problem().names == ("A.setSigmar",)
    assert old.file.table[0].name == "A.setSigmar"
    assert any("A.setSigmar" in notice and "A.setSigma" in notice for notice in old.notices)
    vectors = np.array([[3.0], [5.0]])
    np.testing.assert_array_equal(old.problem().evaluate(vectors), new.problem().evaluate(vectors))


def test_a_variable_of_the_user_is_his_own() -> None:
    text = script(here="A.setSigma(cp.sigmar)").replace("inst =", "cp = UserVars()\ncp.new_var('sigmar', 5.0)\ninst =")
    model = a_model(text, "cp.setSigmar")
    assert not model.notices
    assert model.problem().names == ("cp.setSigmar",)


@pytest.mark.parametrize(
    ("layer", "here", "line"),
    [
        ("sigmar=4.0, sigmai=3.0", "pass", 4),
        ("sigmar=4.0", "A.setSigmai(2.0)", 8),
        ("sigma=4.0, sigmar=3.0", "pass", 4),
    ],
)
def test_parts_of_a_roughness_that_has_none(layer: str, here: str, line: int) -> None:
    error = script_error(script(layer=layer, here=here))
    assert error.where == f"old.gx, script line {line}"
    assert "sigma" in error.what


def test_sigmar_of_interdiff_is_a_part_of_sigma() -> None:
    old = a_model(script("interdiff", layer="sigmar=4.0, sigmai=3.0"), "A.setSigmar")
    new = a_model(script("interdiff", layer="sigma=5.0, sigmai=3.0"), "A.setDens", value=0.06)
    np.testing.assert_array_equal(old.simulate()[0], new.simulate()[0])
    (notice,) = old.notices
    assert "script line 4" in notice
    assert "sigmar² + sigmai²" in notice
    problem = old.problem()
    assert problem.path == "population"
    foms = problem.evaluate(np.array([[4.0], [7.0]]))
    np.testing.assert_allclose(foms[0], new.fom(), rtol=1e-12)
    assert foms[0] != foms[1]
    error = script_error(script("interdiff", layer="sigma=4.0, sigmar=3.0"))
    assert error.where == "old.gx, script line 4"


def test_mending_does_not_print(capsys: Any) -> None:
    mend("print 'a'\n")
    assert capsys.readouterr() == ("", "")
