"""What a running job says to those who watch: a line of JSON a message, and the newest curves beside it.

``live.jsonl`` grows by a few lines a second at the most; every line is whole, and has the number ``n`` and the time
``t``. Curves are large, so only the newest are kept, in ``curves.json``, and a line says that there are new ones. The
server follows both by reading them: it may be restarted, and lines are never lost.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from metagenx.genx.disk import replace_atomically
from metagenx.serve.plain import to_json

LIVE, CURVES, STOP, LOCK = "live.jsonl", "curves.json", "stop", "lock"


class Live:
    """The messages of one job, open for writing; a context manager, which holds the job's lock.

    Raises
    ------
    BlockingIOError : another process works on this job.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        if not locked(self._lock):
            os.close(self._lock)
            raise BlockingIOError(f"another process works in {folder}")
        path = folder / LIVE
        text = path.read_bytes() if path.exists() else b""
        self._number = text.count(b"\n")
        self._file = path.open("ab")
        if text and not text.endswith(b"\n"):  # torn by a kill
            self._file.write(b"\n")
            self._number += 1

    def say(self, kind: str, **fields: Any) -> None:
        """One message."""
        self._number += 1
        line = to_json({"n": self._number, "t": round(time.time(), 3), "kind": kind, **fields})
        self._file.write(line.encode("utf-8") + b"\n")
        self._file.flush()

    def show(self, curves: dict[str, Any]) -> None:
        """New curves."""
        replace_atomically(self.folder / CURVES, to_json(curves).encode("utf-8"))
        self.say("curves")

    def should_stop(self) -> bool:
        """Whether somebody pressed Stop."""
        return (self.folder / STOP).exists()

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        os.close(self._lock)


def locked(descriptor: int) -> bool:
    """Take the lock of an open file; False if another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows: the number of the process decides
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_worked_on(folder: Path) -> bool:
    """Whether a process holds the lock of a job."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return not locked(descriptor)
    finally:
        os.close(descriptor)
