from __future__ import annotations

import copy
import warnings
from dataclasses import asdict
from typing import Any

import numpy as np
import plain_interdiff as plain
import pytest

from metagenx.errors import InputError, ScriptError
from metagenx.genx.data import DataList
from metagenx.genx.models import interdiff as model
from metagenx.genx.script import ScriptModule

W, SI, C = 68.5 - 5.6j, 14.2 - 0.33j, 6.01 - 0.009j
THETA = np.linspace(0.205, 1.555, 46)


def a_sample(**changes: Any) -> model.Sample:
    a = model.Layer(d=21.3, dens=0.0632, sigma=4.5, sigmai=2.0, f=W)
    b = model.Layer(d=33.1, dens=0.1, sigma=5.5, sigmai=6.0, f=C)  # more interdiffusion than roughness
    cap = model.Layer(d=50.0, dens=0.05, sigma=3.0, sigmai=0.0, f=SI)
    stacks = [model.Stack(Layers=[a, b], Repetitions=3), model.Stack(Layers=[cap])]
    values = {"eta_z": 300.0, "eta_x": 600.0, "h": 0.7} | changes
    return model.Sample(
        Stacks=stacks, Ambient=model.Layer(dens=0.0), Substrate=model.Layer(dens=0.05, sigma=4, f=SI), **values
    )


def an_instrument(**changes: Any) -> model.Instrument:
    return model.Instrument(**({"I0": 1e6, "Ibkg": 0.3, "res": 0.012, "detres": 0.05} | changes))


def unrolled(sample: model.Sample) -> list[dict[str, Any]]:
    """Layers from the top."""
    up = [sample.Substrate]
    for stack in sample.Stacks:
        up += list(stack.Layers) * stack.Repetitions
    return [asdict(layer) for layer in [*up, sample.Ambient]][::-1]


def expected(sample: model.Sample, instrument: model.Instrument, two_theta: float, theta: np.ndarray) -> np.ndarray:
    inst = {name: getattr(instrument, name) for name in vars(instrument)}
    for name in ("dettype", "footype", "restype"):
        inst[name] = str(inst[name])
    layers, x = unrolled(sample), 2 * theta
    specular = inst["I0"] * plain.parratt(x, layers, inst["wavelength"]) * plain.footprint(theta, inst)
    beta = two_theta - theta
    scattered = plain.diffuse(theta, beta, layers, vars(sample), inst) * inst["I0"] * plain.footprint(theta, inst)
    if inst["restype"] == "fast conv":
        specular = plain.fast_conv(specular, x, inst["res"], inst["resintrange"])
        if np.all(beta > 0) or np.all(beta < 0):
            scattered = plain.fast_conv(scattered, x, inst["res"], inst["resintrange"])
        elif inst["dettype"] == "gauss":
            sigma = np.hypot(inst["res"] / 2, inst["detres"] / 2)
            scattered = plain.fast_conv(scattered, theta, sigma, inst["resintrange"])
        else:
            scattered = plain.running_mean(scattered, theta, inst["detres"])
    peak, scale = plain.peak(theta, two_theta, specular, inst)
    return peak + scattered * inst["I0_offspec"] * scale + inst["Ibkg"]


@pytest.mark.parametrize("h", [1.0, 0.5, 0.7, 0.92])
@pytest.mark.parametrize("taylor_n", [1, 3, -1, -4])
def test_diffuse_scattering_is_the_double_sum(h: float, taylor_n: int) -> None:
    sample, instrument = a_sample(h=h), an_instrument(taylor_n=taylor_n)
    ours = sample.SimOffSpecular(1.8, THETA, instrument)
    np.testing.assert_allclose(ours, expected(sample, instrument, 1.8, THETA), rtol=2e-7)


@pytest.mark.parametrize("h", [0.3, 0.15])
def test_jagged_surfaces(h: float) -> None:
    sample, instrument = a_sample(h=h, eta_x=1500.0), an_instrument()
    warnings.simplefilter("ignore")  # of the plain quadrature
    ours = sample.SimOffSpecular(1.8, THETA, instrument)
    np.testing.assert_allclose(ours, expected(sample, instrument, 1.8, THETA), rtol=1e-6)


@pytest.mark.parametrize("footype", ["no corr", "gauss beam", "square beam"])
@pytest.mark.parametrize("dettype", ["gauss", "slit"])
@pytest.mark.parametrize("restype", ["no conv", "fast conv"])
@pytest.mark.parametrize("end", [1.555, 2.1], ids=["rocking scan", "beyond the horizon"])
def test_detectors_beams_and_resolutions(footype: str, dettype: str, restype: str, end: float) -> None:
    theta = np.linspace(0.205, end, 61)
    sample = a_sample(h=1.0)
    instrument = an_instrument(
        footype=footype, dettype=dettype, restype=restype, beamw=0.05, samplelen=12.0, I0_offspec=1.7
    )
    ours = sample.SimOffSpecular(1.8, theta, instrument)
    np.testing.assert_allclose(ours, expected(sample, instrument, 1.8, theta), rtol=1e-8)


