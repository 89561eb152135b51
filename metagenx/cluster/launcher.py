"""Starting and ending clusters with Ray's launcher, and seeing to it that nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from metagenx import __version__
from metagenx.cluster.cost import Price
from metagenx.cluster.file import ClusterFile
from metagenx.errors import InputError, ResourcesSpent, RunError
from metagenx.meta.heartbeat import state_folder
from metagenx.meta.ray_token import ensure_token
from metagenx.runs.files import to_json, write_atomically

DASHBOARD_PORT = 8265
GONE_SECONDS = 180.0
_HEAD, _KIND = "head", "ray-node-type"
_NEEDS = {"aws": "boto3", "gcp": "google-api-python-client google-auth", "azure": "azure-identity azure-mgmt-compute"}

Say = Callable[[str], None]


def records() -> Path:
    """Where it is kept which clusters this machine has started."""
    return state_folder() / "clusters"


def record_of(file: ClusterFile) -> dict[str, Any]:
    """What is kept about a cluster that was started here: since when, at what price; empty if it was not."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((records() / f"{file.name}.json").read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def up(file: ClusterFile, price: Price | None, say: Say) -> None:
    """Start a cluster, or bring one up to date that runs.

    Raises
    ------
    InputError : the cloud's library is missing, or Ray refuses.
    ResourcesSpent : it did not start; with the last lines of what Ray said.
    """
    ensure_token()
    if file.provider == "external" and "token_file" in file.content["provider"]:
        from metagenx.cluster.digitalocean import keep_token

        keep_token(Path(file.content["provider"]["token_file"]))
    _provider(file)
    config = resolved(file, say, starting=True)
    if file.provider == "aws":
        from metagenx.cluster.aws import prepare

        prepare(file, say)
    record = record_of(file)
    record |= {"file": str(file.path.resolve()), "started": record.get("started") or time.time()}
    record["prices"] = None if price is None else [price.head, price.worker]
    _keep(file, record)
    say(f"starting {file.name}: what Ray says is in {records() / f'{file.name}.log'}")
    try:
        _ray(file, "up", "-y", "--no-config-cache", str(config))
    except RunError as error:
        error.hint = f"Something may be running and costing: metagenx cluster down {file.path}"
        raise
    check_versions(file, config)


def down(file: ClusterFile, say: Say) -> None:
    """End a cluster and look whether anything is left.

    Raises
    ------
    RunError : something is left after all; with what, and where to end it by hand.
    """
    ensure_token()
    _provider(file)
    config = resolved(file, lambda text: None)
    try:
        if file.provider == "local":
            _stop_workers(file, config, say)
        _ray(file, "down", "-y", str(config))
    except RunError as error:
        say(f"{error.what}; looking what is left")
    deadline = time.monotonic() + GONE_SECONDS
    while left := nodes(file):
        if time.monotonic() > deadline:
            raise RunError(
                f"{len(left)} nodes of {file.name} are still there: {', '.join(left)}",
                hint="They cost. Try metagenx cluster down again, or end them in the cloud's console.",
            )
        time.sleep(2.0)
    if file.provider == "external":
        _cleaned(file)
    with contextlib.suppress(OSError):
        (records() / f"{file.name}.json").unlink()
    say(f"{file.name} is gone: no node is left")


def _stop_workers(file: ClusterFile, config: Path, say: Say) -> None:
    """Ray's launcher stops the head of machines of one's own and forgets the workers: they are stopped from there."""
    user = file.content.get("auth", {}).get("ssh_user", "")
    ray = interpreter(file).removesuffix("python") + "ray"
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o ConnectTimeout=10"
    key = '$(test -f ~/ray_bootstrap_key.pem && echo "-i $HOME/ray_bootstrap_key.pem")'
    each = " ".join(shlex.quote(str(address)) for address in file.content["provider"].get("worker_ips", ()))
    # The head first: its autoscaler would start a worker again that it misses.
    command = f"{ray} stop; for node in {each}; do ssh {key} {options} {shlex.quote(user)}@$node '{ray} stop'; done"
    try:
        _ray(file, "exec", "--no-config-cache", str(config), command)
    except RunError:
        say("not all workers could be reached; Ray ends there by itself a minute after the head")


