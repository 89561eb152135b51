"""mag_refl against the fact sheet in plain numpy, over the combinations of its options, and its own laws."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import plain_mag_refl as plain
import pytest
from reference import Case

import metagenx
from metagenx.errors import InputError, ScriptError
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.models import mag_refl as model
from metagenx.genx.models import magnetic_slicing
from metagenx.genx.models.magnetic_layers import magnetic_layers
from metagenx.genx.script import ScriptModule

CHANNELS = {
    "x-ray": ["tot"],
    "x-ray simpl. anis.": ["circ+", "circ-", "tot", "ass"],
    "x-ray anis.": ["tot", "circ+", "circ-", "σ", "π", "σ-σ", "σ-π", "π-π", "π-σ", "ass"],
    "neutron pol": ["uu", "dd", "ass"],
    "neutron pol tof": ["uu", "dd", "ass"],
    "neutron pol spin flip": ["uu", "dd", "ud", "ass", "du"],
}
RESTYPES = ["no conv", "fast conv", "fast conv + varying res.", "full conv and varying res."]
FOOTYPES = ["no corr", "gauss beam", "square beam"]
VACUUM = {"dens": 0.0, "f": 0j, "b": 0j}
RNG = np.random.Generator


def a_layer(rng: RNG, *, magnetic: bool = True, **given: Any) -> Any:
    values: dict[str, Any] = {
        "d": rng.uniform(30, 90),
        "dens": rng.uniform(0.03, 0.09),
        "sigma": rng.choice([0.0, rng.uniform(1, 5)]),
        "f": rng.uniform(5, 40) - 1j * rng.uniform(0.5, 10),
        "b": rng.uniform(2, 10) - 1j * rng.choice([0, 0.1]),
        "xs_ai": rng.choice([0.0, 40.0]),
    }
    if magnetic:
        values |= {
            "fr": rng.normal(0, 3) - 1j * rng.uniform(0, 4),
            "fm1": rng.normal(0, 1.5) - 1j * rng.uniform(0, 1.5),
            "fm2": rng.choice([0.0, 1.0]) * (rng.normal(0, 0.3) - 1j * rng.uniform(0, 0.2)),
            "resdens": rng.uniform(0.5, 1),
            "resmag": rng.uniform(0.5, 1),
            "magn": rng.uniform(-2, 2),
            "magn_ang": rng.uniform(-80, 80),
            "magn_theta": rng.uniform(-30, 30),
        }
        if rng.random() < 0.7:
            values |= {
                "dd_l": rng.uniform(0, 8), "dd_u": rng.uniform(0, 8),
                "dmag_l": rng.uniform(-1, 0.5), "dmag_u": rng.uniform(-1, 0.5),
                "sigma_ml": rng.uniform(0, 3), "sigma_mu": rng.uniform(0, 3),
            }  # fmt: skip
    return model.Layer(**{**values, **given})


def a_sample(rng: RNG, **given: Any) -> Any:
    layers = [a_layer(rng), a_layer(rng, magnetic=False), a_layer(rng)]
    stacks = [
        model.Stack(Layers=layers[:2], Repetitions=int(rng.choice([0, 1, 2]))),
        model.Stack(Layers=layers[2:], Repetitions=1),
    ]
    substrate = a_layer(rng, magnetic=rng.random() < 0.3)
    return model.Sample(Stacks=stacks, Ambient=model.Layer(**VACUUM), Substrate=substrate, **given)


def an_instrument(rng: RNG, probe: str, channel: str, n: int = 12, **given: Any) -> tuple[Any, np.ndarray]:
    coords = "q" if probe.endswith("tof") else str(rng.choice(["q", "tth", "2θ"]))
    lam = rng.uniform(9, 20) if probe.startswith("x-ray") else rng.uniform(3, 6)
    highest = 0.25
    x = np.linspace(0.012, highest, n)
    if coords != "q":
        x = 2 * np.degrees(np.arcsin(lam * x / (4 * np.pi)))
        x = np.linspace(x[0], x[-1], n)
    name = "xpol" if probe.startswith("x-ray") else "npol"
    values = {
        "probe": probe, "coords": coords, "wavelength": lam, name: channel, "I0": rng.uniform(0.5, 2), "Ibkg": 1e-7,
        "res": 0.3 * (x[1] - x[0]), "incangle": rng.uniform(0.6, 1.2), "samplelen": 20.0, "beamw": 0.3,
    }  # fmt: skip
    return model.Instrument(**{**values, **given}), x


def assert_same(ours: np.ndarray, theirs: np.ndarray, relative: float) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=1e-10 * np.max(np.abs(theirs)))


@pytest.mark.parametrize("probe", CHANNELS)
@pytest.mark.parametrize("seed", range(5))
def test_layers_with_rough_interfaces(probe: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sample = a_sample(rng)
    for channel in CHANNELS[probe]:
        inst, x = an_instrument(rng, probe, channel)
        assert_same(sample.SimSpecular(x, inst), plain.specular(x, sample, inst), tolerance(probe))


def tolerance(probe: str) -> float:
    """numpy's roots of the quartic lose digits where the magnetism is weak."""
    return 1e-6 if probe == "x-ray anis." else 1e-8


