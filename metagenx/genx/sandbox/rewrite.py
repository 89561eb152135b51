"""Guards for the few things that the text of a script does not show.

The syntax tree of a checked script is changed in place before it is compiled; lines and meaning stay the
same:

* ``a.b = c`` asks whether scripts may write to such an object (not to classes that other models share);
* ``a.b``, where Python's or numpy's own objects have a ``b`` of their own, asks whether `a` is one of the
  script's;
* ``a * b``, ``a ** b``, ``a << b`` ask whether the result is a whole number of absurd size;
* a bare ``except:`` becomes ``except Exception:``, which cannot swallow the time limit;
* ``class A(B)`` asks what B is, and ``B.__init__(self)`` too.

The guards have names that no script can write.
"""

from __future__ import annotations

import ast
import builtins
import enum
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from metagenx.errors import ScriptRefused
from metagenx.genx.sandbox import limits_of_size
from metagenx.genx.sandbox.origin import SCRIPT_NAME, described, made_by_script, of_model_library

_WRITE, _READ, _INITIALISER = "<write>", "<read>", "<init>"
_POWER, _EXCEPTION = "<power>", "<Exception>"
_OPERAND = {ast.Mult: "<factor>", ast.LShift: "<shift>", ast.Pow: "<exponent>"}

_ARRAY_WRITES = frozenset({"shape", "real", "imag", "flat"})
_DATA_WRITES = frozenset({"x", "y", "error", "x_raw", "y_raw", "error_raw", "name", "use"})


def guard(tree: ast.AST, guarded: frozenset[int]) -> None:
    """Put the guards into a tree.

    Parameters
    ----------
    tree : a checked script or expression.
    guarded : ``id`` of the attribute nodes to be read with care, from the `Analysis`.
    """
    for node in reversed(list(ast.walk(tree))):  # from the leaves, so that what is wrapped is already done
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                value[:] = [_replaced(item, guarded) for item in value]
            elif isinstance(value, ast.AST):
                setattr(node, field, _replaced(value, guarded))
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            node.value = _call(_WRITE, node.value, node.value, ast.Constant(node.attr))
        elif isinstance(node, ast.AugAssign) and type(node.op) in _OPERAND:
            if not _is_small(node.value):
                node.value = _call(_OPERAND[type(node.op)], node.value, node.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.LShift)):
            if not (_is_small(node.left) or _is_small(node.right)):
                node.right = _call(_OPERAND[type(node.op)], node.right, node.right)
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            node.type = ast.copy_location(ast.Name(_EXCEPTION, ast.Load()), node)


def guards() -> Mapping[str, Callable[..., Any] | type[Exception]]:
    """What the guards do, by the names they have in a guarded tree."""
    return {
        _WRITE: writable,
        _READ: read,
        _POWER: limits_of_size.raise_to,
        _OPERAND[ast.Mult]: limits_of_size.factor,
        _OPERAND[ast.LShift]: limits_of_size.shift,
        _OPERAND[ast.Pow]: limits_of_size.exponent,
        _EXCEPTION: Exception,
        _INITIALISER: initialiser,
        "__build_class__": build_class,
    }


def writable(target: Any, name: str) -> Any:
    """`target`, if a script may set or delete its attribute `name`.

    Raises ScriptRefused for everything that other models share: classes, functions and modules that are not
    its own.
    """
    kind = type(target)
    if isinstance(target, type):
        allowed = made_by_script(target)
    elif kind is FunctionType:
        allowed = target.__globals__.get("__name__") == SCRIPT_NAME
    elif isinstance(target, np.ndarray):
        allowed = name in _ARRAY_WRITES
    elif kind.__module__ == "metagenx.genx.data":
        allowed = name in _DATA_WRITES or not hasattr(kind, name)
    else:
        allowed = made_by_script(kind) or (of_model_library(kind) and not isinstance(target, enum.Enum))
    if not allowed:
        raise ScriptRefused(
            f"the script changes .{name} of {described(target)}",
            hint="Scripts may change their own objects, parameters and data; --trust runs it all the same.",
        )
    return target


def read(target: Any, name: str) -> Any:
    """``target.name`` of objects of a script, of models and of data sets.

    Raises ScriptRefused if it is an attribute that Python or numpy give to their own objects.
    """
    kinds = target.__mro__ if isinstance(target, type) else type(target).__mro__
    for kind in kinds:
        if name in kind.__dict__:
            if made_by_script(kind) or of_model_library(kind):
                break
            raise ScriptRefused(
                f"the script reads .{name} of {described(target)}",
                hint="This attribute is not on the list of harmless ones; --trust runs it all the same.",
            )
    return getattr(target, name)


def initialiser(kind: Any) -> Callable[..., Any]:
    """``kind.__init__`` in ``Base.__init__(self, …)``, for objects of that class only.

    Raises ScriptRefused for anything but a class of the script or of a model library: to initialise some objects of
    ours anew would be a way to read any attribute.
    """
    if not (isinstance(kind, type) and (made_by_script(kind) or of_model_library(kind) or kind is object)):
        raise ScriptRefused(
            f"the script calls __init__ of {described(kind)}",
            hint="Use it for a base class, or use super().__init__(…); --trust runs it all the same.",
        )

    initialise_any: Callable[..., None] = kind.__init__  # type: ignore[misc]

    def initialise(instance: Any, /, *args: Any, **keywords: Any) -> None:
        if not isinstance(instance, kind):
            raise TypeError(f"__init__ of {kind.__name__} needs one of its own objects")
        initialise_any(instance, *args, **keywords)

    return initialise


def build_class(body: Callable[[], Any], name: str, /, *bases: Any) -> Any:
    """What a ``class`` statement of a script does.

    A class of its own may not pretend to be text or a number: trusted code asks such values what they are.
    Raises ScriptRefused for bases other than model classes, ``object``, exceptions, and classes of the
    script.
    """
    for base in bases:
        kind = base if isinstance(base, type) else type(base)
        ours = made_by_script(kind) or of_model_library(kind)
        if not (isinstance(base, type) and (ours or kind is object or issubclass(kind, Exception))):
            raise ScriptRefused(
                f"class {name} is derived from {described(base)}",
                hint="Derive it from a model class, or from nothing; --trust runs it all the same.",
            )
    return builtins.__build_class__(body, name, *bases)


def _replaced(node: Any, guarded: frozenset[int]) -> Any:
    if isinstance(node, ast.Attribute) and id(node) in guarded and node.attr == "__init__":
        return _call(_INITIALISER, node, node.value)
    if isinstance(node, ast.Attribute) and id(node) in guarded and isinstance(node.ctx, ast.Load):
        return _call(_READ, node, node.value, ast.Constant(node.attr))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _is_small(node.right):
        return _call(_POWER, node, node.left, node.right)
    return node


def _is_small(node: ast.expr) -> bool:
    """A constant that cannot make a whole number explode in one step: ``4*pi``, ``x**2``."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if not isinstance(node, ast.Constant):
        return False
    return isinstance(node.value, (float, complex)) or (isinstance(node.value, int) and node.value <= 16)


def _call(name: str, where: ast.expr, *arguments: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
    for node in (call, call.func, *arguments):
        if not hasattr(node, "lineno"):
            ast.copy_location(node, where)
    return call
