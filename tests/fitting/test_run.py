from __future__ import annotations

import numpy as np
import pytest
from fitting_problems import rosenbrock, rosenbrock_problem, sphere, sphere_problem

from metagenx.errors import InputError, ScriptError
from metagenx.fitting import error_bars, trace
from metagenx.fitting.checkpoint import from_bytes, to_bytes
from metagenx.fitting.problem import FunctionProblem, Problem
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

SETTINGS = Settings(use_stagnation=True, pop_mult=5)


def streams(repeat=0, settings=SETTINGS):
    return {
        "initial": initial_stream(3, "test", repeat),
        "moves": moves_stream(3, settings.hash(), "test", repeat),
    }


def same(a, b):
    assert (a.fom, a.evaluations, a.generations, a.stop, a.trace) == (
        b.fom,
        b.evaluations,
        b.generations,
        b.stop,
        b.trace,
    )
    for name in ("values", "fom_log", "error_low", "error_high"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_result_says_everything():
    ticks = iter(range(100_000))
    result = run_fit(sphere_problem(3), SETTINGS, **streams(), clock=lambda: float(next(ticks)))
    assert result.names == ("x0", "x1", "x2")
    np.testing.assert_allclose(result.values, [0.1, 0.2, 0.3], atol=0.02)
    assert result.fom == sphere(result.values[None])[0]
    assert (result.stop, result.failure) == ("stagnation", None)
    assert result.evaluations == 15 + 16 * result.generations
    np.testing.assert_array_equal(result.fom_log[:, 0], np.arange(result.generations + 1))
    assert result.fom_log[-1, 1] == result.fom == result.trace[-1][1]
    assert result.seconds > 0
    assert isinstance(sphere_problem(3), Problem)


def test_the_same_streams_give_the_same_fit():
    same(run_fit(sphere_problem(), SETTINGS, **streams()), run_fit(sphere_problem(), SETTINGS, **streams()))
    other = run_fit(sphere_problem(), SETTINGS, **streams(1))
    assert other.fom != run_fit(sphere_problem(), SETTINGS, **streams()).fom


def test_error_bars_span_what_lies_below_the_level():
    problem = sphere_problem(2)
    result = run_fit(problem, SETTINGS.replace(errorbar_level=1.04, stagnation_generations=60), **streams())
    # FOM 1 + Σ(x − c)² below 1.04: a circle of radius 0.2, of which the scan sees the inside
    assert np.all((result.error_low < -0.1) & (result.error_low > -0.201))
    assert np.all((result.error_high > 0.1) & (result.error_high < 0.201))
    table = result.table
    assert list(table.columns) == ["name", "value", "error low", "error high", "min", "max", "at limit"]
    assert list(table["at limit"]) == ["", ""]


def test_error_bars_are_unknown_where_the_level_means_nothing():
    vectors, foms = np.zeros((5, 2)), np.array([1.0, 2, 3, 4, 5])
    for best in (0.0, -1.0, np.nan):
        low, high = error_bars.scan(vectors, foms, np.zeros(2), best, 1.05)
        assert np.isnan([low, high]).all()
    assert np.isnan(error_bars.scan(vectors, foms, np.zeros(2), 1.0, 1.05)).all()
    low, high = error_bars.scan(
        np.array([[1.0, 5.0], [3.0, 5.5], [9.0, 9.0]]), foms[:3], np.array([2.0, 5.0]), 1.0, 2.5
    )
    np.testing.assert_array_equal([low, high], [[-1.0, 0.0], [1.0, 0.5]])


def test_values_at_a_limit_are_named():
    problem = FunctionProblem(sphere, [[0.5, 2.0], [-2.0, 0.0], [-2.0, 2.0]], vectorised=True)
    result = run_fit(problem, SETTINGS, **streams())
    assert result.at_limit == ["min", "max", ""]


def test_the_target_ends_a_fit():
    whole = run_fit(rosenbrock_problem(), SETTINGS, **streams())
    target = whole.trace[len(whole.trace) // 2][1]
    result = run_fit(rosenbrock_problem(), SETTINGS, **streams(), target=target)
    assert result.stop == "target"
    assert result.fom <= target
    assert result.trace == whole.trace[: len(result.trace)]
    assert result.evaluations < whole.evaluations
    at_once = run_fit(rosenbrock_problem(), SETTINGS, **streams(), target=1e9)
    assert (at_once.stop, at_once.evaluations) == ("target", 20)


@pytest.mark.parametrize("scheme", ["best_1_bin", "simplex_best_1_bin"])
def test_an_interrupted_fit_goes_on_as_if_nothing_had_been(scheme):
    settings = SETTINGS.replace(create_trial=scheme)
    whole = run_fit(rosenbrock_problem(), settings, **streams())
    asked = iter(range(10**6))
    part = run_fit(rosenbrock_problem(), settings, **streams(), should_stop=lambda: next(asked) >= 17)
    assert part.stop == "interrupted"
    assert part.evaluations < whole.evaluations
    assert part.state is not None
    same(run_fit(rosenbrock_problem(), settings, state=from_bytes(to_bytes(part.state))), whole)


def test_every_generation_is_announced_once():
    seen = []
    result = run_fit(
        rosenbrock_problem(),
        SETTINGS.replace(create_trial="simplex_best_1_bin"),
        **streams(),
        on_generation=lambda state: seen.append((state.generation, state.best_fom)),
    )
    np.testing.assert_array_equal(seen, result.fom_log)


def test_another_start_guess():
    start = np.full(5, -1.9)
    assert run_fit(sphere_problem(start=start), SETTINGS, **streams()).fom == (
        run_fit(sphere_problem(), SETTINGS, **streams(), start=start).fom
    )
    with pytest.raises(InputError, match="outside the bounds"):
        run_fit(sphere_problem(), SETTINGS, **streams(), start=np.full(5, 9.0))
    with pytest.raises(InputError, match="streams"):
        run_fit(sphere_problem(), SETTINGS)


def test_a_script_that_fails_ends_the_fit_and_keeps_what_it_has():
    calls = 0

    class Failing(FunctionProblem):
        def evaluate(self, vectors):
            nonlocal calls
            calls += 1
            if calls == 4:
                raise ScriptError("division by zero", where="film.hgx, script line 12")
            return super().evaluate(vectors)

    result = run_fit(Failing(rosenbrock, [[-2, 3]] * 4, vectorised=True), SETTINGS, **streams())
    assert (result.stop, result.generations) == ("failed", 2)
    assert "line 12" in result.failure
    assert np.isfinite(result.fom)


def test_nothing_but_nan_is_a_failure_with_the_reason_of_the_model():
    class Nothing(FunctionProblem):
        last_failure = "the layer Fe has a negative density"

    problem = Nothing(lambda vectors: np.full(len(vectors), np.nan), [[0, 1]] * 2, vectorised=True)
    result = run_fit(problem, SETTINGS, **streams())
    assert (result.stop, result.evaluations, result.generations) == ("failed", 10, 0)
    assert "negative density" in result.failure
    assert np.isnan(result.fom)
    assert result.trace == ()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda vectors: 1 / 0, "ZeroDivisionError"),
        (lambda vectors: vectors, "shape"),
        (lambda vectors: ["a"] * len(vectors), "raised ValueError"),
    ],
)
def test_a_function_that_does_not_work_is_explained(function, message):
    result = run_fit(FunctionProblem(function, [[0, 1]] * 2, vectorised=True), SETTINGS, **streams())
    assert result.stop == "failed"
    assert message in result.failure


