"""From stacks of layers to the arrays of the kernels: unique layers, and how they repeat.

A sample's layers are never unrolled. `arrange` finds the unique rows and the blocks that repeat (also in a
flat list of the same layer objects, as scripts build it); `column` reads one field of all rows. Rows go from
the substrate upwards to the ambient medium.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.physics.specular import Blocks

Array = NDArray[Any]

# numpy would quietly make numbers of these.
_NO_NUMBERS = frozenset({type(None), str, bytes})
_MOST_REPETITIONS = 1_000_000


@dataclass(frozen=True)
class Arrangement:
    """Which layers there are and how they repeat.

    Attributes
    ----------
    stacks : per stack, its layers.
    repeats : per stack, whether it may be there otherwise than exactly once.
    layers : the layers that get a row of their own, without substrate and ambient medium.
    first, last : per block, its rows in the table (the substrate is row 0).
    terms : per block, (stack, number of times): it repeats Σ times·repetitions of the stack.
    known_blocks : the blocks made last, by the repetitions.
    """

    stacks: tuple[tuple[Any, ...], ...]
    repeats: tuple[bool, ...]
    layers: tuple[Any, ...]
    first: tuple[int, ...]
    last: tuple[int, ...]
    terms: tuple[tuple[tuple[int, int], ...], ...]
    known_blocks: dict[tuple[int, ...], Blocks] = field(default_factory=dict, compare=False, repr=False)

    def fits(self, stacks: Sequence[Sequence[Any]], repeats: Sequence[bool]) -> bool:
        """Whether it is the arrangement of these very layer objects, so that it need not be made again."""
        if len(stacks) != len(self.stacks) or tuple(repeats) != self.repeats:
            return False
        for ours, theirs in zip(self.stacks, stacks, strict=True):
            if len(ours) != len(theirs):
                return False
            for a, b in zip(ours, theirs, strict=True):
                if a is not b:
                    return False
        return True

    def blocks(self, values: Sequence[Any]) -> Blocks:
        """The blocks if the stacks have these ``Repetitions``; each a number, or one per individual.

        Raises
        ------
        InputError : one of them is no number.
        """
        key = tuple(values) if all(type(value) is int for value in values) else None
        if key is not None and key in self.known_blocks:
            return self.known_blocks[key]
        counts = [_repetitions(value) for value in values]
        n_population = max((len(count) for count in counts), default=1)
        table = np.zeros((n_population, len(self.terms)), dtype=np.int64)
        for i, terms in enumerate(self.terms):
            for stack, times in terms:
                table[:, i] += times * counts[stack]
        made = Blocks(self.first, self.last, table)
        if key is not None:
            self.known_blocks.clear()
            self.known_blocks[key] = made
        return made


def arrange(stacks: Sequence[Sequence[Any]], repeats: Sequence[bool]) -> Arrangement:
    """Find the blocks of some stacks; ``repeats[i]`` is False if stack i is there exactly once.

    The same layer objects in the same order, one after the other, become one block that repeats: within a
    stack, and from one stack to the next.
    """
    flat = [layer for layers in stacks for layer in layers]
    blocks: list[tuple[list[int], list[tuple[int, int]]]] = []
    offset = 0
    for index, layers in enumerate(stacks):
        identities = [id(layer) for layer in layers]
        for start, period, count in _runs(identities, whole=repeats[index]):
            rows = list(range(offset + start, offset + start + period))
            same = blocks and len(blocks[-1][0]) == period
            if same and all(flat[a] is flat[b] for a, b in zip(blocks[-1][0], rows, strict=True)):
                blocks[-1][1].append((index, count))
            else:
                blocks.append((rows, [(index, count)]))
        offset += len(layers)
    first, last, at = [], [], 1
    for rows, _ in blocks:
        first.append(at)
        at += len(rows)
        last.append(at)
    return Arrangement(
        stacks=tuple(tuple(layers) for layers in stacks),
        repeats=tuple(repeats),
        layers=tuple(flat[row] for rows, _ in blocks for row in rows),
        first=tuple(first),
        last=tuple(last),
        terms=tuple(tuple(terms) for _, terms in blocks),
    )


def _runs(identities: list[int], *, whole: bool) -> list[tuple[int, int, int]]:
    """Split a list into (start, period, count) where count copies of period items follow one another.

    whole : the list as such repeats, so it may only be taken apart into copies of one period.
    """
    n = len(identities)
    if n == 0:
        return []
    if len(set(identities)) == n:
        return [(0, n, 1)]
    if whole:
        period = next(
            p for p in range(1, n + 1) if n % p == 0 and identities[p:] == identities[: n - p]
        )  # p = n always does
        return [(0, period, n // period)]
    runs: list[tuple[int, int, int]] = []
    start = single = 0
    while start < n:
        period, count = _longest_run(identities, start)
        if count > 1:
            if single < start:
                runs.append((single, start - single, 1))
            runs.append((start, period, count))
            single = start + period * count
        start += period * count
    if single < n:
        runs.append((single, n - single, 1))
    return runs


def _longest_run(identities: list[int], start: int) -> tuple[int, int]:
    """Period and count of the repetition at `start` that covers most items, (1, 1) if there is none."""
    best = (1, 1)
    n = len(identities)
    for period in range(1, (n - start) // 2 + 1):
        if identities[start] != identities[start + period]:
            continue
        unit = identities[start : start + period]
        count = 1
        while identities[start + count * period : start + (count + 1) * period] == unit:
            count += 1
        if count > 1 and period * count > best[0] * best[1]:
            best = (period, count)
    return best


def column(layers: Sequence[Any], field: str, dtype: type = float) -> Array:
    """One field of all layers: (1, n_layer), or (n_population, n_layer) if it is fitted in any of them.

    Raises
    ------
    InputError : a value is not a number, nor one number per individual.
    """
    return table_row([getattr(layer, field) for layer in layers], field, dtype)


def table_row(values: Sequence[Any], field: str, dtype: type = float) -> Array:
    """The values of one field as in `column`."""
    arrays = [value for value in values if type(value) is np.ndarray and value.ndim == 2]
    shapes = {array.shape for array in arrays}
    if dtype is float and any(array.dtype.kind == "c" for array in arrays):
        shapes.clear()
    try:
        if not arrays:
            row: Array = np.array(values)
            if row.ndim == 1 and row.dtype.kind in ("cbiuf" if dtype is complex else "biuf"):
                return row.astype(dtype, copy=False)[None]
            row = np.array(values, dtype=dtype)
            if row.ndim == 1 and _NO_NUMBERS.isdisjoint(map(type, values)):
                return row[None]
        elif len(shapes) == 1 and _NO_NUMBERS.isdisjoint(map(type, values)):
            table: Array = np.empty((len(arrays[0]), len(values)), dtype=dtype)
            for i, value in enumerate(values):
                table[:, i : i + 1] = value  # a scalar, or (n_population, 1)
            return table
    except (TypeError, ValueError):
        pass
    return _columns(values, field, dtype)


def _columns(values: Sequence[Any], field: str, dtype: type) -> Array:
    """As `table_row`, for unusual values too, and says which of them is wrong."""
    columns = [_as_column(value, field, dtype) for value in values]
    n_population = max(len(one) for one in columns)
    if any(len(one) not in (1, n_population) for one in columns):
        raise InputError(f"Layer.{field} holds populations of different sizes")
    return np.stack(np.broadcast_arrays(*columns), axis=1)


def _as_column(value: Any, field: str, dtype: type) -> Array:
    """A scalar or (n_population, 1) as (n,)."""
    try:
        array: Array = np.asarray(value)
        lost = array.dtype.kind not in "fiubc" or (dtype is float and array.dtype.kind == "c")
    except (TypeError, ValueError):  # a ragged list
        array, lost = np.empty(0), True
    if lost or (array.size != 1 and (array.ndim != 2 or array.shape[1] != 1)):
        what = f"an array of shape {array.shape}" if array.ndim and not lost else repr(value)
        raise InputError(f"Layer.{field} must be one number, not {what}")
    return array.reshape(-1)


def _repetitions(value: Any) -> NDArray[np.int64]:
    """Repetitions of a stack as (n_population | 1,): rounded (a parameter table holds floats), not below 0.

    Raises
    ------
    InputError : not a number.
    """
    if type(value) is int:
        return np.array([max(value, 0)], dtype=np.int64)
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.size != 1 and (array.ndim != 2 or array.shape[1] != 1):
        raise InputError(f"Stack.Repetitions must be one number, not {value!r}")
    if not np.all(np.abs(array) <= _MOST_REPETITIONS):
        raise InputError(f"Stack.Repetitions must be a number up to {_MOST_REPETITIONS}, not {value!r}")
    return np.asarray(np.maximum(np.rint(array), 0), dtype=np.int64).reshape(-1)
