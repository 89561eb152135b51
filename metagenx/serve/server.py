"""Start and stop: ``metagenx serve``, ``start-server``, ``stop-server``."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from metagenx.errors import ConfigError, InputError
from metagenx.serve.access import Access, is_loopback_address, secret_key
from metagenx.serve.isolation import Isolation, find_isolation
from metagenx.serve.jobs import start_of_process
from metagenx.serve.limits import Limits

if TYPE_CHECKING:
    from metagenx.serve.state import Server
    from metagenx.serve.uploads import Upload

HOST, PORT = "127.0.0.1", 8014
_STOP_SECONDS = 15.0

Say = Callable[[str], None]


def serve(
    base: Path,
    *,
    host: str = HOST,
    port: int = PORT,
    token: bool | None = None,
    trust: bool = False,
    workers: int | None = None,
    files: tuple[Path, ...] = (),
    fit: bool = False,
    tests: Path | None = None,
    limits: Limits | None = None,
    say: Say = print,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; jobs go on without us.

    Parameters
    ----------
    base : folder of all runs.
    host, port : where to listen; port 0 takes a free one.
    token : ask for a token even here; on any other address than this machine's own it is always asked for.
    trust : let scripts outside the safe subset run, where they can be isolated.
    workers : fits at once; default: one for each core.
    files : GenX files that are there from the beginning.
    fit, tests : put a fit of the first file into the queue; or this experiment (YAML, or Python with ``trust``) as a
        tuning run.
    say, ready : hear lines for the user, and the address when the server answers.

    Raises
    ------
    InputError : the address is taken or not ours, or another server works in this folder.
    """
    import uvicorn

    class Announced(uvicorn.Server):
        """Says when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _note(home, address)  # not before: start-server takes it for the answer
            ready(url)

    from metagenx.meta.ray_session import cores
    from metagenx.serve.app import create_app
    from metagenx.serve.state import Server

    limits = limits or Limits()
    home = base / "served"
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711)
    except OSError as error:
        raise InputError(f"the folder cannot be made: {error.strerror}", where=str(home)) from None
    running = find_server(base)
    if running is not None:
        raise InputError(
            f"a server works in this folder already, process {running['pid']}, {running['address']}",
            hint="Stop it with metagenx stop-server, or use another --out folder.",
        )
    is_local = is_loopback_address(host)
    secret = secrets.token_urlsafe(24) if token or not is_local else ""
    access = Access(secret, secret_key(home / "key"), limits.session_seconds, is_local)
    listening = _listen(host, port)
    address = _address(host, listening.getsockname()[1])
    isolation = _isolation(say)
    _warm_kernels(say)
    server = Server(base.resolve(), access, isolation, limits, cores=workers or cores(), trust=trust)
    uploads = [_bring(server, path) for path in files]
    if uploads and fit:
        server.first.append((uploads[0], "fit", {"seed": 0}))
    if uploads and tests is not None:
        server.first.append((uploads[0], "tune", options_of_tests(tests, trust=trust)))
    config = uvicorn.Config(
        create_app(server), log_level="warning", access_log=False, ws="websockets-sansio", ws_max_size=2 * 2**20,
        ws_per_message_deflate=False, ws_ping_interval=20.0, timeout_keep_alive=10, limit_concurrency=600,
        timeout_graceful_shutdown=3, server_header=False, proxy_headers=False,
    )  # fmt: skip
    url = f"{address}/?token={quote(secret)}" if secret else f"{address}/"
    say(f"metagenx serves at {url}")
    if trust and not isolation.namespaces:
        say(f"--trust has no effect: {isolation.why_not}")
    try:
        with contextlib.closing(listening):
            Announced(config).run(sockets=[listening])
    finally:
        (home / "server.json").unlink(missing_ok=True)


def start_server(base: Path, arguments: list[str]) -> dict[str, Any]:
    """Start ``metagenx serve`` with these arguments in the background; what `find_server` says, and its ``url``.

    Raises
    ------
    InputError : it does not start; with the reason.
    """
    home = base / "served"
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    command = [sys.executable, "-m", "metagenx", "serve", *arguments, "--out", str(base)]
    with log.open("wb") as output:
        log.chmod(0o600)  # the address in it has the token
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    until = time.monotonic() + 120.0
    while time.monotonic() < until:
        found = find_server(base)
        if found is not None and found["pid"] == process.pid:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            urls = [line.rpartition(" ")[2] for line in lines if "serves at" in line]
            return {**found, "url": urls[-1] if urls else found["address"]}
        if process.poll() is not None:
            break
        time.sleep(0.1)
    words = log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
    raise InputError(f"the server has not started: {words or 'it said nothing'}", where=str(log))


def arguments_of(how: dict[str, Any], file: Path | None, tests: Path | None) -> list[str]:
    """The arguments of ``metagenx serve`` that mean these options."""
    found = ["--host", str(how["host"]), "--port", str(how["port"])]
    found += ["--workers", str(how["workers"])] if how["workers"] else []
    found += [f"--{name}" for name in ("token", "trust") if how[name]]
    if tests is not None and file is None:
        raise InputError("--tests needs the file to test", hint="metagenx start-server --fit=FILE --tests=EXPERIMENT")
    found += ["--fit", str(file.resolve())] if file is not None else []
    return found + (["--tests", str(tests.resolve())] if tests is not None else [])


def stop_server(base: Path) -> dict[str, Any]:
    """Stop the server of a folder; its jobs go on. Raises InputError if there is none, or it does not stop."""
    found = find_server(base)
    if found is None:
        raise InputError("no server works in this folder", where=str(base))
    os.kill(found["pid"], signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < until:
        if find_server(base) is None:
            return found
        time.sleep(0.05)
    raise InputError(f"process {found['pid']} does not stop", hint=f"End it with: kill -9 {found['pid']}")


def find_server(base: Path) -> dict[str, Any] | None:
    """The server that works in a folder: process and address; None if there is none."""
    try:
        found = json.loads((base / "served" / "server.json").read_text(encoding="utf-8"))
        pid, started = int(found["pid"]), found["started"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if pid and started is not None and start_of_process(pid) == started else None


def options_of_tests(path: Path, *, trust: bool) -> dict[str, Any]:
    """What a tuning job is asked that does what an experiment says, whichever file that names.

    Raises
    ------
    InputError : it cannot be read; it is Python, and not trusted, or has a mistake.
    """
    from metagenx.meta.tests_file import is_tests_file, read_tests_file

    if not is_tests_file(path):
        return {"experiment": keys_of_experiment(path)}
    document = read_tests_file(path, trust=trust)
    if document.mistakes:
        raise ConfigError(document.file, document.mistakes)
    seed = document.data.get("seed")
    return {
        "tests": {"name": path.name, "text": path.read_text(encoding="utf-8")},
        **({"seed": seed} if isinstance(seed, int) else {}),
    }


def keys_of_experiment(path: Path) -> dict[str, Any]:
    """The keys of an experiment (YAML) as ``section.key``, but for those that say which file; raises InputError."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"it cannot be read: {error}", where=str(path)) from None
    if not isinstance(found, dict):
        raise InputError("it is no experiment", where=str(path), hint="metagenx init FILE writes one.")
    keys: dict[str, Any] = {}
    _flatten(found, "", keys)
    left_out = ("model.", "run.", "version", "name", "description", "samples.files")
    return {name: value for name, value in keys.items() if not name.startswith(left_out) and name != "samples"}


