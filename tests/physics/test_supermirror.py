"""Supermirrors: sums that GenX computed, laws of the sequences, and numbers that make none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.physics.supermirror import hayter_mook, schelten_mika

# Nickel and titanium: dens·b of the reference cases, Å⁻².
NICKEL, TITANIUM = 0.0914 * 10.3e-5, 0.0567 * -3.438e-5


def test_total_thicknesses_of_genx() -> None:
    assert math.fsum(schelten_mika(0.08, 2.0, NICKEL, TITANIUM)) == pytest.approx(441.1210905015783, rel=1e-13)
    assert hayter_mook(0.98, 40, NICKEL, TITANIUM).sum() == pytest.approx(8061.8506690060685, rel=1e-13)


@given(
    beta=st.floats(0.005, 0.5),
    m=st.floats(1.2, 4),
    dense=st.floats(3e-6, 12e-6),
    thin=st.floats(-3e-6, 2e-6),
)
def test_schelten_and_mika(beta: float, m: float, dense: float, thin: float) -> None:
    bilayers = schelten_mika(beta, m, dense, thin)
    if not len(bilayers):
        return
    assert np.all(np.isfinite(bilayers))
    assert np.all(np.diff(bilayers) > 0)  # thickest on top
    # B is measured from the edge of the dense material: the thinnest bilayer is that of the largest Q.
    more = schelten_mika(beta, 1.1 * m, dense, thin)
    assert len(more) >= len(bilayers)


@given(reflectivity=st.floats(0.93, 1), dense=st.floats(5e-6, 12e-6), thin=st.floats(-3e-6, 3e-6))
def test_hayter_and_mook(reflectivity: float, dense: float, thin: float) -> None:
    try:
        pairs = hayter_mook(reflectivity, 30, dense, thin)
    except InputError:
        assume(False)
    # Quarter waves: both layers become thinner, the dense one, in which neutrons are slower, is thicker.
    assert np.all(np.diff(pairs, axis=0) <= 0)
    assert np.all(pairs[:, 0] > pairs[:, 1])
    ahead = hayter_mook(reflectivity, 20, dense, thin)
    np.testing.assert_array_equal(ahead, pairs[:20])
    # The same in units of the dense material.
    scaled = hayter_mook(reflectivity, 30, 4 * dense, 4 * thin)
    np.testing.assert_allclose(scaled, pairs / 2, rtol=1e-12)


def test_a_perfect_mirror_never_leaves_the_edge() -> None:
    pairs = hayter_mook(1.0, 5, NICKEL, TITANIUM)
    np.testing.assert_allclose(pairs, np.tile(pairs[:1], (5, 1)), rtol=1e-3)
    assert hayter_mook(0.95, 0, NICKEL, TITANIUM).shape == (0, 2)


@pytest.mark.parametrize(
    "arguments",
    [(0.1, 2.0, 1e-6, 1e-6), (0.1, 2.0, 0.0, -1e-6), (0.0, 2.0, NICKEL, TITANIUM), (-1.0, 2.0, NICKEL, TITANIUM)],
)
def test_no_sequence_of_schelten_and_mika(arguments: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match="no supermirror"):
        schelten_mika(*arguments)


def test_a_sequence_that_is_too_long() -> None:
    with pytest.raises(InputError, match="100000"):
        schelten_mika(0.1, 40.0, NICKEL, TITANIUM)
    with pytest.raises(InputError, match="100000"):
        hayter_mook(0.98, 100_001, NICKEL, TITANIUM)
    assert len(schelten_mika(0.1, 2.0, -TITANIUM, -NICKEL)) >= 0  # both densities may be negative


@pytest.mark.parametrize("arguments", [(0.59, NICKEL, TITANIUM), (1.01, NICKEL, TITANIUM), (float("nan"), 1e-6, 0.0)])
def test_reflectivities_that_are_none(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="reflectivity"):
        hayter_mook(arguments[0], 3, *arguments[1:])


def test_too_much_contrast_for_the_reflectivity() -> None:
    with pytest.raises(InputError, match="bilayer 1"):
        hayter_mook(0.7, 10, NICKEL, TITANIUM)
    with pytest.raises(InputError, match="no supermirror"):
        hayter_mook(0.9, 10, TITANIUM, TITANIUM)
