"""The layers of one sample as the arrays of the kernels, seen from either side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.layer_table import Arrangement, arrange, column
from metagenx.genx.models.values import is_population
from metagenx.physics.specular import Blocks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SampleTable:
    """Unique layers, substrate first and ambient medium last, and how they repeat.

    Attributes
    ----------
    layers : one layer object per row, from which `column` reads what else is needed.
    thickness, sigma : (n_population | 1, n_layer), Å.
    structure_fitted : whether something fitted touches how often or how layers repeat.
    values : fields whose numbers are not those of the layer objects, (n_population | 1, n_layer).
    fixed_thickness : part of the thickness that does not grow with the thickness of the film, (n_population | 1,
        n_layer): that of designed layers. None: nothing is fixed.
    """

    layers: Sequence[Any]
    thickness: Array
    sigma: Array
    blocks: Blocks
    structure_fitted: bool
    values: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    fixed_thickness: Array | None = None

    def column(self, name: str, dtype: type = float) -> NDArray[Any]:
        """One field of all layers, (n_population | 1, n_layer); see `layer_table.column`."""
        return self.values[name] if name in self.values else column(self.layers, name, dtype)

    def is_fitted(self, fields: Sequence[str]) -> bool:
        """Whether any of the fields, the geometry included, holds one value per individual."""
        return self.structure_fitted or any_fitted(self.layers, ("d", "sigma", *fields))

    def unrolled(self) -> list[int]:
        """Rows of the table in the order of the sample, each repetition written out; for one individual."""
        rows = [0]
        for first, last, times in zip(self.blocks.first, self.blocks.last, self.blocks.repetitions[0], strict=True):
            rows += list(range(first, last)) * int(times)
        return [*rows, len(self.layers) - 1]


@dataclass(frozen=True)
class LayerNumbers:
    """The numbers of layers that a simulation needs, read at once.

    Attributes
    ----------
    real : names of the real ones, d and sigma first. complex : name of the complex one.
    read : layers → per layer the real ones, and per layer the complex one.
    """

    real: tuple[str, ...]
    complex: str
    read: Callable[[Sequence[Any]], tuple[list[tuple[Any, ...]], list[Any]]]


def any_fitted(layers: Sequence[Any], fields: Sequence[str]) -> bool:
    """Whether a field of any layer holds one value per individual."""
    for name in fields:
        values = [getattr(layer, name) for layer in layers]
        if any(issubclass(kind, np.ndarray) for kind in set(map(type, values))) and is_population(*values):
            return True
    return False


def sample_table(sample: Any, repetitions: Sequence[Any] | None = None) -> SampleTable:
    """The table of a sample with ``Substrate``, ``Stacks`` (of ``Layers`` and ``Repetitions``) and
    ``Ambient``, from the side that it is seen from.

    Parameters
    ----------
    repetitions : of the stacks, instead of their own; each a number, or (n_population, 1).

    Raises
    ------
    InputError : the sample is not made of such objects, or a thickness, roughness or repetition is no number.
    """
    layers, blocks, fitted, inverted = sample_parts(sample, repetitions)
    try:
        thickness, sigma = column(layers, "d"), column(layers, "sigma")
    except AttributeError as error:
        raise no_layers(error) from None
    table = SampleTable(layers, thickness, sigma, blocks, fitted)
    return from_other_side(table) if inverted else table


def sample_parts(sample: Any, repetitions: Sequence[Any] | None = None) -> tuple[list[Any], Blocks, bool, bool]:
    """What a sample is made of: its layers, how they repeat, whether anything fitted touches how they repeat, and
    whether it is seen from the other side.

    Raises
    ------
    InputError : as `sample_table`.
    """
    try:
        stacks = [stack.Layers for stack in sample.Stacks]
        values = [stack.Repetitions for stack in sample.Stacks] if repetitions is None else list(repetitions)
        arrangement = _arrangement(sample, stacks, [not (type(v) is int and v == 1) for v in values])
        layers = [sample.Substrate, *arrangement.layers, sample.Ambient]
    except (TypeError, AttributeError) as error:
        raise no_layers(error) from None
    fitted = any(isinstance(value, np.ndarray) and value.ndim == 2 for value in values)
    return layers, arrangement.blocks(values), fitted, bool(getattr(sample, "_inverted", False))


def no_layers(error: Exception) -> InputError:
    """What to say of a sample whose layers lack something that layers have."""
    return InputError(
        f"the sample is not made of stacks of layers: {error}",
        hint="Sample(Stacks=[Stack(Layers=[…])], Ambient=Layer(…), Substrate=Layer(…))",
    )


def _arrangement(sample: Any, stacks: list[list[Any]], repeats: list[bool]) -> Arrangement:
    """The arrangement of the sample, remembered with it as long as its stacks hold the same layer objects."""
    known: Arrangement | None = sample.__dict__.get("_arrangement")
    if known is None or not known.fits(stacks, repeats):
        known = arrange(stacks, repeats)
        sample.__dict__["_arrangement"] = known
    return known


def from_other_side(table: SampleTable) -> SampleTable:
    """The layers in reverse, every roughness at the interface where it was.

    A layer's sigma becomes that of the layer that was below it. For the bottom layer of a block that repeats,
    this is the block's top layer, except in its lowest copy: this copy becomes a block of its own.
    """
    layers, thickness, sigma, repeats = table.layers, table.thickness, table.sigma, table.blocks.repetitions
    n_block = len(table.blocks.first)
    below = [sigma[:, 0]]  # per block: the sigma under it, of the next block that is there at all
    for i in range(n_block):
        top = sigma[:, table.blocks.last[i] - 1]
        below.append(np.where(repeats[:, i] > 0, top, below[-1]))
    rows = [len(layers) - 1]
    sigmas = [below[n_block]]
    first, last, counts = [], [], []
    for i in reversed(range(n_block)):
        members = list(reversed(range(table.blocks.first[i], table.blocks.last[i])))
        under = [sigma[:, row - 1] for row in members[:-1]]
        copies = [(np.minimum(repeats[:, i], 1), below[i])]
        if np.any(repeats[:, i] > 1):
            copies.insert(0, (np.maximum(repeats[:, i] - 1, 0), sigma[:, members[0]]))
        for count, lowest in copies:
            first.append(len(rows))
            rows += members
            sigmas += [*under, lowest]
            last.append(len(rows))
            counts.append(count)
    rows.append(0)
    sigmas.append(np.zeros(1))
    return SampleTable(
        [layers[row] for row in rows],
        np.ascontiguousarray(thickness[:, rows]),
        np.stack(np.broadcast_arrays(*sigmas), axis=1),
        Blocks(
            tuple(first),
            tuple(last),
            np.stack(np.broadcast_arrays(*counts), axis=1) if counts else repeats,
        ),
        table.structure_fitted,
        {name: np.ascontiguousarray(values[:, rows]) for name, values in table.values.items()},
        None if table.fixed_thickness is None else np.ascontiguousarray(table.fixed_thickness[:, rows]),
    )
