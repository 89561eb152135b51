"""The kernels of structure factors against sums of complex exponentials, and their independence of company."""

import numpy as np
import pytest

from metagenx.physics import structure_factor as sf

OPERATIONS = np.array([[1, 0, 0, 1, 0, 0], [0, -1, 1, 0, 0.5, 0], [-1, 1, -1, 0, 0, 0.25]], dtype=float)


def structure(rng, n_population, n_points, sizes=(2, 0, 3), copies=(1, 2, 3)):
    n_atom, n_place = sum(sizes), sum(copies)
    first = np.concatenate([[0], np.cumsum(sizes)])
    atoms = sf.Atoms(
        weight=rng.uniform(-1, 1, (n_population, n_atom)),
        width=rng.uniform(-0.1, 2, (1, n_atom)),
        height=rng.uniform(-3, 3, (n_population, n_atom)),
        dispersion=rng.uniform(-3, 3, (1, n_atom)) + 1j * rng.uniform(-3, 3, (1, n_atom)),
        first=first,
    )
    places = sf.Places(rng.uniform(-9, 9, (n_population, n_place)), np.concatenate([[0], np.cumsum(copies)]))
    h, k = rng.uniform(-4, 4, n_points), rng.uniform(-4, 4, n_points)
    l, square = rng.uniform(-6, 6, n_points), rng.uniform(0, 3, n_points)
    f0 = rng.uniform(0, 40, (n_atom, n_points))
    x, y = rng.uniform(-2, 2, (n_population, n_atom)), rng.uniform(-2, 2, (n_population, n_atom))
    return h, k, l, square, f0, x, y, atoms, places


def written_out(p, h, k, l, square, f0, x, y, atoms, places):
    total = np.zeros(l.size, dtype=complex)
    for s in range(len(atoms.first) - 1):
        for at in range(places.first[s], places.first[s + 1]):
            for a in range(atoms.first[s], atoms.first[s + 1]):
                amplitude = atoms.weight[p, a] * (f0[a] + atoms.dispersion[0, a]) * np.exp(-atoms.width[0, a] * square)
                z = atoms.height[p, a] + places.height[p, at]
                for o in OPERATIONS:
                    u = o[0] * x[p, a] + o[1] * y[p, a] + o[4]
                    v = o[2] * x[p, a] + o[3] * y[p, a] + o[5]
                    total += amplitude * np.exp(2j * np.pi * (h * u + k * v + l * z))
    return total


def computed(h, k, l, square, f0, x, y, atoms, places):
    parts = sf.structure_factor(square, l, f0, sf.in_plane(h, k, x, y, OPERATIONS), atoms, places)
    return parts[:, 0] + 1j * parts[:, 1]


@pytest.mark.parametrize("n_points", [1, 7, 8, 255, 256, 257, 530])
def test_sums_are_those_of_the_formula(n_points):
    arguments = structure(np.random.default_rng(n_points), 3, n_points)
    found = computed(*arguments)
    for p in range(3):
        np.testing.assert_allclose(found[p], written_out(p, *arguments), rtol=1e-10, atol=1e-10)


def test_an_individual_and_a_point_are_the_same_in_any_company():
    h, k, l, square, f0, x, y, atoms, places = structure(np.random.default_rng(5), 6, 301)
    found = computed(h, k, l, square, f0, x, y, atoms, places)
    for p in range(6):
        row = slice(p, p + 1)
        own = sf.Atoms(atoms.weight[row], atoms.width, atoms.height[row], atoms.dispersion, atoms.first)
        alone = computed(h, k, l, square, f0, x[row], y[row], own, sf.Places(places.height[row], places.first))
        np.testing.assert_array_equal(alone[0], found[p])
    for some in (slice(0, 1), slice(3, 20), slice(250, 301)):
        part = computed(h[some], k[some], l[some], square[some], f0[:, some].copy(), x, y, atoms, places)
        np.testing.assert_array_equal(part, found[:, some])


def test_any_single_argument_may_be_a_population():
    """Each array has its own number of rows: one, or one per individual."""
    h, k, l, square, f0, x, y, atoms, places = structure(np.random.default_rng(9), 3, 20)
    full = {"x": x, "y": y, "weight": atoms.weight, "height": atoms.height, "place": places.height}
    full |= {
        name: np.repeat(getattr(atoms, name), 3, axis=0) + np.arange(3)[:, None] for name in ("width", "dispersion")
    }
    for fitted in full:
        rows = {name: value if name == fitted else value[:1] for name, value in full.items()}
        own = sf.Atoms(rows["weight"], rows["width"], rows["height"], rows["dispersion"], atoms.first)
        found = computed(h, k, l, square, f0, rows["x"], rows["y"], own, sf.Places(rows["place"], places.first))
        assert found.shape == (3, 20)
        for p in range(3):
            one = {name: value[p if len(value) > 1 else 0][None] for name, value in rows.items()}
            own = sf.Atoms(one["weight"], one["width"], one["height"], one["dispersion"], atoms.first)
            single = (h, k, l, square, f0, one["x"], one["y"], own, sf.Places(one["place"], places.first))
            np.testing.assert_array_equal(found[p], computed(*single)[0])
            np.testing.assert_allclose(found[p], written_out(0, *single), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -1e5])
def test_numbers_that_cannot_be_used_are_nan_for_their_owner_only(wrong):
    arguments = list(structure(np.random.default_rng(6), 3, 20))
    atoms = arguments[7]
    width = np.repeat(atoms.width, 3, axis=0)
    width[1, 2] = wrong
    arguments[7] = sf.Atoms(atoms.weight, width, atoms.height, atoms.dispersion, atoms.first)
    found = computed(*arguments)
    assert np.isnan(found[1]).all()
    arguments[7] = atoms
    np.testing.assert_array_equal(found[[0, 2]], computed(*arguments)[[0, 2]])


def test_populations_of_different_sizes_are_refused():
    h, k, l, square, f0, x, y, atoms, places = structure(np.random.default_rng(7), 3, 5)
    with pytest.raises(ValueError, match="different sizes"):
        computed(h, k, l, square, f0, x[:2], y[:2], atoms, places)
    with pytest.raises(ValueError, match="different sizes"):
        sf.truncated(np.zeros((3, 2, 5)), np.zeros((1, 2, 5)), l, l, np.zeros(2), np.ones(1))


def test_a_truncated_crystal_is_the_sum_of_its_cells():
    """With a negative absorption per cell the sum from the surface downwards converges."""
    l, a = np.linspace(0.1, 2.9, 29), -0.01
    rng = np.random.default_rng(8)
    one = rng.uniform(-1, 1, 29) + 1j * rng.uniform(-1, 1, 29)
    depth = np.arange(1, 4000)[:, None]
    expected = one * np.sum(np.exp(-2j * np.pi * l * depth + a * depth), axis=0)
    bulk = np.stack([one.real, one.imag])[None]
    found = sf.truncated(np.zeros((1, 2, 29)), bulk, l, np.ones(29), np.array([a]), np.array([2.0]))
    np.testing.assert_allclose(found[0], 2 * expected, rtol=1e-10, atol=1e-10)
    assert not sf.truncated(np.zeros((1, 2, 29)), bulk, l, np.zeros(29), np.array([a]), np.ones(1)).any()
