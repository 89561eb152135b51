"""spec_adaptive against the fact sheet in plain numpy, over the combinations of its options, and its own laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import plain_spec_adaptive as plain
import pytest

from metagenx.errors import InputError
from metagenx.genx.models import registry, spec_nx
from metagenx.genx.models import spec_adaptive as model
from metagenx.genx.models.scattering_lengths import fresh_databases

PROBES = ["x-ray", "neutron", "neutron pol", "neutron pol spin flip", "neutron tof", "neutron pol tof"]
ROUGH_TYPES = ["gauss", "linear", "exp-1", "exp-2"]
RESTYPES = [
    "no conv",
    "fast conv",
    "fast conv + varying res.",
    "fast conv + varying res. (dx/x)",
    "full conv and varying res.",
    "full conv and varying res. (dx/x)",
]
ZEEMAN = ["no corr", "field only", "SF q (+)", "SF q (-)"]
RNG = np.random.Generator
Q = np.linspace(0.01, 0.25, 40)


def a_layer(rng: RNG, **given: Any) -> Any:
    values = {
        "d": rng.uniform(10, 40),
        "dens": rng.uniform(0.02, 0.1),
        "sigma": rng.choice([0.0, rng.uniform(1, 6)]),
        "f": rng.uniform(5, 60) - 1j * rng.uniform(0, 5),
        "b": rng.uniform(-3, 12) - 1j * rng.choice([0, 0.1]),
        "xs_ai": rng.choice([0.0, 50.0]),
        "magn": rng.choice([0.0, rng.uniform(0, 3)]),
        "magn_ang": rng.uniform(-170, 170),
        "rough_type": str(rng.choice(ROUGH_TYPES)),
        "magn_void": bool(rng.choice([False, False, True])),
        "sigma_mag": rng.choice([0.0, rng.uniform(1, 6)]),
    }
    return model.Layer(**{**values, **given})


def a_sample(rng: RNG, **given: Any) -> Any:
    stacks = [
        model.Stack(
            Layers=[a_layer(rng) for _ in range(rng.integers(0, 3))],
            Repetitions=int(rng.choice([0, 1, 1, 2])),
            Element=int(element),
        )
        for element in rng.choice([0, 0, 0, 1, 2], rng.integers(0, 4))
    ]
    ambient = model.Layer(dens=0.0, f=0j, b=0j)
    if rng.random() < 0.3:
        ambient = a_layer(rng, dens=0.01, sigma=0.0, xs_ai=0.0, magn_ang=0.0)
    values = {
        "minimal_steps": rng.uniform(0.8, 2),
        "max_diff_n": rng.uniform(0.02, 0.1),
        "max_diff_x": rng.uniform(0.05, 0.3),
        "smoothen": bool(rng.choice([False, True])),
        "crop_sigma": bool(rng.choice([False, True])),
    }
    substrate = a_layer(rng, magn_ang=float(rng.choice([0.0, 30.0])))
    return model.Sample(Stacks=stacks, Ambient=ambient, Substrate=substrate, **{**values, **given})


def an_instrument(rng: RNG, probe: str, **given: Any) -> Any:
    channels = ["uu", "dd", "ass"] if "pol" in probe else ["uu"]
    if probe == "neutron pol spin flip":
        channels += ["ud", "du"]
    values = {
        "probe": probe,
        "wavelength": 1.54 if probe == "x-ray" else 4.4,
        "coords": "q",
        "pol": str(rng.choice(channels)),
        "incangle": 0.9,
        "I0": 1.7,
        "Ibkg": 1e-8,
        "res": 0.002,
    }
    return model.Instrument(**{**values, **given})


def assert_close(ours: np.ndarray, theirs: np.ndarray, instrument: Any, relative: float = 1e-9) -> None:
    # Where both spin states reflect everything, or nothing, the asymmetry is a difference of rounding errors.
    floor = 1e-7 if instrument.pol == "ass" else 1e-11 * np.max(np.abs(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=floor)


def assert_slices(ours: Any, theirs: list[Any]) -> None:
    np.testing.assert_allclose(ours.d, [one.d for one in theirs], rtol=1e-12)
    for name in ("dens", "sigma", "f", "b", "xs_ai", "magn"):
        expected = np.array([getattr(one, name) for one in theirs])
        np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-11, atol=1e-13, err_msg=name)
    turn = np.radians(np.array(ours.magn_ang) - [one.magn_ang for one in theirs])
    np.testing.assert_allclose(np.abs(ours.magn) * np.abs(np.sin(turn)), 0, atol=1e-12)


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("kind", ROUGH_TYPES)
def test_the_slices_are_those_of_the_sheet(kind: str, crop: bool) -> None:
    rng = np.random.default_rng([ROUGH_TYPES.index(kind), crop])
    for _ in range(10):
        sample = a_sample(rng, crop_sigma=crop)
        sample.Substrate.rough_type = kind
        for stack in sample.Stacks:
            for layer in stack.Layers[:1]:
                layer.rough_type = kind
        assert_slices(sample.resolveLayerParameters(), plain.slices(sample))


@pytest.mark.parametrize("probe", PROBES)
def test_every_probe_gives_what_the_sheet_says(probe: str) -> None:
    rng = np.random.default_rng(PROBES.index(probe))
    for restype in RESTYPES:
        instrument = an_instrument(rng, probe, restype=restype, footype=str(rng.choice(["no corr", "gauss beam"])))
        if "dx/x" in restype:
            instrument.setRes(0.02)
        sample = a_sample(rng)
        other_side = rng.random() < 0.3 and probe != "neutron pol spin flip"
        seen = -sample if other_side else sample
        expected = plain.specular(Q, sample, instrument, other_side=other_side)
        assert_close(seen.SimSpecular(Q, instrument), expected, instrument)
        assert_close(model.Specular(Q, seen, instrument), expected, instrument)


@pytest.mark.parametrize("channel", ["uu", "dd", "ud", "du", "ass"])
@pytest.mark.parametrize("zeeman", ZEEMAN)
def test_zeeman_splitting_gives_what_the_sheet_says(zeeman: str, channel: str) -> None:
    rng = np.random.default_rng([ZEEMAN.index(zeeman), len(channel), ord(channel[0])])
    for restype in RESTYPES:
        coords = str(rng.choice(["q", "tth"]))
        instrument = an_instrument(
            rng,
            "neutron pol spin flip",
            pol=channel,
            zeeman=zeeman,
            mag_field=rng.uniform(0.2, 2),
            coords=coords,
            tthoff=float(rng.choice([0.0, 0.05, -0.4])),
            restype=restype,
            footype=str(rng.choice(["no corr", "gauss beam"])),
        )
        x = Q if coords == "q" else np.linspace(0.2, 8, 40)  # 2θ + tthoff below 0 as well
        instrument.setRes(0.02 if "dx/x" in restype else (x[1] - x[0]) * 0.6)
        sample = a_sample(rng, smoothen=False)
        sample.Ambient.magn_ang = 0.0
        # The product of transfer matrices in the plain formulation is not stable to the last digits.
        assert_close(sample.SimSpecular(x, instrument), plain.specular(x, sample, instrument), instrument, 1e-7)


def test_q_of_a_flipped_spin_below_the_horizon() -> None:
    rng = np.random.default_rng(5)
    sample = a_sample(rng)
    instrument = an_instrument(rng, "neutron pol spin flip", zeeman="SF q (+)", mag_field=1.0, coords="2θ", pol="ud")
    x = np.array([-0.3, -0.1, 0.0, 0.1])
    assert_close(sample.SimSpecular(x, instrument), plain.specular(x, sample, instrument), instrument, 1e-7)


def test_without_a_field_the_correction_changes_next_to_nothing() -> None:
    rng = np.random.default_rng(11)
    sample = a_sample(rng)
    plain_instrument = an_instrument(rng, "neutron pol spin flip", pol="uu")
    corrected = an_instrument(rng, "neutron pol spin flip", pol="uu", zeeman="field only", mag_field=0.0)
    # The potentials differ by GenX's 2 + s, where s has another unit.
    np.testing.assert_allclose(
        sample.SimSpecular(Q, corrected), sample.SimSpecular(Q, plain_instrument), rtol=1e-2, atol=1e-6
    )


def test_other_probes_know_no_zeeman_splitting() -> None:
    rng = np.random.default_rng(12)
    sample = a_sample(rng)
    for probe in ("x-ray", "neutron", "neutron pol"):
        instrument = an_instrument(rng, probe, pol="uu")
        before = sample.SimSpecular(Q, instrument)
        instrument.setZeeman("SF q (+)")
        instrument.setMag_field(2.0)
        np.testing.assert_array_equal(sample.SimSpecular(Q, instrument), before)


def fitted_objects(rng: RNG, sample: Any, instrument: Any) -> list[tuple[Any, str, tuple[float, float]]]:
    limits = {
        "d": (5, 60),
        "dens": (0.01, 0.1),
        "sigma": (0, 8),
        "f": (5, 50),
        "b": (-3, 12),
        "xs_ai": (0, 50),
        "magn": (0, 3),
        "magn_ang": (-90, 180),
        "sigma_mag": (0, 5),
    }
    layers = [sample.Substrate, *(layer for stack in sample.Stacks for layer in stack.Layers), sample.Ambient]
    chosen = [
        (layer, name, within)
        for layer in layers
        for name, within in limits.items()
        if rng.random() < 0.15 and not (name == "magn_ang" and layer is sample.Ambient)
    ]
    chosen += [(stack, "Repetitions", (0, 3)) for stack in sample.Stacks if rng.random() < 0.3]
    for name, within in {"minimal_steps": (0.5, 2), "max_diff_n": (0.01, 0.1), "max_diff_x": (0.01, 0.1)}.items():
        if rng.random() < 0.15:
            chosen.append((sample, name, within))
    for name, within in {"mag_field": (0.1, 2), "wavelength": (1.5, 5), "tthoff": (-0.1, 0.1), "I0": (1, 2)}.items():
        if rng.random() < 0.25:
            chosen.append((instrument, name, within))
    return chosen


@pytest.mark.parametrize("probe", [*PROBES, *ZEEMAN[1:]])
def test_a_population_gives_exactly_the_numbers_of_its_members(probe: str) -> None:
    rng = np.random.default_rng([1, len(probe), ord(probe[-2])])
    given = {"zeeman": probe} if probe in ZEEMAN else {}
    for _ in range(4):
        instrument = an_instrument(rng, "neutron pol spin flip" if given else probe, **given)
        instrument.restype = str(rng.choice(["no conv", "full conv and varying res."]))
        sample = a_sample(rng)
        other_side = probe != "neutron pol spin flip" and not given and rng.random() < 0.3
        sample = -sample if other_side else sample
        chosen = fitted_objects(rng, sample, instrument)
        n = 5
        columns = [rng.uniform(*limits, size=n) for _, _, limits in chosen]
        alone = []
        for m in range(n):
            for (owner, name, _), column in zip(chosen, columns, strict=True):
                setattr(owner, name, float(column[m]))
            alone.append(sample.SimSpecular(Q, instrument))
        for (owner, name, _), column in zip(chosen, columns, strict=True):
            setattr(owner, name, column[:, None].copy())
        together = sample.SimSpecular(Q, instrument)
        assert together.shape in {(n, len(Q)), Q.shape}
        np.testing.assert_array_equal(np.broadcast_to(together, (n, len(Q))), alone)
        for (owner, name, _), column in zip(chosen, columns, strict=True):
            setattr(owner, name, column[:1, None].copy())
        one = sample.SimSpecular(Q, instrument)
        assert one.ndim == (2 if together.ndim == 2 else 1)
        np.testing.assert_array_equal(one.reshape(-1), alone[0])


def simple(**given: Any) -> tuple[Any, Any, Any]:
    """A film on silicon, its film and its instrument."""
    film = model.Layer(d=60.0, dens=0.0849, sigma=3.0, f=25.3 - 3.4j, b=9.45 + 0j, magn=2.1, magn_ang=40.0)
    substrate = model.Layer(dens=0.05, sigma=2.0, f=14.2 - 0.3j, b=4.15 + 0j)
    sample = model.Sample(
        Stacks=[model.Stack(Layers=[film])], Ambient=model.Layer(dens=0.0, f=0j, b=0j), Substrate=substrate
    )
    return sample, film, model.Instrument(**{"coords": "q", **given})


def test_a_sharp_film_is_that_of_spec_nx() -> None:
    sample, film, instrument = simple()
    film.sigma = sample.Substrate.sigma = 0.0
    sample.minimal_steps = 0.05  # the surfaces of the slices are within 0.01 Å of the film's
    flat = spec_nx.Sample(Stacks=sample.Stacks, Ambient=sample.Ambient, Substrate=sample.Substrate)
    np.testing.assert_allclose(sample.SimSpecular(Q, instrument), flat.SimSpecular(Q, instrument), rtol=2e-2)
    assert len(sample.resolveLayerParameters().d) <= 5


def test_a_bare_and_sharp_substrate_has_no_slices() -> None:
    sample, _, instrument = simple()
    sample.Stacks = []
    sample.Substrate.sigma = 0.0
    assert len(sample.resolveLayerParameters().d) == 2
    expected = spec_nx.Sample(Substrate=sample.Substrate, Ambient=sample.Ambient).SimSpecular(Q, instrument)
    np.testing.assert_array_equal(sample.SimSpecular(Q, instrument), expected)
    for probe in PROBES[1:]:
        instrument.setProbe(probe)
        assert np.all(np.isfinite(sample.SimSpecular(Q, instrument)))
    sample.Substrate.sigma = np.array([[0.0], [4.0]])
    both = sample.SimSpecular(Q, instrument)
    sample.Substrate.sigma = 0.0
    np.testing.assert_array_equal(both[0], sample.SimSpecular(Q, instrument))


def test_layers_without_thickness() -> None:
    sample, film, _ = simple()
    film.d = 0.0
    for crop in (False, True):
        sample.crop_sigma = crop
        assert_slices(sample.resolveLayerParameters(), plain.slices(sample))


def test_a_change_of_any_number_is_noticed() -> None:
    sample, film, instrument = simple(probe="neutron pol spin flip", pol="ud", wavelength=4.4)
    curves = [sample.SimSpecular(Q, instrument)]
    for owner, name, value in [
        (film, "d", 70.0),
        (film, "rough_type", "exp-1"),
        (film, "sigma_mag", 6.0),
        (film, "magn_void", 0.5),
        (sample.Substrate, "magn", 1.0),
        (sample, "smoothen", True),
        (sample, "crop_sigma", True),
        (sample, "max_diff_x", 0.5),
        (sample, "max_diff_n", 0.1),
        (sample.Stacks[0], "Repetitions", 2),
        (sample.Stacks[0], "Element", 3),
        (instrument, "wavelength", 5.0),
    ]:
        setattr(owner, name, value)
        curve = sample.SimSpecular(Q, instrument)
        # The only element is the base whatever its number, and the potential hardly depends on the wavelength.
        limit = {"Element": 1e-12, "wavelength": 1e-3}.get(name, 1e-7)
        assert np.allclose(curve, curves[-1], rtol=limit, atol=0) == (name in ("Element", "wavelength")), name
        curves.append(curve)


def test_options_in_all_spellings() -> None:
    sample, film, instrument = simple(probe=3, pol="+-", wavelength=4.4, mag_field=1.0)
    for number, text in enumerate(ROUGH_TYPES):
        film.setRough_type(text)
        curve = sample.SimSpecular(Q, instrument)
        for spelling in (number, float(number)):
            film.setRough_type(spelling)
            np.testing.assert_array_equal(sample.SimSpecular(Q, instrument), curve)
        kind = model.Layer(rough_type=number).rough_type
        assert kind == text
        assert kind == number
    for number, text in enumerate(ZEEMAN):
        instrument.setZeeman(text)
        curve = sample.SimSpecular(Q, instrument)
        instrument.setZeeman(float(number))
        np.testing.assert_array_equal(sample.SimSpecular(Q, instrument), curve)
    sample.setSmoothen(1.0)
    sample.setCrop_sigma(1.0)
    film.setMagn_void(1.0)
    assert_slices(sample.resolveLayerParameters(), plain.slices(sample))


def test_profiles_begin_below_the_substrate() -> None:
    sample, film, instrument = simple()
    profile = sample.SimSLD(None, None, instrument)
    assert profile["z"][0] == pytest.approx(-5 * 2.0 - 5e-7, abs=1e-12)
    np.testing.assert_array_equal(sample.SimSLD(None, "z", instrument), profile["z"])
    depths = np.array([-20.0, 30.0, 200.0])
    at_depths = sample.SimSLD(depths, None, instrument)
    np.testing.assert_allclose(at_depths["z"], depths)
    np.testing.assert_allclose(at_depths["Re"], [0.05 * 14.2, 0.0849 * 25.3, 0.0], rtol=1e-3, atol=1e-6)
    other_side = (-sample).SimSLD(np.array([-20.0, 30.0, 200.0]), "Re", instrument)
    np.testing.assert_allclose(other_side, [0.0, 0.0849 * 25.3, 0.05 * 14.2], rtol=1e-3, atol=1e-6)
    film.d = np.array([[50.0], [60.0]])
    with pytest.raises(InputError, match="population"):
        sample.SimSLD(None, None, instrument)


def test_perfect_polarisers_change_nothing() -> None:
    sample, _, instrument = simple(probe="neutron pol spin flip", wavelength=4.4, mag_field=0.8)
    for zeeman in ZEEMAN:
        instrument.setZeeman(zeeman)
        for channel in ("uu", "dd", "ud", "du"):
            instrument.setPol(channel)
            expected = sample.SimSpecular(Q, instrument)
            np.testing.assert_array_equal(sample.SimPolSpecular(Q, 0.0, 0.0, 0.0, 0.0, instrument), expected)


def test_amplitudes_and_energy_scans_are_those_of_the_slices() -> None:
    sample, _, instrument = simple()
    amplitude = sample.SimSpecularField(Q, instrument)
    np.testing.assert_allclose(np.abs(amplitude) ** 2, sample.SimSpecular(Q, instrument), rtol=1e-12)
    energies = np.array([8047.8, 12000.0])
    found = sample.SimEnergySpecular(energies, 1.2, model.Instrument(coords="2θ"))
    for energy, value in zip(energies, found, strict=True):
        at_one = model.Instrument(coords="2θ", wavelength=12398.41984 / energy)
        np.testing.assert_allclose(sample.SimSpecular(np.array([1.2]), at_one)[0], value, rtol=1e-8)


def test_a_nan_stays_with_its_individual() -> None:
    sample, film, instrument = simple()
    film.d = np.array([[60.0], [np.nan], [70.0], [np.inf]])
    curves = sample.SimSpecular(Q, instrument)
    assert np.isnan(curves[[1, 3]]).all()
    film.d = 70.0
    np.testing.assert_array_equal(curves[2], sample.SimSpecular(Q, instrument))
    other = film.copy(deep=True)
    sample.Stacks[0].Layers.append(other)
    for kind in ROUGH_TYPES:  # between other interfaces, so that the range of depths is known
        film.rough_type, film.sigma = kind, np.nan
        assert np.isnan(sample.SimSpecular(Q, instrument)).all()
    other.sigma = -1000.0  # no depths are left
    assert np.isnan(sample.SimSpecular(Q, instrument)).all()


def test_large_populations_go_in_parts() -> None:
    sample, film, instrument = simple()
    film.d = np.array([[60.0], [30_000.0], [50.0]])  # 300 000 points of depth
    sample.minimal_steps = 0.5
    together = sample.SimSpecular(Q[:3], instrument)
    for m, thickness in enumerate([60.0, 30_000.0, 50.0]):
        film.d = thickness
        np.testing.assert_array_equal(together[m], sample.SimSpecular(Q[:3], instrument))


@pytest.mark.parametrize(
    ("owner", "field", "value", "message"),
    [
        ("sample", "minimal_steps", 0.0, "minimal_steps must be positive"),
        ("sample", "minimal_steps", 1e-9, "larger minimal_steps"),
        ("sample", "max_diff_n", "small", "must be a number"),
        ("film", "rough_type", "smooth", "'gauss', 'linear', 'exp-1', 'exp-2'"),
        ("film", "sigma_mag", None, "sigma_mag must be one number"),
        ("film", "d", np.ones(3), "one number"),
        ("stack", "Element", 0.5j, "Element must be a number"),
        ("stack", "Layers", [None], "not made of stacks of layers"),
        ("instrument", "zeeman", "yes", "'SF q \\(\\+\\)'"),
        ("instrument", "mag_field", "strong", "mag_field must be a number"),
        ("sample", "Ambient", model.Layer(dens=0.0, magn_ang=20.0), "ambient medium must be 0"),
        ("film", "f", fresh_databases()["fd"].Fe, "function of the photon energy"),
    ],
)
def test_what_cannot_be_simulated_is_said(owner: str, field: str, value: Any, message: str) -> None:
    sample, film, instrument = simple(probe="neutron pol spin flip", zeeman="field only", mag_field=1.0)
    objects = {"sample": sample, "film": film, "stack": sample.Stacks[0], "instrument": instrument}
    setattr(objects[owner], field, value)
    with pytest.raises(InputError) as caught:
        sample.SimSpecular(Q, instrument)
    assert any(message.replace("\\", "") in text for text in (str(caught.value), caught.value.hint or ""))


def test_slices_of_a_population_cannot_be_listed() -> None:
    sample, film, _ = simple()
    film.d = np.array([[50.0], [60.0]])
    with pytest.raises(InputError, match="population"):
        sample.resolveLayerParameters()


def test_the_library_has_its_old_name_too() -> None:
    assert registry.find("models.spec_adaptive_legacy").name == "spec_adaptive"
    assert registry.is_supported("spec_adaptive")
    assert {"Layer", "Sample", "Specular", "Zeeman", "array"} <= registry.public_names("spec_adaptive")
