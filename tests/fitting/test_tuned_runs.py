"""The strategy of a single fit, as plain settings: the same runs, number for number."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "meta"))
from films import film, measured

from metagenx.errors import ConfigError
from metagenx.fitting.api import SAMPLE, fit
from metagenx.fitting.auto import Strategy, luby
from metagenx.fitting.problem import FunctionProblem
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream
from metagenx.fitting.tuned_runs import improver_of_run, settings_of_run
from metagenx.genx.model import Model

BASE = Settings(pop_mult=6.0)


def test_each_run_of_a_fit_is_a_run_of_the_same_settings() -> None:
    problem = Model(film(measured(120.0, 1))).problem()
    whole = fit(problem, 3, BASE, max_runs=3, cores=1)
    base = BASE.replace(use_stagnation=True)
    named = Strategy().as_settings(base, 2)
    assert (named.polish, named.use_luby) == ("alternate", True)
    for run, theirs in enumerate(whole.restarts.runs):
        own = settings_of_run(named, run)
        if run:
            own = own.replace(use_start_guess=False)  # as restarts of a fit do
        ours = run_fit(
            problem, own, initial=initial_stream(3, SAMPLE, run), moves=moves_stream(3, base.hash(), SAMPLE, run),
            improve=improver_of_run(problem, named, run),
        )  # fmt: skip
        if theirs is not whole.result:  # the answer went to the very bottom
            assert ours.evaluations == theirs.evaluations
            assert ours.trace == theirs.trace
        assert ours.fom == pytest.approx(theirs.fom, rel=1e-6)


def test_patience_follows_luby_only_if_asked_for() -> None:
    plain = Settings(use_stagnation=True, stagnation_generations=11, max_evaluation_mult=4.0)
    assert settings_of_run(plain, 6) == plain
    found = [settings_of_run(plain.replace(use_luby=True), run) for run in range(7)]
    assert [s.stagnation_generations for s in found] == [11 * luby(run + 1) for run in range(7)]
    assert [s.max_evaluation_mult for s in found] == [4.0, 4.0, 8.0, 4.0, 4.0, 8.0, 16.0]


def test_the_polish_of_the_settings_stands_instead_of_that_of_auto() -> None:
    strategy = Strategy()
    assert strategy.with_settings(Settings()) == strategy
    named = strategy.with_settings(Settings(polish="aside", polish_interval=0, jumps=2))
    assert (named.polish, named.polish_interval, named.jumps, named.patience) == ("aside", 0, 2, strategy.patience)
    with pytest.raises(ConfigError, match="must be one of none, greedy, aside, alternate"):
        Settings(polish="often")


def test_a_problem_without_data_is_not_polished() -> None:
    problem = FunctionProblem(lambda x: float(np.sum(x**2)), [[-1.0, 1.0]] * 2)
    assert improver_of_run(problem, Settings(polish="greedy"), 0) is None