def _flatten(found: dict[Any, Any], prefix: str, keys: dict[str, Any]) -> None:
    for key, value in found.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", keys)
        elif isinstance(value, str | int | float | bool):
            keys[f"{prefix}{key}"] = value
        elif value is not None:
            keys[f"{prefix}{key}"] = json.dumps(value)  # which is YAML too


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"nothing can listen at {host} port {port}: {error.strerror or error}",
            hint="Another server may be there: metagenx stop-server, or choose another --port; 0 takes a free one.",
        ) from None
    return listening


def _address(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _isolation(say: Say) -> Isolation:
    isolation = find_isolation()
    say(isolation.text)
    return isolation


def _warm_kernels(say: Say) -> None:
    """Compile the kernels into their cache, if they are not there, so that confined processes find them."""
    command = [sys.executable, "-c", "from metagenx.physics.warm_up import warm_up; warm_up(by_the_book=True)"]
    with contextlib.suppress(OSError):
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _bring(server: Server, path: Path) -> Upload:
    """A file from the command line, for all users."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", where=str(path)) from None
    with server.uploads.arriving(path.name, len(content), "") as arrival:
        arrival.write(content)
        return arrival.done()


def _note(home: Path, address: str) -> None:
    from metagenx.runs import write_atomically

    note = {"pid": os.getpid(), "started": start_of_process(os.getpid()), "address": address}
    write_atomically(home / "server.json", json.dumps(note))
