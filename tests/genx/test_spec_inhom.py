"""spec_inhom against the fact sheet in plain loops, and the same numbers for a candidate alone and in company."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plain_spec_inhom as plain
import plain_spec_nx
import pytest
from test_spec_nx import PROBES, RESTYPES, an_instrument, assert_close

import metagenx
from metagenx.errors import InputError
from metagenx.genx.models import spec_inhom as model
from metagenx.genx.models import spec_nx
from metagenx.genx.models.scattering_lengths import fresh_databases
from metagenx.genx.script import ScriptModule

Q = np.linspace(0.005, 0.2, 60)
KINDS = ["relative linear", "relative sqrt", "absolute linear", "absolute sqrt"]
FORMS = ["gauss", "semi-gauss", "empiric PLD"]


def nickel(**given: Any) -> Any:
    return model.Layer(**{"d": 40.0, "dens": 0.0914, "b": 10.3, "f": 24.0 - 0.5j, "sigma": 3.0, **given})


def titanium(**given: Any) -> Any:
    return model.Layer(**{"d": 30.0, "dens": 0.0567, "b": -3.438, "f": 22.0 - 1.8j, "sigma": 4.0, **given})


def a_sample(stack: Any, *more: Any, **given: Any) -> Any:
    ambient, substrate = model.Layer(dens=0.0, f=0j), model.Layer(dens=0.05, f=14.0, b=4.15, sigma=3.0)
    return model.Sample(Stacks=[stack, *more], Ambient=ambient, Substrate=substrate, **given)


def neutrons(**given: Any) -> Any:
    return model.Instrument(**{"probe": "neutron", "wavelength": 4.4, "coords": "q", **given})


@pytest.mark.parametrize("restype", RESTYPES)
@pytest.mark.parametrize("probe", PROBES)
def test_every_combination_of_options_gives_what_the_sheet_says(probe: str, restype: str) -> None:
    rng = np.random.default_rng([1, PROBES.index(probe), RESTYPES.index(restype)])
    for i, form in enumerate(FORMS):
        flips = probe == "neutron pol spin flip"
        layers = [
            nickel(
                magn=rng.uniform(0, 1), magn_ang=rng.uniform(-40, 40), xs_ai=20.0, d_gradient=rng.uniform(-0.1, 0.1)
            ),
            titanium(sigma_gradient=rng.uniform(0, 1), xs_ai=30.0),
        ]
        stack = model.Stack(
            layers,
            Repetitions=float(rng.integers(1, 3 if flips else 6)) + rng.choice([0.0, 0.4]),
            sigma_gtype=KINDS[(i + RESTYPES.index(restype)) % 4],
            sigma_gradient=rng.uniform(0, 2),
            d_gradient=rng.uniform(-0.1, 0.1),
            dens_gradient=rng.uniform(-0.1, 0.1),
        )
        others = [] if flips else [model.Stack([titanium(xs_ai=30.0)], 2.7)]
        sample = a_sample(
            stack, *others, sigma_inhom=rng.choice([0.0, 3.0]), steps_inhom=int(rng.integers(1, 6)), type_inhom=form
        )
        sample.Substrate.xs_ai = 10.0
        instrument, x = an_instrument(rng, probe, restype, str(rng.choice(["no corr", "gauss beam", "square beam"])))
        if "tof" in probe:
            x = x + 0.03  # near Q = 0 its wavelength is infinite
        other_side = rng.random() < 0.3
        expected = plain.specular(x, sample, instrument, other_side=other_side)
        assert np.all(np.isfinite(expected))
        assert_close((-sample if other_side else sample).SimSpecular(x, instrument), expected, instrument)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_roughness_gradients_by_name_and_number(kind: str, number: int) -> None:
    stack = model.Stack([nickel(), titanium(sigma_gradient=0.3)], 5, sigma_gtype=kind, sigma_gradient=1.2)
    resolved = stack.resolveLayerParameter("sigma")
    expected = [
        plain.roughness(kind, layer.sigma, 1.2 + layer.sigma_gradient, i, 5) for i in range(5) for layer in stack.Layers
    ]
    np.testing.assert_allclose(resolved, expected, rtol=1e-14)
    stack.setSigma_gtype(float(number))
    same = stack.resolveLayerParameter("sigma") == resolved
    assert same == (KINDS[number] == kind)
    assert model.SigmaGradientType(number) == KINDS[number]


@pytest.mark.parametrize("repetitions", [0, 0.9, 1, 1.0, 2, 2.6, -3])
@pytest.mark.parametrize("gradient", [0.0, 0.2])
def test_few_repetitions(repetitions: float, gradient: float) -> None:
    stack = model.Stack(
        [nickel(), titanium()], repetitions, sigma_gradient=gradient, d_gradient=gradient, dens_gradient=gradient
    )
    sample = a_sample(stack)
    n = max(int(repetitions), 0)
    assert len(stack.resolveLayerParameter("d")) == 2 * n
    np.testing.assert_allclose(sample.SimSpecular(Q, neutrons()), plain.specular(Q, sample, neutrons()), rtol=1e-10)
    assert len(sample.SimSLD(None, "z", neutrons())) > 10


def test_without_gradients_it_is_spec_nx() -> None:
    layers = [nickel(), titanium()]
    sample = a_sample(model.Stack(layers * 3, 4))
    other = spec_nx.Sample(Stacks=[spec_nx.Stack(layers * 3, 4)], Ambient=sample.Ambient, Substrate=sample.Substrate)
    for probe in ("neutron", "neutron pol spin flip"):
        instrument = neutrons(probe=probe)
        np.testing.assert_array_equal(sample.SimSpecular(Q, instrument), other.SimSpecular(Q, instrument))


@pytest.mark.parametrize(("probe", "length"), [("x-ray", "fp.W"), ("x-ray", "0.5*fp.W + fp.O*3"), ("neutron", "bc.Gd")])
def test_values_of_the_tables_do_not_absorb_as_in_genx_and_the_user_is_told(probe: str, length: str) -> None:
    script = """
