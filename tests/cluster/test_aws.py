"""AWS without AWS: what we ask of it, against moto, in a namespace that has nothing but loopback.

moto hands out real addresses for its instances, which Ray would ssh to. So whatever starts Ray's launcher here runs
only where there is no network at all, and refuses otherwise.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXTRA = [path for path in os.environ.get("METAGENX_AWS_PATH", "").split(os.pathsep) if path]
sys.path += EXTRA

from machines import available  # noqa: E402 -- pytest puts this folder on the path

pytestmark = [
    pytest.mark.skipif(
        not (importlib.util.find_spec("moto") and importlib.util.find_spec("boto3")), reason="needs moto and boto3"
    ),
    pytest.mark.skipif(not available(), reason="needs root, and network namespaces"),
]


def alone(tmp_path: Path, *arguments: str) -> dict[str, object]:
    """Run the child in a namespace of its own; what it found."""
    env = {
        "HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(ROOT), *EXTRA]),
        "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1",
        "RAY_USAGE_STATS_ENABLED": "0", "METAGENX_HOME": str(tmp_path / "state"),
    }  # fmt: skip
    command = ["unshare", "-n", "bash", "-c", 'ip link set lo up && exec "$@"', "_", sys.executable]
    done = subprocess.run(
        [*command, str(HERE / "aws_child.py"), *arguments], env=env, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def test_it_refuses_where_there_is_a_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "aws_child.py"), str(ROOT / "cluster.yaml")], capture_output=True, text=True
    )
    routed = any(line.split()[1] == "00000000" for line in Path("/proc/net/route").read_text().splitlines()[1:])
    assert done.returncode != 0 or not routed
    assert not routed or "refusing" in done.stderr


def test_group_role_tags_counts_and_nothing_left(tmp_path: Path) -> None:
    found = alone(tmp_path, str(ROOT / "cluster.yaml"))

    # One group, its members and one address; nothing else is open. Prepared twice, it is the same.
    (group,) = found["groups"]
    assert group["name"] == "metagenx"
    assert group["open to"] == [["22", "22", "198.51.100.7/32"], ["all", "all", "members"]]

    # The role may look, and start and end what carries the cluster's name.
    assert found["managed policies"] == []
    (policy,) = found["policies"]
    allowed = {
        action
        for s in policy["Statement"]
        for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    }
    assert allowed == {
        "ec2:Describe*", "ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances", "ec2:StopInstances",
    }  # fmt: skip
    ends = next(s for s in policy["Statement"] if "ec2:TerminateInstances" in s["Action"])
    assert ends["Condition"] == {"StringEquals": {"aws:ResourceTag/ray-cluster-name": "metagenx"}}

    # What was started: the head on demand, two spot workers, all in our group, disks encrypted and gone with them.
    head, *workers = found["instances"]
    assert (head["type"], head["market"], head["profile"]) == ("t3.large", None, "metagenx-head")
    assert len(workers) == 2
    for worker in workers:
        assert (worker["type"], worker["market"], worker["profile"]) == ("c7i.4xlarge", "spot", None)
    for node in found["instances"]:
        assert node["groups"] == ["metagenx"]
        assert node["tags"]["ray-cluster-name"] == "metagenx"

    # And after: nothing.
    assert found["left"] == []
    assert found["nodes after down"] == {}
    calls = found["calls"]
    assert calls.count("RunInstances") == 3
    assert "TerminateInstances" in calls
    assert "AttachRolePolicy" not in calls  # which is how Ray would have given the head all of EC2 and S3


def test_a_group_that_is_open_to_the_world_is_refused(tmp_path: Path) -> None:
    found = alone(tmp_path, str(ROOT / "cluster.yaml"), "open")
    assert "is open to everyone" in str(found["refused"])
