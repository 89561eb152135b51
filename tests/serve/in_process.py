"""A server in a thread of the test, with limits of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from metagenx.serve.access import Access
from metagenx.serve.app import create_app
from metagenx.serve.isolation import Isolation
from metagenx.serve.limits import Limits
from metagenx.serve.state import Server


@contextlib.contextmanager
def running(base: Path, limits: Limits | None = None, *, token: str = "") -> Iterator[tuple[str, Server]]:
    """Host and port of a server that runs inside, and the server."""
    limits = limits or Limits()
    access = Access(token, b"k" * 32, limits.session_seconds, is_local=not token)
    server = Server(base, access, Isolation(False, "a test"), limits, cores=1)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(server),
        log_level="error",
        ws="websockets-sansio",
        ws_max_size=2 * 2**20,
        timeout_graceful_shutdown=1,
    )
    application = uvicorn.Server(config)
    thread = threading.Thread(target=application.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not application.started:
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", server
    finally:
        application.should_exit = True
        thread.join(20)
        listening.close()
