"""A short beam time: the real command on real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from film import film, measured, text_of, with_data

from metagenx.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NOT_REACHED, EXIT_REACHED, InputError
from metagenx.live.record import Update
from metagenx.live.session import Listener, Session, Wishes
from metagenx.live.watch import Trouble

RATE = 3e7
PRECISION = ("L1.setD 0.5",)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that a user brings, with the points that he plans to measure."""
    path = tmp_path_factory.mktemp("model") / "film.hgx"
    return with_data(film().model, measured(RATE)).save(path)


class Heard:
    """Everything that was said."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.troubles: list[Trouble] = []
        self.notes: list[str] = []
        self.listener = Listener(self.updates.append, self.troubles.append, self.notes.append)

    @property
    def last(self) -> Update:
        """The last verdict."""
        return self.updates[-1]


@contextmanager
def _session(wishes: Wishes, out: Path) -> Iterator[tuple[Session, Heard]]:
    heard = Heard()
    with Session(wishes, out=out, listener=heard.listener) as session:
        yield session, heard


def _run(session: Session, looks: int) -> None:
    done = [0]

    def is_over(update: Update | None) -> bool:
        done[0] += 1
        return done[0] > looks

    session.run(is_over)


@pytest.mark.skipif("METAGENX_LONG" not in os.environ, reason="takes half a minute: METAGENX_LONG=1")
def test_a_beam_time_with_a_bad_file_is_fitted_and_resumed(tmp_path: Path, model: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    wishes = Wishes(data, model, precision=PRECISION, workers=1, budget=20.0)
    columns = measured(RATE, seed=1)
    with _session(wishes, tmp_path / "runs") as (session, heard):
        (data / "scan.dat").write_text(text_of(columns, 60))
        (data / "notes.dat").write_text("nothing to see here\n")
        _run(session, 12)
        assert [trouble.name for trouble in heard.troubles] == ["notes.dat"]
        first = heard.updates[0]
        assert first.file == "scan.dat"
        assert first.points == 60
        assert first.state == 1
        (data / "scan.dat").write_text(text_of(columns))
        _run(session, 12)
        second = heard.last
        assert second.number == 2
        assert second.points == 90
    folder = session.folder
    truth = dict(zip(session.problem.names, film().truth, strict=True))
    value, error = second.values["L1.setD"], second.errors["L1.setD"]
    assert value is not None
    assert error is not None
    assert abs(value - truth["L1.setD"]) < 5.0 * error
    assert error < 0.5
    assert folder.best.is_file()
    assert "Parameters against files" in folder.report.read_text(encoding="utf-8")
    assert (folder.path / "fits" / "state0001.hgx").is_file()
    table = (folder.path / "live.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 3
    assert "L1.setD [Å] error" in table[0]
    assert json.loads((folder.path / "curves.json").read_text())["sets"][0]["x"] == pytest.approx(columns[0], rel=1e-6)

    with _session(wishes, tmp_path / "runs") as (again, heard):
        assert again.folder.path == folder.path
        _run(again, 2)
        assert not [update for update in heard.updates if not update.is_check]  # nothing new
        (data / "scan.dat").write_text(text_of(measured(2.0 * RATE, seed=2)))
        _run(again, 12)
        third = next(update for update in heard.updates if not update.is_check)
        assert third.number == 3
        assert third.state == 1
        assert third.values["L1.setD"] == pytest.approx(truth["L1.setD"], abs=5.0 * error)


def _command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "metagenx", "live", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_once_sweeps_and_exit_codes(tmp_path: Path, model: Path) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    data.mkdir()
    nothing = _command(data, "-m", model, "--once", "--json", "--out", runs)
    assert nothing.returncode == EXIT_BAD_INPUT
    for k in range(3):
        (data / f"s{k}.dat").write_text(text_of(measured(RATE / 3.0, seed=10 + k)))
    asked = (data, "-m", model, "--once", "--json", "--out", runs, "--sweeps", "--workers", "2")
    found = _command(*asked, "--precision", "L1.setD 0.5")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["kind"] for line in lines][:: len(lines) - 1] == ["begun", "ended"]
    update = [line for line in lines if line["kind"] == "update"][-1]
    assert update["files"] == ["s0.dat", "s1.dat", "s2.dat"]
    assert update["number"] == 1
    assert found.returncode == (EXIT_REACHED if update["advice"] == "change the sample" else EXIT_NOT_REACHED)
    assert update["advice"] == "change the sample", update["line"]


def test_mistakes_are_told_before_anything_is_watched(tmp_path: Path, model: Path) -> None:
    for wishes, words in (
        (Wishes(tmp_path, model, precision=("nothing 1",)), "no fitted parameter"),
        (Wishes(tmp_path, tmp_path / "none.hgx"), "cannot be read"),
    ):
        with pytest.raises(InputError, match=words):
            Session(wishes, out=tmp_path / "runs")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent by a signal")
def test_ctrl_c_ends_it_cleanly(tmp_path: Path, model: Path) -> None:
    import signal

    command = [sys.executable, "-m", "metagenx", "live", str(tmp_path), "-m", str(model), "--json", "--out"]
    with subprocess.Popen([*command, str(tmp_path / "runs")], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["kind"] == "begun"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == EXIT_INTERRUPTED
    assert json.loads(rest.splitlines()[-1])["kind"] == "ended"
    manifest = next((tmp_path / "runs").glob("live-*/20*/manifest.json"))
    assert json.loads(manifest.read_text())["state"] == "interrupted"


def _memory(runs: Path) -> dict[str, object]:
    """The last memory in the journal."""
    journal = next(runs.glob("live-*/20*/events.jsonl"))
    details = [json.loads(line).get("details") or {} for line in journal.read_text().splitlines(keepends=True)[:-1]]
    return [found for found in details if found.get("kind") == "memory"][-1]


@pytest.mark.skipif(os.name == "nt", reason="kills by a signal")
def test_a_killed_session_goes_on_with_all_that_it_knew(tmp_path: Path, model: Path) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    data.mkdir()
    command = [sys.executable, "-m", "metagenx", "live", str(data), "-m", str(model), "--json", "--sweeps"]
    with subprocess.Popen([*command, "--out", str(runs)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for k in range(3):  # two come together: the sum is fitted, and none may come again as new
            (data / f"s{k}.dat").write_text(text_of(measured(RATE / 3.0, seed=10 + k)))
            if k == 1:
                continue
            for line in process.stdout:
                found = json.loads(line)
                if found["kind"] == "update" and found["fits_same"] >= 2 and len(found["files"]) == k + 1:
                    break
        process.kill()
    (data / "s1.dat").write_text(text_of(measured(RATE / 3.0, seed=21)))  # measured again while nobody watched

    folder = next(runs.glob("live-*/20*"))
    _report_of(folder)  # of a run that has not ended
    wishes = Wishes(data, model, sweeps=True, workers=1, budget=20.0)
    with Session(wishes, out=runs) as session:
        memory = _memory(runs)
        assert session._follower.to_json() == memory["follower"]
        assert session._history.to_json(points=False).items() <= {**memory["history"]}.items()  # type: ignore[dict-item]
        before = session.updates[-1].number
        assert [state.names for state in session._states.members] == [{"s0.dat", "s1.dat", "s2.dat"}]
        assert set(session._states.members[0].curves) == {"s0.dat", "s2.dat"}
        minima = session._follower.minima
        assert minima is not None
        ends = len(minima.ends)
        _run(session, 12)
        new = [update for update in session.updates if update.number > before]
        assert {update.number for update in new} == {before + 1}
        assert new[0].file == "s1.dat"
        assert set(new[0].files) == {"s0.dat", "s1.dat", "s2.dat"}
        assert new[0].state == 1
        assert new[0].fits >= min(ends, 20)
        _report_of(folder)  # while somebody works in it
    _report_of(folder)


def _report_of(folder: Path) -> None:
    """What the command `metagenx report` makes of the folder of a beam time."""
    (folder / "report.html").unlink(missing_ok=True)
    command = [sys.executable, "-m", "metagenx", "report", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == EXIT_REACHED, done.stderr
    assert "Verdicts" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_report_of_a_beam_time_without_a_fit_is_refused_in_words(tmp_path: Path, model: Path) -> None:
    with _session(Wishes(tmp_path, model, workers=1), tmp_path / "runs") as (session, _):
        pass
    command = [sys.executable, "-m", "metagenx", "report", str(session.folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == EXIT_BAD_INPUT
    assert "nothing has been fitted in this beam time yet" in done.stderr
