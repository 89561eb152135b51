"""The scattering tables against numbers that GenX computed and that others publish."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.physics import scattering


def test_values_that_genx_computed() -> None:
    """Entries `eval` of the reference cases mass_density_style_00 and scattering_length_arithmetic_00, _01."""
    factor, weight = scattering.WEIGHT_FACTOR, scattering.atomic_weight
    iron = scattering.xray_factor("Fe", 1.54) * factor / weight("Fe")
    assert iron == pytest.approx(0.26707817818349994 - 0.03427730589079486j, rel=1e-14)
    alumina = 2 * scattering.xray_factor("Al", 1.54) + 3 * scattering.xray_factor("O", 1.54)
    assert alumina == pytest.approx(50.550559629031255 - 0.5868712542587299j, rel=1e-14)
    gold = scattering.neutron_length("Au") * factor / weight("Au")
    assert gold == pytest.approx(0.023328293745021232, rel=1e-14)
    gadolinium = scattering.absorbing_neutron_length("Gd")
    assert gadolinium == pytest.approx(6.5 - 13.748397748637327j, rel=1e-14)


def test_tables_of_genx_2_and_3_differ_as_known() -> None:
    assert scattering.xray_factor("Pt", 1.54).real == pytest.approx(73.25, abs=0.005)
    assert scattering.xray_factor("Pt", 1.54, "cxro").real == pytest.approx(73.66, abs=0.005)


def test_forward_form_factor_is_the_number_of_electrons() -> None:
    for name, electrons in (("Fe", 26), ("o", 8), ("fe3p", 23), ("O2m", 10), ("Sr2p", 36)):
        assert scattering.form_factor(name, 0.0) == pytest.approx(electrons, abs=0.05)


def test_coefficients_are_those_of_the_reference(shared: Path) -> None:
    table = json.loads((shared / "reference" / "f0_cromer_mann.json").read_text())
    for name, row in table.items():
        if name.isalnum() and isinstance(row, list) and isinstance(row[0], float):
            s = np.array([0.0, 0.3, 1.7])
            expected = row[8] + sum(a * np.exp(-b * s**2) for a, b in zip(row[0:8:2], row[1:8:2], strict=True))
            np.testing.assert_allclose(scattering.form_factor(name, s), expected, rtol=1e-12)


def test_corrections_are_those_of_the_reference(shared: Path) -> None:
    nist = pytest.importorskip("orsopy.slddb.element_table.xray_nist").XRAY_SCATTERING_FACTORS
    for name, row in json.loads((shared / "reference" / "fp_f1_shift_vs_orsopy.json").read_text()).items():
        energy, f1, f2 = (np.array(column) for column in nist[name])
        between = 0.3 * energy[100] + 0.7 * energy[101]
        expected = np.interp(between, energy, f1) + row["f1_shift"] - 1j * np.interp(between, energy, f2)
        # The reference has rounded the constants to seven decimals.
        assert scattering.xray_factor_at_energy(name, 1000 * between) == pytest.approx(expected, abs=5e-8)


def test_electron_density_holds_all_electrons() -> None:
    r = np.linspace(0.0, 12.0, 4001)
    density = scattering.electron_density("o2m", r, 0.05, extra=0.5)
    assert np.trapezoid(4 * np.pi * r**2 * density, r) == pytest.approx(
        scattering.form_factor("o2m", 0.0) + 0.5, abs=0.01
    )


@given(st.floats(0.1, 100.0), st.floats(0.1, 100.0))
def test_arrays_are_as_scalars(first: float, second: float) -> None:
    wavelength = np.array([[first], [second]])
    for look_up in (
        lambda w: scattering.xray_factor("Ni", w),
        lambda w: scattering.absorbing_neutron_length("Cd", np.minimum(w, 45.0)),
    ):
        values = look_up(wavelength)
        assert values.shape == (2, 1)
        # A candidate's number does not depend on its company; a plain number goes another way through numpy.
        alone = [look_up(np.array([[w]]))[0, 0] for w in (first, second)]
        assert values[:, 0].tolist() == alone
        np.testing.assert_allclose(values[:, 0], [look_up(first), look_up(second)], rtol=1e-13)


def test_nan_stays_with_its_candidate() -> None:
    values = scattering.xray_factor("Ni", np.array([[1.54], [np.nan]]))
    assert values[0, 0] == scattering.xray_factor("Ni", 1.54)
    assert np.isnan(values[1, 0])


def test_case_does_not_matter_and_isotopes_are_known() -> None:
    assert scattering.neutron_length("I58NI") == scattering.neutron_length("i58Ni") == 14.4
    assert scattering.neutron_length("i2h") == pytest.approx(6.671)
    assert scattering.atomic_weight("i2H") == pytest.approx(2.0141, abs=1e-4)
    assert scattering.absorbing_neutron_length("i157gd").imag < -30.0


@pytest.mark.parametrize("wavelength", [0.0, 0.03, 2000.0, -1.0, np.array([[1.54], [0.001]])])
def test_wavelength_outside_the_table(wavelength: float) -> None:
    with pytest.raises(InputError, match="outside the scattering factors of Fe"):
        scattering.xray_factor("Fe", wavelength)


def test_no_real_part_below_29_ev_in_the_old_table() -> None:
    with pytest.raises(InputError, match="outside"):
        scattering.xray_factor("Fe", 500.0, "cxro")


@pytest.mark.parametrize("wavelength", [0.04, 60.0])
def test_wavelength_outside_the_absorption_table(wavelength: float) -> None:
    with pytest.raises(InputError, match="tabulated from"):
        scattering.absorbing_neutron_length("Gd", wavelength)


@pytest.mark.parametrize(
    ("look_up", "name", "hint"),
    [
        (lambda n: scattering.xray_factor(n, 1.54), "Sii", "Si"),
        (scattering.neutron_length, "D", "i2H"),
        (scattering.atomic_weight, "Tc", "exists"),
        (scattering.absorbing_neutron_length, "Fe", "exists"),
        (lambda n: scattering.form_factor(n, 0.0), "o3m", "O2m"),
    ],
)
def test_unknown_names(look_up: object, name: str, hint: str) -> None:
    with pytest.raises(scattering.UnknownElement) as error:
        look_up(name)
    assert repr(name) in str(error.value)
    assert hint.lower() in str(error.value).lower()
    assert isinstance(error.value, AttributeError)


def test_neutral_name() -> None:
    assert [scattering.neutral_name(n) for n in ("o2m", "sr2p", "o", "fe")] == ["o", "sr", "o", "fe"]
