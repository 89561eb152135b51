"""A cluster of machines of one's own, over real ssh between namespaces, with our file: up, exec, submit, attach, down.

Needs sshd, ssh and rsync; METAGENX_SSH_ROOT may name a folder in which a package of them was unpacked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "meta"), str(HERE.parent / "report")]

from machines import MINUTES, PYTHON, available, network  # noqa: E402
from run_here import tune_here  # noqa: E402
from scenarios import METAGENX, write_experiment  # noqa: E402
from ssh_servers import TOOLS, ssh_server  # noqa: E402
from tables import tables  # noqa: E402

from metagenx.errors import EXIT_NOT_REACHED  # noqa: E402

ROOT = HERE.parents[1]

pytestmark = [
    pytest.mark.ray,
    MINUTES,
    pytest.mark.skipif(not all(TOOLS.values()), reason=f"needs {', '.join(t for t, p in TOOLS.items() if not p)}"),
    pytest.mark.skipif(not available(), reason="needs root, and network namespaces"),
]


@pytest.mark.timeout(900)
def test_machines_of_ones_own(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path)
    undisturbed = tables(tune_here(experiment, tmp_path / "undisturbed").path)
    with network(tmp_path) as net:
        laptop, head, worker = (net.machine(name) for name in ("laptop", "head", "worker"))
        key = laptop.home / "key"
        subprocess.run([str(TOOLS["ssh-keygen"]), "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        for machine in (head, worker):
            ssh_server(machine, machine.home)
            (machine.home / ".ssh" / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
        text = (ROOT / "clusters" / "on-premise.yaml").read_text(encoding="utf-8")
        for old, new in (
            ("192.168.1.10", head.address), ("[192.168.1.11, 192.168.1.12]", f"[{worker.address}]"),
            ("max_workers: 2", "max_workers: 1"), ("ssh_user: measure", "ssh_user: root"),
            ("~/.ssh/id_ed25519", str(key)), ('"."', f'"{tmp_path / "empty"}"'),
            # Nothing can be fetched here: the nodes share this machine's Python.
            ("  - command -v ~/.local/bin/uv || curl -LsSf https://astral.sh/uv/install.sh | sh\n", ""),
            ("  - ~/.local/bin/uv venv --allow-existing --python 3.12 ~/venv\n", ""),
            ('  - ~/.local/bin/uv pip install --python ~/venv/bin/python ~/metagenx "ray[default,tune]==2.60.0"\n', ""),
            ("  - ~/venv/bin/metagenx doctor --warm\n", ""),
            ("ray start --head", f"ray start --head --node-ip-address={head.address} --num-cpus=0 "
             "--object-store-memory=100000000"),
            ("ray start --address", f"ray start --node-ip-address={worker.address} --num-cpus=1 "
             "--object-store-memory=100000000 --address"),
        ):  # fmt: skip
            assert old in text, old
            text = text.replace(old, new)
        (tmp_path / "empty").mkdir()
        file = tmp_path / "lab.yaml"
        file.write_text(text, encoding="utf-8")
        env = {"PATH": f"{Path(sys.prefix) / 'bin'}:{Path(str(TOOLS['rsync'])).parent}:/usr/bin:/bin:/usr/sbin"}

        def metagenx(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
            return laptop.run(METAGENX, *command, env=env, check=check, timeout=600)

        assert metagenx("cluster", "status", str(file), check=False).returncode == EXIT_NOT_REACHED
        up = metagenx("cluster", "up", str(file), "--yes")
        assert "machines of your own" in up.stderr
        assert head.processes(holding="gcs_server")
        assert json.loads(metagenx("cluster", "cost", str(file), "--json").stdout)["price_per_hour"]["most"] == 0.0

        tuned = metagenx("tune", str(experiment), "--where", str(file), "--trust", "--out", str(tmp_path / "out"))
        assert "handed over to" in tuned.stderr
        run = next(path for path in (tmp_path / "out" / "disturbed").iterdir() if not path.is_symlink())
        assert tables(run) == undisturbed
        assert {record["host"] for record in map(json.loads, (run / "events.jsonl").read_text().splitlines())
                if record["event"] == "fit"} == {"worker"}  # fmt: skip
        assert "1 head, 1 workers" in metagenx("cluster", "status", str(file)).stdout

        # Ray's own commands with the same file.
        ray = (str(PYTHON.parent / "ray"),)
        told = laptop.run(*ray, "exec", str(file), "hostname; echo $HOME", env=env, timeout=200).stdout
        assert "head" in told
        job = tmp_path / "job.py"
        job.write_text("import ray, metagenx\nray.init('auto')\nprint('NODES', len(ray.nodes()))\n")
        (head.home / ".profile").write_text((head.home / ".profile").read_text() + 'PATH="$HOME/venv/bin:$PATH"\n')
        told = laptop.run(
            *ray, "submit", str(file), str(job), env={**env, "RAY_AUTH_MODE": "token"}, timeout=200
        ).stdout
        assert "NODES 2" in told
        attach = f"echo 'hostname; exit' | script -qec '{ray[0]} attach {file}' /dev/null"
        assert "head" in laptop.run("bash", "-c", attach, env=env, timeout=200).stdout

        down = metagenx("cluster", "down", str(file), "--yes")
        assert "no node is left" in down.stdout
        for machine in (head, worker):
            assert not machine.processes(holding="gcs_server") + machine.processes(holding="raylet/raylet")
        assert metagenx("cluster", "status", str(file), check=False).returncode == EXIT_NOT_REACHED
