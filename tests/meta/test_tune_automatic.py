"""Whole runs of experiments that name no search space: the space defines itself, and the numbers are the same again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tables import automatic_experiment, tables, the_run
from test_faults import PATIENCE, Driver

from metagenx.meta.tune import tune
from metagenx.report.run import write_report
from metagenx.report.summary import tune_text

pytestmark = pytest.mark.ray


def test_one_worker_gives_the_numbers_of_four_and_the_space_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metagenx.meta.ray_session import ray_session

    monkeypatch.setenv("METAGENX_EXPERIENCE", "off")
    path = automatic_experiment(tmp_path / "automatic.yaml", "rastrigin", 250_000)
    with ray_session(4, dashboard=False):
        four = tune(path, trust=True, out=tmp_path / "four", workers=4)
        one = tune(path, trust=True, out=tmp_path / "one", workers=1)
        listed = tune(
            path, trust=True, out=tmp_path, workers=4, overrides=["settings=[{km: 0.5}]", "budget.evaluations=40k"]
        )
    assert tables(four.folder.path) == tables(one.folder.path)
    verdict = json.loads(four.folder.verdict.read_text())
    space = verdict["space"]
    assert space["superset"]["km"] == {"float": [0.1, 1.5]}
    assert set(space["first"]) == set(space["last"]) == set(space["superset"])
    assert all(change["reason"] for change in space["changes"])
    assert space["probe"] is None or space["probe"]["evaluations"] <= 0.05 * 250_000
    assert set(verdict["importance"]["shares"]) or verdict["importance"]["why_not"]
    page = write_report(four.folder, trust=True).read_text()
    assert "How it moved" in page
    assert "below 0.3 differences die out" in page
    assert "search space: The first box follows from the problem" in tune_text(four, four.folder.report)

    # Settings that are listed are compared, and no space is defined for them.
    assert "defined_space" not in listed.folder.manifest()
    assert json.loads(listed.folder.verdict.read_text())["space"] is None
    assert {contender.split("0")[0] for contender in listed.table["setting"]} <= {"file", "genx3", "shipped", "s"}


def test_a_killed_driver_goes_on_in_the_same_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAGENX_EXPERIENCE", str(tmp_path / "experience"))  # grows meanwhile
    path = automatic_experiment(tmp_path / "automatic.yaml", "slow", 60_000)
    found = []
    for out, done in ((tmp_path / "killed", 25), (tmp_path / "undisturbed", None)):
        out.mkdir()
        driver = Driver(path, out)
        if done is not None:
            driver.fits(done)
            driver.signal(signal.SIGKILL)
            driver.process.wait(PATIENCE)
            driver = Driver(path, out)
        assert driver.end() == 0, driver.heard[-2:]
        found.append(tables(the_run(out, "automatic")))
    assert found[0] == found[1]
    assert json.loads(found[0]["verdict.json"])["space"]["changes"]
