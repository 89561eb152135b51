"""A limit on the memory that a script may take, by what the operating system offers.

On Linux the data segment (``RLIMIT_DATA``) may grow by so much while a script runs: ``"a" * 10**11`` is a
MemoryError at once instead of a computer that swaps. Elsewhere there is no such limit, and a script can fill
the memory.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

_MEASURE_EVERY = 1.0

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

#: Whether the limit is in force on this system.
ENFORCED = resource is not None and sys.platform == "linux"


class _Segment:
    """The process's data segment; the limit is that of the process, so calls in several threads share it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.bytes = 0
        self.measured = -_MEASURE_EVERY
        self.former = (0, 0)

    def restrict(self, more: int) -> None:
        with self.lock:
            self.users += 1
            if self.users > 1:
                return
            now = time.monotonic()
            if now - self.measured >= _MEASURE_EVERY:
                self.bytes, self.measured = _data_segment(), now
                self.former = resource.getrlimit(resource.RLIMIT_DATA)
            soft, hard = self.former
            limit = self.bytes + more
            resource.setrlimit(resource.RLIMIT_DATA, (limit if soft < 0 else min(limit, soft), hard))

    def release(self) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                resource.setrlimit(resource.RLIMIT_DATA, self.former)


_segment = _Segment()


def call(more: int | None, function: Callable[..., Result], /, *args: Any) -> Result:
    """``function(*args)``, during which the process may take `more` bytes on top of what it has; None: no
    limit.

    Beyond that allocations fail: Python raises MemoryError.
    """
    if more is None or not ENFORCED:
        return function(*args)
    _segment.restrict(more)
    try:
        return function(*args)
    finally:
        _segment.release()


def _data_segment() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * resource.getpagesize()