def test_options_by_number() -> None:
    sample = a_sample()
    by_name = an_instrument(coords="tth", restype="fast conv", dettype="slit", footype="square beam")
    by_number = an_instrument(coords=1, restype=1.0, dettype=0, footype=2)
    ours = sample.SimOffSpecular(1.8, THETA, by_name)
    np.testing.assert_array_equal(ours, sample.SimOffSpecular(1.8, THETA, by_number))
    assert [str(member) for member in model.ResType] == [
        "no conv", "fast conv", "fast conv + varying res.", "full conv and varying res.",
    ]  # fmt: skip
    assert model.Instrument(restype=3).restype == "full conv and varying res."
    assert [model.DetType(0), model.DetType(1), model.Instrument().dettype] == ["slit", "gauss", "gauss"]


@pytest.mark.parametrize("restype", list(model.ResType))
def test_specular_part_is_spec_nx(restype: str) -> None:
    from metagenx.genx.models import spec_nx

    sample = a_sample()
    x = np.linspace(0.1, 4, 60)
    shared = {"I0": 1.5, "Ibkg": 1e-6, "restype": str(restype), "res": 0.02, "footype": "gauss beam", "beamw": 0.05}
    ours = sample.SimSpecular(x, model.Instrument(**shared))
    np.testing.assert_allclose(ours, spec_nx.Specular(x, sample, spec_nx.Instrument(**shared)), rtol=1e-13)
    plain_curve = plain.parratt(x, unrolled(sample), 1.54)
    bare = sample.SimSpecular(x, model.Instrument())
    np.testing.assert_allclose(bare, plain_curve, rtol=1e-9)
    q = 4 * np.pi / 1.54 * np.sin(np.radians(x / 2))
    np.testing.assert_allclose(sample.SimSpecular(q, model.Instrument(coords="q")), plain_curve, rtol=1e-9)


@pytest.mark.parametrize("coords", ["q", "tth"])
@pytest.mark.parametrize("footype", ["no corr", "gauss beam", "square beam"])
def test_below_zero_the_specular_curve_is_mirrored_as_in_genx(coords: str, footype: str) -> None:
    """GenX 3.8.13 as a black box: no least Q in this library; what a footprint takes away changes its sign."""
    sample = a_sample()
    x = np.array([-0.05, -0.01, -1e-4, 0.0, 1e-4, 0.01, 0.05])
    curve = sample.SimSpecular(x, model.Instrument(coords=coords, footype=footype, beamw=0.2))
    sign = 1.0 if footype == "no corr" else -1.0
    np.testing.assert_array_equal(curve[:3], sign * curve[:3:-1])
    np.testing.assert_allclose(curve[3], 1.0 if footype == "no corr" else 0.0, atol=1e-10)
    resolved = sample.SimSpecular(
        x[3:], model.Instrument(coords=coords, footype=footype, beamw=0.2, restype="full conv and varying res.")
    )
    assert (resolved[0] > 0.5) if footype == "no corr" else (abs(resolved[0]) < 1e-15)


def test_q_coordinates_are_the_same_points_as_angles() -> None:
    # The same q_z along the scan in q, a different 2θ in each point in angles.
    sample = a_sample()
    q_z = 0.13
    q_x = np.linspace(-4e-4, 4e-4, 31) + 1e-5
    k = 2 * np.pi / 1.54
    half = np.arcsin(q_z / (2 * k))
    theta = np.degrees(np.arctan2(q_x, q_z) + half)
    instrument = an_instrument(coords="q", res=1e-6, detres=1e-6)  # no peak off the specular condition
    in_q = sample.SimOffSpecular(q_z, q_x, instrument)
    # The angles with exactly these q_x and q_z: α ± β from the length of q
    length = np.hypot(q_x, q_z)
    alpha = np.arcsin(length / (2 * k)) - np.arctan(q_x / q_z)
    beta = np.arcsin(length / (2 * k)) + np.arctan(q_x / q_z)
    in_angles = plain.diffuse(np.degrees(alpha), np.degrees(beta), unrolled(sample), vars(sample), vars(instrument))
    _, scale = plain.peak(np.zeros(1), 0.0, np.zeros(1), {"res": 1e-6, "detres": 1e-6, "dettype": "gauss"})
    np.testing.assert_allclose(in_q - 0.3, in_angles * 1e6 * scale, rtol=1e-4)
    assert np.all(theta > 0)


