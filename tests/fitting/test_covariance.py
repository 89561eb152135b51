from __future__ import annotations

import numpy as np
import pytest
from data_problems import CurveProblem, line, noisy_line
from scipy import optimize, stats

from metagenx.errors import InputError
from metagenx.fitting.covariance import LEVELS, covariance_at
from metagenx.fitting.local_minimum import local_minimum
from metagenx.fitting.problem import ProblemWithData

X = np.linspace(-1.0, 2.0, 60)


def least_squares(problem: CurveProblem, x: np.ndarray = X) -> tuple[np.ndarray, np.ndarray]:
    """The answer of the textbook: values and (XᵀWX)⁻¹."""
    design = np.column_stack([np.ones_like(x), x]) / problem.error[:, None]
    inverse = np.linalg.inv(design.T @ design)
    return inverse @ design.T @ (problem.y / problem.error), inverse


def test_of_a_line_with_error_bars_it_is_the_textbooks():
    problem = noisy_line()
    values, expected = least_squares(problem)
    found = covariance_at(problem, values)
    assert isinstance(problem, ProblemWithData)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-6)
    np.testing.assert_allclose(found.errors, np.sqrt(np.diag(expected)), rtol=1e-6)
    assert found.from_minimum < 1e-6
    assert found.notes == ()
    assert not found.noise.estimated
    assert found.evaluations == problem.n_evaluated == 2 * (2 * 2 + 1)
    reach = stats.norm.ppf(0.975) * found.errors
    np.testing.assert_allclose(found.intervals(0.95), np.column_stack([values - reach, values + reach]))
    off = expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
    np.testing.assert_allclose(found.correlations, [[1.0, off], [off, 1.0]], rtol=1e-5)


def test_error_bars_that_are_too_small_are_scaled_as_scipy_does():
    problem = noisy_line()
    problem.y = problem.y + 4.0 * problem.error * np.random.default_rng(5).standard_normal(60)
    values, covariance = optimize.curve_fit(lambda x, a, b: a + b * x, X, problem.y, sigma=problem.error)
    found = covariance_at(problem, values)
    np.testing.assert_allclose(found.matrix, covariance, rtol=1e-4)
    assert found.noise.estimated
    reach = stats.t.ppf(0.975, 58) * found.errors
    np.testing.assert_allclose(found.intervals(0.95)[:, 1] - values, reach)
    assert "does not explain" in found.noise.text


def test_error_bars_that_are_too_large_are_kept_by_a_figure_of_merit_that_uses_them_only():
    x_error = 10.0 * noisy_line().error
    used, unused = noisy_line(), noisy_line(weights=np.ones(60), uses_errors=False)
    used.error = unused.error = x_error
    used.weights = x_error**-2.0
    values, expected = least_squares(used)
    np.testing.assert_allclose(covariance_at(used, values).matrix, expected, rtol=1e-6)
    assert covariance_at(unused, values).noise.estimated


@pytest.mark.parametrize("kind", ["chi2", "magnitude", "square without weights", "magnitude without weights"])
def test_the_error_is_the_scatter_of_many_fits(kind):
    """Against refits of 400 simulated data sets, without a formula: 400 give the scatter to 3.5 %."""
    rng = np.random.default_rng(11)
    error = 0.2 * (1.0 + 0.5 * X**2)
    power = 2 if kind.startswith(("chi2", "square")) else 1
    weights = np.ones(60) if "without" in kind else error ** -float(power)
    ends, errors = [], []
    for _ in range(400):
        y = 1.0 + 0.5 * X + error * rng.standard_normal(60)
        problem = CurveProblem(
            line(X), y, [(-20, 20)] * 2, error=error, power=power, weights=weights, uses_errors="without" not in kind
        )
        values = _minimum(problem)
        ends.append(values)
        errors.append(covariance_at(problem, values).errors)
    scatter = np.std(ends, axis=0)
    np.testing.assert_allclose(np.median(errors, axis=0), scatter, rtol=0.12)


def _minimum(problem: CurveProblem) -> np.ndarray:
    """By linear algebra and by linear programming, neither of which the package uses for this."""
    design = np.column_stack([np.ones_like(X), X])
    if problem.power == 2:
        root = np.sqrt(problem.weights)
        return np.linalg.lstsq(design * root[:, None], problem.y * root, rcond=None)[0]
    n = len(X)
    cost = np.r_[0.0, 0.0, problem.weights, problem.weights]
    equal = np.hstack([design, np.eye(n), -np.eye(n)])
    limits = [(None, None)] * 2 + [(0, None)] * (2 * n)
    return optimize.linprog(cost, A_eq=equal, b_eq=problem.y, bounds=limits, method="highs").x[:2]


def test_for_magnitudes_it_is_the_textbooks_of_the_median():
    """For |d|/E with true errors: π/2 times the least-squares covariance (Laplace 1818)."""
    problem = noisy_line(power=1, n=60)
    _, expected = least_squares(problem)
    found = covariance_at(problem, _minimum(problem))
    np.testing.assert_allclose(found.matrix, np.pi / 2.0 * expected, rtol=1e-6)
    assert found.from_minimum < 0.7


