"""The elementary functions against extended precision, over their whole ranges and at their edges."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from metagenx.physics import elementary

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= 52, reason="no extended precision on this machine to compare with"
)


@numba.njit(fastmath={"contract", "nsz"})
def _exponential(x, out):
    for i in range(x.size):
        out[i] = elementary.exponential(x[i])


@numba.njit(fastmath={"contract", "nsz"})
def _sine_cosine(x, sine, cosine):
    for i in range(x.size):
        sine[i], cosine[i] = elementary.sine_cosine(x[i])


@numba.njit(fastmath={"contract", "nsz"})
def _small(x, exponential, sine, cosine):
    for i in range(x.size):
        exponential[i] = elementary.exponential_small(x[i])
        sine[i], cosine[i] = elementary.sine_cosine_small(x[i])


@numba.njit(fastmath={"contract", "nsz"})
def _root_and_inverse(x, root, inverse):
    for i in range(x.size):
        root[i], inverse[i] = elementary.root_and_inverse(x[i])


@numba.njit(fastmath={"contract", "nsz"})
def _power_of_two(x, out):
    for i in range(x.size):
        out[i] = elementary.power_of_two_below_inverse(x[i])


def errors_in_last_place(computed, exact):
    spacing = np.spacing(np.abs(exact).astype(float)).astype(np.longdouble)
    return np.abs(computed.astype(np.longdouble) - exact) / spacing


@pytest.mark.parametrize("span", [1e-8, 1e-3, 0.5, 30.0, 700.0])
def test_exponential(span: float) -> None:
    x = np.random.default_rng(1).uniform(-span, span, 100_000)
    out = np.empty_like(x)
    _exponential(x, out)
    assert errors_in_last_place(out, np.exp(x.astype(np.longdouble))).max() < 1.1


def test_exponential_at_its_edges() -> None:
    x = np.array([0.0, -0.0, -708.0, -709.0, -1e300, 1e-320])
    out = np.empty_like(x)
    _exponential(x, out)
    np.testing.assert_array_equal(out[:2], 1.0)
    np.testing.assert_allclose(out[2], np.exp(-708.0), rtol=1e-15)
    np.testing.assert_array_equal(out[3:5], out[2])
    assert out[5] == 1.0


@pytest.mark.parametrize("span", [1e-8, 0.5, 3.0, 1e3, elementary.LARGEST_ANGLE])
def test_sine_and_cosine(span: float) -> None:
    x = np.random.default_rng(2).uniform(-span, span, 100_000)
    sine, cosine = np.empty((2, x.size))
    _sine_cosine(x, sine, cosine)
    exact = x.astype(np.longdouble)
    assert errors_in_last_place(sine, np.sin(exact)).max() < 2.5
    assert errors_in_last_place(cosine, np.cos(exact)).max() < 2.5


def test_sine_and_cosine_at_multiples_of_a_quarter_turn() -> None:
    x = np.arange(-4000, 4000) * (np.pi / 4)
    sine, cosine = np.empty((2, x.size))
    _sine_cosine(x, sine, cosine)
    exact = x.astype(np.longdouble)
    np.testing.assert_allclose(sine, np.sin(exact).astype(float), rtol=1e-15, atol=0)
    np.testing.assert_allclose(cosine, np.cos(exact).astype(float), rtol=1e-15, atol=0)


def test_small_arguments() -> None:
    x = np.append(np.random.default_rng(4).uniform(-1, 1, 100_000), [0, 1, -1, 1e-9]) * elementary.SMALL
    exponential, sine, cosine = np.empty((3, x.size))
    _small(x, exponential, sine, cosine)
    exact = x.astype(np.longdouble)
    nonzero = x != 0
    assert errors_in_last_place(exponential, np.exp(exact)).max() < 1.1
    assert errors_in_last_place(sine[nonzero], np.sin(exact)[nonzero]).max() < 1.1
    assert errors_in_last_place(cosine, np.cos(exact)).max() < 1.1


def test_root_and_its_inverse() -> None:
    x = np.exp(np.random.default_rng(5).uniform(-690, 690, 100_000))
    x[:4] = 1.0, 4.0, 2.0, 1e-300
    root, inverse = np.empty((2, x.size))
    _root_and_inverse(x, root, inverse)
    exact = np.sqrt(x.astype(np.longdouble))
    assert errors_in_last_place(root, exact).max() < 1.1
    assert errors_in_last_place(inverse, 1 / exact).max() < 2.0


def test_power_of_two_brings_numbers_near_one() -> None:
    x = np.exp(np.random.default_rng(3).uniform(-700, 700, 1000))
    out = np.empty_like(x)
    _power_of_two(x, out)
    scaled = x * out
    assert scaled.min() >= 1.0
    assert scaled.max() < 2.0
    np.testing.assert_array_equal(np.frexp(out)[0], 0.5)  # a power of two: exact
