"""Sweeps added up are what counting them together would have given."""

from __future__ import annotations

import numpy as np
import pytest

from metagenx.genx.data import DataSet
from metagenx.live.state import SEQUENCE, SWEEPS, States
from metagenx.live.sweeps import Curve, departures, disagreement, together

X = np.linspace(0.01, 0.2, 60)
RATE = 1e4 * np.exp(-30.0 * X)


def _sweep(rng: np.random.Generator, exposure: float, rate: np.ndarray = RATE, n: int = 60) -> Curve:
    counts = rng.poisson(rate[:n] * exposure)
    return Curve.of(DataSet("s", X[:n], counts / exposure, np.sqrt(counts) / exposure))


def test_sum_is_that_of_the_counts() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(RATE), rng.poisson(3.0 * RATE)
    one, two = (Curve.of(DataSet("", X, c / t, np.sqrt(c) / t)) for c, t in zip(counts, (1.0, 3.0), strict=True))
    both = together([one, two])
    np.testing.assert_allclose(both.y, (counts[0] + counts[1]) / 4.0, rtol=1e-12)
    np.testing.assert_allclose(both.error, np.sqrt(counts[0] + counts[1]) / 4.0, rtol=1e-12)
    assert both.exposure == pytest.approx(4.0)


def test_points_that_one_sweep_lacks_are_those_of_the_others() -> None:
    rng = np.random.default_rng(2)
    whole, part = _sweep(rng, 1.0), _sweep(rng, 1.0, n=20)
    both = together([whole, part])
    assert len(both.x) == 60
    np.testing.assert_allclose(both.y[20:], whole.y[20:])
    np.testing.assert_allclose(both.y[:20], (whole.y[:20] + part.y) / 2.0)


def test_disagreement_is_chi2_down_to_a_few_counts() -> None:
    rng = np.random.default_rng(3)
    rate = 12.0 + 0.02 * RATE  # from 12 counts on
    told = [disagreement(_sweep(rng, 1.0, rate), _sweep(rng, 5.0, rate)) for _ in range(200)]
    assert {n for _, n in told} == {60}
    assert np.mean([chi2 for chi2, _ in told]) == pytest.approx(60.0, rel=0.1)
    assert max(chi2 for chi2, _ in told) < 60.0 + 6.0 * np.sqrt(120.0)


def test_no_points_in_common_say_nothing() -> None:
    rng = np.random.default_rng(4)
    one = _sweep(rng, 1.0)
    other = Curve(one.x + 0.0011, one.y, one.error, 1.0)
    assert disagreement(one, other)[1] < 3
    assert np.isnan(disagreement(one, Curve(one.x, one.y, np.full(60, np.nan), 1.0))[0])


def test_departures_are_normal() -> None:
    counts = np.random.default_rng(5).poisson(np.full(20000, 9.0)).astype(float)
    counts = counts[counts > 0.0]
    z = departures(counts, np.sqrt(counts), np.full(len(counts), 9.0))
    assert np.std(z) == pytest.approx(1.0, abs=0.05)
    assert abs(np.mean(z)) < 0.2
    assert np.abs(z).max() < 6.5  # (y − other)/error reaches 8 here


def test_sweeps_of_another_sample_begin_a_state_and_the_first_is_known_again() -> None:
    rng = np.random.default_rng(6)
    states = States(SWEEPS)
    other = RATE * (1.0 + 0.3 * np.cos(300.0 * X))
    numbers, said = [], []
    for k, rate in enumerate([RATE, RATE, RATE, other, other, RATE]):
        curves = (_sweep(rng, 1.0, rate),)
        state, told = states.place(f"s{k}", curves)
        state.take(f"s{k}", curves, 60.0 * k)
        numbers.append(state.number)
        said.append(told)
    assert numbers == [1, 1, 1, 2, 2, 1]
    assert "does not agree" in said[3]
    assert "agrees with state 1 again" in said[5]
    assert not any(said[k] for k in (0, 1, 2, 4))


def test_pace_is_the_time_for_as_much_again() -> None:
    rng = np.random.default_rng(7)
    states = States(SWEEPS)
    for k in range(5):
        curves = (_sweep(rng, 1.0),)
        states.place(f"s{k}", curves)[0].take(f"s{k}", curves, 100.0 + 30.0 * k)
    assert states.members[0].pace() == pytest.approx(150.0, rel=0.1)


def test_files_of_a_sequence_are_states_and_grow() -> None:
    rng = np.random.default_rng(8)
    states = States(SEQUENCE)
    numbers = []
    for name in ("300K", "310K", "310K", "320K"):
        curves = (_sweep(rng, 1.0),)
        state, _ = states.place(name, curves)
        state.take(name, curves, 0.0)
        numbers.append(state.number)
    assert numbers == [1, 2, 2, 3]