def test_noise_that_the_error_column_does_not_know_is_found_by_the_residuals():
    """The error column says equal noise; the figure of merit, unweighted squares, too; the noise is four times it."""
    rng = np.random.default_rng(2)
    y = 1.0 + 0.5 * X + 0.4 * rng.standard_normal(60)
    problem = CurveProblem(line(X), y, [(-20, 20)] * 2, error=np.full(60, 0.1), uses_errors=False)
    found = covariance_at(problem, _minimum(problem))
    residual = y - line(X)(_minimum(problem)[None])[0]
    scale = np.sqrt(np.sum(residual**2) / 58)
    np.testing.assert_allclose(found.noise.deviation, scale, rtol=1e-9)


def test_a_parameter_without_influence_has_an_infinite_error_and_is_named():
    x = np.linspace(0.0, 1.0, 40)
    y = 2.0 + 0.1 * np.random.default_rng(1).standard_normal(40)
    curve = lambda vectors: vectors[:, :1] + 0.0 * x + 0.0 * vectors[:, 1:2]  # noqa: E731
    found = covariance_at(CurveProblem(curve, y, [(0, 5), (1, 3)], error=np.full(40, 0.1)), np.array([y.mean(), 2.0]))
    assert np.isinf(found.errors[1])
    assert found.errors[0] == pytest.approx(0.1 / np.sqrt(40), rel=1e-6)
    assert "no influence" in found.notes[0]
    assert "p1" in found.notes[0]
    np.testing.assert_array_equal(found.intervals(0.95)[1], [1.0, 3.0])
    assert np.isnan(found.correlations[1]).all()
    assert (found.sample(np.random.default_rng(0), 9)[:, 1] == 2.0).all()


def test_of_two_parameters_only_their_sum_may_be_known():
    x = np.linspace(0.0, 1.0, 40)
    y = 3.0 + x + 0.1 * np.random.default_rng(1).standard_normal(40)
    curve = lambda v: v[:, :1] + v[:, 1:2] + v[:, 2:] * x  # noqa: E731
    problem = CurveProblem(curve, y, [(0, 5)] * 3, error=np.full(40, 0.1))
    slope, level = np.polyfit(x, y, 1)
    found = covariance_at(problem, np.array([1.0, level - 1.0, slope]))
    assert np.isinf(found.errors[:2]).all()
    assert found.errors[2] == pytest.approx(0.1 / np.sqrt(np.sum((x - x.mean()) ** 2)), rel=1e-5)
    assert "only a combination of p0, p1" in found.notes[0]


def test_at_a_limit_there_is_one_side_only():
    """The slope belongs at −0.1 and must not be negative: the interval of the likelihood ratio from the limit."""
    x = np.linspace(-1.0, 1.0, 50)
    error = np.full(50, 0.3)
    y = 2.0 - 0.1 * x + error * stats.norm.ppf((np.random.default_rng(3).permutation(50) + 0.5) / 50)
    sxx = np.sum(x**2) / 0.3**2
    y += (-0.1 - np.sum(x * y) / np.sum(x**2)) * x  # now the free minimum is at −0.1 exactly
    problem = CurveProblem(line(x), y, [(0, 5), (0.0, 3.0)], error=error)
    found = covariance_at(problem, np.array([y.mean(), 0.0]))
    assert found.limits == ("", "min")
    assert np.isnan(found.errors[1])
    assert found.matrix[1, 1] == 0.0
    for level in LEVELS:
        z = stats.norm.ppf(0.5 + level / 2)
        length = np.sqrt(0.1**2 + z**2 / sxx) - 0.1
        np.testing.assert_allclose(found.intervals(level)[1], [0.0, length], rtol=1e-3)
    # The other one: as if the slope were fixed; here the two do not hang together anyway.
    assert found.errors[0] == pytest.approx(0.3 / np.sqrt(50), rel=1e-6)
    assert "p1 (min)" in found.notes[0]
    drawn = found.sample(np.random.default_rng(0), 500)[:, 1]
    assert drawn.min() >= 0.0
    assert 0.55 < np.mean(drawn <= found.intervals(LEVELS[0])[1, 1]) < 0.8


def test_near_a_limit_the_interval_ends_there():
    problem = noisy_line()
    values, expected = least_squares(problem)
    error = np.sqrt(expected[1, 1])
    problem.bounds = np.array([[-20, 20], [values[1] - 1.5 * error, 20]])
    found = covariance_at(problem, values)
    assert found.limits == ("", "")
    assert found.intervals(0.95)[1, 0] == problem.bounds[1, 0]
    assert found.intervals(0.95)[1, 1] == pytest.approx(values[1] + 1.96 * error, rel=1e-4)


