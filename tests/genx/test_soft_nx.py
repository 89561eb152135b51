"""soft_nx against the fact sheet: the formulas of spec_nx in plain numpy, with densities in place of lengths."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import plain_spec_nx as plain
import pytest
from test_spec_nx import PROBES, RESTYPES, an_instrument, assert_close

import metagenx
from metagenx.errors import InputError
from metagenx.genx.file import GenxFile
from metagenx.genx.models import soft_nx as model
from metagenx.genx.models import spec_nx
from metagenx.genx.script import ScriptModule

Q = np.linspace(0.005, 0.2, 60)
PI = 3.141592


def a_sample(rng: np.random.Generator, probe: str) -> Any:
    # In the angle form without absorption, rounding decides on which branch the root of the plain formula is.
    absorption = [0.05] if probe.endswith("tof") else [0, 0.05]

    def a_layer(**given: Any) -> Any:
        values = {
            "d": rng.uniform(5, 150),
            "sigma": rng.choice([0.0, rng.uniform(0, 8)]),
            "sld_n": rng.uniform(-2, 9) - 1j * rng.choice(absorption),
            "sld_x": rng.uniform(5, 80) - 1j * rng.uniform(0, 5),
            "sld_m": rng.uniform(0, 3),
            "magn_ang": rng.uniform(-90, 180),
        }
        return model.Layer(**{**values, **given})

    layers = [a_layer() for _ in range(4)]
    most = 2 if probe == "neutron pol spin flip" else 4
    stacks = [
        model.Stack(
            Layers=[layers[i] for i in rng.integers(0, 4, rng.integers(0, most))],
            Repetitions=int(rng.choice([0, 1, 2, 5][: most + 1])),
        )
        for _ in range(rng.integers(0, most))
    ]
    ambient = model.Layer() if rng.random() < 0.5 else a_layer(sld_n=1.2, sld_x=3.0, sigma=0.0, magn_ang=0.0)
    return model.Sample(Stacks=stacks, Ambient=ambient, Substrate=a_layer(magn_ang=0.0))


def with_lengths(sample: Any) -> Any:
    """A sample of spec_nx with the same refractive indices: 1 - λ²·sld·1e-6/(2·3.141592)."""
    made: dict[int, Any] = {}

    def convert(layer: Any) -> Any:
        if id(layer) not in made:
            same = np.pi / PI
            made[id(layer)] = spec_nx.Layer(
                d=layer.d,
                sigma=layer.sigma,
                dens=1.0,
                b=0.1 * layer.sld_n * same,
                f=1e-6 * layer.sld_x / plain.R_E * same,
                magn=1e-6 * layer.sld_m / plain.MU * same,
                magn_ang=layer.magn_ang,
            )
        return made[id(layer)]

    return spec_nx.Sample(
        Stacks=[spec_nx.Stack([convert(one) for one in stack.Layers], stack.Repetitions) for stack in sample.Stacks],
        Ambient=convert(sample.Ambient),
        Substrate=convert(sample.Substrate),
    )


@pytest.mark.parametrize("restype", RESTYPES)
@pytest.mark.parametrize("probe", [probe for probe in PROBES if probe != "neutron pol tof"])
def test_every_combination_of_options_gives_what_the_sheet_says(probe: str, restype: str) -> None:
    rng = np.random.default_rng([1, PROBES.index(probe), RESTYPES.index(restype)])
    for _ in range(3):
        sample = a_sample(rng, probe)
        instrument, x = an_instrument(rng, probe, restype, str(rng.choice(["no corr", "gauss beam", "square beam"])))
        x = x + 0.03 if probe == "neutron tof" else x  # near Q = 0 its wavelength is infinite
        # The background is added to the asymmetry, whatever its sign.
        opposite = probe == "neutron pol" and instrument.pol == "ass"
        instrument.Ibkg = 0.0 if opposite else instrument.Ibkg
        theirs = plain.specular(x, with_lengths(sample), instrument) * (-1 if opposite else 1)
        assert_close(sample.SimSpecular(x, instrument), theirs, instrument)


@pytest.mark.parametrize("pol", ["uu", "dd", "ass"])
def test_polarised_time_of_flight_has_the_factor_of_the_wavelength_twice(pol: str) -> None:
    rng = np.random.default_rng(5)
    sample = a_sample(rng, "neutron pol tof")
    instrument, x = an_instrument(rng, "neutron pol tof", "no conv", "no corr")
    instrument.pol, instrument.tthoff, instrument.incangle = pol, 0.0, 1.1
    alpha = np.radians(1.1)
    wavelength = 4 * np.pi * np.sin(alpha) / x
    layers = plain.unrolled(with_lengths(sample))
    slds = [(one.b * 10 * PI / np.pi, one.magn * 1e6 * plain.MU * PI / np.pi) for one in layers]
    curves = {}
    for name, sign in (("uu", 1), ("dd", -1)):
        factor = wavelength**2 / (2 * np.pi)
        n = [1 - wavelength**2 / (2 * PI) * (nuclear + sign * factor * magnetic) * 1e-6 for nuclear, magnetic in slds]
        curves[name] = np.abs(plain.parratt_at_angle(alpha, n, layers, wavelength)) ** 2
    curves["ass"] = (curves["uu"] - curves["dd"]) / (curves["uu"] + curves["dd"])
    expected = instrument.I0 * curves[pol] + instrument.Ibkg
    assert_close(sample.SimSpecular(x, instrument), expected, instrument)
    # One individual is the same alone and in company, fitted thickness and fitted moment.
    layer = sample.Stacks[0].Layers[0] if sample.Stacks and sample.Stacks[0].Layers else sample.Substrate
    layer.sld_m = np.array([[0.5], [1.0], [2.0]])
    layer.sigma = np.array([[1.0], [0.0], [3.0]])
    together = sample.SimSpecular(x, instrument)
    layer.sld_m, layer.sigma = 1.0, 0.0
    np.testing.assert_array_equal(together[1], sample.SimSpecular(x, instrument))
    if pol == "uu":
        np.testing.assert_allclose(
            np.abs(sample.SimSpecularField(x, instrument)) ** 2 * instrument.I0 + instrument.Ibkg,
            sample.SimSpecular(x, instrument),
            rtol=1e-12,
        )


def test_polarised_time_of_flight_has_the_numbers_of_genx() -> None:
    """GenX 3.8.13 as a black box: which π is in the factor that sld_m has twice shows in the fifth digit."""
    x = np.array([0.020472034048932122, 0.028917516708912013, 0.06857423875654552, 0.16261514667303642])
    theirs = np.array([1.6680972141801482, 0.4702929548117827, 0.0013295901629060978, 0.00017326854342692826])
    instrument = model.Instrument(
        probe="neutron pol tof", coords="q", I0=1.9495, Ibkg=1e-4, incangle=0.5675, pol="uu",
        restype="full conv and varying res.", res=0.003303, respoints=7, resintrange=1.5,
    )  # fmt: skip
    layers = [
        model.Layer(sld_n=3.494 - 0.0009j, sigma=6.3358, d=24.7673),
        model.Layer(sld_n=7.621 - 0.0048j, sigma=5.2033, d=137.2062),
        model.Layer(sld_n=2.8234 - 0.0105j, sigma=0.9527, d=40.4223, sld_m=3.3555),
        model.Layer(sld_n=6.0527 - 0.018j, sigma=4.0, d=83.7725, sld_m=2.0577),
    ]
    stacks = [model.Stack(Layers=layers[:2], Repetitions=20), model.Stack(Layers=layers[2:], Repetitions=1)]
    substrate = model.Layer(sld_n=1.0178 - 0.0141j, sigma=6.6765)
    sample = model.Sample(Stacks=stacks, Ambient=model.Layer(sld_n=0j), Substrate=substrate)
    np.testing.assert_allclose(sample.SimSpecular(x, instrument), theirs, rtol=1e-9)


@pytest.mark.parametrize("probe", PROBES)
def test_a_population_has_the_numbers_of_its_members(probe: str) -> None:
    rng = np.random.default_rng([2, PROBES.index(probe)])
    a, b = model.Layer(d=40.0, sld_n=3.0 - 0.01j, sld_x=20 - 1j, sld_m=1.0, sigma=3.0), model.Layer(d=60, sld_n=1.0)
    sample = model.Sample(Stacks=[model.Stack([a, b], 3)], Ambient=model.Layer(), Substrate=model.Layer(sld_n=2.1))
    instrument, x = an_instrument(rng, probe, "full conv and varying res.", "gauss beam")
    instrument.pol = "uu"
    field = "sld_x" if probe == "x-ray" else "sld_n"
    values = rng.uniform(1, 5, (5, 2))
    a.d, b.sigma = 10 * values[:, :1], values[:, 1:]
    setattr(a, field, values[:, 1:] - 0.02j)
    together = sample.SimSpecular(x, instrument)
    for row, (one, two) in zip(together, values, strict=True):
        a.d, b.sigma = 10 * one, two
        setattr(a, field, two - 0.02j)
        np.testing.assert_array_equal(sample.SimSpecular(x, instrument), row)


def test_the_other_side() -> None:
    rng = np.random.default_rng(4)
    sample = a_sample(rng, "neutron")
    instrument = model.Instrument(probe="neutron", wavelength=4.4, coords="q")
    theirs = plain.specular(Q, with_lengths(sample), instrument, other_side=True)
    assert_close((-sample).SimSpecular(Q, instrument), theirs, instrument)


def test_polarisers_fields_and_energies() -> None:
    rng = np.random.default_rng(3)
    sample = a_sample(rng, "neutron pol spin flip")
    instrument = model.Instrument(probe=3, wavelength=4.4, coords="q", pol="ud", I0=1.3)
    ours = sample.SimPolSpecular(Q, 0.03, 0.05, 0.01, 0.02, instrument)
    theirs = with_lengths(sample).SimPolSpecular(Q, 0.03, 0.05, 0.01, 0.02, instrument)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    instrument = model.Instrument(probe="x-ray", wavelength=1.54, coords="q")
    np.testing.assert_allclose(
        np.abs(sample.SimSpecularField(Q, instrument)) ** 2, sample.SimSpecular(Q, instrument), rtol=1e-12
    )
    energies = np.linspace(7000, 9000, 20)
    np.testing.assert_allclose(
        sample.SimEnergySpecular(energies, 0.05, instrument),
        with_lengths(sample).SimEnergySpecular(energies, 0.05, instrument),
        rtol=1e-8,
    )
    with pytest.raises(InputError, match="interdiff"):
        sample.SimOffSpecular(Q, Q, instrument)


@pytest.mark.parametrize("probe", PROBES)
def test_profiles_hold_the_densities_of_the_layers(probe: str) -> None:
    film = model.Layer(d=200.0, sld_n=4.0 - 0.1j, sld_x=30 - 2j, sld_m=1.5, magn_ang=30.0, sigma=2.0)
    sample = model.Sample(Stacks=[model.Stack([film])], Substrate=model.Layer(sld_n=2.0, sld_x=20.0))
    profile = sample.SimSLD(np.array([-50.0, 100.0, 250.0]), None, model.Instrument(probe=probe))
    film_sld, below = (film.sld_x, 20.0) if probe == "x-ray" else (film.sld_n, 2.0)
    magnetic = probe not in ("x-ray", "neutron")
    names = ("Re non-mag", "Im non-mag") if magnetic else ("Re", "Im")
    np.testing.assert_allclose(profile[names[0]], [below, film_sld.real, 0], atol=1e-9)
    np.testing.assert_allclose(profile[names[1]], [0, film_sld.imag, 0], atol=1e-9)
    assert ("mag" in profile) == magnetic
    assert ("mag_y" in profile) == (probe == "neutron pol spin flip")
    if "mag_y" in profile:
        np.testing.assert_allclose(profile["mag_y"], [0, 1.5 * np.sin(np.radians(30)), 0], atol=1e-9)
    assert "Mass Density" not in profile


def test_what_is_kept_of_genx_is_told() -> None:
    script = """
