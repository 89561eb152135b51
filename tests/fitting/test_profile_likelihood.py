from __future__ import annotations

import numpy as np
import pytest
from data_problems import CurveProblem, noisy_line
from scipy import optimize, stats

from metagenx.errors import InputError
from metagenx.fitting.covariance import covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.profile_likelihood import profile

X = np.linspace(-1.0, 2.0, 60)
Z = stats.norm.ppf(0.975)


def decay(*, power: int = 2, noise: float = 0.1, seed: int = 0, n: int = 40) -> CurveProblem:
    """A·exp(−t/τ), hardly longer than τ: lopsided errors."""
    t = np.linspace(0.0, 2.0, n)
    y = np.exp(-t / 1.5) + noise * np.random.default_rng(seed).standard_normal(n)
    curve = lambda v: v[:, :1] * np.exp(-t / v[:, 1:2])  # noqa: E731
    return CurveProblem(curve, y, [(0.0, 5.0), (0.1, 30.0)], error=np.full(n, noise), power=power)


def test_the_minimum_of_squares_is_scipys():
    problem = decay()
    t = np.linspace(0.0, 2.0, 40)
    expected = optimize.least_squares(lambda v: (problem.y - v[0] * np.exp(-t / v[1])) / 0.1, [1.0, 1.0], xtol=1e-12)
    found = local_minimum(problem, np.array([2.0, 5.0]))
    assert found.converged
    np.testing.assert_allclose(found.vector, expected.x, rtol=1e-4)
    assert found.sum == pytest.approx(2.0 * expected.cost, rel=1e-9)
    assert found.evaluations == problem.n_evaluated < 120


@pytest.mark.parametrize("start", [(3.0, -2.0), (-15.0, 18.0)])
def test_the_minimum_of_magnitudes_goes_through_as_many_points_as_parameters(start):
    """Of a linear problem: a vertex of the linear program (a known property), and lower than all its neighbours."""
    problem = noisy_line(power=1)
    found = local_minimum(problem, np.array(start))
    left = np.sort(np.abs(problem.deviations(found.vector[None]).differences[0]))
    assert (left[:2] < 1e-9).all()
    around = found.vector + 1e-4 * np.random.default_rng(0).standard_normal((500, 2))
    assert (problem.evaluate(around) >= problem.evaluate(found.vector[None])).all()


def test_the_minimum_of_magnitudes_of_a_bent_curve():
    problem = decay(power=1)
    found = local_minimum(problem, np.array([2.0, 5.0]))
    t = np.linspace(0.0, 2.0, 40)
    expected = optimize.minimize(
        lambda v: np.abs(problem.y - v[0] * np.exp(-t / v[1])).sum() / 0.1, found.vector * 1.02, method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000},
    )  # fmt: skip
    assert found.converged
    assert found.sum <= expected.fun * (1 + 1e-6)


def test_limits_hold_and_a_parameter_may_stand_still():
    problem = noisy_line()
    problem.bounds = np.array([[-20.0, 20.0], [0.0, 0.2]])
    found = local_minimum(problem, np.array([5.0, 0.1]))
    assert found.vector[1] == 0.2
    still = local_minimum(problem, np.array([5.0, 0.1]), moving=np.array([True, False]))
    assert still.vector[1] == 0.1
    weights = problem.error**-2
    assert still.vector[0] == pytest.approx(np.average(problem.y - 0.1 * X, weights=weights), rel=1e-6)
    none = local_minimum(problem, np.array([5.0, 0.1]), moving=np.zeros(2, dtype=bool))
    assert none.vector.tolist() == [5.0, 0.1]


def test_of_a_parabola_it_is_the_covariances_interval():
    problem = noisy_line()
    values = local_minimum(problem, np.array([0.0, 0.0])).vector
    bars = covariance_at(problem, values)
    for k, name in enumerate(problem.names):
        before = problem.n_evaluated
        found = profile(problem, values, name, covariance=bars)
        assert found.evaluations == problem.n_evaluated - before
        for level in (0.6827, 0.95):
            np.testing.assert_allclose(found.intervals[level], bars.intervals(level)[k], rtol=2e-3)
        np.testing.assert_allclose(found.rise, (found.values - values[k]) / bars.errors[k], atol=1e-3)
        rise = (found.levels[0.95] - found.fom) * 58
        assert rise == pytest.approx(Z**2, rel=1e-9)  # 3.84 of χ²
        assert found.notes == ()


