"""Scattering lengths of elements and isotopes: X-ray form factors, neutron lengths, atomic weights.

The tables in ``tables/`` hold what GenX 3 uses, from the sources it took them from;
``tools/make_scattering_tables.py`` makes them and names the sources. They are read when first asked for, one
element at a time.

Names are spelled ``Fe`` for an element and ``i58Ni`` for an isotope; ions of the form factors as ``O2m``,
``Fe3p``. Upper and lower case do not matter.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metagenx.errors import InputError

__all__ = [
    "WEIGHT_FACTOR",
    "UnknownElement",
    "absorbing_neutron_length",
    "atomic_weight",
    "electron_density",
    "form_factor",
    "neutral_name",
    "neutron_length",
    "xray_factor",
    "xray_factor_at_energy",
]

XrayTable = Literal["nist", "cxro"]

# hc in keV Å as GenX rounds it in its look-ups (its models use 12.39841984).
_HC = 12.39842
# Neutron energy in eV = (this / wavelength in Å)².
_ROOT_OF_NEUTRON_ENERGY = 0.28601435
# Formula units per Å³ from g/cm³ and g/mol; GenX's digits.
WEIGHT_FACTOR = 0.6022141
# Names that users try, and what the tables call them.
_CLOSEST = {"d": ["i2h", "h"], "t": ["i3h", "h"]}


class UnknownElement(InputError, AttributeError):
    """No table has this element, isotope or ion. Also an AttributeError, as ``fp.Xy`` would raise."""


def xray_factor(name: str, wavelength: float | np.ndarray, table: XrayTable = "nist") -> complex | np.ndarray:
    """X-ray scattering length f1 − i f2 in electrons at Q = 0.

    Parameters
    ----------
    name : element.
    wavelength : Å; a scalar or an array of any shape.
    table : ``nist`` (FFAST, C. T. Chantler 2000; GenX 3) or ``cxro`` (B. L. Henke et al. 1993; GenX 2,
        ``fp_old``).

    Raises
    ------
    UnknownElement : the table has no such element.
    InputError : the wavelength lies outside the table.

    Notes
    -----
    Linear interpolation of f1 and f2 in energy, as GenX does.
    """
    with np.errstate(divide="ignore"):
        energy = _HC / np.asarray(wavelength, dtype=float)
    return _interpolate_xray(name, energy, table, "the wavelength")


def xray_factor_at_energy(name: str, energy: float | np.ndarray, table: XrayTable = "nist") -> complex | np.ndarray:
    """X-ray scattering length f1 − i f2 in electrons at Q = 0, at an energy in eV (scalar or array)."""
    return _interpolate_xray(name, np.asarray(energy, dtype=float) / 1000.0, table, "the energy")


def neutron_length(name: str) -> complex:
    """Coherent neutron scattering length in fm, imaginary part < 0 for absorption (V. F. Sears 1992).

    Raises
    ------
    UnknownElement : the table has no such element or isotope.
    """
    names, values = _indexed("neutron")
    return complex(values[names[_spelled(name, tuple(names), "neutron scattering length")]])


def absorbing_neutron_length(name: str, wavelength: float | np.ndarray = 1.79819) -> complex | np.ndarray:
    """Scattering length of a resonant absorber in fm: Re b − i σ_a/(2λ), σ_a the absorption at λ.

    Parameters
    ----------
    name : Li, B, Cd, Gd or one of their isotopes.
    wavelength : Å; a scalar or an array of any shape.

    Raises
    ------
    UnknownElement : there is no absorption table of this name.
    InputError : the wavelength lies outside the table.

    Notes
    -----
    σ_a (Geant4) is interpolated linearly in energy. GenX does not find its isotope tables on file systems that
    tell upper from lower case; here they work.
    """
    symbol = _spelled(name, tuple(n for n in _members("absorption") if n != "energy"), "table of neutron absorption")
    rows, cross_section = _array("absorption", "energy"), _array("absorption", symbol)
    wavelength = np.asarray(wavelength, dtype=float)
    with np.errstate(divide="ignore"):
        energy = (_ROOT_OF_NEUTRON_ENERGY / wavelength) ** 2
    # GenX wants a row on either side of the bracketing ones.
    if np.any((energy <= rows[1]) | (energy >= rows[-2])):
        low, high = _ROOT_OF_NEUTRON_ENERGY / np.sqrt(rows[[-2, 1]])
        raise InputError(
            f"the neutron absorption of {symbol} is tabulated from {low:.4g} to {high:.4g} Å, "
            f"not at {_extremes(wavelength)} Å"
        )
    absorption = np.interp(energy, rows, cross_section) / (2.0 * wavelength) * 1e-3
    length: complex | np.ndarray = _plain(neutron_length(symbol).real - 1j * absorption)
    return length


def atomic_weight(name: str) -> float:
    """Atomic weight in g/mol as GenX has it (of 1999, the uncertain digit glued on), or the mass of an isotope.

    Raises
    ------
    UnknownElement : there is no weight, e.g. of a radioactive element.
    """
    names, values = _indexed("weights")
    return float(values[names[_spelled(name, tuple(names), "atomic weight")]])


def form_factor(name: str, s: float | np.ndarray) -> float | np.ndarray:
    """Form factor f0 of an atom or ion in electrons, Cromer and Mann's approximation.

    f0(s) = c + Σ a_i exp(−b_i s²), valid for s = sin θ/λ below 2 Å⁻¹ (International Tables, vol. C).

    Parameters
    ----------
    name : element or ion, e.g. ``Fe``, ``fe2p``, ``o2m``.
    s : sin θ/λ in Å⁻¹, scalar or array.

    Raises
    ------
    UnknownElement : the table has no such atom or ion.
    """
    amplitudes, exponents, constant = _cromer_mann(name)
    square = np.asarray(s, dtype=float)[..., np.newaxis] ** 2
    factor: float | np.ndarray = _plain(constant + np.sum(amplitudes * np.exp(-exponents * square), axis=-1))
    return factor


def electron_density(name: str, r: np.ndarray, width: float, extra: complex = 0.0) -> np.ndarray:
    """Electron density of an atom smeared by a Gaussian, e/Å³: the Fourier transform of f0 + `extra`.

    Parameters
    ----------
    name : element or ion.
    r : distance from the nucleus in Å, any shape.
    width : half the mean square displacement u plus that of the smearing, Å².
    extra : what to add to the form factor at every s (dispersion correction), electrons.
    """
    amplitudes, exponents, constant = _cromer_mann(name)
    square = np.asarray(r, dtype=float)[..., np.newaxis] ** 2
    widths = exponents / (16.0 * np.pi**2) + width
    gaussians = amplitudes / (8.0 * (np.pi * widths) ** 1.5) * np.exp(-square / (4.0 * widths))
    core = (constant + extra) / (8.0 * (np.pi * width) ** 1.5) * np.exp(-square[..., 0] / (4.0 * width))
    return np.asarray(np.sum(gaussians, axis=-1) + core)


def neutral_name(name: str) -> str:
    """Name of the neutral atom of an ion: ``o2m`` → ``o``."""
    return name[:-2] if len(name) > 2 and name[-2].isdigit() else name


def _interpolate_xray(name: str, energy: np.ndarray, table: XrayTable, what: str) -> complex | np.ndarray:
    symbol = _spelled(name, _members(table), "X-ray scattering factor")
    energies, f1, f2 = _array(table, symbol)
    # Henke's f1 begins at 29 eV; GenX gives −9999 below.
    first = int(np.argmax(np.isfinite(f1)))
    if np.any((energy < energies[first]) | (energy > energies[-1])):
        raise InputError(
            f"{what} lies outside the scattering factors of {symbol}, which reach from "
            f"{energies[first] * 1000:.5g} to {energies[-1] * 1000:.6g} eV "
            f"({_HC / energies[-1]:.3g} to {_HC / energies[first]:.4g} Å); "
            f"it is {_extremes(energy * 1000)} eV"
        )
    factor: complex | np.ndarray = _plain(np.interp(energy, energies, f1) - 1j * np.interp(energy, energies, f2))
    return factor


def _extremes(values: np.ndarray) -> str:
    low, high = np.nanmin(values), np.nanmax(values)
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _plain(values: Any) -> Any:
    """A Python number instead of an array without dimensions."""
    return values if np.ndim(values) else np.asarray(values).item()


def _cromer_mann(name: str) -> tuple[np.ndarray, np.ndarray, float]:
    names, values = _indexed("form_factors")
    row = values[names[_spelled(name, tuple(names), "form factor")]]
    return row[0:8:2], row[1:8:2], float(row[8])


def _spelled(name: str, known: tuple[str, ...], what: str) -> str:
    """The table's spelling of a name, whatever its case."""
    spelling = _spellings(known)
    found = spelling.get(name.lower())
    if found is not None:
        return found
    if name.lower() in _spellings(_members("nist")):
        raise UnknownElement(
            f"there is no {what} of {name!r}", hint="the element exists, but its table has no entry for it"
        )
    close = _CLOSEST.get(name.lower()) or difflib.get_close_matches(name.lower(), list(spelling), n=3, cutoff=0.5)
    close = [spelling[c] for c in close if c in spelling]
    hint = f"did you mean {' or '.join(close)}?" if close else "names are like Fe or i58Ni"
    raise UnknownElement(f"there is no {what} of {name!r}", hint=hint)


@cache
def _spellings(known: tuple[str, ...]) -> dict[str, str]:
    return {name.lower(): name for name in known}


def _file(table: str) -> Path:
    return Path(__file__).parent / "tables" / f"{table}.npz"


@cache
def _members(table: str) -> tuple[str, ...]:
    with np.load(_file(table)) as archive:
        return tuple(archive.files)


@cache
def _array(table: str, member: str) -> np.ndarray:
    with np.load(_file(table)) as archive:
        values: np.ndarray = archive[member]
    values.setflags(write=False)
    return values


@cache
def _indexed(table: str) -> tuple[dict[str, int], np.ndarray]:
    """Rows by name of a table with one row per name."""
    return {str(name): i for i, name in enumerate(_array(table, "names"))}, _array(table, "values")
