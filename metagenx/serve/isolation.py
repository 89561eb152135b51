"""How a process that runs a foreign script is kept away from the machine, by what the operating system offers.

With bubblewrap: namespaces of its own for network (none at all), mounts (the system's programs, Python and metagenx,
read only, and one folder), processes, users and host name. A server that runs as root gives each process a user of its
own, who owns nothing. Limits on CPU, memory, processes, files and their size come on top (`confined`), and are all
there is where namespaces are not offered; there scripts outside the safe subset are refused.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import metagenx
from metagenx.serve.confined import ENVIRONMENT, INSIDE, KERNELS
from metagenx.serve.limits import Limits

PACKAGE = Path(metagenx.__file__).resolve().parent
NOBODY = 65534
_USERS = range(1_900_000_000, 2_100_000_000)  # nobody has these numbers
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime")
_SCRATCH_BYTES = 512 * 2**20
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Isolation:
    """What keeps foreign scripts in their place on this machine.

    Attributes
    ----------
    namespaces : whether bubblewrap works here.
    why_not : the reason if not.
    """

    namespaces: bool
    why_not: str = ""

    @property
    def text(self) -> str:
        """One sentence for people."""
        if self.namespaces:
            return "scripts of files run without network, without your files, with limits on CPU and memory"
        return f"scripts of files run with limits on CPU and memory only ({self.why_not}); all stay in the safe subset"

    def command(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        folder: Path | None = None,
        tied: bool = True,
        user: int = NOBODY,
    ) -> list[str]:
        """The command line of ``python -m module arguments``.

        Parameters
        ----------
        folder : the one place of the file system where it may write; none: it has memory only.
        tied : whether it ends when the server does.
        user : what `new_user` or `hand_over` gave, where we are root.
        """
        python = [sys.executable, "-m", module, *arguments]
        if not self.namespaces:
            return python
        return ["bwrap", *_arguments(folder, tied), "--", *_become(user), *python]

    def environment(self, limits: Limits, *, is_job: bool = False) -> dict[str, str]:
        """The environment of the process, with its limits (see `confined.confine`)."""
        chosen = {name: value for name, value in asdict(limits).items() if isinstance(value, int)}
        if is_job:
            chosen["cpu_seconds"] = limits.job_cpu_seconds
        ours = {
            **dict.fromkeys(_ONE_THREAD, "1"),
            ENVIRONMENT: json.dumps(chosen),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            "LANG": "C.UTF-8",
        }
        if self.namespaces:
            return {**ours, "PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **ours}

    def hand_over(self, folder: Path) -> int:
        """Make a folder the property of a new user, who is returned."""
        user = new_user()
        if self.namespaces and _is_root():
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, user, user, follow_symlinks=False)
        return user


def new_user() -> int:
    """A user for one process: the limit on processes counts those of a user, so nobody shares it."""
    return secrets.choice(_USERS)


def find_isolation() -> Isolation:
    """What this machine offers, tried out."""
    if sys.platform != "linux":
        return Isolation(False, f"{sys.platform} has no namespaces")
    if shutil.which("bwrap") is None:
        return Isolation(False, "bubblewrap is not installed: apt install bubblewrap")
    if _is_root() and shutil.which("setpriv") is None:
        return Isolation(False, "setpriv is not installed: apt install util-linux")
    isolation = Isolation(True)
    with tempfile.TemporaryDirectory(prefix="metagenx-") as place:
        folder = Path(place)
        user = isolation.hand_over(folder)
        command = isolation.command("metagenx.serve.confined", folder=folder, user=user)
        try:
            tried = subprocess.run(
                command, env=isolation.environment(Limits()), capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            return Isolation(False, f"bubblewrap does not start: {error}")
    if tried.returncode:
        return Isolation(False, f"bubblewrap does not work here: {(tried.stderr.strip() or 'no reason given')[-200:]}")
    return isolation


def _arguments(folder: Path | None, tied: bool) -> list[str]:
    namespaces = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if not _is_root():
        namespaces += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    found = [*namespaces, "--hostname", "metagenx", "--new-session", *(["--die-with-parent"] if tied else [])]
    found += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", str(_SCRATCH_BYTES), "--tmpfs", "/tmp"]
    for name in _SYSTEM:
        if os.path.islink(name):
            found += ["--symlink", os.readlink(name), name]
        elif os.path.exists(name):
            found += ["--ro-bind", name, name]
    places = list(_places())
    parents = {parent for place in [*places, *([str(folder)] if folder else [])] for parent in Path(place).parents}
    for parent in sorted(map(str, parents - {Path("/"), Path("/tmp"), Path("/usr")})):
        found += ["--perms", "0755", "--dir", parent]
    for place in places:
        found += ["--ro-bind", place, place]
    found += _kernels()
    if folder is not None:
        found += ["--bind", str(folder), str(folder)]
    return [*found, "--chdir", str(folder or "/tmp")]


def _places() -> Iterator[str]:
    """Python and metagenx."""
    spaces = PACKAGE.parent / "search_spaces"
    places = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), PACKAGE]
    places += [spaces] if spaces.is_dir() and not (PACKAGE / "search_spaces").exists() else []
    for place in dict.fromkeys(map(str, places)):
        if not place.startswith("/usr/") and place != "/usr":
            yield place


def _kernels() -> list[str]:
    """The cache of compiled kernels, for reading: a script that could write into it would reach everybody.

    Numba uses no cache that it cannot write to. So inside there is an empty folder, which `confined` fills with links.
    """
    if not KERNELS.is_dir():
        return []
    return ["--ro-bind", str(KERNELS), INSIDE, "--perms", "0777", "--tmpfs", str(KERNELS)]


def _become(user: int) -> list[str]:
    """Root inside namespaces is still root: leave it, with all its capabilities."""
    if not _is_root():
        return []
    to = ["--reuid", str(user), "--regid", str(user), "--clear-groups"]
    return ["setpriv", *to, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"]


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
