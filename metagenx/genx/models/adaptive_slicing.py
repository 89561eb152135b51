"""From the layers of spec_adaptive to the table of slices that the simulations of spec_nx take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.base import AlternativeStrEnum
from metagenx.genx.models.instrument import option
from metagenx.genx.models.layer_table import Arrangement, arrange, column
from metagenx.genx.models.sample_table import SampleTable, any_fitted, from_other_side
from metagenx.genx.models.values import is_population, number, whole_number
from metagenx.physics import adaptive_slices
from metagenx.physics.adaptive_slices import Slices
from metagenx.physics.blocks import Blocks
from metagenx.physics.parratt import order_of_layers

Array = NDArray[np.float64]


class RoughType(AlternativeStrEnum):
    """Shape of a layer's top interface."""

    gauss = "gauss"
    linear = "linear"
    exponential_above = "exp-1"
    exponential_below = "exp-2"


_SHAPES = {kind: shape for shape, kind in enumerate(RoughType)}

# Fields of a layer, by the rows of the table that is sliced.
_FIELDS = (
    (adaptive_slices.THICKNESS, "d"),
    (adaptive_slices.SIGMA, "sigma"),
    (adaptive_slices.SIGMA_MAGNETIC, "sigma_mag"),
    (adaptive_slices.DENSITY, "dens"),
    (adaptive_slices.ABSORPTION, "xs_ai"),
    (adaptive_slices.MOMENT, "magn"),
    (adaptive_slices.ANGLE, "magn_ang"),
    (adaptive_slices.VOID, "magn_void"),
)
_COMPLEX_FIELDS = (
    (adaptive_slices.F_REAL, adaptive_slices.F_IMAGINARY, "f"),
    (adaptive_slices.B_REAL, adaptive_slices.B_IMAGINARY, "b"),
)
_NAMES = tuple(field for _, field in _FIELDS) + tuple(field for _, _, field in _COMPLEX_FIELDS)


@dataclass(frozen=True)
class SlicedTable(SampleTable):
    """The slices of a sample between its substrate and its ambient medium.

    If anything of the sample is fitted, it touches all: where a slice ends depends on every number.
    """

    def is_fitted(self, fields: Sequence[str]) -> bool:
        """Whether any number of the sample holds one value per individual."""
        return self.structure_fitted


class _Slice:
    """Stands for a slice in the list of layers; its numbers are in the table."""

    f = b = 0j


_SLICE = _Slice()


@dataclass(frozen=True)
class _Input:
    """What is sliced, as `adaptive_slices.slices` takes it, and the smoothing."""

    layers: Array
    order: NDArray[np.int64]
    starts: tuple[int, ...]
    limits: tuple[Array, Array, Array]
    crop: bool
    smooth: bool
    n_first: int
    fitted: bool

    def equals(self, other: _Input) -> bool:
        """Whether the same comes of it."""
        return (
            (self.starts, self.crop, self.smooth, self.n_first, self.fitted)
            == (other.starts, other.crop, other.smooth, other.n_first, other.fitted)
            and np.array_equal(self.layers, other.layers)
            and np.array_equal(self.order, other.order)
            and all(map(np.array_equal, self.limits, other.limits))
        )


def sliced_table(sample: Any) -> SlicedTable:
    """The slices of a sample, from the side that it is seen from; the last ones are kept with the sample.

    Raises
    ------
    InputError : the sample is not made of layers of spec_adaptive, or has a number that cannot be used.
    """
    try:
        given = _input(sample)
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"the sample is not made of stacks of layers of spec_adaptive: {error}",
            hint="Sample(Stacks=[Stack(Layers=[…])], Ambient=Layer(…), Substrate=Layer(…))",
        ) from None
    known: tuple[_Input, SlicedTable] | None = sample.__dict__.get("_slices")
    if known is not None and known[0].equals(given):
        table = known[1]
    else:
        slices = adaptive_slices.slices(given.layers, given.order, given.starts, *given.limits, crop=given.crop)
        table = _table(given, slices)
        sample.__dict__["_slices"] = (given, table)
    table = replace(table, layers=[sample.Substrate, *[_SLICE] * (table.thickness.shape[1] - 2), sample.Ambient])
    if not getattr(sample, "_inverted", False):
        return table
    seen = from_other_side(table)
    return SlicedTable(seen.layers, seen.thickness, seen.sigma, seen.blocks, seen.structure_fitted, seen.values)


