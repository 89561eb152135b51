"""Where the tests find the shared material, and what they do when it is absent."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow without being wrong; and a run of CI can be repeated.
settings.register_profile("metagenx", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("metagenx")

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ["METAGENX_EXPERIENCE"] = "off"  # what tests do teaches nothing; those of the store name a folder

# A shell starts what runs in the background with Ctrl-C switched off, which our children would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(os.environ.get("METAGENX_SHARED", Path(__file__).resolve().parents[2] / "shared"))


# Tests that start Ray or many processes of their own; they take longest.
_LONG = ("tests/meta/", "tests/cluster/", "tests/serve/", "tests/report/", "tests/test_cli.py", "tests/test_convert.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that two processes (``-n 2 --dist loadfile``) end together."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared reference material is not at {SHARED.name}/ beside the project (METAGENX_SHARED)")
    return SHARED
