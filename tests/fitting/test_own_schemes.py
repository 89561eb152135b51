"""L-SHADE, jSO and CMA-ES as runs: budgets, bounds, stops, checkpoints; population size reduction of GenX's schemes."""

from __future__ import annotations

import numpy as np
import pytest
from fitting_problems import rosenbrock, sphere
from hypothesis import given, settings
from hypothesis import strategies as st
from test_de import begun, fingerprint, finished

import metagenx
from metagenx.errors import ConfigError
from metagenx.fitting import de
from metagenx.fitting.api import evaluations_of_full_run, fit
from metagenx.fitting.checkpoint import from_bytes, to_bytes
from metagenx.fitting.population_reduction import planned_size, survivors
from metagenx.fitting.problem import FunctionProblem
from metagenx.fitting.schemes import OWN_SCHEMES, SCHEMES
from metagenx.fitting.settings import Settings, overrides_from_text

LEARNING = ("l_shade", "jso")


def rastrigin(vectors):
    x = vectors - 0.3
    return 1.0 + (x * x - 10 * np.cos(2 * np.pi * x) + 10).sum(axis=1)


def own(scheme, seed=1, **changes):
    """A run of 20 members to begin with and 2000 evaluations, if nothing else is said."""
    budget = {"max_evaluations": 2000, "use_max_generations": False, "max_generation_mult": 1e5}
    return begun(scheme, seed, **{"use_paper_population": False, **budget, **changes})


def exact(state):
    """All that a run consists of, the parts of its scheme included."""
    parts = [None if p is None else {k: np.asarray(v).tolist() for k, v in vars(p).items()}
             for p in (state.history, state.cma)]  # fmt: skip
    return repr((fingerprint(state), parts, state.rng.bit_generator.state))


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_the_best_is_the_best_of_all_evaluated_and_inside(scheme):
    state = own(scheme)
    seen_vectors, seen = [], []
    while state.stop is None:
        asked = state.candidates.copy()
        told = rosenbrock(asked)
        seen_vectors.append(asked)
        seen.append(told)
        assert np.all((asked >= -2.0) & (asked <= 3.0))
        de.tell(state, told)
        assert state.best_fom == min(foms.min() for foms in seen)
    everything = np.concatenate(seen)
    assert state.evaluations == len(everything) <= 2000
    assert state.evaluations > 2000 - 2 * 20 * 8
    np.testing.assert_array_equal(state.best, np.concatenate(seen_vectors)[np.argmin(everything)])
    np.testing.assert_array_equal(state.foms, rosenbrock(state.population))
    assert state.stop == "cutoff"
    assert state.trace[-1][1] == state.best_fom
    foms = [fom for _, fom in state.trace]
    assert foms == sorted(foms, reverse=True)


@pytest.mark.parametrize("scheme", LEARNING)
def test_members_only_get_better_and_equal_ones_move(scheme):
    state = own(scheme, check_interval=0)
    lowest = np.inf
    while state.stop is None:
        before = np.sort(state.foms)
        finished_one(state, rosenbrock)
        assert np.all(np.sort(state.foms) <= before[: len(state.foms)])
        assert state.foms.min() == state.best_fom <= lowest
        lowest = state.best_fom
    flat = own(scheme, check_interval=0)
    finished_one(flat, lambda x: np.ones(len(x)))
    first = flat.population.copy()
    finished_one(flat, lambda x: np.ones(len(x)))
    assert (flat.population != first[: len(flat.population)]).any()  # a plateau is walked on
    assert len(flat.history.archive) == 0  # but nothing is learnt from it


def finished_one(state, function):
    de.tell(state, function(de.ask(state)))


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_equal_streams_give_equal_runs_and_batches_may_be_split(scheme):
    def one_by_one(vectors):
        return np.concatenate([rosenbrock(vector[None]) for vector in vectors])

    assert exact(finished(own(scheme))) == exact(finished(own(scheme), one_by_one))
    assert exact(finished(own(scheme))) != exact(finished(own(scheme, seed=2)))


