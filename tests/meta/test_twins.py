"""Twins: counting noise as in the data, a truth inside the limits, f* at the truth, held-out numbers out of reach."""

from __future__ import annotations

import numpy as np
import pytest
from films import film, measured
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import InputError
from metagenx.genx.model import Model
from metagenx.meta.counting import counting_of
from metagenx.meta.twins import FIRST_HELD_OUT, MARGIN, best_of, make_twin, twin_name

CURVE = 10.0 ** -np.linspace(0.0, 5.0, 300) * (1.2 + np.cos(np.linspace(0.0, 60.0, 300)))


def counted(quantum: float, seed: int = 0, curve: np.ndarray = CURVE) -> tuple[np.ndarray, np.ndarray]:
    counts = np.random.default_rng(seed).poisson(curve / quantum)
    return counts * quantum, np.sqrt(np.maximum(counts, 1)) * quantum


@given(st.floats(1e-9, 1e-6), st.integers(0, 1000))
@settings(max_examples=25)
def test_one_count_is_found_from_the_error_column(quantum: float, seed: int) -> None:
    y, error = counted(quantum, seed)
    found = counting_of(y, error)
    assert found.quantum == pytest.approx(np.full(300, quantum), rel=1e-9)
    assert found.has_zeros == bool((y == 0).any())


def test_the_steps_of_an_attenuator_stay_and_the_fringes_are_forgotten() -> None:
    quantum = np.where(np.arange(300) < 120, 1e-5, 1e-8)
    counts = np.random.default_rng(1).poisson(CURVE / quantum)
    found = counting_of(counts * quantum, np.sqrt(np.maximum(counts, 1)) * quantum)
    away = np.abs(np.arange(300) - 120) > 8
    assert found.quantum[away] == pytest.approx(quantum[away], rel=1e-9)
    fringes = 1.2 + np.cos(np.linspace(0.0, 200.0, 300))
    relative = counting_of(fringes, 0.05 * fringes)  # an error of 5 % everywhere
    assert np.std(np.log(relative.quantum)) < 0.4 * np.std(np.log(fringes))


@pytest.mark.parametrize("quantum", [1e-8, 1e-7, 1e-6])
def test_without_errors_the_scatter_tells_within_a_factor_of_two(quantum: float) -> None:
    y, _ = counted(quantum, 2)
    y = y * 1.0 + 0.37 * quantum  # a background was added: no whole multiples any more
    for error in (y, np.zeros(300), np.full(300, np.nan)):  # GenX shows y as the error of a file without one
        found = counting_of(y, error)
        assert found.text == "the scatter of neighbouring points"
        assert 0.5 * quantum < np.nanmedian(found.quantum) < 2.0 * quantum


def test_whole_counts_are_seen_in_any_unit() -> None:
    y, _ = counted(1e-4)
    assert np.median(counting_of(y, y).quantum) == pytest.approx(1e-4)
    raw = np.rint(y / 1e-4)
    assert counting_of(raw, raw).quantum[0] == 1.0


def test_the_same_measurement_of_another_curve_has_the_noise_of_counts() -> None:
    counting = counting_of(*counted(1e-6))
    other = 10.0 ** -np.linspace(0.0, 4.0, 300)
    draws = np.array([counting.measure(other, np.random.default_rng(seed))[0] for seed in range(400)])
    assert draws.mean(axis=0) == pytest.approx(other, rel=0.1)
    variance = draws.var(axis=0) / (other * 1e-6)
    assert abs(variance.mean() - 1.0) < 0.02  # 400 draws at 300 points: standard error 0.004
    y, error = counting.measure(other, np.random.default_rng(0))
    assert error == pytest.approx(np.sqrt(y * 1e-6))


def test_differences_keep_their_errors_and_gaps_stay_gaps() -> None:
    y = np.array([0.5, -0.1, np.nan, 0.2] * 10)
    counting = counting_of(y, np.full(40, 0.05))
    again, error = counting.measure(np.zeros(40), np.random.default_rng(3))
    assert np.isnan(again[2])
    assert np.nanstd(again) == pytest.approx(0.05, rel=0.5)
    assert error[0] == 0.05
    with pytest.raises(InputError, match="neither errors nor noise"):
        counting_of(np.linspace(1.0, 2.0, 50) ** 2, np.zeros(50))
    with pytest.raises(InputError, match="no data"):
        counting_of(np.full(5, np.nan), np.zeros(5))


# --------------------------------------------------------------------------------------------------------- twins


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(film(measured(120.0, 1)))


def test_a_twin_is_decided_by_seed_content_and_number(model: Model) -> None:
    one, again = make_twin(model, "abc", 1, seed=7), make_twin(model, "abc", 1, seed=7)
    assert np.array_equal(one.truth, again.truth)
    assert np.array_equal(one.model.data[0].y, again.model.data[0].y)
    for other in (
        make_twin(model, "abc", 2, seed=7),
        make_twin(model, "abd", 1, seed=7),
        make_twin(model, "abc", 1, seed=8),
    ):
        assert not np.array_equal(one.truth, other.truth)
    assert not one.held_out
    assert make_twin(model, "abc", FIRST_HELD_OUT, seed=7).held_out


def test_a_twin_has_the_structure_and_instrument_of_its_file_and_a_truth_inside(model: Model) -> None:
    for number in range(1, 6):
        twin = make_twin(model, "abc", number, seed=0)
        assert twin.model.file.script == model.file.script
        assert [vars(row) for row in twin.model.file.table] == [vars(row) for row in model.file.table]
        problem = twin.model.problem()
        share = (twin.truth - problem.bounds[:, 0]) / np.ptp(problem.bounds, axis=1)
        assert (share >= MARGIN).all()
        assert (share <= 1.0 - MARGIN).all()
        assert np.array_equal(twin.model.data[0].x, model.data[0].x)
        noise = np.log10(twin.model.data[0].y) - np.log10(_ideal(model, twin.truth))
        assert 0.3 < noise.std() / (0.02 / np.log(10.0)) < 3.0  # the file has errors of 2 %


def _ideal(model: Model, truth: np.ndarray) -> np.ndarray:
    names = [row.name for row in model.file.fitted_rows]
    return np.asarray(model.simulate(dict(zip(names, truth, strict=True)))[0])


def test_f_star_is_near_the_fom_of_the_truth_and_its_errors_hold_the_truth(model: Model) -> None:
    twin = make_twin(model, "abc", 3, seed=1)
    problem = twin.model.problem()
    best = best_of(problem, twin.truth, errorbar_level=1.05)
    at_truth = float(problem.evaluate(twin.truth[None])[0])
    assert 0.8 * at_truth < best.fom <= at_truth
    assert best.errors is not None
    assert (np.abs(np.array(best.values) - twin.truth) < 3.0 * np.array(best.errors)).all()
    # The error bars are where the FOM level is: without the other parameters following it is at least as high.
    for index, error in enumerate(best.errors):
        moved = np.array(best.values)
        moved[index] += error
        assert float(problem.evaluate(moved[None])[0]) > 1.03 * best.fom


def test_names_say_what_is_held_out() -> None:
    assert twin_name("data", 3, is_only=True) == "twin03"
    assert twin_name("data", FIRST_HELD_OUT, is_only=True) == "held-out01"
    assert twin_name("film", FIRST_HELD_OUT + 1, is_only=False) == "film-held-out02"
