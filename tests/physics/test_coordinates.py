import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.physics import coordinates

X = np.linspace(0.1, 8, 23)
Q = np.linspace(0.001, 0.9, 23)
WAVELENGTH = 1.54


def moved_q(q, wavelength, offset):
    """Back to the angle, move it, forth again."""
    two_theta = 2 * np.arcsin(wavelength * q / (4 * np.pi)) + np.radians(offset)
    return 4 * np.pi / wavelength * np.sin(two_theta / 2)


def test_two_theta():
    expected = 4 * np.pi / WAVELENGTH * np.sin(np.radians(X + 0.03) / 2)
    np.testing.assert_allclose(coordinates.q_from_two_theta(X, WAVELENGTH, 0.03), expected, rtol=1e-14)


def test_q_with_an_offset_of_two_theta():
    np.testing.assert_allclose(coordinates.q_from_q(Q, WAVELENGTH, 0.05), moved_q(Q, WAVELENGTH, 0.05), rtol=1e-13)


def test_q_without_an_offset_is_untouched_even_where_no_angle_exists():
    far = np.array([1.0, 20.0])
    np.testing.assert_array_equal(coordinates.q_from_q(far, WAVELENGTH, 0.0), far)
    assert np.isnan(coordinates.q_from_q(far, WAVELENGTH, 0.01)).tolist() == [False, True]


def test_q_at_an_angle():
    alpha, offset = 0.7, 0.02
    expected = Q * np.sin(np.radians(alpha + offset / 2)) / np.sin(np.radians(alpha))
    np.testing.assert_allclose(coordinates.q_from_q_at_angle(Q, alpha, offset), expected, rtol=1e-14)


def test_wavelength_at_angle_is_the_one_that_has_this_q():
    wavelength = coordinates.wavelength_at_angle(Q, 0.7)
    np.testing.assert_allclose(coordinates.q_from_two_theta(1.4, wavelength, 0.0), Q, rtol=1e-13)


def test_q_is_never_below_the_minimum_and_nan_stays():
    low = np.array([-0.1, 0.0, 1e-11, np.nan, 0.1])
    expected = [1e-10, 1e-10, 1e-10, np.nan, 0.1]
    np.testing.assert_array_equal(coordinates.clip(low), expected)
    np.testing.assert_array_equal(coordinates.q_from_q(low, WAVELENGTH, 0.0), expected)
    np.testing.assert_array_equal(coordinates.q_from_two_theta(low, WAVELENGTH, 0.0)[:4], expected[:4])


def test_sine_of_incidence_is_nan_beyond_back_scattering():
    sine = coordinates.sine_of_incidence(np.array([0.1, 8.2]), WAVELENGTH)
    np.testing.assert_allclose(sine, [0.1 * WAVELENGTH / (4 * np.pi), np.nan], rtol=1e-15)


def test_one_wavelength_per_point():
    wavelengths = np.linspace(1, 10, len(Q))
    scale = wavelengths / (4 * np.pi)
    np.testing.assert_allclose(coordinates.sine_of_incidence(0.5, wavelengths), 0.5 * scale, rtol=1e-15)
    np.testing.assert_allclose(coordinates.q_at_angle(wavelengths, 0.7), np.sin(np.radians(0.7)) / scale, rtol=1e-10)
    for offset in (0.0, 0.02):
        moved = coordinates.q_from_q(Q, wavelengths, offset)
        np.testing.assert_allclose(moved, moved_q(Q, wavelengths, offset), rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (coordinates.q_from_two_theta, X),
        (coordinates.q_from_q, Q),
        (coordinates.q_from_q_at_angle, Q),
    ],
)
@given(data=st.data())
def test_a_population_gives_the_numbers_of_its_members(function, x, data):
    numbers = st.floats(-0.1, 0.1) | st.just(0.0)
    offsets = np.array(data.draw(st.lists(numbers, min_size=2, max_size=5)))[:, None]
    wavelengths = np.linspace(0.7, 6, len(offsets))[:, None]
    together = function(x, wavelengths, offsets)
    assert together.shape == (len(offsets), len(x))
    for one, wavelength, offset in zip(together, wavelengths[:, 0], offsets[:, 0], strict=True):
        np.testing.assert_array_equal(one, function(x, wavelength, offset))


def test_one_offset_per_point():
    offsets = np.linspace(-0.02, 0.02, len(X))
    together = coordinates.q_from_two_theta(X, WAVELENGTH, offsets)
    alone = [coordinates.q_from_two_theta(X[i : i + 1], WAVELENGTH, offsets[i])[0] for i in range(len(X))]
    np.testing.assert_allclose(together, alone, rtol=1e-14)
