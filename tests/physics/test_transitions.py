import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from metagenx.physics import transitions
from metagenx.physics.compiled import compiled


@compiled()
def fill(row, n, start, step, shape, position, sigma):
    return transitions.fill(row, n, start, step, shape, position, sigma)


@compiled()
def window(row, n, start, step, top, thickness, below, above):
    transitions.window(row, n, start, step, top, thickness, below, above)


FORMULAS = {
    transitions.GAUSS: lambda x: 0.5 - 0.5 * erf(x / np.sqrt(2)),
    transitions.LINEAR: lambda x: np.clip(0.5 * (1 - x / 2), 0, 1),
    transitions.EXPONENTIAL_ABOVE: lambda x: np.exp(-np.maximum(x, 0)),
    transitions.EXPONENTIAL_BELOW: lambda x: 1 - np.exp(np.minimum(x, 0)),
}


def whole(n, start, step, shape, position, sigma):
    row = np.full(n, np.nan)
    begin, end = fill(row, n, start, step, shape, position, sigma)
    assert 0 <= begin <= end <= n
    row[:begin], row[end:] = 1.0, 0.0
    return row


@pytest.mark.parametrize("shape", FORMULAS)
@given(position=st.floats(-300, 300), sigma=st.floats(1e-7, 200), step=st.floats(0.01, 3), start=st.floats(-200, 0))
def test_transitions_are_their_formulas(shape, position, sigma, step, start):
    z = start + step * np.arange(200)
    ours = whole(200, start, step, shape, position, sigma)
    np.testing.assert_allclose(ours, FORMULAS[shape]((z - position) / sigma), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", FORMULAS)
def test_a_transition_falls_from_1_to_0(shape):
    row = whole(4001, -200.0, 0.1, shape, 20.0, 5.0)
    assert np.all(np.diff(row) <= 0)
    assert row[0] == 1.0
    assert row[-1] < 1e-15


@pytest.mark.parametrize("shape", FORMULAS)
def test_odd_roughness_is_put_into_the_formula(shape):
    assert np.isnan(whole(5, 0.0, 1.0, shape, 2.5, np.nan)).all()
    assert np.isnan(whole(5, 0.0, 1.0, shape, np.nan, 1.0)).all()
    negative = whole(9, 0.0, 1.0, shape, 4.5, -2.0)
    assert np.all(np.diff(negative) >= 0)


def test_a_window_opens_nearer_to_the_sharper_interface():
    z = -20 + 0.5 * np.arange(200)
    row = np.empty(200)
    window(row, 200, -20.0, 0.5, 40.0, 30.0, 2.0, 6.0)  # a layer from 10 to 40
    centre, width = 40 - 0.75 * 30, 0.5 * 30 / 2
    np.testing.assert_allclose(row, 0.5 - 0.5 * erf((z - centre) * np.sqrt(2) / width), rtol=1e-12, atol=1e-15)
    window(row, 200, -20.0, 0.5, 40.0, 0.0, 2.0, 6.0)
    np.testing.assert_array_equal(row, np.where(z < 40, 1.0, np.where(z > 40, 0.0, 0.5)))