import models.spec_inhom as model
from models.utils import fp, bc
inst = model.Instrument(probe='{probe}', coords='q', wavelength=1.54)
film = model.Layer(d=100.0, dens=0.05, {which}={value})
sample = model.Sample(Stacks=[model.Stack(Layers=[film])], Ambient=model.Layer(dens=0.0))
def Sim(data):
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
    data = [type("Data", (), {"x": Q, "columns": ()})()]
    which = "f" if probe == "x-ray" else "b"
    of_table, real, plain_number = (
        ScriptModule(script.format(probe=probe, which=which, value=value), data)
        for value in (length, f"({length}).real", f"complex({length})")
    )
    curves = [one.simulate(data)[0] for one in (of_table, real, plain_number)]
    np.testing.assert_array_equal(curves[0], curves[1])
    assert np.max(np.abs(curves[2] / curves[1] - 1)) > 1e-3
    assert len(of_table.notices) == 1
    assert "absorption" in of_table.notices[0]
    assert not real.notices
    assert not plain_number.notices
    profile = of_table.namespace["sample"].SimSLD(None, "Im", of_table.namespace["inst"])
    assert profile.min() < -0.1


def test_absorption_has_the_numbers_of_genx() -> None:
    """GenX 3.8.13 as a black box: W from the tables, which does not absorb, on a substrate of 20 − 5i, which does."""
    instrument = model.Instrument(probe="x-ray", wavelength=1.54, coords="q", I0=1.2)
    film = model.Layer(f=fresh_databases()["fp"].W, dens=0.06, d=80.0, sigma=3.0)
    substrate = model.Layer(f=20 - 5j, dens=0.05, sigma=2.0)
    sample = model.Sample(Stacks=[model.Stack([film])], Ambient=model.Layer(dens=0.0), Substrate=substrate)
    theirs = [1.1986264549997967, 0.9594057147879941, 0.029718441321080955, 0.0036384719071270227]
    np.testing.assert_allclose(
        sample.SimSpecular(
            np.array([0.0295, 0.07033333333333333, 0.12749999999999997, 0.20916666666666664]), instrument
        ),
        theirs,
        rtol=1e-9,
    )


