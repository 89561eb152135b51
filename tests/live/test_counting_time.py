"""The counting time that is foretold is the one that it then takes."""

from __future__ import annotations

import numpy as np
import pytest
from film import Columns, clean, film, measured, with_data

from metagenx.fitting.covariance import covariance_at
from metagenx.live.counting_time import Wanted, forecast
from metagenx.live.follower import Answer
from metagenx.live.minima import Minima, sigmas_worse

RATE = 3e5


def _answer(columns: Columns, fom: str | None = None) -> Answer:
    """What is known at the truth."""
    model = with_data(film().model, columns)
    problem = model.problem(fom)
    found = covariance_at(problem, film().truth)
    return Answer(
        names=problem.names, values=film().truth.copy(), errors=found.errors, limits=("",) * len(problem.names),
        fom=0.1, covariance=found, why_no_errors="", minimum=1, next_worse=np.nan, fresh=2, fresh_same=2, recent=2,
        recent_same=2,
        seconds=0.1, evaluations=1, model=model, problem=problem, deviations=None, simulations=(columns[1],),
    )  # fmt: skip


@pytest.mark.parametrize("fom", ["log", "chi2bars"])
def test_more_sweeps(fom: str) -> None:
    x, _ = clean()
    now = _answer(measured(RATE, seed=1), fom)
    first = now.names.index("L1.setD")
    wanted = (Wanted("L1.setD", float(now.errors[first]) / 2.0),)
    told = forecast(now, (x,), wanted)
    assert told is not None
    assert told.points == 0
    assert not told.is_reached
    assert told.work == pytest.approx(3.0, rel=0.05)  # four times as long in all
    later = _answer(measured(4.0 * RATE, seed=2), fom)
    assert later.errors[first] == pytest.approx(wanted[0].precision, rel=0.25)


def test_the_rest_of_a_scan() -> None:
    x, _ = clean()
    columns = measured(100.0 * RATE, seed=3)
    early = _answer(tuple(column[:60] for column in columns))  # type: ignore[arg-type]
    first = early.names.index("L1.setD")
    errors = [_answer(tuple(c[:n] for c in columns)).errors[first] for n in range(60, 91, 3)]  # type: ignore[arg-type]
    aim = float(errors[7]) * 1.001
    really = 3 * next(n for n, error in enumerate(errors) if error <= aim)
    told = forecast(early, (x,), (Wanted("L1.setD", aim),))
    assert told is not None
    assert told.sweeps == 0.0
    assert told.points == pytest.approx(really, rel=0.3)


def test_what_is_reached_takes_no_time_and_what_is_impossible_is_not_told() -> None:
    x, _ = clean()
    now = _answer(measured(RATE))
    error = float(now.errors[now.names.index("L1.setD")])
    reached = forecast(now, (x,), (Wanted("L1.setD", 2.0 * error),), by_counting=False)
    assert reached is not None
    assert reached.is_reached
    assert forecast(now, (x,), (Wanted("L1.setD", 1e-6 * error),)) is None
    assert forecast(now, (x,), (Wanted("L1.setD", 0.5 * error),), by_counting=False) is None
    assert forecast(now, (x,), ()) is None


def test_minima_are_followed_and_agreement_is_counted() -> None:
    model = with_data(film().model, measured(RATE, seed=4))
    problem = model.problem()
    bounds = np.asarray(problem.bounds)
    minima = Minima(bounds)
    truth = film().truth
    rng = np.random.default_rng(5)
    wrong = truth.copy()
    wrong[3] += 0.3 * (bounds[3, 1] - bounds[3, 0])
    minima.add(problem, np.clip(wrong, *bounds.T))
    for _ in range(3):
        minima.add(problem, np.clip(truth * (1.0 + 0.01 * rng.standard_normal(9)), *bounds.T))
    minima.judge(covariance_at(problem, minima.best.values).errors)
    assert minima.agreement() == (3, 4)
    number = minima.best.number
    later = with_data(film().model, measured(10.0 * RATE, seed=6)).problem()
    minima.follow(later, ends_at=np.inf)
    assert minima.best.number == number
    errors = covariance_at(later, minima.best.values).errors
    assert np.nanmax(np.abs(minima.best.values - truth) / errors) < 4.0


@pytest.mark.parametrize("fom", ["log", "chi2bars"])
def test_sigmas_of_another_minimum_are_those_of_many_measurements(fom: str) -> None:
    x, _ = clean()
    rate = 3e6
    other = film().truth.copy()
    other[0] *= 1.01
    told, differences = [], []
    for seed in range(20):
        x, y, error = measured(rate, seed=100 + seed)
        problem = with_data(film().model, (x, y, error)).problem(fom)
        used = problem.deviations(film().truth[None])
        told.append(sigmas_worse(problem, film().truth, other, used.noise))
        foms = problem.evaluate(np.array([film().truth, other]))
        differences.append(foms[1] - foms[0])
    expected = np.mean(differences) / np.std(differences)
    assert np.mean(told) == pytest.approx(expected, rel=0.5)