def test_q_coordinates_see_the_specular_peak_at_its_place() -> None:
    sample, instrument = a_sample(), an_instrument(coords="q", Ibkg=0.0, I0_offspec=0.0)
    q_x = np.array([-1e-3, 0.0, 1e-3])
    in_q = sample.SimOffSpecular(0.13, q_x, instrument)
    specular = sample.SimSpecular(np.array([0.13]), instrument)
    np.testing.assert_allclose(in_q[1], specular[0], rtol=1e-9)
    assert in_q[0] < in_q[1] > in_q[2]


def test_first_argument_may_change_from_point_to_point() -> None:
    sample, instrument = a_sample(h=1.0), an_instrument(taylor_n=-2)
    two_theta = np.full(len(THETA), 1.8)
    ours = sample.SimOffSpecular(two_theta, THETA, instrument)
    np.testing.assert_array_equal(ours, sample.SimOffSpecular(1.8, THETA, instrument))
    # A longitudinal scan beside the specular ridge.
    two_theta = np.linspace(0.8, 3.0, 40)
    ours = sample.SimOffSpecular(two_theta, two_theta / 2 + 0.1, instrument)
    one = [sample.SimOffSpecular(t, np.array([t / 2 + 0.1, t / 2 + 0.11]), instrument)[0] for t in two_theta]
    np.testing.assert_allclose(ours, one, rtol=1e-9)


def test_the_specular_position_itself_is_finite() -> None:
    sample, instrument = a_sample(), an_instrument()
    ours = sample.SimOffSpecular(1.8, np.array([0.8999999, 0.9, 0.9000001]), instrument)
    assert np.all(np.isfinite(ours))
    np.testing.assert_allclose(ours, ours[1], rtol=1e-6)


def test_thick_absorbing_layers_stay_finite() -> None:
    sample = a_sample(h=1.0)
    sample.Stacks[1].Layers[0].setD(1e6)
    ours = sample.SimOffSpecular(0.3, np.linspace(0.01, 0.29, 20), an_instrument())
    assert np.all(np.isfinite(ours))


@pytest.mark.parametrize("repetitions", [0, 1, 2])
def test_repetitions(repetitions: int) -> None:
    sample = a_sample(h=1.0)
    a, b = sample.Stacks[0].Layers
    sample.Stacks[0].setRepetitions(float(repetitions))
    flat = a_sample(h=1.0)
    flat.Stacks = [model.Stack(Layers=[copy.copy(x) for _ in range(repetitions) for x in (a, b)]), sample.Stacks[1]]
    np.testing.assert_allclose(
        sample.SimOffSpecular(1.8, THETA, an_instrument()), flat.SimOffSpecular(1.8, THETA, an_instrument()), rtol=1e-13
    )


def test_bare_substrate_and_layers_without_thickness() -> None:
    instrument = an_instrument(taylor_n=2)
    bare = a_sample(h=1.0)
    bare.Stacks = []
    ours = bare.SimOffSpecular(1.8, THETA, instrument)
    np.testing.assert_allclose(ours, expected(bare, instrument, 1.8, THETA), rtol=1e-8)
    thin = a_sample(h=1.0)
    thin.Stacks[0].Layers[0].setD(0.0)
    ours = thin.SimOffSpecular(1.8, THETA, instrument)
    np.testing.assert_allclose(ours, expected(thin, instrument, 1.8, THETA), rtol=1e-8)


def test_resolution_objects_and_beam_objects() -> None:
    sample = a_sample()
    instrument = an_instrument(restype=model.GaussianResolution(sigma=0.01), footype=model.TrapezoidBeam())
    assert np.all(np.isfinite(sample.SimOffSpecular(1.8, THETA, instrument)))
    assert np.all(np.isfinite(sample.SimSpecular(THETA, instrument)))


# Populations --------------------------------------------------------------------------------------------------------

SETTERS = [
    "A.setD", "A.setDens", "A.setSigma", "A.setSigmai", "A.setFreal", "sample.setEta_x", "sample.setEta_z",
    "sample.setH", "inst.setI0", "inst.setI0_offspec", "inst.setIbkg", "inst.setRes", "inst.setDetres",
    "inst.setWavelength", "inst.setBeamw", "st.setRepetitions", "offset",
]  # fmt: skip


