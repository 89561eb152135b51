"""The strategy auto: polish, jumps, restarts that end when they agree."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from data_problems import CurveProblem
from fitting_problems import sphere_problem
from hypothesis import given
from hypothesis import strategies as st

import metagenx
from metagenx.fitting import checkpoint, de
from metagenx.fitting.auto import PolishBest, Strategy, improver, luby
from metagenx.fitting.domain_moves import different, kinds, redrawn, thickness_jumps, thicknesses
from metagenx.fitting.polish import polish
from metagenx.fitting.problem import FunctionProblem
from metagenx.fitting.restarts import run_restarts
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream
from metagenx.meta.families import sample

X = np.linspace(0.0, 1.0, 40)


def waves(power: int = 1) -> CurveProblem:
    """a + b·sin(c·x) with noise: many minima in c."""
    noise = 0.01 * np.random.default_rng(5).standard_normal(len(X))
    y = 0.3 + 1.2 * np.sin(17.0 * X) + noise
    return CurveProblem(
        lambda v: v[:, :1] + v[:, 1:2] * np.sin(v[:, 2:] * X), y, [(-1.0, 1.0), (0.2, 3.0), (1.0, 60.0)], power=power
    )


def streams(seed: int = 0):
    return lambda run: (initial_stream(seed, "data", run), moves_stream(seed, "x", "data", run))


def test_the_sequence_of_luby():
    assert [luby(n) for n in range(1, 16)] == [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]


@pytest.mark.parametrize("power", [1, 2])
def test_a_polish_reaches_the_minimum_and_counts_what_it_evaluates(power):
    problem = waves(power)
    start = np.array([0.0, 1.0, 16.0])
    fom = float(problem.evaluate(start[None])[0])
    problem.n_evaluated = 0
    found = polish(problem, start, fom, improvement=1e-6)
    assert found.evaluations == len(found.foms) == problem.n_evaluated
    assert found.converged
    np.testing.assert_allclose(found.vector, [0.3, 1.2, 17.0], atol=0.05)
    truth = float(problem.evaluate(np.array([[0.3, 1.2, 17.0]]))[0])
    assert found.fom <= truth * 1.02
    assert found.fom == problem.evaluate(found.vector[None])[0] == found.foms.min()
    np.testing.assert_allclose(found.foms, problem.evaluate(found.vectors), rtol=1e-9)


def test_a_polish_stays_inside_the_limits_and_within_its_evaluations():
    problem = waves()
    problem.bounds[2] = [10.0, 16.5]  # the minimum lies outside
    start = np.array([0.0, 1.0, 15.5])
    found = polish(problem, start, float(problem.evaluate(start[None])[0]))
    assert (found.vectors >= problem.bounds[:, 0]).all()
    assert (found.vectors <= problem.bounds[:, 1]).all()
    assert found.vector[2] == pytest.approx(16.5, abs=1e-3)
    for limit in (0, 5, 8, 17):
        short = polish(problem, start, 1.0, max_evaluations=limit)
        assert short.evaluations <= limit + 1


def test_a_prior_pulls_a_polish():
    known = CurveProblem(
        lambda v: v[:, :1] + 0.0 * X, np.full(len(X), 1.0), [(-5.0, 5.0)], power=2,
        prior=lambda v: (v - 0.0) / 0.1, prior_weights=(1.0,),
    )  # fmt: skip
    found = polish(known, np.array([3.0]), float(known.evaluate(np.array([[3.0]]))[0]), improvement=1e-9)
    # minimum of 40 (1 − a)²/39 + 100 a²
    assert found.vector[0] == pytest.approx((40 / 39) / (40 / 39 + 100.0), rel=1e-3)


def test_thicknesses_are_known_by_their_names_only():
    names = ("Fe.setD", "Fe.setDens", "cp.setLambda", "Pt.setD", "inst.setI0")
    assert thicknesses(names) == (0, 3)
    bounds = np.array([[10.0, 30.0], [1.0, 2.0], [5.0, 6.0], [20.0, 60.0], [0.5, 2.0]])
    vector = np.array([12.0, 1.5, 5.5, 50.0, 1.0])
    jumps = thickness_jumps(vector, names, bounds, np.random.default_rng(0), points=10)
    assert jumps.shape == (30, 5)
    assert (jumps >= bounds[:, 0]).all()
    assert (jumps <= bounds[:, 1]).all()
    np.testing.assert_array_equal(jumps[:, [1, 2, 4]], np.tile(vector[[1, 2, 4]], (30, 1)))
    np.testing.assert_allclose(jumps[20:, 0] + jumps[20:, 3], 62.0)  # moved from one to the other
    assert np.ptp(jumps[:10, 0]) > 16.0  # all over its range
    assert len(thickness_jumps(vector, ("a", "b", "c", "d", "e"), bounds, np.random.default_rng(0))) == 0


def test_parameters_of_one_kind_are_drawn_anew_together():
    names = ("Fe.setD", "Fe.setSigma", "cp.setLambda", "Pt.setSigma", "inst.setI0", "Pt.setD", "a", "b")
    assert kinds(names) == ((1, 3),)
    bounds = np.tile([2.0, 4.0], (8, 1))
    found = redrawn(np.full(8, 3.0), (1, 3), bounds, np.random.default_rng(0), points=50)
    assert found.shape == (100, 8)
    np.testing.assert_array_equal(np.delete(found, (1, 3), axis=1), 3.0)
    drawn = found[:, [1, 3]]
    assert drawn.min() >= 2.0
    assert drawn.max() <= 4.0
    assert (np.ptp(drawn, axis=0) > 1.8).all()
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.4  # not moved together


def test_the_cutoff_of_a_small_problem_leaves_time_to_converge():
    strategy = Strategy()
    two = strategy.settings_of(Settings(), frozenset(), 0, 2)
    assert two.evaluation_limit(2) == strategy.generations * two.population_size(2)
    assert strategy.settings_of(Settings(), frozenset(), 2, 2).evaluation_limit(2) == 2 * two.evaluation_limit(2)
    assert strategy.settings_of(Settings(), frozenset(), 0, 14).evaluation_limit(14) == 10 * 14**3
    assert strategy.settings_of(Settings(), frozenset({"max_evaluation_mult"}), 0, 2).max_evaluation_mult == 0.0


@given(st.integers(0, 2**32 - 1))
def test_landings_are_apart_and_the_best_of_their_surroundings(seed):
    rng = np.random.default_rng(seed)
    vectors, foms, bounds = rng.random((30, 3)), rng.random(30), np.tile([0.0, 1.0], (3, 1))
    rows = different(vectors, foms, vectors[0], bounds, count=4)
    assert 0 not in rows
    assert list(foms[rows]) == sorted(foms[rows])
    for a, b in itertools.combinations(rows, 2):
        assert np.abs(vectors[a] - vectors[b]).max() >= 0.05


def test_runs_are_polished_counted_and_reproducible():
    problem, strategy = waves(), Strategy()
    settings = strategy.settings_of(Settings(use_start_guess=False), frozenset(), 0)
    problem.n_evaluated = 0
    runs = [
        run_restarts(
            problem, settings, streams=streams(), max_runs=3, improve_of=lambda k: improver(problem, strategy, k)
        )
        for _ in range(2)
    ]
    assert runs[0].evaluations + runs[1].evaluations == problem.n_evaluated
    for a, b in zip(*(r.runs for r in runs), strict=True):
        assert (a.fom, a.evaluations, a.trace) == (b.fom, b.evaluations, b.trace)
        foms = [fom for _, fom in a.trace]
        assert all(x > y for x, y in itertools.pairwise(foms))
        assert (foms[-1], a.fom_log[-1, 1]) == (a.fom, a.fom)
        assert a.fom == problem.evaluate(a.values[None])[0]
        assert a.evaluations >= a.trace[-1][0]


@pytest.mark.parametrize("greedy", [True, False])
def test_an_interrupted_run_goes_on_as_if_undisturbed(greedy):
    problem = waves()
    settings = Settings(use_stagnation=True, use_start_guess=False)
    improve = PolishBest(5, 1e-3, greedy=greedy, jumps=2)
    initial, moves = streams(4)(0)
    whole = run_fit(problem, settings, initial=initial, moves=moves, improve=improve)
    initial, moves = streams(4)(0)
    calls = itertools.count()
    part = run_fit(
        problem, settings, initial=initial, moves=moves, improve=improve, should_stop=lambda: next(calls) == 12
    )
    assert part.stop == "interrupted"
    assert part.fom <= part.fom_log[0, 1]
    resumed = run_fit(problem, settings, improve=improve, state=checkpoint.from_bytes(checkpoint.to_bytes(part.state)))
    assert (resumed.fom, resumed.evaluations, resumed.trace) == (whole.fom, whole.evaluations, whole.trace)


@pytest.mark.parametrize("limit", [20, 50, 77, 150, 400])
def test_polish_and_jumps_respect_the_cutoff(limit):
    problem = waves()
    settings = Settings(max_evaluations=limit, use_start_guess=False)
    initial, moves = streams(1)(0)
    run = run_fit(problem, settings, initial=initial, moves=moves, improve=PolishBest(2, 1e-3, greedy=True, jumps=3))
    assert run.evaluations <= limit


def test_a_target_ends_a_run_wherever_it_is_met():
    problem = waves()
    best = run_restarts(
        problem, Settings(use_stagnation=True), streams=streams(), max_runs=4,
        improve_of=lambda k: improver(problem, Strategy(), k),
    ).best  # fmt: skip
    for seed in range(3):
        found = run_restarts(
            problem, Settings(use_stagnation=True), streams=streams(seed), target=best.fom * 1.01,
            improve_of=lambda k: improver(problem, Strategy(), k), max_evaluations=20_000,
        )  # fmt: skip
        assert found.reached
        assert found.runs[-1].stop == "target"


def test_what_is_kept_aside_does_not_move_the_population():
    problem = waves()
    settings = Settings(use_start_guess=False, max_generations=11, use_max_generations=True, check_interval=0)

    def populations(improve):
        seen = []
        initial, moves = streams(2)(0)
        run_fit(problem, settings, initial=initial, moves=moves, improve=improve,
                on_generation=lambda state: seen.append(state.population.copy()))  # fmt: skip
        return np.array(seen[:11])

    plain = populations(None)
    np.testing.assert_array_equal(populations(PolishBest(3, 1e-3, greedy=False, jumps=0)), plain)
    assert not np.array_equal(populations(PolishBest(3, 1e-3, greedy=True, jumps=0)), plain)


def test_the_user_has_the_last_word_on_settings():
    strategy = Strategy()
    settings = Settings(stagnation_generations=99)
    assert strategy.settings_of(settings, frozenset(), 2).stagnation_generations == 99
    settings = Settings()
    assert strategy.settings_of(settings, frozenset({"stagnation_generations"}), 2).stagnation_generations == 20
    assert strategy.settings_of(settings, frozenset(), 2).stagnation_generations == 2 * strategy.patience
    fit = metagenx.fit(waves(), settings=Settings(), use_stagnation=False, max_runs=1, budget=700)
    assert fit.settings.use_stagnation is False


def test_a_fit_ends_when_its_runs_agree_and_says_so():
    problem = waves()
    fit = metagenx.fit(problem, seed=3, settings=Settings(pop_mult=10.0))
    assert len(fit.restarts.complete) == Strategy().enough_runs == 11
    assert fit.reached
    np.testing.assert_allclose(fit.values, [0.3, 1.2, 17.0], atol=0.05)
    assert "runs ended in the same minimum" in fit.verdict
    problem.n_evaluated = 0
    again = metagenx.fit(problem, seed=3, settings=Settings(pop_mult=10.0))
    assert again.evaluations == problem.n_evaluated == fit.evaluations


def test_a_search_without_agreement_says_that_it_failed():
    def rastrigin(vectors):
        return 1.0 + (vectors**2 - 10.0 * np.cos(2.0 * np.pi * vectors) + 10.0).sum(axis=1)

    problem = FunctionProblem(rastrigin, [[-5.0, 4.0]] * 6, vectorised=True)
    fit = metagenx.fit(problem, settings=Settings(pop_mult=1.0), max_runs=2)
    assert not fit.reached
    assert "so the search has failed" in fit.verdict


def test_a_problem_without_data_gets_restarts_only():
    assert improver(sphere_problem(2), Strategy(), 0) is None


def test_samples_have_a_known_truth_and_are_ordinary_files(tmp_path):
    made = sample("M2", 1)
    assert (len(made.truth), made.held_out, sample("L3", 5).held_out) == (9, False, True)
    problem = made.model.problem()
    assert problem.path == "population"
    assert (made.truth > problem.bounds[:, 0]).all()
    assert (made.truth < problem.bounds[:, 1]).all()
    at_truth, at_start = problem.evaluate(np.vstack([made.truth, problem.start]))
    assert at_truth < 0.02 < at_start
    again = metagenx.load(made.model.save(tmp_path / "m2.hgx")).problem()
    assert again.evaluate(made.truth[None])[0] == at_truth
    np.testing.assert_array_equal(sample("M2", 1).truth, made.truth)
    assert not np.array_equal(sample("M2", 2).truth, made.truth)
    assert {len(sample(f, 0).truth) for f in ("L3", "ML")} == {12, 14}
    with pytest.raises(metagenx.errors.InputError, match="no sample 0 of a family"):
        sample("M9", 0)


def test_a_simulated_film_is_found():
    problem = sample("M2", 0).model.problem()
    fit = metagenx.fit(problem, seed=1, settings=Settings(use_start_guess=False), max_runs=4)
    truth = sample("M2", 0).truth
    assert fit.fom < float(problem.evaluate(truth[None])[0])
    errors = fit.error_bars.covariance.errors
    away = np.abs(fit.values - truth) / errors
    assert np.nanmax(np.where(np.isfinite(away), away, 0.0)) < 4.5


def test_states_of_a_polish_are_stored():
    state = de.begin(
        Settings(), np.tile([0.0, 1.0], (2, 1)), initial=np.random.default_rng(0), moves=np.random.default_rng(1)
    )
    de.tell(state, np.arange(6.0) + 5.0)
    de.take_in(state, np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([4.0, np.nan]), untold=3)
    assert (state.evaluations, state.answer[1], state.best_fom, state.trace[-1]) == (11, 4.0, 5.0, (10, 4.0))
    again = checkpoint.from_bytes(checkpoint.to_bytes(state))
    np.testing.assert_array_equal(again.polished, [0.1, 0.2])
    assert (again.polished_fom, again.polished_from) == (4.0, np.inf)
    de.adopt(again)
    assert (again.best_fom, again.foms.min()) == (4.0, 4.0)
    assert dataclasses.replace(again).answer[1] == 4.0
