"""Routes of files: bring one, look at it, simulate it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request, Response

from metagenx.errors import InputError
from metagenx.serve.plain import to_json
from metagenx.serve.schemas import DataIntoFile, SimulateRequest
from metagenx.serve.state import Server
from metagenx.serve.uploads import Upload


def add_routes(app: FastAPI, server: Server) -> None:
    """Add the routes of files to an application."""

    @app.get("/api/files", tags=["files"])
    async def files(request: Request) -> Response:
        """Your files, the newest first."""
        user = request.scope["state"]["user"]
        return _answer({"files": [shown(upload) for upload in server.uploads.of(user)]})

    @app.post("/api/files", tags=["files"], status_code=201)
    async def bring(request: Request, name: str) -> Response:
        """Bring a .gx, .hgx or data file: the bytes are the body. (The page itself uses the socket /ws/upload.)"""
        length = request.headers.get("content-length", "")
        expected = int(length) if length.isdecimal() else None
        arrival = server.uploads.arriving(name, expected, request.scope["state"]["user"])
        with arrival:
            stream = request.stream().__aiter__()
            async with asyncio.timeout(server.limits.upload_seconds):
                while True:
                    try:
                        chunk = await asyncio.wait_for(stream.__anext__(), server.limits.silent_seconds)
                    except StopAsyncIteration:
                        break
                    except TimeoutError:
                        raise InputError("nothing has arrived for too long", hint="Send it again.") from None
                    arrival.write(chunk)
            upload = arrival.done()
        return _answer(shown(upload), 201)

    @app.get("/api/files/{name}", tags=["files"])
    async def look(name: str) -> Response:
        """Open a file: what `metagenx inspect --json` says (`audit`), its sample, curves, table and settings."""
        upload = server.uploads.get(name)
        desk = await server.desk(upload)
        found = await desk.ask({"do": "look"})
        return _answer({**shown(upload), **found, "output": desk.said})

    @app.post("/api/files/{name}/simulate", tags=["files"])
    async def simulate(name: str, asked: SimulateRequest) -> Response:
        """Simulate a file with other values in its table."""
        desk = await server.desk(server.uploads.get(name))
        rows = [row.model_dump(exclude_none=True) for row in asked.rows]
        return _answer(await desk.ask({"do": "simulate", "rows": rows, "fom": asked.fom}))

    @app.post("/api/files/{name}/data", tags=["files"], status_code=201)
    async def data(request: Request, name: str, asked: DataIntoFile) -> Response:
        """A new file: this model with the data of another file, as `--data` does it; `notes` says how."""
        model, measured = server.uploads.get(name), server.uploads.get(asked.data)
        upload, notes = await server.with_data(model, measured, request.scope["state"]["user"])
        return _answer({**shown(upload), "notes": notes}, 201)


def shown(upload: Upload) -> dict[str, Any]:
    """A file as the page gets it."""
    found = asdict(upload)
    return {key: found[key] for key in ("id", "name", "said", "n_bytes", "sha256", "time")} | {"file": upload.id}


def _answer(value: Any, status: int = 200) -> Response:
    return Response(to_json(value), status_code=status, media_type="application/json")