SUPERMIRRORS: list[dict[str, Any]] = [
    {"Repetitions": 2.0, "beta_sm": 0.08},
    {"Repetitions": 2.5, "beta_sm": 0.05, "d_gradient": -0.02, "sm_scale": 0.97, "sigma_gradient": 0.8},
    {"Repetitions": 3.0, "beta_sm": 0.02, "dens_gradient": 0.03},
    {"Repetitions": 30.0, "beta_sm": -0.98},
    {"Repetitions": 25.7, "beta_sm": -0.9, "d_gradient": 0.03, "sm_scale": 1.04, "sigma_gtype": 3, "sigma_gradient": 2},
    {"Repetitions": -12.0, "beta_sm": -0.88, "dens_gradient": 0.02},
    {"Repetitions": 8.0, "beta_sm": -0.999},
    {"Repetitions": 1.0, "beta_sm": -0.95, "d_gradient": 0.1},
]


def test_a_barrier_leaves_the_bilayers_of_a_supermirror_as_thick_as_they_are() -> None:
    """GenX 3.8.13 as a black box: gradient and scale take the layers between the two that mirror along."""
    for options in ({"d_gradient": 0.2}, {"sm_scale": 0.9}, {"d_gradient": -0.1, "sm_scale": 1.1}):
        totals = []
        for layers in ([nickel(), titanium()], [nickel(), model.Layer(d=3.0, dens=0.08, b=6.6), titanium()]):
            stack = model.Stack(layers, Repetitions=6, beta_sm=-0.97, **options)
            d = np.reshape(stack.resolveLayerParameter("d"), (6, len(layers)))
            totals.append(d.sum(axis=1))
        np.testing.assert_allclose(totals[0], totals[1], rtol=1e-12)


def test_the_given_thicknesses_vary_not_those_of_the_design() -> None:
    """GenX 3.8.13 as a black box: a mirror of two layers is the same with a distribution of thicknesses."""
    layers = [nickel(d=90.0), titanium(d=60.0)]
    stack = model.Stack(layers, Repetitions=6, beta_sm=-0.95, d_gradient=0.03)
    alone = a_sample(stack).SimSpecular(Q, neutrons())
    varied = a_sample(stack, sigma_inhom=6.0, type_inhom="gauss").SimSpecular(Q, neutrons())
    np.testing.assert_allclose(varied, alone, rtol=1e-10)
    stack.Layers.insert(1, model.Layer(d=10.0, dens=0.08, b=3.6))
    alone = a_sample(stack).SimSpecular(Q, neutrons())
    varied = a_sample(stack, sigma_inhom=6.0, type_inhom="gauss").SimSpecular(Q, neutrons())
    assert np.max(np.abs(varied / alone - 1)) > 1e-4


@pytest.mark.parametrize("options", SUPERMIRRORS, ids=str)
@pytest.mark.parametrize("barrier", [False, True])
def test_supermirrors(options: dict[str, Any], barrier: bool) -> None:
    layers = [nickel(magn=0.1), titanium()]
    if barrier:
        layers.insert(1, model.Layer(d=3.0, dens=0.08, b=6.6, sigma=2.0))
    stack = model.Stack(layers, **options)
    expected = plain.copies(stack)
    for field in ("d", "sigma", "dens"):
        np.testing.assert_allclose(
            stack.resolveLayerParameter(field), [getattr(one, field) for one in expected], rtol=1e-12, err_msg=field
        )
    assert stack.resolveLayerParameter("b") == [one.b for one in expected]
    sample = a_sample(stack, sigma_inhom=0.5, steps_inhom=3)
    for probe in ("neutron", "neutron pol"):
        instrument = neutrons(probe=probe)
        np.testing.assert_allclose(
            sample.SimSpecular(Q, instrument), plain.specular(Q, sample, instrument), rtol=1e-9, atol=1e-13
        )


