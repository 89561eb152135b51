"""Model libraries from the side of a hostile script: what they offer must not read or write whatever it names.

The rules are in the docstring of `metagenx.genx.sandbox`. These tests find the usual ways to break them.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

import metagenx.genx.models
from metagenx.errors import InputError
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.models import registry
from metagenx.genx.sandbox.facades import Facade
from metagenx.genx.script import ScriptModule

FOLDER = Path(metagenx.genx.models.__file__).parent

# Where an attribute is read or written by a name that is a variable. Each has been looked at: the name never comes
# from a script, or the object is checked. Before adding one, read the rules.
REVIEWED = {
    "base.py",  # accessors: of parameter objects only
    "diffuse_simulation.py",  # constants
    "instrument.py",
    "interdiff_instrument.py",  # constants
    "layer_table.py",
    "magnetic_layers.py",  # constants
    "magnetic_simulation.py",  # constants
    "magnetic_slicing.py",  # constants
    "recording.py",  # fields of a library's own instruments
    "registry.py",
    "sample.py",
    "sample_table.py",
    "slab.py",  # its own columns; the id of an atom stands between "set" and a parameter
    "sxrd_mult.py",  # names of parameters, on SLStandard only
    "user_variables.py",  # names of new_var are checked
    "values.py",
}
RUNS_TEXT = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "open",
    "globals",
    "locals",
    "vars",
    "attrgetter",
    "methodcaller",
}


def calls(path: Path) -> list[tuple[int, str, ast.Call]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(node.lineno, ast.unparse(node.func), node) for node in found]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_no_library_runs_text_or_follows_names(path: Path) -> None:
    for line, function, call in calls(path):
        where = f"{path.name}, line {line}"
        assert function not in RUNS_TEXT, f"{where}: {function}"
        if function in {"getattr", "setattr", "delattr", "hasattr"} and not isinstance(call.args[1], ast.Constant):
            assert path.name in REVIEWED, f"{where}: {function} with a name that is a variable; read the rules first"


@pytest.mark.parametrize("name", registry.supported())
def test_no_library_offers_modules_or_state(name: str) -> None:
    offered = registry.model_module(name)
    again = registry.model_module(name)
    for public in offered.__all__:
        value = getattr(offered, public)
        assert not isinstance(value, ModuleType)
        if isinstance(value, (list, dict, set, np.ndarray)):
            assert value is not getattr(again, public), f"{public} is shared between models"
        for attribute, inner in inspect.getmembers_static(value if isinstance(value, type) else type(value)):
            if not attribute.startswith("_") and not isinstance(value, (Facade, FunctionType)):
                assert not isinstance(inner, (list, dict, set, ModuleType)), f"{public}.{attribute}"


NAMES = ["__class__", "__globals__", "__dict__", "_plan", "gi_frame", "f_globals", "__init__"]


@pytest.mark.parametrize("name", NAMES)
def test_methods_that_take_names_take_parameters_only(name: str) -> None:
    """Methods of samples that are told what to read, tried with layers that are no layers."""
    data = DataList([DataSet("a", [1.0], [1.0], [1.0])])
    script = ScriptModule(
        "import models.spec_nx as model\nL = [model.Specular]\nS = model.Stack(Layers=L)\nX = model.Sample(Stacks=[S])",
        data,
    )
    for owner in ("S", "X"):
        for method in ("resolveLayerParameter", "resolveLayerParameters", "SimSLD"):
            if not hasattr(script.namespace[owner], method):
                continue
            arguments: list[Any] = [name] if method == "resolveLayerParameter" else [None, name, None]
            try:
                result = getattr(script.namespace[owner], method)(*arguments)
            except (InputError, AttributeError, TypeError, KeyError):
                continue
            pytest.fail(f"{owner}.{method}({name!r}) gives {result!r:.100}")
