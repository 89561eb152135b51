"""What a process does to itself before it touches a foreign file: limits that cannot be taken back."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = "METAGENX_CONFINED"
INSIDE = "/kernels"  # where a confined process finds the compiled kernels, read only
KERNELS = Path(__file__).resolve().parents[1] / "physics" / "__pycache__"


def confine() -> None:
    """Take on the limits that the server has put into the environment; nothing where the system has none."""
    text = os.environ.pop(ENVIRONMENT, "")
    if text:
        _link_kernels()
        limit_process(json.loads(text))


def limit_process(limits: Mapping[str, int]) -> None:
    """Limit this process and its children; names as in `metagenx.serve.limits.Limits`, 0 is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return
    kinds = {
        "memory_bytes": resource.RLIMIT_AS,
        "cpu_seconds": resource.RLIMIT_CPU,
        "file_bytes": resource.RLIMIT_FSIZE,
        "processes": resource.RLIMIT_NPROC,
        "open_files": resource.RLIMIT_NOFILE,
    }
    for name, kind in kinds.items():
        wanted = int(limits.get(name, 0))
        if wanted:
            hard = resource.getrlimit(kind)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _link_kernels() -> None:
    """Numba wants a cache that it can write to; see `isolation`."""
    with contextlib.suppress(OSError):
        for name in os.listdir(INSIDE):
            os.symlink(f"{INSIDE}/{name}", KERNELS / name)


if __name__ == "__main__":
    confine()
