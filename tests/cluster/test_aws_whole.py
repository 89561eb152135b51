"""The whole way on a pretended AWS: up, a run that makes workers come and go, down, and the head's own timer.

moto answers for AWS, and every machine that it "starts" is one and the same namespace, which has nothing but loopback:
all addresses of the pretended network are its own, so Ray's launcher and the autoscaler on the head get through to
them by real ssh, and real Ray is started there. Nothing can leave it; each part refuses to start where there is a way
out. What a pretended AWS cannot show: whether its own rules (IAM, security groups) are enforced as they are written.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "meta"), str(HERE.parent / "report")]
EXTRA = [path for path in os.environ.get("METAGENX_AWS_PATH", "").split(os.pathsep) if path]
sys.path += EXTRA

from aws_child import REFUSAL  # noqa: E402
from machines import MINUTES, PYTHON, Machine, available, lonely_machine, network, until  # noqa: E402
from run_here import tune_here  # noqa: E402
from scenarios import METAGENX, write_experiment  # noqa: E402
from ssh_servers import TOOLS, ssh_server  # noqa: E402
from tables import tables  # noqa: E402

from metagenx.errors import EXIT_NOT_REACHED  # noqa: E402

pytestmark = [
    pytest.mark.ray,
    MINUTES,
    pytest.mark.skipif(
        not (importlib.util.find_spec("moto") and importlib.util.find_spec("boto3")), reason="needs moto and boto3"
    ),
    pytest.mark.skipif(not all(TOOLS.values()), reason=f"needs {', '.join(t for t, p in TOOLS.items() if not p)}"),
    pytest.mark.skipif(not available(), reason="needs root, and network namespaces"),
]

PORT = 5000
CREDENTIALS = {
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}", "AWS_ACCESS_KEY_ID": "pretended", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "a-secret-that-must-not-be-seen", "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip
START = "RAY_AUTH_MODE=token ~/venv/bin/ray start"
INSTALL = '~/.local/bin/uv pip install --python ~/venv/bin/python ~/metagenx "ray[default,tune]==2.60.0" boto3'
OWN_ADDRESS = "--node-ip-address=$(echo $SSH_CONNECTION | cut -d' ' -f3) --object-store-memory=100000000"


class PretendedAws:
    """The machine that is everything: laptop, AWS, head and workers."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.calls_file = machine, folder / "calls.jsonl"
        libraries = folder / "libraries"  # of AWS alone: all else is the Python's own
        libraries.mkdir()
        for name in ("boto3", "botocore", "s3transfer", "jmespath"):
            origin = importlib.util.find_spec(name)
            assert origin is not None
            assert origin.origin is not None
            (libraries / name).symlink_to(Path(origin.origin).parent)
        self.env = {
            **CREDENTIALS, "PYTHONPATH": str(libraries),
            "PATH": f"{machine.home}/tools:{PYTHON.parent}:{Path(str(TOOLS['rsync'])).parent}:/usr/bin:/bin:/usr/sbin",
        }  # fmt: skip
        self._never_switch_off()
        log = folder / "server.txt"
        machine.start(sys.executable, str(HERE / "aws_server.py"), str(PORT), str(self.calls_file), log=log,
                      env={"PYTHONPATH": os.pathsep.join(EXTRA)})  # fmt: skip
        self.node = machine.home / "node"
        exports = "".join(
            f"export {key}={value}\n" for key, value in {**CREDENTIALS, **self.env}.items() if key != "PATH"
        )
        ssh_server(machine, self.node, user="ubuntu", address="0.0.0.0", profile=exports)
        (machine.home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        threading.Thread(target=self._let_in, daemon=True).start()
        until(lambda: "Running on" in log.read_text(), 60, log.read_text())

    def _never_switch_off(self) -> None:
        """A node that switches itself off is this whole machine: the command is only noted here."""
        stand_in = self.machine.home / "shutdown"
        stand_in.write_text(f"#!/bin/sh\necho off >> {self.machine.home}/switched-off\n")
        stand_in.chmod(0o755)
        for place in {os.path.realpath(place) for place in ("/sbin/shutdown", "/usr/sbin/shutdown")}:
            self.machine.run("bash", "-c", f"test ! -e {place} || mount --bind {stand_in} {place}")

    def _let_in(self) -> None:
        """As cloud-init does: the key pair that Ray has AWS make opens the nodes."""
        wanted = self.machine.home / ".ssh" / "ray-autoscaler_us-east-1.pem"
        while not (wanted.exists() and wanted.read_text().rstrip().endswith("-----")):
            if not Path(f"/proc/{self.machine.pid}").exists():
                return
            time.sleep(0.2)
        key = subprocess.run(
            [str(TOOLS["ssh-keygen"]), "-y", "-f", str(wanted)], capture_output=True, check=True
        ).stdout
        (self.node / ".ssh" / "authorized_keys").write_bytes(key)

    @property
    def calls(self) -> list[dict[str, str]]:
        """What AWS was asked for, but for questions."""
        found: list[dict[str, str]] = [json.loads(line) for line in self.calls_file.read_text().splitlines()]
        return [call for call in found if not call["Action"].startswith(("Describe", "Get", "List"))]

    def alive(self) -> list[dict[str, Any]]:
        """The instances that there are, as AWS says."""
        code = (
            "import boto3,json;f=boto3.client('ec2').describe_instances()['Reservations'];"
            "print(json.dumps([i for r in f for i in r['Instances'] "
            "if i['State']['Name'] not in ('terminated','shutting-down')],default=str))"
        )
        found: list[dict[str, Any]] = json.loads(self.machine.run(str(PYTHON), "-c", code, env=self.env).stdout)
        return found

    def metagenx(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run metagenx on the laptop."""
        return self.machine.run(METAGENX, *command, env=self.env, check=check, timeout=600)


def cluster_file(folder: Path) -> Path:
    """cluster.yaml as it is, but for what needs the internet, and two small workers."""
    text = (ROOT / "cluster.yaml").read_text(encoding="utf-8")
    (folder / "empty").mkdir()
    for old, new in (
        ("ssh_from: me ", "ssh_from: 198.51.100.7/32 "), ('"."', f'"{folder / "empty"}"'),
        ("  region: us-east-1\n", "  region: us-east-1\n  use_internal_ips: true\n"),
        ("max_workers: 8", "max_workers: 2"), ('{"CPU": 16}', '{"CPU": 1}'),
        ("idle_timeout_minutes: 3", "idle_timeout_minutes: 0.2"),
        # Nothing can be fetched here: the nodes share this machine's Python.
        ("  - command -v ~/.local/bin/uv || curl -LsSf https://astral.sh/uv/install.sh | sh\n", ""),
        ("  - ~/.local/bin/uv venv --allow-existing --python 3.12 ~/venv\n", ""),
        (f"  - {INSTALL}\n", ""),
        ("  - ~/venv/bin/metagenx doctor --warm\n", ""),
        (f"{START} --head", f"{START} --head {OWN_ADDRESS}"),
        # All nodes are one machine: a worker stops no Ray, says which address it is, and has a /tmp/ray of its own.
        ("worker_start_ray_commands:\n  - ~/venv/bin/ray stop\n", "worker_start_ray_commands:\n"),
        (f"{START} --address=$RAY_HEAD_IP:6379\n", f"unshare -m sh -c \"mount -t tmpfs tmpfs /tmp/ray; {START} "
         f"{OWN_ADDRESS} --address=$RAY_HEAD_IP:6379\"\n"),
    ):  # fmt: skip
        assert old in text, old
        text = text.replace(old, new)
    file = folder / "cluster.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_it_refuses_where_there_is_a_way_out(tmp_path: Path) -> None:
    with network(tmp_path) as net:
        refused = net.machine("linked").run(sys.executable, str(HERE / "aws_server.py"), "1", "x", check=False)
    assert refused.returncode != 0
    assert REFUSAL in refused.stderr


@pytest.mark.timeout(900)
def test_up_a_run_and_down_and_the_timer_of_the_head(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path)
    undisturbed = tables(tune_here(experiment, tmp_path / "undisturbed").path)
    file = cluster_file(tmp_path)
    with lonely_machine(tmp_path, own=("10.0.0.0/8", "172.16.0.0/12")) as machine:
        aws = PretendedAws(machine, tmp_path)

        # Up: the price first, our role and group, one head on demand.
        up = aws.metagenx("cluster", "up", str(file), "--yes")
        assert "an hour for the head" in up.stderr
        (head,) = aws.alive()
        assert (head["InstanceType"], head.get("InstanceLifecycle")) == ("t3.large", None)
        assert head["IamInstanceProfile"]["Arn"].endswith("/metagenx-head")
        assert [group["GroupName"] for group in head["SecurityGroups"]] == ["metagenx"]
        done = [call["Action"] for call in aws.calls]
        assert {"CreateRole", "PutRolePolicy", "CreateInstanceProfile", "CreateSecurityGroup"} <= set(done)
        assert done.count("RunInstances") == 1
        assert "AttachRolePolicy" not in done  # which is how Ray would have given the head all of EC2 and S3
        (opened,) = (call for call in aws.calls if call["Action"] == "AuthorizeSecurityGroupIngress")
        assert {value for key, value in opened.items() if key.endswith("CidrIp")} == {"198.51.100.7/32"}

        # A run makes the spot workers come: Ray's autoscaler 2 asks for them, from the head.
        out = tmp_path / "out"
        tuned = aws.metagenx("tune", str(experiment), "--where", str(file), "--trust", "--out", str(out))
        assert "handed over to" in tuned.stderr
        run = next(path for path in (out / "disturbed").iterdir() if not path.is_symlink())
        assert tables(run) == undisturbed
        started = [call for call in aws.calls if call["Action"] == "RunInstances"]
        assert started[0]["InstanceType"] == "t3.large"
        workers = started[1:]
        assert 1 <= sum(int(call["MaxCount"]) for call in workers) <= 2
        for call in workers:
            assert call["InstanceType"] == "c7i.4xlarge"
            assert call["InstanceMarketOptions.MarketType"] == "spot"
        tags = [{value for key, value in call.items() if key.startswith("TagSpecification")} for call in started]
        assert all("metagenx" in found and "ray-cluster-name" in found for found in tags)
        assert "1 head" in aws.metagenx("cluster", "status", str(file)).stdout
        until(lambda: len(aws.alive()) == 1, 120, "the idle workers stayed")  # and go when nothing needs them

        down = aws.metagenx("cluster", "down", str(file), "--yes")
        assert "no node is left" in down.stdout
        assert aws.alive() == []
        assert aws.metagenx("cluster", "status", str(file), check=False).returncode == EXIT_NOT_REACHED

        # The head ends it all by itself when no run shows a sign of life.
        aws.metagenx("cluster", "up", str(file), "--yes")
        assert len(aws.alive()) == 1
        code = (
            "from pathlib import Path; from metagenx.cluster.watch import watch_head; "
            "print(watch_head(Path('~/ray_bootstrap_config.yaml').expanduser(), look=0.5, grace=0.0))"
        )
        config = aws.node / "ray_bootstrap_config.yaml"
        impatient, changed = re.subn(r'("?idle_minutes"?: )15', r"\g<1>0.05", config.read_text())
        assert changed == 1
        config.write_text(impatient)
        told = machine.run(
            "bash",
            "--login",
            "-c",
            f'~/venv/bin/python -c "{code}"',
            env={**aws.env, "HOME": str(aws.node)},
            timeout=300,
        )
        assert "ending the cluster" in told.stdout
        assert aws.alive() == []
        assert (machine.home / "switched-off").read_text() == "off\n"

        everything = "".join(
            path.read_text(errors="replace")
            for place in (out, machine.home / ".metagenx")
            for path in place.rglob("*")
            if path.is_file()
        )
        for secret in (CREDENTIALS["AWS_SECRET_ACCESS_KEY"], (machine.home / ".ray" / "auth_token").read_text()):
            assert secret not in everything + tuned.stderr + up.stderr
