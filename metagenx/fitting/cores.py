"""How many cores this process may use."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Cores of the machine, less those that this process is kept from: by its affinity, or by a container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        cores = min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no container, or "max"
        pass
    return max(1, cores)


def cores_of_a_fit() -> int:
    """All usable cores, or one where others already share the cores out: in a worker of Ray or multiprocessing."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        return 1
    worker = sys.modules.get("ray._private.worker")
    if worker is not None and getattr(getattr(worker, "global_worker", None), "mode", None) == worker.WORKER_MODE:
        return 1
    return usable_cores()
