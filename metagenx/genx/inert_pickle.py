"""Pickles, read without running them.

Old GenX files keep their content in Python pickles, and a pickle is a program: the real unpickler imports
modules and calls functions that the file names. This reader is a small machine of its own that knows what
each opcode would do and does it only for plain values and numpy arrays. It has no way to import a module or
to call anything; every class and function becomes an `Inert` stand-in that remembers its name, arguments and
state.

Opcodes as documented in Python's `pickletools`; protocols 0 to 5. Python 2 text is decoded as latin-1.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_OPCODES = 1_000_000
MAX_BYTES = 256 * 2**20
MAX_MARKS = 1_000
MAX_ARRAY_DIMENSIONS = 8


class UnsafePickle(ValueError):
    """A pickle that is damaged, beyond the limits, or needs more than plain values."""


class Inert:
    """Stand-in for an object whose class is never imported: name, arguments, list and dict items, state."""

    __slots__ = ("arguments", "entries", "items", "module", "name", "state")

    def __init__(self, module: str, name: str, arguments: tuple[Any, ...] = ()) -> None:
        self.module, self.name, self.arguments = module, name, arguments
        self.items: list[Any] = []
        self.entries: dict[Any, Any] = {}
        self.state: Any = None

    def __repr__(self) -> str:
        return f"<inert {self.module}.{self.name}>"

    @property
    def attributes(self) -> dict[Any, Any]:
        """The object's attributes, wherever its pickle put them (state, or state and slots)."""
        parts = self.state if isinstance(self.state, tuple) else (self.state,)
        return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}


class _Global:
    """A class or function that the pickle names."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __repr__(self) -> str:
        return f"<global {self.module}.{self.name}>"


class _Array:
    """An array between numpy's ``_reconstruct`` and its BUILD; the finished array is in `value`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None


class _DType:
    """A numpy dtype between its construction and its BUILD."""

    __slots__ = ("kind", "order")

    def __init__(self, kind: str) -> None:
        self.kind, self.order = kind, "="

    def dtype(self) -> np.dtype:
        try:
            return np.dtype(self.kind).newbyteorder("=" if self.order == "|" else self.order)  # type: ignore[arg-type]
        except TypeError:
            raise UnsafePickle(f"it holds an array of the unknown type {self.kind!r}") from None

    @property
    def plain(self) -> bool:
        """Whether an array of it holds numbers or text; arrays of objects and of records are not made."""
        return _PLAIN_KIND.fullmatch(self.kind) is not None and self.order in ("<", ">", "=", "|")


_MARK = object()
_PLAIN_KIND = re.compile(r"[<>=|]?(?:[biufc]\d{1,2}|[SU]\d{1,6}|\?)")
_NUMPY_ARRAY_MODULES = frozenset({"numpy.core.multiarray", "numpy._core.multiarray"})
_NUMPY_BUFFER_MODULES = frozenset({"numpy.core.numeric", "numpy._core.numeric"})


def reference(value: Any) -> tuple[str, str] | None:
    """(module, name) if `value` stands for a class or function that a pickle named, else None."""
    return (value.module, value.name) if isinstance(value, _Global) else None


def loads(data: bytes) -> Any:
    """The value pickled in `data`: plain values, numpy arrays and `Inert` stand-ins. Nothing is called.

    Raises UnsafePickle if the pickle is damaged, uses persistent ids, extensions or out-of-band buffers, or
    exceeds the limits on size, number of opcodes and nesting.
    """
    if len(data) > MAX_BYTES:
        raise UnsafePickle(f"it has {len(data)} bytes; {MAX_BYTES} are allowed")
    try:
        return _Machine(data).run()
    except UnsafePickle:
        raise
    except (IndexError, KeyError, struct.error):
        raise UnsafePickle("it is damaged or cut off") from None
    except (ValueError, TypeError, OverflowError, UnicodeError, AttributeError) as error:
        raise UnsafePickle(f"it is damaged: {error}") from None


