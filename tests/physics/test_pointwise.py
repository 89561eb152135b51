import numpy as np
import pytest

from metagenx.physics import footprint
from metagenx.physics.pointwise import over_points


def kernel(x, a, b, out):
    for m in range(len(out)):
        out[m] = x[m if len(x) > 1 else 0] * a[m if a.size > 1 else 0] + b[m if b.size > 1 else 0]


SCALAR, POINTS, COLUMN = 2.0, np.arange(4.0), np.array([[1.0], [2.0], [5.0]])
ALL = POINTS + COLUMN


@pytest.mark.parametrize("b", [SCALAR, POINTS, COLUMN, ALL], ids=["scalar", "points", "column", "all"])
@pytest.mark.parametrize("a", [SCALAR, POINTS, COLUMN, ALL], ids=["scalar", "points", "column", "all"])
@pytest.mark.parametrize("x", [SCALAR, POINTS, ALL], ids=["scalar", "points", "all"])
def test_shapes_are_those_of_broadcasting(x, a, b):
    expected = np.atleast_1d(x * a + b)
    result = over_points(kernel, x, a, b)
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


def test_a_population_of_one_stays_a_population():
    assert over_points(kernel, POINTS, np.ones((1, 1)), 1.0).shape == (1, 4)
    assert over_points(kernel, POINTS[None], 1.0, 1.0).shape == (1, 4)


def test_a_beam_with_one_width_per_point():
    sine, widths = np.linspace(0.001, 0.01, 5), np.linspace(0.02, 0.1, 5)
    expected = [footprint.gaussian(s, 10.0, w)[0] for s, w in zip(sine, widths, strict=True)]
    np.testing.assert_array_equal(footprint.gaussian(sine, 10.0, widths), expected)
