"""Surface diffraction in scripts: inside the safe subset, and all that can be fitted, alone and in company."""

from __future__ import annotations

from typing import Any

import numpy as np
import plain_sxrd as plain
import pytest
from test_script_walk import is_door, walk

import metagenx
from metagenx.errors import ScriptError, ScriptRefused
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row
from metagenx.genx.models import sxrd
from metagenx.genx.population import candidate_simulations
from metagenx.genx.script import ScriptModule

STRUCTURE = """\
from numpy import *
from models.utils import UserVars
import models.utils as utils
import models.symmetries as symmetries
import models.{library} as model
cp = UserVars()
cp.new_var('offset', 0.01)
cp.new_var('scale', 1.0)
cell = model.UnitCell(3.9, 4.1, 4.3, 85, 95, 100)
bulk = model.Slab()
bulk.add_atom('b1', 'ti4p', 0.1, 0.2, 0.3, 0.05, 0.9, 2)
bulk.add_atom('b2', 'o2m', 0.5, 0.2, 0.8, 0.03, 1.0)
surf = model.Slab('surf', c=1.1)
surf.add_atom('s1', 'o2m', 0.11, 0.22, 0.33, 0.06, 0.8)
surf.add_atom('s2', 'La', 0.61, 0.52, 0.73, 0.04, 0.5)
surf.add_atom('s3', 'sr2p', 0.61, 0.52, 0.73, 0.04, 0.5)
top = surf.copy()
flib = utils.sl.FormFactor(1.1, utils.__lookup_f__)
mixed = surf['s2'] ^ surf['s3']
oxygen = surf.find_atoms('el == "o2m" and z < 0.5') + top.find_atoms('el == "o2m"')
"""
SXRD = (
    STRUCTURE.format(library="sxrd")
    + """\
inst = model.Instrument(wavel=1.1, alpha=0.5, flib=flib)
sample = model.Sample(inst, bulk, [surf, surf, top], cell, symmetries.p2, [model.SymTrans()])
def Sim(data):
    return [cp.scale*abs(sample.calc_f(d.h, d.k, d.x + cp.offset))**2 for d in data]
"""
)
SXRD2 = (
    STRUCTURE.format(library="sxrd2")
    + """\
inst = model.Instrument(inten=1.0, wavel=1.1, alpha=0.5, geom='alpha_out fixed', flib=flib)
one = model.Domain(bulk, [surf, surf, top], cell, occ=0.6, surface_sym=symmetries.p4, bulk_sym=symmetries.p4)
other = model.Domain(bulk, [top], cell, occ=0.4)
sample = model.Sample([one, other], cohf=0.3)
def Sim(data):
    return model.scale_sqrt_sim(data, [sample.calc_i(inst, d.h, d.k, d.x) for d in data], cp.setScale)
"""
)
SUPERLATTICE = (
    STRUCTURE.format(library="sxrd").replace("models.sxrd as model", "models.sxrd as model, models.sxrd_mult as mult")
    + """\
inst = model.Instrument(wavel=1.1, alpha=0.5, flib=flib)
sl = mult.SLStandard(inst, cell, surf, top, a_sym=symmetries.p2)
sl.setsigmaa(0.4)
sl.setsigmab(0.5)
sample = mult.SLSample(inst, bulk, sl, cell)
def Sim(data):
    return [sample.calc_i(d.h, d.k, d.x) for d in data]
"""
)
ATOMS = {
    "surf.sets1dz": (-0.1, 0.1), "surf.sets1dx": (-0.1, 0.1), "top.sets1dy": (-0.1, 0.1), "oxygen.setu": (0.01, 0.1),
    "surf.sets1m": (0.5, 1.5), "top.sets2oc": (0.0, 1.0), "mixed.setcomp": (0.0, 1.0), "mixed.setoc": (0.5, 1.0),
    "mixed.setdz": (-0.1, 0.1), "surf.set_c": (0.9, 1.2), "surf.set_oc": (0.5, 1.0), "bulk.setb1u": (0.0, 0.1),
    "bulk.setb1dz": (-0.05, 0.05), "bulk.set_oc": (0.5, 1.0), "top.c": (0.9, 1.1), "bulk.x[0]": (0.05, 0.15),
    "surf.z[1]": (0.7, 0.8), "inst.set_inten": (0.5, 2.0), "inst.set_alpha": (0.2, 1.0),
}  # fmt: skip
OF_ONE = {"cp.setOffset": (-0.02, 0.02), "cp.setScale": (0.5, 2.0), "inst.set_wavel": (1.0, 1.2)}
OF_DOMAINS = {"one.set_occ": (0.1, 1.0), "sample.set_cohf": (0.0, 1.0), "inst.set_energy": (10.0, 12.0)}
OF_SUPERLATTICES = {
    "sl.setna": (1.5, 5.0), "sl.setnb": (1.5, 4.0), "sl.setsigmaa": (0.3, 1.0), "sl.setsigmab": (0.3, 1.0),
    "sl.setrepetitions": (1.0, 9.0), "sl.seta": (-0.1, 0.1), "sl.setc": (0.0, 0.05),
}  # fmt: skip
CASES = {
    "sxrd": (SXRD, ATOMS | OF_ONE), "sxrd2": (SXRD2, ATOMS | OF_DOMAINS),
    "sxrd_mult": (SUPERLATTICE, ATOMS | OF_SUPERLATTICES),
}  # fmt: skip


