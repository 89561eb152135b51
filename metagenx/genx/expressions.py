"""Data commands such as ``y/max(mon)*1e-3`` or ``x[5:100]``: arithmetic on arrays, and nothing else.

A command is a text from a stranger's file. It is never given to Python: its syntax tree is walked here, node
by node, over a fixed list of operators and of numpy functions (fact sheet 1.3), with a limit on what it may
allocate.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from metagenx.errors import InputError
from metagenx.genx.command_functions import (
    NAMES,
    Function,
    Joiner,
    Refused,
    check_broadcast,
    check_index,
    number,
)

MAX_CHARACTERS = 2_000

_BINARY: dict[type[ast.operator], Function] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY: dict[type[ast.unaryop], Function] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_COMPARE: dict[type[ast.cmpop], Function] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ATTRIBUTES = frozenset({"real", "imag", "T", "size", "shape", "ndim"})
_METHODS = frozenset(
    {"max", "min", "mean", "sum", "std", "var", "argmax", "argmin", "argsort", "cumsum", "copy", "round"}
)


def evaluate(text: str, names: Mapping[str, Any], *, where: str | None = None) -> Any:
    """Value of the expression `text`; `names` holds its variables and extra functions.

    Raises InputError for everything that goes wrong: syntax, unknown or forbidden names, numpy's own errors, and
    results of more than `command_functions.MAX_POINTS` elements. Differs from GenX in refusing ``loadtxt`` and
    ``savetxt``.
    """
    try:
        if len(text) > MAX_CHARACTERS:
            raise Refused(f"it has {len(text)} characters; {MAX_CHARACTERS} are allowed")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python about odd literals, of numpy about lost imaginary parts
            tree = ast.parse(text.strip(), mode="eval")
            return _Evaluation(names).value(tree.body)
    except Refused as refusal:
        reason = str(refusal)
    except SyntaxError as error:
        reason = f"it is not an expression: {error.msg}"
    except (RecursionError, MemoryError):
        reason = "it is nested too deeply or needs too much memory"
    except Exception as error:  # numpy and Python errors of the user's own arithmetic
        reason = f"{type(error).__name__}: {error}"
    raise InputError(
        f"the data command {_shortened(text)} cannot be evaluated: {reason}",
        where=where,
        hint="Data commands are numpy arithmetic on x, y, e and the extra columns, e.g. y/1e5 or x[5:].",
    )


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


class _Evaluation:
    """One walk over the syntax tree of a command."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def value(self, node: ast.expr) -> Any:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise Refused(f"{type(node).__name__} is not allowed in a data command")
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if value is None or value is Ellipsis or isinstance(value, bool | int | float | complex):
            return value
        raise Refused("text is not allowed in a data command")

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in NAMES:
            return NAMES[node.id]
        if node.id in {"loadtxt", "savetxt"}:
            raise Refused(f"{node.id} is refused, because a command must not touch files")
        columns = ", ".join(sorted(name for name, value in self.names.items() if not callable(value)))
        raise Refused(f"the name {node.id!r} is unknown (columns here: {columns})")

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(self.value(element) for element in node.elts)

    def _list(self, node: ast.List) -> Any:
        return [self.value(element) for element in node.elts]

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = number(self.value(node.left)), number(self.value(node.right))
        check_broadcast(left, right)
        if isinstance(node.op, ast.Pow):
            if isinstance(left, int) and isinstance(right, int) and abs(right) > 64:
                left = float(left)
            return left**right
        if type(node.op) not in _BINARY:
            raise Refused(f"the operator {type(node.op).__name__} is not allowed in a data command")
        return _BINARY[type(node.op)](left, right)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](number(self.value(node.operand)))

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            raise Refused("chained comparisons do not work on arrays; write (a < x)*(x < b)")
        if type(node.ops[0]) not in _COMPARE:
            raise Refused(f"the operator {type(node.ops[0]).__name__} is not allowed in a data command")
        left, right = number(self.value(node.left)), number(self.value(node.comparators[0]))
        check_broadcast(left, right)
        return _COMPARE[type(node.ops[0])](left, right)

    def _boolop(self, node: ast.BoolOp) -> Any:
        result = self.value(node.values[0])
        for other in node.values[1:]:
            if bool(result) is isinstance(node.op, ast.Or):
                return result
            result = self.value(other)
        return result

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def _slice(self, node: ast.Slice) -> Any:
        return slice(*(None if part is None else self.value(part) for part in (node.lower, node.upper, node.step)))

    def _subscript(self, node: ast.Subscript) -> Any:
        container, index = self.value(node.value), self.value(node.slice)
        if isinstance(container, Joiner):
            return container.join(index)
        if isinstance(container, np.ndarray):
            check_index(container, index)
            return container[index]
        if isinstance(container, tuple | list) and isinstance(index, int | slice):
            return container[index]
        raise Refused("only columns, arrays and tuples can be indexed")

    def _attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, np.ndarray | np.generic) and node.attr in _ATTRIBUTES:
            return getattr(owner, node.attr)
        raise Refused(f"the attribute {node.attr!r} is not allowed in a data command")

    def _call(self, node: ast.Call) -> Any:
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise Refused("starred arguments are not allowed in a data command")
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            if not isinstance(owner, np.ndarray | np.generic) or node.func.attr not in _METHODS:
                raise Refused(f"the method {node.func.attr!r} is not allowed in a data command")
            if node.args or node.keywords:
                raise Refused(f"the method {node.func.attr!r} takes no arguments here")
            return getattr(owner, node.func.attr)()
        if not isinstance(node.func, ast.Name):
            raise Refused("only named functions can be called")
        function = self.value(node.func)
        if not callable(function):
            raise Refused(f"{node.func.id!r} is not a function")
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise Refused("** arguments are not allowed in a data command")
            keywords[keyword.arg] = self.value(keyword.value)
        arguments = [_mode(a) if node.func.id == "convolve" else self.value(a) for a in node.args]
        arguments = [self.value(a) if isinstance(a, ast.expr) else a for a in arguments]
        return function(*arguments, **keywords)


def _mode(node: ast.expr) -> Any:
    """The text of convolve's mode, the only text a command needs; all else is left for evaluation."""
    if isinstance(node, ast.Constant) and node.value in ("full", "same", "valid"):
        return node.value
    return node