import models.soft_nx as model
inst = model.Instrument(probe='{probe}', coords='q', wavelength=4.4, pol='{pol}', incangle=1.0)
film = model.Layer(d=100.0, sld_n=4.0, sld_m=1.0)
sample = model.Sample(Stacks=[model.Stack(Layers=[film])], Ambient=model.Layer(), Substrate=model.Layer(sld_n=2.0))
def Sim(data):
    return [sample.SimSpecular(d.x, inst) for d in data]
"""
    data = [type("Data", (), {"x": Q, "columns": ()})()]
    for probe, pol, word in (
        ("neutron pol", "ass", "asymmetry"),
        ("neutron pol tof", "uu", "twice"),
        ("neutron pol", "uu", None),
        ("neutron tof", "uu", None),
    ):
        module = ScriptModule(script.format(probe=probe, pol=pol), data)
        module.simulate(data)
        module.simulate(data)
        if word is None:
            assert not module.notices
        else:
            (notice,) = module.notices
            assert word in notice
            assert "soft_nx" in notice


def test_copies_and_bad_numbers() -> None:
    sample = model.Sample(Stacks=[model.Stack([model.Layer(d=50.0, sld_n=3.0)])], Substrate=model.Layer(sld_n=2.0))
    instrument = model.Instrument(probe="neutron", coords="q", wavelength=4.4)
    twin = copy.deepcopy(sample)
    twin.Stacks[0].Layers[0].setSld_nreal(4.0)
    assert not np.array_equal(sample.SimSpecular(Q, instrument), twin.SimSpecular(Q, instrument))
    sample.Stacks[0].Layers[0].sld_n = "much"
    with pytest.raises(InputError, match="sld_n"):
        sample.SimSpecular(Q, instrument)
    with pytest.raises(InputError, match="sld_m"):
        model.Layer(sld_m="none")


def test_a_reference_file_is_fitted(shared: Path) -> None:
    path = shared / "reference" / "public" / "soft_nx_probes_00.hgx"
    file: GenxFile = metagenx.load(path).file
    assert "soft_nx" in file.script
    result = metagenx.fit(metagenx.load(path), seed=1, max_generations=3)
    assert np.isfinite(result.fom)


def test_profiles_are_never_cropped_as_in_genx() -> None:
    sample = a_sample(np.random.default_rng(3), "x-ray")
    sample.Stacks = [model.Stack([model.Layer(d=20.0 + i, sld_x=10.0 + i) for i in range(5)])]
    whole = sample.SimSLD(None, None, model.Instrument())
    for crop in (1, -1):
        sample.crop_sld = crop
        np.testing.assert_array_equal(sample.SimSLD(None, None, model.Instrument())["Re"], whole["Re"])
