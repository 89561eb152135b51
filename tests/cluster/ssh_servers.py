"""ssh into machines that are none, with sshd and friends of this machine or unpacked in METAGENX_SSH_ROOT."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from machines import Machine

UNPACKED = os.environ.get("METAGENX_SSH_ROOT", "")
PLACES = os.pathsep.join([f"{UNPACKED}/usr/sbin", f"{UNPACKED}/usr/bin", os.environ["PATH"], "/usr/sbin", "/sbin"])
TOOLS = {tool: shutil.which(tool, path=PLACES) for tool in ("sshd", "ssh", "ssh-keygen", "rsync")}
LIBRARIES = f"{UNPACKED}/usr/lib/x86_64-linux-gnu" if UNPACKED else ""


def ssh_server(machine: Machine, home: Path, *, user: str = "root", address: str = "", profile: str = "") -> None:
    """Let those in whose keys are in ``home/.ssh/authorized_keys``, the home of the user.

    Parameters
    ----------
    address : where it listens; default: the machine's.
    profile : further lines of the user's ``.profile``.
    """
    place = home / "sshd"
    for folder in (place, home / ".ssh"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "venv").symlink_to(Path(sys.prefix))
    users = [
        line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[0] not in ("root", "sshd")
    ]
    users = [f"{user}:x:0:0:{user}:{home}:/bin/bash", "sshd:x:109:65534::/run/sshd:/usr/sbin/nologin", *users]
    (place / "passwd").write_text("\n".join(users) + "\n")
    subprocess.run([str(TOOLS["ssh-keygen"]), "-q", "-t", "ed25519", "-N", "", "-f", str(place / "key")], check=True)
    (place / "config").write_text(
        f"HostKey {place}/key\nListenAddress {address or machine.address}\nPidFile {place}/pid\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nUseDNS no\nMaxSessions 50\n"
        f"SetEnv PATH={home}/bin:/usr/local/bin:/usr/bin:/bin\n"
    )
    (home / "bin").mkdir(exist_ok=True)
    for tool in ("rsync", "ssh"):
        (home / "bin" / tool).symlink_to(str(TOOLS[tool]))
    (home / ".profile").write_text('export PATH="$HOME/bin:$PATH"\nexport RAY_USAGE_STATS_ENABLED=0\n' + profile)
    machine.run("bash", "-c", f"mount --bind {place}/passwd /etc/passwd; mkdir -p /run/sshd")
    machine.run(str(TOOLS["sshd"]), "-f", str(place / "config"), "-E", str(place / "log"),
                env={"LD_LIBRARY_PATH": LIBRARIES})  # fmt: skip
