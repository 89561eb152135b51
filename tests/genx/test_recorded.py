"""Scripts whose layers are made in a loop: simulations recorded for a population, computed together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metagenx
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row
from metagenx.genx.population import ModelProblem

SLICED = """\
from numpy import *
import models.{library} as model
from models.utils import UserVars
cp = UserVars()
cp.new_var('period', 30.0)
cp.new_var('tau', 12.0)
cp.new_var('n', 12.0)
cp.new_sys_err('scale', 1.0, 0.1)
inst = model.Instrument({instrument})
Amb = model.Layer()
Sub = model.Layer({substrate}, sigma=3.0)
Profile = model.Stack(Layers=[], Repetitions=1)
sample = model.Sample(Stacks=[Profile], Ambient=Amb, Substrate=Sub)
def Sim(data):
    z = 2.5*arange(int(float(cp.n)))
    rho = 0.1 + 0.1*cp.scale*exp(-z/cp.tau)*sin(2*pi*z/cp.period)
    Profile.Layers = [model.Layer({layer}, d=2.5) for r in rho]
    I = []
    I.append(sample.SimSpecular(data[0].x, inst))
{more}    return I
"""
XRAY = {
    "library": "spec_nx",
    "instrument": "probe='x-ray', wavelength=1.54, coords='tth', restype='full conv and varying res.', res=0.02, "
    "footype='gauss beam', beamw=0.05",
    "substrate": "f=14.0-0.3j, dens=0.05",
    "layer": "f=r, dens=1",
}
NEUTRONS = {
    "library": "spec_nx",
    "instrument": "probe='neutron pol', wavelength=4.4, coords='q', pol='ass'",
    "substrate": "b=4.15, dens=0.05",
    "layer": "b=100*r, dens=0.1, magn=r, xs_ai=1.0",
}
DENSITIES = {
    "library": "soft_nx",
    "instrument": "probe='neutron tof', coords='q', incangle=0.7, restype='fast conv', res=0.001",
    "substrate": "sld_n=2.07",
    "layer": "sld_n=40*r-1e-3j",
}
ROWS = [
    Row("cp.setPeriod", 30.0, True, 15.0, 45.0),
    Row("cp.setTau", 12.0, True, 5.0, 25.0),
    Row("cp.setScale", 1.0, True, 0.8, 1.2),
    Row("cp.setN", 12.0, True, 9.0, 12.9),
    Row("inst.setI0", 1.0, True, 0.8, 1.2),
    Row("inst.setIbkg", 1e-6, True, 1e-7, 1e-5),
    Row("inst.setTthoff", 0.0, True, -0.02, 0.02),
    Row("Sub.setSigma", 3.0, True, 0.0, 6.0),
]


def problem(kind: dict[str, str] = XRAY, more: str = "", n_data: int = 1, **replaced: str) -> ModelProblem:
    x = np.linspace(0.1, 3.0, 30) if "tth" in kind["instrument"] else np.linspace(0.005, 0.15, 30)
    y = 10.0 ** -np.linspace(0.0, 5.0, 30)
    data = DataList([DataSet(str(i), x, y, 0.1 * y) for i in range(n_data)])
    script = SLICED.format(more=more, **{**kind, **replaced})
    return metagenx.Model(GenxFile(script=script, fom_name="log", table=ROWS, data=data)).problem()


def some(found: ModelProblem, n: int = 9, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(*found.bounds.T, size=(n, len(found.names)))


def assert_as_one_by_one(found: ModelProblem, vectors: np.ndarray) -> None:
    alone = found._one_by_one(vectors)
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(found.evaluate(vectors), alone, rtol=1e-13)


@pytest.mark.parametrize("kind", [XRAY, NEUTRONS, DENSITIES], ids=["x-ray", "asymmetry", "time of flight"])
def test_a_recorded_population_is_what_its_members_are(kind: dict[str, str]) -> None:
    found = problem(kind)
    assert found.path == "recorded", found.why_not_recorded
    assert found.why_not
    vectors = some(found)
    assert_as_one_by_one(found, vectors)
    together = found.evaluate(vectors)
    np.testing.assert_array_equal(np.concatenate([found.evaluate(v[None]) for v in vectors]), together)
    np.testing.assert_array_equal(found.evaluate(vectors[::-1])[::-1], together)


@pytest.fixture(scope="module")
def broadcast() -> ModelProblem:
    """A script that can go all three ways."""
    kind = {**XRAY, "layer": "f=r, dens=1"}
    script = SLICED.format(more="", **kind)
    start, end = script.index("    z = 2.5"), script.index("    I = []")
    script = script[:start] + "    film.setF(0.1 + 0.01*cp.period)\n    film.setD(cp.tau)\n" + script[end:]
    script = script.replace("Profile = ", "film = model.Layer(dens=1.0)\nProfile = ").replace("[]", "[film]", 1)
    x = np.linspace(0.1, 3.0, 30)
    data = DataList([DataSet("d", x, 10.0 ** -np.linspace(0.0, 5.0, 30), x)])
    rows = [row for row in ROWS if row.name != "cp.setN"]
    return metagenx.Model(GenxFile(script=script, fom_name="log", table=rows, data=data)).problem()


@given(st.lists(st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_three_paths_same_digits(broadcast: ModelProblem, places: list[list[float]]) -> None:
    low, high = broadcast.bounds.T
    vectors = low + np.array(places) * (high - low)
    assert broadcast.path == "population", broadcast.why_not
    population = broadcast.evaluate(vectors)
    np.testing.assert_allclose(broadcast._one_by_one(vectors), population, rtol=1e-13)
    recorded = broadcast._recorded(vectors)
    np.testing.assert_allclose(recorded, population, rtol=1e-13)
    np.testing.assert_array_equal(np.concatenate([broadcast._recorded(v[None]) for v in vectors]), recorded)


def test_a_curve_that_the_script_touches_is_computed_on_the_spot() -> None:
    more = """\
    c = sample.SimSpecular(data[1].x, inst)
    c *= 0.5
    I.append(sqrt(c**2) + c.sum()*1e-9 + 0.5*c[::-1][::-1] + mean(c)*0 + max([v for v in c])*0)
    inst.setI0(1.0*inst.getI0())
