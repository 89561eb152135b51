"""The kernel's log10 against the library's, for every kind of number."""

from __future__ import annotations

import math

import numpy as np

from metagenx.physics.deviation import Transform, transformed


def test_within_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            10 ** rng.uniform(-308, 308, 20_000),
            rng.uniform(0.5, 2.0, 20_000),
            1.0 + rng.normal(0.0, 1e-3, 10_000),
            1.0 + rng.normal(0.0, 1e-9, 10_000),
            10.0 ** np.arange(-300, 300),
        ]
    )
    expected = np.array([math.log10(v) for v in x])
    error = np.abs(transformed(x, Transform.LOG10) - expected) / np.spacing(np.abs(expected))
    assert np.max(error) <= 2.0
    assert np.mean(error > 1.0) < 0.01


def test_special_numbers() -> None:
    x = np.array([0.0, -0.0, -1.0, np.nan, np.inf, -np.inf, 1.0, 5e-324, 1e-310, 2.2250738585072014e-308])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(transformed(x, Transform.LOG10), np.log10(x), rtol=1e-15)


def test_in_vectors_and_alone() -> None:
    x = 10 ** np.random.default_rng(0).uniform(-9, 0, 37)
    alone = [transformed(x[i : i + 1], Transform.LOG10)[0] for i in range(37)]
    np.testing.assert_array_equal(transformed(x, Transform.LOG10), alone)
