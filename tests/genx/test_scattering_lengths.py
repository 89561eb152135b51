"""The databases of models.utils, as scripts use them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from metagenx.errors import InputError
from metagenx.genx.models.scattering_lengths import DIVISION, fresh_databases
from metagenx.physics import scattering


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def utils(notices: list[str]) -> dict[str, Any]:
    return fresh_databases(notices)


def test_values_that_genx_computed(utils: dict[str, Any]) -> None:
    fp, fw, bc, bw, bl = (utils[name] for name in ("fp", "fw", "bc", "bw", "bl"))
    assert fw.Fe == pytest.approx(0.26707817818349994 - 0.03427730589079486j, rel=1e-14)
    assert bw.fe == pytest.approx(0.101905324808578, rel=1e-14)
    assert 2 * fp.Al + 3 * fp.O == pytest.approx(50.550559629031255 - 0.5868712542587299j, rel=1e-14)
    assert bc.Fe * 0.5 + bc.Co * 0.5 == pytest.approx(5.97, rel=1e-14)
    assert bl.Gd == pytest.approx(6.5 - 13.748397748637327j, rel=1e-14)


def test_composition_is_kept(utils: dict[str, Any]) -> None:
    fp, bc, fw = utils["fp"], utils["bc"], utils["fw"]
    assert (2 * fp.Al + fp.o * 3.0 + fp.Al).composition == {"Al": 3, "O": 3.0}
    assert sum([fp.Fe, fp.O]).composition == {"Fe": 1, "O": 1}
    assert (fp.Fe / 2).composition == {"Fe": 0.5}
    assert bc.i58ni.composition == {"i58Ni": 1}
    assert fw.Ni.composition == {"Ni": pytest.approx(0.6022141 / 58.69342)}


def test_other_operations_give_plain_numbers_as_in_genx(utils: dict[str, Any]) -> None:
    fe, o = utils["fp"].Fe, utils["fp"].O
    for value in (
        -fe,
        fe - o,
        fe * 2j,
        fe * o,
        fe * np.float64(2.0),
        np.float64(2.0) * fe,
        fe + 1.0,
        fe * True,
    ):
        assert not hasattr(value, "composition")
    assert np.float64(2.0) * fe == 2 * fe == fe * np.float64(2.0)
    assert fe - o == complex(fe) - complex(o)


def test_division_divides_and_says_so(utils: dict[str, Any], notices: list[str]) -> None:
    fe = utils["fp"].Fe
    assert fe * 2.0 == 2 * complex(fe)
    assert utils["fw"].Fe
    assert utils["bw"].Ni
    assert notices == []  # nobody has divided: that fw is per weight is no doing of the script
    assert fe / 2 == complex(fe) / 2
    assert utils["fw"].Fe / 2.0 == complex(utils["fw"].Fe) / 2
    np.testing.assert_array_equal(fe / np.array([[2.0], [4.0]]), complex(fe) / np.array([[2.0], [4.0]]))
    assert notices == [DIVISION]
    with pytest.raises(ZeroDivisionError):
        fe / 0


def test_division_as_genx_does_it() -> None:
    notices: list[str] = []
    databases = fresh_databases(notices, genx_division=True)
    fp, fw = databases["fp"], databases["fw"]
    assert fp.Fe / 2 == 2 * fp.Fe  # type: ignore[attr-defined]
    assert fw.Fe == pytest.approx(complex(fp.Fe) * 0.6022141 / 55.8452)  # type: ignore[attr-defined]
    assert notices == []


def test_populations(utils: dict[str, Any]) -> None:
    fp = utils["fp"]
    share = np.array([[0.25], [0.5]])
    mixed = fp.Fe * share + fp.Co * (1 - share)
    assert mixed.shape == (2, 1)
    assert mixed[1, 0] == 0.5 * fp.Fe + 0.5 * fp.Co
    fp.set_wavelength(np.array([[1.5], [1.54]]))
    assert (2 * fp.Fe).shape == (2, 1)
    alone = fresh_databases()["create_fp"](1.5).Fe  # type: ignore[operator]
    assert fp.Fe[0, 0] == alone
    assert utils["create_fw"](np.array([[1.5]])).Fe[0, 0] == pytest.approx(alone * 0.6022141 / 55.8452)


def test_wavelength_belongs_to_one_database_of_one_model(utils: dict[str, Any]) -> None:
    before = utils["fw"].Fe
    default = utils["fp"].Fe
    utils["fp"].set_wavelength(0.7)
    assert utils["fw"].Fe == before
    assert utils["fp"].Fe != default
    assert fresh_databases()["fp"].Fe == default  # type: ignore[attr-defined]
    utils["fp"].set_wavelength(1.54)
    assert utils["fp"].Fe == default
    with pytest.raises(InputError, match="not a number"):
        utils["fp"].set_wavelength("long")


def test_old_table(utils: dict[str, Any]) -> None:
    assert utils["fp_old"].Pt == scattering.xray_factor("Pt", 1.54, "cxro") == utils["create_fp_old"](1.54).pt
    assert fresh_databases(table="cxro")["fp"].Pt == utils["fp_old"].Pt  # type: ignore[attr-defined]


def test_functions_of_energy(utils: dict[str, Any]) -> None:
    fd, fp = utils["fd"], utils["fp"]
    energy = 12398.42 / 1.54
    alloy = (2 * fd.Fe + fd.co) / 2 - fd.O + 1j
    assert alloy(energy) == pytest.approx(fp.Fe + fp.Co * 0.5 - complex(fp.O) + 1j, rel=1e-13)
    assert alloy(np.array([8000.0, 9000.0])).shape == (2,)
    fitted = np.array([[0.5], [1.0]]) * fd.Fe
    assert fitted(np.array([8000.0, 9000.0, 9500.0])).shape == (2, 3)
    assert fitted.composition == {}
    assert (fd.Fe * 2 + fd.O).composition == {"Fe": 2, "O": 1}
    assert (1 - fd.Fe)(energy) == pytest.approx(1 - complex(fp.Fe))


def test_form_factors(utils: dict[str, Any]) -> None:
    f, f0, fp = utils["f"], utils["f0"], utils["fp"]
    assert f0.Fe(0.0) == pytest.approx(26, abs=0.05)
    assert f.Fe(0.0) == pytest.approx(complex(fp.Fe), rel=1e-13)
    # An ion has the dispersion of its neutral atom.
    assert f.o2m(0.3) == pytest.approx(f0.o2m(0.3) + complex(fp.O) - f0.O(0.0), rel=1e-13)
    assert utils["rho"].o2m(np.array([0.0, 1.0]), 0.1, 0.5).shape == (2,)
    other = utils["sl"].FormFactor(1.1, utils["__lookup_f__"])
    assert other.Fe(0.0) == pytest.approx(complex(utils["create_fp"](1.1).Fe))


@pytest.mark.parametrize("name", ["fp", "fp_old", "fw", "bc", "bw", "bl", "fd", "f0", "f", "rho"])
def test_unknown_elements(utils: dict[str, Any], name: str) -> None:
    with pytest.raises(InputError, match="Xx"):
        getattr(utils[name], "Xx")  # noqa: B009
    assert not hasattr(utils[name], "__array__")


@pytest.mark.parametrize("name", ["Tc", "i58Ni"])
def test_no_weight_no_normalised_length(utils: dict[str, Any], name: str) -> None:
    with pytest.raises(InputError, match=f"{name} has no atomic weight"):
        getattr(utils["bw"], name)


def test_copies(utils: dict[str, Any]) -> None:
    oxide = utils["fp"].Fe + utils["fp"].O
    for made in (copy.copy(oxide), copy.deepcopy(oxide), pickle.loads(pickle.dumps(oxide))):
        assert made == oxide
        assert made.composition == oxide.composition
    assert copy.deepcopy(utils["fp"]).Fe == utils["fp"].Fe
