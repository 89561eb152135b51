"""Nodes come when a run asks for them and go when it has ended: Ray's autoscaler 2 with its fake provider.

The wheel of Ray 2.60 lacks a file that the fake provider needs; it is laid over Ray's folder inside the namespace of
the test's machine only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "meta"), str(HERE.parent / "report")]

from machines import MINUTES, PYTHON, available, network, share_token, until  # noqa: E402
from run_here import tune_here  # noqa: E402
from scenarios import METAGENX, write_experiment  # noqa: E402
from tables import tables  # noqa: E402

pytestmark = [
    pytest.mark.ray,
    MINUTES,
    pytest.mark.skipif(not available(), reason="needs root, and network namespaces"),
]

HEAD = "f" * 51 + "00000"
CONFIG = {
    "cluster_name": "fake",
    "max_workers": 2,
    "idle_timeout_minutes": 0.1,
    "upscaling_speed": 10.0,
    "provider": {"type": "fake_multinode", "launch_multiple": True, "head_node_id": HEAD},
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "worker": {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": 2},
    },
    "head_node_type": "ray.head.default",
    "auth": {}, "docker": {}, "file_mounts": {}, "cluster_synced_files": [], "file_mounts_sync_continuously": False,
    "rsync_exclude": [], "rsync_filter": [], "initialization_commands": [], "setup_commands": [],
    "head_setup_commands": [], "worker_setup_commands": [],
    "head_start_ray_commands": [], "worker_start_ray_commands": [],
}  # fmt: skip

COUNT = """
import time, ray
ray.init("auto", log_to_driver=False, logging_level="ERROR")
while True:
    nodes = [n for n in ray.nodes() if n["Alive"] and "node:__internal_head__" not in n["Resources"]]
    print(len(nodes), flush=True)
    time.sleep(0.5)
"""


@pytest.mark.timeout(600)
def test_from_none_to_two_nodes_and_back(tmp_path: Path) -> None:
    import ray.autoscaler._private.fake_multi_node as fake

    place = Path(fake.__file__).parent
    overlay = tmp_path / "fake_multi_node"
    shutil.copytree(place, overlay)
    (overlay / "example.yaml").write_text(yaml.safe_dump(CONFIG))
    experiment = write_experiment(tmp_path)
    undisturbed = tables(tune_here(experiment, tmp_path / "undisturbed").path)
    with network(tmp_path) as net:
        head = net.machine("head")
        share_token(head)
        config = head.home / "ray_bootstrap_config.yaml"  # where Ray's launcher leaves it, on a head
        config.write_text(yaml.safe_dump(CONFIG))
        head.run("mount", "--bind", str(overlay), str(place))
        env = {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1", "RAY_CLOUD_INSTANCE_ID": HEAD,
               "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD, "RAY_enable_autoscaler_v2": "1"}  # fmt: skip
        head.ray_head(0, f"--autoscaling-config={config}", env=env)
        counter = head.start(str(PYTHON), "-c", COUNT)
        assert counter.stdout is not None
        assert int(counter.stdout.readline()) == 0
        errors = tmp_path / "errors.txt"
        run = head.start(
            METAGENX, "tune", str(experiment), "--where", "auto", "--trust", "--out", str(tmp_path / "out"), log=errors
        )
        counts = [0]
        while run.poll() is None:
            counts.append(int(counter.stdout.readline()))
        assert run.returncode == 0, errors.read_text()
        assert max(counts) == 2, (counts, errors.read_text())
        until(lambda: int(counter.stdout.readline()) == 0, 120, "the nodes stayed")  # type: ignore[union-attr]
    folder = next(path for path in (tmp_path / "out" / "disturbed").iterdir() if not path.is_symlink())
    assert tables(folder) == undisturbed
    assert not (place / "example.yaml").exists()
