from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fitting_problems import rosenbrock, rosenbrock_problem, sphere, sphere_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import FileFormatError, InputError
from metagenx.fitting import de, error_bars, evaluation_log
from metagenx.fitting.checkpoint import from_bytes, to_bytes
from metagenx.fitting.schemes import SCHEMES
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream

GOLDEN = Path(__file__).parents[1] / "golden" / "de_schemes.csv"
BOUNDS = np.array([[-2.0, 3.0]] * 4)


def begun(scheme="best_1_bin", seed=1, bounds=BOUNDS, start=None, target=None, **changes):
    chosen = Settings(
        **{
            "create_trial": scheme,
            "use_pop_mult": False,
            "pop_size": 20,
            "use_max_generations": True,
            "max_generations": 30,
            **changes,
        }
    )
    return de.begin(
        chosen,
        bounds,
        initial=initial_stream(seed, "test", 0),
        moves=moves_stream(seed, chosen.hash(), "test", 0),
        start=start,
        target=target,
    )


def finished(state, function=rosenbrock):
    while state.stop is None:
        de.tell(state, function(de.ask(state)))
    return state


def fingerprint(state):
    return (
        state.best.tolist(),
        state.best_fom,
        state.evaluations,
        state.generation,
        state.stop,
        state.population.tolist(),
        state.foms.tolist(),
        state.trace,
        state.fom_log,
        state.km,
        state.kr,
    )


def golden_rows():
    """Best FOM after some generations, for every scheme and two seeds."""
    rows = []
    for scheme in SCHEMES:
        for seed in (1, 2):
            state = finished(begun(scheme, seed, start=np.full(4, -1.0)))
            for generation in (0, 10, 30):
                rows.append([scheme, str(seed), str(generation), repr(dict(state.fom_log)[generation])])
            rows.append([scheme, str(seed), "evaluations", str(state.evaluations)])
    return rows


def test_golden_answers_of_every_scheme():
    """If they change on purpose: rewrite the file with ``python tests/fitting/test_de.py`` and say why."""
    with GOLDEN.open(newline="") as file:
        header, *expected = csv.reader(file)
    assert header == ["scheme", "seed", "generation", "best_fom"]
    for row, wanted in zip(golden_rows(), expected, strict=True):
        assert row[:3] == wanted[:3]
        assert float(row[3]) == pytest.approx(float(wanted[3]), rel=1e-9), row


@pytest.mark.parametrize("scheme", SCHEMES)
def test_best_fom_falls_and_stays_that_of_the_best_vector(scheme):
    state = begun(scheme, max_generations=60)
    lowest = np.inf
    while state.stop is None:
        asked = de.ask(state)
        told = rosenbrock(asked)
        de.tell(state, told)
        assert state.best_fom <= lowest
        assert state.best_fom == rosenbrock(state.best[None])[0]
        assert np.all((asked >= -2.0) & (asked <= 3.0)) or state.simplex is not None
        lowest = state.best_fom
    np.testing.assert_array_equal(state.foms, rosenbrock(state.population))
    assert state.best_fom == state.foms.min()
    assert state.fom_log[-1] == (60, state.best_fom)
    assert np.all((state.population >= -2.0) & (state.population <= 3.0))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_trace_is_what_a_counter_of_evaluations_sees(scheme):
    seen: list[float] = []
    state = begun(scheme, check_interval=0)
    while state.stop is None:
        told = rosenbrock(de.ask(state))
        seen.extend(told)
        de.tell(state, told)
    assert state.evaluations == len(seen)
    running = np.minimum.accumulate(seen)
    for evaluations, fom in state.trace:
        assert fom >= running[evaluations - 1]
        if scheme != "simplex_best_1_bin":  # there an improvement counts when the simplex has ended
            assert fom == running[evaluations - 1] == seen[evaluations - 1]
    foms = [fom for _, fom in state.trace]
    assert foms == sorted(foms, reverse=True)
    assert state.trace[-1][1] == state.best_fom == min(seen)


def test_every_evaluation_counts_and_the_best_is_simulated_again():
    state = begun(max_generations=7)
    batches = []
    while state.stop is None:
        asked = de.ask(state)
        if batches and len(asked) > 0 and state.generation > 0:
            np.testing.assert_array_equal(asked[0], state.best)
        batches.append(len(asked))
        de.tell(state, rosenbrock(asked))
    assert batches == [20, 20, 21, 21, 21, 21, 21, 21, 1]
    assert state.evaluations == 20 + 7 * 21
    assert finished(begun(max_generations=7, check_interval=0)).evaluations == 20 * 8
    assert finished(begun(max_generations=7, check_interval=3)).evaluations == 20 * 8 + 2
    # How often the best is simulated again changes nothing else.
    assert finished(begun(check_interval=0)).generation == 30


