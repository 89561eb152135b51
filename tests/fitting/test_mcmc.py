from __future__ import annotations

import sys

import numpy as np
import pytest
from data_problems import CurveProblem, noisy_line

from metagenx.errors import InputError
from metagenx.fitting.covariance import covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.mcmc import sample_posterior, split_r_hat


@pytest.fixture
def dream():
    pytest.importorskip("bumps.dream.core", reason="MCMC is an extra: pip install metagenx[mcmc]")


@pytest.mark.usefixtures("dream")
def test_of_a_parabola_the_draws_have_the_covariance():
    problem = noisy_line()
    values = local_minimum(problem, np.zeros(2)).vector
    bars = covariance_at(problem, values)
    state = np.random.get_state()[1].tolist()
    found = sample_posterior(problem, values, samples=20_000, seed=4, covariance=bars)
    assert np.random.get_state()[1].tolist() == state
    np.testing.assert_allclose(found.median, values, atol=0.1 * bars.errors.min())
    np.testing.assert_allclose(np.cov(found.samples.T), bars.matrix, rtol=0.12, atol=0.05 * bars.matrix[1, 1])
    np.testing.assert_allclose(found.intervals(0.95), bars.intervals(0.95), atol=0.2 * bars.errors.max())
    assert (found.r_hat < 1.05).all()
    assert len(found.samples) >= 20_000
    assert found.notes == (f"Gaussian noise as by {bars.noise.text}",)
    again = sample_posterior(problem, values, samples=20_000, seed=4, covariance=bars)
    np.testing.assert_array_equal(found.chains, again.chains)


@pytest.mark.usefixtures("dream")
def test_limits_and_systematic_errors_are_the_prior():
    problem = noisy_line(prior=lambda v: (0.5 - v[:, 1:2]) / 1e-3, prior_weights=(1.0,))
    values = local_minimum(problem, np.zeros(2)).vector
    problem.bounds = np.array([[values[0], 20.0], [-20.0, 20.0]])
    found = sample_posterior(problem, values, samples=6000, seed=1)
    assert found.samples[:, 0].min() >= values[0]
    assert np.std(found.samples[:, 1]) == pytest.approx(1e-3, rel=0.15)


@pytest.mark.usefixtures("dream")
def test_a_parameter_that_nothing_fixes_goes_everywhere_and_one_with_equal_limits_nowhere():
    x = np.linspace(0.0, 1.0, 40)
    y = 2.0 + 0.1 * np.random.default_rng(1).standard_normal(40)
    curve = lambda vectors: vectors[:, :1] + 0.0 * x + 0.0 * vectors[:, 1:2]  # noqa: E731
    problem = CurveProblem(curve, y, [(0, 5), (1, 3), (2, 2)], error=np.full(40, 0.1))
    found = sample_posterior(problem, np.array([y.mean(), 2.0, 2.0]), samples=12_000, seed=2)
    np.testing.assert_allclose(np.quantile(found.samples[:, 1], [0.1, 0.5, 0.9]), [1.2, 2.0, 2.8], atol=0.12)
    assert (found.samples[:, 2] == 2.0).all()
    assert np.isnan(found.r_hat[2])


def test_without_bumps_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bumps.dream.core", None)
    with pytest.raises(InputError, match=r'pip install "metagenx\[mcmc\]"'):
        sample_posterior(noisy_line(), np.array([1.0, 0.5]))


@pytest.mark.usefixtures("dream")
def test_nothing_to_draw_is_an_error():
    with pytest.raises(InputError, match="samples is 0"):
        sample_posterior(noisy_line(), np.array([1.0, 0.5]), samples=0)


def test_r_hat_tells_chains_that_disagree():
    rng = np.random.default_rng(0)
    good = rng.standard_normal((400, 5, 1))
    assert split_r_hat(good)[0] == pytest.approx(1.0, abs=0.02)
    assert split_r_hat(good + np.arange(5)[None, :, None])[0] > 1.5
    assert np.isnan(split_r_hat(good[:3])[0])
