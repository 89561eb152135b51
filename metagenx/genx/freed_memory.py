"""Memory that a simulation frees is used again by the next one, instead of going back to the operating system.

The arrays of a population are a few hundred kilobytes each. By default glibc returns them as soon as they are freed,
and the system fills new pages with zeros a moment later: a third of the time of a small fit.
"""

from __future__ import annotations

import ctypes
import functools
import os

# Numbers of `mallopt` in glibc.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_ON_HEAP = 32 << 20  # the most that glibc allows; larger arrays are rare and take longer anyhow
_KEPT = 128 << 20


@functools.lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let this process keep up to 128 MB of freed memory; without effect where the C library is not glibc.

    A user who has set glibc's own variables (``MALLOC_TRIM_THRESHOLD_``, ``GLIBC_TUNABLES``) has decided himself.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  (it is glibc)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_ON_HEAP)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
    except (OSError, AttributeError, TypeError):
        return