def test_a_script_with_a_memory_is_found_out():
    calls = 0

    def forgetful(vectors):
        nonlocal calls
        calls += 1
        return rosenbrock(vectors) + (1e-9 if calls > 5 else 0.0)

    state = finished(begun(), forgetful)
    assert (state.stop, state.generation) == ("discrepancy", 4)
    assert "remember" in state.failure
    calls = 0
    assert finished(begun(allowed_fom_discrepancy=1e-8), forgetful).stop == "max generations"
    calls = 0
    assert finished(begun(check_interval=0), forgetful).stop == "max generations"


def test_equal_foms_do_not_replace_their_target():
    state = begun()
    de.tell(state, np.ones(20))
    before = state.population.copy()
    de.tell(state, np.ones(20))
    np.testing.assert_array_equal(state.population, before)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_candidates_without_a_finite_fom_never_win(scheme, hole):
    def holed(vectors):
        return np.where(vectors[:, 0] < 0.3, hole, rosenbrock(vectors))

    state = finished(begun(scheme), holed)
    assert state.stop == "max generations"
    assert np.isfinite(state.best_fom)
    assert state.best[0] >= 0.3
    assert np.all(state.population[np.isfinite(state.foms), 0] >= 0.3)


def test_no_finite_fom_at_all_is_a_failure_with_a_reason():
    state = begun()
    de.tell(state, np.full(20, np.nan))
    assert (state.stop, state.evaluations) == ("failed", 20)
    assert "NaN" in state.failure
    assert de.ask(state).shape == (0, 4)


@pytest.mark.parametrize("small", [4, 7, 20])
def test_a_smaller_population_is_the_beginning_of_a_larger_one(small):
    large = de.ask(begun(pop_size=50))
    np.testing.assert_array_equal(de.ask(begun(pop_size=small)), large[:small])
    other = de.ask(begun("jade_best", pop_size=50, km=0.2))
    np.testing.assert_array_equal(other, large)


def test_the_start_guess_is_member_zero():
    start = np.array([-2.0, 3.0, 0.5, 1.0])  # on the limits is inside
    with_start, without = de.ask(begun(start=start)), de.ask(begun(start=start, use_start_guess=False))
    np.testing.assert_array_equal(with_start[0], start)
    np.testing.assert_array_equal(with_start[1:], without[1:])
    assert not np.array_equal(without[0], start)


def test_a_start_outside_the_bounds_is_refused_only_where_bounds_hold():
    start = np.array([0.0, 3.5, 0.0, -9.0])
    with pytest.raises(InputError, match=r"parameter 1 = 3\.5 is not in -2 … 3, parameter 3"):
        begun(start=start)
    np.testing.assert_array_equal(de.ask(begun(start=start, use_boundaries=False))[0], start)
    with pytest.raises(InputError, match="not finite"):
        begun(start=np.array([0.0, np.nan, 0.0, 0.0]))
    with pytest.raises(InputError, match="shape"):
        begun(start=np.zeros(3))


