"""A run that is handed over to a cluster: the laptop dies, picks it up again, and has everything in the end."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "meta"), str(HERE.parent / "report")]

from machines import MINUTES, Machine, available, until  # noqa: E402
from run_here import tune_here  # noqa: E402
from scenarios import METAGENX, cluster_on, write_experiment  # noqa: E402
from tables import tables  # noqa: E402

from metagenx.errors import EXIT_BAD_INPUT, EXIT_SPENT  # noqa: E402

pytestmark = [
    pytest.mark.ray,
    MINUTES,
    pytest.mark.skipif(not available(), reason="needs root, and network namespaces"),
]

DASHBOARD = "http://127.0.0.1:8265"


# What Prometheus does: ask every node where Ray says that it exports.
ASK_ALL_NODES = """
import urllib.request, ray
ray.init(address="auto", log_to_driver=False, logging_level="error")
for node in ray.nodes():
    where = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    print(urllib.request.urlopen(where, timeout=20).read().decode())
"""


def _exported(head: Machine) -> set[str]:
    """Names of our metrics that nodes export for the run."""
    text = head.run(sys.executable, "-c", ASK_ALL_NODES, check=False).stdout
    lines = [line for line in text.splitlines() if line.startswith("ray_metagenx_") and 'run="disturbed"' in line]
    return {line.partition("{")[0].removeprefix("ray_metagenx_") for line in lines}


@pytest.mark.timeout(600)
def test_hand_over_die_attach_and_a_ceiling(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path)
    undisturbed = tables(tune_here(experiment, tmp_path / "undisturbed").path)
    with cluster_on(tmp_path, "one", dashboard=True) as cluster:
        head, out, errors = cluster.head, tmp_path / "out", tmp_path / "errors.txt"
        tune = (METAGENX, "tune", str(experiment), "--where", DASHBOARD, "--trust", "--out", str(out), "--workers", "1")

        # A ceiling that is reached at the first look, ten seconds after the start: saved, resumable, home.
        ended = head.start(*tune, "--max-hours", "0.000001", log=errors)
        assert ended.wait(300) == EXIT_SPENT, errors.read_text()
        assert "the ceiling of 1e-06 hours is reached" in errors.read_text()
        run = next(path for path in (out / "disturbed").iterdir() if not path.is_symlink())
        journal = run / "events.jsonl"
        first = journal.read_bytes().count(b'"event":"fit"')  # none, on a machine that is slow to start
        assert json.loads((run / "manifest.json").read_text())["state"] == "spent"

        # It goes on from there; the laptop dies in between.
        laptop = head.start(*tune, log=errors)
        until(lambda: journal.read_bytes().count(b'"event":"fit"') > first + 3 or laptop.poll() is not None)
        assert laptop.poll() is None, errors.read_text()
        until(lambda: _exported(head) >= {"evaluations_per_second", "success_rate", "best_fom", "workers"})
        assert head.kill(holding=DASHBOARD) == 1
        laptop.wait(30)
        before = journal.read_bytes()

        attached = head.run(METAGENX, "attach", str(run), "--trust", timeout=300)
        assert str(run) in attached.stdout
        after = journal.read_bytes()
        assert after.startswith(before[: before.rfind(b"\n") + 1])
        assert len(after) > len(before)
        assert tables(run) == undisturbed
        assert (run / "report.html").is_file()
        assert json.loads((run / "manifest.json").read_text())["state"] == "finished"
        note = json.loads((run / "remote.json").read_text())
        assert (note["where"], note["attempts"]) == (DASHBOARD, 2)
        text = "".join(path.read_text(errors="replace") for path in run.rglob("*") if path.is_file())
        assert cluster.token not in text
        assert cluster.token not in errors.read_text()
        assert stat.S_IMODE((head.home / ".ray" / "auth_token").stat().st_mode) == 0o600

        # A wrong token is a message, not a traceback.
        refused = head.run(*tune, "--new", env={"RAY_AUTH_TOKEN": "0" * 64}, check=False)
        assert refused.returncode == EXIT_BAD_INPUT
        assert "Its token belongs into" in refused.stderr
        assert "Traceback" not in refused.stderr
