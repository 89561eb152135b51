"""``models.sxrd``: surface diffraction, crystal truncation rods of one structure.

F = inten·(F_surface + F_bulk), complex, electrons per surface cell; scripts return ``abs(F)**2``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.genx.models.atom_group import AtomGroup
from metagenx.genx.models.diffraction_instrument import DiffractionInstrument, UnitCell
from metagenx.genx.models.scale import scale_sim, scale_sqrt_sim
from metagenx.genx.models.slab import Slab
from metagenx.genx.models.surface_structure import SurfaceStructure
from metagenx.genx.models.symmetries import SymTrans
from metagenx.genx.models.values import number

__all__ = ["AtomGroup", "Instrument", "Sample", "Slab", "SymTrans", "UnitCell", "scale_sim", "scale_sqrt_sim"]

Complex = NDArray[np.complex128]


class Instrument(DiffractionInstrument):
    """The instrument: wavelength `wavel` in Å, angle of incidence `alpha` in degrees."""

    def __init__(
        self, wavel: Any, alpha: Any, geom: str = "alpha_in fixed", flib: Any = None, rholib: Any = None
    ) -> None:
        super().__init__(1.0, wavel, alpha, geom, flib, rholib)


class Sample(SurfaceStructure):
    """Slabs on a semi-infinite crystal, seen by an instrument.

    Parameters
    ----------
    inst : `Instrument`.
    bulk_slab : one cell of the crystal underneath.
    slabs : those on top of it, bottom → top; the same object may be listed more than once.
    unit_cell : `UnitCell`.
    surface_sym, bulk_sym : lists of `SymTrans`; default: the identity alone.
    """

    def __init__(
        self, inst: Any, bulk_slab: Any, slabs: Any, unit_cell: Any, surface_sym: Any = None, bulk_sym: Any = None
    ) -> None:
        super().__init__(bulk_slab, slabs, unit_cell, surface_sym, bulk_sym)
        self.inst = inst

    def calc_f(self, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Complex:
        """inten·(F_surface + F_bulk), complex (n_points,) or (n_population, n_points)."""
        return self._amplitude(self.inst, (h, k, l), scale=number(self.inst, "inten"))

    turbo_calc_f = calc_f

    def calc_fs(self, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Complex:
        """F_surface alone, without inten."""
        return self._amplitude(self.inst, (h, k, l), bulk=False)

    turbo_calc_fs = calc_fs

    def calc_rhos(self, x: ArrayLike, y: ArrayLike, z: ArrayLike, sb: float = 0.8) -> Complex:
        """Electron density of the slabs in e/Å³ at fractional coordinates; experimental, see `SurfaceStructure`."""
        return self._density(self.inst, np.asarray(x), np.asarray(y), np.asarray(z), sb)

    def calc_fb(self, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Complex:
        """F_bulk alone, without inten."""
        return self._amplitude(self.inst, (h, k, l), surface=False)