def data() -> DataList:
    rng = np.random.default_rng(1)
    sets = []
    for h, k in ((1, 0), (0, 2), (1, 1)):
        x = np.linspace(0.21, 4.3, 40)
        sets.append(DataSet(f"{h} {k}", x, rng.uniform(1, 100, 40), 0 * x + 1, extra={"h": h + 0 * x, "k": k + 0 * x}))
    return DataList(sets)


def problem(script: str, limits: dict[str, tuple[float, float]]) -> Any:
    rows = [Row(name, (low + high) / 2, True, low, high) for name, (low, high) in limits.items()]
    return metagenx.Model(GenxFile(script=script, fom_name="log", table=rows, data=data())).problem()


def check(script: str, limits: dict[str, tuple[float, float]]) -> None:
    found = problem(script, limits)
    assert found.path == "population", found.why_not
    vectors = np.random.default_rng(2).uniform(*found.bounds.T, size=(5, len(limits)))
    together = found.evaluate(vectors)
    assert np.isfinite(together).all()
    assert len(set(together.tolist())) == 5
    np.testing.assert_array_equal(np.concatenate([found.evaluate(vector[None]) for vector in vectors]), together)
    np.testing.assert_array_equal(found.evaluate(vectors[[3, 1]]), together[[3, 1]])
    one_by_one = np.concatenate([found._one_by_one(vector[None]) for vector in vectors])
    np.testing.assert_allclose(one_by_one, together, rtol=1e-11)


@pytest.mark.parametrize("library", list(CASES))
def test_all_parameters_together(library: str) -> None:
    check(*CASES[library])


@pytest.mark.parametrize(
    ("library", "name"),
    [
        *(("sxrd", name) for name in (*ATOMS, *OF_ONE, "cell.set_a", "cell.set_gamma", "cell.c")),
        *(("sxrd2", name) for name in (*OF_DOMAINS, "cell.set_b", "top.sets2dx", "inst.set_wavel")),
        *(("sxrd_mult", name) for name in (*OF_SUPERLATTICES, "cell.set_c", "top.set_c", "inst.set_wavel")),
    ],
)
def test_each_parameter_alone(library: str, name: str) -> None:
    script, limits = CASES[library]
    more = {
        "cell.set_a": (3.8, 4.0), "cell.set_b": (4.0, 4.2), "cell.set_c": (4.2, 4.4), "cell.c": (4.2, 4.4),
        "cell.set_gamma": (95.0, 105.0), "top.sets2dx": (-0.1, 0.1), "top.set_c": (0.9, 1.1),
        "inst.set_wavel": (1.0, 1.2),
    }  # fmt: skip
    check(script, {name: (limits | more)[name]})


def test_a_population_gives_the_numbers_of_the_formula() -> None:
    found = problem(SXRD, ATOMS | OF_ONE)
    vectors = np.random.default_rng(3).uniform(*found.bounds.T, size=(3, len(found.names)))
    curves = candidate_simulations(found._batch, vectors)
    for i, vector in enumerate(vectors):
        found._single.simulate_fitted(vector)
        names = found._single.script.namespace
        for j, dataset in enumerate(found._single.data):
            at = (dataset.h, dataset.k, dataset.x + names["cp"].offset)
            f = names["inst"].inten * plain.amplitude(names["sample"], names["inst"].wavel, names["inst"].alpha, at)
            np.testing.assert_allclose(curves[j][i], names["cp"].scale * abs(f) ** 2, rtol=1e-9, atol=1e-9)


