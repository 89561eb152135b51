"""Data commands such as ``y/max(mon)*1e-3`` or ``x[5:100]``: arithmetic on arrays, and nothing else.
 A command is a text from a stranger's file. It is never given to Python: its syntax tree is walked here, node
by node, over a fixed list of operators and of numpy functions (fact sheet 1.3), with a limit on what it may
allocate.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from metagenx.errors import InputError

MAX_CHARACTERS = 2_000
MAX_POINTS = 1_000_000
_MAX_CONVOLUTION = 50_000_000

Function = Callable[..., Any]

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


class _Refused(Exception):
    """A command that does something other than arithmetic; the text says what."""


def evaluate(text: str, names: Mapping[str, Any], *, where: str | None = None) -> Any:
    """Value of the expression `text`; `names` holds its variables and extra functions.

    Raises InputError for everything that goes wrong: syntax, unknown or forbidden names, numpy's own errors,
    and results of more than `MAX_POINTS` elements. Differs from GenX in refusing ``loadtxt`` and ``savetxt``.
    """
    try:
        if len(text) > MAX_CHARACTERS:
            raise _Refused(f"it has {len(text)} characters; {MAX_CHARACTERS} are allowed")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python about odd literals, of numpy about lost imaginary parts
            tree = ast.parse(text.strip(), mode="eval")
            return _Evaluation(names).value(tree.body)
    except _Refused as refusal:
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
            raise _Refused(f"{type(node).__name__} is not allowed in a data command")
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if value is None or value is Ellipsis or isinstance(value, bool | int | float | complex):
            return value
        raise _Refused("text is not allowed in a data command")

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in NAMES:
            return NAMES[node.id]
        if node.id in {"loadtxt", "savetxt"}:
            raise _Refused(f"{node.id} is refused, because a command must not touch files")
        columns = ", ".join(sorted(name for name, value in self.names.items() if not callable(value)))
        raise _Refused(f"the name {node.id!r} is unknown (columns here: {columns})")

    def _tuple(self, node: ast.Tuple) -> Any:
        return tuple(self.value(element) for element in node.elts)

    def _list(self, node: ast.List) -> Any:
        return [self.value(element) for element in node.elts]

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = _number(self.value(node.left)), _number(self.value(node.right))
        _check_broadcast(left, right)
        if isinstance(node.op, ast.Pow):
            if isinstance(left, int) and isinstance(right, int) and abs(right) > 64:
                left = float(left)
            return left**right
        if type(node.op) not in _BINARY:
            raise _Refused(f"the operator {type(node.op).__name__} is not allowed in a data command")
        return _BINARY[type(node.op)](left, right)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](_number(self.value(node.operand)))

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            raise _Refused("chained comparisons do not work on arrays; write (a < x)*(x < b)")
        if type(node.ops[0]) not in _COMPARE:
            raise _Refused(f"the operator {type(node.ops[0]).__name__} is not allowed in a data command")
        left, right = _number(self.value(node.left)), _number(self.value(node.comparators[0]))
        _check_broadcast(left, right)
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
        if isinstance(container, _Joiner):
            return container.join(index)
        if isinstance(container, np.ndarray):
            _check_index(container, index)
            return container[index]
        if isinstance(container, tuple | list) and isinstance(index, int | slice):
            return container[index]
        raise _Refused("only columns, arrays and tuples can be indexed")

    def _attribute(self, node: ast.Attribute) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, np.ndarray | np.generic) and node.attr in _ATTRIBUTES:
            return getattr(owner, node.attr)
        raise _Refused(f"the attribute {node.attr!r} is not allowed in a data command")

    def _call(self, node: ast.Call) -> Any:
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _Refused("starred arguments are not allowed in a data command")
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            if not isinstance(owner, np.ndarray | np.generic) or node.func.attr not in _METHODS:
                raise _Refused(f"the method {node.func.attr!r} is not allowed in a data command")
            if node.args or node.keywords:
                raise _Refused(f"the method {node.func.attr!r} takes no arguments here")
            return getattr(owner, node.func.attr)()
        if not isinstance(node.func, ast.Name):
            raise _Refused("only named functions can be called")
        function = self.value(node.func)
        if not callable(function):
            raise _Refused(f"{node.func.id!r} is not a function")
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise _Refused("** arguments are not allowed in a data command")
            keywords[keyword.arg] = self.value(keyword.value)
        arguments = [_mode(a) if node.func.id == "convolve" else self.value(a) for a in node.args]
        arguments = [self.value(a) if isinstance(a, ast.expr) else a for a in arguments]
        return function(*arguments, **keywords)


def _mode(node: ast.expr) -> Any:
    """The text of convolve's mode, the only text a command needs; all else is left for evaluation."""
    if isinstance(node, ast.Constant) and node.value in ("full", "same", "valid"):
        return node.value
    return node


