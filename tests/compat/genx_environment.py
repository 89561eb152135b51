"""GenX itself, as a black box in an environment of its own: found, or made once and kept.

Looked for in this order: the interpreter that METAGENX_GENX_PYTHON names; an environment made earlier in the user's
cache folder; a new one there, from PyPI. GenX is GPL and pins wxPython, so it is never a dependency of ours: it is
installed with ``--no-deps`` beside the few libraries that it needs without a screen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

GENX_VERSION = "3.8.13"
NEEDED_WITHOUT_SCREEN = ("numpy", "scipy", "numba", "h5py", "orsopy", "platformdirs", "docutils")
INSTALLATION_TIMEOUT = 900.0


class GenxMissing(Exception):
    """There is no GenX here and none can be made; the text says why."""


def genx_python() -> Path:
    """The interpreter that can import GenX. Raises GenxMissing with the reason if there is none."""
    named = os.environ.get("METAGENX_GENX_PYTHON")
    if named:
        _check(Path(named))
        return Path(named)
    folder = _cache_folder() / f"genx-{GENX_VERSION}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not _works(python):
        _make(folder, python)
    return python


def _cache_folder() -> Path:
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "metagenx"


def _check(python: Path) -> None:
    version = _version(python)
    if version != GENX_VERSION:
        found = f"has GenX {version}" if version else "has no GenX"
        raise GenxMissing(f"{python} {found}; GenX {GENX_VERSION} is needed")


def _works(python: Path) -> bool:
    return python.is_file() and _version(python) == GENX_VERSION


def _version(python: Path) -> str | None:
    # Only asks what is installed: importing GenX takes long and prints.
    command = [str(python), "-c", "import importlib.metadata as m, numba, h5py; print(m.version('genx3'))"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _make(folder: Path, python: Path) -> None:
    """Make the environment, alone: whoever comes second waits for the first."""
    lock = folder.with_name(folder.name + ".lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + INSTALLATION_TIMEOUT
        while True:
            try:
                lock.mkdir()
                break
            except FileExistsError:
                if _works(python):
                    return
                if time.monotonic() > deadline:
                    raise GenxMissing(f"another process has been making it for long; delete {lock}") from None
                time.sleep(2.0)
        try:
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(folder)])
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, *NEEDED_WITHOUT_SCREEN])
            _run([*pip, "--no-deps", f"genx3=={GENX_VERSION}"])
            _check(python)
        except GenxMissing:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            lock.rmdir()
    except OSError as error:
        raise GenxMissing(f"an environment for GenX cannot be made in {folder.parent}: {error}") from None


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=INSTALLATION_TIMEOUT, check=True)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines() or [f"exit code {error.returncode}"]
        raise GenxMissing(f"'{' '.join(command[1:4])} …' failed: {lines[-1]}") from None
    except subprocess.TimeoutExpired:
        raise GenxMissing(f"'{' '.join(command[1:4])} …' took longer than {INSTALLATION_TIMEOUT:.0f} s") from None


if __name__ == "__main__":
    try:
        print(genx_python())
    except GenxMissing as missing:
        raise SystemExit(f"no GenX: {missing}") from None
