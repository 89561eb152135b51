"""The one place that starts Ray or connects to it."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metagenx.errors import InputError, ResourcesSpent
from metagenx.meta.capacity import announced_cpus
from metagenx.meta.heartbeat import heartbeat
from metagenx.meta.memory import free_memory
from metagenx.meta.ray_token import ensure_token, token_file

OBJECT_STORE_BYTES = 150 * 2**20  # what travels is small; Ray's own default would take 30 % of the memory
RAY_BYTES, WORKER_BYTES = 700 * 2**20, 150 * 2**20  # what Ray and each of its workers take, measured
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # the new output engine prints a box even when told to be silent
    "RAY_DEDUP_LOGS": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours: see interrupts.py
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # the journal is the truth, not Tune's snapshots
    "TUNE_WARN_THRESHOLD_S": "1000",
}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ONE_THREAD = dict.fromkeys(_THREADS, "1")


@dataclass(frozen=True)
class RaySession:
    """A running Ray.

    Parameters
    ----------
    workers : how many fits run at once; of a cluster that grows, how many may.
    dashboard : address of the dashboard, or None.
    token_file : where the token lies that the dashboard asks for; None if it asks for none.
    ours : whether we started it, and will end it.
    may_grow : whether nodes may join while we work: a cluster, and no number of workers was asked for.
    """

    workers: int
    dashboard: str | None
    token_file: Path | None
    ours: bool
    may_grow: bool = False

    def workers_now(self) -> int:
        """How many fits may run at once now; more than ``workers`` if nodes have joined."""
        return max(self.workers, _cpus()) if self.may_grow else self.workers

    @property
    def line(self) -> str:
        """Where the dashboard is and how to log in, in one line."""
        if self.dashboard is None:
            return f"{self.workers} workers, no Ray dashboard"
        login = f"   login token: cat {self.token_file}" if self.token_file else ""
        return f"Ray dashboard http://{self.dashboard}{login}"


@contextlib.contextmanager
def ray_session(
    workers: int | None = None,
    *,
    where: str = "local",
    log_folder: Path | None = None,
    dashboard: bool = True,
) -> Iterator[RaySession]:
    """Start Ray on this machine, or connect to one that runs; quiet either way.

    Parameters
    ----------
    workers : fits at once; default: one per core of the machine or cluster. On a cluster that starts nodes when they
        are asked for, so many are asked for.
    where : ``local`` starts Ray here; ``auto`` uses the cluster that RAY_ADDRESS or ``ray start`` offers,
        else starts one; an address connects to it.
    log_folder : Ray Tune's own messages go there.

    Raises
    ------
    InputError : no cluster at the address.
    ResourcesSpent : Ray does not start for want of memory or disk.
    """
    _environment()
    import ray

    with _quiet_loggers(log_folder):
        if ray.is_initialized():  # somebody's notebook, or a session around this one: use it, leave it
            yield _described(workers, ours=False)
            return
        is_local = _start(workers, where, dashboard)
        try:
            with _errors_to_log(), contextlib.nullcontext() if is_local else heartbeat():
                yield _described(workers, ours=True, is_local=is_local)
        finally:
            ray.shutdown()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _environment() -> None:
    """Ray reads these when it is imported or started; what the user has set stays."""
    for name, value in {**_QUIET, **_ONE_THREAD}.items():
        os.environ.setdefault(name, value)


def _start(workers: int | None, where: str, dashboard: bool) -> bool:
    """Start Ray or connect to one; whether it is one of our own on this machine."""
    if where == "auto":
        try:
            _connect("auto")
        except NoCluster:  # one of our own
            _start_here(workers, dashboard)
            return True
    elif where == "local":
        _start_here(workers, dashboard)
        return True
    else:
        _connect(where)
    return False


class NoCluster(InputError):
    """No cluster answers; what else can be wrong with one is an InputError too, but no reason to start another."""


def _connect(address: str) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, namespace="metagenx")
    except ConnectionError as error:
        raise NoCluster(f"no Ray cluster answers at {address}", hint="Is it running? Try: ray status") from error
    except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise InputError(
            f"the Ray cluster at {address} does not take us: {_first_line(error)}", hint=_how_to_join(str(error))
        ) from error


def _how_to_join(message: str) -> str:
    """What to do about a cluster that refuses us."""
    import ray

    if "ersion" in message:
        mine = f"Python {sys.version.split()[0]} and Ray {ray.__version__}"
        return (
            f"Here are {mine}; a cluster needs the same on all its nodes. Mend it there: "
            f"uv venv --python {sys.version.split()[0]} ~/venv && "
            f'uv pip install --python ~/venv/bin/python metagenx "ray[default,tune]=={ray.__version__}"'
        )
    return f"Its token belongs into {token_file()} (chmod 600), or into RAY_AUTH_TOKEN."


def _start_here(workers: int | None, dashboard: bool) -> None:
    import ray

    _check_memory(workers or cores())
    ensure_token()
    try:
        ray.init(
            address="local",
            num_cpus=workers or cores(),
            num_gpus=0,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=dashboard,
            log_to_driver=False,
            logging_level=logging.ERROR,
            namespace="metagenx",
        )
    except Exception as error:  # of a machine that is too busy to start it Ray says so by a plain Exception
        raise ResourcesSpent(
            f"Ray does not start: {_first_line(error)}",
            hint="It needs about 1 GB of free memory, and room in /tmp and /dev/shm: free some, or use fewer "
            "workers (--set run.workers=1).",
        ) from error


def _check_memory(workers: int) -> None:
    """Ray started without memory dies with a page of stack trace, or takes other programs with it."""
    free, needed = free_memory(), RAY_BYTES + workers * WORKER_BYTES
    if free is not None and free < needed:
        raise ResourcesSpent(
            f"Ray and {workers} workers need about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free",
            hint="Close other programs, or use fewer workers (--set run.workers=1). Nothing is lost: start the same "
            "command again.",
        )


def _described(workers: int | None, *, ours: bool, is_local: bool = True) -> RaySession:
    address = _dashboard_address()
    token = token_file()
    available = _cpus() if is_local else max(_cpus(), announced_cpus())
    return RaySession(
        workers=max(1, min(workers or available, available) if is_local else workers or available),
        dashboard=address,
        token_file=token if address and token.is_file() else None,
        ours=ours,
        may_grow=not is_local and workers is None,
    )


def _cpus() -> int:
    """Cores of all nodes that are there now."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]


