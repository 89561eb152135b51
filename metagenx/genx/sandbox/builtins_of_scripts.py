"""The builtins of scripts: a fixed list, in a dictionary of their own."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from metagenx.genx.sandbox import iteration
from metagenx.genx.sandbox.limits_of_size import power_of
from metagenx.genx.sandbox.numeric import ndarray
from metagenx.genx.sandbox.origin import made_by_script

_TYPES = """
    bool bytes complex dict float frozenset int list object set slice str tuple property staticmethod
    classmethod
"""
_FUNCTIONS = """
    abs all any callable chr divmod isinstance issubclass len max min next ord repr reversed round sorted
    super
"""
_EXCEPTIONS = """
    ArithmeticError AssertionError AttributeError Exception FloatingPointError ImportError IndexError KeyError
    LookupError MemoryError ModuleNotFoundError NameError NotImplementedError OverflowError RecursionError
    RuntimeError StopIteration TypeError ValueError ZeroDivisionError UserWarning Warning RuntimeWarning
    DeprecationWarning
"""


def type_(value: Any, /) -> Any:
    """``type`` of a value; it makes no classes.

    Only classes that a script may have anyway are given out: with some others one can read any attribute.
    """
    kind = type(value)
    if kind is np.ndarray:
        return ndarray
    if kind in _GIVEN_OUT or issubclass(kind, (np.number, np.bool)) or made_by_script(kind):
        return kind
    raise TypeError(f"type() of a {kind.__name__} is not available in a script; use isinstance()")


def _builtins() -> dict[str, Any]:
    import builtins

    names = f"{_TYPES} {_FUNCTIONS} {_EXCEPTIONS} NotImplemented Ellipsis".split()
    found: dict[str, Any] = {name: getattr(builtins, name) for name in names}
    own = {
        "enumerate": iteration.enumerate_,
        "filter": iteration.filter_,
        "iter": iteration.iter_,
        "map": iteration.map_,
        "pow": power_of,
        "range": iteration.bounded_range,
        "sum": iteration.sum_,
        "type": type_,
        "zip": iteration.zip_,
    }
    return {**found, **own}


#: What every script has without an import, besides ``print`` and ``__import__``, which belong to one script,
#: and ``__build_class__``, see `rewrite`.
BUILTINS = MappingProxyType(_builtins())

_GIVEN_OUT = frozenset(
    kind for name, kind in BUILTINS.items() if isinstance(kind, type) and name not in {"property", "super", "object"}
) | {type(None), type(NotImplemented), type(Ellipsis)}

#: Names that are present before the script runs.
INJECTED = frozenset({"data", "_sim", "Sim", "TextIO", "__name__", "print"})

_REASONS = {
    "it runs text as a program": "eval exec compile __import__",
    "it reads or writes files": "open",
    "it waits for a person at the keyboard": "input breakpoint help exit quit copyright credits license",
    "it reaches attributes by names that only exist at run time": "getattr setattr delattr hasattr vars dir",
    "it leads to the interpreter's own tables": "globals locals memoryview bytearray id hash",
    "it can swallow the time limit or Ctrl-C": (
        "BaseException BaseExceptionGroup KeyboardInterrupt SystemExit GeneratorExit"
    ),
}


def why_not(name: str) -> str:
    """Why scripts do not have a builtin of Python."""
    return next((why for why, names in _REASONS.items() if name in names.split()), "scripts do not have this function")
