"""Where the tests find the shared material, and what they do when it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

SHARED = Path(os.environ.get("METAGENX_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared reference material is not at {SHARED.name}/ beside the project (METAGENX_SHARED)")
    return SHARED
