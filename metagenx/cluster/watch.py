"""The timers that end what nobody uses any more. Ray never ends a head, and a worker lives on when its head dies.

On the head, ``metagenx cluster watch FILE`` ends the whole cluster when no run has shown a sign of life
(:mod:`metagenx.meta.heartbeat`) for ``provider.metagenx.idle_minutes``. On a worker, ``watch --worker`` shuts the node
down when its Ray has been gone for ten minutes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from metagenx.cluster.file import read_cluster_file
from metagenx.meta.heartbeat import heartbeat_file, state_folder

LOOK_SECONDS = 15.0
WORKER_MINUTES = 10.0
START_MINUTES = 15.0  # of grace after the head has started, whatever idle_minutes says


def watch_head(
    config: Path, *, look: float = LOOK_SECONDS, grace: float | None = None, end: Callable[[Path], None] | None = None
) -> str:
    """Wait until no run has shown a sign of life for long enough, then end the cluster; why it was ended.

    Parameters
    ----------
    config : the cluster file as Ray has it on the head.
    grace : seconds after the start in which no sign is needed.
    end : what ends the cluster; default: Ray's launcher, and the node shuts itself down.
    """
    options = read_cluster_file(config).options
    if not options.idle_minutes:
        return "the file wants no timer"
    idle, begun = 60.0 * options.idle_minutes, time.time()
    grace = 60.0 * START_MINUTES if grace is None else grace
    while True:
        time.sleep(look)
        last = _last_sign()
        silent = time.time() - max(last or 0.0, begun + grace - idle)
        if silent > idle:
            since = f"since {time.strftime('%H:%M:%S', time.localtime(last))}" if last else "at all"
            why = f"no run has shown a sign of life {since}: ending the cluster"
            print(why, flush=True)
            (end or end_cluster)(config)
            return why


def watch_worker(
    *, look: float = LOOK_SECONDS, minutes: float = WORKER_MINUTES, end: Callable[[], None] | None = None
) -> None:
    """Wait until Ray has been gone from this node for so long, then shut the node down."""
    gone_since: float | None = None
    while True:
        time.sleep(look)
        gone_since = None if _has_raylet() else gone_since or time.monotonic()
        if gone_since is not None and time.monotonic() - gone_since > 60.0 * minutes:
            print("Ray is gone: shutting this node down", flush=True)
            (end or shut_down)()
            return


def detach(log_name: str) -> bool:
    """Go into the background, with a log in ``~/.metagenx``; False in the process that the caller goes on in.

    A timer of the same name that runs already is replaced.
    """
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True)
    number = folder / f"{log_name}.pid"
    with contextlib.suppress(OSError, ValueError):
        old = int(number.read_text())
        if b"watch" in Path(f"/proc/{old}/cmdline").read_bytes():
            os.kill(old, 15)
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    number.write_text(str(os.getpid()))
    log = os.open(folder / f"{log_name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    return True


def end_cluster(config: Path) -> None:
    """End all nodes of this head's cluster, then this one."""
    from metagenx.cluster.launcher import _RAY

    for options in (("--workers-only",), ()):
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            subprocess.run([*_RAY, "down", "-y", *options, str(config)], timeout=300)
    if read_cluster_file(config).provider == "local":
        subprocess.run([*_RAY, "stop"], timeout=120)
    else:
        shut_down()


def shut_down() -> None:
    """Switch this machine off; with AWS that ends and deletes it (InstanceInitiatedShutdownBehavior: terminate)."""
    command = ["shutdown", "-h", "now"]
    subprocess.run(command if os.geteuid() == 0 else ["sudo", "-n", *command], timeout=60)


def _last_sign() -> float | None:
    with contextlib.suppress(OSError):
        return heartbeat_file().stat().st_mtime
    return None


def _has_raylet() -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cmdline").read_bytes().split(b"\0", 1)[0].endswith(b"/raylet"):
                    return True
    return False
