"""A run in a process of its own, so that somebody is left to say what happened when Ray ends it.

Ray's library ends the process that it lives in at once, with status 1 and a line for programmers, when the head of
the cluster (or of the Ray on this machine) has been gone for a minute, or its local daemon dies. The run is kept then,
and is resumed by the same command; this process tells so, and exits with 4. Linux only: elsewhere nobody supervises.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType

from metagenx.errors import ResourcesSpent

FARE_WELL = "METAGENX_FAREWELL_FD"
_FORWARDED = (signal.SIGINT, signal.SIGTERM)


def may_supervise() -> bool:
    """Whether this process should start the run as a child, rather than do it."""
    return sys.platform.startswith("linux") and FARE_WELL not in os.environ


def supervised() -> int:
    """Run the same command line as a child; its exit code.

    Raises
    ------
    ResourcesSpent : the child ended without leaving through our door.
    """
    read, write = os.pipe()
    # A group of its own: Ctrl-C reaches it once, through us. When we are killed, so is it.
    child = subprocess.Popen(
        [sys.executable, "-m", "metagenx", *sys.argv[1:]],
        env={**os.environ, FARE_WELL: str(write)},
        pass_fds=(write,),
        process_group=0,
    )
    os.close(write)
    with _forwarded_to(child), os.fdopen(read, "rb") as farewell:
        code = child.wait()
        os.set_blocking(farewell.fileno(), False)
        said = farewell.read() or b""
    if said:
        return int(said)
    how = f"by signal {-code}" if code < 0 else f"with status {code}"
    raise ResourcesSpent(
        f"the process of the run was ended {how}: killed, or Ray ended it because the head of the cluster is gone",
        hint="Nothing that was done is lost: start the same command again and it goes on. If the cluster is dead, "
        "start it again first, or go on here with --where local.",
    )


@contextlib.contextmanager
def _forwarded_to(child: subprocess.Popen[bytes]) -> Iterator[None]:
    def forward(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)

    before = [(number, signal.signal(number, forward)) for number in _FORWARDED]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def die_with_parent() -> None:
    """In the child: be killed when the supervisor is; called before anything else."""
    if FARE_WELL not in os.environ or not sys.platform.startswith("linux"):
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def farewell(code: int) -> None:
    """In the child: tell the supervisor that we leave through the door, with this exit code."""
    descriptor = os.environ.get(FARE_WELL)
    if descriptor is not None:
        with contextlib.suppress(OSError, ValueError):
            os.write(int(descriptor), str(code).encode())
