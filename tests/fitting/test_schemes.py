"""The six schemes against plain loops written from the fact sheet, which draw the same random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.fitting import schemes

KM, KR, PF = 0.6, 0.55, 0.4
BOUNDS = np.array([[-1.0, 1.0], [0.0, 0.5], [2.0, 2.0], [-3.0, 7.0]])


def generation(seed: int, n_pop: int = 12, n_dim: int = 4):
    rng = np.random.default_rng(seed)
    population = rng.normal(size=(n_pop, n_dim))
    return population, population[rng.integers(n_pop)].copy()


def other(uniform: float, n: int, *taken: int) -> int:
    """The index in 0 … n−1 without the taken ones."""
    free = [i for i in range(n) if i not in taken]
    return free[int(uniform * len(free))]


def crossed(rng, population, mutants, kr, forced):
    uniform = rng.random(population.shape)
    trials = []
    for i, mutant in enumerate(mutants):
        at = int(forced[i] * population.shape[1])
        trials.append(
            [
                m if u < kr[i] or j == at else v
                for j, (m, v, u) in enumerate(zip(mutant, population[i], uniform[i], strict=True))
            ]
        )
    return np.array(trials)


def loop_best_1_bin(rng, x, b):
    n = len(x)
    u = rng.random((3, n))
    mutants = []
    for i in range(n):
        r1 = other(u[0, i], n)
        r2 = other(u[1, i], n, r1)
        mutants.append(b + KM * (x[r1] - x[r2]))
    return crossed(rng, x, mutants, [KR] * n, u[2])


def loop_rand_1_bin(rng, x, b):
    n = len(x)
    u = rng.random((4, n))
    mutants = []
    for i in range(n):
        r1 = other(u[0, i], n)
        r2 = other(u[1, i], n, r1)
        r3 = other(u[2, i], n, r1, r2)
        mutants.append(x[r3] + KM * (x[r1] - x[r2]))
    return crossed(rng, x, mutants, [KR] * n, u[3])


def loop_best_either_or(rng, x, b):
    n = len(x)
    u = rng.random((3, n))
    trials = []
    for i, v in enumerate(x):
        r1 = other(u[0, i], n)
        r2 = other(u[1, i], n, r1)
        if u[2, i] < PF:
            trials.append(b + KM * (x[r1] - x[r2]))
        else:
            trials.append(v + KR * (x[r1] + x[r2] - 2 * v))
    return np.array(trials)


def loop_rand_either_or(rng, x, b):
    n = len(x)
    u = rng.random((4, n))
    trials = []
    for i in range(n):
        r1 = other(u[0, i], n)
        r2 = other(u[1, i], n, r1)
        r0 = other(u[2, i], n, r1, r2)
        if u[3, i] < PF:
            trials.append(x[r0] + KM * (x[r1] - x[r2]))
        else:
            trials.append(x[r0] + KR * (x[r1] + x[r2] - 2 * x[r0]))
    return np.array(trials)


VECTORISED = {
    "best_1_bin": (lambda rng, x, b: schemes.best_1_bin(rng, x, b, KM, KR), loop_best_1_bin),
    "rand_1_bin": (lambda rng, x, b: schemes.rand_1_bin(rng, x, KM, KR), loop_rand_1_bin),
    "best_either_or": (lambda rng, x, b: schemes.best_either_or(rng, x, b, KM, KR, PF), loop_best_either_or),
    "rand_either_or": (lambda rng, x, b: schemes.rand_either_or(rng, x, KM, KR, PF), loop_rand_either_or),
}


@pytest.mark.parametrize("name", VECTORISED)
@pytest.mark.parametrize("seed", range(5))
def test_a_scheme_does_what_the_loop_does(name, seed):
    vectorised, loop = VECTORISED[name]
    population, best = generation(seed)
    before = population.copy()
    trials = vectorised(np.random.default_rng(seed), population, best)
    np.testing.assert_allclose(trials, loop(np.random.default_rng(seed), population, best), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(population, before)


@pytest.mark.parametrize("seed", range(5))
def test_jade_does_what_the_loop_does(seed):
    population, best = generation(seed)
    archive = np.random.default_rng(99).normal(size=(70, 4))
    km, kr = schemes.jade_factors(np.random.default_rng(seed + 100), KM, KR, len(population))
    trials = schemes.jade_best(np.random.default_rng(seed), population, best, archive, km, kr)
    rng = np.random.default_rng(seed)
    u = rng.random((3, len(population)))
    mutants = [
        v + f * (best - v) + f * (population[int(u[0, i] * 12)] - archive[int(u[1, i] * 70)])
        for i, (v, f) in enumerate(zip(population, km, strict=True))
    ]
    np.testing.assert_allclose(trials, crossed(rng, population, mutants, kr, u[2]), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["best_1_bin", "rand_1_bin"])
def test_without_crossover_exactly_one_parameter_is_forced(name):
    scheme = {
        "best_1_bin": lambda rng, x, b: schemes.best_1_bin(rng, x, b, 0.7, 0.0),
        "rand_1_bin": lambda rng, x, b: schemes.rand_1_bin(rng, x, 0.7, 0.0),
    }[name]
    population, best = generation(3, n_pop=500)
    changed = scheme(np.random.default_rng(0), population, best + 100.0) != population
    assert np.all(changed.sum(axis=1) == 1)
    assert np.all(changed.sum(axis=0) > 80)  # each of four parameters about 125 times


def test_indices_are_uniform_and_differ_where_they_must():
    """Members are numbered 0, 1, 2, so that a trial vector tells which three it was made of."""
    n_pop = 6
    population = np.array([[1.0, 0.0, 0.0]]) * np.arange(n_pop)[:, None]
    counts = np.zeros((n_pop, n_pop), dtype=int)
    rng = np.random.default_rng(5)
    for _ in range(6000):
        r1, r2 = schemes.pair(*rng.random((2, 1)), n_pop)
        r3 = schemes.third(rng.random(1), r1, r2, n_pop)
        assert len({int(r1[0]), int(r2[0]), int(r3[0])}) == 3
        counts[r1[0], r2[0]] += 1
    off = counts[~np.eye(n_pop, dtype=bool)]
    assert np.all(np.diag(counts) == 0)
    assert ((off - 200) ** 2 / 200).sum() < 52.0  # chi-squared, 29 degrees of freedom, p = 0.005
    best = np.zeros(3)
    step = schemes.best_1_bin(rng, np.repeat(population, 500, axis=0), best, 1.0, 1.0)[:, 0]
    assert set(np.unique(step)) == set(range(-5, 6))  # the target itself may be drawn


@given(st.integers(0, 10**6), st.floats(0.0, 10.0))
def test_redrawn_values_are_inside_and_others_untouched(seed, scale):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(20, 4)) * scale
    vectors[0, 0], vectors[1, 1], vectors[2, 3] = np.nan, np.inf, 7.0
    before = vectors.copy()
    count = schemes.redraw_outside(rng, vectors, BOUNDS)
    low, high = BOUNDS.T
    inside = (before > low) & (before < high)
    assert count == np.count_nonzero(~inside)
    assert np.all((vectors >= low) & (vectors <= high))
    np.testing.assert_array_equal(vectors[inside], before[inside])


def test_a_value_on_its_limit_is_redrawn_not_clipped():
    vectors = np.tile(BOUNDS[:, 1], (4000, 1))
    assert schemes.redraw_outside(np.random.default_rng(1), vectors, BOUNDS) == 16000
    assert abs(vectors[:, 3].mean() - 2.0) < 0.2  # uniform on −3 … 7, not heaped at 7
    assert vectors[:, 3].std() == pytest.approx(10 / 12**0.5, rel=0.03)
    assert np.all(vectors[:, 2] == 2.0)


def test_jade_factors_are_clipped_as_the_sheet_says():
    km, kr = schemes.jade_factors(np.random.default_rng(0), 0.05, 0.95, 20_000)
    rng = np.random.default_rng(0)
    cauchy, normal = rng.standard_cauchy(20_000), rng.standard_normal(20_000)
    np.testing.assert_array_equal(km, np.clip(np.abs(0.05 + 0.1 * cauchy), 0, 1))
    np.testing.assert_array_equal(kr, np.clip(0.95 + 0.1 * normal, 0, 1))
    assert (kr == 1.0).mean() == pytest.approx(0.3085, abs=0.01)  # P(N > 0.5)


def test_jade_adapts_by_lehmer_and_plain_mean_of_the_winners():
    km, kr = np.array([0.2, 0.4, 0.9]), np.array([0.1, 0.5, 0.9])
    won = np.array([True, True, False])
    # ΣF²/ΣF = 0.20 / 0.6, mean C = 0.3
    assert schemes.jade_adapted(0.7, 0.7, km, kr, won, 0.07) == pytest.approx(
        (0.93 * 0.7 + 0.07 / 3, 0.93 * 0.7 + 0.07 * 0.3), rel=1e-15
    )
    assert schemes.jade_adapted(0.7, 0.6, km, kr, np.zeros(3, bool), 0.07) == (0.7, 0.6)
    assert schemes.jade_adapted(0.7, 0.6, np.zeros(3), kr, won, 0.5)[0] == 0.35