def nodes(file: ClusterFile) -> dict[str, str]:
    """The nodes that exist now, as the cloud says: id → kind (head or worker)."""
    provider = _provider(file)
    found: dict[str, str] = {}
    with _quiet():
        for kind in ("head", "worker"):
            for node in provider.nodes_for_teardown({_KIND: kind}):
                found[str(node)] = kind
    if file.provider == "local" and not record_of(file):
        return {}  # of machines of one's own, which are always there, only those count that were started
    return found


def is_up(file: ClusterFile) -> bool:
    """Whether there is a head."""
    return _HEAD in nodes(file).values()


def check_versions(file: ClusterFile, config: Path | None = None) -> None:
    """See that the head has the Python, Ray and metagenx of this machine.

    Raises
    ------
    InputError : it has others; with what mends it.
    """
    import ray

    code = (
        "import sys,json,ray,metagenx;"
        "print('VERSIONS',json.dumps([sys.version.split()[0],ray.__version__,metagenx.__version__]))"
    )
    python = interpreter(file)
    said = _ray(
        file, "exec", "--no-config-cache", str(config or resolved(file, lambda text: None)), f'{python} -c "{code}"'
    )
    match = re.search(r"VERSIONS (\[.*\])", said)
    there = json.loads(match.group(1)) if match else ["?", "?", "?"]
    here = [sys.version.split()[0], ray.__version__, __version__]
    names = ("Python", "Ray", "metagenx")
    wrong = [f"{n} {t} (here {h})" for n, t, h in zip(names, there, here, strict=True) if t != h]
    if wrong:
        raise InputError(
            f"the head of {file.name} has {', '.join(wrong)}",
            where=str(file.path),
            hint="All nodes need the versions of this machine: metagenx cluster up puts them into setup_commands where "
            "they stand as --python X and ray[...]==Y; then metagenx cluster down and up again.",
        )


def interpreter(file: ClusterFile) -> str:
    """The Python that Ray runs in on the head, as its start command says."""
    for line in map(str, file.content.get("head_start_ray_commands", ())):
        if match := re.search(r"(\S*/)ray start", line):
            return f"{match.group(1)}python"
    return "python3"


def resolved(file: ClusterFile, say: Say, *, starting: bool = False) -> Path:
    """The cluster file as Ray gets it: with this machine's Python and Ray, and the source of metagenx if it is here.

    With ``starting``, who may ssh in is settled too. Two machines of different versions would compute different last
    digits, or refuse each other.
    """
    import ray
    import yaml

    text = json.dumps({**file.content, "provider": _provider_section(file, starting)})
    python = sys.version.split()[0]
    text, changed = re.subn(r"--python [0-9][0-9.]*", f"--python {python}", text)
    text, changed_too = re.subn(r"(ray\[[a-z,]+\])==[0-9.]+", rf"\1=={ray.__version__}", text)
    config = json.loads(text)
    if changed or changed_too:
        say(f"all nodes get Python {python} and Ray {ray.__version__}, as here")
    source = Path(__file__).resolve().parents[2]
    for target, place in list(config.get("file_mounts", {}).items()):
        if place == ".":
            if (source / "pyproject.toml").is_file():
                config["file_mounts"][target] = str(source)
            else:  # installed from a package: so will the nodes be
                del config["file_mounts"][target]
                config = json.loads(json.dumps(config).replace(f" {target} ", f" metagenx=={__version__} "))
    path = records() / f"{file.name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, yaml.safe_dump(config, sort_keys=False))
    path.chmod(0o600)
    return path


