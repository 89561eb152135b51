"""Whole tuning runs on a real Ray, with a cheap problem that has many minima."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from problems import CENTRE
from tables import tables, the_run

import metagenx
from metagenx.errors import InputError, Interrupted
from metagenx.meta.progress import Progress
from metagenx.meta.tune import plan, tune

PROBLEMS = Path(__file__).with_name("problems.py")
FILM = Path(__file__).parents[2] / "experiments" / "film.hgx"

EXPERIMENT = """
name: {name}
model: {{function: {problems}:{function}}}
search_space:
  version: 1
  algorithm: de
  parameters: {parameters}
  fixed: {{use_stagnation: true}}
test: {{start: {{perturb: 0 %}}}}
tune: {{trials: {trials}, validate: 150}}
budget: {{evaluations: {evaluations}}}
seed: 7
"""


def experiment(folder: Path, name: str, parameters: str, *, evaluations: int = 900_000, **options: object) -> Path:
    values = {"problems": PROBLEMS, "function": "rastrigin", "trials": 6, **options}
    path = folder / f"{name}.yaml"
    path.write_text(EXPERIMENT.format(name=name, parameters=parameters, evaluations=evaluations, **values))
    return path


@pytest.fixture(scope="module")
def four_cores() -> Iterator[None]:
    """One Ray with four logical cores for all tests here; a run uses as many of them as it is allowed."""
    from metagenx.meta.ray_session import ray_session

    with ray_session(4, dashboard=False):
        yield


@pytest.mark.ray
def test_a_planted_better_setting_is_found_and_one_worker_gives_the_numbers_of_four(
    four_cores: None, tmp_path: Path
) -> None:
    path = experiment(tmp_path, "planted", "{kr: {float: [0.1, 0.9]}}")
    heard: list[Progress] = []
    lock = threading.Lock()  # a listener may hold what cannot be copied or pickled

    def listen(message: Progress) -> None:
        with lock:
            heard.append(message)

    many = tune(path, trust=True, out=tmp_path / "four", workers=4, progress=listen)
    one = tune(path, trust=True, out=tmp_path / "one", workers=1)
    assert tables(many.folder.path) == tables(one.folder.path)
    assert many.verdict == one.verdict

    assert many.answer.winner is not None
    assert (
        many.settings.kr < 0.5
    )  # the file has 0.7; one coordinate at a time finds the minimum of a separable function
    assert many.answer.ratio is not None
    assert many.answer.ratio.low > 1.0
    assert many.verdict.startswith(f"change to {many.answer.winner}")

    best = min(record.fom for record in many.records)
    assert best == pytest.approx(1.0, abs=1e-3)
    assert {record.phase for record in many.records} == {"search", "confirmation", "validation"}
    assert set(many.table["setting"]) >= {"file", "shipped", "s001"}
    stages = [message.stage for message in heard if message.kind == "round"]
    assert stages[0] == "reference"
    assert stages[-2:] == ["confirmation", "validation"]
    assert heard[-1].kind == "finished"

    run = the_run(tmp_path / "four", "planted")
    assert {path.name for path in run.iterdir()} == {
        "manifest.json", "events.jsonl", "inputs", "trials.csv", "repeats.csv", "parameters.csv", "traces.npz",
        "verdict.json", "settings.yaml", "ray", "run.lock",
    }  # fmt: skip
    verdict = json.loads((run / "verdict.json").read_text())
    assert verdict["winner"] == many.answer.winner
    assert json.loads((run / "manifest.json").read_text())["state"] == "finished"

    # Started again, it is read from the journal: the same answer, and nothing is run.
    before = (run / "repeats.csv").read_bytes()
    heard.clear()
    again = tune(path, trust=True, out=tmp_path / "four", workers=2, progress=heard.append)
    assert again.folder.path == run
    assert (run / "repeats.csv").read_bytes() == before
    assert again.verdict == many.verdict
    assert "started" not in {message.kind for message in heard}


@pytest.mark.ray
def test_a_space_that_is_worse_everywhere_is_answered_by_keep(four_cores: None, tmp_path: Path) -> None:
    """Small km: a fit is over after 170 evaluations and has found nothing."""
    path = experiment(tmp_path, "worse", "{km: {float: [0.05, 0.25]}}", evaluations=150_000)
    result = tune(path, trust=True, out=tmp_path, workers=4)
    assert result.answer.answer == "keep"
    assert result.verdict.startswith("keep the file's settings")
    assert result.settings.km == 0.7
    assert result.answer.reached
    losers = result.table[result.table["origin"] == "random"]
    assert (losers["left"] != "").all()


@pytest.mark.ray
def test_fits_that_fail_are_records_with_a_reason(four_cores: None, tmp_path: Path) -> None:
    path = experiment(
        tmp_path, "holes", "{kr: {float: [0.1, 0.9]}}", evaluations=60_000, function="sometimes_nan", trials=3
    )
    result = tune(path, trust=True, out=tmp_path, workers=4)
    failed = [record for record in result.records if record.failure]
    assert len(failed) < len(result.records)
    for record in failed:
        assert record.stop == "failed"
    path = experiment(tmp_path, "nothing", "{kr: {float: [0.1, 0.9]}}", function="nothing")
    with pytest.raises(InputError, match="no fit with the file's settings gave a figure of merit"):
        tune(path, trust=True, out=tmp_path, workers=2)


@pytest.mark.ray
def test_film_ends_in_a_file_with_the_best_fit(four_cores: None, tmp_path: Path) -> None:
    result = tune(FILM, out=tmp_path, workers=2, overrides=["budget.evaluations=12k", "tune.validate=2"])
    best = metagenx.load(result.folder.best)
    record = min(result.records, key=lambda record: record.fom)
    assert best.fom() == pytest.approx(record.fom, rel=1e-9)
    assert np.asarray(best.problem().start) == pytest.approx(record.values)
    assert result.save(tmp_path / "mine.hgx").is_file()
    assert (result.save(tmp_path / "copy") / "repeats.csv").is_file()
    assert result.folder.reflectivity.is_file()
    assert result.folder.sld.is_file()


@pytest.mark.ray
def test_hours_end_a_run_at_the_end_of_a_round_and_the_journal_remembers(four_cores: None, tmp_path: Path) -> None:
    path = experiment(tmp_path, "brief", "{kr: {float: [0.1, 0.9]}}", evaluations=60_000)
    first = tune(path, trust=True, out=tmp_path, workers=2, overrides=["budget.hours=0.00001"])
    assert "the time is spent" in first.verdict
    assert not first.answer.complete
    assert {record.phase for record in first.records} == {"search"}
    again = tune(path, trust=True, out=tmp_path, workers=2, overrides=["budget.hours=0.00001"])
    assert again.records == first.records
    # Hours alone: the evaluations follow from how fast the model is, once, and stay.
    folder = tune(
        path, trust=True, out=tmp_path, workers=2, overrides=["budget.hours=0.002", "budget.evaluations="]
    ).folder
    assert folder.manifest()["planned_evaluations"] > 1000


@pytest.mark.ray
def test_a_caller_may_stop_a_run(four_cores: None, tmp_path: Path) -> None:
    path = experiment(tmp_path, "stopped", "{kr: {float: [0.1, 0.9]}}", evaluations=60_000, trials=3)
    heard: list[Progress] = []
    with pytest.raises(Interrupted, match="interrupted"):
        tune(
            path,
            trust=True,
            out=tmp_path,
            workers=2,
            progress=heard.append,
            should_stop=lambda: bool(heard and heard[-1].fits),
        )
    assert "stopping" in {message.kind for message in heard}
    assert tune(path, trust=True, out=tmp_path, workers=2).answer.complete


def test_plan_times_the_model() -> None:
    found = plan(FILM, overrides=["budget.evaluations=1M"], workers=4)
    assert found.evaluations == 1_000_000
    assert found.fits > 10
    assert found.seconds > 1_000_000 * found.seconds_per_evaluation / 4
    assert "on 4 workers" in found.line


def test_what_cannot_be_tuned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="changes the model from fit to fit"):
        tune(FILM, out=tmp_path, overrides=["test.start.of=all"])
    path = experiment(tmp_path, "missing", "{kr: {float: [0.1, 0.9]}}", function="no_such_thing")
    with pytest.raises(InputError, match="no_such_thing"):
        tune(path, trust=True, out=tmp_path)
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def test_the_problem_has_its_minimum_where_the_tests_think() -> None:
    from problems import rastrigin

    assert rastrigin().evaluate(np.full((1, 6), CENTRE))[0] == pytest.approx(1.0)