@pytest.mark.parametrize("scheme", [*OWN_SCHEMES, "best_1_bin"])
def test_a_run_saved_and_resumed_after_every_batch_is_undisturbed(scheme):
    changes = {"max_evaluations": 500, "pop_size": 8, "population_reduction": True, "cma_restarts": 2}
    changes |= {"use_stagnation": scheme == "cma_es"}
    state = own(scheme, **changes)
    while state.stop is None:
        state = from_bytes(to_bytes(state))
        finished_one(state, rosenbrock)
    assert exact(state) == exact(finished(own(scheme, **changes)))


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_candidates_without_a_finite_fom_never_win(scheme, hole):
    def holed(vectors):
        return np.where(vectors[:, 0] < 0.3, hole, rosenbrock(vectors))

    state = finished(own(scheme), holed)
    assert state.stop == "cutoff"
    assert np.isfinite(state.best_fom)
    assert state.best[0] >= 0.3
    assert np.all(state.population[np.isfinite(state.foms), 0] >= 0.3)
    assert state.best_fom < 10.0


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([*OWN_SCHEMES, "best_1_bin"]), st.integers(1, 900), st.sampled_from([0, 1, 3]))
def test_a_cutoff_is_never_exceeded(scheme, limit, check_interval):
    state = finished(own(scheme, max_evaluations=limit, check_interval=check_interval, population_reduction=True))
    assert state.stop == "cutoff"
    assert state.evaluations <= max(limit, 20)
    assert state.fom_log[-1][1] == state.best_fom
    if limit > 25 and scheme != "cma_es":
        assert state.evaluations > limit - 22


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_bounds_without_width_and_bounds_not_in_force(scheme):
    bounds = np.array([[-2.0, 3.0], [1.0, 1.0], [0.0, 0.2]])
    state = finished(own(scheme, bounds=bounds), sphere)
    assert np.all(state.population[:, 1] == 1.0)
    assert state.best_fom == pytest.approx(1.0 + 0.8**2 + 0.1**2, abs=1e-5)
    outside = np.array([[3.0, 4.0]] * 4)
    assert finished(own(scheme, bounds=outside, use_boundaries=False), sphere).best_fom < 1.01
    at_limit = finished(own(scheme, bounds=outside, max_evaluations=4000), sphere)
    assert at_limit.best == pytest.approx([3.0] * 4, abs=1e-4)


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
@pytest.mark.parametrize("n_dim", [1, 2])
def test_one_and_two_parameters(scheme, n_dim):
    state = finished(own(scheme, bounds=np.array([[-2.0, 3.0]] * n_dim), use_paper_population=True), sphere)
    assert state.best_fom == pytest.approx(1.0, abs=1e-6)
    assert state.settings.population_size(n_dim) >= 4


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_a_target_ends_a_run(scheme):
    whole = finished(own(scheme))
    target = whole.trace[len(whole.trace) // 2][1]
    state = finished(own(scheme, target=target))
    assert state.stop == "target"
    assert state.best_fom <= target
    assert state.trace == whole.trace[: len(state.trace)]


def test_the_start_guess_and_where_cma_es_begins():
    start = np.array([1.0, 1.0, 1.0, 0.9])
    for scheme in OWN_SCHEMES:
        state = own(scheme, start=start)
        np.testing.assert_array_equal(state.candidates[0], start)
    finished_one(state, rosenbrock)
    assert state.cma is not None
    np.testing.assert_allclose(state.cma.mean, (start + 2.0) / 5.0)  # the best of the first population
    assert state.start_fom == rosenbrock(start[None])[0]


# ---------------------------------------------------------------------------------------------------------------
# Population and budget


def test_populations_of_the_papers():
    sizes = {scheme: Settings(create_trial=scheme).population_size(10) for scheme in OWN_SCHEMES}
    assert sizes == {"l_shade": 180, "jso": 182, "cma_es": 10}  # 25 · ln 10 · √10 = 182.03
    for scheme in OWN_SCHEMES:
        settings = Settings(create_trial=scheme, use_paper_population=False, pop_mult=4.0)
        assert settings.population_size(10) == 40
    assert Settings(use_paper_population=True).population_size(10) == 30


def test_the_limit_of_generations_means_the_same_evaluations():
    genx = Settings(check_interval=0)
    budget = genx.evaluation_budget(10)
    assert budget == 30 * (6 * 10 * 30 + 1)
    for scheme in OWN_SCHEMES:
        settings = Settings(create_trial=scheme, check_interval=0)
        assert settings.evaluation_budget(10) == pytest.approx(budget, rel=0.01)
        assert settings.evaluation_budget(10) == evaluations_of_full_run(settings, 10)
        state = finished(begun(scheme, use_paper_population=False, max_generations=30, check_interval=0))
        assert state.stop == "max generations"
        assert 600 < state.evaluations <= 20 * 31
    assert Settings(max_evaluation_mult=2).evaluation_budget(10) == 2000


def test_planned_sizes_by_hand():
    """Equation 10 of the paper for 10 dimensions: from 180 to 4 over 100,000 evaluations."""
    assert [planned_size(180, 4, n / 100_000) for n in (180, 50_000, 75_000, 99_900, 100_000, 100_100)] == [
        180, 92, 48, 4, 4, 4,
    ]  # fmt: skip
    assert planned_size(6, 10, 0.5) == 6  # never grows
    assert survivors(np.array([3.0, np.inf, 1.0, 2.0, 1.0]), 3).tolist() == [2, 3, 4]
    assert survivors(np.array([3.0, np.inf, 1.0]), 9).tolist() == [0, 1, 2]


@pytest.mark.parametrize("scheme", [*LEARNING, *SCHEMES])
def test_the_population_shrinks_along_the_line(scheme):
    state = own(scheme, max_evaluations=3000, population_reduction=True, pop_size=40, min_pop_size=5)
    sizes = []
    while state.stop is None:
        finished_one(state, rosenbrock)
        if state.step == "trials" and state.stop is None and state.generation > len(sizes):
            sizes.append(len(state.population))
            used = state.evaluations / 3000
            assert abs(len(state.population) - (40 - 35 * used)) < 1.0 or scheme == "simplex_best_1_bin"
            assert state.foms.min() == state.best_fom
    assert sizes == sorted(sizes, reverse=True)
    assert len(state.population) in (5, 6)
    assert state.evaluations > 2900


def test_reduction_is_off_by_default_and_costs_no_evaluation():
    kept = finished(begun(max_generations=30))
    reduced = finished(begun(max_generations=30, population_reduction=True))
    assert len(kept.population) == 20
    assert len(reduced.population) == 4
    assert reduced.generation > 30  # more generations for the same evaluations
    assert reduced.evaluations <= kept.evaluations


def test_the_archive_shrinks_with_the_population():
    state = own("l_shade", max_evaluations=6000, pop_size=30)
    largest = 0
    while state.stop is None:
        finished_one(state, rosenbrock)
        largest = max(largest, len(state.history.archive))
    assert 50 < largest <= 78  # 2.6 · 30
    assert len(state.history.archive) <= round(2.6 * len(state.population)) < 16


# ---------------------------------------------------------------------------------------------------------------
# Stagnation and restarts


@pytest.mark.parametrize("scheme", LEARNING)
def test_stagnation_ends_the_learning_schemes(scheme):
    state = finished(own(scheme, use_stagnation=True, max_evaluations=50_000), sphere)
    assert state.stop == "stagnation"
    assert state.best_fom == pytest.approx(1.0, abs=1e-3)


def test_cma_es_restarts_with_more_members_and_then_ends():
    state = own("cma_es", use_stagnation=True, cma_restarts=2, pop_size=6, max_evaluations=200_000)
    sizes = []
    while state.stop is None:
        if state.cma is not None and (not sizes or sizes[-1] != state.cma.n_population):
            sizes.append(state.cma.n_population)
        finished_one(state, rastrigin)
    assert sizes == [6, 12, 24]
    assert state.stop == "stagnation"
    assert state.cma.descent == 2
    rules = {"cma_restarts": 0, "pop_size": 6, "max_evaluations": 200_000}
    single = finished(own("cma_es", use_stagnation=True, **rules), rastrigin)
    assert single.evaluations < state.evaluations
    assert state.best_fom <= single.best_fom
    # Without our rules a descent ends by the tutorial's, long after.
    patient = finished(own("cma_es", **rules), rastrigin)
    assert patient.stop == "stagnation"
    assert patient.evaluations > single.evaluations


def test_idle_generations_of_a_descent_do_not_count_in_the_next():
    """The second descent is worse than the best of the first for long; that alone does not end it."""
    rules = {"stagnation_fom_spread": 0.0, "stagnation_parameter_spread": 0.0, "stagnation_generations": 15}
    state = own("cma_es", use_stagnation=True, cma_restarts=1, pop_size=8, max_evaluations=100_000, **rules)
    while state.cma is None or state.cma.descent == 0:
        finished_one(state, rosenbrock)
    finished(state)
    assert state.cma.generation > 40


# ---------------------------------------------------------------------------------------------------------------
# What is known about them: minima that are found


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
@pytest.mark.parametrize(("function", "evaluations"), [(sphere, 3000), (rosenbrock, 8000)])
def test_smooth_minima_are_found(scheme, function, evaluations):
    for seed in range(3):
        changes = {"bounds": np.array([[-2.0, 3.0]] * 5), "max_evaluations": evaluations, "pop_size": 30}
        state = finished(own(scheme, seed, **changes), function)
        assert state.best_fom == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_the_lowest_of_many_minima_is_found(scheme):
    """Rastrigin's function in 5 dimensions has 11⁵ minima; published success rates of all three are near 1."""
    changes = {"bounds": np.array([[-5.0, 5.2]] * 5), "max_evaluations": 40_000, "target": 1.01, "check_interval": 0}
    changes |= {"use_paper_population": True, "cma_restarts": 9, "use_stagnation": scheme == "cma_es"}
    if scheme != "cma_es":
        changes["max_evaluations"] = 12_000
    stops = [finished(own(scheme, seed, **changes), rastrigin).stop for seed in range(4)]
    assert stops.count("target") >= 3
    plain = [finished(own("best_1_bin", seed, **changes, pop_size=15), rastrigin).stop for seed in range(4)]
    assert plain.count("target") < stops.count("target")


# ---------------------------------------------------------------------------------------------------------------
# Settings and files


def test_settings_that_mean_nothing_to_the_scheme_are_errors():
    for overrides, word in [
        ({"create_trial": "l_shade", "km": 0.5}, "km"),
        ({"create_trial": "jso", "l_shade_memory": 5}, "l_shade_memory"),
        ({"create_trial": "cma_es", "population_reduction": True}, "population_reduction"),
        ({"cma_sigma": 0.2}, "cma_sigma"),
        ({"create_trial": "best_1_bin", "c": 0.1}, "c"),
    ]:
        with pytest.raises(ConfigError) as caught:
            Settings.from_options({"km": 0.6}, **overrides)
        assert [m.path for m in caught.value.mistakes] == [word]
        assert "has no meaning with" in str(caught.value)
    with pytest.raises(ConfigError, match="did you mean l_shade_memory"):
        overrides_from_text(["l_shade_memori=5"])
    with pytest.raises(ConfigError, match="did you mean l_shade"):
        Settings(create_trial="lshade")
    # What a GenX file says for its own scheme is no mistake.
    assert Settings.from_options({"km": 0.6, "kr": 0.6}, create_trial="l_shade").population_size(10) == 180


def test_a_population_that_is_asked_for_stands_instead_of_the_papers():
    chosen = Settings.from_options({"pop_mult": 3}, create_trial="l_shade", pop_mult=6.0)
    assert chosen.population_size(10) == 60
    assert Settings.from_options({}, pop_mult=6.0).key() == Settings(pop_mult=6.0).key()


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_genx_is_told_a_scheme_that_it_knows(scheme):
    assert Settings(create_trial=scheme).to_options(10)["create_trial"] == "best_1_bin"


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_a_fit_restarts_them_and_says_how_sure_it_is(scheme):
    problem = FunctionProblem(sphere, [[-2.0, 3.0]] * 3, vectorised=True)
    result = fit(problem, seed=3, create_trial=scheme, max_evaluation_mult=40, budget=5000)
    assert result.fom == pytest.approx(1.0, abs=1e-4)
    assert result.settings.create_trial == scheme
    assert result.restarts.n_same >= 2
    assert result.reached


def test_a_file_keeps_the_scheme_where_genx_does_not_look(shared, tmp_path):
    model = metagenx.load(shared / "genx_files" / "SuperAdam_SiO.hgx")
    path = metagenx.fit(model, seed=1, budget=120, create_trial="cma_es").save(tmp_path / "fitted.hgx")
    again = metagenx.load(path)
    assert again.file.options["solver"]["create trial"] == "best_1_bin"
    assert again.file.options["metagenx"]["create trial"] == "cma_es"
    assert again.options["create_trial"] == "cma_es"  # as metagenx reads it
    back = metagenx.fit(again, seed=1, budget=120, create_trial="rand_1_bin").save(tmp_path / "back.hgx")
    assert "create trial" not in metagenx.load(back).file.options["metagenx"]
    assert metagenx.load(back).options["create_trial"] == "rand_1_bin"
