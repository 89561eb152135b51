"""What ``--where`` may name, and the batch script for Slurm."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from metagenx.cli import main
from metagenx.cluster.places import check_where, is_far
from metagenx.cluster.slurm import SlurmJob, slurm_script
from metagenx.cluster.watch import watch_head, watch_worker
from metagenx.errors import EXIT_BAD_INPUT, InputError

ROOT = Path(__file__).resolve().parents[2]


def test_places() -> None:
    for where in (
        None,
        "local",
        "auto",
        "10.0.0.1:6379",
        "[::1]:6379",
        "http://127.0.0.1:8265",
        str(ROOT / "cluster.yaml"),
    ):
        check_where(where)
    assert is_far("cluster.yaml")
    assert is_far("http://127.0.0.1:8265")
    assert not is_far("auto")
    assert not is_far(None)


@pytest.mark.parametrize("where", ["cloud", "host:", ":6379", "host:port", "host:99999", "ray://host:10001", ""])
def test_no_places(where: str) -> None:
    with pytest.raises(InputError, match="names no place"):
        check_where(where)


def test_options_of_clusters_need_one() -> None:
    found = CliRunner().invoke(main, ["tune", str(ROOT / "experiments" / "film.yaml"), "--max-cost", "5"])
    assert found.exit_code == EXIT_BAD_INPUT
    assert "go with --where CLUSTER" in found.output
    found = CliRunner().invoke(main, ["tune", str(ROOT / "experiments" / "film.yaml"), "--where", "moon"])
    assert found.exit_code == EXIT_BAD_INPUT
    assert "names no place" in found.output


def test_nothing_answers() -> None:
    found = CliRunner().invoke(
        main, ["tune", str(ROOT / "experiments" / "film.yaml"), "--where", "http://127.0.0.1:9", "--dry-run"]
    )
    assert found.exit_code == 0


def test_slurm_script_is_shell_and_asks_for_what_was_said() -> None:
    job = SlurmJob(Path("a film.yaml"), nodes=4, cpus=48, hours=1.5, partition="long", options=("--account=physics",))
    script = slurm_script(job)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    asked = [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH")]
    assert {"--nodes=4", "--cpus-per-task=48", "--time=01:30:00", "--partition=long", "--account=physics"} <= set(asked)
    assert "metagenx tune 'a film.yaml' --where auto" in script
    assert "--job-name=metagenx-a-film" in asked
    assert "umask 077" in script
    with pytest.raises(InputError, match="no option of sbatch"):
        slurm_script(SlurmJob(Path("film.yaml"), options=("--account=x\nrm -rf",)))


def test_the_head_ends_the_cluster_when_nobody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAGENX_HOME", str(tmp_path))
    config = tmp_path / "cluster.yaml"
    text = (ROOT / "cluster.yaml").read_text(encoding="utf-8")
    config.write_text(text.replace("idle_minutes: 15", "idle_minutes: 0.01"), encoding="utf-8")
    ended: list[Path] = []
    (tmp_path / "heartbeat").touch()
    begun = time.monotonic()
    why = watch_head(config, look=0.05, grace=0.0, end=ended.append)
    assert ended == [config]
    assert "no run has shown a sign of life since" in why
    assert time.monotonic() - begun > 0.5
    config.write_text(text.replace("idle_minutes: 15", "idle_minutes: 0"), encoding="utf-8")
    assert watch_head(config, look=0.0, end=ended.append) == "the file wants no timer"
    assert len(ended) == 1


def test_a_worker_shuts_itself_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metagenx.cluster.watch._has_raylet", iter([True, False, True, False, False, False]).__next__)
    ended: list[bool] = []
    watch_worker(look=0.01, minutes=0.0, end=lambda: ended.append(True))
    assert ended == [True]