def test_without_boundaries_the_search_leaves_the_bounds():
    state = begun(bounds=np.array([[3.0, 4.0]] * 4), use_boundaries=False, max_generations=200)
    assert finished(state, sphere).best_fom == pytest.approx(1.0, abs=1e-6)
    inside = finished(begun(bounds=np.array([[3.0, 4.0]] * 4), max_generations=200), sphere)
    assert np.all(inside.population >= 3.0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_any_split_of_a_batch_gives_the_same_run(scheme):
    def one_by_one(vectors):
        return np.concatenate([sphere(vector[None]) for vector in vectors])

    assert fingerprint(finished(begun(scheme), sphere)) == fingerprint(finished(begun(scheme), one_by_one))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_run_saved_and_resumed_after_every_batch_is_undisturbed(scheme):
    state = begun(scheme, max_generations=12)
    while state.stop is None:
        state = from_bytes(to_bytes(state))
        de.tell(state, rosenbrock(de.ask(state)))
    assert fingerprint(state) == fingerprint(finished(begun(scheme, max_generations=12)))


RESUME = """
import json, sys
sys.path.insert(0, sys.argv[2])
from fitting_problems import rosenbrock
from metagenx.fitting import de, error_bars, evaluation_log
from metagenx.fitting.checkpoint import from_bytes
state = from_bytes(open(sys.argv[1], "rb").read())
while state.stop is None:
    de.tell(state, rosenbrock(de.ask(state)))
population = state.population.tolist()
print(json.dumps([state.best.tolist(), state.best_fom, state.evaluations, state.fom_log, population]))
"""


def test_another_process_goes_on_to_the_last_bit(tmp_path):
    state = begun("simplex_best_1_bin")
    for _ in range(12):  # in the middle of a simplex
        de.tell(state, rosenbrock(de.ask(state)))
    assert state.simplex is not None
    (tmp_path / "state.npz").write_bytes(to_bytes(state))
    folder = str(Path(__file__).parent)
    out = subprocess.run(
        [sys.executable, "-c", RESUME, str(tmp_path / "state.npz"), folder],
        capture_output=True,
        text=True,
        check=True,
    )
    here = finished(state)
    expected = [here.best.tolist(), here.best_fom, here.evaluations, here.fom_log, here.population.tolist()]
    assert json.loads(out.stdout) == json.loads(json.dumps(expected))


@pytest.mark.parametrize("cut", [0, 10, 500, -100])
def test_a_damaged_state_is_refused(cut):
    data = to_bytes(begun())
    with pytest.raises(FileFormatError, match="cannot be read"):
        from_bytes(data[:cut])
    with pytest.raises(FileFormatError):
        from_bytes(b"PK" + data[7:])


def test_jade_adapts_in_its_run_only():
    chosen = begun("jade_best")
    state = finished(begun("jade_best"))
    assert (state.km, state.kr) != (chosen.km, chosen.kr)
    assert (state.settings.km, state.settings.kr) == (0.7, 0.7)
    assert fingerprint(finished(begun("jade_best"))) == fingerprint(state)


def test_the_archive_of_jade_is_every_vector_evaluated():
    state = begun("jade_best", max_generations=5, check_interval=0)
    seen = []
    while state.stop is None:
        asked = de.ask(state)
        seen.append(asked)
        de.tell(state, rosenbrock(asked))
    np.testing.assert_array_equal(state.log.vectors, np.concatenate(seen))
    np.testing.assert_array_equal(state.log.foms, rosenbrock(np.concatenate(seen)))


@pytest.mark.parametrize("limit", [1, 7, 20, 33, 1500])
def test_the_log_keeps_the_last_evaluations(limit):
    state = begun(max_log_elements=limit, max_generations=80, check_interval=0)
    seen = []
    while state.stop is None:
        seen.append(de.ask(state))
        de.tell(state, rosenbrock(seen[-1]))
    everything = np.concatenate(seen)[-limit:]
    assert len(state.log) == min(limit, len(np.concatenate(seen)))
    assert sorted(map(tuple, state.log.vectors)) == sorted(map(tuple, everything))
    np.testing.assert_array_equal(rosenbrock(state.log.vectors), state.log.foms)


@pytest.mark.parametrize("limit", [1, 7, 33, 900])
def test_error_bars_do_not_depend_on_what_the_log_forgets(limit, monkeypatch):
    monkeypatch.setattr(evaluation_log, "_OUTLINE_ROOM", 30)
    state = begun(max_log_elements=limit, max_generations=80, check_interval=0, errorbar_level=1.4)
    seen = []
    while state.stop is None:
        seen.append(de.ask(state))
        de.tell(state, 1.0 + rosenbrock(seen[-1]))
    everything = np.concatenate(seen)
    expected = error_bars.scan(everything, 1.0 + rosenbrock(everything), state.best, state.best_fom, 1.4)
    np.testing.assert_array_equal(error_bars.scan(*state.log.everything(), state.best, state.best_fom, 1.4), expected)
    assert np.all(expected[1] - expected[0] > 0)
    assert len(state.log.everything()[1]) < len(everything)


def test_the_simplex_polishes_every_fifth_generation():
    state = begun("simplex_best_1_bin", max_generations=21)
    at = set()
    while state.stop is None:
        if state.simplex is not None:
            at.add(state.generation + 1)
        de.tell(state, rosenbrock(de.ask(state)))
    assert at == {5, 10, 15, 20}
    plain = finished(begun("best_1_bin", max_generations=4))
    simplex = finished(begun("simplex_best_1_bin", max_generations=4))
    assert len(simplex.fom_log) == len(plain.fom_log) == 5


def test_a_polished_vector_outside_the_bounds_is_drawn_again_inside():
    bounds = np.array([[1.5, 3.0]] * 4)  # the minimum at 1 lies outside
    redrawn = 0
    state = begun("simplex_best_1_bin", bounds=bounds)
    while state.stop is None:
        if state.step == "redrawn":
            redrawn += 1
            assert np.all((state.candidates[-1] >= 1.5) & (state.candidates[-1] <= 3.0))
        de.tell(state, rosenbrock(de.ask(state)))
    assert redrawn > 0
    assert np.all((state.best >= 1.5) & (state.best <= 3.0))
    free = finished(begun("simplex_best_1_bin", bounds=bounds, use_boundaries=False, max_generations=100))
    assert free.best_fom < 1.0001


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SCHEMES), st.integers(1, 1500), st.sampled_from([0, 1, 3]))
def test_a_cutoff_is_never_exceeded(scheme, limit, check_interval):
    state = begun(scheme, max_evaluations=limit, check_interval=check_interval, max_generations=10_000)
    finished(state)
    assert state.stop == "cutoff"
    assert state.evaluations <= max(limit, 20)
    if scheme != "simplex_best_1_bin" and limit > 20:
        assert state.evaluations > limit - 22
    assert state.fom_log[-1][1] == state.best_fom


