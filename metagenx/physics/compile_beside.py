"""The very first start on a machine: the largest kernel is compiled by another process while this one does the rest.

Most of the time of compiling is spent in Python, one thread of it, so a second process is what makes it shorter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "sys.argv[2] == '0' and __import__('numba'); "
    "from metagenx.physics.warm_up import warm_up; warm_up()"
)


def compile_beside() -> subprocess.Popen[bytes] | None:
    """Start the process if the kernel of slabs is not on disk; None if there is nothing to do, or no second core.

    Whoever needs the kernel waits until it is there (``kernel_cache.py``). The process ends by itself.
    """
    from metagenx.physics.compiled import vector_bits
    from metagenx.physics.kernel_cache import KernelCache, folder_to_write
    from metagenx.physics.slab_stack import reflect_population

    cache = reflect_population._cache  # type: ignore[attr-defined]
    assert isinstance(cache, KernelCache)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cache.is_kept() or cores < 2 or os.name != "posix" or not sys.executable or folder_to_write() is None:
        return None
    bits = str(vector_bits())
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), bits],
            env={**os.environ, **({"METAGENX_VECTOR_BITS": bits} if bits != "0" else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:  # no memory, no room for processes: it is compiled here
        return None