@pytest.mark.parametrize("probe", CHANNELS)
@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_slices(probe: str, compress: bool, seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    sample = a_sample(
        rng, slicing=True, compress=compress, slice_depth=rng.uniform(1, 4), sld_mult=3.0, sld_buffer=8.0,
        dsld_max=0.05, dsld_offdiag_max=0.03, dmag_max=0.005, dsld_n_max=0.02, dabs_n_max=0.02,
    )  # fmt: skip
    for channel in CHANNELS[probe][: 9 : 3 if probe == "x-ray anis." else 1]:
        inst, x = an_instrument(rng, probe, channel, n=6)
        relative = 1e-4 if probe == "x-ray anis." else 1e-8  # numpy's roots, where the magnetism fades away
        assert_same(sample.SimSpecular(x, inst), plain.specular(x, sample, inst), relative)


@pytest.mark.parametrize("restype", RESTYPES)
@pytest.mark.parametrize("footype", FOOTYPES)
@pytest.mark.parametrize("probe", ["x-ray", "x-ray simpl. anis.", "neutron pol tof", "neutron pol"])
def test_resolution_and_footprint(restype: str, footype: str, probe: str) -> None:
    rng = np.random.default_rng(3)
    sample = a_sample(rng)
    for channel in CHANNELS[probe]:
        inst, x = an_instrument(rng, probe, channel, n=20, restype=restype, footype=footype)
        if "varying" in restype:
            inst.setRes(inst.res * (1 + x / x[-1]))
        assert_same(sample.SimSpecular(x, inst), plain.specular(x, sample, inst), 1e-8)


def test_angles_of_incidence_one_per_point() -> None:
    rng = np.random.default_rng(4)
    sample = a_sample(rng)
    inst, x = an_instrument(rng, "neutron pol tof", "uu", restype="full conv and varying res.")
    angles = np.linspace(0.6, 1.2, len(x))
    inst.setIncangle(angles)
    ours = sample.SimSpecular(x, inst)
    inst.setRestype("no conv")
    inst.setFootype("gauss beam")
    assert ours.shape == x.shape
    assert_same(sample.SimSpecular(x, inst), plain.specular(x, sample, inst), 1e-8)


def test_lowest_angle_and_beyond_back_scattering() -> None:
    rng = np.random.default_rng(5)
    for probe in ("x-ray", "x-ray simpl. anis.", "x-ray anis.", "neutron pol", "neutron pol spin flip"):
        sample = a_sample(rng)
        inst, _ = an_instrument(rng, probe, CHANNELS[probe][0], coords="q", footype="gauss beam", wavelength=12.0)
        x = np.array([-0.01, 0.0, 1e-12, 0.05, 1.0, 2.0])
        with np.errstate(invalid="ignore"):
            theirs = plain.specular(x[:-1], sample, inst)
        np.testing.assert_allclose(sample.SimSpecular(x, inst)[:-1], theirs, rtol=1e-7)
        assert np.isnan(sample.SimSpecular(x, inst)[-1])


@pytest.mark.parametrize("slicing", [False, True])
@pytest.mark.parametrize("probe", CHANNELS)
def test_an_individual_alone_and_in_company(probe: str, slicing: bool) -> None:
    rng = np.random.default_rng(6)
    sample = a_sample(rng, slicing=slicing, slice_depth=3.0)
    inst, x = an_instrument(rng, probe, CHANNELS[probe][-1])
    film, bilayer, stack = sample.Stacks[1].Layers[0], sample.Stacks[0].Layers[0], sample.Stacks[0]
    film.setDd_u(4.0)
    if probe.endswith("tof"):
        targets: list[Any] = [inst.setIncangle]
        ranges = [(0.7, 1.0)]
    else:
        targets, ranges = [inst.setWavelength], [(9.0, 12.0)]
    targets += [film.setD, film.setMagn, film.setMagn_ang, film.setDmag_u, film.setFreal, film.setB, bilayer.setSigma]
    ranges += [(30, 60), (-2, 2), (-50, 50), (-0.9, 0.5), (5, 20), (3, 9), (0, 4)]
    targets += [bilayer.setMagn_theta, bilayer.setResdens, stack.setRepetitions, inst.setI0]
    ranges += [(-20, 20), (0.1, 1), (0, 3), (0.5, 2)]
    if slicing:
        targets.append(sample.setSlice_depth)
        ranges.append((2.0, 4.0))
    values = np.array([rng.uniform(*limits, size=5) for limits in ranges])

    def simulated(columns: np.ndarray, *, as_population: bool) -> np.ndarray:
        film.setF(14 - 3j)  # setFreal keeps the imaginary part, of a population too
        for target, column in zip(targets, columns, strict=True):
            target(column[:, None] if as_population else float(column[0]))
        return sample.SimSpecular(x, inst)

    together = simulated(values, as_population=True)
    assert together.shape == (5, len(x))
    for m in range(5):
        alone = simulated(values[:, m : m + 1], as_population=False)
        assert alone.shape == x.shape
        np.testing.assert_array_equal(alone, together[m])
        np.testing.assert_array_equal(simulated(values[:, m : m + 1], as_population=True)[0], alone)


def test_one_dead_individual_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(7)
    for probe in CHANNELS:
        sample = a_sample(rng)
        inst, x = an_instrument(rng, probe, CHANNELS[probe][0])
        sample.Stacks[1].Layers[0].setD(np.array([[40.0], [np.nan], [50.0]]))
        curves = sample.SimSpecular(x, inst)
        assert np.isfinite(curves[[0, 2]]).all()
        assert not np.isfinite(curves[1]).any()


def test_numbers_of_genx_below_the_critical_angle_are_noisy(shared: Any) -> None:
    """Solved in closed form, the quartic gives noise of the size and in the place of GenX's deviation from us."""
    case = Case("mag_refl_more_03")
    genx_model = metagenx.load(case.file)
    ours = genx_model.simulate()[0]
    deviation = np.abs(case.arrays["d0_y_sim"] - ours)
    below = case.arrays["d0_x"] < 5.7
    assert np.max(deviation[below]) < 3e-9
    assert np.max(deviation[~below]) < 1e-12
    coefficients = coefficients_of(genx_model._instance.script.evaluate("M"), angle=np.radians(1.5))
    noise = np.max(np.abs(by_ferrari(coefficients) - accurate_roots(coefficients)))
    assert 1e-12 < noise < 1e-7


def coefficients_of(layer: Any, angle: float) -> np.ndarray:
    chi = plain.tensor(layer, 14.6, 1.0)[0]
    g, nx = np.sin(angle), np.cos(angle)
    u = np.exp(2j * np.pi * np.arange(5) / 5)
    m = np.array([
        [[1 + chi[0, 0] - v**2, chi[0, 1], v * nx + chi[0, 2]], [chi[1, 0], g**2 + chi[1, 1] - v**2, chi[1, 2]],
         [v * nx + chi[2, 0], chi[2, 1], g**2 + chi[2, 2]]] for v in u
    ])  # fmt: skip
    return np.linalg.solve(np.vander(u, 5), np.linalg.det(m))


def by_ferrari(c: np.ndarray) -> np.ndarray:
    a, b, c1, d = c[1:] / c[0]
    p, q = b - 3 * a * a / 8, c1 - a * b / 2 + a**3 / 8
    r = d - a * c1 / 4 + a * a * b / 16 - 3 * a**4 / 256
    cubic, square = -p * p / 12 - r, -(p**3) / 108 + p * r / 3 - q * q / 8
    t = (-square / 2 + np.sqrt(square**2 / 4 + cubic**3 / 27)) ** (1 / 3)
    y = -5 / 6 * p + t - cubic / 3 / t
    w = np.sqrt(p + 2 * y)
    roots = [-a / 4 + (s * w + v * np.sqrt(-(3 * p + 2 * y + s * 2 * q / w))) / 2 for s in (1, -1) for v in (1, -1)]
    return np.sort_complex(np.array(roots))


def accurate_roots(c: np.ndarray) -> np.ndarray:
    roots = np.roots(c).astype(np.clongdouble)
    for _ in range(5):
        roots = roots - np.polyval(c.astype(np.clongdouble), roots) / np.polyval(np.polyder(c), roots)
    return np.sort_complex(roots.astype(complex))


def test_a_negative_moment_points_the_other_way() -> None:
    rng = np.random.default_rng(8)
    for probe in ("x-ray anis.", "x-ray simpl. anis.", "neutron pol"):
        sample = a_sample(rng)
        film = sample.Stacks[1].Layers[0]
        inst, x = an_instrument(rng, probe, "ass")
        film.setMagn(1.5)
        before = sample.SimSpecular(x, inst)
        film.setMagn(-1.5)
        film.setMagn_ang(film.magn_ang + 180)
        film.setMagn_theta(-film.magn_theta)
        np.testing.assert_allclose(sample.SimSpecular(x, inst), before, rtol=1e-9, atol=1e-12)


def test_interface_layers_of_the_same_moment_change_nothing() -> None:
    rng = np.random.default_rng(9)
    for probe in list(CHANNELS)[1:]:  # plain x-rays lose their thickness (fact sheet 4.5, Q)
        sample = a_sample(rng)
        film = sample.Stacks[1].Layers[0]
        for name in ("dd_l", "dd_u", "dmag_l", "dmag_u", "sigma_ml", "sigma_mu"):
            setattr(film, name, 0.0)
        inst, x = an_instrument(rng, probe, CHANNELS[probe][0])
        before = sample.SimSpecular(x, inst)
        film.setDd_l(5.0)
        film.setDd_u(7.0)
        np.testing.assert_allclose(sample.SimSpecular(x, inst), before, rtol=1e-7)


def test_functions_of_the_energy() -> None:
    rng = np.random.default_rng(10)
    sample = a_sample(rng)
    inst, x = an_instrument(rng, "x-ray anis.", "circ+", wavelength=14.0)
    film = sample.Stacks[1].Layers[0]
    before = sample.SimSpecular(x, inst)
    energy = plain.HC / 14.0
    for name in ("f", "fr", "fm1", "fm2"):
        value = getattr(film, name)
        setattr(film, name, lambda at, value=value: value * (at / energy))
    np.testing.assert_allclose(sample.SimSpecular(x, inst), before, rtol=1e-12)
    inst.setWavelength(14.5)
    changed = sample.SimSpecular(x, inst)
    assert_same(changed, plain.specular(x, sample, inst), 1e-8)


def test_without_magnetism_the_theories_agree() -> None:
    layers = [model.Layer(d=60.0, dens=0.07, f=20 - 3j, b=6.0), model.Layer(d=40.0, dens=0.05, f=35 - 8j, b=3.0)]
    sample = model.Sample(
        Stacks=[model.Stack(Layers=layers, Repetitions=3)], Ambient=model.Layer(**VACUUM),
        Substrate=model.Layer(dens=0.05, f=12 - 1j, b=5.0),
    )  # fmt: skip
    x = np.linspace(0.01, 0.3, 30)
    xray = {
        probe: sample.SimSpecular(x, model.Instrument(probe=probe, wavelength=14.0, coords="q", xpol=xpol))
        for probe, xpol in {"x-ray": "tot", "x-ray simpl. anis.": "tot", "x-ray anis.": "σ"}.items()
    }
    np.testing.assert_allclose(xray["x-ray simpl. anis."], xray["x-ray"], rtol=1e-8)
    # χ is 2(n − 1), not n² − 1
    np.testing.assert_allclose(xray["x-ray anis."], xray["x-ray"], rtol=0.1)
    neutron = {
        probe: sample.SimSpecular(x, model.Instrument(probe=probe, wavelength=4.0, coords="q", npol="dd"))
        for probe in ("neutron pol", "neutron pol spin flip")
    }
    # linear potentials against squares of the index
    np.testing.assert_allclose(neutron["neutron pol"], neutron["neutron pol spin flip"], rtol=1e-3)


def test_no_light_is_made() -> None:
    """A film that absorbs in every polarisation reflects less than comes in, also where it is thick."""
    rng = np.random.default_rng(11)
    for _ in range(5):
        film = a_layer(rng, d=5000.0, f=20 - 9j, fr=0j, fm1=0.3 - 0.2j, fm2=0.05 - 0.05j, magn=2.0)
        sample = model.Sample(
            Stacks=[model.Stack(Layers=[film], Repetitions=20)], Ambient=model.Layer(**VACUUM),
            Substrate=model.Layer(dens=0.05, f=12 - 1j),
        )  # fmt: skip
        for channel in ("σ", "π", "circ+", "circ-"):
            inst = model.Instrument(probe="x-ray anis.", wavelength=14.0, coords="q", xpol=channel)
            curve = sample.SimSpecular(np.linspace(1e-3, 0.5, 40), inst)
            assert (curve >= 0).all()
            assert (curve <= 1).all()


def test_only_linear_dichroism_in_the_plane_of_scattering() -> None:
    """There one polarisation does not see the moment, and P of the fact sheet is 0/0; nearby moments give the limit."""

    def curve(angle: float, channel: str) -> np.ndarray:
        film = model.Layer(d=60.0, dens=0.09, f=14 - 3j, fm2=2 - 1j, magn=1.0, magn_ang=angle)
        sample = model.Sample(
            Stacks=[model.Stack(Layers=[film])], Ambient=model.Layer(**VACUUM),
            Substrate=model.Layer(dens=0.05, f=11 - 2j),
        )  # fmt: skip
        inst = model.Instrument(probe="x-ray anis.", wavelength=14.0, coords="q", xpol=channel)
        return sample.SimSpecular(np.linspace(0.02, 0.3, 20), inst)

    for channel in ("σ-σ", "π-π"):
        np.testing.assert_allclose(curve(0.0, channel), curve(1e-4, channel), rtol=1e-6)
    assert np.max(curve(0.0, "σ-π")) < 1e-20


def test_profiles_of_slices_are_those_of_the_sheet() -> None:
    rng = np.random.default_rng(12)
    for compress in (True, False):
        sample = a_sample(rng, slicing=True, compress=compress, slice_depth=0.7)
        theirs = plain.slices(sample, 14.0)
        ours = magnetic_slicing.slices_of(sample, magnetic_layers(sample), 14.0)
        np.testing.assert_allclose(ours.z, theirs["z"], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(ours.thickness, theirs["d"], rtol=1e-9)
        np.testing.assert_allclose(ours.chi, theirs["chi"], rtol=1e-9, atol=1e-14)
        for name, key in {
            "nuclear": "b",
            "absorption": "xs",
            "moment": "M",
            "moment_x": "Mx",
            "moment_y": "My",
        }.items():
            np.testing.assert_allclose(getattr(ours, name), theirs[key], rtol=1e-9, atol=1e-14)


def test_options_by_number_and_other_names() -> None:
    inst = model.Instrument(probe=2, xpol=4, npol=3, coords=0, restype=3)
    assert inst.probe == "x-ray anis."
    assert inst.xpol == "π" == inst.xpol
    assert inst.npol == "du"
    assert inst.restype == "full conv and varying res."
    assert inst.coords == "q"
    for number, name in enumerate(CHANNELS):
        position = {"neutron pol": 3, "neutron pol tof": 4, "neutron pol spin flip": 5}.get(name, number)
        assert model.Probe(position) == name
    for number, (text, other) in enumerate(
        {"tot": "tot", "circ+": "circ+", "circ-": "circ-", "σ": "sigma", "π": "pi", "σ-σ": "sigma-sigma",
         "σ-π": "sigma-pi", "π-π": "pi-pi", "π-σ": "pi-sigma", "ass": "ass"}.items()
    ):  # fmt: skip
        assert model.XRayPolarization(number) == text == model.XRayPolarization(other)


def test_mistakes() -> None:
    rng = np.random.default_rng(13)
    sample = a_sample(rng)
    x = np.linspace(0.02, 0.2, 5)

    def fails(words: str, the_sample: Any = sample, **options: Any) -> None:
        inst = model.Instrument(coords="q")
        for name, value in options.items():
            setattr(inst, name, value)
        with pytest.raises(InputError, match=words):
            the_sample.SimSpecular(x, inst)

    fails("no channel 'σ'", probe="x-ray simpl. anis.", xpol="σ")
    fails("no channel 'ud'", probe="neutron pol", npol="ud")
    fails("needs coords 'q'", probe="neutron pol tof", coords="2θ")
    fails("no option 'neutron'", probe="neutron")
    fails("no option 'fast conv \\+ varying res. \\(dx/x\\)'", restype="fast conv + varying res. (dx/x)")
    fails("wavelength must be positive", wavelength=0.0)
    fails("incangle", probe="neutron pol tof", incangle=0.0)
    sliced = copy.copy(sample)
    sliced.setSlicing(True)
    fails("no polarisation 'circ\\+'", sliced, probe="x-ray", xpol="circ+")
    for depth in (0.0, -1.0):
        sliced.setSlice_depth(depth)
        fails("slice_depth must be positive", sliced)
    sliced.setSlice_depth(1e-5)
    fails("slices", sliced)
    sliced.setSlice_depth(2.0)
    sliced.setAmbient(model.Layer(dens=0.05, b=5.0))
    fails("vacuum", sliced, probe="neutron pol spin flip")
    sliced.setSlicing("yes")
    fails("slicing must be True or False", sliced)
    from metagenx.genx.models import spec_nx

    foreign = model.Sample(Stacks=[], Ambient=spec_nx.Layer(), Substrate=model.Layer())
    fails("not one of models.mag_refl", foreign)
    fails("not made of stacks", model.Sample(Stacks=[3]))
    with pytest.raises(InputError, match=r"models\.interdiff"):
        sample.SimOffSpecular(x, x, None)
    sample.Substrate.setSigma(np.array([[1.0], [2.0]]))
    with pytest.raises(InputError, match="population"):
        sample.SimSLD(None, None, model.Instrument())


def test_a_bare_substrate() -> None:
    """GenX needs a film for all probes but x-rays; here none is needed."""
    sample = model.Sample(Stacks=[], Ambient=model.Layer(**VACUUM), Substrate=model.Layer(dens=0.05, f=12 - 1j, b=5.0))
    for probe in CHANNELS:
        for sliced in (False, True):
            sample.setSlicing(sliced)
            inst = model.Instrument(probe=probe, coords="q", wavelength=5.0)
            curve = sample.SimSpecular(np.linspace(0.001, 0.2, 20), inst)
            assert (curve <= 1 + 1e-12).all()
            assert np.isfinite(sample.SimSLD(None, "z", inst)).all()


def script_with(words: str) -> str:
    return (
        "import models.mag_refl as model\n"
        "film = model.Layer(d=50., dens=0.08, b=-3.7, f=14-3j, fm1=1-1j, magn=2., magn_ang=30.)\n"
        "sample = model.Sample(Stacks=[model.Stack(Layers=[film])], Ambient=model.Layer(dens=0.),\n"
        "                      Substrate=model.Layer(dens=0.05, b=5., f=10-1j))\n"
        f"inst = model.Instrument(coords='q', wavelength=4.5)\n{words}\n"
        "def Sim(data):\n    return [sample.SimSpecular(d.x, inst) for d in data]\n"
    )


@pytest.mark.parametrize(
    ("words", "notice"),
    [
        ("inst.setProbe('x-ray anis.')", "closed form"),
        ("inst.setProbe('neutron pol')", "counts as positive"),
        ("inst.setProbe('neutron pol'); sample.setSlicing(True)", r"\|magn\| whatever its angles"),
        ("inst.setProbe(5); sample.setSlicing(True); film.setMagn_ang(-30.)", "φ and −φ"),
    ],
)
def test_what_a_user_should_know_is_told(words: str, notice: str) -> None:
    x = np.linspace(0.02, 0.1, 5)
    data = DataList([DataSet("d", x, x, x)])
    script = ScriptModule(script_with(words), data)
    script.simulate(data, sim_flag=True)
    assert [text for text in script.notices if re.search(notice, text)]


def test_its_ancestor_is_named() -> None:
    with pytest.raises(ScriptError, match=r"models\.xmag") as caught:
        ScriptModule("import models.xmag as model\n", DataList([]))
    assert "models.mag_refl" in str(caught.value)


def test_sliced_xrays_see_the_magnetic_part_along_x_as_in_genx() -> None:
    """GenX 3.8.13 as a black box, probe 'x-ray': n = 1 + χ_xx/2, to which m2 belongs."""
    x = np.array([0.01472690747064059, 0.05047434460705897, 0.08572858762739119, 0.14647190777975103])
    theirs = [1.1398531086839845, 0.1537138454440675, 0.008499778239102224, 0.000726275628592012]
    film = model.Layer(
        f=31.38 - 3.16j, b=7.718, dens=0.0433, sigma=0.0, d=89.6027, magn=1.5, magn_ang=-121.0209, magn_theta=-17.5839,
        fr=-1.66 - 1.1j, fm1=-0.09 - 0.38j, fm2=0.46 - 0.19j, dd_u=4.5757, dmag_u=-0.0907, sigma_mu=0.4083,
    )  # fmt: skip
    sample = model.Sample(
        Stacks=[model.Stack([film])], Ambient=model.Layer(**VACUUM), slicing=True, slice_depth=1.0,
        Substrate=model.Layer(f=30.94 - 10.45j, b=3.635, dens=0.0439, sigma=4.9833),
    )  # fmt: skip
    instrument = model.Instrument(probe="x-ray", wavelength=11.64, coords="q", I0=1.2668, Ibkg=1e-8, xpol="tot")
    np.testing.assert_allclose(sample.SimSpecular(x, instrument), theirs, rtol=1e-9)


def an_absorber(**given: Any) -> Any:
    film = model.Layer(b=9.45, dens=0.0464, sigma=2.8654, d=104.0844)
    dead = model.Layer(
        b=6.715, dens=0.0746, sigma=2.187, d=73.6232, xs_ai=161.531, magn=2.0589, magn_ang=90.0, magn_theta=1.4786,
        dd_l=2.2236, dmag_l=-0.8851, sigma_ml=1.8261,
    )  # fmt: skip
    stacks = [model.Stack(Layers=[film]), model.Stack(Layers=[dead], Repetitions=3)]
    substrate = model.Layer(b=3.449, dens=0.089, sigma=2.9146, xs_ai=11.3157)
    return model.Sample(Stacks=stacks, Ambient=model.Layer(**VACUUM), Substrate=substrate, **given)


def time_of_flight(**given: Any) -> Any:
    return model.Instrument(
        probe="neutron pol tof", coords="q", wavelength=4.4, incangle=1.0931, npol="dd", Ibkg=1e-8, samplelen=20.5,
        beamw=0.0894, **given,
    )  # fmt: skip


# Numbers of GenX 3.8.13.
FOOTPRINT_OF_GENX = {-1e-2: 5.007300477862764e-08, -5e-5: 4.987017027196128e-08, 1e-6: 8.029851816496963e-05,
                     1e-4: 0.007831934110188822, 1e-2: 0.8022511541406253, 0.1: 3.4350925151503096e-05}  # fmt: skip
BEAM_OF_GENX = {-1e-2: 1.0012861355235663, -1e-3: 1.0000111676751977, -5e-5: 0.9962180010419026,
                1e-6: 0.9999868571760675, 1e-2: 0.999197168707307, 0.1: 3.4350925151503096e-05}  # fmt: skip


@pytest.mark.parametrize(("footype", "numbers"), [("square beam", FOOTPRINT_OF_GENX), ("no corr", BEAM_OF_GENX)])
def test_time_of_flight_has_the_footprint_of_its_wavelength_and_signed_q(footype: str, numbers: Any) -> None:
    x = np.array(list(numbers))
    curve = an_absorber().SimSpecular(x, time_of_flight(footype=footype))
    np.testing.assert_allclose(curve, list(numbers.values()), rtol=1e-9)


def test_slices_of_time_of_flight_are_even_in_q() -> None:
    x = np.array([1e-3, 1e-2, 0.03])
    inst, sample = time_of_flight(), an_absorber(slicing=True)
    np.testing.assert_allclose(sample.SimSpecular(-x, inst), sample.SimSpecular(x, inst), rtol=1e-12)


def test_time_of_flight_at_no_q_at_all_is_no_number() -> None:
    """Not an error, and the other points stay what they are."""
    curve = an_absorber().SimSpecular(np.array([0.0, 0.1]), time_of_flight())
    assert np.isnan(curve[0])
    np.testing.assert_allclose(curve[1], BEAM_OF_GENX[0.1], rtol=1e-9)


@pytest.mark.parametrize("probe", ["neutron pol", "neutron pol tof", "neutron pol spin flip"])
def test_profiles_of_layers_show_b_with_its_sign(probe: str) -> None:
    film = model.Layer(b=-3.4 - 0.5j, dens=0.0311, d=100.0)
    substrate = model.Layer(b=6.715, dens=0.0485, xs_ai=123.3156)
    sample = model.Sample(Stacks=[model.Stack([film])], Ambient=model.Layer(**VACUUM), Substrate=substrate)
    profile = sample.SimSLD(np.array([-40.0, 50.0]), "sld_n", model.Instrument(probe=probe, coords="q", wavelength=4.4))
    # GenX 3.8.13 in the middle of these layers.
    np.testing.assert_allclose(profile, [0.3256775 - 0.000679637114j, -0.10574 - 0.01555j], rtol=1e-9)