FITTED: list[tuple[str, str, tuple[float, float]]] = [
    ("stack", "beta_sm", (0.03, 0.3)),
    ("stack", "Repetitions", (1.6, 3.4)),
    ("stack", "sm_scale", (0.9, 1.1)),
    ("stack", "d_gradient", (-0.1, 0.1)),
    ("stack", "sigma_gradient", (0.0, 1.0)),
    ("stack", "dens_gradient", (-0.1, 0.1)),
    ("A", "dens", (0.06, 0.1)),
    ("A", "sigma_gradient", (0.0, 1.0)),
    ("B", "b", (-3.4, 2.0)),
    ("B", "magn", (0.0, 0.3)),
    ("B", "d", (20.0, 40.0)),
    ("B", "d_gradient", (0.0, 0.2)),
    ("sample", "sigma_inhom", (0.0, 5.0)),
    ("sample", "lscale_inhom", (0.3, 1.0)),
    ("sample", "flatwidth_inhom", (0.0, 20.0)),
    ("inst", "res", (0.0005, 0.002)),
    ("inst", "I0", (0.5, 2.0)),
]


@pytest.mark.parametrize("form", [*FORMS, None])
@pytest.mark.parametrize("beta", [0.1, -0.9, 0.0])
@pytest.mark.parametrize("probe", ["neutron", "neutron pol spin flip"])
def test_a_population_has_the_numbers_of_its_members(probe: str, beta: float, form: str | None) -> None:
    rng = np.random.default_rng([3, FORMS.index(form) if form else 3, round(10 * beta) + 10])
    n_population = 6
    objects: dict[str, Any] = {"A": nickel(), "B": titanium(), "inst": neutrons(probe=probe, pol="uu")}
    objects["inst"].restype = "full conv and varying res."
    objects["stack"] = model.Stack([objects["A"], objects["B"]], Repetitions=2.0 if beta > 0 else 5.0, beta_sm=beta)
    cap = model.Stack([titanium(d=20.0)])
    objects["sample"] = a_sample(objects["stack"], cap, type_inhom=form or 0, steps_inhom=3)
    chosen = []
    for owner, field, (low, high) in FITTED:
        if form is None and owner == "sample":
            continue
        if field == "beta_sm" and beta < 0:
            low, high = -0.99, -0.94
        if field == "Repetitions" and beta <= 0:
            low, high = 0.0, 9.0
        values = rng.uniform(low, high, (n_population, 1))
        if field in ("beta_sm", "sigma_inhom") and (beta == 0 or owner == "sample"):
            values[::2] = 0.0  # some of the individuals are none
        chosen.append((owner, field, values))
        setattr(objects[owner], field, values)
    x = np.linspace(0.01, 0.12, 25)
    sample = objects["sample"]
    together = sample.SimSpecular(x, objects["inst"])
    other_side = (-sample).SimSpecular(x, objects["inst"])
    assert together.shape == (n_population, len(x))
    assert np.all(np.isfinite(together))
    lengths = set()
    for m in range(n_population):
        for owner, field, values in chosen:
            setattr(objects[owner], field, values[m : m + 1])
        np.testing.assert_array_equal(sample.SimSpecular(x, objects["inst"])[0], together[m])
        np.testing.assert_array_equal((-sample).SimSpecular(x, objects["inst"])[0], other_side[m])
        for owner, field, values in chosen:
            setattr(objects[owner], field, float(values[m, 0]))
        lengths.add(len(objects["stack"].resolveLayerParameter("d")))
        alone = sample.SimSpecular(x, objects["inst"])
        np.testing.assert_allclose(alone, together[m], rtol=1e-9)
        if probe == "neutron":
            np.testing.assert_allclose(alone, plain.specular(x, sample, objects["inst"]), rtol=1e-9)
    assert len(lengths) > 1


