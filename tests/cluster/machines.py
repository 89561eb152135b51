"""Machines that are none: namespaces of the kernel with addresses, processes and temporary files of their own.

Each machine has its own network card on a bridge that leads nowhere else, its own process numbers (so that what stops
Ray there stops nothing here), host name, ``/tmp/ray`` and ``/dev/shm``. When it is switched off, all its processes end.
Needs root; :func:`available` says whether that works here.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

PYTHON = Path(sys.executable)
_COUNT = itertools.count(1)


@functools.cache
def available() -> bool:
    """Whether such machines can be made here."""
    if os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    if not all(shutil.which(tool) for tool in ("ip", "unshare", "nsenter")):
        return False
    try:
        with network() as net:
            return net.machine("probe").run("true").returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


MINUTES = pytest.mark.skipif(
    "METAGENX_MACHINES" not in os.environ, reason="takes minutes: METAGENX_MACHINES=1 pytest tests/cluster"
)


class Machine:
    """One machine; its processes end with :meth:`off`."""

    def __init__(self, net: Network | Nowhere, name: str, address: str, home: Path, *, disk_mb: int = 0) -> None:
        self.net, self.name, self.address, self.home = net, name, address, home
        self.space, self.link = f"{net.name}-{name}", f"{net.name[-6:]}{name}"[:15]
        home.mkdir(parents=True, exist_ok=True)
        self._has_disk = bool(disk_mb)
        if disk_mb:  # for everybody to see, so before the machine's own view of the disks is made
            _do("mount", "-t", "tmpfs", "-o", f"size={disk_mb}m", "tmpfs", str(home))
        _do("ip", "netns", "add", self.space)
        _do("ip", "-n", self.space, "link", "set", "lo", "up")
        if isinstance(net, Network):
            _do("ip", "link", "add", self.link, "netns", net.space, "type", "veth", "peer", "eth0", "netns", self.space)
            net.inside("ip", "link", "set", self.link, "master", "br0", "up")
            for command in (f"addr add {address}/24 dev eth0", "link set eth0 up"):
                _do("ip", "-n", self.space, *command.split())
        mounts = "mount -t tmpfs -o size=512m tmpfs /dev/shm && mkdir -p /tmp/ray && mount -t tmpfs tmpfs /tmp/ray"
        # Names that are known at once, and no name server to wait for.
        etc = Path(tempfile.mkdtemp(prefix="metagenx-etc-"))
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{address} {name}\n")
        (etc / "resolv.conf").write_text("")
        mounts += "".join(f" && mount --bind {etc / file} /etc/{file}" for file in ("hosts", "resolv.conf"))
        self._etc = etc
        script = f"hostname {name} && {mounts} && echo up && exec sleep infinity"
        self._init = subprocess.Popen(
            ["ip", "netns", "exec", self.space,
             "unshare", "-p", "-f", "-u", "--mount-proc", "--kill-child", "bash", "-c", script],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._init.stdout is not None
        assert self._init.stdout.readline() == "up\n"
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text().split()
        self.pid = int(children[0])

    def _enter(self, command: Sequence[str], env: Mapping[str, str] | None) -> tuple[list[str], dict[str, str]]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "PYTEST"))}
        clean |= {
            "HOME": str(self.home), "PATH": f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "NUMBA_NUM_THREADS": "1", **(env or {}),
        }  # fmt: skip
        return ["nsenter", "-t", str(self.pid), "-n", "-p", "-m", "-u", "--", *command], clean

    def run(
        self, *command: str, env: Mapping[str, str] | None = None, check: bool = True, timeout: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command there and wait for it."""
        args, clean = self._enter(command, env)
        # Into files: what stays in the background (as Ray does) would hold a pipe open for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = subprocess.run(args, env=clean, stdout=out, stderr=err, timeout=timeout, cwd=self.home).returncode
            out.seek(0)
            err.seek(0)
            done = subprocess.CompletedProcess(command, code, out.read(), err.read())
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, log: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start a command there; its output can be read line by line, its errors go to ``log``."""
        args, clean = self._enter(command, env)
        with log.open("ab") if log else contextlib.nullcontext(subprocess.DEVNULL) as errors:
            return subprocess.Popen(args, env=clean, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=self.home)

    def processes(self, *, starting: str = "", holding: str = "") -> list[int]:
        """Processes of this machine (in our own numbers) whose command line is like that."""
        found = []
        space = os.readlink(f"/proc/{self.pid}/ns/pid")
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and os.readlink(entry / "ns" / "pid") == space:
                    command = (entry / "cmdline").read_bytes().decode(errors="replace")
                    if command.startswith(starting) and holding in command:
                        found.append(int(entry.name))
        return found

    def kill(self, *, starting: str = "", holding: str = "") -> int:
        """SIGKILL to such processes; how many there were."""
        pids = self.processes(starting=starting, holding=holding)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def cut(self) -> None:
        """Pull the network cable."""
        assert isinstance(self.net, Network)
        self.net.inside("ip", "link", "set", self.link, "down")

    def heal(self) -> None:
        """Plug it in again."""
        assert isinstance(self.net, Network)
        self.net.inside("ip", "link", "set", self.link, "up")

    def off(self) -> None:
        """Switch it off, without notice."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        self._init.kill()
        self._init.wait(20)
        if self._init.stdout:
            self._init.stdout.close()
        subprocess.run(["ip", "netns", "del", self.space], capture_output=True)
        if self._has_disk:
            subprocess.run(["umount", "-l", str(self.home)], capture_output=True)
        shutil.rmtree(self._etc, ignore_errors=True)

    # --------------------------------------------------------------------------------------------------------------
    # Ray

    def ray(self, *command: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
        """Run Ray's command line there."""
        return self.run(str(PYTHON.parent / "ray"), *command, env=env, check=check).stdout

    def ray_head(self, cpus: int = 0, *more: str, dashboard: bool = False, env: Mapping[str, str] | None = None) -> str:
        """Start Ray's head there; its address."""
        self.ray(
            "start", "--head", "--port=6379", f"--node-ip-address={self.address}", f"--num-cpus={cpus}", "--num-gpus=0",
            "--object-store-memory=100000000", f"--include-dashboard={str(dashboard).lower()}", "--disable-usage-stats",
            *more, env=env,
        )  # fmt: skip
        return f"{self.address}:6379"

    def ray_worker(self, head: Machine, cpus: int = 1, env: Mapping[str, str] | None = None) -> None:
        """Join the cluster of ``head``."""
        self.ray(
            "start", f"--address={head.address}:6379", f"--node-ip-address={self.address}", f"--num-cpus={cpus}",
            "--num-gpus=0", "--object-store-memory=100000000", env=env,
        )  # fmt: skip


class Network:
    """A bridge in a namespace of its own, and the machines on it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.name = f"mg{os.getpid()}{next(_COUNT)}"
        self.space, self.folder = f"{self.name}-net", folder
        self.machines: list[Machine] = []
        _do("ip", "netns", "add", self.space)
        self.inside("ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        self.inside("ip", "link", "set", "br0", "up")

    def inside(self, *command: str) -> None:
        _do("ip", "netns", "exec", self.space, *command)

    def machine(self, name: str, *, disk_mb: int = 0) -> Machine:
        """One more machine; ``disk_mb`` is the size of its home, no limit if 0."""
        home = (self.folder or Path("/tmp")) / f"home-{name}"
        machine = Machine(self, name, f"10.77.0.{len(self.machines) + 10}", home, disk_mb=disk_mb)
        self.machines.append(machine)
        return machine

    def close(self) -> None:
        for machine in self.machines:
            machine.off()
        subprocess.run(["ip", "netns", "del", self.space], capture_output=True)


class Nowhere:
    """The network of machines that have none."""

    def __init__(self) -> None:
        self.name = f"mg{os.getpid()}{next(_COUNT)}"


@contextlib.contextmanager
def lonely_machine(folder: Path, *, own: Sequence[str] = ()) -> Iterator[Machine]:
    """A machine that has nothing but loopback and no route out; ``own``: networks whose every address is itself.

    What it sends to such an address never leaves the kernel: a whole cloud of pretended machines is this one.
    """
    machine = Machine(Nowhere(), "lonely", "127.0.0.1", folder / "home-lonely")
    try:
        for addresses in own:
            _do("ip", "-n", machine.space, "route", "add", "local", addresses, "dev", "lo")
        yield machine
    finally:
        machine.off()


@contextlib.contextmanager
def network(folder: Path | None = None) -> Iterator[Network]:
    """A network without machines; when it ends, all its machines are switched off."""
    net = Network(folder)
    try:
        yield net
    finally:
        net.close()


def until(what: Callable[[], object], timeout: float = 90.0, message: str = "it did not happen") -> object:
    """Wait until something is true; returns it."""
    deadline = time.monotonic() + timeout
    while not (found := what()):
        assert time.monotonic() < deadline, message
        time.sleep(0.2)
    return found


def share_token(*machines: Machine) -> str:
    """The same token on all machines, readable by its owner only."""
    token = os.urandom(32).hex()
    for machine in machines:
        file = machine.home / ".ray" / "auth_token"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(token)
    return token


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
