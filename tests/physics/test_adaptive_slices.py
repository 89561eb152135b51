import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.physics import adaptive_slices
from metagenx.physics.adaptive_slices import slices
from metagenx.physics.transitions import GAUSS, LINEAR


def table(*layers):
    """(1, N_PROPERTIES, n_layer) of dictionaries by property."""
    made = np.zeros((1, adaptive_slices.N_PROPERTIES, len(layers)))
    for i, layer in enumerate(layers):
        made[0, adaptive_slices.DENSITY, i] = 1.0
        for row, value in layer.items():
            made[0, row, i] = value
    return made


def whole(layers, steps=0.5, n=1e9, x=1e9, crop=False):
    order = np.array([[*range(layers.shape[2]), -1]])
    return slices(layers, order, (0,), np.array([steps]), np.array([n]), np.array([x]), crop=crop)


def test_a_linear_transition_is_cut_where_it_has_changed_enough():
    # f falls from 10 to 0 over the 8 Å around the substrate's surface, so by 0.125 per point of depth.
    layers = table({adaptive_slices.F_REAL: 10.0, adaptive_slices.SIGMA: 2.0, adaptive_slices.SHAPE: LINEAR}, {})
    found = whole(layers, x=1.249)
    z = np.arange(-5 * 2.0000001, 5 * 2.0000001, 0.1)
    np.testing.assert_allclose(found.thickness.sum(), z[-1] - z[0])
    # From the first point that counts, a change of 1.249 is exceeded after ten steps; the point before it begins.
    np.testing.assert_allclose(found.thickness[0, 1:6], 1.1, atol=1e-9)
    np.testing.assert_allclose(np.diff(found.f[0, 1:6].real), -1.1 * 1.25, rtol=1e-6)


def test_no_change_gives_one_slice_and_any_change_gives_slices_of_five_points():
    layers = table({adaptive_slices.B_REAL: 3.0, adaptive_slices.SIGMA: 4.0, adaptive_slices.SHAPE: GAUSS}, {})
    one = whole(layers)
    assert one.counts.tolist() == [1]
    np.testing.assert_allclose(one.b[0, 0].real, 1.5, atol=0.01)
    every = whole(layers, n=0.0)
    np.testing.assert_allclose(every.thickness[0, :-1], 0.5)


def test_moments_across_the_polarisation_keep_their_size_and_turn():
    layers = table({}, {adaptive_slices.THICKNESS: 50.0, adaptive_slices.MOMENT: 2.0, adaptive_slices.ANGLE: 120.0}, {})
    found = whole(layers, n=0.01)
    middle = int(np.argmax(found.thickness[0]))
    # Against the polarisation: a negative moment (the first point of a slice may still be outside the layer).
    assert found.moment[0, middle] == pytest.approx(-2.0, abs=5e-3)
    assert found.angle[0, middle] == pytest.approx(300.0, abs=1e-9)  # and the axis turned by half a circle


def test_voids_take_the_moment_away():
    layers = table(
        {},
        {adaptive_slices.THICKNESS: 50.0, adaptive_slices.MOMENT: 2.0, adaptive_slices.VOID: 0.25},
        {},
    )
    found = whole(layers, n=0.01)
    assert found.moment.max() == pytest.approx(1.5, abs=5e-3)


amounts = st.floats(-5, 5)
layer = st.fixed_dictionaries(
    {
        adaptive_slices.THICKNESS: st.floats(0, 60),
        adaptive_slices.SIGMA: st.floats(0, 8),
        adaptive_slices.SIGMA_MAGNETIC: st.sampled_from([0.0, 3.0]),
        adaptive_slices.SHAPE: st.integers(0, 3),
        adaptive_slices.F_REAL: amounts,
        adaptive_slices.F_IMAGINARY: amounts,
        adaptive_slices.B_REAL: amounts,
        adaptive_slices.ABSORPTION: st.floats(0, 5),
        adaptive_slices.MOMENT: amounts,
        adaptive_slices.ANGLE: st.floats(-180, 180),
    }
)


@settings(deadline=None, max_examples=60)
@given(
    layers=st.lists(layer, min_size=2, max_size=5),
    steps=st.floats(0.4, 3),
    limit=st.floats(0, 2),
    crop=st.booleans(),
)
def test_slices_fill_the_range_and_keep_the_amount_of_everything(layers, steps, limit, crop):
    properties = table(*layers)
    fine = whole(properties, steps, n=limit, x=limit, crop=crop)
    coarse = whole(properties, steps, crop=crop)
    sigma = properties[0, adaptive_slices.SIGMA] + 1e-7
    top = properties[0, adaptive_slices.THICKNESS, 1:-1].sum()
    n = int(np.ceil((top + 5 * sigma[-2] + 5 * sigma[0]) / (steps / 5)))
    assert fine.counts[0] <= max(0, -(-(n - 1) // 5))
    assert fine.thickness.sum() == pytest.approx((n - 1) * steps / 5, abs=1e-6)
    np.testing.assert_array_less(0, fine.thickness)
    for name in ("f", "b", "absorption"):
        amount = np.sum(fine.thickness * getattr(fine, name), axis=1)
        np.testing.assert_allclose(amount, np.sum(coarse.thickness * getattr(coarse, name), axis=1), atol=1e-8)
    together = np.concatenate([properties, properties * 0.9, properties])
    together[1, adaptive_slices.SHAPE] = properties[0, adaptive_slices.SHAPE]
    order = np.array([[*range(len(layers)), -1]])
    limits = np.array([limit])
    three = slices(together, order, (0,), np.array([steps]), limits, limits, crop=crop)
    count = fine.counts[0]
    assert three.counts[0] == three.counts[2] == count
    for name in ("thickness", "f", "b", "absorption", "moment", "angle"):
        np.testing.assert_array_equal(getattr(three, name)[2, :count], getattr(fine, name)[0])
        assert not getattr(three, name)[2, count:].any()


def test_too_many_points_are_refused():
    layers = table({}, {adaptive_slices.THICKNESS: 1e6}, {})
    with pytest.raises(InputError, match="10000001 points"):
        whole(layers)
