"""CMA-ES against the tutorial, step by step in plain loops, and against what is known of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.fitting import cma_es


def rosenbrock(x):
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(axis=1)


def test_rates_for_ten_dimensions():
    """λ = 10: the author's own program prints μ_w = 3.2 and w_1 = 45 %; the rest is table 1 by hand."""
    rates = cma_es.rates(10, 10)
    raw = [math.log(5.5) - math.log(i) for i in range(1, 11)]
    mu_eff = sum(raw[:5]) ** 2 / sum(r * r for r in raw[:5])
    assert round(rates.mu_eff, 1) == 3.2
    assert round(rates.weights[0], 2) == 0.46
    assert rates.mu_eff == pytest.approx(mu_eff, rel=1e-14)
    assert rates.weights[:5].sum() == pytest.approx(1.0, rel=1e-14)
    assert rates.weights[:5] == pytest.approx([r / sum(raw[:5]) for r in raw[:5]], rel=1e-14)
    assert rates.c_sigma == pytest.approx((mu_eff + 2) / (15 + mu_eff), rel=1e-14)
    assert rates.d_sigma == pytest.approx(1 + rates.c_sigma, rel=1e-14)  # μ_w < n + 2
    assert rates.c_c == pytest.approx((4 + mu_eff / 10) / (14 + mu_eff / 5), rel=1e-14)
    c_1 = 2 / (11.3**2 + mu_eff)
    c_mu = 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / (144 + mu_eff)
    assert (rates.c_1, rates.c_mu) == pytest.approx((c_1, c_mu), rel=1e-14)
    worse = sum(raw[5:]) ** 2 / sum(r * r for r in raw[5:])
    scale = min(1 + c_1 / c_mu, 1 + 2 * worse / (mu_eff + 2), (1 - c_1 - c_mu) / (10 * c_mu))
    assert rates.weights[5:].sum() == pytest.approx(-scale, rel=1e-13)
    assert rates.expected_length == pytest.approx(math.sqrt(10) * (1 - 1 / 40 + 1 / 2100), rel=1e-14)


@pytest.mark.parametrize("n_dim", [1, 2, 3, 7, 30])
@pytest.mark.parametrize("n_population", [4, 5, 6, 17, 300])
def test_rates_are_legal_for_every_size(n_dim, n_population):
    rates = cma_es.rates(n_dim, n_population)
    assert np.all(np.diff(rates.weights[: rates.n_parents]) < 0)
    assert np.all(np.diff(rates.weights) <= 0)
    assert rates.weights[: rates.n_parents].sum() == pytest.approx(1.0)
    for rate in (rates.c_sigma, rates.c_c, rates.c_1, rates.c_mu):
        assert 0 < rate <= 1
    assert rates.c_1 + rates.c_mu <= 1 + 1e-12


