"""A sign of life of whoever works on a cluster: a file that is touched as long as he does.

The head's timer (:mod:`metagenx.cluster.watch`) ends the cluster when it has not been touched for long enough.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

SECONDS = 10.0


def state_folder() -> Path:
    """Where metagenx keeps what outlives a run on this machine: METAGENX_HOME, or ``~/.metagenx``."""
    return Path(os.environ.get("METAGENX_HOME", "~/.metagenx")).expanduser()


def heartbeat_file() -> Path:
    """The file that is touched."""
    return state_folder() / "heartbeat"


@contextlib.contextmanager
def heartbeat() -> Iterator[None]:
    """Show signs of life for as long as this lasts; a disk that cannot be written to disturbs no run."""
    stop = threading.Event()

    def beat() -> None:
        while True:
            with contextlib.suppress(OSError):
                heartbeat_file().parent.mkdir(parents=True, exist_ok=True)
                heartbeat_file().touch()
            if stop.wait(SECONDS):
                return

    thread = threading.Thread(target=beat, name="metagenx-sign-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=SECONDS)
