"""Conditions on atoms, as in ``slab.find_atoms('el == "o2m" and z > 0.5')``.

The text may come from a stranger's file. It is never given to Python: its syntax tree is walked here, over a short
list of operators and functions.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from metagenx.errors import InputError

_MAX_CHARACTERS = 2_000
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_LOGIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs, "bool": bool, "float": float, "int": int, "len": len, "max": max, "min": min, "round": round,
}  # fmt: skip
# What may follow `np.`; of one atom all is one number.
_NUMPY: Mapping[str, Any] = {
    "abs": abs, "ceil": math.ceil, "cos": math.cos, "exp": math.exp, "fabs": math.fabs, "floor": math.floor,
    "isclose": lambda a, b, rtol=1e-5, atol=1e-8: abs(a - b) <= atol + rtol * abs(b),
    "logical_and": lambda a, b: bool(a and b), "logical_not": operator.not_,
    "logical_or": lambda a, b: bool(a or b), "log": math.log, "mod": operator.mod, "pi": math.pi, "round": round,
    "sin": math.sin, "sqrt": math.sqrt, "tan": math.tan,
}  # fmt: skip
_TEXT: Mapping[str, Callable[..., Any]] = {
    "endswith": str.endswith, "find": str.find, "isdigit": str.isdigit, "lower": str.lower,
    "startswith": str.startswith, "strip": str.strip, "upper": str.upper,
}  # fmt: skip


class Condition:
    """A condition on one atom at a time.

    Parameters
    ----------
    text : a Python expression of x, y, z, u, oc, el and id; also comparisons, ``and or not in``, arithmetic, ``abs``,
        ``round``, ``np.sqrt`` and a few more, ``el.startswith("o")``.

    Raises
    ------
    InputError : it is no such expression.
    """

    def __init__(self, text: Any) -> None:
        if type(text) is not str or len(text) > _MAX_CHARACTERS:
            raise InputError(
                f"find_atoms takes one expression as text, not {text!r:.80}",
                hint="for example find_atoms('el == \"o2m\" and z > 0.5')",
            )
        self._text = text
        try:
            self._body = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
            raise InputError(f"find_atoms({text!r:.80}) is not an expression: {reason}") from None

    def holds(self, atom: Mapping[str, Any]) -> bool:
        """Whether it is true of an atom, given by its variables.

        Raises
        ------
        InputError : it uses something else, or cannot be evaluated.
        """
        try:
            return bool(_value(self._body, atom))
        except InputError as error:
            raise InputError(f"find_atoms({self._text!r:.80}): {error.what}", hint=error.hint) from None
        except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
            raise InputError(f"find_atoms({self._text!r:.80}) cannot be evaluated: {error}") from None


def _value(node: ast.expr, atom: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        if node.value is None or isinstance(node.value, bool | int | float | str):
            return node.value
    elif isinstance(node, ast.Name):
        if node.id in atom:
            return atom[node.id]
        raise InputError(f"the name {node.id!r} is unknown", hint=f"the variables are {', '.join(atom)}")
    elif isinstance(node, ast.BoolOp):
        return _joined(node, atom)
    elif isinstance(node, ast.UnaryOp):
        return _unary(node, atom)
    elif isinstance(node, ast.BinOp):
        return _binary(node, atom)
    elif isinstance(node, ast.Compare):
        return _compared(node, atom)
    elif isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, atom) else node.orelse, atom)
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_value(element, atom) for element in node.elts]
    elif isinstance(node, ast.Subscript):
        return _item(node, atom)
    elif isinstance(node, ast.Attribute) and _is_numpy(node.value) and node.attr == "pi":
        return math.pi
    elif isinstance(node, ast.Call):
        return _called(node, atom)
    raise InputError(f"{type(node).__name__} is not allowed here", hint="use comparisons and arithmetic")


def _joined(node: ast.BoolOp, atom: Mapping[str, Any]) -> Any:
    result: Any = None
    for part in node.values:
        result = _value(part, atom)
        if bool(result) is isinstance(node.op, ast.Or):
            break
    return result


def _unary(node: ast.UnaryOp, atom: Mapping[str, Any]) -> Any:
    value = _value(node.operand, atom)
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(node.op, ast.Invert):
        # Python's ~True is -2, which is true: nobody means that.
        return not value
    return -_number(value) if isinstance(node.op, ast.USub) else +_number(value)


def _binary(node: ast.BinOp, atom: Mapping[str, Any]) -> Any:
    left, right = _value(node.left, atom), _value(node.right, atom)
    if type(node.op) in _LOGIC and isinstance(left, bool) and isinstance(right, bool):
        return _LOGIC[type(node.op)](left, right)
    if type(node.op) in _BINARY:
        # Floats: no power of whole numbers can grow without end.
        return _BINARY[type(node.op)](_number(left), _number(right))
    raise InputError(f"the operator {type(node.op).__name__} is only for conditions, each in brackets")


def _compared(node: ast.Compare, atom: Mapping[str, Any]) -> bool:
    left = _value(node.left, atom)
    for sign, part in zip(node.ops, node.comparators, strict=True):
        right = _value(part, atom)
        if not bool(_COMPARE[type(sign)](left, right)):
            return False
        left = right
    return True


def _item(node: ast.Subscript, atom: Mapping[str, Any]) -> Any:
    owner = _value(node.value, atom)
    if not isinstance(owner, str | list):
        raise InputError("only text and lists have items")
    if isinstance(node.slice, ast.Slice):
        ends = [None if end is None else _value(end, atom) for end in (node.slice.lower, node.slice.upper)]
        return owner[ends[0] : ends[1]]
    return owner[_value(node.slice, atom)]


def _called(node: ast.Call, atom: Mapping[str, Any]) -> Any:
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise InputError("functions take plain arguments here")
    arguments = [_value(argument, atom) for argument in node.args]
    function = node.func
    if isinstance(function, ast.Name) and function.id in _FUNCTIONS:
        return _FUNCTIONS[function.id](*arguments)
    if isinstance(function, ast.Attribute):
        if _is_numpy(function.value) and callable(_NUMPY.get(function.attr)):
            return _NUMPY[function.attr](*arguments)
        owner = None if _is_numpy(function.value) else _value(function.value, atom)
        if isinstance(owner, str) and function.attr in _TEXT:
            return _TEXT[function.attr](owner, *arguments)
    raise InputError(f"the function {ast.unparse(function)[:40]!r} is not available here")


def _is_numpy(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"np", "numpy"}


def _number(value: Any) -> Any:
    if isinstance(value, str | list) or value is None:
        raise InputError(f"{value!r:.40} is not a number")
    return float(value) if isinstance(value, int) else value