def plain_tell(state, steps, foms):
    """One generation of the tutorial's figure 6, in plain loops; all arrays are lists of floats."""
    n, lam = len(state["m"]), len(foms)
    raw = [math.log((lam + 1) / 2) - math.log(i) for i in range(1, lam + 1)]
    mu = lam // 2
    mu_eff = sum(raw[:mu]) ** 2 / sum(w * w for w in raw[:mu])
    mu_bad = sum(raw[mu:]) ** 2 / sum(w * w for w in raw[mu:])
    c_s = (mu_eff + 2) / (n + mu_eff + 5)
    d_s = 1 + 2 * max(0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_s
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
    c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + 2 * mu_eff / 2))
    scale = min(1 + c_1 / c_mu, 1 + 2 * mu_bad / (mu_eff + 2), (1 - c_1 - c_mu) / (n * c_mu))
    w = [r / sum(x for x in raw if x >= 0) if r >= 0 else scale * r / -sum(x for x in raw if x < 0) for r in raw]
    y = [steps[i] for i in sorted(range(lam), key=lambda i: foms[i])]
    y_w = [sum(w[k] * y[k][j] for k in range(mu)) for j in range(n)]
    state["g"] += 1
    state["m"] = [state["m"][j] + state["s"] * y_w[j] for j in range(n)]
    values, vectors = np.linalg.eigh(np.array(state["C"]))
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    whitened = root @ np.array(y_w)
    p_s = [(1 - c_s) * p + math.sqrt(c_s * (2 - c_s) * mu_eff) * z for p, z in zip(state["ps"], whitened, strict=True)]
    norm, chi = math.sqrt(sum(p * p for p in p_s)), math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    h = norm / math.sqrt(1 - (1 - c_s) ** (2 * state["g"])) < (1.4 + 2 / (n + 1)) * chi
    p_c = [(1 - c_c) * p + h * math.sqrt(c_c * (2 - c_c) * mu_eff) * z for p, z in zip(state["pc"], y_w, strict=True)]
    bent = [w[k] if w[k] >= 0 else w[k] * n / ((root @ np.array(y[k])) ** 2).sum() for k in range(lam)]
    delta = (1 - h) * c_c * (2 - c_c)
    state["C"] = [
        [
            (1 + c_1 * delta - c_1 - c_mu * sum(w)) * state["C"][a][b]
            + c_1 * p_c[a] * p_c[b]
            + c_mu * sum(bent[k] * y[k][a] * y[k][b] for k in range(lam))
            for b in range(n)
        ]
        for a in range(n)
    ]
    state["s"] *= math.exp(c_s / d_s * (norm / chi - 1))
    state["ps"], state["pc"] = p_s, p_c


