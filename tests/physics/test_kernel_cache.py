"""Compiled kernels on disk: nothing is compiled twice, whoever asks, and wherever they may be kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# A kernel of its own in a copy of what keeps kernels; prints how often it was compiled, and every warning.
KERNEL = """
from metagenx.physics.compiled import compiled

@compiled()
def twice(x):
    return 2.0 * x
"""
PROGRAM = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("always")
import metagenx.physics.kernel_cache as cache
{before}
from kernel_of_a_test import twice
assert twice(2.0) == 4.0
count = sum(twice.stats.cache_misses.values())
print(count, cache.folder_to_write() if count else "-")
"""


class Installation:
    """A folder with one kernel, and processes that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "kernel_of_a_test.py").write_text(KERNEL, encoding="utf-8")

    def start(self, before: str = "", **environment: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
        before = f"cache._INSTALLED = Path({str(self.folder)!r}) / '__pycache__'\n{before}"
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(before=before)],
            env={**kept, "PYTHONPATH": os.pathsep.join([str(self.folder), *sys.path]), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, before: str = "", **environment: str) -> tuple[int, str, str]:
        return finished(self.start(before, **environment))


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """How often it compiled, where it would write, and what it said."""
    out, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    count, folder = out.split(maxsplit=1)
    return int(count), folder.strip(), said


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "installed")


def test_two_processes_at_once_compile_once_and_a_copy_not_at_all(installation: Installation, tmp_path: Path) -> None:
    found = [finished(process) for process in [installation.start(), installation.start()]]
    assert sorted(count for count, _, _ in found) == [0, 1]
    assert str(installation.folder / "__pycache__") in {folder for _, folder, _ in found}
    copy = Installation.__new__(Installation)
    copy.folder = tmp_path / "copied"
    shutil.copytree(installation.folder, copy.folder)
    # Nothing can be written there, as in an image: what was warmed is used all the same, and nothing is said.
    assert copy.run("def refuse(f): raise OSError(30, 'Read-only file system')\ncache._make = refuse") == (0, "-", "")
    for damaged in (copy.folder / "__pycache__").glob("*.nbc"):
        damaged.write_bytes(damaged.read_bytes()[:100])
    assert [copy.run()[0], copy.run()[0]] == [1, 0]


def test_a_folder_that_cannot_be_written_is_said_once_and_another_is_taken(
    installation: Installation, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    count, folder, said = installation.run(NUMBA_CACHE_DIR=str(in_the_way))
    assert (count, folder) == (1, str(installation.folder / "__pycache__"))
    assert said.count("cannot be written (Not a directory): compiled kernels go elsewhere") == 1
    # No room anywhere at all: it works, and says what that costs.
    nowhere = "def refuse(f): raise OSError(28, 'No space left on device')\n"
    nowhere += "cache._make = refuse\ncache._INSTALLED = Path('/nonexistent')"
    count, folder, said = installation.run(nowhere, HOME="/nonexistent")
    assert (count, folder) == (1, "None")
    assert said.count("compiled kernels cannot be kept anywhere") == 1
