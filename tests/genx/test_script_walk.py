"""What a script can reach, walked like a graph: from all it can import, by all the names it may write.

The names are not those of one script but all that the check would let pass in any script, also in one that makes up the
names it needs.
"""

from __future__ import annotations

import builtins
import collections
import enum
import io
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metagenx.errors import ScriptRefused
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.models import registry
from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.sandbox import attributes, numeric, rewrite
from metagenx.genx.sandbox.builtins_of_scripts import BUILTINS
from metagenx.genx.script import Limits, ScriptModule

EVERYTHING = "\n".join(
    [
        *(f"import {name}" for name in sorted(numeric.MODULES) if "." in name),
        *(f"import {name} as the_{name}" for name in sorted(numeric.MODULES) if "." not in name and name[0] != "_"),
        "from numpy import *",
        *(f"import models.{name} as lib_{name.replace('.', '_')}" for name in registry.supported()),
        "from dataclasses import dataclass",
        "from models.lib.base import ModelParamBase",
        "from models.utils import *",
        """
@dataclass
class Own(ModelParamBase):
    a: float = 1.0
    z: complex = 1j

class Plain:
    @property
    def p(self): return 1
    def method(self): return self

def generate():
    yield 1

own, plain, generator, function = Own(), Plain(), generate(), generate
cp = UserVars()
cp.new_var("a", 1.0)
cp.new_sys_err("b", 1.0, 0.1)
inst, layer = lib_spec_nx.Instrument(), lib_spec_nx.Layer(d=10.0, dens=0.05, f=fp.Fe)
stack = lib_spec_nx.Stack(Layers=[layer], Repetitions=2)
sample = lib_spec_nx.Sample(Stacks=[stack])
try:
    lib_spec_nx.Instrument(probe="nothing")
except Exception as error:
    kept_error = error
try:
    fp.Nothing
except Exception as error:
    kept_error_2 = error
arrays = [zeros(3), array([1, "a"]), array([None, 1], dtype=object), zeros(2, dtype="i4,f8"), float64(1), int8(1)]
others = [poly1d([1, 2]), finfo(float), iinfo(int), errstate(), zeros(2).flat, zeros(2).dtype, vectorize(abs)]
values = [1, 1.0, 1j, "a", b"a", True, None, (1,), {1}, {1: 2}, slice(1), Ellipsis, frozenset(), range(3), r_, mgrid]
""",
    ]
)


def data() -> DataList:
    return DataList([DataSet("measured", [1.0, 2.0], [1.0, 1.0], [0.1, 0.1], extra={"res": [0.1, 0.1]})])


@pytest.fixture(scope="module")
def script() -> ScriptModule:
    return ScriptModule(EVERYTHING, data())


FOLLOWED = 40

# Doors: whoever holds one of these is out.
_MODULES = {name: module for name, module in sys.modules.items() if isinstance(module, types.ModuleType)}
_KINDS = (
    types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.MappingProxyType, memoryview,
    io.IOBase, types.CellType,
)  # fmt: skip
_FUNCTIONS = [
    builtins.open, builtins.eval, builtins.exec, builtins.compile, builtins.__import__, builtins.getattr,
    builtins.setattr, builtins.globals, builtins.vars, builtins.type, os.system, sys._getframe, np.load, np.save,
    np.savetxt, np.loadtxt, np.fromfile, np.memmap, np.ndarray, np.genfromtxt, np.frombuffer, np.savez, object.__new__,
    np.lib.stride_tricks.as_strided, BaseException,
]  # fmt: skip
_DOORS = {id(function) for function in _FUNCTIONS}


def is_door(value: Any) -> bool:
    if id(value) in _DOORS or isinstance(value, _KINDS):
        return True
    if isinstance(value, type) and issubclass(value, type):
        return True  # a metaclass makes classes with any attribute
    if isinstance(value, dict) and ("__builtins__" in value or "open" in value):
        return True
    if isinstance(value, types.BuiltinFunctionType) and not isinstance(value.__self__, types.ModuleType | None):
        return False  # a method of a value
    if isinstance(value, types.BuiltinFunctionType):
        home = value.__module__ or ""
        known = value in BUILTINS.values() or home.split(".")[0] in {
            "math",
            "cmath",
            "time",
            "numpy",
            "scipy",
        }
        return not known and home in {
            "builtins",
            "posix",
            "nt",
            "sys",
            "io",
            "_io",
            "os",
            "marshal",
            "_pickle",
            "gc",
        }
    return False


def names_of(value: Any) -> Iterator[str]:
    """All names after a dot that the check would let pass somewhere."""
    for name in dir(value):
        if name.startswith("_") or name in attributes.never():
            continue
        yield name


