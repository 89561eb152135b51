"""Runs made by other processes: the same numbers and the same cost, whatever happens to the processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metagenx
from metagenx.errors import Notice
from metagenx.fitting import parallel_runs
from metagenx.fitting.cores import usable_cores
from metagenx.fitting.parallel_runs import Crew
from metagenx.fitting.restarts import RestartedFit, run_restarts
from metagenx.fitting.run import FitResult
from metagenx.fitting.run_worker import Recipe
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import initial_stream, moves_stream
from metagenx.genx.population import ModelProblem

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from small_film import film

pytestmark = pytest.mark.skipif(os.name != "posix", reason="one core elsewhere")

# With a limit of their own, or the budget would cut every run short.
SETTINGS = Settings(pop_size=12, use_pop_mult=False, max_generations=20, use_max_generations=True, max_evaluations=400)


@pytest.fixture(scope="module")
def model() -> metagenx.Model:
    return metagenx.Model(film(name="film"))


@pytest.fixture(scope="module")
def problem(model: metagenx.Model) -> ModelProblem:
    return model.problem()


@pytest.fixture
def make(model: metagenx.Model, problem: ModelProblem, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RestartedFit]:
    """Make runs with processes that start before the first of them."""
    monkeypatch.setattr(Crew, "begins_to_pay", lambda crew, made: not (crew._workers or crew._has_lost))

    def runs(crew: Crew | None, **limits: Any) -> RestartedFit:
        return run_restarts(problem, SETTINGS, streams=streams, crew=crew, **limits)

    return runs


def crew_of(model: metagenx.Model, cores: int) -> Crew:
    return Crew(Recipe(model.file, model.trust, model.fom_function), cores)


def streams(run: int) -> tuple[np.random.Generator, np.random.Generator]:
    return initial_stream(7, "data", run), moves_stream(7, "settings", "data", run)


def numbers(fit: RestartedFit) -> tuple[Any, ...]:
    """All that the runs say, but for times."""
    runs = [(run.values.tolist(), run.fom, run.evaluations, run.stop, run.trace) for run in fit.runs]
    return runs, fit.cut_short, fit.n_same, fit.reached


def patience(crew: Crew) -> Callable[[], bool]:
    """No wish to stop; lets the other processes come first, however slowly they start."""

    def wait() -> bool:
        if all(worker.is_ready for worker in crew._workers):
            time.sleep(0.02)
        else:
            crew.pause(60.0)
        return False

    return wait


def test_same_numbers_within_a_budget(make: Callable[..., RestartedFit], model: metagenx.Model) -> None:
    alone = make(None, max_evaluations=3100)
    taken: list[FitResult] = []
    crew = crew_of(model, 2)
    together = make(crew, max_evaluations=3100, on_run=taken.append, should_stop=patience(crew))
    assert alone.cut_short  # so that the last run depends on what the others have cost
    assert numbers(together) == numbers(alone)
    assert (together.cores, alone.cores, alone.in_vain) == (2, 1, 0)
    assert taken  # not all was done here


def test_a_killed_process_costs_only_time(
    make: Callable[..., RestartedFit], model: metagenx.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make(None, max_runs=14)
    give = Crew._give
    killed: list[int] = []

    def give_and_kill(crew: Crew, worker: Any, task: Any) -> None:
        give(crew, worker, task)
        if not killed:
            killed.append(worker.process.pid)
            os.kill(worker.process.pid, signal.SIGKILL)
            worker.process.wait()

    monkeypatch.setattr(Crew, "_give", give_and_kill)
    crew = crew_of(model, 3)
    with pytest.warns(Notice, match="its run is made again"):
        together = make(crew, max_runs=14, should_stop=patience(crew))
    assert killed
    assert numbers(together) == numbers(alone)


def test_ctrl_c_keeps_what_there_is_and_ends_the_processes(
    make: Callable[..., RestartedFit], model: metagenx.Model
) -> None:
    crew = crew_of(model, 2)
    pids: list[int] = []
    wait = patience(crew)

    def stop() -> bool:
        pids.extend(worker.process.pid for worker in crew._workers if worker.is_ready)
        return len(pids) > 20 or wait()

    fit = make(crew, max_runs=10_000, should_stop=stop)
    assert fit.runs[-1].stop == "interrupted"
    assert np.isfinite(fit.best.fom)
    assert all(run.stop != "interrupted" for run in fit.runs[:-1])
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_fit_that_is_soon_over_starts_no_process(
    model: metagenx.Model, problem: ModelProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_runs, "_PAYS_FROM", 1e9)  # however slow the machine is
    monkeypatch.setattr(parallel_runs, "_LONG_RUN", 1e9)
    monkeypatch.setattr(Crew, "_start", lambda crew, made: pytest.fail("a process was started"))
    fit = metagenx.fit(model, 1, SETTINGS, problem=problem, cores=8, max_runs=2)
    assert (fit.restarts.cores, len(fit.restarts.runs)) == (1, 2)


def test_when_other_processes_pay() -> None:
    crew = Crew(recipe=None, cores=4, expected_runs=11)  # type: ignore[arg-type]
    crew._begun -= 0.5
    assert not crew.begins_to_pay(0)  # half a second, and no run is over
    assert crew.begins_to_pay(1)  # ten more of half a second
    assert not crew.begins_to_pay(10)  # one more of 50 ms
    assert not Crew(None, 1, 11, _begun=0.0).begins_to_pay(0)  # type: ignore[arg-type]


def test_cores_follow_a_containers_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from metagenx.fitting import cores

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    for text, expected in (("max 100000", 8), ("150000 100000", 2), ("1000 100000", 1)):
        quota = tmp_path / "cpu.max"
        quota.write_text(text, encoding="ascii")
        monkeypatch.setattr(cores, "_QUOTA", quota)
        assert usable_cores() == expected
