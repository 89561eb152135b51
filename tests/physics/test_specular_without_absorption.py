"""Samples that do not absorb take a path of their own where nothing is evanescent."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.physics import parratt, specular

BLOCKS = specular.Blocks((1, 3), (3, 5), np.array([[6, 1]]))


def sample(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    potential = -rng.uniform(1e-5, 2e-4, (1, 6)) + 0j
    potential[:, -1] = 0
    return potential, rng.uniform(5, 300, (1, 6)), rng.uniform(0, 8, (1, 6))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("order", ["ascending", "descending", "mixed"])
def test_the_same_as_by_the_book(seed: int, order: str) -> None:
    potential, thickness, sigma = sample(seed)
    q = np.linspace(1e-3, 0.3, 777)  # several blocks of points, the first with total reflection
    q = {"ascending": q, "descending": q[::-1].copy(), "mixed": np.random.default_rng(1).permutation(q)}[order]
    found = specular.amplitude(q, potential, np.ones(1), thickness, sigma, BLOCKS)[0]
    expected = parratt.amplitude(q, potential[0, :, None], np.ones(1), thickness[0], sigma[0], BLOCKS, np.array([6, 1]))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_a_q_that_is_no_number_spoils_its_own_point_only() -> None:
    potential, thickness, sigma = sample(7)
    q = np.linspace(0.02, 0.3, 300)
    whole = specular.reflectivity(q, potential, np.ones(1), thickness, sigma, BLOCKS)[0]
    for at in (0, 5, 299):
        broken = q.copy()
        broken[at] = np.nan
        found = specular.reflectivity(broken, potential, np.ones(1), thickness, sigma, BLOCKS)[0]
        assert np.isnan(found[at])
        np.testing.assert_allclose(np.delete(found, at), np.delete(whole, at), rtol=1e-9)
