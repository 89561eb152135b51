"""Every cluster file that we ship is right, and every kind of mistake in one is found, with its line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from metagenx.cli import main
from metagenx.cluster.check import check_cluster
from metagenx.errors import EXIT_BAD_INPUT, ConfigError, FileFormatError

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "cluster.yaml", *sorted((ROOT / "clusters").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_files_are_right(path: Path) -> None:
    file = check_cluster(path)
    assert file.most_workers >= 1
    assert file.nodes[file.head].maximum == 0


def test_aws_head_only_schedules_and_workers_are_spot() -> None:
    file = check_cluster(ROOT / "cluster.yaml")
    assert (file.provider, file.most_workers, file.most_cpus) == ("aws", 8, 128)
    assert file.nodes["head"].cpus == 0
    assert not file.nodes["head"].is_spot
    assert file.nodes["worker"].is_spot
    assert file.options.ssh_from == "me"


# (what to write instead, where, what the message must say)
MISTAKES = [
    ("max_workers: 8\nidle", "max_worker: 8\nidle", "max_workers"),
    ("idle_timeout_minutes: 3", "idle_timeout_minute: 3", "did you mean idle_timeout_minutes?"),
    ("idle_timeout_minutes: 3", "idle_timeout_minutes: soon", "idle_timeout_minutes"),
    ("head_node_type: head", "head_node_type: haed", "did you mean head?"),
    ("max_workers: 8\n    resources", "max_workers: 80\n    resources", "is 80, more than the cluster's"),
    ("    min_workers: 0", "    min_workers: 9", "is 9, more than its max_workers (8)"),
    ('resources: {"CPU": 0}', 'resources: {"CPU": 2}', "the head only schedules"),
    ("InstanceType: c7i.4xlarge", "InstancType: c7i.4xlarge", "did you mean InstanceType?"),
    ("InstanceType: c7i.4xlarge", "InstanceType: 16 cores please", "is no instance type"),
    ("{MarketType: spot}", "{MarketType: sport}", "must be {MarketType: spot}"),
    ("IamInstanceProfile: {Name: metagenx-head}", "KeyName: mine", "has no IamInstanceProfile"),
    ("    GroupName: metagenx", "    IpPermissions: []", "Ray's default opens ssh to everyone"),
    ("cache_stopped_nodes: false", "cache_stopped_nodes: true", "still cost their disks"),
    ("InstanceInitiatedShutdownBehavior: terminate", "InstanceInitiatedShutdownBehavior: stop", "must be terminate"),
    ("RAY_AUTH_MODE=token ~/venv/bin/ray start --address", "~/venv/bin/ray start --address", "RAY_AUTH_MODE=token"),
    ("--dashboard-host=127.0.0.1", "--dashboard-host=0.0.0.0", "opens the dashboard beyond 127.0.0.1"),
    ('  "~/.ray/auth_token": "~/.ray/auth_token"\n', "", "does not bring the token"),
    ("    ssh_from: me ", "    ssh_from: 300.1.2.3 ", "it must be me, everyone, or a network"),
    ("    max_cost: 25", "    max_cost: -1", "it must be a number above 0"),
    ("    max_cost: 25", "    max_costs: 25", "did you mean max_cost?"),
    ("{head: 0.0832, worker: 0.714}", "{head: 0.0832, wroker: 0.714}", "did you mean worker?"),
    ("region: us-east-1", "regoin: us-east-1", "region"),
    ("head_setup_commands: []", "head_setup_commands: none", "by the system's pip"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES, ids=[f"{new.strip()[:40]}" for _, new, _ in MISTAKES])
def test_mistakes_are_found(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = (ROOT / "cluster.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "cluster.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_cluster(path)
    assert message in str(caught.value)
    assert any(mistake.line for mistake in caught.value.mistakes)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    text = (ROOT / "cluster.yaml").read_text(encoding="utf-8")
    path = tmp_path / "cluster.yaml"
    text = text.replace("region: us-east-1", "").replace('{"CPU": 0}', '{"CPU": 2}')
    path.write_text(text.replace("InstanceType: c7i.4xlarge", "Instance: x"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_cluster(path)
    assert len(caught.value.mistakes) == 4


def test_kuberay_mistakes(tmp_path: Path) -> None:
    text = (ROOT / "clusters" / "kuberay.yaml").read_text(encoding="utf-8")
    path = tmp_path / "kuberay.yaml"
    path.write_text(text.replace("mode: token", "mode: disabled").replace("maxReplicas: 8", "maxReplicas: -1"))
    with pytest.raises(ConfigError) as caught:
        check_cluster(path)
    assert [mistake.path for mistake in caught.value.mistakes] == ["spec.authOptions", "spec.workerGroupSpecs[0]"]
    lines = text.splitlines()
    assert "authOptions" in lines[(caught.value.mistakes[0].line or 0) - 1]
    assert "groupName" in lines[(caught.value.mistakes[1].line or 0) - 1]


def test_no_cluster_file(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("model: {file: film.hgx}\n")
    with pytest.raises(ConfigError, match="is no cluster file"):
        check_cluster(path)
    with pytest.raises(FileFormatError, match="there is no such file"):
        check_cluster(tmp_path / "none.yaml")


def test_command_line(tmp_path: Path) -> None:
    found = CliRunner().invoke(main, ["cluster", "check", str(ROOT / "cluster.yaml"), "--json"])
    assert found.exit_code == 0
    assert '"cores": 128' in found.output
    path = tmp_path / "cluster.yaml"
    path.write_text("cluster_name: x\nprovider: {type: asw}\n")
    found = CliRunner().invoke(main, ["cluster", "check", str(path)])
    assert found.exit_code == EXIT_BAD_INPUT
    assert "did you mean aws?" in found.output


def test_commands_of_the_nodes_are_shell(tmp_path: Path) -> None:
    """A shell reads every command of every file without complaint."""
    for path in FILES:
        content = check_cluster(path).content
        keys = ("setup_commands", "head_setup_commands", "head_start_ray_commands", "worker_start_ray_commands")
        for line in (line for key in keys for line in content.get(key, ())):
            subprocess.run(["bash", "-n", "-c", line], check=True)
