"""What L-SHADE and jSO are made of: against loops that draw the same numbers, and against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.fitting import jso, l_shade
from metagenx.fitting.success_history import (
    archived,
    current_to_pbest,
    drawn_factors,
    gains,
    halfway_inside,
    lehmer_mean,
)


@pytest.mark.parametrize("not_itself", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_current_to_pbest_does_what_the_loop_does(seed, not_itself):
    rng = np.random.default_rng(seed + 50)
    n, n_dim, n_best = 9, 4, 3
    x, archive = rng.normal(size=(n, n_dim)), rng.normal(size=(seed, n_dim))
    foms, f, w, c = rng.random(n), rng.random(n), rng.random(n), rng.random(n)
    arguments = (x, foms, archive, f, w, c, n_best)
    trials = current_to_pbest(np.random.default_rng(seed), *arguments, not_itself=not_itself)
    rng = np.random.default_rng(seed)
    uniform, everyone = rng.random((4, n)), [*x, *archive]
    chosen = rng.random((n, n_dim))
    for i in range(n):
        best = sorted(range(n), key=lambda k: foms[k])[:n_best]
        if not_itself:
            best = [k for k in best if k != i]
        pbest = x[best[int(uniform[0, i] * len(best))]]
        free = [k for k in range(n) if k != i]
        r1 = free[int(uniform[1, i] * len(free))]
        rest = [k for k in range(len(everyone)) if k not in (i, r1)]
        r2 = rest[int(uniform[2, i] * len(rest))]
        forced = int(uniform[3, i] * n_dim)
        for j in range(n_dim):
            v = x[i, j] + w[i] * (pbest[j] - x[i, j]) + f[i] * (x[r1, j] - everyone[r2][j])
            expected = v if chosen[i, j] < c[i] or j == forced else x[i, j]
            assert trials[i, j] == pytest.approx(expected, rel=1e-13, abs=1e-13)


def test_at_least_two_members_are_the_best():
    x, foms, nothing, ones = np.arange(5.0)[:, None] * 10, np.arange(5.0), np.empty((0, 1)), np.ones(5)
    drawn = [
        current_to_pbest(np.random.default_rng(seed), x, foms, nothing, 0.0 * ones, ones, ones, 0) for seed in range(40)
    ]
    assert set(np.unique(drawn)) == {0.0, 10.0}


def test_factors_are_drawn_around_the_memory():
    n = 40_000
    factors, crossover = drawn_factors(np.random.default_rng(0), np.full(n, 0.5), np.full(n, 0.95))
    # A Cauchy variate around 0.5 of scale 0.1 that is positive: P(F > 0) = 1/2 + arctan(5)/π = 0.93717
    assert factors.min() > 0.0
    assert (factors == 1.0).mean() == pytest.approx((0.5 - np.arctan(5) / np.pi) / 0.93717, abs=0.004)
    assert (factors < 0.5).mean() == pytest.approx((np.arctan(5) / np.pi) / 0.93717, abs=0.01)
    assert (crossover == 1.0).mean() == pytest.approx(0.3085, abs=0.01)  # P(N > 0.5)
    terminal = drawn_factors(np.random.default_rng(0), np.full(5, 0.5), np.array([np.nan, 0.5, np.nan, 0.5, 0.5]))[1]
    assert terminal[0] == terminal[2] == 0.0
    assert (terminal[[1, 3, 4]] > 0).all()


def test_lehmer_mean_by_hand():
    # w = 3/4, 1/4: (0.75·0.04 + 0.25·0.64) / (0.75·0.2 + 0.25·0.8) = 0.19 / 0.35
    assert lehmer_mean(np.array([0.2, 0.8]), np.array([3.0, 1.0])) == pytest.approx(0.19 / 0.35, rel=1e-15)
    assert lehmer_mean(np.zeros(2), np.ones(2)) == 0.0
    for scale in (1e-320, 1e300):
        tiny = lehmer_mean(np.array([0.2, 0.8]), np.array([3.0, 3.0]) * scale)
        assert tiny == pytest.approx(0.68, rel=1e-12)


def test_gains_over_members_without_a_fom_count_as_the_largest():
    np.testing.assert_array_equal(gains(np.array([5.0, np.inf, 4.0]), np.array([2.0, 9.0, 3.0])), [3.0, 3.0, 1.0])
    np.testing.assert_array_equal(gains(np.array([np.inf, np.inf]), np.array([2.0, 9.0])), [1.0, 1.0])


@given(st.integers(0, 10**6), st.floats(0.0, 20.0), st.floats(-1e6, 1e6))
def test_values_outside_go_half_way_between_parent_and_bound(seed, scale, low):
    rng = np.random.default_rng(seed)
    bounds = low + np.array([[-1.0, 1.0], [0.0, 0.5], [2.0, 2.0], [-3.0, 7.0]])
    parents = bounds[:, 0] + np.ptp(bounds, axis=1) * rng.random((20, 4))
    trials = parents + rng.normal(size=(20, 4)) * scale
    before = trials.copy()
    halfway_inside(trials, parents, bounds)
    for i, j in np.ndindex(20, 4):
        a, b = bounds[j]
        if before[i, j] < a:
            assert trials[i, j] == (a + parents[i, j]) / 2
        elif before[i, j] > b:
            assert trials[i, j] == (b + parents[i, j]) / 2
        else:
            assert trials[i, j] == before[i, j]
    assert np.all((trials >= bounds[:, 0]) & (trials <= bounds[:, 1]))


def test_random_members_of_the_archive_make_room():
    old, new = np.arange(6.0)[:, None], np.arange(10.0, 13.0)[:, None]
    assert archived(np.random.default_rng(0), old, new, 9).ravel().tolist() == [0, 1, 2, 3, 4, 5, 10, 11, 12]
    kept = [archived(np.random.default_rng(seed), old, new, 5).ravel() for seed in range(900)]
    assert all(rows[2:].tolist() == [10, 11, 12] and len(set(rows)) == 5 for rows in kept)
    assert np.allclose([sum(value in rows for rows in kept) for value in range(6)], 300, atol=60)  # 2 of 6
    kept = [archived(np.random.default_rng(seed), old, new, 1).item() for seed in range(900)]
    assert np.allclose([kept.count(value) for value in (10, 11, 12)], 300, atol=60)
    assert len(archived(np.random.default_rng(0), old, new, 0)) == 0
    assert len(archived(np.random.default_rng(0), old, new[:0], 4)) == 4


def told_generation():
    """Four members of two parameters; the first, second and last trial win, the third only draws."""
    parents = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    foms, told = np.array([10.0, 8.0, 5.0, np.inf]), np.array([7.0, 7.0, 5.0, 6.0])
    factors, crossover = np.array([0.2, 0.8, 0.9, 0.5]), np.array([0.1, 0.5, 1.0, 0.0])
    return parents, foms, told, factors, crossover


# Gains 3, 1 and, over no FOM at all, 3 again: Lehmer means (3·0.04 + 0.64 + 3·0.25)/(3·0.2 + 0.8 + 3·0.5) = 1.51/2.9
# and (3·0.01 + 0.25)/(3·0.1 + 0.5) = 0.28/0.8.
LEARNT_KM, LEARNT_KR = 1.51 / 2.9, 0.35


def test_l_shade_learns_by_hand():
    history = l_shade.begin(2, 3)
    assert history.km.tolist() == history.kr.tolist() == [0.5, 0.5, 0.5]
    l_shade.learn(np.random.default_rng(0), history, *told_generation(), 10)
    assert history.km == pytest.approx([LEARNT_KM, 0.5, 0.5], rel=1e-15)
    assert history.kr == pytest.approx([LEARNT_KR, 0.5, 0.5], rel=1e-15)
    assert history.archive.tolist() == [[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]]
    assert history.slot == 1
    parents, foms, _, factors, crossover = told_generation()
    l_shade.learn(np.random.default_rng(0), history, parents, foms, foms, factors, crossover, 10)  # nobody won
    assert (history.slot, len(history.archive)) == (1, 3)
    for _ in range(2):
        l_shade.learn(np.random.default_rng(0), history, *told_generation(), 10)
    assert history.slot == 0
    assert len(history.archive) == 9


def test_a_slot_whose_winners_all_had_no_crossover_is_terminal():
    parents, foms, told, factors, _ = told_generation()
    history = l_shade.begin(2, 1)
    l_shade.learn(np.random.default_rng(0), history, parents, foms, told, factors, np.zeros(4), 10)
    assert np.isnan(history.kr[0])
    l_shade.learn(np.random.default_rng(0), history, *told_generation(), 10)
    assert np.isnan(history.kr[0])  # for ever
    assert history.km[0] == pytest.approx(LEARNT_KM)
    assert not l_shade.trials(np.random.default_rng(1), history, parents, foms, 0.1)[2].any()


def test_jso_learns_by_hand():
    history = jso.begin(2, 3)
    assert (history.km.tolist(), history.kr.tolist()) == ([0.3, 0.3, 0.9], [0.8, 0.8, 0.9])
    for _ in range(2):
        jso.learn(np.random.default_rng(0), history, *told_generation(), 10)
    assert history.km == pytest.approx([(0.3 + LEARNT_KM) / 2] * 2 + [0.9], rel=1e-15)
    assert history.kr == pytest.approx([(0.8 + LEARNT_KR) / 2] * 2 + [0.9], rel=1e-15)
    jso.learn(np.random.default_rng(0), history, *told_generation(), 10)
    assert (history.km[-1], history.kr[-1], history.slot) == (0.9, 0.9, 0)


@pytest.mark.parametrize(
    ("progress", "share", "pulled", "largest_km", "smallest_kr"),
    [
        (0.0, 0.25, 0.7, 0.7, 0.7),
        (0.199, 0.225125, 0.7, 0.7, 0.7),
        (0.2, 0.225, 0.8, 0.7, 0.7),
        (0.25, 0.21875, 0.8, 0.7, 0.6),
        (0.4, 0.2, 1.2, 0.7, 0.6),
        (0.5, 0.1875, 1.2, 0.7, 0.0),
        (0.6, 0.175, 1.2, 1.0, 0.0),
        (1.0, 0.125, 1.2, 1.0, 0.0),
    ],
)
def test_schedules_of_jso(progress, share, pulled, largest_km, smallest_kr):
    assert jso.share_of_best(0.25, progress) == pytest.approx(share, rel=1e-12)
    np.testing.assert_allclose(jso.pull(np.array([0.5, 1.0]), progress), [0.5 * pulled, pulled])
    km, kr = jso.limited(np.array([0.1, 1.0]), np.array([0.0, 1.0]), progress)
    assert (km.tolist(), kr.tolist()) == ([0.1, largest_km], [smallest_kr, 1.0])
