import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from metagenx.physics import footprint

LENGTHS = st.floats(0.1, 100)
WIDTHS = st.floats(0.01, 2)
OFFSETS = st.floats(-0.5, 0.5)
SINES = np.linspace(1e-6, 0.2, 60)

PROFILES = {
    "gaussian": (footprint.gaussian, 1, 0),
    "square": (footprint.square, 1, 0),
    "gaussian_with_offset": (footprint.gaussian_with_offset, 1, 1),
    "square_with_offset": (footprint.square_with_offset, 1, 1),
    "trapezoid": (footprint.trapezoid, 2, 0),
}


@pytest.mark.parametrize("name", PROFILES)
@given(data=st.data())
def test_between_nothing_and_everything_and_never_less_at_a_larger_angle(name, data):
    profile, n_widths, n_offsets = PROFILES[name]
    parameters = [data.draw(WIDTHS) for _ in range(n_widths)] + [data.draw(OFFSETS) for _ in range(n_offsets)]
    part = profile(SINES, data.draw(LENGTHS), *parameters)
    assert np.all((part >= 0) & (part <= 1 + 1e-15))
    assert np.all(np.diff(part) >= -1e-15)


@given(length=LENGTHS, width=WIDTHS)
def test_without_an_offset_the_beams_are_those_on_centre(length, width):
    centred = footprint.gaussian(SINES, length, width)
    np.testing.assert_allclose(footprint.gaussian_with_offset(SINES, length, width, 0.0), centred, rtol=1e-13)
    centred = footprint.square(SINES, length, width)
    np.testing.assert_allclose(footprint.square_with_offset(SINES, length, width, 0.0), centred, rtol=1e-13)


@given(length=LENGTHS, width=WIDTHS, offset=OFFSETS)
def test_the_sign_of_an_offset_does_not_matter(length, width, offset):
    for profile in (footprint.gaussian_with_offset, footprint.square_with_offset):
        left, right = profile(SINES, length, width, offset), profile(SINES, length, width, -offset)
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-15)


def test_gaussian_beams_are_integrals_of_the_beam_over_the_shadow():
    sine, length, sigma, offset = 0.004, 30.0, 0.08, 0.03
    density = lambda y: np.exp(-(y**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))  # noqa: E731
    half = length * sine / 2
    inside = quad(density, offset - half, offset + half)[0]
    assert footprint.gaussian_with_offset(sine, length, sigma, offset) == pytest.approx(inside, rel=1e-12)
    inside = quad(density, -half, half)[0]
    assert footprint.gaussian(sine, length, sigma) == pytest.approx(inside, rel=1e-12)


@given(inner=st.floats(0.05, 0.5), more=st.floats(0.01, 0.5), shadow=st.floats(0.001, 1.2))
def test_trapezoid_is_the_integral_of_a_trapezoidal_beam(inner, more, shadow):
    outer = inner + more
    height = 2 / (inner + outer)

    def beam(y):
        y = abs(y)
        return height * min(1.0, max(0.0, (outer / 2 - y) / (outer / 2 - inner / 2)))

    inside = 2 * quad(beam, 0, min(shadow, outer) / 2, points=[min(inner, shadow) / 2], limit=200)[0]
    # GenX weighs core and flanks as if the flanks were not under the core's ends: equal where all or only core is lit.
    part = footprint.trapezoid(1.0, shadow, inner, outer)
    if shadow >= outer:
        assert part == pytest.approx(1.0, abs=1e-12)
    elif shadow <= inner:
        assert part == pytest.approx(inside, rel=1e-9)


def test_trapezoid_with_odd_widths():
    assert footprint.trapezoid(1.0, 0.1, 0.0, 0.2) == pytest.approx(1 - (1 - 0.5) ** 2)
    assert footprint.trapezoid(1.0, 0.1, 0.2, 0.1) == pytest.approx(0.5)  # outer within inner: a square beam
    assert footprint.trapezoid(1.0, 0.5, 0.2, 0.2) == pytest.approx(1.0)


@pytest.mark.parametrize("name", PROFILES)
def test_a_population_gives_the_numbers_of_its_members(name):
    profile, n_widths, n_offsets = PROFILES[name]
    rng = np.random.default_rng(3)
    columns = rng.uniform(0.02, 0.3, (n_widths + n_offsets, 7, 1))
    lengths = rng.uniform(5, 50, (7, 1))
    together = profile(SINES, lengths, *columns)
    assert together.shape == (7, len(SINES))
    for m in range(7):
        np.testing.assert_array_equal(together[m], profile(SINES, lengths[m, 0], *columns[:, m, 0]))