def test_functions_of_one_vector():
    plain = FunctionProblem(lambda x: float(((x - 0.5) ** 2).sum() + 1.0), [[0, 1]] * 3)
    result = run_fit(plain, SETTINGS, **streams())
    assert result.fom == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(InputError, match="2 names for 3"):
        FunctionProblem(sphere, [[0, 1]] * 3, names=["a", "b"])
    with pytest.raises(InputError, match="bounds"):
        FunctionProblem(sphere, [[1, 0]] * 3)


def test_a_long_trace_is_thinned_but_never_too_early():
    rng = np.random.default_rng(0)
    whole = [(i + 1, fom) for i, fom in enumerate(np.sort(rng.random(trace.TRACE_LIMIT + 1))[::-1].tolist())]
    thin = trace.thinned_trace(whole)
    assert len(thin) == trace.TRACE_LIMIT // 2
    assert (thin[0], thin[-1]) == (whole[0], whole[-1])
    assert set(thin) <= set(whole)
    assert trace.thinned_trace(whole[:-1]) == whole[:-1]
    log = [(i, 1.0 / (i + 1)) for i in range(trace.LOG_LIMIT + 1)]
    assert len(trace.thinned_log(log)) <= trace.LOG_LIMIT // 2 + 2
    assert trace.thinned_log(log)[-1] == log[-1]