def test_a_lopsided_minimum_has_a_lopsided_interval():
    """Against the ends of the region found by a root finder on the exact profile: A follows in closed form."""
    problem = decay()
    t = np.linspace(0.0, 2.0, 40)

    def chi2(tau: float) -> float:
        e = np.exp(-t / tau)
        return float(np.sum(((problem.y - e * (problem.y @ e) / (e @ e)) / 0.1) ** 2))

    best = optimize.minimize_scalar(chi2, bounds=(0.5, 5.0), method="bounded", options={"xatol": 1e-10})
    values = local_minimum(problem, np.array([1.0, 1.0])).vector
    found = profile(problem, values, "p1")
    for level in (0.6827, 0.95):
        rise = stats.norm.ppf(0.5 + level / 2) ** 2
        low = optimize.brentq(lambda tau, rise=rise: chi2(tau) - best.fun - rise, 0.3, best.x)
        high = optimize.brentq(lambda tau, rise=rise: chi2(tau) - best.fun - rise, best.x, 29.0)
        np.testing.assert_allclose(found.intervals[level], (low, high), rtol=0.01)
    low, high = found.intervals[0.95]
    assert high - best.x > 1.2 * (best.x - low)


def test_magnitudes_have_about_the_covariances_interval():
    lengths = []
    for seed in range(6):
        problem = noisy_line(power=1, seed=seed, n=150)
        values = local_minimum(problem, np.array([0.0, 0.0])).vector
        bars = covariance_at(problem, values)
        low, high = profile(problem, values, "p1", covariance=bars).intervals[0.95]
        lengths.append((high - low) / np.diff(bars.intervals(0.95)[1])[0])
    assert np.mean(lengths) == pytest.approx(1.0, abs=0.2)


def test_an_interval_ends_at_the_limit_and_says_so():
    problem = noisy_line()
    values = local_minimum(problem, np.array([0.0, 0.0])).vector
    error = covariance_at(problem, values).errors[1]
    problem.bounds = np.array([[-20.0, 20.0], [values[1] - 1.5 * error, 20.0]])
    found = profile(problem, values, "p1")
    assert found.intervals[0.95][0] == problem.bounds[1, 0]
    assert found.intervals[0.6827][0] > problem.bounds[1, 0]
    assert found.notes == ("the 95 % interval is open below: it ends at the limit",)


def test_without_influence_it_is_open_on_both_sides():
    x = np.linspace(0.0, 1.0, 40)
    y = 2.0 + 0.1 * np.random.default_rng(1).standard_normal(40)
    curve = lambda vectors: vectors[:, :1] + 0.0 * x + 0.0 * vectors[:, 1:2]  # noqa: E731
    problem = CurveProblem(curve, y, [(0, 5), (1, 3)], error=np.full(40, 0.1))
    found = profile(problem, np.array([y.mean(), 2.0]), "p1")
    assert found.intervals[0.6827] == (1.0, 3.0)
    assert "open below and above" in found.notes[0]


def test_a_better_minimum_on_the_way_is_told():
    problem = noisy_line()
    values = local_minimum(problem, np.array([0.0, 0.0])).vector
    error = covariance_at(problem, values).errors[1]
    found = profile(problem, values + np.array([0.0, 4.0 * error]), "p1")
    assert found.best == pytest.approx(values[1], rel=1e-4)
    assert "better minimum" in found.notes[-1]


def test_a_name_that_is_not_fitted_gets_a_suggestion():
    with pytest.raises(InputError, match="Did you mean p1"):
        profile(noisy_line(), np.array([1.0, 0.5]), "p11")
    fixed = noisy_line()
    fixed.bounds[1] = 0.5
    with pytest.raises(InputError, match="cannot move"):
        profile(fixed, np.array([1.0, 0.5]), "p1")


def test_json_has_the_curve_and_the_intervals():
    problem = noisy_line()
    found = profile(problem, local_minimum(problem, np.array([0.0, 0.0])).vector, "p0").to_json()
    assert set(found["intervals"]) == {"68.3 %", "95 %"}
    assert len(found["values"]) == len(found["foms"]) > 8