def _provider_section(file: ClusterFile, starting: bool) -> dict[str, Any]:
    """The provider section; of our own part of it, which the head reads, who may ssh in is settled here."""
    section = dict(file.content["provider"])
    if starting and file.provider == "external" and file.options.ssh_from == "me":
        from metagenx.cluster.aws import ssh_source

        section["metagenx"] = {**section.get("metagenx", {}), "ssh_from": ssh_source(file)}
    return section


@contextlib.contextmanager
def tunnel(file: ClusterFile, say: Say) -> Iterator[str]:
    """The dashboard of a cluster's head, reached through ssh, on a port of this machine's loopback; its address.

    Raises
    ------
    ResourcesSpent : it does not answer.
    """
    port = _free_port()
    config = resolved(file, lambda text: None)
    command = [
        *_RAY,
        "dashboard",
        "--no-config-cache",
        "-p",
        str(port),
        "--remote-port",
        str(DASHBOARD_PORT),
        str(config),
    ]
    log = records() / f"{file.name}.log"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=_environment(), start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120.0
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ResourcesSpent(
                    f"the head of {file.name} cannot be reached through ssh", hint=f"See the end of {log}."
                )
            time.sleep(0.5)
        say(f"dashboard of {file.name}: {address} (through ssh); login token: cat {ensure_token()}")
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


def _answers(port: int) -> bool:
    import urllib.request

    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/gcs_healthz", timeout=5) as page,
    ):
        return bool(page.status == 200)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Ray's own command line, in a process of its own: it prints, asks and exits as it likes.
_RAY = (sys.executable, "-c", "import sys; from ray.scripts.scripts import main; sys.argv[0] = 'ray'; sys.exit(main())")


def _environment() -> dict[str, str]:
    quiet = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_UP_enable_autoscaler_v2": "1"}
    return {**quiet, **os.environ}


def _ray(file: ClusterFile, *command: str) -> str:
    """Run Ray's command line; what it said. Its output goes into the cluster's log too."""
    log = records() / f"{file.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        begin = stream.tell()
        stream.write(f"\n$ ray {' '.join(command)}\n".encode())
        stream.flush()
        done = subprocess.run(
            [*_RAY, *command], stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, env=_environment()
        )
    log.chmod(0o600)
    with log.open("rb") as stream:
        stream.seek(begin)
        said = re.sub(r"\x1b\[[0-9;]*m", "", stream.read().decode("utf-8", errors="replace"))
    if done.returncode:
        last = [text.strip() for text in said.splitlines() if text.strip()][-6:]
        raise RunError(
            f"ray {command[0]} failed:\n    " + "\n    ".join(last), where=str(file.path), hint=f"All of it: {log}"
        )
    return said


def _provider(file: ClusterFile) -> Any:
    """Ray's connection to the cloud.

    Raises
    ------
    InputError : the cloud's library is not installed, or there are no credentials.
    """
    from ray.autoscaler._private.providers import _get_node_provider

    config: Mapping[str, Any] = file.content["provider"]
    try:
        with _quiet():
            return _get_node_provider(dict(config), file.name, use_cache=False)
    except ImportError as error:
        needs = _NEEDS.get(file.provider, "")
        raise InputError(
            f"{file.provider} needs a library that is not here: {error}".splitlines()[0], hint=f"pip install {needs}"
        ) from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{file.provider} does not let us in: {(str(error).splitlines() or [type(error).__name__])[0]}",
            where=str(file.path),
            hint="Are your credentials there and valid, and is the region right?",
        ) from error


def _cleaned(file: ClusterFile) -> None:
    clean = getattr(_provider(file), "cleanup_cluster_resources", None)
    if clean is not None:
        clean()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        yield


def _keep(file: ClusterFile, record: Mapping[str, Any]) -> None:
    records().mkdir(parents=True, exist_ok=True)
    write_atomically(records() / f"{file.name}.json", to_json(dict(record), indent=2) + "\n")
