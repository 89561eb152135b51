import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.physics import resolution, smearing

X = np.linspace(0.01, 0.3, 41)
CURVE = np.exp(-((X - 0.1) ** 2) / 0.001) + 0.1 / (1 + 1e4 * X**4)


def grids():
    rng = np.random.default_rng(5)
    widths = rng.uniform(0.001, 0.01, (4, 1))
    return {
        "gaussian": lambda m: resolution.gaussian_grid(X, widths[m], 5, 2.0),
        "gaussian, per point": lambda m: resolution.gaussian_grid(X, widths[m] * X, 7, 2.5),
        "gaussian, reach": lambda m: resolution.gaussian_grid(X, 0.004, 6, 300 * widths[m]),
        "trapezoid": lambda m: resolution.trapezoid_grid(X, widths[m], 0.005, 9),
        "kalpha": lambda m: resolution.kalpha_grid(X, widths[m], 8047.78, 8027.83, 2.0, 5, 2.0),
        "kalpha, ratio": lambda m: resolution.kalpha_grid(X, 0.002, 8047.78, 8027.83, 500 * widths[m], 5, 2.0),
    }


@pytest.mark.parametrize("name", grids())
def test_the_average_of_a_constant_is_the_constant(name):
    grid = grids()[name](slice(None))
    constant = np.full((1, grid.x.shape[-1]), 3.25)
    np.testing.assert_allclose(resolution.average(constant, grid.weights), 3.25, rtol=1e-13)


@pytest.mark.parametrize("name", grids())
def test_a_population_gives_the_numbers_of_its_members(name):
    make = grids()[name]
    together = make(slice(None))
    averaged = resolution.average(1 / (1 + 100 * together.x**2), together.weights)
    for m in range(4):
        alone = make((m, 0))
        assert alone.x.ndim == 1
        mine = resolution.average(1 / (1 + 100 * alone.x**2), alone.weights)[0]
        np.testing.assert_array_equal(mine, averaged[m if len(averaged) > 1 else 0])


def test_gaussian_average_is_the_trapezoid_rule_of_the_density():
    sigma = 0.002 + 0.01 * X
    grid = resolution.gaussian_grid(X, sigma, 7, 2.5)
    places = X + np.linspace(-2.5, 2.5, 7)[:, None] * sigma
    np.testing.assert_allclose(grid.x.reshape(-1, 7).T, places, rtol=1e-14)
    density = np.exp(-((places - X) ** 2) / (2 * sigma**2)) / sigma
    values = np.cos(40 * places)
    expected = np.trapezoid(density * values, places, axis=0) / np.trapezoid(density, places, axis=0)
    np.testing.assert_allclose(resolution.average(values.T.reshape(1, -1), grid.weights)[0], expected, rtol=1e-12)


def test_kalpha_integrates_both_lines_in_one_sequence():
    grid = resolution.kalpha_grid(X, 0.002, 8047.78, 8027.83, 2.0, 5, 2.0)
    places = grid.x.reshape(-1, 10).T
    ratio = 8027.83 / 8047.78
    u = np.linspace(-2, 2, 5)[:, None]
    np.testing.assert_allclose(places, np.vstack([X + u * 0.002, X * ratio + u * 0.002]), rtol=1e-14)
    density = np.vstack([np.exp(-(u**2) / 2), np.exp(-(u**2) / 2) / 2]) * np.ones_like(X)
    values = np.cos(40 * places)
    expected = np.trapezoid(density * values, places, axis=0) / np.trapezoid(density, places, axis=0)
    np.testing.assert_allclose(resolution.average(values.T.reshape(1, -1), grid.weights)[0], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        (0.02, 0.04, [1, 1, 1]),
        (0.0, 0.04, [0.5, 1, 0.5]),
        (np.array([[0.02], [0.05]]), 0.04, [0, 1, 1, 1, 0]),
        (0.04, 0.04, [1, 1, 1, 1, 1]),
        (0.04, 0.01, [1, 1, 1, 1, 1]),
    ],
)
def test_trapezoid_weights(inner, outer, expected):
    grid = resolution.trapezoid_grid(X, inner, outer, 5)
    places = np.linspace(-0.5, 0.5, 5)[1 : 1 + len(expected)] if len(expected) == 3 else np.linspace(-0.5, 0.5, 5)
    first = grid.x if grid.x.ndim == 1 else grid.x[0]
    np.testing.assert_allclose(first.reshape(-1, len(expected)).T, X + 0.04 * places[:, None])
    ends = np.array([1, 1, 1] if len(expected) == 3 else [0.5, 1, 1, 1, 0.5]) * expected
    np.testing.assert_allclose(grid.weights[0, :, 0], ends / ends.sum(), atol=1e-15)