class _Machine:
    """Stack, memo and position of one pickle."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.marks = 0
        self.copied = 0

    def run(self) -> Any:
        data, operations = self.data, _OPERATIONS
        for _ in range(MAX_OPCODES):
            code = data[self.position]
            self.position += 1
            if code == 0x2E:  # STOP
                return self.pop()
            operation = operations.get(code)
            if operation is None:
                raise UnsafePickle(f"it uses the opcode {code:#04x}, which no GenX file needs")
            operation(self)
        raise UnsafePickle(f"it has more than {MAX_OPCODES} instructions")

    # reading

    def take(self, count: int) -> bytes:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise UnsafePickle("it is cut off")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.position)
        piece = self.data[self.position : end]
        self.position = end + 1
        return piece

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def counted(self, layout: str) -> bytes:
        return self.take(self.number(layout))

    # stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise UnsafePickle("it is damaged: a mark where a value should be")
        return _finished(value)

    def pop_to_mark(self) -> list[Any]:
        stack = self.stack
        start = len(stack) - 1
        while stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise UnsafePickle("it is damaged: no mark")
        values = [_finished(value) for value in stack[start + 1 :]]
        del stack[start:]
        self.marks -= 1
        return values

    def mark(self) -> None:
        self.marks += 1
        if self.marks > MAX_MARKS:
            raise UnsafePickle(f"it is nested deeper than {MAX_MARKS} levels")
        self.stack.append(_MARK)

    def top(self) -> Any:
        value = self.stack[-1]
        if value is _MARK:
            raise UnsafePickle("it is damaged: a mark where a value should be")
        return value

    def memoize(self, key: int) -> None:
        self.memo[key] = self.top()

    # objects

    def append(self, values: list[Any]) -> None:
        target = self.top()
        if isinstance(target, Inert):
            target.items.extend(values)
        elif isinstance(target, list):
            target.extend(values)
        else:
            raise UnsafePickle("it is damaged: items for something that is no list")

    def set_items(self, values: list[Any]) -> None:
        target = self.top()
        entries = target.entries if isinstance(target, Inert) else target
        if not isinstance(entries, dict) or len(values) % 2:
            raise UnsafePickle("it is damaged: entries for something that is no dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            entries[_key(key)] = value

    def instance(self, function: Any, arguments: Any) -> Any:
        if not isinstance(arguments, tuple):
            raise UnsafePickle("it is damaged: arguments that are no tuple")
        if isinstance(function, Inert):  # the result of a call that was not made
            return Inert(function.module, function.name, arguments)
        if not isinstance(function, _Global):
            raise UnsafePickle("it is damaged: it calls something that is no function")
        module, name = function.module, function.name
        if module in _NUMPY_ARRAY_MODULES and name == "_reconstruct":
            return _Array()
        if module in _NUMPY_ARRAY_MODULES and name == "scalar":
            return self.scalar(*arguments)
        if module in _NUMPY_BUFFER_MODULES and name == "_frombuffer":
            return self.array(*arguments)
        if module == "numpy" and name == "dtype":
            return _DType(_text(arguments[0]))
        if module == "_codecs" and name == "encode":
            return self.content(arguments[0])
        if module in {"__builtin__", "builtins"} and name == "bytes" and not arguments:
            return b""  # how Python 3 writes no bytes in the protocols of Python 2
        if module in {"copy_reg", "copyreg"} and name in {"_reconstructor", "__newobj__"}:
            made = arguments[0]
            if isinstance(made, _Global):
                stand_in = Inert(made.module, made.name, arguments[1:])
                # (class, base, content): how the first protocols write a subclass of list.
                if len(arguments) == 3 and isinstance(arguments[2], list):
                    stand_in.items = arguments[2]
                return stand_in
        return Inert(module, name, arguments)

    def build(self) -> None:
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, Inert):
            target.state = state
        elif isinstance(target, _DType):
            target.order = _text(state[1])
        elif isinstance(target, _Array):
            *_, shape, dtype, fortran, content = state
            target.value = self.array(content, dtype, shape, "F" if fortran else "C")
        else:
            raise UnsafePickle("it is damaged: a state for something that has none")

    def content(self, value: Any) -> bytes:
        """The bytes of an array: Python 2 wrote them as text, which has to be copied, within a limit."""
        if isinstance(value, bytes):
            return value
        self.copied += len(_text(value))
        if self.copied > MAX_BYTES:
            raise UnsafePickle(f"its arrays have more than {MAX_BYTES} bytes")
        return _text(value).encode("latin-1")

    def array(self, content: Any, dtype: Any, shape: Any, order: Any = "C") -> Any:
        """An array that looks into the pickle's own bytes, read-only; `Inert` if it would hold objects."""
        if not isinstance(dtype, _DType) or not isinstance(shape, tuple):
            raise UnsafePickle("it is damaged: an array without type or shape")
        if not dtype.plain or not isinstance(content, bytes | str):
            return Inert("numpy", "ndarray")
        if len(shape) > MAX_ARRAY_DIMENSIONS or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise UnsafePickle("it is damaged: the shape of an array")
        raw, kind = self.content(content), dtype.dtype()
        if math.prod(shape) * kind.itemsize != len(raw):
            raise UnsafePickle("it is damaged: an array whose shape does not fit its content")
        if not kind.itemsize:
            return np.zeros(0)
        return np.frombuffer(raw, dtype=kind).reshape(shape, order="F" if order == "F" else "C")

    def scalar(self, dtype: Any, content: Any = None) -> Any:
        """A plain Python number or text from numpy's scalar."""
        made = self.array(content, dtype, ())
        return made.item() if isinstance(made, np.ndarray) else made


