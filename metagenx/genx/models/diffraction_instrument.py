"""The instrument and the unit cell of surface diffraction."""

from __future__ import annotations

from typing import Any

from metagenx.errors import InputError
from metagenx.genx.models.atom_numbers import one_number
from metagenx.genx.models.scattering_lengths import Database, default_form_factors
from metagenx.genx.models.values import number
from metagenx.physics import unit_cell

__all__ = ["UnitCell"]

_KEV_ANGSTROM = 12.39842  # of set_energy, GenX's digits
GEOMETRIES = ("alpha_in fixed", "alpha_in eq alpha_out", "alpha_out fixed")


class DiffractionInstrument:
    """Beam and scattering factors of surface diffraction.

    ``wavel`` Å, ``alpha`` angle of incidence in degrees, ``inten`` factor of the amplitude. The geometry is one of
    three texts and has no effect on any number, as in GenX. The scattering factors ``flib`` (form factors) and
    ``rholib`` (electron densities) follow `set_wavel` and `set_energy`.
    """

    def __init__(self, inten: Any, wavel: Any, alpha: Any, geom: str, flib: Any, rholib: Any) -> None:
        self.inten = one_number(inten, "Instrument: inten")
        self.alpha = one_number(alpha, "Instrument: alpha")
        self.set_geometry(geom)
        if flib is None or rholib is None:
            form_factors, densities = default_form_factors(wavel)
            flib = form_factors if flib is None else flib
            rholib = densities if rholib is None else rholib
        self.set_flib(flib)
        self.set_rholib(rholib)
        self.set_wavel(wavel)

    @property
    def geometries(self) -> list[str]:
        """The texts that a geometry may be."""
        return list(GEOMETRIES)

    def set_inten(self, value: Any) -> None:
        """Set the factor of the amplitude (sxrd) or intensity (sxrd2, sxrd_mult)."""
        self.inten = one_number(value, "Instrument.set_inten")

    def get_inten(self) -> Any:
        """The factor of the amplitude or intensity."""
        return self.inten

    def set_wavel(self, value: Any) -> None:
        """Set the wavelength in Å, also of the scattering factors."""
        self.wavel = one_number(value, "Instrument.set_wavel")
        self.flib.set_wavelength(self.wavel)
        self.rholib.set_wavelength(self.wavel)

    def get_wavel(self) -> Any:
        """The wavelength in Å."""
        return self.wavel

    def set_energy(self, value: Any) -> None:
        """Set the photon energy in keV."""
        self.set_wavel(_KEV_ANGSTROM / one_number(value, "Instrument.set_energy"))

    def get_energy(self) -> Any:
        """The photon energy in keV."""
        return _KEV_ANGSTROM / self.wavel

    def set_alpha(self, value: Any) -> None:
        """Set the angle of incidence in degrees."""
        self.alpha = one_number(value, "Instrument.set_alpha")

    def get_alpha(self) -> Any:
        """The angle of incidence in degrees."""
        return self.alpha

    def set_geometry(self, value: str) -> None:
        """Set the geometry, one of `geometries`.

        Raises
        ------
        InputError : it is none of them.
        """
        if type(value) is not str or value not in GEOMETRIES:
            raise InputError(
                f"Instrument: there is no geometry {value!r:.60}",
                hint="the geometries are " + ", ".join(map(repr, GEOMETRIES)),
            )
        self.geom = value

    def set_flib(self, value: Any) -> None:
        """Set the form factors, ``utils.sl.FormFactor(wavelength, utils.__lookup_f__)``."""
        self.flib = _database(value, "flib", "__lookup_f__")

    def set_rholib(self, value: Any) -> None:
        """Set the electron densities, ``utils.sl.FormFactor(wavelength, utils.__lookup_rho__)``."""
        self.rholib = _database(value, "rholib", "__lookup_rho__")


class UnitCell:
    """The unit cell that h, k, l and fractional coordinates refer to.

    Parameters
    ----------
    a, b, c : Å. alpha, beta, gamma : degrees.
    """

    def __init__(
        self, a: Any = 5.0, b: Any = 5.0, c: Any = 5.0, alpha: Any = 90, beta: Any = 90, gamma: Any = 90
    ) -> None:
        self.set_a(a)
        self.set_b(b)
        self.set_c(c)
        self.set_alpha(alpha)
        self.set_beta(beta)
        self.set_gamma(gamma)

    def set_a(self, value: Any) -> None:
        """Set a in Å."""
        self.a = one_number(value, "UnitCell: a")

    def set_b(self, value: Any) -> None:
        """Set b in Å."""
        self.b = one_number(value, "UnitCell: b")

    def set_c(self, value: Any) -> None:
        """Set c in Å."""
        self.c = one_number(value, "UnitCell: c")

    def set_alpha(self, value: Any) -> None:
        """Set the angle between b and c in degrees."""
        self.alpha = one_number(value, "UnitCell: alpha")

    def set_beta(self, value: Any) -> None:
        """Set the angle between a and c in degrees."""
        self.beta = one_number(value, "UnitCell: beta")

    def set_gamma(self, value: Any) -> None:
        """Set the angle between a and b in degrees."""
        self.gamma = one_number(value, "UnitCell: gamma")

    def vol(self) -> Any:
        """Volume, Å³."""
        return unit_cell.volume(numbers_of(self))

    def abs_hkl(self, h: Any, k: Any, l: Any) -> Any:
        """1/d of the lattice planes (h k l), Å⁻¹."""
        return unit_cell.inverse_spacing_squared(h, k, l, numbers_of(self)) ** 0.5

    def dist(self, x1: Any, y1: Any, z1: Any, x2: Any, y2: Any, z2: Any) -> Any:
        """Distance in Å of two points with fractional coordinates."""
        return unit_cell.length(x1 - x2, y1 - y2, z1 - z2, numbers_of(self))


def numbers_of(cell: Any) -> unit_cell.Cell:
    """The six numbers of a unit cell, each a float or (n_population, 1).

    Raises
    ------
    InputError : it is no unit cell, or one of them is no number.
    """
    if not isinstance(cell, UnitCell):
        raise InputError(f"a {type(cell).__name__} is not a UnitCell")
    return (
        number(cell, "a"),
        number(cell, "b"),
        number(cell, "c"),
        number(cell, "alpha"),
        number(cell, "beta"),
        number(cell, "gamma"),
    )


def _database(value: Any, name: str, look_up: str) -> Database:
    if type(value) is not Database:
        raise InputError(
            f"Instrument: {name} is a {type(value).__name__}",
            hint=f"make it with utils.sl.FormFactor(wavelength, utils.{look_up})",
        )
    return value
