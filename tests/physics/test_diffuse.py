from __future__ import annotations

import numpy as np
import pytest
from scipy.special import fresnel

from metagenx.physics import correlation

Q = np.geomspace(0.003, 2000, 120)


def test_closed_forms() -> None:
    np.testing.assert_allclose(correlation.transform(Q, 1.0), 0.5 * np.sqrt(np.pi) * np.exp(-(Q**2) / 4), rtol=1e-13)
    np.testing.assert_allclose(correlation.transform(Q, 0.5), 1 / (1 + Q**2), rtol=1e-14)


def test_the_integral_meets_the_closed_forms_next_to_them() -> None:
    for h in (0.5, 1.0):
        near = correlation.transform(Q, h + 1e-14)
        np.testing.assert_allclose(near, correlation.transform(Q, h), rtol=1e-11, atol=1e-13)


def test_quarter_by_fresnel_integrals() -> None:
    # The symmetric stable density of exponent 1/2 (J. P. Nolan, Univariate Stable Distributions, 2020).
    u = 1 / np.sqrt(2 * np.pi * Q)
    sine, cosine = fresnel(u)
    v = 1 / (4 * Q)
    expected = Q**-1.5 * np.sqrt(np.pi / 2) * (np.sin(v) * (0.5 - sine) + np.cos(v) * (0.5 - cosine))
    np.testing.assert_allclose(correlation.transform(Q, 0.25), expected, rtol=1e-9)


@pytest.mark.parametrize("h", [0.1, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99])
def test_tail(h: float) -> None:
    # Σ (−1)^{k+1} Γ(1 + kα)/k!·sin(kπα/2)/q^{1+kα} (H. Bergström, Ark. Mat. 2, 375 (1952)).
    from math import factorial, gamma

    alpha, q = 2 * h, np.array([1e6 if h < 0.2 else 3000.0])
    terms = [
        (-1) ** (k + 1) * gamma(1 + k * alpha) / factorial(k) * np.sin(k * np.pi * alpha / 2) / q ** (1 + k * alpha)
        for k in range(1, 60 if h < 0.5 else 4)
    ]
    np.testing.assert_allclose(correlation.transform(q, h), sum(terms), rtol=1e-6)


@pytest.mark.parametrize("h", [0.55, 0.7, 0.85, 0.95, 1.2])
def test_series_at_small_arguments(h: float) -> None:
    from math import factorial, gamma

    alpha, q = 2 * h, np.linspace(0.003, 0.9, 30)
    terms = [(-1) ** k * gamma((2 * k + 1) / alpha) / alpha / factorial(2 * k) * q ** (2 * k) for k in range(60)]
    np.testing.assert_allclose(correlation.transform(q, h), sum(terms), rtol=1e-13)


def test_even_and_flat_below_the_smallest_argument() -> None:
    np.testing.assert_array_equal(correlation.transform(-Q, 0.7), correlation.transform(Q, 0.7))
    assert correlation.transform([0.0], 0.7) == correlation.transform([0.003], 0.7)


@pytest.mark.parametrize("h", [0.0, -0.5, float("nan"), float("inf")])
def test_no_value_without_a_hurst_exponent(h: float) -> None:
    assert np.isnan(correlation.transform([0.5], h)).all()


def test_one_point_and_equal_points() -> None:
    eta, h = np.array([[600.0]]), np.array([[0.7]])
    one = correlation.orders(np.array([[1e-4]]), eta, h, 2, fixed_grid=False)
    two = correlation.orders(np.array([[1e-4, 1e-4]]), eta, h, 2, fixed_grid=False)
    assert np.all(np.isfinite(one))
    np.testing.assert_array_equal(one[..., 0], two[..., 1])
    reach = 600.0 / 2 ** (1 / 1.4)
    np.testing.assert_allclose(one[0, 1, 0], 2 / 2 * reach * correlation.transform([1e-4 * reach], 0.7)[0], rtol=1e-4)
