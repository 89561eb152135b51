"""Distributions of the thickness: what a distribution must be, and GenX's formulas with numpy's own linspace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.physics.thickness_distribution import ThicknessDistribution, gaussian, half_gaussian, pulsed_laser

Form = Callable[[float | np.ndarray, int], ThicknessDistribution]
FORMS: dict[str, Form] = {
    "gauss": gaussian,
    "semi-gauss": half_gaussian,
    "empiric PLD": lambda width, n: pulsed_laser(width, n, 0.8, 0.004),
}


@pytest.mark.parametrize("form", FORMS)
@given(width=st.floats(1e-4, 0.3), n_steps=st.integers(1, 40))
def test_weights_add_up_to_one_and_the_mean_is_one(form: str, width: float, n_steps: int) -> None:
    factors, weights = FORMS[form](width, n_steps)
    assert factors.shape == weights.shape == (1, n_steps)
    assert np.sum(weights) == pytest.approx(1, rel=1e-12)
    assert np.all(weights >= 0)
    if form != "gauss" or n_steps > 1:  # GenX's single thickness of a normal distribution is its lower end
        assert np.sum(weights * factors) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("n_steps", [2, 7, 20])
def test_they_are_those_of_the_sheet(n_steps: int) -> None:
    s = 0.04
    t = 1 + np.linspace(-s, s, n_steps)
    p = np.exp(-0.5 * ((t - 1) / s) ** 2)
    factors, weights = gaussian(s, n_steps)
    np.testing.assert_allclose(factors[0], t, rtol=1e-14)
    np.testing.assert_allclose(weights[0], p / p.sum(), rtol=1e-13)
    t = 1 + np.linspace(-2 * s, 0, n_steps)
    p = np.exp(-0.5 * ((t - s - 1) / s) ** 2)
    p /= p.sum()
    factors, weights = half_gaussian(s, n_steps)
    np.testing.assert_allclose(factors[0], t + 1 - np.sum(t * p), rtol=1e-14)
    np.testing.assert_allclose(weights[0], p, rtol=1e-12)
    for flat in (0.003, 0.2, 0.95):  # above all of t nothing is left of the sum's first part
        t = 1 + np.linspace(-max(2 * s, flat), 0, n_steps)
        p = np.where(t > flat, 0.7 / (1 + ((t - 1) / s) ** 2) + 0.3, 0)
        p /= p.sum()
        factors, weights = pulsed_laser(s, n_steps, 0.7, flat)
        np.testing.assert_allclose(factors[0], t + 1 - np.sum(t * p), rtol=1e-13)
        np.testing.assert_allclose(weights[0], p, rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_an_individual_is_the_same_alone_and_in_company(form: str) -> None:
    widths = np.array([[0.02], [0.0], [0.07], [1e-3], [0.0]])
    factors, weights = FORMS[form](widths, 9)
    for m, width in enumerate(widths[:, 0]):
        alone = FORMS[form](width, 9)
        np.testing.assert_array_equal(alone.factors[0], factors[m])
        np.testing.assert_array_equal(alone.weights[0], weights[m])
    np.testing.assert_array_equal(factors[1], 1.0)
    np.testing.assert_array_equal(weights[1], [1.0] + [0.0] * 8)