def depth_of_first_slice(sample: Any) -> Any:
    """How far below the lowest interface the slices begin, Å; seen from the other side, the one that is lowest then."""
    if not getattr(sample, "_inverted", False):
        return 5 * sample.Substrate.sigma
    elements = _elements(sample)
    base = elements[min(elements)] if elements else []
    layers = [sample.Substrate, *(layer for stack in base if stack.Repetitions > 0 for layer in stack.Layers)]
    return 5 * layers[-1].sigma


def _input(sample: Any) -> _Input:
    layers: list[Any] = []
    arrangements, all_blocks, ends = [], [], []
    stacks_of = _elements(sample) or {0: []}
    fitted = False
    for element in sorted(stacks_of):
        stacks = stacks_of[element]
        values = [stack.Repetitions for stack in stacks]
        fitted = fitted or is_population(*values)
        repeats = [not (type(value) is int and value == 1) for value in values]
        arrangement = _arrangement(sample, element, [stack.Layers for stack in stacks], repeats)
        arrangements.append(arrangement)
        all_blocks.append(arrangement.blocks(values))
        ends += [len(layers), len(layers) + 1 + len(arrangement.layers)]
        layers += [sample.Substrate, *arrangement.layers, sample.Ambient]
    table = _layer_columns(layers, ends[2:])  # further elements begin and end in nothing
    order, starts = _order(sample, all_blocks, [2 + len(one.layers) for one in arrangements])
    limits = [number(sample, field) for field in ("minimal_steps", "max_diff_n", "max_diff_x")]
    if np.ndim(limits[0]) == 0 and not limits[0] > 0:
        raise InputError(f"Sample.minimal_steps must be positive, it is {limits[0]}")
    return _Input(
        layers=table,
        order=order,
        starts=starts,
        limits=tuple(np.asarray(limit, dtype=float).reshape(-1) for limit in limits),  # type: ignore[arg-type]
        crop=bool(whole_number(sample, "crop_sigma")),
        smooth=bool(whole_number(sample, "smoothen")),
        n_first=ends[1] + 1,
        fitted=fitted or is_population(*limits) or any_fitted(layers, _NAMES),
    )


def _elements(sample: Any) -> dict[int, list[Any]]:
    """The stacks of every element."""
    found: dict[int, list[Any]] = {}
    for stack in sample.Stacks:
        found.setdefault(whole_number(stack, "Element"), []).append(stack)
    return found


def _arrangement(sample: Any, element: int, stacks: list[list[Any]], repeats: list[bool]) -> Arrangement:
    """How the layers of an element repeat, remembered with the sample as long as they are the same objects."""
    known = sample.__dict__.setdefault("_arrangements", {})
    if element not in known or not known[element].fits(stacks, repeats):
        known[element] = arrange(stacks, repeats)
    made: Arrangement = known[element]
    return made


def _order(sample: Any, blocks: list[Blocks], n_layers: list[int]) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """The layers of all elements, one after the other with every repetition written out, as they are sliced."""
    known = sample.__dict__.get("_order")
    if known is not None and len(known[0]) == len(blocks) and all(map(_is, known[0], blocks)):
        order: NDArray[np.int64] = known[1]
        return order, known[2]
    parts, starts, at, offset = [], [], 0, 0
    n_population = max(len(one.repetitions) for one in blocks)
    for one, n_layer in zip(blocks, n_layers, strict=True):
        rows = [order_of_layers(one, times, n_layer) + offset for times in one.repetitions]
        part = np.full((len(rows), 1 + max(map(len, rows))), -1, dtype=np.int64)
        for row, layers in zip(part, rows, strict=True):
            row[: len(layers)] = layers
        parts.append(np.broadcast_to(part, (n_population, part.shape[1])))
        starts.append(at)
        at += part.shape[1]
        offset += n_layer
    order = np.concatenate(parts, axis=1)
    sample.__dict__["_order"] = (blocks, order, tuple(starts))
    return order, tuple(starts)


