"""refnx and refl1d in an environment of their own, for benchmarks only: found, or made once and kept.

    python benchmarks/peer_environment.py        makes it and prints its interpreter

It is what these commands make, in the user's cache folder, and METAGENX_PEERS_PYTHON names another one:

    python -m venv peers
    peers/bin/python -m pip install refnx==0.1.67 refl1d==1.0.1
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import measure  # noqa: F401  (where the tests' modules are)

PACKAGES = ("refnx==0.1.67", "refl1d==1.0.1")


class PeersMissing(Exception):
    """There is no such environment and none can be made; the text says why."""


def peers_python() -> Path:
    """The interpreter that can import both. Raises PeersMissing with the reason if there is none."""
    named = os.environ.get("METAGENX_PEERS_PYTHON")
    if named:
        if not _works(Path(named)):
            raise PeersMissing(f"{named} cannot import refnx and refl1d")
        return Path(named)
    from genx_environment import _cache_folder

    folder = _cache_folder() / "peers"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not _works(python):
        _make(folder, python)
    return python


def _works(python: Path) -> bool:
    command = [str(python), "-c", "import refnx, refl1d, numba"]
    try:
        subprocess.run(command, capture_output=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _make(folder: Path, python: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", *PACKAGES],
    ):
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            raise PeersMissing(f"'{' '.join(command[1:4])} …' failed: {lines[-1]}") from None


if __name__ == "__main__":
    try:
        print(peers_python())
    except PeersMissing as missing:
        raise SystemExit(f"no refnx and refl1d: {missing}") from None
