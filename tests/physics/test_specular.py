"""The reflectivity kernels against the formulas written out, the ORSO set, and laws that any sample obeys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metagenx.physics import specular
from metagenx.physics.specular import Blocks


def written_out(q, potential, ambient, thickness, sigma, order):
    """The formulas of the fact sheet (3.4) in plain numpy for one sample: amplitude (n_q,)."""
    k = [np.sqrt(potential[j] + ambient * q**2) for j in order]
    r = None
    for step in range(len(order) - 1):
        j = order[step]
        fresnel = (k[step + 1] - k[step]) / (k[step + 1] + k[step])
        fresnel = fresnel * np.exp(-k[step] * k[step + 1] * sigma[j] ** 2 / 2)
        if r is None:
            r = fresnel
        else:
            p = np.exp(1j * thickness[j] * k[step])
            r = (fresnel + r * p) / (1 + r * p * fresnel)
    return r


def order_of(blocks, individual, n_layer):
    order = [0]
    for first, last, n in zip(blocks.first, blocks.last, blocks.repetitions[individual], strict=True):
        order += list(range(first, last)) * int(n)
    return [*order, n_layer - 1]


def random_population(rng, n_population, n_layer, *, absorbing=True):
    potential = -rng.uniform(0, 4e-3, (n_population, n_layer)) + 0j
    if absorbing:
        potential += 1j * rng.uniform(0, 4e-4, (n_population, n_layer))
    potential[:, -1] = 0
    thickness = rng.uniform(5, 200, (n_population, n_layer))
    sigma = rng.uniform(0, 8, (n_population, n_layer))
    return potential, np.ones(n_population, dtype=complex), thickness, sigma


@pytest.mark.parametrize("case", [0, 1, 2, 3, 6, 7])
def test_orso_validation_set(shared: Path, case: int) -> None:
    folder = shared / "orso_validation" / "unpolarised"
    layers, data = (
        line
        for line in (folder / f"test{case}.txt").read_text().splitlines()
        if line and not line.startswith("#")
    )
    measured = np.loadtxt(folder / data.strip())
    table = np.loadtxt(folder / layers.strip())[::-1]  # bottom → top
    sld = 1e-6 * (table[:, 1] + 1j * np.abs(table[:, 2]))
    sld[-1] = sld[-1].real
    potential = -16 * np.pi * (sld - sld[-1]).conj()
    thickness, sigma = table[:, 0], np.append(table[:-1, 3], 0)
    # The file gives the roughness of the interface above each layer in its own row counted from the top.
    r = specular.reflectivity(
        measured[:, 0],
        potential[None],
        np.ones(1, dtype=complex),
        thickness[None],
        sigma[None],
        Blocks.once(len(table)),
    )
    np.testing.assert_allclose(r[0], measured[:, 1], rtol=8e-5)


@pytest.mark.parametrize("absorbing", [True, False])
def test_written_out(absorbing: bool) -> None:
    rng = np.random.default_rng(1)
    population = random_population(rng, 5, 7, absorbing=absorbing)
    blocks = Blocks((1, 3, 4), (3, 4, 6), rng.integers(0, 5, (5, 3)))
    q = np.linspace(1e-10, 0.6, 150)
    r = specular.amplitude(q, *population, blocks)
    for i in range(5):
        expected = written_out(q, *(x[i] for x in population), order_of(blocks, i, 7))
        np.testing.assert_allclose(r[i], expected, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(specular.reflectivity(q, *population, blocks), abs(r) ** 2, rtol=1e-12)
