"""The table of a sample whose stacks change from one repetition to the next: gradients and supermirrors.

A stack without gradients stays a block that repeats. Of the others every copy is written out; where the number
of copies differs between the individuals of a population, the upper copies are blocks that are there or not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.base import AlternativeStrEnum
from metagenx.genx.models.instrument import option
from metagenx.genx.models.layer_table import column
from metagenx.genx.models.sample_table import SampleTable, from_other_side, sample_table
from metagenx.genx.models.values import is_population, number
from metagenx.physics import gradients
from metagenx.physics.specular import Blocks
from metagenx.physics.supermirror import MOST_BILAYERS, hayter_mook, schelten_mika

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_FM = 1e-5  # Å
_OF_STACK = ("Repetitions", "sigma_gradient", "d_gradient", "dens_gradient", "beta_sm", "sm_scale")


class SigmaGradientType(AlternativeStrEnum):
    """How the roughness changes from copy to copy."""

    relative_linear = "relative linear"
    relative_sqrt = "relative sqrt"
    absolute_linear = "absolute linear"
    absolute_sqrt = "absolute sqrt"


@dataclass(frozen=True)
class Copies:
    """A stack with every copy written out, bottom → top.

    Attributes
    ----------
    layers : one per row.
    n_layer : number of layers of a copy.
    n_copies : (n_population | 1,), of how many copies an individual consists; the rows of the others are not there.
    thickness, sigma, density : (n_population | 1, n_row).
    fixed : what of the thickness comes from a design and does not grow with the given thicknesses, or None.
    """

    layers: Sequence[Any]
    n_layer: int
    n_copies: Counts
    thickness: Array
    sigma: Array
    density: Array
    fixed: Array | None = None

    def edges(self) -> list[tuple[int, int]]:
        """Rows that the same individuals have: those of the copies from one number of copies to the next."""
        numbers = [0, *(int(n) * self.n_layer for n in np.unique(self.n_copies) if n * self.n_layer > 0)]
        return list(itertools.pairwise(numbers))


def inhomogeneous_table(sample: Any) -> SampleTable:
    """The table of a sample of spec_inhom; see `sample_table`.

    Raises
    ------
    InputError : in addition: a supermirror that cannot be.
    """
    try:
        stacks = list(sample.Stacks)
        graded = [_is_graded(stack) for stack in stacks]
        if not any(graded):
            return sample_table(sample, [_truncated(stack) for stack in stacks])
        parts = [copies_of(stack) if one else stack for stack, one in zip(stacks, graded, strict=True)]
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"the sample is not made of stacks of layers: {error}",
            hint="Sample(Stacks=[Stack(Layers=[…])], Ambient=Layer(…), Substrate=Layer(…))",
        ) from None
    layers: list[Any] = [sample.Substrate]
    rows: list[tuple[Array, Array, Array]] = [_columns(layers)]
    fixed: list[Array] = [np.zeros((1, 1))]
    first: list[int] = []
    last: list[int] = []
    repetitions: list[Counts] = []
    for part in parts:
        start = len(layers)
        if isinstance(part, Copies):
            for fewer, edge in part.edges():
                first.append(start + fewer)
                last.append(start + edge)
                repetitions.append((part.n_copies[:, None] * part.n_layer >= edge).astype(np.int64))
            layers += part.layers
            rows.append((part.thickness, part.sigma, part.density))
            fixed.append(np.zeros((1, len(part.layers))) if part.fixed is None else part.fixed)
        elif part.Layers:
            first.append(start)
            last.append(start + len(part.Layers))
            repetitions.append(_as_counts(_truncated(part))[:, None])
            layers += part.Layers
            rows.append(_columns(part.Layers))
            fixed.append(np.zeros((1, len(part.Layers))))
    layers.append(sample.Ambient)
    rows.append(_columns(layers[-1:]))
    thickness, sigma, density = (_joined(arrays) for arrays in zip(*rows, strict=True))
    table = SampleTable(
        layers,
        thickness,
        sigma,
        Blocks(tuple(first), tuple(last), _joined([np.zeros((1, 0), np.int64), *repetitions])),
        any(map(_structure_is_fitted, stacks)),
        {"dens": density},
        _joined([*fixed, np.zeros((1, 1))]) if any(np.any(one) for one in fixed) else None,
    )
    return from_other_side(table) if getattr(sample, "_inverted", False) else table


def copies_of(stack: Any) -> Copies:
    """The copies of a stack, each written out, with its gradients, or as a supermirror.

    Raises
    ------
    InputError : a number is none, or the supermirror cannot be.
    """
    layers = list(stack.Layers)
    thickness, sigma, density = _columns(layers)
    values = {field: _individuals(number(stack, field)) for field in _OF_STACK}
    fixed = None
    slope = values["d_gradient"] + column(layers, "d_gradient")
    if layers and np.any(values["beta_sm"] != 0):
        n_copies, thicknesses, fixed = _supermirror(layers, values, thickness, density, slope)
    else:
        n_copies = _as_counts(_truncated(stack))
        thicknesses = gradients.around_the_middle(thickness, slope, n_copies, _most(n_copies))
    most = _most(n_copies)
    kind = option(stack, "sigma_gtype", SigmaGradientType)
    sigmas = gradients.roughness(
        sigma, values["sigma_gradient"] + column(layers, "sigma_gradient"), kind.value, n_copies
    )
    # GenX divides by Repetitions, not by the number of copies: of a supermirror it may be the m value.
    repetitions = values["Repetitions"][:, 0]
    densities = gradients.around_the_middle(density, values["dens_gradient"], repetitions, most)

    def flat(of_copies: Array) -> Array:
        return np.ascontiguousarray(of_copies.reshape(len(of_copies), most * len(layers)))

    return Copies(
        layers * most,
        len(layers),
        n_copies,
        flat(thicknesses),
        flat(sigmas),
        flat(densities),
        None if fixed is None else flat(fixed),
    )


def _supermirror(
    layers: list[Any], values: dict[str, Array], thickness: Array, density: Array, slope: Array
) -> tuple[Counts, Array, Array]:
    """Number of copies, and thicknesses (n_population | 1, n_copies, n_layer) with the part of them that is fixed by
    the design: one individual after the other.
    """
    potential = density * (column(layers, "b", complex).real + column(layers, "magn")) * _FM
    names = ("beta_sm", "Repetitions", "d_gradient", "sm_scale")
    arrays = (potential, thickness, slope, *(values[name] for name in names))
    designs = []
    for m in range(max(map(len, arrays))):
        rho, d, slope_m, *numbers = (array[m % len(array)] for array in arrays)
        designs.append(_design(rho, d, slope_m, *(float(one[0]) for one in numbers)))
    n_copies = np.array([len(design) for design, _ in designs], dtype=np.int64)
    thicknesses, fixed = np.zeros((2, len(designs), _most(n_copies), len(layers)))
    for m, (design, part) in enumerate(designs):
        thicknesses[m, : len(design)], fixed[m, : len(design)] = design, part
    return n_copies, thicknesses, fixed


def _design(
    potential: Array, thickness: Array, slope: Array, beta: float, repetitions: float, gradient: float, scale: float
) -> tuple[Array, Array]:
    """Thicknesses of all layers of one individual, (n_copies, n_layer), and what of them is fixed by the design.

    GenX varies the given thicknesses of an inhomogeneous film and then designs the mirror: only what is left for the
    layers between the two that mirror changes (Hayter and Mook), or nothing (Schelten and Mika).
    """
    if beta == 0:
        n_copies = _as_counts(_whole(repetitions))
        graded = gradients.around_the_middle(thickness[None], slope[None], n_copies, _most(n_copies))[0]
        return graded, np.zeros(graded.shape)
    dense, thin = int(np.argmax(potential)), int(np.argmin(potential))
    total = _sum(thickness)
    if beta > 0:
        bilayers = schelten_mika(beta, repetitions, float(potential[dense]), float(potential[thin]))
        if not total > 0:
            raise InputError(
                "the layers of a supermirror need a thickness: beta_sm shares every bilayer in their proportion"
            )
        design = bilayers[:, None] * (thickness / total)
        fixed = design.copy()
    else:
        n_bilayer = _whole(abs(repetitions))
        pairs = hayter_mook(-beta, n_bilayer, float(potential[dense]), float(potential[thin]))
        if repetitions > 0:
            pairs = pairs[::-1]
        bilayers = pairs[:, 0] + pairs[:, 1]
        rest = total - (thickness[dense] + thickness[thin])
        design = np.tile(thickness, (n_bilayer, 1))
        design[:, [dense, thin]] = pairs * ((bilayers - rest) / bilayers)[:, None]
        fixed = np.zeros(design.shape)
        fixed[:, [dense, thin]] = pairs
    n_copies = np.array([len(design)], dtype=np.int64)
    # The layers between the two that mirror grow with them, as in GenX.
    growth = gradients.linear(np.array([[gradient]]), n_copies)[0] * scale
    return design * growth, fixed * growth


def _is_graded(stack: Any) -> bool:
    """Whether the copies of a stack may differ."""
    values = [stack.sigma_gradient, stack.d_gradient, stack.dens_gradient, stack.beta_sm]
    for layer in stack.Layers:
        values += [layer.sigma_gradient, layer.d_gradient]
    return any(np.ndim(value) > 0 or value != 0 for value in values)


def _structure_is_fitted(stack: Any) -> bool:
    """Whether something fitted touches how often a stack repeats, or how its copies differ."""
    values = [stack.Repetitions, stack.sigma_gradient, stack.d_gradient, stack.dens_gradient]
    values += [stack.beta_sm, stack.sm_scale]
    is_supermirror = np.ndim(stack.beta_sm) > 0 or stack.beta_sm != 0
    for layer in stack.Layers:
        values += [layer.sigma_gradient, layer.d_gradient]
        if is_supermirror:
            values += [layer.d, layer.dens, layer.b, layer.magn]
    return is_population(*values)


def _truncated(stack: Any) -> Any:
    """The repetitions of a stack as whole numbers, an int or (n_population, 1); cut off as in GenX, not rounded."""
    repetitions = number(stack, "Repetitions")
    return _whole(repetitions) if np.ndim(repetitions) == 0 else np.vectorize(_whole, otypes=[np.int64])(repetitions)


def _whole(repetitions: Any) -> int:
    if not abs(repetitions) <= MOST_BILAYERS:
        raise InputError(f"Stack.Repetitions must be a number up to {MOST_BILAYERS}, not {repetitions!r}")
    return max(int(repetitions), 0)


def _as_counts(repetitions: Any) -> Counts:
    return np.asarray(repetitions, dtype=np.int64).reshape(-1)


def _most(n_copies: Counts) -> int:
    return int(n_copies.max(initial=0))


def _individuals(value: Any) -> Array:
    return np.asarray(value, dtype=float).reshape(-1, 1)


def _columns(layers: Sequence[Any]) -> tuple[Array, Array, Array]:
    return column(layers, "d"), column(layers, "sigma"), column(layers, "dens")


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Columns of several tables side by side, those of one individual repeated for all."""
    n_population = max(map(len, arrays))
    return np.concatenate([np.broadcast_to(array, (n_population, array.shape[1])) for array in arrays], axis=1)


def _sum(values: Array) -> float:
    return math.fsum(values.tolist())


def repeated_values(stack: Any, field: str) -> list[Any]:
    """One field of the layers of a stack, every copy written out: numbers, or (n_population, 1) each.

    Raises
    ------
    InputError : the individuals of a population differ in the number of layers.
    """
    copies = copies_of(stack)
    if np.any(copies.n_copies != copies.n_copies[0]):
        raise InputError(f"the number of layers is fitted, so {field} of all layers is no single list")
    known = {"d": copies.thickness, "sigma": copies.sigma, "dens": copies.density}
    if field not in known:
        return [layer.__dict__[field] for layer in copies.layers]
    values = known[field]
    return values[0].tolist() if len(values) == 1 else list(values.T[:, :, None])
