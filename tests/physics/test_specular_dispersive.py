"""Time of flight and energy scans: each point has its own wavelength."""

from __future__ import annotations

import numpy as np
import pytest
from written_out import order_of_layers, time_of_flight

from metagenx.physics import specular
from metagenx.physics.specular import Blocks

ANGLE = np.radians(0.6)
WAVELENGTH = np.linspace(2.0, 20.0, 150)
Q = 4 * np.pi * np.sin(ANGLE) / WAVELENGTH


def population(seed, n_population, n_layer, *, absorption=0.0, ambient=0.0):
    """Typical neutron scattering lengths; half of the scattering is magnetic."""
    rng = np.random.default_rng(seed)
    strength = rng.uniform(-0.2e-6, 0.8e-6, (n_population, n_layer)) + 0j
    magnetic = rng.uniform(-0.2e-6, 0.8e-6, (n_population, n_layer))
    absorbed = rng.uniform(0, 1, (n_population, n_layer)) * absorption
    strength[:, -1], magnetic[:, -1], absorbed[:, -1] = ambient, 0, 0
    return (
        strength,
        absorbed,
        magnetic,
        rng.uniform(10, 200, (n_population, n_layer)),
        rng.uniform(0, 8, (n_population, n_layer)),
    )


def exact(strength, absorption, magnetic, thickness, sigma, blocks):
    rows = []
    for m in range(len(strength)):
        order = order_of_layers(blocks.first, blocks.last, blocks.repetitions[m], strength.shape[1])
        quadratic, linear = strength[m] + magnetic[m], -1j * absorption[m]
        rows.append(time_of_flight(ANGLE, WAVELENGTH, quadratic, linear, thickness[m], sigma[m], order))
    return np.array(rows).astype(complex)


@pytest.mark.parametrize("absorption", [0.0, 1e-9, 1e-7])
@pytest.mark.parametrize("ambient", [0.0, 3e-7, 3e-7 - 1e-10j])
def test_is_the_formula(absorption: float, ambient: complex) -> None:
    samples = population(1, 4, 6, absorption=absorption, ambient=ambient)
    blocks = Blocks((1, 3), (3, 5), np.array([[3, 1], [1, 2], [0, 1], [12, 0]]))
    r = specular.amplitude_dispersive(Q, WAVELENGTH, *samples, blocks)
    expected = exact(*samples, blocks)
    # Squares of numbers near 1 are rounded and subtracted, as in GenX.
    np.testing.assert_allclose(r, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        specular.reflectivity_dispersive(Q, WAVELENGTH, *samples, blocks), abs(r) ** 2, rtol=1e-13
    )


def test_one_wavelength_is_the_ordinary_case() -> None:
    wavelength = 4.5
    samples = population(2, 3, 6, absorption=1e-8, ambient=2e-7)
    strength, absorption, magnetic, thickness, sigma = samples
    q = np.linspace(1e-10, 0.2, 300)
    n = 1 - (strength + magnetic) * wavelength**2 + 1j * absorption * wavelength
    potential = (4 * np.pi / wavelength) ** 2 * (n**2 - n[:, -1:] ** 2)
    expected = specular.amplitude(q, potential, n[:, -1] ** 2, thickness, sigma, Blocks.once(6))
    r = specular.amplitude_dispersive(q, np.full_like(q, wavelength), *samples, Blocks.once(6))
    np.testing.assert_allclose(r, expected, rtol=1e-7, atol=1e-9)


def test_an_individual_is_the_same_in_any_population() -> None:
    samples = population(3, 5, 6, absorption=1e-8)
    for values in samples:
        values[:, 3] = values[0, 3]
    blocks = Blocks((1, 3), (3, 5), np.array([[1, 0], [2, 1], [0, 3], [1, 1], [1, 1]]))
    lengths = WAVELENGTH * np.linspace(0.95, 1.05, 5)[:, None]
    for q, wavelength in ((Q, WAVELENGTH), (4 * np.pi * np.sin(ANGLE) / lengths, lengths)):
        together = specular.reflectivity_dispersive(q, wavelength, *samples, blocks)
        for m in range(5):
            alone = specular.reflectivity_dispersive(
                q if q.ndim == 1 else q[m : m + 1],
                wavelength if q.ndim == 1 else wavelength[m : m + 1],
                *(values[m : m + 1] for values in samples),
                Blocks(blocks.first, blocks.last, blocks.repetitions[m : m + 1]),
            )
            np.testing.assert_array_equal(alone[0], together[m])


@pytest.mark.parametrize("value", [np.nan, np.inf, -200.0])
def test_what_is_out_of_range_concerns_one_individual(value: float) -> None:
    samples = population(4, 3, 5, absorption=1e-7)
    blocks = Blocks((1,), (4,), np.ones((3, 1), int))
    before = specular.reflectivity_dispersive(Q, WAVELENGTH, *samples, blocks)
    samples[3][1, 2] = value
    after = specular.reflectivity_dispersive(Q, WAVELENGTH, *samples, blocks)
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
    if np.isfinite(value):
        np.testing.assert_allclose(after[1], abs(exact(*samples, blocks)[1]) ** 2, rtol=1e-6, atol=1e-9)
    else:
        assert np.isnan(after[1]).all()


def test_wavelengths_that_do_not_fit() -> None:
    samples = population(5, 2, 4)
    with pytest.raises(ValueError, match="wavelengths"):
        specular.reflectivity_dispersive(Q, WAVELENGTH[:-1], *samples, Blocks.once(4))
