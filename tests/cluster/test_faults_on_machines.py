"""A run on three machines to which nearly everything happens, and one whose head dies: tables as if nothing had.

The machines are namespaces with addresses, processes and disks of their own, the Ray is real. What is slower or
rarer is in benchmarks/faults.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "meta"), str(HERE.parent / "report")]

from machines import MINUTES, available, until  # noqa: E402
from run_here import tune_here  # noqa: E402
from scenarios import Cluster, cluster_on, drain, write_experiment  # noqa: E402
from tables import tables  # noqa: E402

from metagenx.errors import EXIT_BAD_INPUT, EXIT_REACHED, EXIT_SPENT  # noqa: E402
from metagenx.runs import RunFolder  # noqa: E402

pytestmark = [
    pytest.mark.ray,
    MINUTES,
    pytest.mark.skipif(not available(), reason="needs root, and network namespaces"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def experiment(folder: Path) -> Path:
    return write_experiment(folder)


@pytest.fixture(scope="module")
def undisturbed(experiment: Path, folder: Path) -> dict[str, str]:
    return tables(tune_here(experiment, folder / "undisturbed").path)


@pytest.fixture(scope="module")
def cluster(folder: Path):  # type: ignore[no-untyped-def]
    with cluster_on(folder, "one", "two") as found:
        yield found


@pytest.mark.timeout(600)
def test_killed_workers_and_nodes_a_late_one_and_one_with_notice(
    cluster: Cluster, experiment: Path, undisturbed: dict[str, str], folder: Path
) -> None:
    run = cluster.run(experiment, folder / "disturbed")
    run.fits(4)
    until(lambda: sum(machine.kill(starting="ray::data ") for machine in cluster.workers.values()))  # mid-fit
    run.fits(12)
    second = cluster.run(experiment, folder / "disturbed")  # another driver on the same run folder
    assert second.end() == EXIT_BAD_INPUT
    assert "this run is being worked on by process" in run.said
    assert cluster.workers["two"].kill(holding="/raylet") == 1
    cluster.join("three")
    run.fits(26)
    drain(cluster, "one", 3.0)
    assert run.end() == EXIT_REACHED, run.said
    assert {"one", "two", "three"} & run.hosts()
    assert "three" in run.hosts()
    assert tables(run.folder) == undisturbed
    records = RunFolder(run.folder).replay().records
    assert len({record.key for record in records}) == len(records)
    assert "Traceback" not in run.said


@pytest.mark.timeout(600)
def test_the_head_dies_and_the_run_goes_on_elsewhere(
    cluster: Cluster, experiment: Path, undisturbed: dict[str, str], folder: Path
) -> None:
    run = cluster.run(experiment, folder / "headless")
    run.fits(8)
    acknowledged = len(run.lines)
    assert cluster.head.kill(holding="gcs/gcs_server") == 1
    assert cluster.head.kill(holding="/raylet") == 1  # else its driver would wait a minute for the head
    assert run.end() == EXIT_SPENT, run.said
    assert "the head of the cluster is gone" in run.said
    assert "start the same command again" in run.said
    assert len(run.lines) >= acknowledged
    with (run.folder / "events.jsonl").open("ab") as journal:
        journal.write(b'{"n": 99, "event": "fit", "phase": "sea')
    again = cluster.run(experiment, folder / "headless", workers=2, where="local")
    assert again.end() == EXIT_REACHED, again.said
    assert tables(run.folder) == undisturbed
