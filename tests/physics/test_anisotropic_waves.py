"""The four waves of a magnetic layer: they solve Maxwell's equations, also where the magnetism is very weak."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.physics import anisotropic_waves as waves
from metagenx.physics import magnetic_slices
from metagenx.physics.blocks import Blocks
from metagenx.physics.boundaries import walks


def a_tensor(rng: np.random.Generator, circular: float, linear: float) -> np.ndarray:
    m = rng.normal(size=3)
    m /= np.linalg.norm(m)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    a = -0.03 + 0.01j
    return np.asarray(a * np.eye(3) + linear * (1 + 0.3j) * np.outer(m, m) + 1j * circular * (1 - 0.5j) * cross)


def matrix(chi: np.ndarray, g: float, u: complex) -> np.ndarray:
    """1 + χ − k² + k kᵀ with k = (n_x, 0, u)."""
    k = np.array([np.sqrt(1 - g * g), 0, u])
    return np.asarray(np.eye(3) + chi - (k @ k) * np.eye(3) + np.outer(k, k))


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6, 2e-8])
@pytest.mark.parametrize("ratio", [0.0, 0.1, 1.0])
def test_waves_solve_maxwells_equations(size: float, ratio: float) -> None:
    rng = np.random.default_rng(int(-np.log10(size)) + 10)
    g = np.linspace(0.01, 0.9, 30)
    for _ in range(5):
        chi = a_tensor(rng, size, ratio * size)
        u, fields = np.empty((len(g), 4), complex), np.empty((len(g), 4, 4), complex)
        waves.waves_at(chi, waves.ANY, g, u, fields)
        for i, sine in enumerate(g):
            assert (np.diff(u[i].imag) <= 1e-12).all()
            assert (u[i, :2].imag > 0).all()
            assert (u[i, 2:].imag < 0).all()
            for w in range(4):
                y, tangential, _, x = fields[i, :, w]
                z = (u[i, w] * x - tangential) / np.sqrt(1 - sine**2)
                residue = matrix(chi, sine, u[i, w]) @ np.array([x, y, z])
                # far below the magnetism, which a solution without it would leave
                assert np.linalg.norm(residue) < 1e-5 * size * np.linalg.norm([x, y, z]) + 1e-15
            assert np.linalg.cond(fields[i]) < 1e5


def test_ways_through_stacks_that_repeat_differently() -> None:
    blocks = Blocks((1,), (3,), np.array([[2], [0], [2]]))
    found = {tuple(walk.members): walk for walk in walks(blocks, 4, 3)}
    assert set(found) == {(0, 2), (1,)}
    two, none = found[(0, 2)], found[(1,)]
    assert two.pairs[two.steps].tolist() == [[1, 0], [2, 1], [1, 2], [2, 1], [3, 2]]
    assert none.pairs[none.steps].tolist() == [[3, 0]]


def test_slices_that_differ_little_become_one() -> None:
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(3, 200)) * (rng.random(200) < 0.2), axis=1) + 0j
    limits = np.array([1.5, 2.0, 2.5])
    kept = list(range(200))
    while True:
        gone = [
            kept[i]
            for i in range(1, len(kept) - 1, 2)
            if (np.abs(values[:, kept[i - 1]] - values[:, kept[i + 1]]) <= limits).all()
        ]
        if not gone:
            break
        kept = [point for point in kept if point not in gone]
    ours = magnetic_slices.compressed(values, limits)
    assert ours.tolist() == kept
    means = magnetic_slices.means(values, ours)
    np.testing.assert_allclose(means[:, 1], values[:, kept[1] : kept[2] + 1].mean(axis=1), rtol=1e-13)
    np.testing.assert_array_equal(means[:, -1], values[:, -1])


def test_shares_add_up_to_the_sample() -> None:
    d, sigma, nothing = np.array([0.0, 20.0, 0.0, 5.0, 0.0]), np.array([1.0, 3.0, 0.0, 2.0, 0.0]), np.zeros(5)
    z = magnetic_slices.grid(d, 30.0, 30.0, 0.1)
    found = magnetic_slices.shares(
        z, d, sigma, (nothing, nothing), (nothing, nothing), (nothing, nothing), (35.0, 35.0)
    )
    np.testing.assert_allclose(found.share.sum(axis=0), 1.0, rtol=1e-13)
    np.testing.assert_array_equal(found.moment, 1.0)
    assert (found.share >= 0).all()
    np.testing.assert_allclose(found.share[1].sum() * 0.1, 20.0, rtol=0.05)
