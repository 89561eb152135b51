"""The closed form of the superlattice against an ensemble of superlattices, one by one."""

import itertools

import numpy as np
import pytest

from metagenx.errors import InputError
from metagenx.physics import superlattice as sl

L = np.linspace(0.13, 3.31, 25)


def weights(mean, deviation):
    low, high = sl.thicknesses(np.array([mean]), np.array([deviation]))
    n = np.arange(int(low[0]), int(high[0]) + 1)
    w = np.exp(-((n - mean) ** 2) / (2 * deviation**2))
    return dict(zip(n.tolist(), (w / w.sum()).tolist(), strict=True))


def slabs(factor, height, n):
    return factor * np.sum(np.exp(2j * np.pi * L * height * np.arange(n)[:, None]), axis=0)


def ensemble(factors, heights, distributions, m, distance, spread):
    """Mean intensity over all thicknesses; the gaps are normal: exp(2πi·l·a·g − g·(2πl·c)²/2) over g of them."""
    total = np.zeros(L.size)
    names = [0, 1] * m
    for numbers in itertools.product(*(distributions[name].items() for name in names)):
        probability, foot, layers = 1.0, 0.0, []
        for name, (n, p) in zip(names, numbers, strict=True):
            probability *= p
            layers.append((slabs(factors[name], heights[name], n), foot))
            foot += n * heights[name]
        intensity = np.zeros(L.size, dtype=complex)
        for i, (one, low) in enumerate(layers):
            for j, (other, high) in enumerate(layers):
                gaps = j - i
                phase = 2j * np.pi * L * (high - low + distance * gaps) - abs(gaps) * (2 * np.pi * L * spread) ** 2 / 2
                intensity += one.conj() * other * np.exp(phase)
        total += probability * intensity.real
    return total


def layer(factor, height, mean, deviation):
    return sl.Layer(np.stack([factor.real, factor.imag])[None], *(np.array([v]) for v in (height, mean, deviation)))


def stacking(m, distance, spread):
    return sl.Stacking(np.array([float(m)]), np.array([distance]), np.array([spread]))


@pytest.mark.parametrize(
    ("m", "mean_a", "deviation_a", "mean_b", "deviation_b", "distance", "spread"),
    [
        (1, 2.0, 0.4, 1.5, 0.6, 0.0, 1e-12), (2, 2.0, 0.4, 1.5, 0.6, 0.03, 0.02), (3, 1.2, 0.3, 2.0, 0.3, 0.05, 0.0),
        (2, 3.0, 1e-12, 2.0, 1e-12, 0.02, 1e-12), (2, 0.4, 0.5, 1.0, 0.2, -0.1, 0.1),
    ],
)  # fmt: skip
def test_mean_over_all_superlattices(m, mean_a, deviation_a, mean_b, deviation_b, distance, spread):
    rng = np.random.default_rng(m)
    factors = [rng.uniform(-9, 9, L.size) + 1j * rng.uniform(-9, 9, L.size) for _ in range(2)]
    distributions = [weights(mean_a, deviation_a), weights(mean_b, deviation_b)]
    expected = ensemble(factors, (0.97, 1.04), distributions, m, distance, spread)
    a, b = layer(factors[0], 0.97, mean_a, deviation_a), layer(factors[1], 1.04, mean_b, deviation_b)
    found = sl.intensity(L, a, b, stacking(m, distance, spread))
    np.testing.assert_allclose(found[0], abs(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("m", [1, 2, 7, 2.5, 60])
def test_sum_over_bilayers_near_a_peak(m):
    """Σ (M − r)·Z^r, also where its closed form has lost its digits, and without a step where the way changes."""
    for distance in (0.0, 1e-12, 1e-6, 0.9e-3, 0.9999e-3, 1.0001e-3, 2e-3, 0.5):
        z = 1.0 - distance * np.exp(0.7j)
        found = sl._sum_over_distances.py_func(complex(z), float(m))
        if m == int(m):
            expected = sum((m - r) * z**r for r in range(m))
        else:  # Kummer's series of the binomial theorem
            expected = (
                (m + 1) * m / 2
                + (m + 1) * m * (m - 1) / 6 * (z - 1)
                + (m + 1) * m * (m - 1) * (m - 2) / 24 * (z - 1) ** 2
            )
            if distance > 1e-5:
                expected = (m - (m + 1) * z + z ** (m + 1)) / (1 - z) ** 2
        assert found == pytest.approx(expected, rel=3e-9)


def test_thicknesses():
    low, high = sl.thicknesses(np.array([2.0, 0.3, 7.4]), np.array([1e-12, 0.1, 1.1]))
    # floor(2 − 3e-12) is 1, ceil(2 + 3e-12) is 3: as in the fact sheet.
    assert low.tolist() == [1, 1, 4]
    assert high.tolist() == [3, 1, 11]
    with pytest.raises(InputError, match="slabs thick"):
        sl.thicknesses(np.array([1e6]), np.array([1.0]))


def test_bilayers_that_are_not_coherent_add_their_intensities():
    rng = np.random.default_rng(3)
    factors = [rng.uniform(-9, 9, L.size) + 1j * rng.uniform(-9, 9, L.size) for _ in range(2)]
    a, b = layer(factors[0], 1.0, 2.0, 1e-12), layer(factors[1], 1.0, 3.0, 1e-12)
    far = sl.intensity(L, a, b, stacking(5, 0.0, 1e3))
    apart = [abs(slabs(factor, 1.0, n)) ** 2 for factor, n in zip(factors, (2, 3), strict=True)]
    np.testing.assert_allclose(far[0], 5 * sum(apart), rtol=1e-12)
    assert np.isnan(sl.intensity(L, layer(factors[0], 1.0, -1.0, 0.05), b, stacking(5, 0.0, 0.0))).all()


def test_no_thickness_with_a_weight_and_values_that_are_no_numbers():
    one = np.ones(L.size) + 0j
    good, none = layer(one, 1.0, 2.0, 1e-12), layer(one, 1.0, 2.5, 1e-12)
    assert np.isnan(sl.intensity(L, none, good, stacking(2, 0.0, 1e-12))).all()
    population = sl.Layer(good.factor, good.slab_height, np.array([2.0, 2.5, np.nan, 3.0]), good.deviation)
    found = sl.intensity(L, population, good, stacking(2, 0.0, 1e-12))
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(found[0], sl.intensity(L, good, good, stacking(2, 0.0, 1e-12))[0])