def _number(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > 2**63:
        return float(value)  # Python's integers grow without limit, floats do not
    if isinstance(value, bool | int | float | complex | np.number | np.bool_ | np.ndarray):
        return value
    raise _Refused(f"arithmetic needs numbers or columns, not {type(value).__name__}")


def _check_points(count: float) -> None:
    if not 0 <= count <= MAX_POINTS:
        raise _Refused(f"it would make an array of {count:.3g} elements; {MAX_POINTS} are allowed")


def _check_broadcast(*values: Any) -> None:
    _check_points(_size(np.broadcast_shapes(*(np.shape(value) for value in values))))


def _size(shape: Any) -> float:
    lengths = shape if isinstance(shape, tuple | list) else (shape,)
    result = 1.0
    for length in lengths:
        if not isinstance(length, int | np.integer) or length < 0:
            raise _Refused("an array shape must be whole numbers of at least 0")
        result *= int(length)
    return result


def _check_index(array: np.ndarray, index: Any) -> None:
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [part for part in parts if isinstance(part, np.ndarray | list)]
    if len(arrays) > 1:
        raise _Refused("only one array can be used as an index")
    for part in arrays:
        picked = np.asarray(part)
        rest = array.size // max(1, min(array.shape, default=1))
        _check_points(picked.size if array.ndim == 1 else picked.size * rest)


def _elementwise(function: Function) -> Function:
    def call(*values: Any) -> Any:
        _check_broadcast(*values)
        return function(*values)

    return call


def _sized(values: Any) -> np.ndarray:
    """`values` (numbers, arrays, nested lists of them) as an array, refusing anything that is not numeric."""
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise _Refused("an array must hold numbers")
    _check_points(array.size)
    return array


class _Type:
    """A numpy type such as ``float32``: called, it converts; as a ``dtype`` it is itself."""

    def __init__(self, kind: type[np.number]) -> None:
        self.kind = kind

    def __call__(self, values: Any = 0) -> Any:
        return _sized(values).astype(self.kind)[()]


def _kind(dtype: Any) -> type[np.number]:
    if dtype is None:
        return np.float64
    if isinstance(dtype, _Type):
        return dtype.kind
    raise _Refused("the only types are float32, float64, complex64 and complex128")


def _array(values: Any, dtype: Any = None) -> np.ndarray:
    array = _sized(values)
    return array.copy() if dtype is None else array.astype(_kind(dtype))


def _filled(value: float) -> Function:
    def call(shape: Any, dtype: Any = None) -> np.ndarray:
        _check_points(_size(shape))
        return np.full(shape, value, dtype=_kind(dtype))

    return call


def _filled_like(value: float) -> Function:
    def call(array: Any) -> np.ndarray:
        return np.full_like(_sized(array), value)

    return call


def _arange(*limits: float) -> np.ndarray:
    start, stop, step = {1: (0, *limits, 1), 2: (*limits, 1), 3: limits}.get(len(limits), (0, 0, 0))
    if not step:
        raise _Refused("arange takes 1 to 3 numbers, and its step must not be zero")
    _check_points(max(0.0, float((stop - start) / step)))
    return np.arange(start, stop, step)


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> np.ndarray:
    _check_points(_size(num) * max(1, np.size(start), np.size(stop)))
    return np.linspace(start, stop, num, endpoint=bool(endpoint))


def _convolve(first: Any, second: Any, mode: str = "full") -> np.ndarray:
    first, second = _sized(first), _sized(second)
    if first.size * second.size > _MAX_CONVOLUTION:
        raise _Refused("these arrays are too long for convolve")
    result: np.ndarray = np.convolve(first, second, mode=mode)  # type: ignore[call-overload]
    return result


def _dot(first: Any, second: Any) -> Any:
    first, second = _sized(first), _sized(second)
    if first.ndim > 1 and second.ndim > 1:
        _check_points(first.size // max(1, first.shape[-1]) * (second.size // max(1, second.shape[-2])))
    return np.dot(first, second)


def _axis(function: Function) -> Function:
    def call(values: Any, axis: int | None = None) -> Any:
        return function(_sized(values), axis=axis)

    return call


def _hstack(arrays: Any) -> np.ndarray:
    arrays = [np.atleast_1d(_sized(array)) for array in arrays]
    _check_points(sum(array.size for array in arrays))
    return np.hstack(arrays)


def _rms(*terms: Any) -> Any:
    """sqrt(a² + b² + …), GenX's way to combine errors."""
    _check_broadcast(*terms)
    return np.sqrt(sum(np.square(term) for term in terms))


class _Joiner:
    """numpy's ``r_`` and ``c_``, without their directives in text."""

    def __init__(self, columns: bool) -> None:
        self.columns = columns

    def join(self, index: Any) -> np.ndarray:
        parts = [self._part(part) for part in (index if isinstance(index, tuple) else (index,))]
        _check_points(sum(part.size for part in parts))
        return np.column_stack(parts) if self.columns else np.concatenate(parts)

    @staticmethod
    def _part(part: Any) -> np.ndarray:
        if not isinstance(part, slice):
            return np.atleast_1d(_sized(part))
        start, stop, step = part.start or 0, part.stop, 1 if part.step is None else part.step
        if stop is None:
            raise _Refused("a range needs an end")
        if isinstance(step, complex):
            return _linspace(start, stop, int(abs(step)))
        return _arange(start, stop, step)


_ELEMENTWISE = (
    "abs arccos arcsin arctan arctan2 cos exp imag log log2 log10 logical_not maximum minimum not_equal real "
    "sin sqrt tan where"
)

# The names that GenX gives to data commands, and what they are here.
NAMES: dict[str, Any] = {
    **{name: _elementwise(getattr(np, name)) for name in _ELEMENTWISE.split()},
    "arange": _arange,
    "array": _array,
    "c_": _Joiner(columns=True),
    "r_": _Joiner(columns=False),
    "complex64": _Type(np.complex64),
    "complex128": _Type(np.complex128),
    "float32": _Type(np.float32),
    "float64": _Type(np.float64),
    "convolve": _convolve,
    "cumsum": _axis(np.cumsum),
    "dot": _dot,
    "hstack": _hstack,
    "isscalar": np.isscalar,
    "linspace": _linspace,
    "nan": np.nan,
    "ndarray": _filled(0.0),
    "newaxis": None,
    "ones": _filled(1.0),
    "ones_like": _filled_like(1.0),
    "pi": np.pi,
    "rms": _rms,
    "sum": _axis(np.sum),
    "transpose": _axis(lambda values, axis: values.T),
    "zeros": _filled(0.0),
    "zeros_like": _filled_like(0.0),
}
