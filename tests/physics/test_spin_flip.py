"""The spin-flip kernel against the product of 4×4 matrices written out, and laws that any sample obeys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_out import blundell_bland, order_of_layers

from metagenx.physics import specular
from metagenx.physics.spin_flip import Blocks, spin_flip

Q = np.linspace(1e-4, 0.25, 60)
FIFTY_DIGITS = Path(__file__).with_name("spin_flip_in_50_digits.json")


def population(seed, n_population, n_layer, *, thickness=100.0, sigma=6.0, absorption=0.0):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0, 4e-5, (n_population, n_layer))
    absorbed = -1j * absorption * rng.uniform(0, 1, (n_population, n_layer))
    moment = rng.uniform(-2e-5, 2e-5, (n_population, n_layer))
    plus, minus = mean + moment + absorbed, mean - moment + absorbed
    angle = rng.uniform(-180, 180, (n_population, n_layer))
    plus[:, -1] = minus[:, -1] = angle[:, -1] = 0
    return (
        plus,
        minus,
        angle,
        rng.uniform(0, thickness, (n_population, n_layer)),
        rng.uniform(0, sigma, (n_population, n_layer)),
    )


def exact(q, samples, blocks, m):
    order = order_of_layers(blocks.first, blocks.last, blocks.repetitions[m], samples[0].shape[1])
    return blundell_bland(q, *(values[m] for values in samples), order)


def near(computed, expected, relative=1e-9, absolute=1e-12):
    np.testing.assert_allclose(computed, expected, rtol=relative, atol=absolute)


@pytest.mark.parametrize("sigma", [0.0, 6.0, 40.0])
@pytest.mark.parametrize("absorption", [0.0, 1e-7])
def test_is_the_formula(sigma: float, absorption: float) -> None:
    samples = population(1, 3, 5, sigma=sigma, absorption=absorption)
    blocks = Blocks((1, 2), (2, 4), np.array([[1, 1], [2, 1], [1, 3]]))
    r = spin_flip(Q, *samples, blocks)
    for m in range(3):
        near(r[m, :3], exact(Q, samples, blocks, m))
        np.testing.assert_array_equal(r[m, 3], r[m, 2])


@pytest.mark.parametrize("case", range(3))
def test_where_the_product_of_matrices_fails(case: int) -> None:
    """Thick stacks below the critical edge, in 50 digits (the committed numbers say how they were made)."""
    stored = json.loads(FIFTY_DIGITS.read_text())["cases"][case]
    numbers = {name: np.array(values)[None] for name, values in stored["layers"].items()}
    q = np.array(stored["q"])
    r = spin_flip(
        q,
        numbers["plus_re"] + 1j * numbers["plus_im"],
        numbers["minus_re"] + 1j * numbers["minus_im"],
        numbers["angle"],
        numbers["thickness"],
        numbers["sigma"],
        Blocks(tuple(stored["first"]), tuple(stored["last"]), np.array([stored["repetitions"]])),
    )
    near(r[0, :3], np.array(stored["reflectivity"]), relative=1e-10)


@pytest.mark.parametrize("n_layer", [2, 3])
def test_few_layers(n_layer: int) -> None:
    samples = population(2, 2, n_layer)
    blocks = Blocks.once(n_layer)
    blocks = Blocks(blocks.first, blocks.last, np.repeat(blocks.repetitions, 2, axis=0))
    r = spin_flip(Q, *samples, blocks)
    for m in range(2):
        near(r[m, :3], exact(Q, samples, blocks, m))


def test_blocks_that_are_absent_or_empty() -> None:
    samples = population(3, 2, 4)
    blocks = Blocks((1, 2, 2), (2, 2, 3), np.array([[0, 5, 1]]))
    without = spin_flip(Q, *(values[:, [0, 2, 3]] for values in samples), Blocks.once(3))
    near(spin_flip(Q, *samples, blocks), without, relative=1e-12)


def test_parallel_moments_are_two_ordinary_reflectivities() -> None:
    plus, minus, _, thickness, _ = population(4, 3, 6, absorption=1e-7)
    nothing = np.zeros_like(thickness)
    r = spin_flip(Q, plus, minus, nothing, thickness, nothing, Blocks.once(6))
    for channel, v in ((0, plus), (1, minus)):
        expected = specular.reflectivity(Q, -4 * v, np.ones(3), thickness, nothing, Blocks.once(6))
        near(r[:, channel], expected, relative=1e-10)
    assert r[:, 2:].max() == 0


def test_opposite_moments_swap_the_channels() -> None:
    plus, minus, _, thickness, sigma = population(5, 3, 5)
    up = spin_flip(Q, plus, minus, np.zeros_like(sigma), thickness, sigma, Blocks.once(5))
    down = spin_flip(Q, minus, plus, np.zeros_like(sigma), thickness, sigma, Blocks.once(5))
    near(up[:, 0], down[:, 1], relative=1e-12)


@given(st.integers(0, 2**32), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_or_won_without_absorption(seed, n_layer) -> None:
    # Below the critical edge of the substrate all comes back, in one channel or the other.
    samples = population(seed, 2, n_layer, sigma=0.0, thickness=60.0)
    samples[0][:, 0] = samples[1][:, 0] = 4e-4
    q = np.linspace(1e-3, 0.035, 40)
    r = spin_flip(q, *samples, Blocks.once(n_layer))
    np.testing.assert_allclose(r[:, 0] + r[:, 2], 1.0, rtol=1e-9)
    np.testing.assert_allclose(r[:, 1] + r[:, 3], 1.0, rtol=1e-9)


@given(st.integers(0, 2**32), st.integers(2, 7), st.booleans())
@settings(max_examples=30, deadline=None)
def test_an_individual_is_the_same_in_any_population(seed, n_layer, wide_q) -> None:
    samples = population(seed, 5, n_layer)
    times = np.random.default_rng(seed).integers(0, 4, (5, 1 if n_layer > 2 else 0))
    blocks = Blocks.once(n_layer)
    q = Q * np.linspace(0.9, 1.1, 5)[:, None] if wide_q else Q
    together = spin_flip(q, *samples, Blocks(blocks.first, blocks.last, times))
    for m in range(5):
        alone = spin_flip(
            q[m : m + 1] if wide_q else q,
            *(values[m : m + 1] for values in samples),
            Blocks(blocks.first, blocks.last, times[m : m + 1]),
        )
        np.testing.assert_array_equal(alone[0], together[m])


def test_many_layers() -> None:
    samples = population(6, 1, 60, thickness=10.0, sigma=2.0)
    blocks = Blocks((1, 20, 23), (20, 23, 59), np.array([[1, 4, 1]]))
    near(spin_flip(Q, *samples, blocks)[0, :3], exact(Q, samples, blocks, 0), relative=1e-8, absolute=1e-11)


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(which: int, value: float) -> None:
    samples = population(7, 3, 4)
    before = spin_flip(Q, *samples, Blocks.once(4))
    samples[which][1, 1] = value
    r = spin_flip(Q, *samples, Blocks.once(4))
    assert np.isnan(r[1]).all()
    np.testing.assert_array_equal(r[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize(
    ("which", "value"), [(3, -5.0), (3, -400.0), (3, 1e9), (4, -4.0), (4, 120.0), (2, 1e5), (0, 2e-5 + 1e-7j)]
)
def test_what_a_fit_without_bounds_may_propose(which: int, value: complex) -> None:
    samples = population(8, 3, 4)
    before = spin_flip(Q, *samples, Blocks.once(4))
    samples[which][1, 1] = value
    r = spin_flip(Q, *samples, Blocks.once(4))
    np.testing.assert_array_equal(r[[0, 2]], before[[0, 2]])
    assert np.isfinite(r[1]).all()
    if value != 1e9:  # a phase without meaning
        blocks = Blocks((1,), (3,), np.ones((3, 1), int))
        near(r[1, :3], exact(Q, samples, blocks, 1), relative=1e-6, absolute=1e-9)


def test_shapes_that_do_not_fit() -> None:
    plus, minus, angle, thickness, sigma = population(9, 3, 4)
    with pytest.raises(ValueError, match="4 layers"):
        spin_flip(Q, plus, minus, angle[:, :3], thickness, sigma, Blocks.once(4))
    with pytest.raises(ValueError, match="different sizes"):
        spin_flip(Q, plus, minus, angle[:2], thickness, sigma, Blocks.once(4))
