"""What a row of the parameter table sets (fact sheet 2.3).

A name is a Python expression. If it gives a function (``inst.setI0``, ``cp.setLambda``, a function of the
script), that is called with the value; a parameter object gets its ``.value`` set; anything else that can
stand on the left of ``=`` (``inst.I0``, ``layers[1].d``) is assigned to. A plain global variable is assigned
to as well: GenX leaves it as it is without a word, and fits a dead parameter; we say so in a notice.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, ScriptError, ScriptRefused
from metagenx.genx.sandbox import explain
from metagenx.genx.sandbox.origin import SCRIPT_NAME

if TYPE_CHECKING:
    from metagenx.genx.script import ScriptModule

Setter = Callable[[Any], None]

_SETTER, _VALUE = "<set>", "<value>"


def make_setter(script: ScriptModule, name: str) -> Setter:
    """A function that sets what the row `name` stands for to a number or an array of a population.

    Raises ScriptError or ScriptRefused if the name stands for nothing, or for nothing that can be set.
    """
    where = f"parameter {explain.printable(name, 80)!r}"
    try:
        value = script.evaluate(name)
    except ScriptRefused as error:
        raise ScriptRefused(error.what, where=where, hint=error.hint) from None
    except InputError as error:
        raise ScriptError(f"it names nothing: {error.what}", where=where, hint=_suggestion(script, name)) from None
    if callable(value):
        return _calling(script, value, where)
    if type(value).__name__ == "NumericParameter":
        name = f"({name}).value"
    target = ast.parse(name.strip(), mode="eval").body
    if isinstance(target, ast.Name):
        return _global(script, target.id)
    if isinstance(target, (ast.Attribute, ast.Subscript)):
        return _assigning(script, name, where)
    raise ScriptError("it cannot be set: it is neither a function nor something to assign to", where=where)


def _calling(script: ScriptModule, function: Callable[[Any], Any], where: str) -> Setter:
    if _is_of(script, function):
        # It runs the script's own code, so it needs the limits of the script.

        def set_within_limits(value: Any) -> None:
            script.within_limits(function, value, where=where)

        return set_within_limits

    def set_value(value: Any) -> None:
        try:
            function(value)
        except Exception as error:
            raise _failed(error, where) from None

    return set_value


def _assigning(script: ScriptModule, name: str, where: str) -> Setter:
    """A function of the script's namespace with one line: ``name = value``."""
    target = script.checked_expression(name, as_target=True).body
    value = ast.Name(_VALUE, ast.Load())
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(_VALUE)],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
        vararg=None,
        kwarg=None,
    )
    body: list[ast.stmt] = [ast.Assign([target], value)]
    function = ast.FunctionDef(_SETTER, arguments, body, decorator_list=[], returns=None, type_comment=None)
    if "type_params" in ast.FunctionDef._fields:  # Python 3.12
        function.type_params = []  # type: ignore[attr-defined]
    tree = ast.fix_missing_locations(ast.Module([function], type_ignores=[]))
    try:
        code = compile(tree, "<parameter>", "exec", dont_inherit=True)
    except (ValueError, SyntaxError, RecursionError):
        raise ScriptError("it cannot be assigned to", where=where) from None
    exec(code, script.namespace)
    setter = script.namespace.pop(_SETTER)

    def set_value(value: Any) -> None:
        script.within_limits(setter, value, where=where)

    return set_value


def _global(script: ScriptModule, name: str) -> Setter:
    if name.startswith("_") or name in {"data", "Sim"}:
        raise ScriptError("it cannot be set by a row of the table", where=f"parameter {name!r}")
    script.notice(f"the parameter {name!r} is a plain variable of the script: it is set here; GenX ignores such a row")
    namespace = script.namespace

    def set_value(value: Any) -> None:
        namespace[name] = value

    return set_value


def _is_of(script: ScriptModule, function: Callable[..., Any]) -> bool:
    """Whether calling `function` runs code of the script."""
    while isinstance(function, MethodType):
        if type(function.__self__).__module__ == SCRIPT_NAME:
            return True  # its attributes may be properties of the script
        function = function.__func__
    if isinstance(function, FunctionType):
        return function.__globals__ is script.namespace
    return type(function).__module__ == SCRIPT_NAME


def _failed(error: Exception, where: str) -> InputError:
    if isinstance(error, InputError):
        return ScriptError(error.what, where=where, hint=error.hint)
    return ScriptError(f"it cannot be set: {explain.message(error)}", where=where)


def _suggestion(script: ScriptModule, name: str) -> str | None:
    first, *rest = name.strip().split(".")
    close = difflib.get_close_matches(first, [n for n in script.namespace if not n.startswith("_")], n=1)
    if close and close[0] != first:
        return f"Did you mean {'.'.join([close[0], *rest])}?"
    owner = script.namespace.get(first)
    if owner is None or len(rest) != 1:
        return None
    close = difflib.get_close_matches(rest[0], [n for n in dir(owner) if not n.startswith("_")], n=1)
    return f"Did you mean {first}.{close[0]}?" if close else None