def test_generation_limits():
    assert finished(begun(max_generations=0)).evaluations == 20
    state = finished(begun(use_max_generations=False, max_generation_mult=0.25))
    assert state.generation == 20  # 0.25 · 4 · 20
    assert state.stop == "max generations"


def test_spread_of_parameters_stops_as_in_genx():
    state = finished(begun(min_parameter_spread=5.0, max_generations=10_000), sphere)
    assert state.stop == "spread"
    spread = np.ptp(state.population, axis=0).max() / 5.0
    assert spread < 0.05
    fixed = np.array([[-2.0, 3.0], [1.0, 1.0]])  # bounds without width
    assert finished(begun(bounds=fixed, min_parameter_spread=5.0, max_generations=500), sphere).stop == "spread"


def test_stagnation_by_spread_of_foms():
    state = finished(
        begun(
            use_stagnation=True,
            stagnation_generations=0,
            stagnation_parameter_spread=0.0,
            max_generations=10_000,
        ),
        sphere,
    )
    assert state.stop == "stagnation"
    assert np.ptp(state.foms) <= 1e-5 * state.best_fom
    flat = finished(begun(use_stagnation=True), lambda vectors: np.zeros(len(vectors)))
    assert (flat.stop, flat.generation) == ("stagnation", 0)


def test_stagnation_by_spread_of_parameters():
    state = finished(
        begun(use_stagnation=True, stagnation_generations=0, stagnation_fom_spread=0.0, max_generations=10_000),
        sphere,
    )
    assert state.stop == "stagnation"
    assert np.ptp(state.population, axis=0).max() < 0.001 * 5.0


def test_stagnation_by_generations_without_improvement():
    state = finished(
        begun(
            use_stagnation=True,
            stagnation_fom_spread=0.0,
            stagnation_parameter_spread=0.0,
            max_generations=10_000,
        ),
        sphere,
    )
    assert state.stop == "stagnation"
    foms = dict(state.fom_log)
    last = state.generation
    assert foms[last - 20] - foms[last] < 1e-4 * foms[last - 20]
    assert finished(begun(use_stagnation=False, max_generations=300), sphere).generation == 300


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_target_ends_a_run_and_the_check_is_still_made(scheme):
    whole = finished(begun(scheme))
    for target in {fom for _, fom in whole.fom_log}:
        state = begun(scheme, target=target)
        while state.stop is None:
            asked = de.ask(state)
            de.tell(state, rosenbrock(asked))
        assert state.stop == "target"
        assert state.best_fom <= target
        assert state.generation == 0 or len(asked) == 1
        assert state.fom_log[-1][1] == state.best_fom
        assert state.trace == whole.trace[: len(state.trace)]


@pytest.mark.parametrize("bounds", [np.zeros((0, 2)), [[0, 1, 2]], [[1, 0]], [[0, np.inf]], [[np.nan, 1]]])
def test_unusable_bounds_are_refused(bounds):
    with pytest.raises(InputError):
        begun(bounds=np.array(bounds, dtype=float))


def test_foms_must_fit_the_candidates():
    with pytest.raises(InputError, match="20 candidates"):
        de.tell(begun(), np.ones(3))


def test_told_arrays_stay_the_callers():
    state = begun()
    told = rosenbrock(de.ask(state))
    kept = told.copy()
    de.tell(state, told)
    de.ask(state)[:] = np.nan
    finished(state)
    np.testing.assert_array_equal(told, kept)
    assert np.isfinite(state.best_fom)


@pytest.mark.parametrize("scheme", ["best_1_bin", "rand_1_bin", "jade_best", "simplex_best_1_bin"])
@pytest.mark.parametrize("problem", [sphere_problem(4), rosenbrock_problem(3)], ids=["sphere", "rosenbrock"])
def test_the_minimum_is_found(scheme, problem):
    for seed in range(3):
        state = begun(scheme, seed, bounds=problem.bounds, max_generations=1500, pop_size=30)
        assert finished(state, problem.evaluate).best_fom == pytest.approx(1.0, abs=2e-3)


if __name__ == "__main__":
    with GOLDEN.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["scheme", "seed", "generation", "best_fom"], *golden_rows()])
