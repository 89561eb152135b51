"""Somebody is left to say what happened when the process of a run is ended from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metagenx.errors import EXIT_BAD_INPUT, EXIT_SPENT

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="supervised on Linux only")
ROOT = Path(__file__).resolve().parents[2]


def _start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "metagenx", "tune", *arguments], cwd=folder, text=True, stderr=subprocess.PIPE
    )


def _child(process: subprocess.Popen[str]) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.02)
    raise AssertionError("it has no child")


@linux
def test_a_run_that_is_killed_is_told_and_resumable(tmp_path: Path) -> None:
    process = _start(str(ROOT / "experiments" / "film.yaml"), folder=tmp_path)
    os.kill(_child(process), signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == EXIT_SPENT
    assert "was ended by signal 9" in said
    assert "start the same command again" in said


@linux
def test_the_run_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    process = _start(str(ROOT / "experiments" / "film.yaml"), folder=tmp_path)
    child = _child(process)
    deadline = time.monotonic() + 60  # until it has asked to die with its parent, which is among its first deeds
    while "numpy" not in Path(f"/proc/{child}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    assert time.monotonic() < deadline


def test_exit_codes_come_through(tmp_path: Path) -> None:
    process = _start("none.yaml", folder=tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode == EXIT_BAD_INPUT
    assert "there is no such file" in said
