"""Runs that are disturbed: killed drivers and workers, Ctrl-C, a full disk. Real processes, real Ray."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tables import slow_experiment, tables, the_run

from metagenx.errors import EXIT_INTERRUPTED, EXIT_SPENT
from metagenx.runs import RunFolder

HERE = Path(__file__).parent
PATIENCE = 150.0

pytestmark = pytest.mark.ray


class Driver:
    """A driver process and what it says."""

    def __init__(self, experiment: Path, out: Path, *more: str) -> None:
        self.errors = out / "stderr.txt"
        with self.errors.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "driver.py"), str(experiment), str(out), *more],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        self.heard: list[list[object]] = []

    def until(self, enough: Callable[[list[object]], bool]) -> list[object]:
        """Read what it says until something is enough."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.append(json.loads(line))
            if enough(self.heard[-1]):
                return self.heard[-1]
        raise AssertionError(f"it ended before that: {self.heard[-3:]}, {self.errors.read_text()[-2000:]}")

    def fits(self, count: int) -> None:
        """Wait until so many fits are done."""
        self.until(lambda message: isinstance(message[2], int) and message[2] >= count)

    def end(self) -> int:
        """Read the rest; the exit code."""
        assert self.process.stdout is not None
        self.heard += [json.loads(line) for line in self.process.stdout]
        return self.process.wait(PATIENCE)

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the driver, or as a terminal does to its whole group."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def workers(self) -> list[int]:
        """Processes of Ray that run fits for this driver now."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _is_below(int(entry.name), self.process.pid):
                try:
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if command.startswith("ray::data "):
                    found.append(int(entry.name))
        return found


def _is_below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return False


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slow_experiment(tmp_path_factory.mktemp("experiment") / "disturbed.yaml", 90_000)


@pytest.fixture(scope="module")
def undisturbed(experiment: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tables of a run that nobody disturbed; it also keeps quiet but for what the driver says."""
    out = tmp_path_factory.mktemp("undisturbed")
    driver = Driver(experiment, out)
    assert driver.end() == 0, driver.heard[-2:]
    assert driver.errors.read_text() == ""
    return tables(the_run(out, "disturbed"))


def test_a_killed_driver_loses_nothing(experiment: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    """SIGKILL in the middle, a torn last line, and started again twice: the numbers of an undisturbed run."""
    for done in (8, 30):
        driver = Driver(experiment, tmp_path)
        driver.fits(done)
        driver.signal(signal.SIGKILL)
        driver.process.wait(PATIENCE)
        run = the_run(tmp_path, "disturbed")
        with (run / "events.jsonl").open("ab") as journal:
            journal.write(b'{"n": 99, "event": "fit", "phase": "sea')
    driver = Driver(experiment, tmp_path)
    assert driver.end() == 0
    assert any("going on with" in str(message[3]) for message in driver.heard)
    assert tables(run) == undisturbed
    records = RunFolder(run).replay().records
    assert len({record.key for record in records}) == len(records)


def test_a_killed_worker_loses_nothing(experiment: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    driver = Driver(experiment, tmp_path)
    driver.fits(10)
    deadline = time.monotonic() + PATIENCE
    while not (victims := driver.workers()):
        assert time.monotonic() < deadline, "no worker was found"
        time.sleep(0.1)
    os.kill(victims[0], signal.SIGKILL)
    assert driver.end() == 0, driver.heard[-2:]
    assert tables(the_run(tmp_path, "disturbed")) == undisturbed
    assert driver.errors.read_text() == ""


@pytest.mark.skipif("METAGENX_LONG" not in os.environ, reason="takes a minute: METAGENX_LONG=1")
def test_ctrl_c_once_and_twice(experiment: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    driver = Driver(experiment, tmp_path)
    driver.fits(8)
    driver.signal(signal.SIGINT, group=True)  # as from a terminal: Ray's processes hear it too
    begun = time.monotonic()
    assert driver.end() == EXIT_INTERRUPTED
    assert driver.heard[-1][1] == "Interrupted"
    assert "start the same command again" in str(driver.heard[-1][3])
    assert any(message[0] == "stopping" for message in driver.heard)
    run = the_run(tmp_path, "disturbed")
    assert (run / "repeats.csv").read_text().count("\n") > 8
    assert json.loads((run / "manifest.json").read_text())["state"] == "interrupted"

    driver = Driver(experiment, tmp_path)
    driver.fits(25)
    driver.signal(signal.SIGINT)
    driver.until(lambda message: message[0] == "stopping")
    driver.signal(signal.SIGINT)
    begun = time.monotonic()
    assert driver.end() == EXIT_INTERRUPTED
    assert time.monotonic() - begun < 30.0

    driver = Driver(experiment, tmp_path)
    assert driver.end() == 0
    assert tables(run) == undisturbed
    assert driver.errors.read_text() == ""


def test_a_full_disk_ends_the_run_and_loses_nothing(
    experiment: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    """The driver may not write any file beyond 25 kB once Ray has started: its journal hits the limit."""
    driver = Driver(experiment, tmp_path, "25000")
    assert driver.end() == EXIT_SPENT
    assert driver.heard[-1][1] == "ResourcesSpent"
    assert "the disk is full" in str(driver.heard[-1][3])
    driver = Driver(experiment, tmp_path)
    assert driver.end() == 0
    assert tables(the_run(tmp_path, "disturbed")) == undisturbed


def test_no_memory_for_ray_is_said_before_ray_is_started(experiment: Path, tmp_path: Path) -> None:
    driver = Driver(experiment, tmp_path, "memory")
    assert driver.end() == EXIT_SPENT
    assert driver.heard[-1][1] == "ResourcesSpent"
    assert "GB of memory" in str(driver.heard[-1][3])
    assert json.loads((the_run(tmp_path, "disturbed") / "manifest.json").read_text())["state"] == "spent"
