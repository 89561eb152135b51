"""The driver on a cluster: ``python -m metagenx.cluster.driver`` in the folder of a job.

It finds there what :mod:`metagenx.cluster.ship` has packed: a run folder without results, or with the journal so far,
and ``job.json``. It works in ``~/metagenx-runs``, says what happens through :mod:`metagenx.cluster.messages`, sends
the results, and stays until they have been fetched: the head's timer must not end the cluster before.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metagenx.cluster.cost import CostMeter
from metagenx.cluster.messages import line, pieces
from metagenx.errors import (
    EXIT_INTERNAL,
    EXIT_NOT_REACHED,
    EXIT_REACHED,
    EXIT_SPENT,
    MetagenxError,
    ResourcesSpent,
)
from metagenx.meta.heartbeat import heartbeat
from metagenx.meta.progress import Progress
from metagenx.runs import RunFolder, versions

BASE = Path("~/metagenx-runs")
JOB = "job.json"
JOURNAL_SECONDS = 1.0
PROGRESS_SECONDS = 0.5
NOT_SENT = ("ray", "run.lock", "inputs", "events.jsonl")


@dataclasses.dataclass(frozen=True)
class Job:
    """What the driver is asked to do, as ``job.json`` has it.

    Parameters
    ----------
    run : name of the experiment, and of its run folder.
    keep_hours : so long the driver waits for its results to be fetched.
    max_hours, max_cost, prices : ceilings, and prices of head and of one worker per hour.
    """

    experiment: str
    run: str
    trust: bool = False
    workers: int | None = None
    keep_hours: float = 12.0
    max_hours: float | None = None
    max_cost: float | None = None
    prices: tuple[float, float] | None = None
    currency: str = "USD"


def main() -> int:
    """Do the job in the current folder; the exit code of the run."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    here = Path.cwd()
    job = Job(**json.loads((here / JOB).read_text(encoding="utf-8")))
    _say({"hello": {"host": platform.node(), "versions": versions()}})
    with heartbeat():
        code = EXIT_INTERNAL
        try:
            folder = _place(here / "run", BASE.expanduser() / job.experiment / job.run)
            os.chdir(folder.path)  # the folder of the job is Ray's, which clears it away when it likes
            with _mirrored(folder):
                code = _work(job, folder)
            _send(folder)
        except MetagenxError as error:
            code = error.exit_code
            _complain(error)
        except Exception as error:
            _complain(MetagenxError(f"internal error on the cluster: {type(error).__name__}: {error}"))
            raise
        finally:
            _say({"end": code})
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(3600.0 * job.keep_hours)
    return code


def _work(job: Job, folder: RunFolder) -> int:
    from metagenx.meta.reread import experiment_of
    from metagenx.meta.tune import tune
    from metagenx.report.run import write_report

    experiment = experiment_of(folder, trust=job.trust)
    meter = CostMeter(folder.path / "cost.json", job.prices, job.max_hours, job.max_cost, job.currency)
    try:
        result = tune(
            experiment,
            out=folder.path.parent.parent,
            workers=job.workers,
            where="auto",
            trust=job.trust,
            progress=_Progress(),
            should_stop=meter.why_end,
        )
    except MetagenxError as error:
        _report(folder, job)
        if meter.reached:
            error.hint = "The same command again goes on, with a higher --max-hours or --max-cost."
        raise
    finally:
        meter.save()
    write_report(result.folder, trust=job.trust)
    if not result.answer.complete:
        return EXIT_SPENT
    return EXIT_REACHED if result.answer.reached else EXIT_NOT_REACHED


def _report(folder: RunFolder, job: Job) -> None:
    """What there is of a run that ended early goes home too."""
    from metagenx.report.run import write_report

    with contextlib.suppress(MetagenxError):
        write_report(folder, trust=job.trust)
    with contextlib.suppress(OSError):
        _send(folder)


def _place(packed: Path, target: Path) -> RunFolder:
    """The run folder on this machine: what is here already goes on; what was brought is taken if it is further.

    Raises
    ------
    ResourcesSpent : the journal here and the one that was brought have gone different ways.
    """
    if not (target / "manifest.json").is_file():
        partly = target.with_name(f".{target.name}-{os.getpid()}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(packed, partly)
        partly.rename(target)
    else:
        here, brought = _lines(target), _lines(packed)
        if here[: len(brought)] != brought[: len(here)]:
            raise ResourcesSpent(
                "the run has gone on here and elsewhere, in different ways",
                where=str(target),
                hint="Start it anew with --new, or remove one of the two.",
            )
        if len(brought) > len(here):
            (target / "events.jsonl").write_bytes((packed / "events.jsonl").read_bytes())
    return RunFolder(target)


def _lines(folder: Path) -> list[bytes]:
    path = folder / "events.jsonl"
    return (
        [text for text in path.read_bytes().splitlines(keepends=True) if text.endswith(b"\n")] if path.exists() else []
    )


class _Progress:
    """Hands on what a run says of itself; of the many lines about fits only some."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.kind == "fits" and now - self._last < PROGRESS_SECONDS:
            return
        self._last = now
        _say({"progress": dataclasses.asdict(progress)})


@contextlib.contextmanager
def _mirrored(folder: RunFolder) -> Iterator[None]:
    """Hand on every line of the journal that is complete, for as long as this lasts."""
    stop = threading.Event()

    def follow() -> None:
        position, last = 0, False
        while not last:
            last = stop.wait(JOURNAL_SECONDS)
            with contextlib.suppress(OSError), folder.events.open("rb") as stream:
                stream.seek(position)
                for text in stream:
                    if text.endswith(b"\n"):
                        position += len(text)
                        _say({"journal": text.decode("utf-8", errors="replace")})

    thread = threading.Thread(target=follow, name="metagenx-journal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _send(folder: RunFolder) -> None:
    for path in sorted(folder.path.rglob("*")):
        name = path.relative_to(folder.path).as_posix()
        if path.is_file() and not path.is_symlink() and name.split("/")[0] not in NOT_SENT:
            for piece in pieces(name, path.read_bytes()):
                _say(piece)


def _complain(error: MetagenxError) -> None:
    described: dict[str, Any] = {"kind": type(error).__name__, "what": error.what, "where": error.where}
    _say({"error": {**described, "hint": error.hint, "exit_code": error.exit_code}})


_VOICE = threading.Lock()


def _say(message: dict[str, Any]) -> None:
    with _VOICE:
        sys.stdout.write(line(message))
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
