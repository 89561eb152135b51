"""Surface diffraction against section 4.6 of the fact sheet written out, and its quirks one by one."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import plain_sxrd as plain
import pytest

from metagenx.errors import InputError
from metagenx.genx.data import DataSet
from metagenx.genx.models import sxrd, sxrd2, sxrd_mult, symmetries
from metagenx.genx.models.scattering_lengths import fresh_databases

ELEMENTS = ["sr2p", "ti4p", "o2m", "La", "o", "fe3p", "si"]
WAVELENGTH, ALPHA = 0.9, 0.4


def random_slab(rng: np.random.Generator, n_atom: int, c: float = 1.0, slab_oc: float = 1.0) -> Any:
    slab = sxrd.Slab(c=c, slab_oc=slab_oc)
    for i in range(n_atom):
        x, y, z = rng.uniform(0, 1, 3)
        slab.add_atom(f"a{i}", str(rng.choice(ELEMENTS)), x, y, z, rng.uniform(0, 0.1), rng.uniform(0.1, 1), i % 3 + 1)
        for parameter in ("dx", "dy", "dz"):
            slab._set(f"a{i}", parameter, rng.uniform(-0.1, 0.1))
    return slab


def points(rng: np.random.Generator, n: int = 21) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.integers(-3, 4, n).astype(float), rng.integers(-3, 4, n).astype(float), rng.uniform(-3, 6, n)


CELLS = [sxrd.UnitCell(3.9, 4.1, 4.3), sxrd.UnitCell(3.9, 4.1, 4.3, 85, 95, 100), sxrd.UnitCell(5, 5, 8, 90, 90, 120)]
GROUPS = [name for name in symmetries.__all__ if name[0] in "pc"]


@pytest.mark.parametrize("seed", range(6))
def test_any_structure(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cell = CELLS[seed % 3]
    inst = sxrd.Instrument(wavel=WAVELENGTH, alpha=ALPHA)
    inst.set_inten(1.7)
    film = random_slab(rng, 3, 1.1, 0.8)
    slabs = [random_slab(rng, 2), film, film, random_slab(rng, 1, 0.9), film]
    groups = [getattr(symmetries, str(name)) for name in rng.choice(GROUPS, 2)]
    sample = sxrd.Sample(inst, random_slab(rng, 4, 1.05, 0.9), slabs, cell, *groups)
    at = points(rng)
    np.testing.assert_allclose(
        sample.calc_f(*at), 1.7 * plain.amplitude(sample, WAVELENGTH, ALPHA, at), rtol=1e-9, atol=1e-10
    )
    np.testing.assert_allclose(
        sample.calc_f(*at), 1.7 * (sample.calc_fs(*at) + sample.calc_fb(*at)), rtol=1e-12, atol=1e-12
    )


def test_between_rods_only_the_surface_scatters() -> None:
    rng = np.random.default_rng(1)
    sample = sxrd.Sample(sxrd.Instrument(1.0, 0.5), random_slab(rng, 2), [random_slab(rng, 2)], CELLS[0])
    h, k, l = np.array([1.0, 0.5, 1.0, 1 + 1e-13, 1 + 1e-9]), np.array([0.0, 0.0, 0.25, 0.0, 0.0]), np.full(5, 0.3)
    assert [bool(f) for f in sample.calc_fb(h, k, l)] == [True, False, False, True, False]
    np.testing.assert_array_equal(sample.calc_f(h, k, l)[1:3], sample.calc_fs(h, k, l)[1:3])


def test_scalars_whole_numbers_and_empty_slabs() -> None:
    rng = np.random.default_rng(2)
    bulk, film = random_slab(rng, 2), random_slab(rng, 2)
    inst = sxrd.Instrument(1.0, 0.5)
    sample = sxrd.Sample(inst, bulk, [film], CELLS[0])
    l = np.array([0.3, 1.4])
    assert sample.calc_f(1, 0, 0.3) == pytest.approx(sample.calc_f(np.ones(2), np.zeros(2), l)[:1])
    np.testing.assert_array_equal(sample.calc_f(1, 0, l), sample.calc_f(np.ones(2), np.zeros(2), l))
    np.testing.assert_array_equal(
        sample.calc_f(np.array([1]), np.array([0]), np.array([2])), sample.calc_f(1.0, 0.0, 2.0)
    )
    alone = sxrd.Sample(inst, bulk, [], CELLS[0])
    np.testing.assert_allclose(alone.calc_f(1, 0, l), sample.calc_fb(1, 0, l), rtol=1e-15)
    floating = sxrd.Sample(inst, sxrd.Slab(), [film], CELLS[0])
    np.testing.assert_allclose(floating.calc_f(1, 0, l), sample.calc_fs(1, 0, l), rtol=1e-15)


def test_points_that_are_no_numbers_stay_alone() -> None:
    rng = np.random.default_rng(2)
    sample = sxrd.Sample(sxrd.Instrument(1.0, 0.5), random_slab(rng, 2), [random_slab(rng, 2)], CELLS[0])
    l = np.array([0.3, np.nan, 0.6, np.inf])
    f = sample.calc_f(1, 0, l)
    assert np.isnan(f).tolist() == [False, True, False, True]
    np.testing.assert_array_equal(f[[0, 2]], sample.calc_f(1, 0, l[[0, 2]]))
    for setter in (sample.slabs[0].seta0u, sample.slabs[0].seta0dx, sample.slabs[0].seta0dz, sample.slabs[0].set_c):
        for wrong in (float("nan"), float("inf"), 1e300):
            setter(wrong)
            assert np.isnan(sample.calc_f(1, 0, l)).all() or (wrong == 1e300 and setter == sample.slabs[0].seta0u)
            setter(1.0)
            assert np.isfinite(sample.calc_f(1, 0, l[[0, 2]])).all()


@pytest.mark.parametrize("name", GROUPS)
def test_plane_groups_are_groups(name: str) -> None:
    """Every product of two operations is one of them, but for a lattice translation."""
    group = getattr(symmetries, name)

    def key(P: np.ndarray, t: np.ndarray) -> tuple[Any, ...]:
        return (*np.rint(P).astype(int).ravel().tolist(), *np.mod(np.round(t, 9), 1.0).tolist())

    members = {key(one.P, one.t) for one in group}
    assert len(members) == len(group)
    assert {key(a.P @ b.P, a.P @ b.t + a.t) for a in group for b in group} == members


def test_orders_and_extinctions_of_plane_groups() -> None:
    orders = {name: len(getattr(symmetries, name)) for name in GROUPS}
    assert orders == {
        "p1": 1, "p2": 2, "pm": 2, "pg": 2, "cm": 4, "p2mm": 4, "p2mg": 4, "p2gg": 4, "c2mm": 8, "p4": 4, "p4mm": 8,
        "p4gm": 8, "p3": 3, "p3m1": 6, "p31m": 6, "p6": 6, "p6mm": 12,
    }  # fmt: skip
    # International Tables: reflections that the glide lines and the centring extinguish.
    absent = {"pg": (0, 1), "cm": (1, 0), "c2mm": (2, 1), "p2mg": (1, 0), "p2gg": (0, 3), "p4gm": (1, 0)}
    slab = random_slab(np.random.default_rng(3), 3)
    for name, (h, k) in absent.items():
        sample = sxrd.Sample(sxrd.Instrument(1.0, 0.5), sxrd.Slab(), [slab], CELLS[0], getattr(symmetries, name))
        assert abs(sample.calc_fs(h, k, 0.4)[0]) < 1e-12, name
        assert abs(sample.calc_fs(2, 2, 0.4)[0]) > 1e-3, name


def test_symmetries_of_every_kind_are_the_same() -> None:
    rng = np.random.default_rng(4)
    slab = random_slab(rng, 3)
    own = [sxrd.SymTrans([[1, 0], [0, 1]]), sxrd.SymTrans([[-1, 0], [0, -1]])]
    kinds = [
        own,
        tuple(own),
        symmetries.p2,
        symmetries.Sym(*own),
        [([[1, 0], [0, 1]], [0, 0]), ([[-1, 0], [0, -1]], [0, 0])],
    ]
    curves = [
        sxrd.Sample(sxrd.Instrument(1.0, 0.5), sxrd.Slab(), [slab], CELLS[1], kind).calc_f(1, 0, [0.3, 0.6])
        for kind in kinds
    ]
    for curve in curves[1:]:
        np.testing.assert_array_equal(curve, curves[0])


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda s: sxrd.Sample(s.inst, s.bulk_slab, [1], s.unit_cell), "one is a int"),
        (lambda s: sxrd.Sample(s.inst, s.bulk_slab, s.bulk_slab, s.unit_cell), "must be a list"),
        (lambda s: sxrd.Sample(s.inst, [s.bulk_slab], [], s.unit_cell), "must be a Slab"),
        (lambda s: sxrd.Sample(s.inst, s.bulk_slab, [], 5), "not a UnitCell"),
        (lambda s: s.set_surface_sym([1]), "symmetry list"),
        (lambda s: s.set_bulk_sym(sxrd.SymTrans()), "must be a list"),
        (lambda s: sxrd.SymTrans([[1, 0]]), "2 × 2"),
        (lambda s: sxrd.Instrument(1.0, 0.5, geom="alpha"), "geometry 'alpha'"),
        (lambda s: sxrd.Instrument(1.0, 0.5, flib=5), "flib is a int"),
        (lambda s: sxrd.Instrument(1.0, "x"), "alpha must be one number"),
        (lambda s: s.bulk_slab.add_atom("a0", "o", 0, 0, 0), "with this id"),
        (lambda s: s.bulk_slab.add_atom(5, "o", 0, 0, 0), "is text"),
        (lambda s: s.bulk_slab.add_atom("q", 7, 0, 0, 0), "the element is text"),
        (lambda s: s.bulk_slab.add_atom("q", "o", 0, "y", 0), "y must be one number"),
        (lambda s: s.bulk_slab["zz"], "no atom 'zz'"),
        (lambda s: s.bulk_slab.seta0dz("x"), "Slab.seta0dz must be one number"),
        (lambda s: s.bulk_slab.set_c(np.ones(3)), "one number"),
        (lambda s: s.bulk_slab["a0"].setcomp(0.5), "not coupled"),
        (lambda s: s.bulk_slab["a0"] + 5, "two groups"),
        (lambda s: s.calc_f(np.ones(3), np.ones(2), 1.0), "arrays of one length"),
        (lambda s: s.calc_f("h", 0, 1.0), "must be numbers"),
        (lambda s: (s.bulk_slab.add_atom("q", "zz", 0, 0, 0), s.calc_f(1, 0, 1.0)), "zz"),
        (lambda s: (s.bulk_slab.add_atom("q", "set_wavelength", 0, 0, 0), s.calc_f(1, 0, 1.0)), "set_wavelength"),
        (lambda s: (s.bulk_slab.add_atom("q", "__class__", 0, 0, 0), s.calc_f(1, 0, 1.0)), "__class__"),
        (lambda s: (s.bulk_slab.oc.append(1.0), s.calc_f(1, 0, 1.0)), "Slab.oc has"),
        (lambda s: sxrd2.Sample().calc_f(s.inst, 1, 0, 1.0), "no domains"),
        (lambda s: sxrd2.Sample([s]), "list of Domain"),
        (lambda s: sxrd_mult.SLSample(s.inst, s.bulk_slab, s, s.unit_cell), "not an SLStandard"),
    ],
)  # fmt: skip
def test_mistakes_are_named(wrong: Any, match: str) -> None:
    sample = sxrd.Sample(sxrd.Instrument(1.0, 0.5), random_slab(np.random.default_rng(0), 2), [], CELLS[0])
    with pytest.raises(InputError, match=match):
        wrong(sample)


def three_atoms() -> Any:
    slab = sxrd.Slab()
    for i, (id, element) in enumerate([("a", "o2m"), ("b", "ti"), ("c", "sr")]):
        slab.add_atom(id, element, 0.1, 0.2, 0.3 * (i + 1), 0.01 * (i + 1), 0.9 - 0.1 * i)
    return slab


def test_setters_and_getters_of_atoms() -> None:
    slab = sxrd.Slab("film", c=1.05)
    slab.add_atom(id="O_1", el="o2m", x=0.1, y=0.2, z=0.3)
    slab.add_atom("Sr", "sr2p", 0, 0, 0, 0.02, 0.5, 2)
    for parameter in ("dx", "dy", "dz", "u", "oc", "m"):
        assert getattr(slab, f"getO_1{parameter}")() == {"oc": 1.0, "m": 1.0}.get(parameter, 0.0)
        getattr(slab, f"setO_1{parameter}")(0.25)
        assert getattr(slab, f"getO_1{parameter}")() == getattr(slab, parameter)[0] == 0.25
    assert (slab.getSru(), slab.getSroc(), slab.getSrm(), slab.getSrdz()) == (0.02, 0.5, 2, 0.0)
    slab.set_c(1.2)
    slab.set_oc(0.7)
    assert (slab.get_c(), slab.get_oc(), slab.c, slab.slab_oc) == (1.2, 0.7, 1.2, 0.7)
    slab.del_atom("O_1")
    assert not hasattr(slab, "setO_1dx")
    slab.setSru(0.5)
    assert slab.u == [0.5]


def test_a_copy_has_the_values_of_its_moment_and_its_own_setters() -> None:
    slab = three_atoms()
    slab.name = "film"
    slab.setadz(0.1)
    slab.setbm(3)
    slab.set_c(1.2)
    slab.set_oc(0.5)
    copy = slab.copy()
    for name in ("id", "el", "x", "y", "z", "u", "oc", "m", "dx", "dy", "dz", "c", "slab_oc"):
        assert getattr(copy, name) == getattr(slab, name)
    assert copy.name == ""
    slab.setadz(0.2)
    copy.setau(0.7)
    assert (copy.getadz(), slab.getau()) == (0.1, 0.01)


def test_groups_of_atoms() -> None:
    slab, other = three_atoms(), three_atoms()
    both = slab.find_atoms('el == "o2m"') + other.find_atoms("z > 0.5") + slab["c"]
    assert both.ids == ["a", "b", "c", "c"]
    assert both.slabs == [slab, other, other, slab]
    for parameter in ("dx", "dy", "dz", "u", "oc"):
        getattr(both, f"set{parameter}")(0.125)
        assert getattr(both, f"get{parameter}")() == 0.125
        assert getattr(slab, parameter)[0] == getattr(other, parameter)[2] == 0.125
    assert slab.oc == [0.125, 0.8, 0.125]
    assert other.u == [0.01, 0.125, 0.125]
    assert slab.all_atoms().ids == ["a", "b", "c"]
    assert slab.all_atoms().getu() == pytest.approx((0.125 + 0.02 + 0.125) / 3)
    group = sxrd.AtomGroup(slab, "a")
    group.add_atom(other, "b")
    assert group.ids == ["a", "b"]


@pytest.mark.parametrize("sign", ["^", "|"])
def test_coupled_composition(sign: str) -> None:
    """What GenX 3.8.13 does, observed: occupancies are shared from the moment of coupling."""
    slab = three_atoms()
    a, b = slab["a"], slab["b"]
    both = a ^ b if sign == "^" else a | b
    assert (slab.oc, both.getcomp(), both.getoc()) == ([1.0, 0.0, 0.7], 1.0, 1.0)
    both.setcomp(0.3)
    np.testing.assert_allclose(slab.oc, [0.3, 0.7, 0.7])
    both.setoc(0.8)
    np.testing.assert_allclose(slab.oc, [0.24, 0.56, 0.7])
    both.setcomp(0.6)
    np.testing.assert_allclose(slab.oc, [0.48, 0.32, 0.7])
    both.setdz(0.05)
    both.setdx(0.01)
    both.setu(0.5)
    joined = sign == "^"
    assert slab.dz == [0.05, 0.05 if joined else 0.0, 0.0]
    assert slab.dx == [0.01, 0.01 if joined else 0.0, 0.0]
    assert slab.u == [0.5, 0.5 if joined else 0.02, 0.03]
    a.setoc(0.5)
    np.testing.assert_allclose(slab.oc, [0.5, 0.32, 0.7])
    both.setcomp(0.25)
    np.testing.assert_allclose(slab.oc, [0.2, 0.6, 0.7])
    if joined:
        for setter in (b.setdz, b.setu, b.setoc):
            with pytest.raises(InputError, match="coupled by a"):
                setter(0.1)
    else:
        b.setdz(0.1)
        b.setoc(0.1)
        assert (slab.dz[1], slab.oc[1]) == (0.1, 0.1)
    with pytest.raises(InputError, match="coupled to another"):
        both ^ slab["c"]
    with pytest.raises(InputError, match="coupled to another"):
        both | slab["c"]


def test_a_composition_of_groups_of_different_size() -> None:
    slab = three_atoms()
    both = slab["a"] ^ (slab["b"] + slab["c"])
    both.setcomp(0.3)
    np.testing.assert_allclose(slab.oc, [0.3, 0.7, 0.7])


def test_composition_and_occupancy_of_a_population_of_changing_size() -> None:
    slab = three_atoms()
    both = slab["a"] ^ slab["b"]
    for size in (5, 3, 1):
        x, oc = np.linspace(0, 1, size)[:, None], np.linspace(0.5, 1, size)[:, None]
        both.setcomp(x)
        both.setoc(oc)
        np.testing.assert_array_equal(slab.oc[0], x * oc)
        np.testing.assert_array_equal(slab.oc[1], (1 - x) * oc)


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ('el == "o2m"', "a"), ('el != "o2m"', "bc"), ('el == "o2m" and z > 0', "a"), ("(z > 0.2) & (z < 0.7)", "ab"),
        ('el in ["ti", "sr"]', "bc"), ('id not in ("a", "b")', "c"), ("0.2 < z < 0.7", "ab"), ("not z > 0.4", "a"),
        ("~(z > 0.4)", "a"), ('(el == "ti") | (id == "c")', "bc"), ("abs(z - 0.6) < 1e-9", "b"), ("z*2 - 1 > 0.5", "c"),
        ('el.startswith("o")', "a"), ('el[0] == "t"', "b"), ("u >= 0.02", "bc"),
        ("np.sqrt(z) > 0.7 or oc == 0.9", "abc"),
        ("oc**2 > 0.7", "a"), ("True", "abc"), ("z > 5", ""), ("np.isclose(z, 0.6)", "b"), ('id[:1] == "a"', "a"),
        ("round(z, 1) == 0.6", "b"), ("x == 0.1 and y == 0.2", "abc"), ("(z if id == 'b' else 0) > 0", "b"),
    ],
)  # fmt: skip
def test_conditions_on_atoms(expression: str, ids: str) -> None:
    assert three_atoms().find_atoms(expression).ids == list(ids)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')", "().__class__", "el.__class__", "el.format", "open('x')", "[a for a in (1,)]", "lambda: 1",
        "z = 1", "z >", "q > 1", "el > 1", "9**9**9**9", "'a'*10**9", "max(z)", "np.load('x')", "np.sqrt", "z.real",
        "el.encode()", "f'{z}'", "1/0", "(z := 1)", "print(1)", "x if", "z" * 3000, "(" * 500 + "z" + ")" * 500,
        "getattr(el, 'upper')",
        "el % z",
        "-el", ["z > 0"], 5, None, "el & id", "np.exp(1000)", "exec('1')", "round(*[1])", "max(z, key=len)",
    ],
)  # fmt: skip
def test_conditions_that_are_refused(expression: Any) -> None:
    with pytest.raises(InputError, match="find_atoms"):
        three_atoms().find_atoms(expression)


def test_the_wavelength_reaches_the_form_factors() -> None:
    utils: dict[str, Any] = fresh_databases()
    for library in (sxrd, sxrd2):
        flib = utils["sl"].FormFactor(2.0, utils["__lookup_f__"])
        rholib = utils["sl"].FormFactor(2.0, utils["__lookup_rho__"])
        inst = library.Instrument(wavel=1.0, alpha=0.5, flib=flib, rholib=rholib)
        assert flib.fe(0.3) == pytest.approx(plain.form_factor("fe", 0.3, 1.0))
        inst.set_wavel(1.2)
        assert inst.flib.FE(0.3) == pytest.approx(plain.form_factor("fe", 0.3, 1.2))
        inst.set_energy(10.0)
        assert inst.wavel == inst.get_wavel() == pytest.approx(1.239842)
        assert inst.get_energy() == pytest.approx(10.0)
        assert flib.o2m(0.1) == pytest.approx(plain.form_factor("o2m", 0.1, 1.239842))
        for geometry in inst.geometries:
            inst.set_geometry(geometry)


@pytest.mark.parametrize("cohf", [0.0, 0.3, 1.0])
def test_domains(cohf: float) -> None:
    rng = np.random.default_rng(7)
    inst = sxrd2.Instrument(inten=2.5, wavel=WAVELENGTH, alpha=ALPHA)
    domains = [
        sxrd2.Domain(random_slab(rng, 2), [random_slab(rng, 2, 1.1)], CELLS[1], symmetries.p2, symmetries.p3, 0.7),
        sxrd2.Domain(random_slab(rng, 2), [random_slab(rng, 3)] * 2, CELLS[1], bulk_sym=symmetries.pm),
    ]
    domains[1].set_occ(0.4)
    at = points(rng)
    f = [plain.amplitude(domain, WAVELENGTH, ALPHA, at) for domain in domains]
    expected = cohf * abs(f[0] * 0.7**0.5 + f[1] * 0.4**0.5)
    expected += (1 - cohf) * np.sqrt(abs(f[0]) ** 2 * 0.7 + abs(f[1]) ** 2 * 0.4)
    sample = sxrd2.Sample(domains)
    assert sample.get_cohf() == 0.0
    sample.set_cohf(cohf)
    np.testing.assert_allclose(sample.calc_f(inst, *at), expected, rtol=1e-9)
    np.testing.assert_allclose(sample.calc_i(inst, *at), 2.5 * expected**2, rtol=1e-9)
    np.testing.assert_allclose(domains[0].calc_f(inst, *at), f[0], rtol=1e-9, atol=1e-10)


def test_simulations_scaled_to_the_data() -> None:
    """Numbers of GenX 3.8.13, observed."""
    data = [DataSet("a", [1, 2, 3], [1.0, 2.0, 3.0], [1, 1, 1]), DataSet("b", [5, 6], [5.0, 6.0], [1, 1])]
    data[1].use = False
    simulations = [np.array([2.0, 3.0, 5.0]), np.array([1.0, 2.0])]
    for library in (sxrd, sxrd2):
        told: list[Any] = []
        scaled = library.scale_sim(data, simulations, told.append)
        np.testing.assert_allclose(np.concatenate(scaled), [1.21052632, 1.81578947, 3.02631579, 0.60526316, 1.21052632])
        assert told == [pytest.approx(0.6052631578947368)]
        scaled = library.scale_sqrt_sim(data, simulations, scale_func=told.append)
        np.testing.assert_allclose(np.concatenate(scaled), [1.19712641, 1.79568961, 2.99281602, 0.5985632, 1.19712641])
        assert told[1] == pytest.approx(0.773668665136369)
        population = library.scale_sim(data, [np.stack([s, 2 * s]) for s in simulations])
        np.testing.assert_allclose(population[0], [library.scale_sim(data, simulations)[0]] * 2)
    data[0].use = False
    with pytest.raises(InputError, match="no data set is in use"):
        sxrd.scale_sim(data, simulations)
    with pytest.raises(InputError, match="1 simulations for 2"):
        sxrd.scale_sim(data, simulations[:1])


def test_export_and_electron_density() -> None:
    film = sxrd.Slab(c=1.1)
    film.add_atom("s1", "o2m", 0.11, 0.22, 0.33, 0.06, 0.8)
    film.add_atom("s2", "ti", 0.61, 0.22, 0.43, 0.06, 0.8)
    inst = sxrd.Instrument(1.0, 0.5)
    sample = sxrd.Sample(inst, sxrd.Slab(), [film, film.copy()], sxrd.UnitCell(3.9, 4.1, 4.3))
    file = io.StringIO()
    sample.export_xyz(file)
    lines = file.getvalue().splitlines()
    assert lines[0] == "4"
    assert lines[2:] == [  # as GenX 3.8.13 writes them
        "o2m    0.4290000    0.9020000    1.5609000", "ti     2.3790000    0.9020000    2.0339000",
        "o2m    0.4290000    0.9020000    6.2909000", "ti     2.3790000    0.9020000    6.7639000",
    ]  # fmt: skip
    density = sample.calc_rhos(np.array([0.0, 0.11, 0.5]), np.full(3, 0.22), np.array([0.363, 0.363, 0.5]))
    observed = [0.29142427 - 0.00363898j, 0.36473304 - 0.00623806j, 0.56197658 - 0.01943962j]  # GenX 3.8.13
    np.testing.assert_allclose(density, observed, atol=1e-8)
