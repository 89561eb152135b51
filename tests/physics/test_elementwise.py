import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from metagenx.physics.elementwise import erf, sine


def test_erf_to_the_last_digits():
    x = np.concatenate([np.linspace(-7, 7, 20001), np.logspace(-300, 1, 3001)])
    np.testing.assert_allclose(erf(x), special.erf(x), rtol=2e-15, atol=0)
    np.testing.assert_array_equal(erf([0.0, np.inf, -np.inf, np.nan]), [0.0, 1.0, -1.0, np.nan])


def test_sine_to_the_last_digits():
    x = np.linspace(-100, 100, 20001)
    np.testing.assert_allclose(sine(x), np.sin(x), rtol=1e-15, atol=1e-15)
    np.testing.assert_array_equal(np.isnan(sine([np.nan, np.inf, 1e7, 1e6])), [True, True, True, False])


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=40))
def test_an_element_does_not_depend_on_its_neighbours(values):
    x = np.array(values)
    np.testing.assert_array_equal(erf(x), [erf(v) for v in x])
    np.testing.assert_array_equal(sine(x), [sine(v) for v in x])