def _is(a: Blocks, b: Blocks) -> bool:
    return a is b


def _layer_columns(layers: Sequence[Any], empty: Sequence[int]) -> Array:
    """The numbers of all layers, (n_population | 1, N_PROPERTIES, n_layer); nothing is in the layers `empty`."""
    if any(callable(layer.f) for layer in layers):
        raise InputError(
            "Layer.f is a function of the photon energy (fd): only numbers can be sliced",
            hint="take them from fp, which is a table at one wavelength",
        )
    columns = {row: column(layers, field) for row, field in _FIELDS}
    for real, imaginary, field in _COMPLEX_FIELDS:
        lengths = column(layers, field, complex)
        columns[real], columns[imaginary] = lengths.real, lengths.imag
    columns[adaptive_slices.SHAPE] = np.array([[_SHAPES[option(layer, "rough_type", RoughType)] for layer in layers]])
    n_population = max(map(len, columns.values()))
    if any(len(values) not in (1, n_population) for values in columns.values()):
        raise InputError("the fields of the layers hold populations of different sizes")
    table = np.empty((n_population, adaptive_slices.N_PROPERTIES, len(layers)))
    for row, values in columns.items():
        table[:, row] = values
    for row in adaptive_slices.MATERIAL:
        table[:, row, empty] = 0.0
    return table


def _table(given: _Input, slices: Slices) -> SlicedTable:
    """Slices between substrate and ambient medium; those that an individual does not have repeat 0 times."""
    n_slice = slices.thickness.shape[1]

    def between_ends(name: int | tuple[int, int], values: NDArray[Any]) -> NDArray[Any]:
        ends = given.layers[:, name][..., [0, given.n_first - 1]]
        if isinstance(name, tuple):
            joined = np.empty((len(ends), 2), dtype=complex)
            joined.real, joined.imag = ends[:, 0], ends[:, 1]
            ends = joined
        out: NDArray[Any] = np.empty((len(values), n_slice + 2), dtype=values.dtype)
        out[:, 1:-1] = values
        out[:, [0, -1]] = ends
        return out

    rows = np.arange(n_slice)
    present = rows < slices.counts[:, None]
    sigma = np.zeros_like(slices.thickness)
    if given.smooth and n_slice > 1:
        sigma[:, :-1] = (slices.thickness[:, :-1] + slices.thickness[:, 1:]) / 4
        sigma[~(rows + 1 < slices.counts[:, None])] = 0.0
    sigma = between_ends(adaptive_slices.SIGMA, sigma)
    sigma[:, 0] = 0.0
    blocks = Blocks(tuple(range(1, n_slice + 1)), tuple(range(2, n_slice + 2)), present.astype(np.int64))
    f, b = (adaptive_slices.F_REAL, adaptive_slices.F_IMAGINARY), (adaptive_slices.B_REAL, adaptive_slices.B_IMAGINARY)
    values = {
        "dens": between_ends(adaptive_slices.DENSITY, np.ones_like(slices.thickness)),
        "f": between_ends(f, slices.f),
        "b": between_ends(b, slices.b),
        "xs_ai": between_ends(adaptive_slices.ABSORPTION, slices.absorption),
        "magn": between_ends(adaptive_slices.MOMENT, slices.moment),
        "magn_ang": between_ends(adaptive_slices.ANGLE, slices.angle),
    }
    thickness = between_ends(adaptive_slices.THICKNESS, slices.thickness)
    return SlicedTable((), thickness, sigma, blocks, given.fitted, values)
