"""Simulations that are recorded while the script runs, and computed later, many at once.

A script that builds its layers in a loop cannot go through its `Sim` with a whole population. It runs once for every
candidate then, but its simulations only note what they would simulate and hand back a `Curve`, a placeholder. When
all candidates have run, the curves of one call of the script are computed by one call of the kernel.

Every recorded call is compared with the first one at its place in the script, the reference. Where a number of the
instrument differs from the reference, it becomes one number per candidate; what cannot be put so (other points, other
options, instruments with objects in them) is simulated at once. So which way a candidate takes, and with it the last
digit, depends on the candidate and on the reference, never on its company.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.base import AlternativeStrEnum
from metagenx.genx.models.instrument import Probe, option
from metagenx.genx.models.sample_table import LayerNumbers, SampleTable, from_other_side, no_layers, sample_parts
from metagenx.physics.specular import Blocks

Array = NDArray[np.float64]

# What a script may ask an array for (sandbox.attributes); of a placeholder these, and no others.
_NAMES = """
    T all any argmax argmin argsort astype clip compress conj conjugate copy cumprod cumsum diagonal dot dtype fill
    flat flatten imag item itemsize max mean min nbytes ndim nonzero prod ptp ravel real repeat reshape round
    searchsorted shape size sort squeeze std sum swapaxes take tolist trace transpose var
