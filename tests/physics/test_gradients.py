"""Gradients from copy to copy against loops, and copies of an individual in any company."""

from __future__ import annotations

import math

import numpy as np
import pytest

from metagenx.physics import gradients

KINDS = {
    "relative linear": lambda s, g, u: s * (1 + g * u),
    "relative sqrt": lambda s, g, u: s * math.sqrt(1 + (g * u) ** 2),
    "absolute linear": lambda s, g, u: s + g * u,
    "absolute sqrt": lambda s, g, u: math.hypot(s, g * u),
}


@pytest.mark.parametrize("kind", KINDS)
def test_roughness(kind: gradients.RoughnessGradient) -> None:
    sigma, slope = np.array([[3.0, 5.0], [2.0, 0.0]]), np.array([[0.5, -0.2], [1.5, 2.0]])
    n_copies = np.array([4, 1])
    found = gradients.roughness(sigma, slope, kind, n_copies)
    assert found.shape == (2, 4, 2)
    for m, n in enumerate(n_copies):
        for i in range(n):
            u = i / (n - 1) if i else 0.0
            expected = [KINDS[kind](s, g, u) for s, g in zip(sigma[m], slope[m], strict=True)]
            np.testing.assert_allclose(found[m, i], expected, rtol=1e-14)
        np.testing.assert_array_equal(found[m, 0], sigma[m])
        alone = gradients.roughness(sigma[m : m + 1], slope[m : m + 1], kind, n_copies[m : m + 1])
        np.testing.assert_array_equal(alone[0], found[m, :n])


def test_thicknesses_around_the_middle() -> None:
    d, slope = np.array([[40.0, 10.0]]), np.array([[0.2], [0.0], [-0.1]])
    n_copies = np.array([5, 2, 1])
    found = gradients.around_the_middle(d, slope, n_copies, 5)
    for m, n in enumerate(n_copies):
        for i in range(n):
            np.testing.assert_allclose(found[m, i], d[0] * (1 - slope[m, 0] * (0.5 - i / n)), rtol=1e-15)
    np.testing.assert_array_equal(found[1, :2], np.tile(d, (2, 1)))


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_no_copies_and_few(n: int) -> None:
    n_copies = np.array([n])
    assert gradients.roughness(np.ones((1, 3)), np.ones((1, 3)), "absolute sqrt", n_copies).shape == (1, n, 3)
    assert gradients.around_the_middle(np.ones((1, 3)), np.ones((1, 1)), n_copies, n).shape == (1, n, 3)
    np.testing.assert_allclose(gradients.linear(np.array([[0.5]]), n_copies)[0, :, 0], np.linspace(1, 1.5, n)[:n])
