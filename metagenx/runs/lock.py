"""One driver per run folder.

On one machine the operating system's file lock decides, which ends with its process however that dies.
Between machines that share a folder, where file locks are not to be trusted, a heartbeat decides: a driver
whose heartbeat is older than a minute is dead, and its lock is taken over.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from metagenx.errors import InputError
from metagenx.runs.files import writing

try:
    import fcntl
except ImportError:  # Windows: the heartbeat alone decides
    fcntl = None  # type: ignore[assignment]

HEARTBEAT_SECONDS = 10.0
DEAD_AFTER_SECONDS = 60.0
_SIZE = 400


class RunLock:
    """Held while a driver works in a run folder; a context manager.

    Raises
    ------
    InputError : another driver works there; with its process, machine and last sign of life.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.taken_over_from: str | None = None
        self._descriptor = -1
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._started = time.time()

    def acquire(self) -> RunLock:
        """Take the lock, or raise InputError."""
        with writing(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            is_locked = _lock(descriptor)
            owner = _read(descriptor)
            if is_locked is False or (owner and not self._is_dead(owner, is_certain=is_locked is True)):
                raise self._refusal(owner)
        except BaseException:
            os.close(descriptor)
            raise
        if owner:
            self.taken_over_from = f"process {owner.get('pid')} on {owner.get('host')}"
        self._descriptor = descriptor
        try:
            with writing(self.path):
                self._beat()
        except BaseException:
            self.release()
            raise
        self._thread = threading.Thread(target=self._beat_on, name="metagenx-heartbeat", daemon=True)
        self._thread.start()
        return self

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._descriptor < 0:
            return
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> RunLock:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _is_dead(self, owner: dict[str, Any], *, is_certain: bool) -> bool:
        if owner.get("host") == platform.node():
            if is_certain:
                return True
            if not _is_alive(owner.get("pid")):
                return True
        return time.time() - float(owner.get("heartbeat", 0)) > DEAD_AFTER_SECONDS

    def _refusal(self, owner: dict[str, Any]) -> InputError:
        who = f"process {owner.get('pid', '?')} on {owner.get('host', '?')}" if owner else "another process"
        seen = f", last sign of life {_ago(owner.get('heartbeat'))}" if owner else ""
        return InputError(
            f"this run is being worked on by {who}{seen}",
            where=str(self.path.parent),
            hint="Wait until it has ended, or start another run with --out DIR. If that machine is dead, try "
            "again in a minute.",
        )

    def _beat(self) -> None:
        owner = {
            "host": platform.node(),
            "pid": os.getpid(),
            "started": self._started,
            "heartbeat": time.time(),
        }
        text = json.dumps(owner).encode("ascii", "replace").ljust(_SIZE) + b"\n"
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text)

    def _beat_on(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):  # a full disk is noticed where it matters, by the journal
                self._beat()


def _lock(descriptor: int) -> bool | None:
    """Whether the system's lock was got; None where there is no such thing."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN):
            return False
        return None
    return True


def _read(descriptor: int) -> dict[str, Any]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        owner = json.loads(os.read(descriptor, 4096))
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_alive(pid: object) -> bool:
    if not isinstance(pid, int) or pid <= 0 or os.name == "nt":
        return True  # cannot be known; the heartbeat decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _ago(heartbeat: object) -> str:
    if not isinstance(heartbeat, int | float):
        return "unknown"
    return f"{max(0.0, time.time() - heartbeat):.0f} s ago"
