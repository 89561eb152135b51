"""Amplitudes along crystal truncation rods: slabs on a semi-infinite crystal, from objects to arrays and back.

Shapes: h, k, l (n_points,), scalars, or (n_population, n_points); amplitudes (n_points,), or
(n_population, n_points) if anything fitted touches them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.atom_numbers import table_of
from metagenx.genx.models.diffraction_instrument import DiffractionInstrument, numbers_of
from metagenx.genx.models.rod import Rod, Rods
from metagenx.genx.models.scattering_lengths import form_factor_parts
from metagenx.genx.models.slab import Slab
from metagenx.genx.models.values import is_population, number
from metagenx.physics import structure_factor, unit_cell
from metagenx.physics.potentials import ELECTRON_RADIUS
from metagenx.physics.structure_factor import Atoms, Places

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

# In-plane sums of this many numbers are held at once, where x or y of atoms are fitted.
_NUMBERS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class SlabTable:
    """The atoms of different slabs as arrays, and where the slabs stand.

    Attributes
    ----------
    names : of every atom, in the table of form factors.
    x, y : (n_population | 1, n_atom), fractional.
    fitted : whether any number is one per individual.
    """

    atoms: Atoms
    places: Places
    names: tuple[str, ...]
    x: Array
    y: Array
    operations: Array
    fitted: bool

    def part(self, rows: slice) -> SlabTable:
        """The same for some individuals."""

        def of(array: Any) -> Any:
            return array[rows] if len(array) > 1 else array

        a = self.atoms
        atoms = Atoms(of(a.weight), of(a.width), of(a.height), of(a.dispersion), a.first)
        places = Places(of(self.places.height), self.places.first)
        return SlabTable(atoms, places, self.names, of(self.x), of(self.y), self.operations, self.fitted)

    def absorption(self) -> Array:
        """Σ Im f over the atoms as they are listed, (n_population | 1,), electrons."""
        total = np.zeros(len(self.atoms.dispersion))
        for column in self.atoms.dispersion.imag.T:
            total += column
        return total

    def factor(self, rod: Rod) -> Array:
        """The structure factor, (n_population | 1, 2, n_points)."""
        n_rows = max(len(self.x), len(self.y))
        step = max(1, _NUMBERS_AT_ONCE // max(1, 2 * self.x.shape[1] * rod.l.size))
        if n_rows > step:
            parts = [self.part(slice(start, start + step))._factor(rod) for start in range(0, n_rows, step)]
            return np.concatenate(parts)
        return self._factor(rod)

    def _factor(self, rod: Rod) -> Array:
        planar = rod.planar(self.x, self.y, self.operations)
        f0 = rod.f0(self.names)
        return structure_factor.structure_factor(rod.inverse_square, rod.l, f0, planar, self.atoms, self.places)


def slab_table(slabs: Sequence[Any], operations: Array, library: Any, *, scaled: bool = True) -> SlabTable:
    """The table of slabs on top of each other, bottom → top; a slab that is listed twice is computed once.

    Parameters
    ----------
    operations : of the symmetry, (n_operation, 6).
    library : the form factors (flib).
    scaled : whether z is in units of the slab's height (of the crystal underneath it is not).

    Raises
    ------
    InputError : something in the list is no slab, or has a value that is no number.
    """
    if not isinstance(slabs, (list, tuple)):
        raise InputError(f"the slabs must be a list, not a {type(slabs).__name__}")
    different: list[Slab] = []
    where: list[int] = []
    for slab in slabs:
        if not isinstance(slab, Slab):
            raise InputError(f"the slabs are a list of Slab, but one is a {type(slab).__name__}")
        at = next((i for i, known in enumerate(different) if known is slab), len(different))
        if at == len(different):
            different.append(slab)
        where.append(at)
    counts = [_check_lengths(slab) for slab in different]
    x, y, z, u, oc, m, dx, dy, dz = (
        _column(different, parameter) for parameter in ("x", "y", "z", "u", "oc", "m", "dx", "dy", "dz")
    )
    heights = table_of([slab.c for slab in different], "Slab.c")
    filling = table_of([slab.slab_oc for slab in different], "Slab.slab_oc")
    names, dispersion = _dispersion([element for slab in different for element in slab.el], library)
    _check_populations(x, y, z, u, oc, m, dx, dy, dz, heights, filling, dispersion)
    owner = np.repeat(np.arange(len(different)), counts)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    height = (z + dz) * heights[:, owner] if scaled else z + dz
    atoms = Atoms(
        weight=oc * m * filling[:, owner] / len(operations),
        width=2 * np.pi**2 * u,
        height=height,
        dispersion=dispersion,
        first=first,
    )
    values = [value for slab in different for value in _values(slab)]
    fitted = is_population(*values) or bool(np.ndim(getattr(library, "_wavelength", 0.0)))
    return SlabTable(atoms, _places(where, heights), names, x + dx, y + dy, operations, fitted)


def rod_amplitude(
    rods: Rods,
    points: tuple[Any, Any, Any],
    cell: Any,
    instrument: Any,
    surface: SlabTable | None,
    bulk: SlabTable | None,
    scale: Any = 1.0,
) -> Complex:
    """scale·(F_surface + F_bulk/(e^{2πil}·e^{−a} − 1)·[h and k whole]).

    a = r_e·λ·(c/sin α)/V·Σ Im f over the atoms of the bulk as listed. Im f < 0, so the sign is that of growth, as in
    GenX; it matters within 1e-4 of the Bragg peaks only.

    Parameters
    ----------
    points : h, k, l.
    cell : `UnitCell`. instrument : of the library.
    surface, bulk : either may be left out.
    scale : one number, or one per individual.
    """
    numbers = numbers_of(cell)
    absorption = _absorption(instrument, numbers, bulk)
    factor = np.asarray(scale, dtype=float)
    pieces = []
    individuals = list(rods_of(rods, points, numbers))
    for index, rod in individuals:
        rows = slice(None) if index is None else slice(index, index + 1)
        nothing = np.zeros((1, 2, rod.l.size))
        pieces.append(
            structure_factor.truncated(
                nothing if surface is None else surface.part(rows).factor(rod),
                nothing if bulk is None else bulk.part(rows).factor(rod),
                rod.l,
                rod.on_rod if bulk is not None else np.zeros(rod.l.size),
                *(of.reshape(-1)[rows] if of.size > 1 else of.reshape(-1) for of in (absorption, factor)),
            )
        )
    result = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    tables = [table for table in (surface, bulk) if table is not None]
    fitted = any(table.fitted for table in tables) or individuals[0][0] is not None
    fitted = fitted or is_population(absorption, factor)
    return result if fitted else result[0]


def rods_of(rods: Rods, points: tuple[Any, Any, Any], numbers: unit_cell.Cell) -> Iterator[tuple[int | None, Rod]]:
    """The rod of all individuals, with None; or one for each, with its index, where points or cell are fitted.

    Raises
    ------
    InputError : h, k and l are no arrays of numbers, or of different lengths.
    """
    h, k, l = _points(points)
    n_population = len(h) if h.ndim == 2 else max([len(v) for v in numbers if np.ndim(v)], default=0)
    if h.ndim == 1 and not n_population:
        yield None, rods.at(h, k, l, numbers)
        return
    for i in range(n_population):
        own = tuple(float(value[i, 0]) if np.ndim(value) else value for value in numbers)
        h_own, k_own, l_own = (array[i] if array.ndim == 2 else array for array in (h, k, l))
        yield i, Rod.at(h_own.copy(), k_own.copy(), l_own.copy(), own)  # type: ignore[arg-type]


def _points(points: Iterable[Any]) -> list[Array]:
    try:
        arrays = [np.atleast_1d(np.asarray(values, dtype=float)) for values in points]
        broadcast = np.broadcast_arrays(*arrays)
    except (TypeError, ValueError):
        shapes = ", ".join(str(np.shape(values)) for values in points)
        raise InputError(
            f"h, k and l must be numbers, or arrays of one length; their shapes are {shapes}",
            hint="h and k are columns of the data set: d.h, d.k",
        ) from None
    if broadcast[0].ndim > 2:
        raise InputError(f"h, k and l must be one-dimensional, their shape is {broadcast[0].shape}")
    return [np.ascontiguousarray(array) for array in broadcast]


def _absorption(instrument: Any, numbers: unit_cell.Cell, bulk: SlabTable | None) -> Array:
    if bulk is None:
        return np.zeros(1)
    if not isinstance(instrument, DiffractionInstrument):
        raise InputError(f"a {type(instrument).__name__} is not an Instrument of surface diffraction")
    path = numbers[2] / np.sin(np.radians(number(instrument, "alpha")))
    density = ELECTRON_RADIUS * number(instrument, "wavel") * path / unit_cell.volume(numbers)
    total = bulk.absorption()
    return np.asarray(density * (total[:, None] if len(total) > 1 else total[0]))


def _check_lengths(slab: Slab) -> int:
    n_atom = len(slab.id)
    if len(slab.el) != n_atom or not all(isinstance(element, str) for element in slab.el):
        raise InputError(f"Slab.el must hold {n_atom} names of elements")
    return n_atom


def _column(slabs: list[Slab], parameter: str) -> Array:
    values: list[Any] = []
    for slab in slabs:
        own = slab._column(parameter)
        if len(own) != len(slab.id):
            raise InputError(f"Slab.{parameter} has {len(own)} values for {len(slab.id)} atoms")
        values.extend(own)
    return table_of(values, f"Slab.{parameter}")


def _values(slab: Slab) -> list[Any]:
    columns = [slab._column(parameter) for parameter in ("x", "y", "z", "u", "oc", "m", "dx", "dy", "dz")]
    return [slab.c, slab.slab_oc, *(value for column in columns for value in column)]


def _dispersion(elements: list[str], library: Any) -> tuple[tuple[str, ...], Complex]:
    parts = {element: form_factor_parts(library, element) for element in dict.fromkeys(elements)}
    n_population = max((len(extra) for _, extra in parts.values() if np.ndim(extra)), default=1)
    table = np.empty((n_population, len(elements)), dtype=np.complex128)
    for i, element in enumerate(elements):
        table[:, i : i + 1] = parts[element][1]
    return tuple(parts[element][0] for element in elements), table


def _check_populations(*tables: NDArray[Any]) -> None:
    if len({len(table) for table in tables} - {1}) > 1:
        raise InputError("values of atoms hold populations of different sizes")


def _places(where: list[int], heights: Array) -> Places:
    """Heights of the slabs' feet, sorted by slab."""
    feet: list[list[Array]] = [[] for _ in range(heights.shape[1])]
    foot = np.zeros(len(heights))
    for slab in where:
        feet[slab].append(foot)
        foot = foot + heights[:, slab]
    first = np.concatenate([[0], np.cumsum([len(own) for own in feet])]).astype(np.int64)
    columns = [one for own in feet for one in own]
    return Places(np.stack(columns, axis=1) if columns else np.zeros((1, 0)), first)
