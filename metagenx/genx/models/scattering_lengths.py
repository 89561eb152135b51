"""The databases of ``models.utils``: ``fp``, ``fw``, ``bc``, ``bw``, ``bl``, ``fd``, ``f0``, ``f``, ``rho``.

``fp.Fe`` is a `ScatteringLength`, a complex number that knows of which atoms it is made: sums and multiples
of it do, too. Upper and lower case of names do not matter. If the wavelength is fitted, a look-up gives a
plain array of shape (n_population, 1).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import numpy as np

from metagenx.errors import InputError
from metagenx.physics import scattering

__all__ = ["fresh_databases"]

DIVISION = (
    "the script divides a scattering length by a number (as in fp.Fe/2): metagenx divides, GenX 3 multiplies "
    "instead, so its curves differ"
)

LookUp = Callable[[str, Any], Any]
_NUMBERS = (int, float, complex, np.ndarray)


def fresh_databases(
    notices: list[str] | None = None,
    *,
    table: scattering.XrayTable = "nist",
    genx_division: bool = False,
) -> dict[str, object]:
    """The databases of one model, by their names in ``models.utils``; two models share no state.

    Parameters
    ----------
    notices : where to note what a user should know.
    table : X-ray scattering factors, ``nist`` as GenX 3 or ``cxro`` as GenX 2.
    genx_division : multiply where the script divides a scattering length by a number, as GenX 3.8 does.
    """
    rules = _Rules([] if notices is None else notices, genx_division)

    def lengths(look_up: LookUp) -> LookUp:
        def look_up_length(name: str, wavelength: Any) -> Any:
            value = look_up(name, wavelength)
            return value if np.ndim(value) else ScatteringLength(value, {_element(name): 1}, rules)

        return look_up_length

    def per_weight(look_up: LookUp) -> LookUp:
        def look_up_per_weight(name: str, wavelength: Any) -> Any:
            value, weight = look_up(name, wavelength), _weight(name)
            # In GenX's order, so that the last digit agrees. Not by the division of a script: nothing is to be noted.
            scaled = (value if np.ndim(value) else complex(value)) * scattering.WEIGHT_FACTOR / weight
            if np.ndim(scaled):
                return scaled
            return ScatteringLength(scaled, {_element(name): scattering.WEIGHT_FACTOR / weight}, rules)

        return look_up_per_weight

    def xray(name: str, wavelength: Any) -> Any:
        return scattering.xray_factor(name, wavelength, table)

    def xray_cxro(name: str, wavelength: Any) -> Any:
        return scattering.xray_factor(name, wavelength, "cxro")

    def neutron(name: str, wavelength: Any) -> Any:
        return scattering.neutron_length(name)

    def create_fp(wavelength: Any = 1.54) -> Database:
        return Database(lengths(xray), wavelength)

    def create_fp_old(wavelength: Any = 1.54) -> Database:
        return Database(lengths(xray_cxro), wavelength)

    def create_fw(wavelength: Any = 1.54) -> Database:
        return Database(per_weight(lengths(xray)), wavelength)

    def create_bl(wavelength: Any = 1.79819) -> Database:
        return Database(lengths(scattering.absorbing_neutron_length), wavelength)

    def dispersive(name: str, wavelength: Any) -> EnergyFunction:
        scattering.xray_factor(name, 1.54, table)  # no such element: say so here, not when it is evaluated
        return EnergyFunction({_element(name): 1}, 0.0, rules, table)

    def dispersion(name: str, wavelength: Any) -> Any:
        atom = scattering.neutral_name(name)
        return xray(atom, wavelength) - scattering.form_factor(atom, 0.0)

    def form_factor(name: str, wavelength: Any) -> FormFactor:
        return FormFactor(name, dispersion(name, wavelength))

    def electron_density(name: str, wavelength: Any) -> ElectronDensity:
        return ElectronDensity(name, dispersion(name, wavelength))

    return {
        "fp": create_fp(),
        "fp_old": create_fp_old(),
        "fw": create_fw(),
        "bc": Database(lengths(neutron)),
        "bw": Database(per_weight(lengths(neutron))),
        "bl": create_bl(),
        "fd": Database(dispersive),
        "f0": Database(lambda name, wavelength: FormFactor(name)),
        "f": Database(form_factor),
        "rho": Database(electron_density),
        "create_fp": create_fp,
        "create_fp_old": create_fp_old,
        "create_fw": create_fw,
        "create_bl": create_bl,
        # utils.sl.FormFactor(wavelength, utils.__lookup_f__) makes another f.
        "sl": FormFactorLibrary(),
        "__lookup_f__": form_factor,
        "__lookup_rho__": electron_density,
    }


class Database:
    """Values by name, at a wavelength: ``fp.Fe``.

    Parameters
    ----------
    look_up : called with name and wavelength when a value is first asked for.
    wavelength : Å.
    """

    __slots__ = ("_look_up", "_values", "_wavelength")

    def __init__(self, look_up: LookUp, wavelength: Any = 1.54) -> None:
        self._look_up = look_up
        self.set_wavelength(wavelength)

    def set_wavelength(self, wavelength: Any) -> None:
        """Look up at another wavelength from now on, Å; an array (n_population, 1) if it is fitted.

        Raises
        ------
        InputError : it is no number.
        """
        try:
            value = np.asarray(wavelength, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"set_wavelength({wavelength!r}): this is not a number") from None
        self._wavelength: Any = value if value.ndim else float(value)
        self._values: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        # Called only for names that are no attributes; copy and pickle ask for some that begin with "_".
        if name.startswith("_"):
            raise AttributeError(name)
        key = name.lower()
        try:
            return self._values[key]
        except KeyError:
            value = self._values[key] = self._look_up(name, self._wavelength)
            return value


class FormFactorLibrary:
    """``utils.sl``, which scripts of sxrd2 make their databases with."""

    __slots__ = ()

    def FormFactor(self, wavelength: Any, look_up: LookUp) -> Database:
        """A database at a wavelength in Å, of what `look_up` finds."""
        return Database(look_up, wavelength)


class _Rules:
    """What the scattering lengths of one model share: where to note something, and how they divide."""

    __slots__ = ("genx_division", "notices")

    def __init__(self, notices: list[str], genx_division: bool) -> None:
        self.notices, self.genx_division = notices, genx_division

    def note_division(self) -> None:
        if not self.genx_division and DIVISION not in self.notices:
            self.notices.append(DIVISION)


class ScatteringLength(complex):
    """A complex scattering length with its ``composition``, element → number of atoms.

    The composition is kept through sums, and through products and quotients with an int or float. Every other
    operation gives a plain complex number or array, as in GenX.
    """

    composition: Mapping[str, float]
    _rules: _Rules
    __slots__ = ("_rules", "composition")

    def __new__(cls, value: complex, composition: Mapping[str, float], rules: _Rules) -> ScatteringLength:
        """A value that is made of the atoms in `composition`."""
        made = super().__new__(cls, value)
        made.composition = composition
        made._rules = rules
        return made

    def __add__(self, other: Any) -> Any:
        if isinstance(other, ScatteringLength):
            atoms = dict(self.composition)
            for name, number in other.composition.items():
                atoms[name] = atoms.get(name, 0) + number
            return ScatteringLength(complex.__add__(self, other), atoms, self._rules)
        # sum([fp.Fe, fp.O]) begins with 0.
        return self if _is_real(other) and other == 0 else complex.__add__(self, other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        product = complex.__mul__(self, other)
        if not _is_real(other):
            return product
        atoms = {name: number * other for name, number in self.composition.items()}
        return ScatteringLength(product, atoms, self._rules)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, ScatteringLength) or not isinstance(other, _NUMBERS):
            return complex.__truediv__(self, other)
        self._rules.note_division()
        if self._rules.genx_division:
            return self * other
        quotient = complex.__truediv__(self, other)  # type: ignore[operator]
        if not _is_real(other):
            return quotient
        atoms = {name: number / other for name, number in self.composition.items()}
        return ScatteringLength(quotient, atoms, self._rules)

    def __copy__(self) -> ScatteringLength:
        return self

    def __deepcopy__(self, memo: object) -> ScatteringLength:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return ScatteringLength, (complex(self), dict(self.composition), self._rules)


class EnergyFunction:
    """A dispersive X-ray scattering length, ``fd.Fe``: called with an energy in eV it gives f1 − i f2.

    Sums, multiples and quotients of such functions are functions, too. GenX 3.8 cannot use them in a layer;
    here a layer takes them as its ``f``.
    """

    __slots__ = ("_constant", "_rules", "_table", "_terms")
    # numpy arrays leave arithmetic to this class.
    __array_ufunc__ = None

    def __init__(self, terms: Mapping[str, Any], constant: Any, rules: _Rules, table: scattering.XrayTable) -> None:
        self._terms, self._constant, self._rules, self._table = terms, constant, rules, table

    @property
    def composition(self) -> Mapping[str, float]:
        """Element → number of atoms; empty if a number is fitted."""
        return {} if any(np.ndim(number) for number in self._terms.values()) else dict(self._terms)

    def __call__(self, energy: Any) -> Any:
        """Scattering length in electrons at an energy in eV, a scalar or an array of any shape."""
        total = self._constant
        for name, number in self._terms.items():
            total = total + number * scattering.xray_factor_at_energy(name, energy, self._table)
        return total

    def __add__(self, other: Any) -> EnergyFunction:
        if not isinstance(other, EnergyFunction):
            return self._with(self._terms, self._constant + other)
        terms = dict(self._terms)
        for name, number in other._terms.items():
            terms[name] = terms.get(name, 0) + number
        return self._with(terms, self._constant + other._constant)

    __radd__ = __add__

    def __mul__(self, other: Any) -> EnergyFunction:
        return self._with({name: number * other for name, number in self._terms.items()}, self._constant * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> EnergyFunction:
        return self._with({name: number / other for name, number in self._terms.items()}, self._constant / other)

    def __neg__(self) -> EnergyFunction:
        return self.__mul__(-1)

    def __sub__(self, other: Any) -> EnergyFunction:
        return self.__add__(-1 * other)

    def __rsub__(self, other: Any) -> EnergyFunction:
        return self.__mul__(-1).__add__(other)

    def _with(self, terms: Mapping[str, Any], constant: Any) -> EnergyFunction:
        return EnergyFunction(terms, constant, self._rules, self._table)


class FormFactor:
    """Form factor of an atom or ion, ``f0.Fe`` or ``f.o2m``: called with s = sin θ/λ in Å⁻¹.

    `dispersion` is added at every s; ``f0``, whose look-ups fail in GenX 3.8, has none.
    """

    __slots__ = ("_dispersion", "_name")

    def __init__(self, name: str, dispersion: Any = 0.0) -> None:
        scattering.form_factor(name, 0.0)  # no such ion: say so here, not when it is evaluated
        self._name, self._dispersion = name, dispersion

    def __call__(self, s: Any) -> Any:
        """Electrons at s = sin θ/λ below 2 Å⁻¹."""
        return scattering.form_factor(self._name, s) + self._dispersion


def default_form_factors(wavelength: Any) -> tuple[Database, Database]:
    """``flib`` and ``rholib`` of an instrument that is given none, at a wavelength in Å."""
    names = fresh_databases()
    made = [names["f"], names["rho"]]
    for database in made:
        assert isinstance(database, Database)
        database.set_wavelength(wavelength)
    return made[0], made[1]  # type: ignore[return-value]


def form_factor_parts(library: object, name: str) -> tuple[str, Any]:
    """Name in the table of f0, and what is added to f0 at every s: a complex number or (n_population, 1).

    Parameters
    ----------
    library : made by ``utils.sl.FormFactor(wavelength, utils.__lookup_f__)``, or ``utils.f``.
    name : atom or ion, e.g. ``o2m``.

    Raises
    ------
    InputError : it is something else, or has no such atom.
    """
    value = _entry(library, name)
    if not isinstance(value, FormFactor):
        raise InputError(
            f"the form factors (flib) give a {type(value).__name__} for {name!r}",
            hint="make them with utils.sl.FormFactor(wavelength, utils.__lookup_f__)",
        )
    return value._name, value._dispersion


def electron_density_of(library: object, name: str) -> ElectronDensity:
    """The function ρ(r, w, occ) of an atom or ion, from ``utils.sl.FormFactor(wavelength, utils.__lookup_rho__)``.

    Raises
    ------
    InputError : it is something else, or has no such atom.
    """
    value = _entry(library, name)
    if not isinstance(value, ElectronDensity):
        raise InputError(
            f"the electron densities (rholib) give a {type(value).__name__} for {name!r}",
            hint="make them with utils.sl.FormFactor(wavelength, utils.__lookup_rho__)",
        )
    return value


def _entry(library: object, name: str) -> Any:
    # The method itself: names of atoms come from scripts, and `set_wavelength` is not an atom.
    if type(library) is not Database or name.startswith("_"):
        raise InputError(f"there is no form factor of {name!r:.40} in a {type(library).__name__}")
    return Database.__getattr__(library, name)


class ElectronDensity:
    """Electron density of an atom or ion, ``rho.o2m``: called with distance r, width w and occupancy."""

    __slots__ = ("_dispersion", "_name")

    def __init__(self, name: str, dispersion: Any) -> None:
        scattering.form_factor(name, 0.0)
        self._name, self._dispersion = name, dispersion

    def __call__(self, r: Any, w: Any, occ: Any = 1.0) -> Any:
        """Electrons per Å³ at r in Å; w in Å², see `scattering.electron_density`."""
        return occ * scattering.electron_density(self._name, r, w, self._dispersion)


def _is_real(value: object) -> TypeGuard[float]:
    # Not numpy's numbers: with them GenX loses the composition, and mass density profiles lack the layer.
    return type(value) is float or type(value) is int


def _element(name: str) -> str:
    """The usual spelling: ``fe`` → ``Fe``, ``i58ni`` → ``i58Ni``."""
    isotope, symbol = re.fullmatch(r"(i\d+|)(.*)", name.lower()).groups()  # type: ignore[union-attr]
    return f"{isotope}{symbol.capitalize()}"


def _weight(name: str) -> float:
    element = _element(name)
    if not element.startswith("i"):  # of isotopes GenX has no weight
        with contextlib.suppress(scattering.UnknownElement):
            return scattering.atomic_weight(element)
    raise scattering.UnknownElement(
        f"{element} has no atomic weight to divide its scattering length by",
        hint=f"use fp.{element} or bc.{element} and atoms per Å³, not fw or bw and g/cm³ (GenX leaves out "
        "the division without a word)",
    )
