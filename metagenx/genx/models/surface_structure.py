"""What samples of sxrd and domains of sxrd2 have in common: slabs on a semi-infinite crystal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.models.diffraction_instrument import DiffractionInstrument, numbers_of
from metagenx.genx.models.rod import Rods
from metagenx.genx.models.scattering_lengths import electron_density_of
from metagenx.genx.models.slab import Slab
from metagenx.genx.models.symmetries import operations
from metagenx.genx.models.truncation_rods import SlabTable, rod_amplitude, slab_table
from metagenx.physics import unit_cell

Complex = NDArray[np.complex128]


class SurfaceStructure:
    """Slabs on a semi-infinite crystal.

    Parameters
    ----------
    bulk_slab : one cell of the crystal underneath.
    slabs : those on top of it, bottom → top; the same object may be listed more than once.
    cell : `UnitCell`.
    surface_sym, bulk_sym : lists of `SymTrans`; default: the identity alone.

    Raises
    ------
    InputError : one of them is something else.
    """

    def __init__(self, bulk_slab: Any, slabs: Any, cell: Any, surface_sym: Any, bulk_sym: Any) -> None:
        self._rods = Rods()
        self.set_bulk_slab(bulk_slab)
        self.set_slabs(slabs)
        self.set_unit_cell(cell)
        self.set_surface_sym(surface_sym)
        self.set_bulk_sym(bulk_sym)

    def set_bulk_slab(self, bulk_slab: Any) -> None:
        """Set the cell of the crystal underneath."""
        if not isinstance(bulk_slab, Slab):
            raise InputError(f"the bulk must be a Slab, not a {type(bulk_slab).__name__}")
        self.bulk_slab = bulk_slab

    def set_slabs(self, slabs: Any) -> None:
        """Set the slabs on top, bottom → top."""
        if not isinstance(slabs, (list, tuple)):
            raise InputError(f"the slabs must be a list, not a {type(slabs).__name__}")
        for slab in slabs:
            if not isinstance(slab, Slab):
                raise InputError(f"the slabs are a list of Slab, but one is a {type(slab).__name__}")
        self.slabs = list(slabs)

    def set_unit_cell(self, cell: Any) -> None:
        """Set the unit cell."""
        numbers_of(cell)
        self.unit_cell = cell

    def set_surface_sym(self, surface_sym: Any) -> None:
        """Set the symmetry of the slabs, a list of `SymTrans`."""
        operations(surface_sym)
        self.surface_sym = [] if surface_sym is None else surface_sym

    def set_bulk_sym(self, bulk_sym: Any) -> None:
        """Set the symmetry of the crystal underneath, a list of `SymTrans`."""
        operations(bulk_sym)
        self.bulk_sym = [] if bulk_sym is None else bulk_sym

    def export_xyz(self, file: Any) -> None:
        """Write the atoms of the slabs, all equivalent ones, in the xyz format to an open text file.

        Coordinates are fractional ones times a, b and c in Å, as GenX writes them.
        """
        a, b, c, *_ = numbers_of(self.unit_cell)
        lines, foot = [], 0.0
        rows = operations(self.surface_sym)
        for slab in self.slabs:
            for o in rows:
                for i, element in enumerate(slab.el):
                    x, y = slab.x[i] + slab.dx[i], slab.y[i] + slab.dy[i]
                    z = foot + (slab.z[i] + slab.dz[i]) * slab.c
                    place = (o[0] * x + o[1] * y + o[4], o[2] * x + o[3] * y + o[5], z)
                    lines.append(f"{element:3} {place[0] * a:12.7f} {place[1] * b:12.7f} {z * c:12.7f}")
            foot = foot + slab.c
        comment = f"# structure exported by metagenx, UC: a={a:g} b={b:g} c={c * foot:g}"
        file.write("\n".join([str(len(lines)), comment, *lines]) + "\n")

    def _density(self, instrument: Any, x: Any, y: Any, z: Any, sb: Any) -> Complex:
        """Electron density of the slabs, e/Å³, at fractional coordinates of one shape; not repeated in the plane.

        Atoms are smeared by u/2 + 1/(2·sb²), Å². Distances are those of the cell; GenX takes every cell for a cuboid.
        Experimental: met for cuboids without a symmetry (1e-8); with a symmetry list GenX's densities differ.
        """
        cell = numbers_of(self.unit_cell)
        library = _instrument(instrument).rholib
        rows = operations(self.surface_sym)
        total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)), dtype=complex)
        foot = 0.0
        for slab in self.slabs:
            for i, element in enumerate(slab.el):
                density = electron_density_of(library, element)
                u, v = slab.x[i] + slab.dx[i], slab.y[i] + slab.dy[i]
                height = foot + (slab.z[i] + slab.dz[i]) * slab.c
                filling = slab.oc[i] * slab.m[i] * slab.slab_oc / len(rows)
                width = slab.u[i] / 2 + 1 / (2 * sb**2)
                for o in rows:
                    place = (o[0] * u + o[1] * v + o[4], o[2] * u + o[3] * v + o[5])
                    distance = unit_cell.length(x - place[0], y - place[1], z - height, cell)
                    total = total + density(distance, width, filling)
            foot = foot + slab.c
        return np.asarray(total)

    def _amplitude(
        self, instrument: Any, points: Any, *, surface: bool = True, bulk: bool = True, scale: Any = 1.0
    ) -> Complex:
        library = _instrument(instrument).flib
        return rod_amplitude(
            self._rods,
            points,
            self.unit_cell,
            instrument,
            slab_table(self.slabs, operations(self.surface_sym), library) if surface else None,
            bulk_table(self.bulk_slab, self.bulk_sym, library) if bulk else None,
            scale,
        )


def bulk_table(slab: Any, symmetry: Any, library: Any) -> SlabTable:
    """The table of one cell of the crystal underneath, whose height is the unit cell's."""
    return slab_table([slab], operations(symmetry), library, scaled=False)


def _instrument(value: Any) -> DiffractionInstrument:
    if not isinstance(value, DiffractionInstrument):
        raise InputError(f"a {type(value).__name__} is not an Instrument of surface diffraction")
    return value
