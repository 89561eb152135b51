"""spec_nx against the fact sheet in plain numpy, over the combinations of its options, and its own laws."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import plain_spec_nx as plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.genx.models import spec_nx as model
from metagenx.genx.models.scattering_lengths import fresh_databases

PROBES = ["x-ray", "neutron", "neutron pol", "neutron pol spin flip", "neutron tof", "neutron pol tof"]
RESTYPES = [
    "no conv",
    "fast conv",
    "fast conv + varying res.",
    "fast conv + varying res. (dx/x)",
    "full conv and varying res.",
    "full conv and varying res. (dx/x)",
    "GaussianResolution",
    "TrapezoidResolution",
    "XrayKalpha",
]
FOOTYPES = ["no corr", "gauss beam", "square beam", "GaussianBeamOffset", "SquareBeamOffset", "TrapezoidBeam"]
RNG = np.random.Generator


def a_layer(rng: RNG, **given: Any) -> Any:
    values = {
        "d": rng.uniform(5, 150),
        "dens": rng.uniform(0.01, 0.1),
        "sigma": rng.choice([0.0, rng.uniform(0, 8)]),
        "f": rng.uniform(1, 80) - 1j * rng.uniform(0, 8),
        "b": rng.uniform(-3, 12) - 1j * rng.choice([0, 0.1]),
        "xs_ai": rng.choice([0.0, 50.0]),
        "magn": rng.uniform(0, 3),
        "magn_ang": rng.uniform(-90, 180),
    }
    return model.Layer(**{**values, **given})


def a_sample(rng: RNG, probe: str) -> Any:
    layers = [a_layer(rng) for _ in range(4)]
    most = 2 if probe == "neutron pol spin flip" else 4  # the 4x4 product itself is unstable for more
    stacks = [
        model.Stack(
            Layers=[layers[i] for i in rng.integers(0, 4, rng.integers(0, most))],
            Repetitions=int(rng.choice([0, 1, 1, 2, 5][: most + 1])),
        )
        for _ in range(rng.integers(0, most))
    ]
    vacuum = model.Layer(dens=0.0, f=0j, b=0j)
    ambient = vacuum if rng.random() < 0.6 else a_layer(rng, dens=0.01, sigma=0.0, xs_ai=0.0, magn_ang=0.0)
    return model.Sample(Stacks=stacks, Ambient=ambient, Substrate=a_layer(rng, magn_ang=0.0))


def an_instrument(rng: RNG, probe: str, restype: str, footype: str) -> tuple[Any, np.ndarray]:
    tof = probe.endswith("tof")
    coords = "q" if tof else str(rng.choice(["q", "tth", "2θ"]))
    n = int(rng.integers(20, 50))
    x = np.linspace(0.012, 0.2, n) if coords == "q" else np.linspace(0.3, 6, n)
    step = x[1] - x[0]
    res = rng.uniform(0.005, 0.04) if "dx/x" in restype else rng.uniform(0.3, 1.5) * step
    if "varying" in restype and rng.random() < 0.5:
        res = res * (1 + 0.5 * x / x[-1])
    if restype == "GaussianResolution":
        kernel: Any = model.GaussianResolution(sigma=res)
        if rng.random() < 0.5:
            kernel.setSigma(res * (1 + 0.5 * x / x[-1]))
    elif restype == "TrapezoidResolution":
        inner, outer = rng.choice([0.0, 1.0, 2.0]) * step, rng.choice([0.5, 1.5, 3.0]) * step
        kernel = model.TrapezoidResolution(inner_width=inner, outer_width=outer)
    elif restype == "XrayKalpha":
        kernel = model.XrayKalpha(sigma_2theta=res, ratio12=rng.uniform(1.5, 3))
    else:
        kernel = restype
    beams: dict[str, Any] = {
        "GaussianBeamOffset": model.GaussianBeamOffset(rng.uniform(0.02, 0.3), rng.uniform(-0.1, 0.1)),
        "SquareBeamOffset": model.SquareBeamOffset(rng.uniform(0.05, 0.3), rng.uniform(-0.05, 0.05)),
        "TrapezoidBeam": model.TrapezoidBeam(rng.choice([0.0, 0.1, 0.2]), rng.choice([0.1, 0.25, 0.05])),
    }
    channels = ["uu", "dd", "ass", "++", "--"]
    if probe == "neutron pol spin flip":
        channels += ["ud", "du", "+-", "-+"]
    incidence = rng.uniform(0.8, 1.5)
    instrument = model.Instrument(
        probe=probe,
        wavelength=float(rng.choice([1.54, 0.709] if probe == "x-ray" else [1.8, 4.4, 6.0])),
        coords=coords,
        I0=rng.uniform(0.5, 3),
        Ibkg=float(rng.choice([1e-9, 1e-6])),
        pol=str(rng.choice(channels)) if "pol" in probe else "uu",
        tthoff=float(rng.choice([0, 0.02, -0.03])),
        incangle=incidence + 0.01 * np.arange(n) / n if rng.random() < 0.4 else incidence,
        restype=kernel,
        res=res,
        respoints=int(rng.integers(3, 8)),
        resintrange=rng.uniform(1, 2),
        footype=beams.get(footype, footype),
        beamw=rng.uniform(0.02, 0.2),
        samplelen=rng.uniform(5, 40),
    )
    return instrument, x


def assert_close(ours: np.ndarray, theirs: np.ndarray, instrument: Any) -> None:
    # Where both spin states reflect everything, or nothing, the asymmetry is a difference of rounding errors.
    floor = 1e-8 if instrument.pol == "ass" else 1e-12 * np.max(np.abs(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=floor)


@pytest.mark.parametrize("restype", RESTYPES)
@pytest.mark.parametrize("probe", PROBES)
def test_every_combination_of_options_gives_what_the_sheet_says(probe: str, restype: str) -> None:
    rng = np.random.default_rng([PROBES.index(probe), RESTYPES.index(restype)])
    for footype in FOOTYPES:
        instrument, x = an_instrument(rng, probe, restype, footype)
        sample = a_sample(rng, probe)
        other_side = rng.random() < 0.3
        with np.errstate(all="ignore"):
            expected = plain.specular(x, sample, instrument, other_side=other_side)
        if not np.all(np.isfinite(expected)):  # a wavelength of 1e11 Å, where time of flight meets Q ≤ 0
            continue
        seen = -sample if other_side else sample
        assert_close(seen.SimSpecular(x, instrument), expected, instrument)
        assert_close(model.Specular(x, seen, instrument), expected, instrument)


FITTABLE = {
    "I0": (0.5, 2),
    "Ibkg": (0, 1e-5),
    "tthoff": (-0.03, 0.03),
    "wavelength": (1.2, 5),
    "incangle": (0.8, 1.5),
    "res": (0.0005, 0.003),
    "resintrange": (1, 2),
    "beamw": (0.02, 0.2),
    "samplelen": (5, 40),
}
LAYER_FIELDS = {
    "d": (5, 150),
    "dens": (0.01, 0.1),
    "sigma": (0, 8),
    "f": (5, 50),
    "b": (-3, 12),
    "xs_ai": (0, 50),
    "magn": (0, 3),
    "magn_ang": (-90, 180),
}


def fitted_objects(rng: RNG, sample: Any, instrument: Any) -> list[tuple[Any, str, tuple[float, float]]]:
    """Some fields of the sample and the instrument that a fit may change."""
    names = [name for name in FITTABLE if rng.random() < 0.25]
    chosen = [(instrument, name, FITTABLE[name]) for name in names]
    for kernel in (instrument.restype, instrument.footype):
        for name in ("sigma", "sigma_2theta", "inner_width", "outer_width", "width", "ratio12"):
            if hasattr(kernel, name) and rng.random() < 0.5:
                chosen.append((kernel, name, (1.5, 3) if name == "ratio12" else (0.02, 0.1)))
    layers = [sample.Substrate, *(layer for stack in sample.Stacks for layer in stack.Layers), sample.Ambient]
    for layer in layers:
        for name, limits in LAYER_FIELDS.items():
            ends = layer is sample.Ambient or layer is sample.Substrate
            if rng.random() < 0.15 and not (name == "magn_ang" and ends):
                chosen.append((layer, name, limits))
    chosen += [(stack, "Repetitions", (0, 6)) for stack in sample.Stacks if rng.random() < 0.3]
    return chosen


@pytest.mark.parametrize("restype", RESTYPES)
@pytest.mark.parametrize("probe", PROBES)
def test_a_population_gives_exactly_the_numbers_of_its_members(probe: str, restype: str) -> None:
    rng = np.random.default_rng([1, PROBES.index(probe), RESTYPES.index(restype)])
    for _ in range(3):
        instrument, x = an_instrument(rng, probe, restype, str(rng.choice(FOOTYPES)))
        sample = a_sample(rng, probe)
        sample = -sample if rng.random() < 0.3 else sample
        chosen = fitted_objects(rng, sample, instrument)
        n = 5
        values = [rng.uniform(*limits, size=n) for _, _, limits in chosen]
        alone = []
        for m in range(n):
            for (owner, name, _), column in zip(chosen, values, strict=True):
                setattr(owner, name, float(column[m]))
            alone.append(sample.SimSpecular(x, instrument))
        for (owner, name, _), column in zip(chosen, values, strict=True):
            setattr(owner, name, column[:, None].copy())
        together = sample.SimSpecular(x, instrument)
        assert together.shape in {(n, len(x)), x.shape}
        np.testing.assert_array_equal(np.broadcast_to(together, (n, len(x))), alone)


def simple(**given: Any) -> tuple[Any, Any, Any]:
    """A film on silicon for x-rays, its film and its instrument."""
    film = model.Layer(d=100.0, dens=0.0849, sigma=3.0, f=25.3 - 3.4j, b=9.45 + 0j, magn=2.1, magn_ang=0.0)
    substrate = model.Layer(dens=0.05, sigma=2.0, f=14.2 - 0.3j, b=4.15 + 0j)
    sample = model.Sample(
        Stacks=[model.Stack(Layers=[film])],
        Ambient=model.Layer(dens=0.0, f=0j, b=0j),
        Substrate=substrate,
    )
    return sample, film, model.Instrument(**{"coords": "q", **given})


Q = np.linspace(0.0, 0.4, 81)


def test_what_is_not_fitted_stays_one_curve() -> None:
    sample, film, instrument = simple(footype="no corr", restype="no conv")
    assert sample.SimSpecular(Q, instrument).shape == (81,)
    instrument.beamw = np.ones((4, 1))  # fitted, but there is no footprint
    instrument.res = np.ones((4, 1))  # nor a resolution
    film.magn = np.ones((4, 1))  # nor a magnetic probe
    assert sample.SimSpecular(Q, instrument).shape == (81,)
    instrument.I0 = np.ones((4, 1))
    assert sample.SimSpecular(Q, instrument).shape == (4, 81)
    instrument.I0 = np.ones((1, 1))
    assert sample.SimSpecular(Q, instrument).shape == (1, 81)
    instrument.I0 = 1.0
    film.d = np.full((1, 1), 100.0)
    assert sample.SimSpecular(Q, instrument).shape == (1, 81)


def test_a_nan_stays_with_its_individual() -> None:
    sample, film, instrument = simple(restype="fast conv", res=0.01, footype="gauss beam")
    film.d = np.array([[100.0], [np.nan], [120.0]])
    curves = sample.SimSpecular(Q, instrument)
    assert np.isnan(curves[1]).all()
    film.d = 120.0
    np.testing.assert_array_equal(curves[2], sample.SimSpecular(Q, instrument))


def test_x_may_differ_between_individuals() -> None:
    sample, _, instrument = simple(restype="full conv and varying res.", res=0.004)
    offsets = np.array([[0.0], [1e-3], [2e-3]])
    together = sample.SimSpecular(Q + offsets, instrument)
    for m in range(3):
        np.testing.assert_array_equal(together[m], sample.SimSpecular(Q + offsets[m], instrument))


def test_a_resolution_per_point_with_fitted_parts() -> None:
    sample, _, instrument = simple(restype="full conv and varying res.")
    slope = np.array([[0.01], [0.02]])
    instrument.setRes(np.sqrt((slope * Q) ** 2 + 0.001**2))
    together = sample.SimSpecular(Q, instrument)
    instrument.setRes(np.sqrt((0.02 * Q) ** 2 + 0.001**2))
    np.testing.assert_array_equal(together[1], sample.SimSpecular(Q, instrument))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_reflectivity_of_sharp_interfaces_lies_between_0_and_1(data: Any) -> None:
    # Névot and Croce's roughness factor exceeds 1 by 1e-5 or so below the critical edge.
    numbers = st.floats(0.001, 0.1)
    layers = [
        model.Layer(
            d=data.draw(st.floats(0, 500)),
            dens=data.draw(numbers),
            f=data.draw(st.floats(0, 80)) - 1j * data.draw(st.floats(0, 10)),
        )
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    stacks = [model.Stack(Layers=layers[1:], Repetitions=data.draw(st.integers(0, 30)))]
    sample = model.Sample(Stacks=stacks, Substrate=layers[0], Ambient=model.Layer(dens=0.0, f=0j))
    curve = sample.SimSpecular(Q, model.Instrument(coords="q"))
    assert np.all(curve >= 0)
    assert np.all(curve <= 1 + 1e-9)  # many thin repeated layers just above Q = 0 amplify the rounding


def test_seen_twice_from_the_other_side_is_the_sample_itself() -> None:
    rng = np.random.default_rng(7)
    for _ in range(10):
        sample = a_sample(rng, "neutron")
        instrument = model.Instrument(probe="neutron", coords="q", wavelength=4.4)
        other_side = -sample
        twice = -other_side
        np.testing.assert_array_equal(twice.SimSpecular(Q, instrument), sample.SimSpecular(Q, instrument))
        sample.Substrate.sigma = 9.0
        np.testing.assert_array_equal(twice.SimSpecular(Q, instrument), sample.SimSpecular(Q, instrument))


def test_the_other_side_of_an_absorption_free_sample_reflects_the_same() -> None:
    sample, film, instrument = simple(probe="neutron", wavelength=4.4)
    film.xs_ai = 0.0
    sample.Ambient = sample.Substrate  # the same medium on both sides: no critical edge
    front, back = sample.SimSpecular(Q[1:], instrument), (-sample).SimSpecular(Q[1:], instrument)
    np.testing.assert_allclose(front, back, rtol=1e-6)


def test_repetitions_from_a_parameter_table_are_rounded() -> None:
    sample, _, instrument = simple()
    stack = sample.Stacks[0]
    stack.setRepetitions(3.0)
    three = sample.SimSpecular(Q, instrument)
    stack.Repetitions = 3
    np.testing.assert_array_equal(three, sample.SimSpecular(Q, instrument))
    stack.Layers = stack.Layers * 3
    stack.Repetitions = 1
    np.testing.assert_array_equal(three, sample.SimSpecular(Q, instrument))


def test_layers_exchanged_in_place_are_noticed() -> None:
    sample, film, instrument = simple()
    before = sample.SimSpecular(Q, instrument)
    other = film.copy(deep=True)
    other.d = 50.0
    sample.Stacks[0].Layers[0] = other
    changed = sample.SimSpecular(Q, instrument)
    assert not np.array_equal(before, changed)
    sample.Stacks[0].Layers.append(film)
    assert not np.array_equal(sample.SimSpecular(Q, instrument), changed)


@pytest.mark.parametrize(
    ("field", "spellings"),
    [
        ("probe", ["neutron pol spin flip", 3, 3.0]),
        ("coords", ["2θ", "tth", 1]),
        ("pol", ["ud", "+-", 2]),
        ("pol", ["du", "-+", 3]),
        ("restype", ["full conv and varying res.", 4]),
        ("footype", ["square beam", 2]),
    ],
)
def test_options_in_all_spellings(field: str, spellings: list[Any]) -> None:
    sample, _, _ = simple()
    rest = {"probe": "neutron pol spin flip", "coords": "tth", "restype": 4, "footype": 2, "res": 0.01}
    curves = []
    for spelling in spellings:
        instrument = model.Instrument(**{**rest, field: spelling})
        curves.append(sample.SimSpecular(np.linspace(0.3, 3, 20), instrument))
        instrument = model.Instrument(**rest)
        getattr(instrument, f"set{field.capitalize()}")(spelling)
        curves.append(sample.SimSpecular(np.linspace(0.3, 3, 20), instrument))
    for curve in curves[1:]:
        np.testing.assert_array_equal(curve, curves[0])


def test_spin_flip_follows_a_change_of_the_wavelength_alone() -> None:
    sample, film, instrument = simple(probe="neutron pol spin flip", wavelength=4.4)
    film.magn_ang, film.xs_ai = 40.0, 5000.0
    first = sample.SimSpecular(Q[1:], instrument)
    instrument.setWavelength(6.0)
    second = sample.SimSpecular(Q[1:], instrument)
    assert not np.array_equal(first, second)
    fresh = copy.deepcopy(sample).SimSpecular(Q[1:], instrument)
    np.testing.assert_array_equal(second, fresh)


def test_imperfect_polarisers_are_a_product_of_four_matrices() -> None:
    sample, film, instrument = simple(probe="neutron pol spin flip", wavelength=4.4, I0=1.3, Ibkg=1e-6)
    film.magn_ang = 40.0
    p1, p2, f1, f2 = 0.03, 0.08, 0.01, 0.05
    order = ["uu", "ud", "du", "dd"]
    pure = []
    for channel in order:
        instrument.pol = channel
        pure.append(sample.SimSpecular(Q[1:], instrument))
    one, a, b = np.eye(4), 1 - p1, 1 - p2
    polariser = np.array([[a, 0, p1, 0], [0, a, 0, p1], [p1, 0, a, 0], [0, p1, 0, a]])
    analyser = np.array([[b, p2, 0, 0], [p2, b, 0, 0], [0, 0, b, p2], [0, 0, p2, b]])
    flipper1, flipper2 = one.copy(), one.copy()
    flipper1[2:, :2], flipper1[2:, 2:] = f1 * np.eye(2), (1 - f1) * np.eye(2)
    flipper2[1, :2] = flipper2[3, 2:] = f2, 1 - f2
    mixed = flipper1 @ flipper2 @ polariser @ analyser @ np.array(pure)
    for channel, expected in zip(order, mixed, strict=True):
        instrument.pol = channel
        ours = sample.SimPolSpecular(Q[1:], p1, p2, f1, f2, instrument)
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
        fitted = sample.SimPolSpecular(Q[1:], np.array([[0.5], [p1]]), p2, f1, f2, instrument)
        np.testing.assert_array_equal(fitted[1], ours)


@pytest.mark.parametrize("coords", ["tth", "q"])
@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_energy_scans(coords: str, offset: float) -> None:
    energies = np.linspace(5000, 12000, 30)
    wavelengths = 12398.41984 / energies
    sample, film, instrument = simple(coords=coords, tthoff=offset, I0=2.0, Ibkg=1e-6)
    x = 2.1 if coords == "tth" else 0.08
    if coords == "tth":
        angle = np.radians(x + offset) / 2
    else:
        angle = np.arcsin(x * wavelengths / (4 * np.pi)) + np.radians(offset) / 2

    def edge(energy: Any) -> Any:
        return 26 - 1e-3 * (8000 - energy) - 1j * (3 + 1e-4 * energy)

    for f in (25.3 - 3.4j, edge):
        film.f = f
        layers = plain.unrolled(sample)
        for layer in layers:
            layer.f = layer.f(energies) if callable(layer.f) else layer.f
        n = plain.indices(layers, "x-ray", wavelengths, 0)
        expected = 2 * np.abs(plain.parratt_at_angle(angle, n, layers, wavelengths)) ** 2 + 1e-6
        ours = sample.SimEnergySpecular(energies, x, instrument)
        np.testing.assert_allclose(ours, expected, rtol=1e-8)
        film.d = np.array([[50.0], [100.0]])
        np.testing.assert_array_equal(sample.SimEnergySpecular(energies, x, instrument)[1], ours)
        film.d = 100.0


def test_a_scattering_length_that_is_a_function_of_the_energy() -> None:
    sample, film, instrument = simple(wavelength=1.54)
    film.f = lambda energy: complex(energy / 1000, -2.0)
    curve = sample.SimSpecular(Q, instrument)
    film.f = complex(12398.41984 / 1.54 / 1000, -2.0)
    np.testing.assert_array_equal(curve, sample.SimSpecular(Q, instrument))


@pytest.mark.parametrize("probe", ["x-ray", "neutron", "neutron pol", "neutron tof"])
def test_the_field_is_the_root_of_the_reflectivity(probe: str) -> None:
    sample, _, instrument = simple(probe=probe, wavelength=4.4, incangle=1.0, tthoff=0.01, I0=7.0, footype=2)
    field = sample.SimSpecularField(Q[1:], instrument)
    assert field.dtype == complex
    instrument.I0, instrument.footype = 1.0, "no corr"
    np.testing.assert_allclose(np.abs(field) ** 2, sample.SimSpecular(Q[1:], instrument), rtol=1e-12)


def test_profiles_of_all_probes() -> None:
    sample, film, instrument = simple(wavelength=4.4)
    z = np.array([-50.0, 50.0, 200.0])
    xray = sample.SimSLD(z, None, instrument)
    np.testing.assert_allclose(xray["Re"], [0.05 * 14.2, 0.0849 * 25.3, 0], atol=1e-12)
    np.testing.assert_allclose(xray["Im"], [-0.05 * 0.3, -0.0849 * 3.4, 0], atol=1e-12)
    assert set(xray) == {"Re", "Im", "z", "SLD unit", "Mass Density"}
    assert set(xray["Mass Density"]) == {"z", "SLD unit", "Sum"}  # the composition is not known, as in GenX
    assert not np.any(xray["Mass Density"]["Sum"])
    film.xs_ai = 100.0
    instrument.setProbe("neutron")
    neutron = sample.SimSLD(z, None, instrument)
    np.testing.assert_allclose(neutron["Re"], [0.05 * 41.5, 0.0849 * 94.5, 0], atol=1e-12)
    np.testing.assert_allclose(neutron["Im"], [0, -0.0849 * 100 * 1e-2 / (2 * 4.4), 0], atol=1e-12)
    instrument.setProbe("neutron pol spin flip")
    magnetic = sample.SimSLD(z, None, instrument)
    np.testing.assert_allclose(magnetic["mag"], [0, 26.45 * 2.1 * 0.0849, 0], atol=1e-12)
    assert "mag_x" not in magnetic
    film.magn_ang = 30.0
    magnetic = sample.SimSLD(z, None, instrument)
    np.testing.assert_allclose(magnetic["mag_y"], magnetic["mag"] / 2, atol=1e-12)
    np.testing.assert_array_equal(sample.SimSLD(z, "mag", instrument), magnetic["mag"])
    with pytest.raises(InputError, match="no profile 'colour'"):
        sample.SimSLD(z, "colour", instrument)


def test_profiles_can_be_cropped() -> None:
    sample, film, instrument = simple()
    sample.Stacks[0].Repetitions = 10
    film.sigma = 0.0
    fe = fresh_databases()["fp"].Fe  # type: ignore[attr-defined]
    film.f = 25.3 / fe.real * fe  # real part 25.3 electrons, of known composition
    whole = sample.SimSLD(None, None, instrument)
    sample.crop_sld = 2
    cropped = sample.SimSLD(None, None, instrument)
    np.testing.assert_array_equal(cropped["z"], whole["z"])
    at = lambda depth: cropped["Re"][np.argmin(np.abs(cropped["z"] - depth))]  # noqa: E731
    assert at(50) == pytest.approx(0.0849 * 25.3)
    assert at(500) == pytest.approx(0.0)
    assert at(950) == pytest.approx(0.0849 * 25.3)
    sample.crop_sld = -2
    dummy = sample.SimSLD(None, None, instrument)
    assert dummy["z"][-1] == pytest.approx(205, abs=1)
    assert np.max(dummy["Re"]) == pytest.approx(10.0)
    # As in GenX: the mass densities of the whole sample, at the depths of the other profiles.
    masses, n = dummy["Mass Density"], len(dummy["z"])
    np.testing.assert_array_equal(masses["z"], dummy["z"])
    np.testing.assert_array_equal(masses["Fe"], whole["Mass Density"]["Fe"][:n])


def test_a_profile_of_the_other_side_is_the_mirror_image() -> None:
    sample, _, instrument = simple()
    z = np.linspace(-40, 140, 91)
    front, back = sample.SimSLD(z, None, instrument), (-sample).SimSLD(z, None, instrument)
    np.testing.assert_allclose(back["Re"], front["Re"][::-1], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"coords": "q", "restype": 4, "res": np.ones(5)}, "res has 5 values, x has 81 points"),
        ({"restype": "fast conv", "res": np.ones(81)}, "must be one number"),
        ({"restype": 4, "respoints": 1}, "respoints"),
        ({"restype": 4, "respoints": np.array([[3.0], [5.0]])}, "same whole number"),
        ({"probe": "neutron tof", "incangle": 0.0}, "angle of incidence"),
        ({"probe": "neutron tof", "incangle": np.ones(7)}, "incangle has 7 values"),
        ({"probe": "neutron pol", "pol": "ud"}, "no channel 'ud'"),
        ({"wavelength": 0.0}, "wavelength must be positive"),
        ({"I0": np.ones(5)}, "I0 has 5 values"),
    ],
)
def test_what_cannot_be_simulated_is_said(change: dict[str, Any], match: str) -> None:
    sample, _, _ = simple()
    with pytest.raises(InputError, match=match):
        sample.SimSpecular(Q, model.Instrument(**{"coords": "q", **change}))


def test_an_option_that_does_not_exist_lists_those_that_do() -> None:
    sample, _, instrument = simple()
    instrument.setRestype("full")
    with pytest.raises(InputError, match="restype has no option 'full'") as caught:
        sample.SimSpecular(Q, instrument)
    assert "'fast conv'" in (caught.value.hint or "")


def test_methods_that_need_something_else_say_what() -> None:
    sample, film, instrument = simple()
    with pytest.raises(InputError, match="spin flip"):
        sample.SimPolSpecular(Q, 0, 0, 0, 0, instrument)
    with pytest.raises(InputError, match="off-specular"):
        sample.SimOffSpecular(Q, Q, instrument)
    with pytest.raises(InputError, match="knows no resolution"):
        sample.SimEnergySpecular(Q, 1.0, model.Instrument(restype="fast conv"))
    with pytest.raises(InputError, match="probe is 'x-ray'"):
        sample.SimEnergySpecular(Q, 1.0, model.Instrument(probe="neutron"))
    polarised = model.Instrument(probe="neutron pol spin flip", pol="ass", coords="q")
    with pytest.raises(InputError, match="asymmetry"):
        sample.SimPolSpecular(Q, 0, 0, 0, 0, polarised)
    with pytest.raises(InputError, match="no single amplitude"):
        sample.SimSpecularField(Q, polarised)
    sample.Ambient.magn_ang = 10.0
    with pytest.raises(InputError, match="magn_ang of the ambient"):
        sample.SimSpecular(Q, polarised)
    film.d = np.ones((3, 1))
    with pytest.raises(InputError, match="population"):
        sample.SimSLD(None, None, instrument)
    sample.Stacks = [film]
    with pytest.raises(InputError, match="not made of stacks"):
        sample.SimSpecular(Q, instrument)


def test_everything_a_script_expects_is_there() -> None:
    expected = {
        "Layer Stack Sample Instrument Specular PolSpecular SpecularField EnergySpecular OffSpecular",
        "SLD_calculations GaussianBeamOffset SquareBeamOffset TrapezoidBeam GaussianResolution",
        "TrapezoidResolution XrayKalpha Probe Coords ResType FootType Polarization exp array pi where",
    }
    names = {name for line in expected for name in line.split()}
    assert names <= set(model.__all__)
    assert all(hasattr(model, name) for name in model.__all__)
