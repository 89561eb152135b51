"""Lattice spacings and distances against vectors of the lattice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.physics import unit_cell

ANGLE = st.floats(70, 115)
EDGE = st.floats(2, 20)


def vectors(cell):
    a, b, c, *angles = cell
    ca, cb, cg = np.cos(np.radians(angles))
    sg = np.sin(np.radians(angles[2]))
    y = (ca - cb * cg) / sg
    return np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * y, c * np.sqrt(1 - cb**2 - y**2)]])


@given(st.tuples(EDGE, EDGE, EDGE, ANGLE, ANGLE, ANGLE), st.tuples(*[st.floats(-5, 5)] * 3))
def test_any_cell(cell, hkl):
    lattice = vectors(cell)
    assert unit_cell.volume(cell) == pytest.approx(np.linalg.det(lattice), rel=1e-10)
    reciprocal = np.linalg.inv(lattice).T
    expected = np.linalg.norm(hkl @ reciprocal) ** 2
    assert unit_cell.inverse_spacing_squared(*hkl, cell) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert unit_cell.length(*hkl, cell) == pytest.approx(np.linalg.norm(hkl @ lattice), rel=1e-6, abs=1e-9)


def test_arrays():
    cell = (4.0, 4.0, 5.0, 90, 90, 90)
    h, l = np.array([1.0, 2.0]), np.array([[0.0, 1.0], [2.0, 3.0]])
    np.testing.assert_allclose(unit_cell.inverse_spacing_squared(h, 0, l, cell), h**2 / 16 + l**2 / 25, rtol=1e-14)
