"""Runs on a cluster of machines that are none, and what can happen to them; for the tests and benchmarks/faults.py."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from machines import PYTHON, Machine, Network, network, share_token, until
from tables import slow_experiment

METAGENX = str(PYTHON.parent / "metagenx")

# Ray notices a dead node after this many seconds without a heartbeat instead of 15 and more.
QUICK = {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "1000",
         "RAY_health_check_failure_threshold": "3", "RAY_health_check_initial_delay_ms": "2000"}  # fmt: skip


def write_experiment(folder: Path, evaluations: int = 90_000) -> Path:
    """The experiment that is disturbed: some 60 fits for 90,000 evaluations, each of them slowed down."""
    return slow_experiment(folder / "disturbed.yaml", evaluations)


class Cluster:
    """A head that only schedules, and workers."""

    def __init__(self, net: Network, *, disk_mb: int = 0) -> None:
        self.net, self.head = net, net.machine("head", disk_mb=disk_mb)
        self.workers: dict[str, Machine] = {}
        self.token = share_token(self.head)

    def start(self, *names: str, dashboard: bool = False) -> Cluster:
        """Start the head and these workers."""
        self.head.ray_head(0, dashboard=dashboard, env=QUICK)
        for name in names:
            self.join(name)
        return self

    def join(self, name: str) -> Machine:
        """One more worker."""
        worker = self.net.machine(name)
        file = worker.home / ".ray" / "auth_token"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(self.token)
        worker.ray_worker(self.head, 1, env=QUICK)
        self.workers[name] = worker
        return worker

    def run(self, experiment: Path, out: Path, *more: str, workers: int | None = None, where: str = "auto") -> Run:
        """Start a run on the head."""
        return Run(self, experiment, out, *more, workers=workers, where=where)


class Run:
    """A driver on the head, and what its journal says."""

    def __init__(
        self, cluster: Cluster, experiment: Path, out: Path, *more: str, workers: int | None = None, where: str = "auto"
    ) -> None:
        self.out, self.errors, self.cluster = out, out.with_name(f"{out.name}.err"), cluster
        options = ["--workers", str(workers)] if workers else []
        self.process = cluster.head.start(
            METAGENX, "tune", str(experiment), "--where", where, "--trust", "--out", str(out), *options, *more,
            log=self.errors,
        )  # fmt: skip

    @property
    def folder(self) -> Path:
        """The run folder."""
        return next(path for path in (self.out / "disturbed").iterdir() if path.is_dir() and not path.is_symlink())

    @property
    def lines(self) -> list[bytes]:
        """The journal's lines of fits."""
        with contextlib.suppress(OSError, StopIteration):
            return [
                line for line in (self.folder / "events.jsonl").read_bytes().splitlines() if b'"event":"fit"' in line
            ]
        return []

    def fits(self, count: int, timeout: float = 120.0) -> None:
        """Wait until so many fits are in the journal."""
        until(lambda: len(self.lines) >= count or self.process.poll() is not None, timeout, f"{count} fits")
        assert self.process.poll() is None, self.said

    def end(self, timeout: float = 180.0) -> int:
        """Wait for the end; the exit code."""
        assert self.process.stdout is not None
        code = self.process.wait(timeout)
        self.process.stdout.close()
        return code

    @property
    def said(self) -> str:
        """What people see."""
        return self.errors.read_text(errors="replace")

    def hosts(self) -> set[str]:
        """Machines that have done fits."""
        import json

        return {str(json.loads(line).get("host")) for line in self.lines}


def drain(cluster: Cluster, name: str, seconds: float) -> None:
    """What a cloud does with a spot node: notice with a deadline, then it is gone."""
    code = (
        "import ray,sys,time;"
        "ray.init('auto',log_to_driver=False,logging_level='ERROR');"
        "from ray._raylet import GcsClient;"
        "g=GcsClient(address=ray.get_runtime_context().gcs_address);"
        f"n=[n for n in ray.nodes() if n['Alive'] and n['NodeManagerAddress']=='{cluster.workers[name].address}'][0];"
        f"print(g.drain_node(n['NodeID'],2,'spot',int(time.time()*1000)+{int(1000 * seconds)}))"
    )
    cluster.head.run(str(PYTHON), "-c", code)


@contextlib.contextmanager
def cluster_on(folder: Path, *workers: str, disk_mb: int = 0, dashboard: bool = False) -> Iterator[Cluster]:
    """A cluster with these workers, switched off at the end."""
    with network(folder) as net:
        yield Cluster(net, disk_mb=disk_mb).start(*workers, dashboard=dashboard)


def wait(process: subprocess.Popen[str], seconds: float) -> None:
    """Let time pass while a process lives."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