@pytest.mark.parametrize("name", SETTERS)
@pytest.mark.parametrize("dettype", ["gauss", "slit"])
def test_individuals_of_a_population(name: str, dettype: str) -> None:
    centre = {
        "A.setD": 21.0, "A.setDens": 0.06, "A.setSigma": 4.0, "A.setSigmai": 2.0, "A.setFreal": 60.0,
        "sample.setEta_x": 500.0, "sample.setEta_z": 200.0, "sample.setH": 0.6, "inst.setI0": 1e5,
        "inst.setI0_offspec": 1.0, "inst.setIbkg": 0.1, "inst.setRes": 0.02, "inst.setDetres": 0.06,
        "inst.setWavelength": 1.5, "inst.setBeamw": 0.05, "st.setRepetitions": 2.0, "offset": 0.01,
    }[name]  # fmt: skip
    values = centre * np.array([[1.0], [1.3], [0.8], [1.1]])
    theta = np.linspace(0.205, 2.1, 40)  # with offsets some individuals' β changes its sign, others' does not

    def simulate(value: Any) -> np.ndarray:
        sample, inst = a_sample(), an_instrument(dettype=dettype, restype="fast conv", footype="gauss beam", beamw=0.05)
        names = {"sample": sample, "inst": inst, "A": sample.Stacks[0].Layers[0], "st": sample.Stacks[0]}
        if name == "offset":
            return sample.SimOffSpecular(2.105 + value, theta + value, inst)
        owner, method = name.split(".")
        getattr(names[owner], method)(value)
        return sample.SimOffSpecular(1.8, theta, inst)

    together = simulate(values)
    assert together.shape == (4, 40)
    for i, value in enumerate(values):
        np.testing.assert_array_equal(together[i : i + 1], simulate(value[None]))
        np.testing.assert_allclose(together[i], simulate(float(value[0])), rtol=1e-12)


# SLD ----------------------------------------------------------------------------------------------------------------


def test_profile() -> None:
    sample = a_sample()
    profile = sample.SimSLD(None, None, an_instrument())
    assert set(profile) == {"Re", "Im", "z", "SLD unit"}
    assert profile["SLD unit"] == r"r_{e}/\AA^{3}"
    np.testing.assert_allclose([profile["Re"][0], profile["Re"][-1]], [0.05 * 14.2, 0.0], atol=1e-6)
    np.testing.assert_array_equal(sample.SimSLD(None, "Im", an_instrument()), profile["Im"])
    with pytest.raises(InputError, match="no profile 'mag'"):
        sample.SimSLD(None, "mag", an_instrument())


# Old names ----------------------------------------------------------------------------------------------------------


def test_sigmar_of_older_versions() -> None:
    new, old = a_sample(), a_sample()
    new.Stacks[0].Layers[0].setSigma(5.0)
    new.Stacks[0].Layers[0].setSigmai(3.0)
    layer = old.Stacks[0].Layers[0]
    layer.setSigmar(4.0)
    layer.setSigmai(3.0)  # in whichever order
    inst = an_instrument()
    np.testing.assert_array_equal(old.SimOffSpecular(1.8, THETA, inst), new.SimOffSpecular(1.8, THETA, inst))
    assert layer.getSigmar() == 4.0
    assert model.Layer(sigmar=4.0, sigmai=3.0).getSigmar() == 4.0
    assert new.Stacks[0].Layers[0].sigmar == 4.0


# Mistakes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taylor_n": 0}, "taylor_n is 0"),
        ({"detres": 0.0}, "detres must be positive"),
        ({"wavelength": 0.0}, "wavelength must be positive"),
        ({"coords": "q", "dettype": "slit"}, "slit"),
    ],
)
def test_mistakes_of_the_instrument(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        a_sample().SimOffSpecular(0.2, np.array([-1e-3, 1e-3]), an_instrument(**changes))


def test_unknown_options_are_named() -> None:
    with pytest.raises(InputError, match="gauss"):
        model.Instrument(dettype="round")
    with pytest.raises(InputError, match="full conv"):
        model.Instrument(restype="fast conv + varying res. (dx/x)")


def test_arguments_that_are_no_numbers() -> None:
    with pytest.raises(InputError, match="θ or q_x"):
        a_sample().SimOffSpecular(1.8, "all", an_instrument())


SCRIPT = """
import models.interdiff as model
inst = model.Instrument(coords='q', detres=0.05)
sample = model.Sample(Stacks=[], Ambient=model.Layer(dens=0.0), Substrate=model.Layer(dens=0.05, f=14+0j))
def Sim(data):
    return [sample.SimOffSpecular(0.1, d.x*1e-4, inst) for d in data]
"""


def test_a_script_is_told_about_q_coordinates() -> None:
    data = DataList([])
    script = ScriptModule(SCRIPT + "I = sample.SimOffSpecular(0.1, data, inst)\n", np.array([1e-4, 2e-4]))  # type: ignore[arg-type]
    assert any("q coordinates" in notice for notice in script.notices)
    assert not ScriptModule(SCRIPT, data).notices


def test_bornagain_is_named() -> None:
    with pytest.raises(ScriptError, match="BornAgain") as caught:
        ScriptModule("import models.interdiff_ba as model\n", DataList([]))
    assert "script line 1" in str(caught.value.where)
    assert "interdiff" in str(caught.value.hint)