def test_a_superlattice_gives_the_numbers_of_the_formula() -> None:
    found = problem(SUPERLATTICE, ATOMS | OF_SUPERLATTICES)
    vectors = np.random.default_rng(4).uniform(*found.bounds.T, size=(3, len(found.names)))
    curves = candidate_simulations(found._batch, vectors)
    for i, vector in enumerate(vectors):
        found._single.simulate_fitted(vector)
        names = found._single.script.namespace
        sample, inst = names["sample"], names["inst"]
        for j, d in enumerate(found._single.data):
            at = (d.h, d.k, d.x)
            below = plain.bulk(sample.bulk_slab, [], sample.unit_cell, inst.wavel, inst.alpha, at)
            expected = inst.inten * (abs(below) ** 2 + plain.superlattice(names["sl"], inst.wavel, at))
            np.testing.assert_allclose(curves[j][i], expected, rtol=1e-9, atol=1e-12 * expected.max())


def test_what_is_remembered_follows_every_change() -> None:
    """Points, unit cell, positions and symmetry may change in place between two calls."""
    slab = sxrd.Slab()
    slab.add_atom("a", "o2m", 0.1, 0.2, 0.3, 0.02)
    cell, inst = sxrd.UnitCell(4, 4, 4), sxrd.Instrument(1.0, 0.5)
    sample = sxrd.Sample(inst, slab, [slab], cell, [sxrd.SymTrans()])
    h, k, l = np.ones(5), np.zeros(5), np.linspace(0.1, 2, 5)

    def same() -> None:
        np.testing.assert_allclose(
            sample.calc_f(h, k, l), plain.amplitude(sample, inst.wavel, 0.5, (h, k, l)), rtol=1e-9
        )

    same()
    l += 0.1
    same()
    h[:] = 2
    same()
    cell.c = 5.0
    same()
    slab.setadx(0.2)
    same()
    slab.x[0] = 0.4
    same()
    slab.el[0] = "fe"
    same()
    sample.surface_sym[0].t[:] = 0.25
    same()
    sample.surface_sym.append(sxrd.SymTrans([[0, 1], [1, 0]]))
    same()
    inst.set_wavel(1.3)
    same()
    slab.add_atom("b", "si", 0.5, 0.5, 0.5)
    same()


def test_a_bad_candidate_is_nan_alone() -> None:
    found = problem(SUPERLATTICE.replace("sl.setsigmaa(0.4)", "sl.setsigmaa(1e-12)"), {"sl.setna": (1.5, 5.5)})
    foms = found.evaluate(np.array([[2.0], [2.5], [3.0]]))
    assert np.isnan(foms).tolist() == [False, True, False]


def test_default_instruments_of_two_scripts_are_independent() -> None:
    script = "import models.sxrd as model\ninst = model.Instrument({}, 0.5)\n"
    first, second = (ScriptModule(script.format(wavelength), data()).namespace["inst"] for wavelength in (1.0, 1.5))
    assert first.flib.fe(0.0) == pytest.approx(plain.form_factor("fe", 0.0, 1.0))
    assert second.flib.fe(0.0) == pytest.approx(plain.form_factor("fe", 0.0, 1.5))


def test_symmetries_of_two_scripts_are_independent() -> None:
    script = "from models.symmetries import *\np4.append(SymTrans())\np2[0].t[0] = 0.5\n"
    ScriptModule(script, data())
    names = ScriptModule("from models.symmetries import *", data()).namespace
    assert len(names["p4"]) == 4
    assert not names["p2"][0].t.any()


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("surf.find_atoms('z > zz')", "the name 'zz' is unknown"),
        ("surf.add_atom('s1', 'o', 0, 0, 0)", "there is an atom with this id"),
        ("model.Sample(inst, bulk, surf, cell)", "must be a list"),
        ("surf.sets9dz(0.1)", "sets9dz"),
    ],
)
def test_mistakes_are_told_with_their_line(line: str, match: str) -> None:
    with pytest.raises(ScriptError, match=match) as told:
        ScriptModule(SXRD + line, data())
    assert f"line {SXRD.count(chr(10)) + 1}" in str(told.value)


@pytest.mark.parametrize(
    "line",
    [
        "surf.find_atoms('1').__class__",
        "utils.__lookup_f__.__globals__",
        "utils.__builtins__",
        "surf._column('x')",
        "inst.flib.__dict__",
    ],
)
def test_refused_as_ever(line: str) -> None:
    with pytest.raises(ScriptRefused):
        ScriptModule(SXRD + line, data())


@pytest.mark.parametrize("script", [SXRD, SXRD2, SUPERLATTICE], ids=["sxrd", "sxrd2", "sxrd_mult"])
def test_no_door_can_be_reached_from_a_surface(script: str) -> None:
    module = ScriptModule(
        script + "setter, getter, group, atoms = surf.sets1dz, surf.gets1dz, surf['s1'], surf.el\n", data()
    )
    found = walk(module)
    assert len(found) > 500
    assert [way for way, value in found.values() if is_door(value)] == []