def _finished(value: Any) -> Any:
    """The array behind an array in the making; all else as it is."""
    return value.value if isinstance(value, _Array) and value.value is not None else value


def _key(key: Any) -> Any:
    # The hash of a nested tuple can take for ever, an array has none.
    if key is None or isinstance(key, bool | int | float | str | bytes):
        return key
    raise UnsafePickle("it has a dictionary key that is neither text nor number")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise UnsafePickle("it is damaged: text expected")


def _line_int(line: bytes) -> int | bool:
    if line in (b"00", b"01"):
        return line == b"01"
    return _int(line)


def _int(text: bytes) -> int:
    if len(text) > 4_000:
        raise UnsafePickle("it holds a number with too many digits")
    return int(text)


def _line_string(line: bytes) -> str:
    if len(line) < 2 or line[:1] not in b"\"'" or line[-1:] != line[:1]:
        raise UnsafePickle("it is damaged: text without quotes")
    import codecs

    return codecs.escape_decode(line[1:-1])[0].decode("latin-1")  # type: ignore[attr-defined, no-any-return]


def _long(content: bytes) -> int:
    if len(content) > 4_000:
        raise UnsafePickle("it holds a number with too many digits")
    return int.from_bytes(content, "little", signed=True)


def _global(machine: _Machine, module: Any, name: Any) -> None:
    machine.push(_Global(_text(module), _text(name)))


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    _global(machine, module, name)


def _inst(machine: _Machine) -> None:
    module, name = machine.line().decode("latin-1"), machine.line().decode("latin-1")
    machine.push(Inert(module, name, tuple(machine.pop_to_mark())))


def _obj(machine: _Machine) -> None:
    function, *arguments = machine.pop_to_mark()
    machine.push(machine.instance(function, tuple(arguments)))