"""
    found = problem(more=more, n_data=2)
    assert found.path == "recorded"
    assert_as_one_by_one(found, some(found))


def test_nothing_left_to_record() -> None:
    kind = {**XRAY, "layer": "f=r, dens=1"}
    found = problem(kind, more="    I = [2.0*I[0]]\n")
    assert found.path == "one by one"
    assert "calculates with them" in (found.why_not_recorded or "")


def test_layers_that_change_after_the_simulation() -> None:
    more = """\
    Sub.sigma = 2*Sub.sigma
    I.append(sample.SimSpecular(data[1].x, inst))
    Sub.sigma = Sub.sigma/2
"""
    found = problem(more=more, n_data=2)
    assert found.path == "recorded"
    assert_as_one_by_one(found, some(found))


def test_the_other_side_and_an_option_that_depends_on_a_candidate() -> None:
    more = (
        "    inst.setRestype('no conv' if cp.tau > 15 else 'full conv and varying res.')\n"
        "    I.append((-sample).SimSpecular(data[1].x, inst))\n"
        "    inst.setRestype('full conv and varying res.')\n"
    )
    found = problem(more=more, n_data=2)
    assert found.path == "recorded"
    assert_as_one_by_one(found, some(found))


def test_a_failing_candidate_fails_alone() -> None:
    more = """\
    if cp.tau > 20:
        raise ValueError("too thick")
"""
    found = problem(more=more)
    vectors = some(found, 6)
    vectors[:, 1] = [10.0, 22.0, 12.0, 14.0, 8.0, 9.0]
    foms = found.evaluate(vectors)
    np.testing.assert_array_equal(np.isfinite(foms), [True, False, True, True, True, True])
    assert "too thick" in (found.last_failure or "")
    assert found.n_failed == 1
    np.testing.assert_allclose(np.delete(foms, 1), found._one_by_one(np.delete(vectors, 1, axis=0)), rtol=1e-13)


def test_a_script_that_replaces_its_data() -> None:
    found = problem(more="    data[0].y = data[0].y_raw*cp.scale\n")
    assert found.path == "one by one"
    assert found.why_not_recorded


@pytest.mark.parametrize("name", ["tofile", "dump", "ctypes", "base", "is_known", "_call"])
def test_a_placeholder_gives_nothing_away(name: str) -> None:
    """Not even if the script makes up an attribute of this name, so that it may write it."""
    more = f"    class A:\n        {name} = 1\n    I[0].{name}\n" if name[0] != "_" else f"    I[0].{name}\n"
    try:
        found = problem(more=more)
    except metagenx.errors.InputError:
        return  # refused or failed: as it is for an array
    assert found.path == "one by one"