@pytest.mark.parametrize("probe", ["neutron", "neutron pol spin flip"])
@pytest.mark.parametrize("gradient", [0.0, 0.2])
def test_populations_in_which_stacks_come_and_go(probe: str, gradient: float) -> None:
    below = model.Stack([nickel(), titanium()], np.array([[0.5], [3.0], [1.0]]), d_gradient=np.full((3, 1), gradient))
    above = model.Stack([titanium(), nickel(d=20.0)], np.array([[2.0], [0.0], [40.9]]), dens_gradient=gradient)
    empty = model.Stack([], 4.0, d_gradient=0.1)
    instrument = neutrons(probe=probe)
    sample = a_sample(below, empty, above)
    together = sample.SimSpecular(Q, instrument), (-sample).SimSpecular(Q, instrument)
    assert np.all(np.isfinite(together))
    for m in range(3):
        alone = a_sample(
            model.Stack(below.Layers, below.Repetitions[m : m + 1], d_gradient=np.full((1, 1), gradient)),
            model.Stack(above.Layers, above.Repetitions[m : m + 1], dens_gradient=gradient),
        )
        np.testing.assert_array_equal(alone.SimSpecular(Q, instrument)[0], together[0][m])
        np.testing.assert_array_equal((-alone).SimSpecular(Q, instrument)[0], together[1][m])


def test_a_list_of_all_layers_of_a_population() -> None:
    stack = model.Stack([nickel(d=np.array([[40.0], [50.0]])), titanium()], 3, d_gradient=0.1)
    resolved = stack.resolveLayerParameter("d")
    assert len(resolved) == 6
    np.testing.assert_allclose(np.ravel(sum(resolved)), [210 * 1.05 - 21, 240 * 1.05 - 24], rtol=0.05)
    stack.Repetitions = np.array([[2.0], [3.0]])
    with pytest.raises(InputError, match="number of layers"):
        stack.resolveLayerParameter("d")


def test_intensities_that_change_from_point_to_point_count_before_the_resolution() -> None:
    intensity = np.linspace(1, 3, len(Q))
    sample = a_sample(model.Stack([nickel()]))
    instrument = neutrons(restype="fast conv", res=0.004, I0=intensity, Ibkg=1e-6)
    bare = plain.specular(Q, sample, neutrons())
    expected = plain_spec_nx.fast(Q, intensity * bare, instrument) + 1e-6
    np.testing.assert_allclose(sample.SimSpecular(Q, instrument), expected, rtol=1e-9)


