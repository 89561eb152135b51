"""The allow-list: all scripts that were given pass, and what is refused is refused with line and reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest

from metagenx.errors import ScriptError, ScriptRefused
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.sandbox import attributes, numeric
from metagenx.genx.sandbox.attributes import is_element
from metagenx.genx.script import ScriptModule, check_script


def normalised(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def given_scripts(shared: Path) -> dict[str, tuple[str, list[str], list[str]]]:
    """Name → script, names of data columns, names of rows, of everything that was given."""
    found: dict[str, tuple[str, list[str], list[str]]] = {}
    for path in sorted((shared / "reference" / "public").glob("*.json")):
        case = json.loads(path.read_text())
        columns = [name for dataset in case["datasets"] for name in dataset.get("extra_commands", {})]
        found[path.stem] = case["script"], columns, [row["name"] for row in case["parameters"]]
    for path in sorted((shared / "genx_files").glob("*.hgx")):
        with h5py.File(path) as file:
            names: list[str] = []
            file.visit(lambda name, names=names: names.append(name) if name.endswith("script") else None)
            text: Any = file[names[0]][()]
        found[path.stem] = text.decode() if isinstance(text, bytes) else str(text), [], []
    legacy = json.loads((shared / "genx_files" / "legacy_expected.json").read_text())
    for entry in legacy:
        found[entry["file"]] = entry["script"], [], [row[0] for row in entry["parameters"]]
    return found


def error_of(text: str, data: DataList) -> ScriptError | ScriptRefused | None:
    try:
        ScriptModule(text, data, file="film.hgx")
    except (ScriptError, ScriptRefused) as error:
        return error
    return None


def test_all_given_scripts_pass(shared: Path) -> None:
    """Also those whose model library is not built yet (sxrd, mag_refl, …)."""
    scripts = given_scripts(shared)
    assert len(scripts) >= 220
    refused = {}
    for name, (text, columns, _) in scripts.items():
        if found := check_script(normalised(text), extra_names=columns):
            refused[name] = [str(refusal) for refusal in found]
    assert refused == {}


def test_all_given_rows_name_something(shared: Path) -> None:
    """Rows of the parameter tables find their setters, where the model library is there."""
    tried = 0
    for name, (text, columns, rows) in given_scripts(shared).items():
        data = DataList(
            DataSet(str(i), [1.0, 2.0], [1.0, 1.0], [1.0, 1.0], extra={name: [1.0, 1.0] for name in columns})
            for i in range(6)
        )
        error = error_of(text, data)
        if error is not None:
            assert "not supported yet" in error.what, f"{name}: {error}"
            continue
        script = ScriptModule(text, data)
        for row in filter(None, rows):
            script.compile_setter(row)
            tried += 1
    assert tried > 300


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("x = 1\nimport os", 2, "import os"),
        ("\n\nfrom subprocess import run", 3, "from subprocess import"),
        ("from numpy import save", 1, "numpy.save"),
        ("import numpy as np\nx = np.load('a')", 2, "numpy.load"),
        ("from numpy import *\n\nloadtxt('a')", 3, "loadtxt"),
        ("def f(x):\n    return x.__class__", 2, ".__class__"),
        ("x = open('a')", 1, "open()"),
        ("a = 1\nb = (a\n     .tofile('x'))", 2, ".tofile"),
        ("async def f(): pass", 1, "async def"),
        ("match 1:\n    case 1: pass", 1, "match"),
        ("try: pass\nfinally: pass", 2, "finally"),
        ("with x: pass", 1, "with"),
        ("@cache\ndef f(): pass", 1, "@cache"),
        ("class A(metaclass=B): pass", 1, "class A(metaclass=…)"),
        ("x.foo", 1, ".foo"),
        ("x = 10**10**10", 1, "a constant"),
        ("x = 'a' * 10**12", 1, "a constant"),
        ("x = 1 << 10**6", 1, "a constant"),
        ("import numpy.random", 1, "import numpy.random"),
    ],
)
def test_refusals_name_line_and_text(text: str, line: int, what: str) -> None:
    refusals = check_script(text)
    assert any(refusal.line == line and what in refusal.what for refusal in refusals), refusals
    assert all(refusal.why for refusal in refusals)


@pytest.mark.parametrize(
    "text",
    [
        "import models.spec_nx as model\nfrom models.utils import UserVars, fp, fw, bc, bw, create_fp",
        "import genx.models.spec_nx as model",
        "from genx.models.utils import *",
        "from models.spec_nx2 import *",
        "from .models import spec_nx",
        "import numpy as np\nx = np.linalg.inv(np.eye(2))\ny = np.fft.fft(x)",
        "from numpy.linalg import inv",
        "import scipy.special\nx = scipy.special.erf(1.0)",
        "from scipy import special\nx = special.erf(1.0)",
        "from scipy.special import wofz, erfc",
        "from scipy.constants import h, c",
        "from scipy.interpolate import interp1d",
        "import math, cmath, time, copy, itertools, functools",
        "from __future__ import division, print_function",
        "from typing import List, Optional\ndef f(x: List[float], y: Optional[int] = None) -> float: return 1.0",
        "from dataclasses import dataclass, field\n@dataclass\nclass A:\n    x: list = field(default_factory=list)",
        "class A:\n    def __init__(self, a): self.a = a\n    def __add__(self, o): return A(self.a + o.a)\nA(1).a",
        "class A:\n    @property\n    def x(self): return 1\n    @x.setter\n    def x(self, v): self.v = v",
        "class A:\n    @staticmethod\n    def f(): return 1\n    @classmethod\n    def g(cls): return cls()",
        "class A(object):\n    def __init__(self): pass\nclass B(A):\n    def __init__(self): super().__init__()\nB()",
        "class A:\n    def __init__(self): pass\nclass B(A):\n    def __init__(self): A.__init__(self)\nB()",
        "class A:\n    data = 1\n    base = 2\n    view = 3\nx = A().data + A().base + A().view",
        "from models.utils import UserVars\ncp = UserVars()\nfor i in range(3): cp.new_var('d%d' % i, 1)\nx = cp.d1",
        "for _ in range(3): pass",
        "_hidden = 1\nx = _hidden",
        "__xlabel__ = 'q'\n__ylabel__ = 'R'\n__pars__ = ['A']",
        "if __name__ == '__main__': pass",
        "x = [i**2 for i in range(10) if i % 2]\ny = {i: i for i in x}\nz = sum(i for i in x)",
        "f = lambda x, *a, **k: x\ny = f(1)",
        "def g():\n    yield 1\n    yield from [2]\nx = list(g())",
        "try:\n    1/0\nexcept:\n    x = 1\nelse:\n    x = 2",
        "try:\n    1/0\nexcept (ZeroDivisionError, ValueError) as e:\n    x = str(e)",
        "from numpy import *\nwith errstate(divide='ignore'):\n    x = 1/zeros(2)",
        "x = f'{1.5:.2f} {3!r}' + '%s %d' % ('a', 1)",
        "def f():\n    global x\n    x = 1\nf()\ndel x",
        "open = 1\nx = open",
        "a, *b = [1, 2, 3]\nif (n := len(b)) > 1: pass",
        "x: float = 1.0",
        "x = b'bytes'",
        "assert True, 'text'",
        "print('a', 'b', sep='')",
        "x = -2**0.5 if True else 4**3",
        "n = 3\nx = [0]*n\nx *= 2",
    ],
)
def test_what_models_need_is_allowed_and_runs(text: str) -> None:
    assert check_script(text) == []
    ScriptModule(text, DataList())


def test_lists_do_not_contradict_each_other() -> None:
    assert not attributes.never() & (attributes.GENERAL | attributes.DOCUMENTED)
    assert not attributes.never() & frozenset().union(
        *(numeric.module(name).__all__ for name in numeric.MODULES - {"__future__"})
    )
    assert not attributes.GENERAL & attributes.of_python_and_numpy()


@pytest.mark.parametrize("name", ["Fe", "fe", "i58Ni", "o2m", "Si", "ti4p", "Os"])
def test_elements(name: str) -> None:
    assert is_element(name)


@pytest.mark.parametrize("name", ["os", "io", "Xx", "Feo", "i58", "i58Nix", "sys"])
def test_no_elements(name: str) -> None:
    assert not is_element(name)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "[" * 100_000,
        "-" * 100_000 + "1",
        "not " * 100_000 + "1",
        "a." * 20_000 + "b",
        "a" + "()" * 20_000,
        "1" + "+1" * 50_000,
        "f(" * 2000 + ")" * 2000,
        "lambda: " * 20_000 + "1",
        "x = 1\n" * 200_001,
        "if 1:\n" + "".join(" " * i + "if 1:\n" for i in range(1, 120)),
        "a = 'x\ud800'",
        "x = \0",
        "x = 0x" + "f" * 10_000_0,
        "9" * 10_000,
        "\x0c" * 1000 + "(",
        "f'{" * 200,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_monstrous_texts_end_well(text: str) -> None:
    """No crash, no hang: a list of refusals, or one clear error."""
    error = error_of(text, DataList())
    if error is not None:
        assert "film.hgx" in str(error)
        assert len(str(error)) < 2000
