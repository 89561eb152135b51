from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest
from fitting_problems import rosenbrock, sphere, sphere_problem

import metagenx
from metagenx.errors import ConfigError, InputError
from metagenx.fitting.api import evaluations_of_full_run, planned
from metagenx.fitting.interrupt import stop_on_ctrl_c
from metagenx.fitting.problem import FunctionProblem
from metagenx.fitting.settings import Settings

QUICK = Settings(max_generation_mult=2.0, use_stagnation=True)


def test_a_fit_restarts_within_the_budget_that_the_settings_imply():
    settings = Settings()
    fit = metagenx.fit(sphere_problem(3), seed=5, settings=settings)
    budget = evaluations_of_full_run(settings, 3)
    assert budget == 9 * (162 + 1) + 162
    assert budget - 2 * 9 - 1 <= fit.evaluations <= budget
    assert fit.fom == pytest.approx(1.0, abs=1e-3)
    assert fit.restarts.runs[0].start_fom == sphere(np.full((1, 3), 0.5))[0]
    assert "(start 1.29)" in fit.verdict
    assert len(fit.restarts.runs) > 1
    assert list(fit.table["name"]) == ["x0", "x1", "x2"]
    assert "runs ended in the same minimum" in fit.verdict
    assert "\n" not in fit.verdict


def test_as_in_the_file_is_one_run_to_its_end():
    fit = metagenx.fit(sphere_problem(3), seed=5, settings=Settings(max_generation_mult=2.0), as_in_file=True)
    assert [run.stop for run in fit.restarts.runs] == ["max generations"]
    assert (fit.result.generations, fit.evaluations) == (54, evaluations_of_full_run(QUICK, 3))
    assert fit.settings.use_stagnation is False
    assert "one run" in fit.verdict


def test_a_seed_decides_everything():
    a, b, c = (metagenx.fit(sphere_problem(3), seed=seed, settings=QUICK) for seed in (1, 1, 2))
    assert (a.fom, a.evaluations, a.values.tolist()) == (b.fom, b.evaluations, b.values.tolist())
    assert a.fom != c.fom
    with pytest.raises(InputError, match="seed"):
        metagenx.fit(sphere_problem(3), seed=-1)


def test_single_settings_may_be_given_and_are_checked():
    fit = metagenx.fit(sphere_problem(3), settings=QUICK, create_trial="jade_best", max_runs=2, budget=5_000)
    assert fit.settings.create_trial == "jade_best"
    assert len(fit.restarts.runs) == 2
    with pytest.raises(ConfigError, match="did you mean km"):
        metagenx.fit(sphere_problem(3), kmm=0.5)
    with pytest.raises(InputError, match="budget"):
        metagenx.fit(sphere_problem(3), budget=0)


def test_target_and_budget():
    fit = metagenx.fit(sphere_problem(3), settings=QUICK, target=1.5)
    assert fit.stop == "target"
    assert "target 1.5 reached" in fit.verdict
    fit = metagenx.fit(sphere_problem(3), settings=QUICK, target=0.9, budget=200)
    assert "target 0.9 not reached" in fit.verdict
    assert fit.evaluations <= 200


def test_a_problem_without_a_fom_is_an_error_of_the_user():
    with pytest.raises(InputError, match="could not start"):
        metagenx.fit(FunctionProblem(lambda v: np.full(len(v), np.nan), [[0, 1]] * 2, vectorised=True))
    with pytest.raises(InputError, match=r"metagenx\.load"):
        metagenx.fit("film.hgx")
    with pytest.raises(InputError, match="GenX file"):
        metagenx.fit(sphere_problem(2), settings=QUICK).save("film.hgx")


def test_a_failure_on_the_way_is_in_the_verdict():
    calls = iter(range(10**6))

    def failing(vectors):
        if next(calls) == 5:
            raise ValueError("layer without thickness")
        return rosenbrock(vectors)

    fit = metagenx.fit(FunctionProblem(failing, [[-2, 3]] * 3, vectorised=True), settings=QUICK)
    assert fit.stop == "failed"
    assert "layer without thickness" in fit.verdict


def test_a_plan_says_what_a_fit_would_cost():
    problem = sphere_problem(3)
    plan = planned(problem, settings=QUICK, create_trial="jade_best")
    fit = metagenx.fit(problem, settings=QUICK, create_trial="jade_best")
    assert plan["evaluations"] - 19 <= fit.evaluations <= plan["evaluations"]
    assert plan["text"].startswith("jade_best, km 0.7, kr 0.7, population 9, restarts after stagnation")
    assert planned(problem, settings=QUICK, as_in_file=True)["fits"] == 1
    assert planned(problem, budget=77)["evaluations"] == 77
    assert plan["seconds"] > 0


def test_a_fit_knows_whether_it_got_there():
    problem = sphere_problem(3)
    assert metagenx.fit(problem, settings=Settings()).reached
    assert metagenx.fit(problem, settings=QUICK, as_in_file=True).reached
    assert not metagenx.fit(problem, settings=QUICK, max_runs=1).reached  # nothing to agree with
    assert not metagenx.fit(problem, settings=QUICK, target=0.5, budget=100).reached
    assert metagenx.fit(problem, settings=QUICK, target=1.5).reached


def test_ctrl_c_ends_a_fit_and_keeps_what_it_has():
    calls = iter(range(10**6))

    def interrupted(vectors):
        if next(calls) == 10:
            os.kill(os.getpid(), signal.SIGINT)
        return rosenbrock(vectors)

    fit = metagenx.fit(FunctionProblem(interrupted, [[-2, 3]] * 3, vectorised=True), settings=QUICK)
    assert fit.stop == "interrupted"
    assert np.isfinite(fit.fom)
    assert fit.result.state is not None
    assert "stopped by request" in fit.verdict
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_stops_at_once():
    def press_twice():
        with stop_on_ctrl_c() as asked:
            os.kill(os.getpid(), signal.SIGINT)
            assert asked()
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_fit_runs_outside_the_main_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(metagenx.fit(sphere_problem(2), settings=QUICK)))
    thread.start()
    thread.join()
    assert results[0].fom == metagenx.fit(sphere_problem(2), settings=QUICK).fom


def test_a_fitted_file_is_saved_with_values_errors_and_course(shared, tmp_path):
    model = metagenx.load(shared / "genx_files" / "SuperAdam_SiO.hgx")
    before = model.parameters
    fit = metagenx.fit(model, seed=3, budget=600, kr=0.5)
    assert fit.settings.km == 0.6  # the file's
    assert fit.fom < model.fom()
    assert fit.restarts.runs[0].start_fom == pytest.approx(model.fom(), rel=1e-12)
    path = fit.save(tmp_path / "fitted.hgx")
    again = metagenx.load(path)
    assert again.fom() == pytest.approx(fit.fom, rel=1e-12)
    fitted = again.parameters.set_index("name").loc[list(fit.names)]
    np.testing.assert_array_equal(fitted["value"], fit.values)
    assert all(text == "-" or text.startswith("(") for text in fitted["error"])
    np.testing.assert_array_equal(again.file.optimizer.fom_log, fit.result.fom_log)
    np.testing.assert_array_equal(again.file.optimizer.start_guess, model.problem().start)
    assert (again.options["kr"], again.options["km"], again.options["pop_size"]) == (0.5, 0.6, 50)
    # The model that was fitted is as it was.
    assert model.parameters.equals(before)