def test_a_start_that_equals_a_limit_without_a_minimum_there_is_no_limit():
    problem = noisy_line()
    values, _ = least_squares(problem)
    problem.bounds = np.array([[-20.0, 20.0], [values[1], 20.0]])  # the minimum itself
    found = covariance_at(problem, values)
    assert found.limits == ("", "min")
    assert found.intervals(LEVELS[0])[1, 0] == values[1]
    assert found.intervals(0.95)[1, 1] > values[1]


def test_points_without_a_number_do_not_count():
    problem, shorter = noisy_line(), noisy_line()
    problem.y[[3, 17]] = np.nan
    problem.weights[30] = 0.0
    keep = np.setdiff1d(np.arange(60), [3, 17, 30])
    shorter.curve, shorter.y = line(X[keep]), shorter.y[keep]
    shorter.error, shorter.weights = shorter.error[keep], shorter.weights[keep]
    values = np.array([1.0, 0.5])
    a, b = covariance_at(problem, values), covariance_at(shorter, values)
    np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-12)
    assert a.noise.degrees_of_freedom == b.noise.degrees_of_freedom == 55


def test_a_known_value_tightens_as_another_measurement_does():
    """A penalty of weight 1/(N − p) beside χ²/(N − p) is one more measurement of the parameter, 0.5 ± 0.02."""
    problem = noisy_line(prior=lambda vectors: (0.5 - vectors[:, 1:2]) / 0.02, prior_weights=(1.0 / 58.0,))
    values, covariance = least_squares(problem)
    information = np.linalg.inv(covariance) + np.diag([0.0, 1.0 / 0.02**2])
    right = np.linalg.inv(covariance) @ values + np.array([0.0, 0.5 / 0.02**2])
    found = covariance_at(problem, np.linalg.solve(information, right))
    np.testing.assert_allclose(found.matrix, np.linalg.inv(information), rtol=1e-6)
    assert found.from_minimum < 1e-6


def test_a_vector_that_is_no_minimum_is_called_so():
    problem = noisy_line()
    values, expected = least_squares(problem)
    found = covariance_at(problem, values + np.array([0.0, 3.0 * np.sqrt(expected[1, 1])]))
    assert found.from_minimum == pytest.approx(3.0, rel=0.01)
    assert "has not come to its minimum" in found.notes[-1]


def test_a_side_without_a_simulation_is_left_alone():
    def curve(vectors):
        simulated = vectors[:, :1] + vectors[:, 1:2] * X
        return np.where(vectors[:, 1:2] > 0.5, np.nan, simulated)

    problem = noisy_line()
    problem.curve = curve
    found = covariance_at(problem, np.array([1.0, 0.5]))
    _, expected = least_squares(problem)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-6)


def test_what_cannot_be_judged_is_said():
    few = noisy_line(n=2, uses_errors=False)
    with pytest.raises(InputError, match="nothing is left to judge"):
        covariance_at(few, np.array([1.0, 0.5]))
    exact = noisy_line(uses_errors=False)
    exact.y = line(X)(np.array([[1.0, 0.5]]))[0]
    with pytest.raises(InputError, match="through every point"):
        covariance_at(exact, np.array([1.0, 0.5]))
    nothing = noisy_line()
    nothing.y[:] = np.nan
    with pytest.raises(InputError, match="no point"):
        covariance_at(nothing, np.array([1.0, 0.5]))
    with pytest.raises(InputError, match="between 0 and 1"):
        covariance_at(noisy_line(), np.array([1.0, 0.5])).intervals(95)


def test_a_parameter_with_equal_limits_is_no_parameter():
    problem = noisy_line()
    problem.bounds[1] = 0.5
    found = covariance_at(problem, np.array([1.0, 0.5]))
    assert np.isinf(found.errors[1])
    assert np.isfinite(found.errors[0])


def test_bands_are_drawn_from_the_covariance():
    problem = noisy_line()
    values, expected = least_squares(problem)
    drawn = covariance_at(problem, values).sample(np.random.default_rng(4), 4000)
    np.testing.assert_allclose(np.cov(drawn.T), expected, rtol=0.1, atol=2e-5)


@pytest.mark.parametrize("power_of_counts", [0.0, 1.0, 2.0])
def test_counting_noise_is_recognised_without_an_error_column(power_of_counts):
    """Unweighted squares of data over two decades whose errors go as data^(1 − γ/2)."""
    x = np.linspace(0.0, 1.0, 400)
    y = 100.0 * np.exp(-4.6 * x)
    error = 0.03 * y * (y / 10.0) ** (-0.5 * power_of_counts)
    rng = np.random.default_rng(6)
    curve = lambda v: v[:, :1] * np.exp(-v[:, 1:2] * x)  # noqa: E731
    problem = CurveProblem(curve, y + error * rng.standard_normal(400), [(0, 500), (0, 20)], uses_errors=False)
    found = covariance_at(problem, local_minimum(problem, np.array([101.0, 4.5])).vector)
    ratio = found.noise.deviation / error
    assert np.median(ratio) == pytest.approx(1.0, abs=0.25)
    assert ratio.max() / ratio.min() < 2.0  # the errors themselves differ by up to a factor of 100
    assert "no complete error column" in found.noise.text