def _dashboard_address() -> str | None:
    from ray._private import worker

    with contextlib.suppress(Exception):  # a convenience only
        return worker.get_dashboard_url() or None  # type: ignore[no-untyped-call]
    return None


@contextlib.contextmanager
def _quiet_loggers(log_folder: Path | None) -> Iterator[None]:
    """Send what Ray and Tune log to a file, or nowhere, for as long as this lasts."""
    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune", "ray.train", "ray.air")]
    before = [(logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    handler: logging.Handler = logging.NullHandler()
    if log_folder is not None:
        log_folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_folder / "tune.log", encoding="utf-8", delay=True)
        handler.handleError = lambda record: None  # type: ignore[method-assign]  # on a full disk the journal speaks
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for logger in loggers:
        logger.handlers[:] = [handler] if logger.name == "ray" else []
        logger.propagate = logger.name != "ray"
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # a full disk, which is told already, and must not be told otherwise
            handler.close()
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(level)


@contextlib.contextmanager
def _errors_to_log() -> Iterator[None]:
    """What Ray would print into the terminal about dead workers goes to its log instead.

    Ray has no switch for this (``log_to_driver`` is about workers' own output). Should a later Ray print by another
    function, the terminal gets those lines again; nothing else depends on it.
    """
    from ray._private import worker

    name = "print_to_stdstream"
    before = getattr(worker, name, None)

    def log(data: Mapping[str, Any], **options: Any) -> None:
        for line in data.get("lines", ()):
            logging.getLogger("ray").warning("%s", line)

    if before is not None:
        setattr(worker, name, log)
    try:
        yield
    finally:
        if before is not None:
            setattr(worker, name, before)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
