"""``models.sxrd2``: surface diffraction, crystal truncation rods of a surface with domains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import InputError
from metagenx.genx.models.atom_group import AtomGroup
from metagenx.genx.models.atom_numbers import one_number
from metagenx.genx.models.diffraction_instrument import DiffractionInstrument, UnitCell
from metagenx.genx.models.scale import scale_sim, scale_sqrt_sim
from metagenx.genx.models.slab import Slab
from metagenx.genx.models.surface_structure import SurfaceStructure
from metagenx.genx.models.symmetries import Sym, SymTrans
from metagenx.genx.models.values import number

__all__ = [
    "AtomGroup", "Domain", "Instrument", "Sample", "Slab", "Sym", "SymTrans", "UnitCell", "scale_sim", "scale_sqrt_sim",
]  # fmt: skip

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


class Instrument(DiffractionInstrument):
    """The instrument: factor `inten` of the intensity, wavelength `wavel` in Å, angle `alpha` in degrees."""

    def __init__(
        self,
        inten: Any = 1.0,
        wavel: Any = 1.54,
        alpha: Any = 1.0,
        geom: str = "alpha_in fixed",
        flib: Any = None,
        rholib: Any = None,
    ) -> None:
        super().__init__(inten, wavel, alpha, geom, flib, rholib)


class Domain(SurfaceStructure):
    """A part of the surface with one structure.

    Parameters
    ----------
    bulk_slab, slabs, unit_cell, surface_sym, bulk_sym : see `SurfaceStructure`.
    occ : its share of the surface.
    """

    def __init__(
        self,
        bulk_slab: Any,
        slabs: Any,
        unit_cell: Any,
        surface_sym: Any = None,
        bulk_sym: Any = None,
        occ: Any = 1.0,
    ) -> None:
        super().__init__(bulk_slab, slabs, unit_cell, surface_sym, bulk_sym)
        self.set_occ(occ)

    def set_occ(self, occ: Any) -> None:
        """Set the share of the surface."""
        self.occ = one_number(occ, "Domain: occ")

    def get_occ(self) -> Any:
        """The share of the surface."""
        return self.occ

    def calc_f(self, inst: Any, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Complex:
        """F_surface + F_bulk, complex (n_points,) or (n_population, n_points)."""
        return self._amplitude(inst, (h, k, l))

    turbo_calc_f = calc_f

    def calc_fs(self, inst: Any, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Complex:
        """F_surface alone."""
        return self._amplitude(inst, (h, k, l), bulk=False)

    turbo_calc_fs = calc_fs

    def calc_rhos(self, inst: Any, x: ArrayLike, y: ArrayLike, z: ArrayLike, sb: float = 0.8) -> Complex:
        """Electron density of the slabs in e/Å³ at fractional coordinates; experimental, see `SurfaceStructure`."""
        return self._density(inst, np.asarray(x), np.asarray(y), np.asarray(z), sb)

    def calc_fb(self, inst: Any, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Complex:
        """F_bulk alone."""
        return self._amplitude(inst, (h, k, l), surface=False)


class Sample:
    """Domains that scatter partly coherently.

    Parameters
    ----------
    domains : list of `Domain`.
    cohf : the coherent part, 0 to 1.
    """

    def __init__(self, domains: Any = None, cohf: Any = 0.0) -> None:
        self.set_domains([] if domains is None else domains)
        self.set_cohf(cohf)

    def set_domains(self, domains: Any) -> None:
        """Set the list of domains."""
        if not isinstance(domains, (list, tuple)):
            raise InputError(f"the domains must be a list, not a {type(domains).__name__}")
        for domain in domains:
            if not isinstance(domain, Domain):
                raise InputError(f"the domains are a list of Domain, but one is a {type(domain).__name__}")
        self.domains = list(domains)

    def set_cohf(self, cohf: Any) -> None:
        """Set the coherent part."""
        self.cohf = one_number(cohf, "Sample: cohf")

    def get_cohf(self) -> Any:
        """The coherent part."""
        return self.cohf

    def calc_f(self, inst: Any, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Array:
        """cohf·|Σ F·√occ| + (1 − cohf)·√(Σ |F|²·occ) of the domains, real, without inten.

        Raises
        ------
        InputError : there are no domains.
        """
        if not self.domains:
            raise InputError("the sample has no domains", hint="Sample([domain1, domain2], cohf=0.5)")
        real: Any = 0.0
        imaginary: Any = 0.0
        intensity: Any = 0.0
        for domain in self.domains:
            if not isinstance(domain, Domain):
                raise InputError(f"the domains are a list of Domain, but one is a {type(domain).__name__}")
            amplitude = domain.calc_f(inst, h, k, l)
            share = number(domain, "occ")
            root = np.sqrt(share)
            # Real numbers: numpy may round products of complex arrays differently for different shapes.
            real = real + amplitude.real * root
            imaginary = imaginary + amplitude.imag * root
            intensity = intensity + (amplitude.real**2 + amplitude.imag**2) * share
        coherent = number(self, "cohf")
        together = np.sqrt(real**2 + imaginary**2)
        return np.asarray(coherent * together + (1 - coherent) * np.sqrt(intensity))

    turbo_calc_f = calc_f

    def calc_i(self, inst: Any, h: ArrayLike, k: ArrayLike, l: ArrayLike) -> Array:
        """inten·calc_f², (n_points,) or (n_population, n_points)."""
        return np.asarray(number(inst, "inten") * self.calc_f(inst, h, k, l) ** 2)
