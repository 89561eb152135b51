"""Runs to which things happen, one kind after the other, on machines made of namespaces.

    python benchmarks/faults.py

Prints for each kind how it ended, and whether its tables are those of an undisturbed run. Needs root.
``--only NAME`` runs one kind, ``--list`` names them. tests/cluster/test_faults_on_machines.py has the quick ones.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("cluster", "meta", "report")]

from machines import available, until  # noqa: E402
from run_here import tune_here  # noqa: E402
from scenarios import Cluster, Run, cluster_on, drain, wait, write_experiment  # noqa: E402
from tables import tables  # noqa: E402

Fault = Callable[[Cluster, Path, Path], Run]


def killed_worker(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """SIGKILL of a worker process in a fit."""
    run = cluster.run(experiment, out)
    run.fits(8)
    until(lambda: sum(machine.kill(starting="ray::data ") for machine in cluster.workers.values()))
    return run


def killed_raylet(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """SIGKILL of a node's daemon."""
    run = cluster.run(experiment, out)
    run.fits(8)
    cluster.workers["two"].kill(holding="/raylet")
    return run


def power_cut(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """A whole node is gone from one moment to the next."""
    run = cluster.run(experiment, out)
    run.fits(8)
    cluster.workers["two"].off()
    return run


def late_node(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """A node joins in the middle."""
    run = cluster.run(experiment, out)
    run.fits(8)
    cluster.join("three")
    return run


def withdrawn(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """A spot node with notice."""
    run = cluster.run(experiment, out)
    run.fits(8)
    drain(cluster, "two", 5.0)
    return run


def short_cut(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """The network is cut for two seconds: too short for Ray to give the node up."""
    return _cut(cluster, experiment, out, seconds=2.0)


def long_cut(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """The network is cut for twenty seconds, then heals: Ray has given the node up by then."""
    return _cut(cluster, experiment, out, seconds=20.0)


def _cut(cluster: Cluster, experiment: Path, out: Path, *, seconds: float) -> Run:
    run = cluster.run(experiment, out)
    run.fits(8)
    cluster.workers["two"].cut()
    wait(run.process, seconds)
    cluster.workers["two"].heal()
    return run


def killed_driver(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """SIGKILL of the driver; then the same command."""
    run = cluster.run(experiment, out)
    run.fits(8)
    run.process.send_signal(signal.SIGKILL)
    cluster.head.kill(holding="metagenx")
    run.process.wait(30)
    return cluster.run(experiment, out)


def killed_control_service(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """SIGKILL of the head's control service, which Ray notices after a minute; then the same command, here."""
    run = cluster.run(experiment, out)
    run.fits(8)
    cluster.head.kill(holding="gcs/gcs_server")
    assert run.end() == 4, run.said
    assert "the head of the cluster is gone" in run.said
    return cluster.run(experiment, out, where="local", workers=2)


def full_disk(cluster: Cluster, experiment: Path, out: Path) -> Run:
    """The head's disk fills up; then there is room, and the same command."""
    home = cluster.head.home
    place = home / "out"
    run = cluster.run(experiment, place)
    run.fits(8)
    cluster.head.run("bash", "-c", f"dd if=/dev/zero of={home}/full bs=1M; true")
    assert run.end() == 4, run.said
    assert "the disk is full" in run.said, run.said
    cluster.head.run("rm", f"{home}/full")
    return cluster.run(experiment, place)


FAULTS: dict[str, Fault] = {
    function.__name__.replace("_", "-"): function
    for function in (
        killed_worker, killed_raylet, power_cut, late_node, withdrawn, short_cut, long_cut, killed_driver,
        killed_control_service, full_disk,
    )
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=FAULTS, action="append")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:<24}{fault.__doc__}" for name, fault in FAULTS.items()))
        return 0
    if not available():
        print("needs root, and network namespaces", file=sys.stderr)
        return 2
    failures = 0
    with tempfile.TemporaryDirectory(prefix="metagenx-faults-") as place:
        base = Path(place)
        experiment = write_experiment(base)
        wanted = tables(tune_here(experiment, base / "undisturbed").path)
        for name in options.only or FAULTS:
            begun = time.monotonic()
            folder = base / name
            folder.mkdir()
            try:
                with cluster_on(folder, "one", "two", disk_mb=60 if name == "full-disk" else 0) as cluster:
                    run = FAULTS[name](cluster, experiment, folder / "out")
                    code = run.end(900)
                    copy = {path.name: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
                    kept = folder / "kept"
                    kept.mkdir()
                    for file, content in copy.items():
                        (kept / file).write_bytes(content)
                    same = code == 0 and tables(kept) == wanted
                    said = run.said.strip().splitlines()[-1:]
            except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                code, same, said = -1, False, [str(error).strip()[-500:]]
            failures += not same
            seconds = time.monotonic() - begun
            print(
                f"{'ok ' if same else '!! '} {name:<24} exit {code}  {seconds:5.0f} s  {'' if same else said}",
                flush=True,
            )
    print(f"{failures} of {len(options.only or FAULTS)} runs differ from the undisturbed one")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
