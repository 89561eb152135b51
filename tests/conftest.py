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


# Tests that start Ray, GenX or many processes of their own: they would wait for each other's processors.
_CROWDED = (
    "tests/meta/",
    "tests/cluster/",
    "tests/serve/",
    "tests/report/",
    "tests/test_cli.py",
    "tests/test_convert.py",
)


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``-n 2 --dist loadgroup`` one process does all the tests that are crowded, the other one the rest."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    crowded = []
    for item in items:
        file = item.nodeid.partition("::")[0]
        if file.startswith(_CROWDED):
            crowded.append(item)
        item.add_marker(pytest.mark.xdist_group("crowded" if file.startswith(_CROWDED) else file))
    items[:] = crowded + [item for item in items if item not in set(crowded)]


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the shared reference material is not at {SHARED.name}/ beside the project (METAGENX_SHARED)")
    return SHARED