@pytest.mark.parametrize(("n_dim", "n_population"), [(2, 6), (4, 8), (3, 7), (4, 30)])
def test_every_generation_is_the_tutorials(n_dim, n_population):
    rng = np.random.default_rng(n_dim)
    cma = cma_es.begin(np.full(n_dim, -1.0), 0.6, n_population)
    plain = {"m": [-1.0] * n_dim, "s": 0.6, "C": np.eye(n_dim).tolist(), "ps": [0] * n_dim, "pc": [0] * n_dim, "g": 0}
    for _ in range(25):
        candidates = cma_es.ask(rng, cma)
        np.testing.assert_allclose(candidates, cma.mean + cma.sigma * cma.steps, rtol=1e-14)
        foms = rosenbrock(candidates)
        plain_tell(plain, cma.steps.tolist(), foms.tolist())
        cma_es.tell(cma, foms)
        assert cma.decomposed == cma.generation  # so few dimensions: in every generation
        np.testing.assert_allclose(cma.mean, plain["m"], rtol=1e-9)
        np.testing.assert_allclose(cma.covariance, plain["C"], rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(cma.path_covariance, plain["pc"], rtol=1e-8, atol=1e-12)
        assert cma.sigma == pytest.approx(plain["s"], rel=1e-9)


def test_draws_have_the_covariance():
    cma = cma_es.begin(np.array([0.3, 0.7]), 0.5, 200_000)
    cma.covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    cma_es._decompose(cma)
    draws = cma_es.ask(np.random.default_rng(0), cma)
    np.testing.assert_allclose(draws.mean(axis=0), cma.mean, atol=0.005)
    np.testing.assert_allclose(np.cov(draws.T), 0.25 * cma.covariance, rtol=0.02)


def descent(function, n_dim, seed, start=3.0, sigma=2.0, target=1e-10):
    """Evaluations to the target, or None if the descent is over before."""
    rng = np.random.default_rng(seed)
    size = 4 + int(3 * math.log(n_dim))
    cma = cma_es.begin(np.full(n_dim, start), sigma, size)
    while not cma.finished:
        foms = function(cma_es.ask(rng, cma))
        if foms.min() <= target:
            return size * cma.generation
        cma_es.tell(cma, foms)
    return None


def test_the_shape_of_a_valley_is_learnt():
    """An ellipsoid of condition 1e6 in 10 dimensions: a few thousand evaluations; without learning, millions."""
    axes = 10.0 ** (6 * np.arange(10) / 9)
    turned = np.linalg.qr(np.random.default_rng(5).normal(size=(10, 10)))[0]
    found = [descent(lambda x: ((x @ turned) ** 2 * axes).sum(axis=1), 10, seed) for seed in range(3)]
    assert all(found)
    assert max(found) < 9000
    # The search does not feel a rotation.
    straight = [descent(lambda x: (x**2 * axes).sum(axis=1), 10, seed + 10) for seed in range(3)]
    assert np.mean(straight) == pytest.approx(np.mean(found), rel=0.25)


def test_only_the_ranking_counts():
    def bent(x):
        return np.log1p(rosenbrock(x)) - 7.0

    seeds = range(2)
    plain = [descent(rosenbrock, 4, s, 0.0, 0.5, 1e-6) for s in seeds]
    assert plain == [descent(bent, 4, s, 0.0, 0.5, math.log1p(1e-6) - 7.0) for s in seeds]


def test_a_descent_ends_where_nothing_changes():
    assert descent(lambda x: (x**2).sum(axis=1), 3, 0, target=-1.0) is None  # TolFun or TolX
    assert descent(lambda x: np.ones(len(x)), 3, 0, target=0.0) is None  # flat
    assert descent(lambda x: x[:, 0], 3, 0, target=-np.inf) is None  # to the end of the world: TolXUp


def test_candidates_without_a_fom_rank_last_and_nothing_is_learnt_from_none():
    cma = cma_es.begin(np.full(3, 0.5), 0.3, 8)
    cma_es.ask(np.random.default_rng(0), cma)
    cma_es.tell(cma, np.full(8, np.inf))
    assert cma.mean.tolist() == [0.5] * 3
    assert (cma.sigma, cma.generation, cma.lowest_median) == (0.3, 1, np.inf)
    foms = np.array([np.inf, 2.0, 1.0, np.inf, 3.0, 4.0, np.inf, np.inf])
    cma_es.ask(np.random.default_rng(0), cma)
    steps = cma.steps.copy()
    cma_es.tell(cma, foms)
    weights = cma_es.rates(3, 8).weights[:4]
    np.testing.assert_allclose(cma.mean, 0.5 + 0.3 * weights @ steps[[2, 1, 4, 5]], rtol=1e-13)


def test_no_deviation_exceeds_the_widest():
    """On a slope the distribution would grow for ever; limited, it keeps its shape but for what is too wide."""
    rng = np.random.default_rng(0)
    cma = cma_es.begin(np.full(3, 0.5), 0.1, 8, widest=1 / 3)
    free = cma_es.begin(np.full(3, 0.5), 0.1, 8)
    for _ in range(60):
        for one in (cma, free):
            cma_es.tell(one, cma_es.ask(rng, one)[:, 0])
        assert (cma.sigma**2 * np.diag(cma.covariance)).max() <= (1 / 3) ** 2 * (1 + 1e-12)
        assert np.linalg.eigvalsh(cma.covariance)[0] > 0
    assert free.sigma * free.lengths.max() > 1.0
    assert cma_es.begin(np.zeros(2), 0.5, 8, widest=1 / 3).widest == 0.5  # a wider first one is meant


def test_restarts_double_the_population():
    cma = cma_es.begin(np.full(3, 0.5), 0.3, 7)
    rng = np.random.default_rng(0)
    sizes = []
    for _ in range(4):
        cma = cma_es.restarted(rng, cma, 2.0)
        sizes.append(cma.n_population)
        assert (cma.sigma, cma.generation, cma.finished) == (0.3, 0, False)
        assert np.all((cma.mean >= 0) & (cma.mean < 1))
    assert sizes == [14, 28, 56, 112]
    assert cma.descent == 4
    assert cma_es.restarted(rng, cma, 1.0).n_population == 112
    assert cma_es.restarted(rng, cma, 1.001).n_population == 113


@given(st.floats(-1e9, 1e9))
def test_folding_is_reflection_at_both_ends(x):
    folded = float(cma_es.folded(np.array(x)))
    assert 0.0 <= folded <= 1.0
    assert math.cos(math.pi * folded) == pytest.approx(math.cos(math.pi * x), abs=1e-5)
    if 0.0 <= x <= 1.0:
        assert folded == x
