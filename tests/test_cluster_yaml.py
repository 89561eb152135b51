"""cluster.yaml is valid by Ray's own schema, and by what the schema does not see."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

CLUSTER = Path(__file__).resolve().parents[1] / "cluster.yaml"


@pytest.fixture(scope="module")
def cluster() -> dict:
    return yaml.safe_load(CLUSTER.read_text(encoding="utf-8"))


def test_ray_accepts_it(cluster: dict) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(cluster))


def test_ray_would_refuse_a_misspelt_key(cluster: dict) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(Exception, match="max_worker"):
        validate_config(prepare_config({**cluster, "max_worker": 1}))


def test_worker_counts_and_head(cluster: dict) -> None:
    types = cluster["available_node_types"]
    assert types[cluster["head_node_type"]]["resources"]["CPU"] == 0
    for name, node in types.items():
        assert node.get("max_workers", 0) <= cluster["max_workers"], name
        assert node.get("min_workers", 0) <= node.get("max_workers", 0), name
        assert node["node_config"]["InstanceType"]


def test_every_node_asks_for_the_token(cluster: dict) -> None:
    starts = [line for key in ("head_start_ray_commands", "worker_start_ray_commands") for line in cluster[key]]
    assert all("RAY_AUTH_MODE=token" in line for line in starts if "ray start" in line)
    assert "~/.ray/auth_token" in cluster["file_mounts"]
