"""``models.sxrd_mult``: diffraction of superlattices with fluctuating thicknesses, beside that of their substrate.

Instrument, unit cell, slabs and symmetry operations are those of `sxrd`. GenX 3.8 cannot run this library with a numpy
of today; here it works.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.atom_numbers import one_number
from metagenx.genx.models.diffraction_instrument import DiffractionInstrument, UnitCell, numbers_of
from metagenx.genx.models.rod import Rods
from metagenx.genx.models.slab import Slab
from metagenx.genx.models.surface_structure import bulk_table
from metagenx.genx.models.sxrd import AtomGroup, Instrument
from metagenx.genx.models.symmetries import SymTrans, operations
from metagenx.genx.models.truncation_rods import rod_amplitude, rods_of, slab_table
from metagenx.genx.models.values import is_population, number
from metagenx.physics import superlattice

__all__ = ["AtomGroup", "Instrument", "SLSample", "SLStandard", "Slab", "SymTrans", "UnitCell"]

Array = NDArray[np.float64]

# Of SLStandard, with setters and getters.
_PARAMETERS = ("na", "nb", "sigmaa", "sigmab", "repetitions", "a", "c")


class SLStandard:
    """A superlattice of two layers, A and B, each a whole number of slabs thick that fluctuates.

    Every parameter has a setter and a getter with its exact name: ``setna``, ``getna``, …; a value may be an array of
    shape (n_population, 1).

    Parameters
    ----------
    inst, unit_cell : `Instrument`, `UnitCell`.
    a_slab, b_slab : `Slab` that the layers are made of.
    a_sym, b_sym : lists of `SymTrans`; default: the identity alone.

    Attributes
    ----------
    na, nb : mean number of slabs in a layer. sigmaa, sigmab : its standard deviation.
    repetitions : number of bilayers.
    a : mean extra distance between two layers, in units of the cell's c. c : its standard deviation.
    """

    def __init__(
        self, inst: Any, unit_cell: Any, a_slab: Any, b_slab: Any, a_sym: Any = None, b_sym: Any = None
    ) -> None:
        self._rods = Rods()
        self.inst, self.unit_cell = _instrument(inst), unit_cell
        numbers_of(unit_cell)
        self.a_slab, self.b_slab = _slab(a_slab), _slab(b_slab)
        self.a_sym, self.b_sym = a_sym or [], b_sym or []
        operations(self.a_sym)
        operations(self.b_sym)
        self.na, self.nb, self.repetitions = 2, 2, 2
        self.sigmaa, self.sigmab = 1e-12, 1e-12
        self.a, self.c = 0, 1e-12

    def calc_i(self, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Array:
        """Intensity of the superlattice, without inten, (n_points,) or (n_population, n_points).

        NaN where no thickness of a layer has a weight, as in GenX: sigmaa or sigmab almost zero and a mean that is no
        whole number.
        """
        library = _instrument(self.inst).flib
        tables = [
            slab_table([slab], operations(symmetry), library)
            for slab, symmetry in ((self.a_slab, self.a_sym), (self.b_slab, self.b_sym))
        ]
        values = {name: number(self, name) for name in _PARAMETERS}
        flat = {name: np.asarray(value, dtype=float).reshape(-1) for name, value in values.items()}
        heights = [np.asarray(number(slab, "c"), dtype=float).reshape(-1) for slab in (self.a_slab, self.b_slab)]
        individuals = list(rods_of(self._rods, (h, k, l), numbers_of(self.unit_cell)))
        pieces = []
        for index, rod in individuals:
            rows = slice(None) if index is None else slice(index, index + 1)
            own = {name: value[rows] if value.size > 1 else value for name, value in flat.items()}
            factors = [table.part(rows).factor(rod) for table in tables]
            a, b = (
                superlattice.Layer(factor, height[rows] if height.size > 1 else height, mean, deviation)
                for factor, height, mean, deviation in zip(
                    factors, heights, (own["na"], own["nb"]), (own["sigmaa"], own["sigmab"]), strict=True
                )
            )
            stacking = superlattice.Stacking(own["repetitions"], own["a"], own["c"])
            pieces.append(superlattice.intensity(rod.l, a, b, stacking))
        result = np.concatenate(pieces)
        fitted = individuals[0][0] is not None or is_population(*values.values())
        return result if fitted or any(table.fitted for table in tables) else np.asarray(result[0])


def _add_accessors(name: str) -> None:
    def set_value(self: SLStandard, value: Any) -> None:
        if not isinstance(self, SLStandard):
            raise InputError(f"set{name}: a {type(self).__name__} is not an SLStandard")
        setattr(self, name, one_number(value, f"SLStandard.set{name}"))

    def get_value(self: SLStandard) -> Any:
        if not isinstance(self, SLStandard):
            raise InputError(f"get{name}: a {type(self).__name__} is not an SLStandard")
        return getattr(self, name)

    for verb, function in (("set", set_value), ("get", get_value)):
        function.__name__, function.__qualname__ = f"{verb}{name}", f"SLStandard.{verb}{name}"
        setattr(SLStandard, f"{verb}{name}", function)


for _name in _PARAMETERS:
    _add_accessors(_name)


class SLSample:
    """A superlattice and the substrate underneath, whose intensities add.

    Parameters
    ----------
    inst : `Instrument`.
    bulk_slab : one cell of the substrate.
    superlattice : `SLStandard`.
    unitcell : `UnitCell` of the substrate.
    bulk_sym : list of `SymTrans`; default: the identity alone.
    """

    def __init__(self, inst: Any, bulk_slab: Any, superlattice: Any, unitcell: Any, bulk_sym: Any = None) -> None:
        self._rods = Rods()
        self.inst = _instrument(inst)
        if not isinstance(superlattice, SLStandard):
            raise InputError(f"a {type(superlattice).__name__} is not an SLStandard")
        self.superlattice = superlattice
        self.set_bulk_slab(bulk_slab)
        self.set_unit_cell(unitcell)
        self.set_bulk_sym(bulk_sym)

    def set_bulk_slab(self, bulk_slab: Any) -> None:
        """Set the cell of the substrate."""
        self.bulk_slab = _slab(bulk_slab)

    def set_unit_cell(self, unit_cell: Any) -> None:
        """Set the unit cell of the substrate."""
        numbers_of(unit_cell)
        self.unit_cell = unit_cell

    def set_bulk_sym(self, bulk_sym: Any) -> None:
        """Set the symmetry of the substrate, a list of `SymTrans`."""
        operations(bulk_sym)
        self.bulk_sym = bulk_sym or []

    def calc_fb(self, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> NDArray[np.complex128]:
        """F of the substrate, complex, without inten."""
        bulk = bulk_table(self.bulk_slab, self.bulk_sym, _instrument(self.inst).flib)
        return rod_amplitude(self._rods, (h, k, l), self.unit_cell, self.inst, None, bulk)

    def calc_i(self, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Array:
        """inten·(|F_bulk|² + |I_superlattice|), (n_points,) or (n_population, n_points)."""
        substrate = self.calc_fb(h, k, l)
        intensity = substrate.real**2 + substrate.imag**2 + self.superlattice.calc_i(h, k, l)
        return np.asarray(number(self.inst, "inten") * intensity)


def _instrument(value: Any) -> DiffractionInstrument:
    if not isinstance(value, DiffractionInstrument):
        raise InputError(f"a {type(value).__name__} is not an Instrument of surface diffraction")
    return value


def _slab(value: Any) -> Slab:
    if not isinstance(value, Slab):
        raise InputError(f"a {type(value).__name__} is not a Slab")
    return value
