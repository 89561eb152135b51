"""How much memory is left, as far as the system says: of the machine, of the container, of this process's own limit."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def free_memory() -> int | None:
    """Bytes that may still be used here; None where the system does not say."""
    return min((limit for limit in _limits()), default=None)


def _limits() -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                yield 1024 * int(line.split()[1])
    with contextlib.suppress(OSError, ValueError):  # a container, cgroup v2
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        cached = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        yield max(0, most - used + int(cached.get("inactive_file", 0)))
    with contextlib.suppress(ImportError, OSError, ValueError):  # ulimit -v
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            yield max(0, soft - pages * os.sysconf("SC_PAGE_SIZE"))