def test_a_width_of_zero_changes_nothing():
    for grid in (resolution.gaussian_grid(X, 0.0, 5, 2.0), resolution.trapezoid_grid(X, 0.0, 0.0, 5)):
        np.testing.assert_allclose(resolution.average(np.repeat(CURVE, 5)[None], grid.weights)[0], CURVE, rtol=1e-14)
    np.testing.assert_array_equal(smearing.convolve(CURVE[None], X, 0.0, 2.0)[0], CURVE)
    np.testing.assert_array_equal(smearing.smear(CURVE[None], X, 0.0)[0], CURVE)


@pytest.mark.parametrize("places", [-1, 0, 1])
def test_too_few_places(places):
    with pytest.raises(InputError, match="respoints"):
        resolution.gaussian_grid(X, 0.01, places, 2.0)
    with pytest.raises(InputError, match="respoints"):
        resolution.trapezoid_grid(X, 0.01, 0.02, 2)


def numpy_convolution(curve, x, sigma, reach):
    """The sheet's fast convolution, word by word."""
    step = x[1] - x[0]
    kernel = np.exp(-(np.arange(-reach * sigma, reach * sigma + step, step) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    n = len(kernel)
    padded = np.concatenate([np.full(n, curve[0]), curve, np.full(n, curve[-1])])
    return np.convolve(padded, kernel, mode="same")[n:-n]


@settings(max_examples=200)
@given(
    steps=st.floats(0.01, 60),
    reach=st.floats(0.3, 4),
    n=st.integers(2, 60),
    start=st.floats(-1, 1),
    spacing=st.sampled_from([0.1, 0.03, 1e-4, 0.25]),
)
def test_convolution_is_numpys(steps, reach, n, start, spacing):
    x = start + spacing * np.arange(n)
    sigma = steps * (x[1] - x[0])
    curve = 1 + np.sin(np.arange(n)) ** 2
    ours = smearing.convolve(curve[None], x, sigma, reach)[0]
    np.testing.assert_allclose(ours, numpy_convolution(curve, x, sigma, reach), rtol=1e-12)


def test_convolution_of_a_population_gives_the_numbers_of_its_members():
    rng = np.random.default_rng(1)
    curves, sigmas = rng.random((6, 41)), rng.uniform(0.0, 0.05, (6, 1))
    sigmas[2] = np.nan
    together = smearing.convolve(curves, X, sigmas, 2.0)
    smeared = smearing.smear(curves, X, sigmas)
    for m in range(6):
        np.testing.assert_array_equal(together[m], smearing.convolve(curves[m : m + 1], X, sigmas[m], 2.0)[0])
        np.testing.assert_array_equal(smeared[m], smearing.smear(curves[m : m + 1], X, sigmas[m])[0])
    assert np.isnan(together[2]).all()
    assert np.isnan(smeared[2]).all()
    assert np.isfinite(np.delete(together, 2, axis=0)).all()


def test_convolution_refuses_what_it_cannot_do():
    with pytest.raises(InputError, match="ascending"):
        smearing.convolve(CURVE[None], X[::-1], 0.01, 2.0)
    with pytest.raises(InputError, match="at least two points"):
        smearing.convolve(CURVE[None, :1], X[:1], 0.01, 2.0)
    with pytest.raises(InputError, match="far wider"):
        smearing.convolve(CURVE[None], X, 1e9, 2.0)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1), np.random.default_rng(0).permutation(41)])
def test_smearing_is_the_dense_sum(order):
    x, curve = X[order], CURVE[order]
    sigma = 0.001 + 0.05 * x
    w = np.exp(-((x[:, None] - x) ** 2) / (2 * sigma**2))
    expected = np.trapezoid(curve[:, None] * w, dx=1, axis=0) / np.trapezoid(w, dx=1, axis=0)
    np.testing.assert_allclose(smearing.smear(curve[None], x, sigma)[0], expected, rtol=1e-12)


def test_smearing_a_constant_gives_the_constant():
    np.testing.assert_allclose(smearing.smear(np.full((1, 41), 2.5), X, 0.03), 2.5, rtol=1e-14)