def test_polarisers_fields_and_energies() -> None:
    stack = model.Stack([nickel(magn=0.6, magn_ang=30.0), titanium()], 3, d_gradient=0.1)
    sample = a_sample(stack, sigma_inhom=2.0, steps_inhom=3)
    instrument = neutrons(probe=3, pol="ud", I0=2.0, Ibkg=1e-6)
    curves = {}
    for pol in ("uu", "dd", "ud", "du"):
        instrument.pol = pol
        curves[pol] = sample.SimPolSpecular(Q, 0.0, 0.0, 0.0, 0.0, instrument)
        np.testing.assert_allclose(curves[pol], sample.SimSpecular(Q, instrument), rtol=1e-14)
    mixed = sample.SimPolSpecular(Q, 0.1, 0.0, 0.0, 0.0, instrument)
    np.testing.assert_allclose(mixed, 0.9 * curves["du"] + 0.1 * curves["uu"], rtol=1e-12)
    sample.sigma_inhom = 0.0
    field = sample.SimSpecularField(Q, neutrons())
    np.testing.assert_allclose(np.abs(field) ** 2, sample.SimSpecular(Q, neutrons()), rtol=1e-12)
    energies = np.linspace(7000, 9000, 15)
    xrays = model.Instrument(coords="q")
    flat = [spec_nx.Layer(d=one.d, dens=one.dens, f=one.f, sigma=one.sigma) for one in plain.copies(stack)]
    other = spec_nx.Sample(Stacks=[spec_nx.Stack(flat)], Ambient=sample.Ambient, Substrate=sample.Substrate)
    ours, theirs = (one.SimEnergySpecular(energies, 0.05, xrays) for one in (sample, other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_profiles_have_the_gradients() -> None:
    stack = model.Stack([nickel(sigma=0.1, d=100.0)], 3, dens_gradient=0.3, d_gradient=0.1)
    sample = a_sample(stack, sigma_inhom=5.0)
    sample.Substrate.sigma = 0.1
    tops = np.cumsum([one.d for one in plain.copies(stack)])
    profile = sample.SimSLD(tops - 50.0, None, neutrons())
    expected = [one.dens * 103 for one in plain.copies(stack)]
    np.testing.assert_allclose(profile["Re"], expected, rtol=1e-9)
    assert sample.crop_sld == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"beta_sm": 0.1, "layers": 1}, "different dens"),
        ({"beta_sm": 1e9, "Repetitions": 50.0}, "100000"),
        ({"beta_sm": -0.3}, "reflectivity 0.3"),
        ({"beta_sm": -1.1}, "reflectivity 1.1"),
        ({"beta_sm": -0.9, "layers": 1}, "different dens"),
        ({"beta_sm": -0.7}, "bilayer 1 of the supermirror"),
        ({"beta_sm": 0.1, "d": 0.0}, "thickness"),
        ({"beta_sm": "much"}, "beta_sm"),
        ({"d_gradient": None}, "d_gradient"),
        ({"Repetitions": float("nan"), "d_gradient": 0.1}, "Repetitions"),
        ({"Repetitions": 1e7, "d_gradient": 0.1}, "Repetitions"),
        ({"Repetitions": "3"}, "Repetitions"),
        ({"sigma_gtype": 7, "d_gradient": 0.1}, "sigma_gtype"),
    ],
)
def test_numbers_that_make_no_sample_are_named(options: dict[str, Any], words: str) -> None:
    layers = [nickel(d=options.pop("d", 40.0)), titanium(d=0.0)][: options.pop("layers", 2)]
    stack = model.Stack(layers, 3.0)
    for field, value in options.items():
        setattr(stack, field, value)
    with pytest.raises(InputError, match=words):
        a_sample(stack).SimSpecular(Q, neutrons())


@pytest.mark.parametrize(("field", "value"), [("steps_inhom", 0), ("type_inhom", "normal"), ("sigma_inhom", "wide")])
def test_distributions_that_are_none(field: str, value: Any) -> None:
    sample = a_sample(model.Stack([nickel()]), sigma_inhom=1.0)
    setattr(sample, field, value)
    with pytest.raises(InputError, match=field):
        sample.SimSpecular(Q, neutrons())


@pytest.mark.parametrize("name", ["__class__", "__dict__", "_setters_of", "copy", "thickness", ""])
def test_only_parameters_of_layers_can_be_listed(name: str) -> None:
    for layer in (nickel(), model.Specular):
        with pytest.raises((InputError, AttributeError)):
            model.Stack(Layers=[layer]).resolveLayerParameter(name)


def test_a_supermirror_is_fitted_as_a_population(shared: Path) -> None:
    file = metagenx.load(shared / "reference" / "public" / "spec_inhom_supermirror_04.hgx").file.with_results()
    from metagenx.genx.file import Row

    file.table += [Row("ml.setBeta_sm", 0.05, True, 0.02, 0.2, "-"), Row("ml.setRepetitions", 2.3, True, 1.5, 3.5, "-")]
    problem = metagenx.Model(file).problem()
    assert problem.path == "population", problem.why_not
    vectors = np.random.default_rng(0).uniform(*problem.bounds.T, size=(8, 3))
    together = problem.evaluate(vectors)
    np.testing.assert_array_equal(together, np.concatenate([problem.evaluate(one[None]) for one in vectors]))
    np.testing.assert_allclose(together, problem._one_by_one(vectors), rtol=1e-9)
