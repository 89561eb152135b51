from __future__ import annotations

import numpy as np
import pytest

from metagenx.fitting.problem import FunctionProblem
from metagenx.fitting.restarts import run_restarts, same_minimum
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

SETTINGS = Settings(use_stagnation=True, pop_mult=5)


def streams(run):
    return initial_stream(3, "test", run), moves_stream(3, SETTINGS.hash(), "test", run)


def two_basins(vectors):
    """Minimum 1 in a narrow basin at 0.9, minimum 1.2 in a wide one at −0.5."""
    narrow = 1.0 + 8.0 * ((vectors - 0.9) ** 2).sum(axis=1)
    wide = 1.2 + 0.5 * ((vectors + 0.5) ** 2).sum(axis=1)
    return np.minimum(narrow, wide)


PROBLEM = FunctionProblem(two_basins, [[-2.0, 2.0]] * 3, start=[-0.5] * 3, vectorised=True)


def test_restarts_find_what_one_run_misses_and_say_how_many_did():
    fit = run_restarts(PROBLEM, SETTINGS, streams=streams, max_evaluations=30_000)
    assert fit.evaluations <= 30_000
    assert fit.evaluations > 29_000
    assert fit.best.fom == pytest.approx(1.0, abs=0.01)
    ends = [round(run.fom, 1) for run in fit.complete]
    assert set(ends) == {1.0, 1.2}
    assert fit.n_same == ends.count(1.0)
    assert fit.reached is None
    assert sum(run.state is not None for run in fit.runs) == 1
    assert fit.best.state is not None


def test_runs_are_those_of_their_streams_alone():
    fit = run_restarts(PROBLEM, SETTINGS, streams=streams, max_evaluations=10**6, max_runs=3)
    assert len(fit.runs) == 3
    initial, moves = streams(2)
    alone = run_fit(PROBLEM, SETTINGS.replace(use_start_guess=False), initial=initial, moves=moves)
    assert (fit.runs[2].fom, fit.runs[2].trace) == (alone.fom, alone.trace)
    assert fit.runs[0].trace[0][1] <= two_basins(np.full((1, 3), -0.5))[0]  # the first has the start guess


def test_a_target_ends_the_restarts():
    fit = run_restarts(PROBLEM, SETTINGS, streams=streams, max_evaluations=100_000, target=1.01)
    assert fit.reached
    assert fit.runs[-1].stop == "target"
    assert all(run.fom > 1.01 for run in fit.runs[:-1])
    evaluations, fom = fit.trace[-1]
    assert fom == fit.best.fom
    assert fit.evaluations - fit.runs[-1].evaluations < evaluations <= fit.evaluations
    missed = run_restarts(PROBLEM, SETTINGS, streams=streams, max_evaluations=5_000, target=0.5)
    assert missed.reached is False


def test_a_cutoff_of_the_settings_holds_for_each_run():
    fit = run_restarts(PROBLEM, SETTINGS.replace(max_evaluations=200), streams=streams, max_evaluations=1_000)
    assert [run.stop for run in fit.runs] == ["cutoff"] * len(fit.runs)
    assert max(run.evaluations for run in fit.runs) <= 200
    assert fit.complete == fit.runs[:-1]  # the last one had only what was left


def test_interruption_and_failure_end_the_restarts():
    calls = iter(range(10**6))
    fit = run_restarts(PROBLEM, SETTINGS, streams=streams, max_evaluations=10**6, should_stop=lambda: next(calls) > 200)
    assert fit.runs[-1].stop == "interrupted"
    nothing = FunctionProblem(lambda v: np.full(len(v), np.nan), [[0, 1]] * 2, vectorised=True)
    failed = run_restarts(nothing, SETTINGS, streams=streams, max_evaluations=10**6)
    assert [run.stop for run in failed.runs] == ["failed"]
    assert np.isnan(failed.best.fom)


def test_the_same_minimum_needs_fom_and_parameters():
    fit = run_restarts(PROBLEM, SETTINGS, streams=streams, max_evaluations=10**6, max_runs=1)
    best = fit.best
    import dataclasses

    near = dataclasses.replace(best, fom=best.fom * 1.009)
    far = dataclasses.replace(near, values=best.values + 4 * np.maximum(-best.error_low, best.error_high))
    worse = dataclasses.replace(best, fom=best.fom * 1.011)
    assert [same_minimum(run, best) for run in (best, near, far, worse)] == [True, True, False, False]
    unknown = dataclasses.replace(best, error_low=best.error_low * np.nan, error_high=best.error_high * np.nan)
    assert same_minimum(far, unknown)
