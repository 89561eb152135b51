"""The two sockets of the page: one brings a file, one carries everything that happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from metagenx.errors import InputError, MetagenxError
from metagenx.serve.access import COOKIE
from metagenx.serve.answers import described
from metagenx.serve.beams import PREFIX
from metagenx.serve.files import shown
from metagenx.serve.hub import JOBS, Watcher, seen_by
from metagenx.serve.plain import to_json
from metagenx.serve.state import Server

_TOLD_EVERY = 0.1  # seconds between two messages on how much of a file has arrived
_MOST_QUESTION = 20_000
_ASKED_PER_SECOND = 20
_CHECK_SESSION = 30.0


def add_routes(app: FastAPI, server: Server) -> None:
    """Add the sockets to an application."""

    @app.websocket("/ws/upload")
    async def upload(socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            await _upload(server, socket)

    @app.websocket("/ws/watch")
    async def watch(socket: WebSocket) -> None:
        user = socket.scope["state"]["user"]
        others = server.hub.watchers
        too_many = len(others) >= server.limits.sockets
        if too_many or sum(other.user == user for other in others) >= server.limits.sockets_of_one:
            await socket.close(1013, "too many pages are open")
            return
        await socket.accept()
        watcher = Watcher(user)
        others.add(watcher)
        tasks = {
            asyncio.create_task(_send(server, socket, watcher)),
            asyncio.create_task(_hear(server, socket, watcher)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            others.discard(watcher)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
                await socket.close()


async def _upload(server: Server, socket: WebSocket) -> None:
    """``{"name", "bytes"}``, then the bytes in pieces; answers ``{"received"}`` … and ``{"file"}`` or ``{"error"}``."""
    limits = server.limits
    try:
        async with asyncio.timeout(limits.upload_seconds):
            header = json.loads(await asyncio.wait_for(socket.receive_text(), limits.silent_seconds))
            name, size = header["name"], header["bytes"]
            if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise InputError("a file begins with its name and its size")
            with server.uploads.arriving(name, size, socket.scope["state"]["user"]) as arrival:
                told = 0.0
                while arrival.n_bytes < size:
                    arrival.write(await asyncio.wait_for(socket.receive_bytes(), limits.silent_seconds))
                    if time.monotonic() - told >= _TOLD_EVERY or arrival.n_bytes >= size:
                        told = time.monotonic()
                        await socket.send_text(to_json({"received": arrival.n_bytes, "bytes": size}))
                if arrival.n_bytes != size:
                    raise InputError("more has arrived than was announced")
                upload = arrival.done()
        await socket.send_text(to_json({"file": shown(upload)}))
    except MetagenxError as error:
        await socket.send_text(to_json({"error": described(error)}))
    except TimeoutError:
        slow = InputError("the file arrives too slowly", hint="Try again, nearer to the server.")
        await socket.send_text(to_json({"error": described(slow)}))
    except (ValueError, KeyError, TypeError, RecursionError):
        await socket.send_text(to_json({"error": described(InputError("a file begins with its name and its size"))}))
    await socket.close()


async def _hear(server: Server, socket: WebSocket, watcher: Watcher) -> None:
    """What the browser wants to watch: ``{"watch": [jobs]}``."""
    watcher._behind.add(JOBS)
    watcher.wake()
    asked: list[float] = []
    while True:
        text = await socket.receive_text()
        now = time.monotonic()
        asked = [*[at for at in asked if now - at < 1.0], now]
        if len(text) > _MOST_QUESTION or len(asked) > _ASKED_PER_SECOND:
            return
        try:
            question = json.loads(text)
            wanted = {str(name) for name in question["watch"][:100]}
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        known = {name for name in wanted if name in server.dispatcher.jobs} | server.beams.known(wanted)
        watcher._behind |= known - watcher.watched
        watcher.watched = known
        watcher.wake()


async def _send(server: Server, socket: WebSocket, watcher: Watcher) -> None:
    """Messages as they come; the whole state of what it has not seen before."""
    session = socket.cookies.get(COOKIE, "")
    checked = time.monotonic()
    while True:
        texts: list[str] = []
        behind: set[str] = set()
        with contextlib.suppress(TimeoutError):
            texts, behind = await asyncio.wait_for(watcher.take(), _CHECK_SESSION)
        for text in texts:
            await socket.send_text(text)
        for name in sorted(behind):
            await socket.send_text(to_json(_whole(server, watcher, name)))
        if not texts and not behind:
            await socket.send_text('{"alive":true}')
        if server.access.token and session and time.monotonic() - checked > _CHECK_SESSION:
            checked = time.monotonic()
            if server.access.user_of(session) is None:
                return


def _whole(server: Server, watcher: Watcher, name: str) -> dict[str, Any]:
    if name == JOBS:
        lines = {job: server.describe(job) for job in server.dispatcher.jobs}
        return {"all": True, "jobs": {job: line and seen_by(line, watcher.user) for job, line in lines.items()}}
    if name.startswith(PREFIX):
        return server.beams.snapshot(name)
    view = server.dispatcher.views.get(name)
    line = server.describe(name)
    if view is None or line is None:
        return {"job": name, "messages": [{"kind": "removed"}]}
    return {"job": name, "line": seen_by(line, watcher.user), "snapshot": view.snapshot()}