"""
_ATTRIBUTES = frozenset(_NAMES.split())
_PLAIN = (numbers.Number, str, AlternativeStrEnum)


@dataclass(frozen=True)
class Kind:
    """A simulation that can be recorded.

    Attributes
    ----------
    measured : (x, table of layers, instrument) → what the instrument measures of the sample.
    numbers : by the probe, the numbers of the layers that it needs; None if it needs more than numbers of layers.
    """

    measured: Callable[[Any, SampleTable, Any], Array]
    numbers: Callable[[Probe], LayerNumbers | None]


class Curve(NDArrayOperatorsMixin):
    """A placeholder for a simulated curve: computed on the spot where the script does anything with it."""

    __slots__ = ("_call", "_known")

    def __init__(self, call: _Call) -> None:
        self._call: _Call = call
        self._known: Array | None = None

    @property
    def is_known(self) -> bool:
        """Whether it has been computed."""
        return self._known is not None

    def _value(self) -> Array:
        if self._known is None:
            compute([self])
        assert self._known is not None
        return self._known

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        value = self._value()
        if copy:
            return np.array(value, dtype=dtype)
        return value if dtype is None else np.asarray(value, dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if "out" in keywords:
            keywords["out"] = tuple(map(_valued, keywords["out"]))
        return getattr(ufunc, method)(*map(_valued, inputs), **keywords)

    def __getattr__(self, name: str) -> Any:
        if name not in _ATTRIBUTES:
            raise AttributeError(f"a simulated curve has no attribute {name!r}")
        return getattr(self._value(), name)

    def __len__(self) -> int:
        return len(self._call.reference.x)

    def __getitem__(self, key: Any) -> Any:
        return self._value()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._value()[key] = _valued(value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._value())

    def __contains__(self, value: Any) -> bool:
        return value in self._value()

    def __bool__(self) -> bool:
        return bool(self._value())

    def __float__(self) -> float:
        return float(self._value())

    def __int__(self) -> int:
        return int(self._value())

    def __complex__(self) -> complex:
        return complex(self._value())

    def __repr__(self) -> str:
        return repr(self._value())

    def __copy__(self) -> Array:
        return self._value().copy()

    def __deepcopy__(self, memo: Any) -> Array:
        return self._value().copy()


def _valued(item: Any) -> Any:
    return item._value() if type(item) is Curve else item


@dataclass(frozen=True, eq=False)
class _Reference:
    """The first recorded call at its place in the script."""

    kind: Kind
    x: Array
    instrument: type
    names: tuple[str, ...]
    values: tuple[Any, ...]
    numbers: LayerNumbers


@dataclass(frozen=True, eq=False)
class _Call:
    """What one candidate simulates: copies, because the script may change its objects afterwards."""

    reference: _Reference
    different: tuple[int, ...]  # numbers of the instrument that are not those of the reference
    values: tuple[Any, ...]
    real: list[tuple[Any, ...]]
    complex: list[Any]
    blocks: Blocks
    inverted: bool


class Recorder:
    """What the simulations of a script are compared with, and how many were recorded; `begin` before each ``Sim``."""

    def __init__(self) -> None:
        self._references: dict[int, _Reference | None] = {}
        self._place = 0
        self.n_recorded = 0

    def begin(self) -> None:
        """From now on simulations of this context are recorded; scripts run in contexts of their own."""
        self._place = 0
        _RECORDER.set(self)

    def record(self, kind: Kind, x: Any, sample: Any, instrument: Any) -> Curve | None:
        """A placeholder for the simulation; None: it must be simulated at once."""
        place = self._place
        self._place += 1
        if place not in self._references:
            self._references[place] = _reference(kind, x, instrument)
        reference = self._references[place]
        if reference is None or reference.kind is not kind or type(instrument) is not reference.instrument:
            return None
        if not (type(x) is np.ndarray and x.shape == reference.x.shape and (x == reference.x).all()):
            return None
        values = _read(instrument, reference.names)
        different = _different(values, reference.values)
        if different is None:
            return None
        layers, blocks, fitted, inverted = sample_parts(sample)
        if fitted:
            return None
        try:
            real, complex_ = reference.numbers.read(layers)
        except AttributeError as error:
            raise no_layers(error) from None
        self.n_recorded += 1
        return Curve(_Call(reference, different, values, real, complex_, blocks, inverted))


_RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def recorded(kind: Kind, x: Any, sample: Any, instrument: Any) -> Any:
    """A placeholder, if simulations are recorded and this one can be; else None."""
    recorder = _RECORDER.get()
    return None if recorder is None else recorder.record(kind, x, sample, instrument)


def compute(curves: Sequence[Curve]) -> None:
    """Compute what has not been computed yet, one call of the kernel for all that are alike.

    Raises
    ------
    InputError : a number of a candidate cannot be used; the message does not say of which.
    """
    groups: dict[Any, list[Curve]] = {}
    for curve in curves:
        if curve._known is None:
            call = curve._call
            key = (id(call.reference), call.different, call.blocks.first, call.blocks.last, call.inverted)
            groups.setdefault(key, []).append(curve)
    for group in groups.values():
        calls = [curve._call for curve in group]
        reference = calls[0].reference
        found = reference.kind.measured(reference.x, _joined_table(calls), _joined_instrument(calls))
        for curve, row in zip(group, found.reshape(len(group), -1), strict=True):
            curve._known = row


def _reference(kind: Kind, x: Any, instrument: Any) -> _Reference | None:
    own = type(instrument)
    if not (own.__module__.startswith("metagenx.") and is_dataclass(own)):
        return None
    if not (type(x) is np.ndarray and x.dtype == np.float64 and x.ndim == 1 and x.size):
        return None
    names = tuple(field.name for field in fields(own))
    values = _read(instrument, names)
    if not all(isinstance(value, _PLAIN) for value in values):
        return None
    needed = kind.numbers(option(instrument, "probe", Probe))
    return None if needed is None else _Reference(kind, x.copy(), own, names, values, needed)


def _read(instrument: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple([getattr(instrument, name) for name in names])


def _different(values: tuple[Any, ...], reference: tuple[Any, ...]) -> tuple[int, ...] | None:
    """Places of the numbers that differ; None if anything else does."""
    found = []
    for i, (ours, theirs) in enumerate(zip(values, reference, strict=True)):
        if ours is theirs:
            continue
        if isinstance(ours, (float, int)) and isinstance(theirs, (float, int)):
            if ours != theirs:
                found.append(i)
        elif not (isinstance(ours, _PLAIN) and type(ours) is type(theirs) and ours == theirs):
            return None
    return tuple(found)


def _joined_instrument(calls: Sequence[_Call]) -> Any:
    """The reference's instrument, with one number per candidate where a candidate's differs from it."""
    reference, different = calls[0].reference, calls[0].different
    made: Any = object.__new__(reference.instrument)
    made.__dict__.update(zip(reference.names, reference.values, strict=True))
    for i in different:
        made.__dict__[reference.names[i]] = np.array([[float(call.values[i])] for call in calls])
    return made


def _joined_table(calls: Sequence[_Call]) -> SampleTable:
    reference, first = calls[0].reference, calls[0]
    real = _array([call.real for call in calls], 3, float)
    complex_ = _array([call.complex for call in calls], 2, complex)
    numbers = reference.numbers
    columns: dict[str, NDArray[Any]] = {name: np.ascontiguousarray(real[..., i]) for i, name in enumerate(numbers.real)}
    columns[numbers.complex] = complex_
    blocks = Blocks(first.blocks.first, first.blocks.last, np.concatenate([call.blocks.repetitions for call in calls]))
    thickness, sigma = columns.pop("d"), columns.pop("sigma")
    # Not asked for anything: all its numbers are in the columns.
    layers: list[Any] = [None] * thickness.shape[1]
    table = SampleTable(layers, thickness, sigma, blocks, True, columns)
    return from_other_side(table) if first.inverted else table


def _array(rows: list[Any], ndim: int, dtype: type) -> NDArray[Any]:
    """Numbers of all candidates, (n_candidate, n_layer) or (n_candidate, n_layer, n_field)."""
    try:
        array = np.array(rows)
    except ValueError:
        array = np.empty(0)
    if array.dtype.kind not in ("biufc" if dtype is complex else "biuf") or array.ndim != ndim:
        raise InputError("a field of a layer is not one number")
    return array.astype(dtype, copy=False)