def attribute(value: Any, name: str) -> Any:
    """What a script gets for ``value.name``, or nothing."""
    guarded = name in attributes.of_python_and_numpy()
    try:
        return rewrite.read(value, name) if guarded else getattr(value, name)
    except (ScriptRefused, AttributeError, TypeError, ValueError, NotImplementedError):
        return None


def neighbours(value: Any) -> Iterator[tuple[str, Any]]:
    for name in names_of(value):
        yield f".{name}", attribute(value, name)
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", item) for key, item in list(value.items())[:200])
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{i}]", item) for i, item in enumerate(list(value)[:200]))
    elif isinstance(value, type) and issubclass(value, enum.Enum):
        yield from ((f"({member.value!r})", member) for member in value)


def walk(script: ScriptModule) -> dict[int, tuple[str, Any]]:
    """All that can be reached: id → way, object. Of each kind of object the first few are followed further."""
    start = [(name, value) for name, value in script.namespace.items() if not name.startswith("__")]
    found: dict[int, tuple[str, Any]] = {}
    waiting = collections.deque([*start, *BUILTINS.items()])
    followed: collections.Counter[Any] = collections.Counter()
    while waiting:
        way, value = waiting.popleft()
        if id(value) in found:
            continue
        found[id(value)] = way, value  # keeps it alive, so that ids stay unique
        kind = value if isinstance(value, type) else (type(value), getattr(value, "__qualname__", None))
        followed[kind] += 1
        if followed[kind] <= FOLLOWED:
            waiting.extend((way + step, next_value) for step, next_value in neighbours(value))
    return found


def test_no_door_can_be_reached(script: ScriptModule) -> None:
    found = walk(script)
    assert len(found) > 2000
    assert [way for way, value in found.values() if is_door(value)] == []


def test_names_of_all_objects_are_known(script: ScriptModule) -> None:
    """A script may make up names of its own; those of objects it can reach must not be among them."""
    own = (
        "genx_script_module",
        "metagenx.genx.models.",
        "metagenx.genx.sandbox.facades",
        "metagenx.genx.data",
    )
    unknown: dict[str, set[str]] = {}
    for _, value in walk(script).values():
        kind = value if isinstance(value, type) else type(value)
        if not kind.__module__.startswith(own):
            names = {name for name in dir(value) if not name.startswith("_")}
            names -= attributes.GENERAL | attributes.of_python_and_numpy()
            if names:
                unknown.setdefault(f"{kind.__module__}.{kind.__qualname__}", set()).update(names)
    assert unknown == {}


def test_the_walk_finds_doors() -> None:
    """With a module or a frame in the namespace it does: the walk is not blind."""
    script = ScriptModule("x = 1", data())
    script.namespace["np"] = np
    assert any(is_door(value) for _, value in walk(script).values())
    script = ScriptModule("x = 1", data())
    script.namespace["holder"] = types.SimpleNamespace(thing=types.SimpleNamespace(frame=sys._getframe()))
    assert any(is_door(value) for _, value in walk(script).values())


def test_two_scripts_share_nothing_that_can_be_changed() -> None:
    first, second = (walk(ScriptModule(EVERYTHING, data())) for _ in range(2))
    shared = [first[key] for key in first.keys() & second.keys() if first[key][1] is second[key][1]]
    changeable = (list, dict, set, bytearray, ModelParamBase)
    assert [
        way
        for way, value in shared
        if isinstance(value, changeable) or (isinstance(value, np.ndarray) and value.flags.writeable)
    ] == []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.lists(st.integers(0, 10**6), min_size=4, max_size=24))
def test_random_walks_with_calls_find_no_door(script: ScriptModule, choices: list[int]) -> None:
    """Attributes, items and calls at random: what calls return cannot be reached by the walk above."""
    pool = [value for name, value in script.namespace.items() if not name.startswith("__")] + list(BUILTINS.values())
    numbers = iter(choices)
    value = pool[next(numbers) % len(pool)]
    for number in numbers:
        steps = [step for _, step in neighbours(value)]
        kind = number % 3
        if kind == 0 and callable(value):
            arguments = [pool[(number // 7 + 31 * i) % len(pool)] for i in range(number // 3 % 3)]
            value = called(script, value, arguments)
        elif steps:
            value = steps[number // 3 % len(steps)]
        assert not is_door(value)


def called(script: ScriptModule, function: Any, arguments: list[Any]) -> Any:
    if function in (print, script.namespace["generator"]) or getattr(function, "__name__", "") == "_print":
        return None
    limited = ScriptModule("", data(), limits=Limits(call=1.0, memory=1 << 28))
    try:
        with np.errstate(all="ignore"):
            return limited.within_limits(function, *arguments)
    except Exception:
        return None
