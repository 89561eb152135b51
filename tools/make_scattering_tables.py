"""Make the scattering tables of metagenx/physics/tables from their published sources.

Run with orsopy (MIT) installed: ``python tools/make_scattering_tables.py``. Sources:

nist.npz        f1, f2: NIST FFAST (Chantler), as downloaded by orsopy, plus the corrections of
                f1_corrections.csv, which orsopy leaves out. The two rows above 400 keV are dropped, as in GenX.
cxro.npz        f1, f2: Henke, Gullikson and Davis (CXRO), as downloaded by orsopy.
neutron.npz     coherent scattering lengths: Neutron News 3 (1992) 26 (V. F. Sears), NIST list in orsopy.
absorption.npz  neutron absorption cross sections: Geant4, in orsopy (there as lengths, of six digits).
weights.npz     atomic weights: atomic_weights.csv; masses of isotopes: AME2012 in orsopy.
form_factors.npz  Cromer-Mann coefficients: f0_cromer_mann.csv.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from orsopy.slddb import element_table
from orsopy.slddb.element_table.masses import ATOMIC_WEIGHTS, ELEMENT_CHARGES
from orsopy.slddb.element_table.nabs_geant4 import DATA_DIR, NEUTRON_ABSORPTIONS
from orsopy.slddb.element_table.nlengths import NEUTRON_SCATTERING_LENGTHS
from orsopy.slddb.element_table.xray_henke import XRAY_SCATTERING_FACTORS as CXRO
from orsopy.slddb.element_table.xray_nist import XRAY_SCATTERING_FACTORS as NIST

CONSTANTS = Path(__file__).parent / "scattering_constants"
TABLES = Path(__file__).parent.parent / "metagenx" / "physics" / "tables"
SYMBOLS = {charge: symbol for symbol, charge in ELEMENT_CHARGES.items() if symbol not in ("D", "T", "Hx")}
HIGHEST_ENERGY = 400.0  # keV; GenX leaves out the rows above
# Neutron energy in eV from a wavelength in Å, E = (c/λ)²; with this c orsopy converted the rows of Geant4.
ROOT_OF_ENERGY = 0.28601435


def rows(name: str) -> list[list[str]]:
    """Lines of one file of constants, without comments and header."""
    with open(CONSTANTS / name) as file:
        return list(csv.reader(line for line in file if not line.startswith("#")))[1:]


def name_of(key: str | tuple[int, int]) -> str:
    """GenX's name of an element (``Fe``) or isotope (``i58Ni``) from orsopy's key."""
    return key if isinstance(key, str) else f"i{key[1]}{SYMBOLS[key[0]]}"


def six_digits(values: np.ndarray) -> np.ndarray:
    """The six-digit decimals that the numbers came from, without the noise of a conversion."""
    return np.array([float(f"{value:.6g}") for value in values])


def save(name: str, **arrays: np.ndarray) -> None:
    """Write one table, compressed."""
    np.savez_compressed(TABLES / name, **arrays)
    print(f"{name:18} {len(arrays):4} arrays {(TABLES / name).stat().st_size / 1000:8.1f} kB")


def nist() -> dict[str, np.ndarray]:
    """Energy in keV, f1 with corrections, f2 of every element."""
    tables = {}
    for element, relativistic, nuclear in rows("f1_corrections.csv"):
        energy, f1, f2 = np.array(NIST[element])
        keep = energy <= HIGHEST_ENERGY
        tables[element] = np.array([energy, f1 + (float(relativistic) + float(nuclear)), f2])[:, keep]
    return tables


def cxro() -> dict[str, np.ndarray]:
    """Energy in keV, f1 (NaN where there is none), f2 of every element."""
    tables = {}
    for element, table in CXRO.items():
        array = np.array(table)
        tables[element] = array[:, np.argsort(array[0], kind="stable")]
    return tables


def absorption() -> dict[str, np.ndarray]:
    """Absorption cross sections in barn, and the energies in eV (the same for all), as printed by Geant4."""
    folder = Path(element_table.__file__).parent / DATA_DIR
    tables: dict[str, np.ndarray] = {}
    for key, file in NEUTRON_ABSORPTIONS.items():
        wavelength, length = np.load(folder / file)["arr_0"]
        energy = six_digits((ROOT_OF_ENERGY / wavelength[::-1]) ** 2)
        assert np.array_equal(tables.setdefault("energy", energy), energy)
        tables[name_of(key)] = six_digits(2 * wavelength * length * 1000)[::-1]
    return tables


def weights() -> dict[str, np.ndarray]:
    """Names and weights; for an isotope of the neutron table its mass.

    GenX glues the uncertainty to the value: 55.845(2) is its 55.8452, and its files are normalised so.
    """
    table = {element: float(text.replace("(", "").replace(")", "")) for element, text in rows("atomic_weights.csv")}
    for key in NEUTRON_SCATTERING_LENGTHS:
        if isinstance(key, tuple):
            table[name_of(key)] = ATOMIC_WEIGHTS[key]
    return {"names": np.array(list(table)), "values": np.array(list(table.values()))}


def main() -> None:
    """Write all tables."""
    TABLES.mkdir(exist_ok=True)
    save("nist.npz", **nist())
    save("cxro.npz", **cxro())
    lengths = {name_of(k): b for k, b in NEUTRON_SCATTERING_LENGTHS.items() if k not in ("D", "Hx", "T")}
    save("neutron.npz", names=np.array(list(lengths)), values=np.array(list(lengths.values()), dtype=complex))
    save("absorption.npz", **absorption())
    save("weights.npz", **weights())
    factors = rows("f0_cromer_mann.csv")
    coefficients = np.array([row[1:] for row in factors], dtype=float)
    save("form_factors.npz", names=np.array([row[0] for row in factors]), values=coefficients)


if __name__ == "__main__":
    main()
