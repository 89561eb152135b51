"""The functions and limits of data commands: what GenX takes from numpy (fact sheet 1.3), with bounded results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MAX_POINTS = 1_000_000
_MAX_CONVOLUTION = 50_000_000

Function = Callable[..., Any]


class Refused(Exception):
    """A command that does something other than arithmetic; the text says what."""


def number(value: Any) -> Any:
    """`value` if it can be calculated with."""
    if isinstance(value, int) and abs(value) > 2**63:
        return float(value)  # Python's integers grow without limit, floats do not
    if isinstance(value, bool | int | float | complex | np.number | np.bool_ | np.ndarray):
        return value
    raise Refused(f"arithmetic needs numbers or columns, not {type(value).__name__}")


def _check_points(count: float) -> None:
    if not 0 <= count <= MAX_POINTS:
        raise Refused(f"it would make an array of {count:.3g} elements; {MAX_POINTS} are allowed")


def check_broadcast(*values: Any) -> None:
    """Refuse an elementwise operation on `values` whose result would be too large."""
    _check_points(_size(np.broadcast_shapes(*(np.shape(value) for value in values))))


def _size(shape: Any) -> float:
    lengths = shape if isinstance(shape, tuple | list) else (shape,)
    result = 1.0
    for length in lengths:
        if not isinstance(length, int | np.integer) or length < 0:
            raise Refused("an array shape must be whole numbers of at least 0")
        result *= int(length)
    return result


def check_index(array: np.ndarray, index: Any) -> None:
    """Refuse ``array[index]`` if it would be larger than the limit."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [part for part in parts if isinstance(part, np.ndarray | list)]
    if len(arrays) > 1:
        raise Refused("only one array can be used as an index")
    for part in arrays:
        picked = np.asarray(part)
        rest = array.size // max(1, min(array.shape, default=1))
        _check_points(picked.size if array.ndim == 1 else picked.size * rest)


def _elementwise(function: Function) -> Function:
    def call(*values: Any) -> Any:
        check_broadcast(*values)
        return function(*values)

    return call


def _sized(values: Any) -> np.ndarray:
    """`values` (numbers, arrays, nested lists of them) as an array, refusing anything that is not numeric."""
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise Refused("an array must hold numbers")
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
    raise Refused("the only types are float32, float64, complex64 and complex128")


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
        raise Refused("arange takes 1 to 3 numbers, and its step must not be zero")
    _check_points(max(0.0, float((stop - start) / step)))
    return np.arange(start, stop, step)


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> np.ndarray:
    _check_points(_size(num) * max(1, np.size(start), np.size(stop)))
    return np.linspace(start, stop, num, endpoint=bool(endpoint))


def _convolve(first: Any, second: Any, mode: str = "full") -> np.ndarray:
    first, second = _sized(first), _sized(second)
    if first.size * second.size > _MAX_CONVOLUTION:
        raise Refused("these arrays are too long for convolve")
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
    check_broadcast(*terms)
    return np.sqrt(sum(np.square(term) for term in terms))


class Joiner:
    """numpy's ``r_`` and ``c_``, without their directives in text."""

    def __init__(self, columns: bool) -> None:
        self.columns = columns

    def join(self, index: Any) -> np.ndarray:
        """The parts of ``[...]`` side by side or one after the other."""
        parts = [self._part(part) for part in (index if isinstance(index, tuple) else (index,))]
        _check_points(sum(part.size for part in parts))
        return np.column_stack(parts) if self.columns else np.concatenate(parts)

    @staticmethod
    def _part(part: Any) -> np.ndarray:
        if not isinstance(part, slice):
            return np.atleast_1d(_sized(part))
        start, stop, step = part.start or 0, part.stop, 1 if part.step is None else part.step
        if stop is None:
            raise Refused("a range needs an end")
        if isinstance(step, complex):
            return _linspace(start, stop, int(abs(step)))
        return _arange(start, stop, step)


def _extreme(function: Callable[..., Any], instead: str) -> Function:
    """Python's max or min: of the numbers of one column, or of several numbers."""

    def call(*values: Any) -> Any:
        if len(values) == 1:
            return function(_sized(values[0]).tolist())
        if any(np.size(number(value)) != 1 for value in values):
            raise Refused(f"{function.__name__} compares single numbers; for columns it is {instead}")
        return function(*values)

    return call


def _length(values: Any) -> int:
    return len(_sized(values))


def _converted(kind: Callable[[Any], Any]) -> Function:
    """Python's float, int, bool or round, of one number."""

    def call(value: Any, *digits: Any) -> Any:
        if np.size(number(value)) != 1:
            raise Refused(f"{kind.__name__} takes one number, not a column")
        return kind(np.asarray(value).item(), *digits)

    return call


def _truth(function: Callable[[Any], Any]) -> Function:
    """Python's any or all, of one column."""
    return lambda values: bool(function(_sized(values)))


_ELEMENTWISE = (
    "abs arccos arcsin arctan arctan2 cos exp imag log log2 log10 logical_not maximum minimum not_equal real "
    "sin sqrt tan where"
)

# The names that GenX gives to data commands, and what they are here; of Python's own, those that calculate.
NAMES: dict[str, Any] = {
    "all": _truth(np.all),
    "any": _truth(np.any),
    "bool": _converted(bool),
    "float": _converted(float),
    "int": _converted(int),
    "len": _length,
    "max": _extreme(max, "maximum"),
    "min": _extreme(min, "minimum"),
    "round": _converted(round),
    **{name: _elementwise(getattr(np, name)) for name in _ELEMENTWISE.split()},
    "arange": _arange,
    "array": _array,
    "c_": Joiner(columns=True),
    "r_": Joiner(columns=False),
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
