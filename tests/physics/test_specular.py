"""The reflectivity kernel against the formulas written out, the ORSO set, and laws that any sample obeys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_out import order_of_layers, parratt

from metagenx.physics import specular
from metagenx.physics.specular import Blocks

# No round numbers: exactly at a critical angle the formulas are 0/0.
Q = np.concatenate([[1e-10, 1e-6, 1e-3], np.linspace(0.0101234567, 0.6, 117)])

# Of the largest value 1; the formula itself, in double precision, is not better (see `near`).
ROUNDING = 1e-12


def order(blocks: Blocks, individual: int, n_layer: int) -> list[int]:
    times = blocks.repetitions[individual % len(blocks.repetitions)]
    return order_of_layers(blocks.first, blocks.last, times, n_layer)


def exact(q, potential, ambient, thickness, sigma, blocks):
    """Amplitudes of a population by the formulas in extended precision."""
    n_population, n_layer = potential.shape[0], potential.shape[1]
    return np.array(
        [
            parratt(
                q[m] if q.ndim == 2 else q, potential[m], ambient[m], thickness[m], sigma[m],
                order(blocks, m, n_layer),
            ).astype(complex)
            for m in range(n_population)
        ]
    )  # fmt: skip


def near(computed, expected, *, relative=1e-9, absolute=ROUNDING):
    np.testing.assert_allclose(computed, expected, rtol=relative, atol=absolute)


def population(seed, n_population, n_layer, *, absorption=4e-4, thickness=200.0, sigma=8.0):
    rng = np.random.default_rng(seed)
    potential = -rng.uniform(0, 4e-3, (n_population, n_layer)) + 0j
    potential += 1j * rng.uniform(0, 1, (n_population, n_layer)) * absorption
    potential[:, -1] = 0
    return (
        potential,
        np.ones(n_population, dtype=complex),
        rng.uniform(0, thickness, (n_population, n_layer)),
        rng.uniform(0, sigma, (n_population, n_layer)),
    )


def assert_exact(samples, blocks, q=Q, **tolerances):
    r = specular.amplitude(q, *samples, blocks)
    near(r, exact(q, *samples, blocks), **tolerances)
    near(specular.reflectivity(q, *samples, blocks), r.real**2 + r.imag**2, relative=1e-13, absolute=0)
    return r


@pytest.mark.parametrize("case", [0, 1, 2, 3, 6, 7])
def test_orso_validation_set(shared: Path, case: int) -> None:
    folder = shared / "orso_validation" / "unpolarised"
    lines = (folder / f"test{case}.txt").read_text().splitlines()
    layers, data = (line for line in lines if line and not line.startswith("#"))
    measured = np.loadtxt(folder / data.strip())
    table = np.loadtxt(folder / layers.strip())[::-1]  # bottom → top
    sld = 1e-6 * (table[:, 1] + 1j * np.abs(table[:, 2]))
    sld[-1] = sld[-1].real
    potential = -16 * np.pi * (sld - sld[-1]).conj()
    thickness, sigma = table[:, 0], np.append(table[:-1, 3], 0)
    r = specular.reflectivity(
        measured[:, 0], potential[None], np.ones(1), thickness[None], sigma[None], Blocks.once(len(table))
    )
    np.testing.assert_allclose(r[0], measured[:, 1], rtol=8e-5)


@pytest.mark.parametrize("absorption", [0.0, 1e-7, 4e-4, 3e-2])
@pytest.mark.parametrize("sigma", [0.0, 5.0, 60.0])
def test_is_the_formula(absorption: float, sigma: float) -> None:
    samples = population(1, 4, 7, absorption=absorption, sigma=sigma)
    blocks = Blocks((1, 3, 4), (3, 4, 6), np.random.default_rng(2).integers(0, 5, (4, 3)))
    assert_exact(samples, blocks)


@pytest.mark.parametrize("repetitions", [1, 2, 3, 4, 7, 19, 64, 100, 999])
def test_periods_in_closed_form(repetitions: int) -> None:
    # Without absorption the deepest minima amplify rounding: in double precision the unrolled formula does not
    # come nearer to the truth than this.
    for absorption in (0.0, 2e-4):
        samples = population(3, 2, 6, absorption=absorption, thickness=40.0, sigma=6.0)
        blocks = Blocks((1, 2, 4), (2, 4, 5), np.array([[1, repetitions, 1]]))
        assert_exact(samples, blocks, absolute=2e-11)


def test_long_period() -> None:
    samples = population(4, 2, 40, thickness=30.0)
    assert_exact(samples, Blocks((1, 5), (5, 39), np.array([[3, 6], [2, 1]])))


def test_more_layers_than_the_kernel_keeps() -> None:
    samples = population(5, 3, 150, absorption=1e-5, thickness=10.0, sigma=3.0)
    blocks = Blocks((1, 30, 33, 100), (30, 33, 100, 149), np.array([[1, 5, 0, 1], [0, 3, 1, 2], [1, 1, 1, 1]]))
    assert_exact(samples, blocks)


@pytest.mark.parametrize("absorption", [0.0, 1e-4])
def test_bare_substrate(absorption: float) -> None:
    samples = population(6, 3, 2, absorption=absorption)
    assert_exact(samples, Blocks.once(2))
    # The same where all blocks are out of the sample, or have no layers.
    potential, ambient, thickness, sigma = population(6, 3, 4, absorption=absorption)
    for blocks in (Blocks((1,), (3,), np.array([[0]])), Blocks((1, 1, 2), (1, 2, 3), np.array([[7, 0, 0]]))):
        a = specular.amplitude(Q, potential, ambient, thickness, sigma, blocks)
        b = specular.amplitude(Q, potential[:, [0, 3]], ambient, thickness[:, [0, 3]], sigma[:, [0, 3]], Blocks.once(2))
        np.testing.assert_array_equal(a, b)


def test_total_reflection() -> None:
    potential = np.array([[-3e-3, -1e-3, 0]]) + 0j
    q = np.linspace(1e-10, 0.05, 100)
    r = specular.reflectivity(q, potential, np.ones(1), np.array([[0, 50, 0]]), np.zeros((1, 3)), Blocks.once(3))
    np.testing.assert_allclose(r, 1.0, rtol=1e-12)


def test_exactly_at_the_critical_angle() -> None:
    """k = 0: the formula is 0/0 there, and the value is that of its surroundings."""
    potential = np.array([[0, -1e-4, -1e-4, 0]]) + 0j
    thickness, sigma = np.array([[0, 80.0, 40.0, 0]]), np.zeros((1, 4))
    q = 0.01 * np.array([1 - 1e-6, 1, 1 + 1e-6])
    assert q[1] ** 2 == 1e-4
    r = specular.amplitude(q, potential, np.ones(1), thickness, sigma, Blocks.once(4))[0]
    near(r[1], (r[0] + r[2]) / 2, relative=1e-5)
    near(r[[0, 2]], exact(q, potential, np.ones(1), thickness, sigma, Blocks.once(4))[0, [0, 2]])


@pytest.mark.parametrize("ambient_index", [0.99999 + 0j, 1 - 6e-6 + 2e-8j])
def test_ambient_medium(ambient_index: complex) -> None:
    potential, _, thickness, sigma = population(7, 3, 5, absorption=1e-5)
    potential = -potential  # denser ambient: total reflection from below
    potential.imag = abs(potential.imag)
    assert_exact(
        (potential, np.full(3, ambient_index**2), thickness, sigma),
        Blocks.once(5),
        relative=1e-7,
        absolute=1e-9,
    )


def test_thick_absorber_hides_what_is_below() -> None:
    potential, ambient, thickness, sigma = population(8, 2, 4, absorption=1e-3)
    thickness[:, 1] = 1e6
    r = assert_exact((potential, ambient, thickness, sigma), Blocks.once(4))
    potential[:, 0] = -1e-3
    near(specular.amplitude(Q[3:], potential, ambient, thickness, sigma, Blocks.once(4)), r[:, 3:])


def test_very_thick_layers() -> None:
    samples = population(9, 2, 5, absorption=1e-6, thickness=2e4)
    # d·q is up to 1e4, and so a rounding of q alone changes the phase by 1e-12.
    assert_exact(samples, Blocks.once(5), relative=1e-7, absolute=1e-10)


class TestOutsideTheOrdinary:
    """What a fit without bounds may propose: the formula holds, and no other individual notices."""

    @staticmethod
    def one_of_three(change):
        samples = population(10, 3, 5, absorption=1e-4, thickness=60.0)
        blocks = Blocks.once(5)
        before = specular.amplitude(Q, *samples, blocks)
        for values in samples:
            values.flags.writeable = True
        change(*samples)
        after = specular.amplitude(Q, *samples, blocks)
        np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
        single = specular.amplitude(Q, *(values[1:2] for values in samples), blocks)
        np.testing.assert_array_equal(after[1:2], single)
        return after[1], samples

    def check(self, change, **tolerances) -> None:
        r, samples = self.one_of_three(change)
        with np.errstate(all="ignore"):
            near(r, exact(Q, *samples, Blocks.once(5))[1], **tolerances)

    def test_negative_roughness(self) -> None:
        self.check(lambda v, n2, d, s: s.__setitem__((1, slice(None)), -s[1]))

    def test_negative_thickness(self) -> None:
        self.check(lambda v, n2, d, s: d.__setitem__((1, 2), -3.0))

    def test_very_negative_thickness(self) -> None:
        # The growing wave swamps all else; the formula is then the reflection from below upside down.
        self.check(lambda v, n2, d, s: d.__setitem__((1, 2), -500.0), relative=1e-6, absolute=1e-9)

    def test_gain(self) -> None:
        self.check(lambda v, n2, d, s: v.__setitem__((1, 2), -1e-3 - 1e-4j))

    def test_strong_gain(self) -> None:
        def change(v, n2, d, s):
            v[1, 2], d[1, 2] = -1e-3 - 1e-2j, 300.0

        self.check(change, relative=1e-6, absolute=1e-9)

    def test_negligible_gain_of_a_layer_without_scattering(self) -> None:
        self.check(lambda v, n2, d, s: v.__setitem__((1, 2), -1e-25j))

    def test_huge_roughness(self) -> None:
        # Below the critical edge its factor overflows: no number there, as in GenX.
        r, samples = self.one_of_three(lambda v, n2, d, s: s.__setitem__((1, 1), 1e3))
        with np.errstate(all="ignore"):
            doubles = parratt(Q, *(values[1] for values in samples), range(5), kind=complex)
        np.testing.assert_array_equal(np.isnan(r), np.isnan(doubles))
        assert 0 < np.isnan(r).sum() < 20
        near(r, np.where(np.isnan(r), np.nan, exact(Q, *samples, Blocks.once(5))[1]))

    def test_huge_thickness(self) -> None:
        # The phase d·q has no meaning beyond 1e16 rad; the result is finite all the same.
        r, _ = self.one_of_three(lambda v, n2, d, s: d.__setitem__((1, 1), 1e12))
        assert np.isfinite(r).all()

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("which", [0, 1, 2, 3])
    def test_not_finite(self, value: float, which: int) -> None:
        def change(*samples):
            samples[which][1 if which == 1 else (1, 2)] = value

        r, _ = self.one_of_three(change)
        assert np.isnan(r).all()

    def test_what_all_have_in_common(self) -> None:
        potential, ambient, thickness, sigma = population(17, 3, 5, absorption=1e-4)
        potential[:, 2], thickness[:, 2] = -1e-3 - 1e-2j, 300.0
        samples = (potential, ambient, thickness, sigma)
        assert_exact(samples, Blocks.once(5), relative=1e-6, absolute=1e-9)
        thickness[:, 2] = np.nan
        assert np.isnan(specular.reflectivity(Q, *samples, Blocks.once(5))).all()

    def test_not_finite_where_nothing_is_used(self) -> None:
        potential, ambient, thickness, sigma = population(11, 1, 5)
        blocks = Blocks((1, 2), (2, 4), np.array([[1, 0]]))
        before = specular.reflectivity(Q, potential, ambient, thickness, sigma, blocks)
        potential[0, 2:4] = thickness[0, [0, 2, 3, 4]] = sigma[0, 2:] = np.nan
        np.testing.assert_array_equal(specular.reflectivity(Q, potential, ambient, thickness, sigma, blocks), before)

    def test_one_point_that_is_not_a_number(self) -> None:
        samples = population(12, 2, 4)
        q = np.tile(Q, (2, 1))
        before = specular.amplitude(q, *samples, Blocks.once(4))
        q[0, 17] = np.nan
        r = specular.amplitude(q, *samples, Blocks.once(4))
        assert np.isnan(r[0, 17])
        np.testing.assert_array_equal(r[1], before[1])
        near(np.delete(r[0], 17), np.delete(before[0], 17))


@given(
    seed=st.integers(0, 2**32),
    n_layer=st.integers(2, 9),
    n_q=st.sampled_from([1, 7, 8, 9, 120, 256, 257, 700]),
    same=st.sets(st.integers(0, 8)),
    wide_q=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_an_individual_is_the_same_in_any_population(seed, n_layer, n_q, same, wide_q) -> None:
    rng = np.random.default_rng(seed)
    potential, ambient, thickness, sigma = population(rng, 6, n_layer)
    for layer in same:  # what all have in common is computed once
        if layer < n_layer:
            potential[:, layer], thickness[:, layer] = potential[0, layer], thickness[0, layer]
    n_block = int(rng.integers(1, n_layer)) if n_layer > 2 else 0
    edges = np.sort(rng.integers(1, n_layer, max(n_block - 1, 0)))
    edges = [1, *map(int, edges), n_layer - 1] if n_block else []
    blocks = Blocks(tuple(edges[:-1]), tuple(edges[1:]), rng.integers(0, 6, (6, n_block)))
    q = np.linspace(1e-4, 0.5, n_q)
    if wide_q:
        q = q * rng.uniform(0.9, 1.1, (6, 1))
    together = specular.reflectivity(q, potential, ambient, thickness, sigma, blocks)
    for m in range(6):
        one = slice(m, m + 1)
        alone = specular.reflectivity(
            q[one] if wide_q else q, potential[one], ambient[one], thickness[one], sigma[one],
            Blocks(blocks.first, blocks.last, blocks.repetitions[one]),
        )  # fmt: skip
        np.testing.assert_array_equal(alone[0], together[m])
    few = rng.permutation(6)[:4]
    some = specular.reflectivity(
        q[few] if wide_q else q, potential[few], ambient[few], thickness[few], sigma[few],
        Blocks(blocks.first, blocks.last, blocks.repetitions[few]),
    )  # fmt: skip
    np.testing.assert_array_equal(some, together[few])


layers = st.tuples(
    st.floats(0, 4e-3), st.floats(0, 1e-3), st.floats(0, 300), st.floats(0, 10)
)  # −Re and Im of the potential, thickness, roughness


def stack(*rows):
    table = np.array(rows)
    potential = -table[:, 0] + 1j * table[:, 1]
    potential[-1] = 0
    return potential[None], np.ones(1, dtype=complex), table[:, 2][None], table[:, 3][None]


@given(st.lists(layers, min_size=2, max_size=7))
@settings(max_examples=80, deadline=None)
def test_no_more_comes_back_than_went_in(rows) -> None:
    r = specular.reflectivity(Q, *stack(*rows), Blocks.once(len(rows)))
    assert (r >= 0).all()
    # Névot–Croce factors are not exactly unitary below the edge; without roughness the law is strict.
    assert r.max() <= 1 + (1e-11 if not any(row[3] for row in rows) else 1.0)


@given(st.lists(layers, min_size=2, max_size=6), layers, st.data())
@settings(max_examples=80, deadline=None)
def test_a_layer_without_thickness_and_roughness_changes_nothing(rows, extra, data) -> None:
    # For q → 0, |r| jumps from 0 to 1 when a film becomes thick; rounding decides where.
    place = data.draw(st.integers(1, len(rows) - 1))
    rows = [(*row[:3], 0.0) for row in rows]
    thicker = [*rows[:place], (*extra[:2], 0.0, 0.0), *rows[place:]]
    a = specular.amplitude(Q[2:], *stack(*rows), Blocks.once(len(rows)))
    b = specular.amplitude(Q[2:], *stack(*thicker), Blocks.once(len(thicker)))
    near(b, a, relative=1e-9, absolute=1e-10)


@given(st.lists(layers, min_size=3, max_size=6), st.floats(0, 1), st.data())
@settings(max_examples=80, deadline=None)
def test_a_layer_in_two_pieces_is_the_same_layer(rows, part, data) -> None:
    place = data.draw(st.integers(1, len(rows) - 2))
    re, im, d, s = rows[place]
    pieces = [*rows[:place], (re, im, d * part, 0.0), (re, im, d * (1 - part), s), *rows[place + 1 :]]
    a = specular.amplitude(Q[2:], *stack(*rows), Blocks.once(len(rows)))
    b = specular.amplitude(Q[2:], *stack(*pieces), Blocks.once(len(pieces)))
    near(b, a, relative=1e-9, absolute=1e-10)


@given(st.lists(layers, min_size=3, max_size=5), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_block_is_the_list_of_its_layers(rows, repetitions) -> None:
    blocks = Blocks((1,), (len(rows) - 1,), np.array([[repetitions]]))
    written = [rows[0], *rows[1:-1] * repetitions, rows[-1]]
    a = specular.amplitude(Q[2:], *stack(*rows), blocks)
    b = specular.amplitude(Q[2:], *stack(*written), Blocks.once(len(written)))
    near(a, b, relative=1e-8, absolute=1e-9)


def test_arrays_of_any_kind_and_memory() -> None:
    potential, ambient, thickness, sigma = population(13, 3, 5)
    expected = specular.reflectivity(Q, potential, ambient, thickness, sigma, Blocks.once(5))
    readonly = thickness.copy()
    readonly.flags.writeable = False
    kinds = specular.reflectivity(
        np.repeat(Q, 2)[::2],
        np.asfortranarray(potential),
        ambient.real,
        readonly,
        sigma.T.copy().T,
        Blocks.once(5),
    )
    np.testing.assert_array_equal(kinds, expected)
    shared = specular.reflectivity(Q, potential[:1], ambient[:1], thickness, sigma[:1], Blocks.once(5))
    full = specular.reflectivity(Q, potential[[0, 0, 0]], ambient, thickness, sigma[[0, 0, 0]], Blocks.once(5))
    np.testing.assert_array_equal(shared, full)


def test_no_points() -> None:
    samples = population(14, 3, 4)
    assert specular.reflectivity(np.empty(0), *samples, Blocks.once(4)).shape == (3, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thickness": np.ones((3, 4))}, "5 layers"),
        ({"sigma": np.ones((2, 5))}, "populations of different sizes"),
        ({"blocks": Blocks((1,), (3,), np.ones((1, 1), int))}, "end at layer 3"),
        ({"blocks": Blocks((1, 3), (2, 4), np.ones((1, 2), int))}, "does not continue"),
        ({"blocks": Blocks((1,), (4,), np.ones((1, 2), int))}, "do not match"),
        ({"blocks": Blocks((1,), (4,), -np.ones((1, 1), int))}, "negative number of times"),
    ],
)
def test_shapes_that_do_not_fit(change, message) -> None:
    potential, ambient, thickness, sigma = population(15, 3, 5)
    arguments = {
        "q": Q, "potential": potential, "ambient": ambient, "thickness": thickness, "sigma": sigma,
        "blocks": Blocks.once(5),
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=message):
        specular.reflectivity(**arguments)


def test_optical_constants_at_every_point() -> None:
    potential, ambient, thickness, sigma = population(16, 3, 5)
    r = specular.amplitude(Q, potential, ambient, thickness, sigma, Blocks.once(5))
    everywhere = np.repeat(potential[..., None], len(Q), axis=2)
    near(
        specular.amplitude(Q, everywhere, np.repeat(ambient[:, None], len(Q), 1), thickness, sigma, Blocks.once(5)),
        r,
    )
    everywhere[:, 1, 50:] *= 1.5
    other = specular.amplitude(Q, everywhere, ambient, thickness, sigma, Blocks.once(5))
    near(other[:, :50], r[:, :50])
    assert abs(other[:, 50:] - r[:, 50:]).max() > 1e-4
    near(specular.reflectivity(Q, everywhere, ambient, thickness, sigma, Blocks.once(5)), abs(other) ** 2)