def _reduce(machine: _Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.push(machine.instance(function, arguments))


def _newobj(machine: _Machine, with_keywords: bool = False) -> None:
    if with_keywords:
        machine.pop()
    arguments, function = machine.pop(), machine.pop()
    if not isinstance(function, _Global):
        raise UnsafePickle("it is damaged: it makes an object of something that is no class")
    machine.push(Inert(function.module, function.name, arguments if isinstance(arguments, tuple) else ()))


def _tuple(machine: _Machine, count: int) -> None:
    values = [machine.pop() for _ in range(count)]
    machine.push(tuple(reversed(values)))


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.set_items([key, value])


def _append(machine: _Machine) -> None:
    value = machine.pop()
    machine.append([value])


def _pop(machine: _Machine) -> None:
    if machine.stack.pop() is _MARK:
        machine.marks -= 1


def _binary_string(machine: _Machine, layout: str) -> None:
    machine.push(machine.counted(layout).decode("latin-1"))


_Operation = Callable[[_Machine], object]

_OPERATIONS: dict[int, _Operation] = {
    ord(code): operation
    for code, operation in {
        # frames and protocol carry no meaning here
        "\x80": lambda m: m.take(1),
        "\x95": lambda m: m.take(8),
        # values
        "N": lambda m: m.push(None),
        "\x88": lambda m: m.push(True),
        "\x89": lambda m: m.push(False),
        "I": lambda m: m.push(_line_int(m.line())),
        "L": lambda m: m.push(_int(m.line().rstrip(b"L"))),
        "F": lambda m: m.push(float(m.line())),
        "G": lambda m: m.push(m.number(">d")),
        "J": lambda m: m.push(m.number("<i")),
        "K": lambda m: m.push(m.number("<B")),
        "M": lambda m: m.push(m.number("<H")),
        "\x8a": lambda m: m.push(_long(m.counted("<B"))),
        "\x8b": lambda m: m.push(_long(m.counted("<i"))),
        "S": lambda m: m.push(_line_string(m.line())),
        "T": lambda m: _binary_string(m, "<i"),
        "U": lambda m: _binary_string(m, "<B"),
        "V": lambda m: m.push(m.line().decode("raw-unicode-escape")),
        "X": lambda m: m.push(m.counted("<I").decode("utf-8", "surrogatepass")),
        "\x8c": lambda m: m.push(m.counted("<B").decode("utf-8", "surrogatepass")),
        "\x8d": lambda m: m.push(m.counted("<Q").decode("utf-8", "surrogatepass")),
        "B": lambda m: m.push(m.counted("<I")),
        "C": lambda m: m.push(m.counted("<B")),
        "\x8e": lambda m: m.push(m.counted("<Q")),
        "\x96": lambda m: m.push(m.counted("<Q")),
        # containers
        "(": _Machine.mark,
        ")": lambda m: m.push(()),
        "\x85": lambda m: _tuple(m, 1),
        "\x86": lambda m: _tuple(m, 2),
        "\x87": lambda m: _tuple(m, 3),
        "t": lambda m: m.push(tuple(m.pop_to_mark())),
        "]": lambda m: m.push([]),
        "l": lambda m: m.push(m.pop_to_mark()),
        "a": _append,
        "e": lambda m: m.append(m.pop_to_mark()),
        "}": lambda m: m.push({}),
        "d": lambda m: (lambda values: (m.push({}), m.set_items(values)))(m.pop_to_mark()),
        "s": _set_item,
        "u": lambda m: m.set_items(m.pop_to_mark()),
        # sets are kept as lists: nothing of interest to us is in one
        "\x8f": lambda m: m.push([]),
        "\x90": lambda m: m.append(m.pop_to_mark()),
        "\x91": lambda m: m.push(m.pop_to_mark()),
        # stack and memo
        "0": _pop,
        "1": lambda m: m.pop_to_mark(),
        "2": lambda m: m.push(m.top()),
        "p": lambda m: m.memoize(_int(m.line())),
        "q": lambda m: m.memoize(m.number("<B")),
        "r": lambda m: m.memoize(m.number("<I")),
        "\x94": lambda m: m.memoize(len(m.memo)),
        "g": lambda m: m.push(m.memo[_int(m.line())]),
        "h": lambda m: m.push(m.memo[m.number("<B")]),
        "j": lambda m: m.push(m.memo[m.number("<I")]),
        # classes and objects, none of them real
        "c": lambda m: _global(m, m.line(), m.line()),
        "\x93": _stack_global,
        "i": _inst,
        "o": _obj,
        "R": _reduce,
        "\x81": _newobj,
        "\x92": lambda m: _newobj(m, with_keywords=True),
        "b": _Machine.build,
    }.items()
}
