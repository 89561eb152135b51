import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.genx.models.layer_table import arrange, column
from metagenx.genx.models.spec_nx import Layer

A, B, C = (Layer(d=d) for d in (1.0, 2.0, 3.0))


def unrolled(arrangement, values):
    """The layers with every repetition written out."""
    blocks = arrangement.blocks(values)
    table = [None, *arrangement.layers]
    layers = []
    for first, last, times in zip(blocks.first, blocks.last, blocks.repetitions[0], strict=True):
        layers += table[first:last] * int(times)
    return layers


@given(st.lists(st.tuples(st.lists(st.sampled_from([A, B, C]), max_size=9), st.integers(0, 4)), max_size=5))
def test_the_blocks_written_out_are_the_layers(stacks):
    layers, values = [stack for stack, _ in stacks], [times for _, times in stacks]
    arrangement = arrange(layers, [times != 1 for times in values])
    expected = [layer for stack, times in stacks for layer in stack * times]
    found = unrolled(arrangement, values)
    assert len(found) == len(expected)
    assert all(a is b for a, b in zip(found, expected, strict=True))
    arrangement.blocks(values).check(len(arrangement.layers) + 2)


@pytest.mark.parametrize(
    ("stacks", "n_rows", "repetitions"),
    [
        ([[A, B] * 20], 2, [20]),
        ([[A, B]] * 20, 2, [20]),
        ([[C, *[A, B] * 20, C]], 4, [1, 20, 1]),
        ([[C], [A, B], [A, B], [C]], 4, [1, 2, 1]),
        ([[A, B, C]], 3, [1]),
        ([[], [A]], 1, [1]),
        ([], 0, []),
    ],
)
def test_a_flat_list_of_the_same_layers_becomes_a_block(stacks, n_rows, repetitions):
    arrangement = arrange(stacks, [False] * len(stacks))
    assert len(arrangement.layers) == n_rows
    assert arrangement.blocks([1] * len(stacks)).repetitions.tolist() == [repetitions]


def test_a_stack_that_repeats_is_only_taken_apart_into_whole_periods():
    arrangement = arrange([[A, B, A, B], [C, A, A]], [True, True])
    blocks = arrangement.blocks([3, 2])
    assert (blocks.first, blocks.last) == ((1, 3), (3, 6))
    assert blocks.repetitions.tolist() == [[6, 2]]


def test_repetitions_are_rounded_and_may_differ_between_individuals():
    arrangement = arrange([[A, B], [C]], [True, False])
    fitted = np.array([[3.2], [0.4], [-2.0]])
    assert arrangement.blocks([fitted, 1]).repetitions.tolist() == [[3, 1], [0, 1], [0, 1]]
    assert arrangement.blocks([2.6, 1]).repetitions.tolist() == [[3, 1]]
    for bad in (np.nan, np.inf, "a", None, [1, 2], 1e7):
        with pytest.raises(InputError, match="Repetitions"):
            arrangement.blocks([bad, 1])


def test_an_arrangement_is_kept_while_the_layers_are_the_same_objects():
    arrangement = arrange([[A, B], [C]], [True, False])
    assert arrangement.fits([[A, B], [C]], [True, False])
    assert not arrangement.fits([[A, Layer(d=2.0)], [C]], [True, False])
    assert not arrangement.fits([[A, B], [C]], [False, False])
    assert not arrangement.fits([[A, B, C]], [True])


def test_a_column_has_one_row_unless_something_is_fitted():
    layers = [Layer(d=1.0), Layer(d=2), Layer(d=np.array([3.0]))]
    np.testing.assert_array_equal(column(layers, "d"), [[1, 2, 3]])
    layers[1].d = np.array([[5.0], [6.0]])
    np.testing.assert_array_equal(column(layers, "d"), [[1, 5, 3], [1, 6, 3]])


@pytest.mark.parametrize(
    "value",
    [None, "4", np.ones(5), np.ones((2, 3)), [1, [2, 3]], 1j, np.array([[1j]])],
    ids=lambda v: repr(v)[:20],
)
def test_a_value_that_is_no_number_is_named(value):
    layers = [Layer(), Layer()]
    layers[1].sigma = value
    with pytest.raises(InputError, match=r"Layer\.sigma must be one number"):
        column(layers, "sigma")
    layers[0].sigma = np.array([[1.0], [2.0]])
    with pytest.raises(InputError, match=r"Layer\.sigma must be one number"):
        column(layers, "sigma")


def test_populations_must_have_one_size():
    layers = [Layer(d=np.ones((2, 1))), Layer(d=np.ones((3, 1)))]
    with pytest.raises(InputError, match="different sizes"):
        column(layers, "d")
