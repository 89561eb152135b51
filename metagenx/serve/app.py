"""The web application: what `metagenx serve` answers. The same words as the command line's ``--json``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from metagenx import __version__
from metagenx.errors import FileFormatError, InputError, MetagenxError
from metagenx.serve import beams, files, results, sockets
from metagenx.serve.access import COOKIE
from metagenx.serve.answers import described
from metagenx.serve.forms import forms
from metagenx.serve.guard import Application, Guard
from metagenx.serve.hub import seen_by
from metagenx.serve.plain import to_json
from metagenx.serve.schemas import JobRequest
from metagenx.serve.state import Server

STATIC = Path(__file__).resolve().parent / "static"
_TIDY_EVERY = 20.0


def create_app(server: Server) -> Application:
    """The application of a server, with its guard around it."""
    app = FastAPI(
        title="metagenx", version=__version__, docs_url=None, redoc_url=None, lifespan=_lifespan(server),
        description="Fit X-ray and neutron reflectivity, and find out how to fit it. Errors are "
        '`{"error": {kind, message, where, hint}}`, as `metagenx --json` prints them.',
    )  # fmt: skip
    app.state.server = server
    app.add_exception_handler(MetagenxError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_mistake)
    _pages(app, server)
    _about(app, server)
    _jobs(app, server)
    files.add_routes(app, server)
    results.add_routes(app, server)
    beams.add_routes(app, server.beams)
    sockets.add_routes(app, server)
    return Guard(app, server.access, server.limits)


def answer(value: Any, status: int = 200) -> Response:
    """Plain data as JSON that browsers read: numbers that are not finite are null."""
    return Response(to_json(value), status_code=status, media_type="application/json")


def _lifespan(server: Server) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def tidy() -> None:
            while True:
                await asyncio.sleep(_TIDY_EVERY)
                await server.desks.tidy()

        async def begin() -> None:
            for upload, kind, options in server.first:
                try:
                    await server.submit(upload, kind, options, "")
                except MetagenxError as error:
                    print(f"{upload.said}: {error}", file=sys.stderr)

        server.desks.warm()
        tasks = [asyncio.create_task(work) for work in (server.dispatcher.run(), server.beams.run(), tidy(), begin())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await server.desks.close()

    return lifespan


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MetagenxError)
    status = 404 if isinstance(error, FileFormatError) and "no such file" in error.what else 400
    return answer({"error": described(error)}, status)


async def _on_mistake(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    mistakes = [
        {"path": ".".join(map(str, found.get("loc", ())[1:])), "message": str(found.get("msg", ""))[:300]}
        for found in error.errors()[:20]
    ]
    text = "; ".join(f"{mistake['path']}: {mistake['message']}" for mistake in mistakes)
    return answer({"error": {"kind": "usage", "message": text, "mistakes": mistakes}}, 422)


def _pages(app: FastAPI, server: Server) -> None:
    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        state = request.scope["state"]
        if state.get("new_session"):
            response: Response = RedirectResponse("/", status_code=303)
        else:
            response = FileResponse(STATIC / "index.html", media_type="text/html")
        user = state["user"] if " " not in state["user"] else ""
        response.set_cookie(
            COOKIE, server.access.new_session(user), max_age=int(server.access.seconds), httponly=True,
            samesite="strict", secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    @app.get("/login", include_in_schema=False)
    async def login() -> Response:
        return FileResponse(STATIC / "login.html", media_type="text/html")

    @app.get("/api", include_in_schema=False)
    async def api_page() -> Response:
        return FileResponse(STATIC / "api.html", media_type="text/html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def _about(app: FastAPI, server: Server) -> None:
    @app.get("/api/health", tags=["server"])
    async def health() -> dict[str, bool]:
        """Whether the server is there."""
        return {"ok": True}

    @app.get("/api/server", tags=["server"])
    async def about() -> Response:
        """Version, cores, limits, and what keeps foreign scripts in their place."""
        from dataclasses import asdict

        return answer(
            {
                "version": __version__,
                "cores": os.cpu_count(),
                "isolation": {"namespaces": server.isolation.namespaces, "text": server.isolation.text},
                "trust": server.trust and server.isolation.namespaces,
                "limits": asdict(server.limits),
                "forms": forms(),
            }
        )


def _jobs(app: FastAPI, server: Server) -> None:
    def line(request: Request, name: str) -> dict[str, Any]:
        found = server.describe(name)
        if found is None:
            raise InputError("there is no such job (any more)")
        return seen_by(found, request.scope["state"]["user"])

    @app.get("/api/jobs", tags=["jobs"])
    async def jobs(request: Request) -> Response:
        """All jobs, the newest first, and the order in which those that wait will run."""
        names = sorted(server.dispatcher.jobs, reverse=True)
        queue = [job.id for job in server.dispatcher.queue()]
        return answer({"jobs": [line(request, name) for name in names], "queue": queue})

    @app.post("/api/jobs", tags=["jobs"], status_code=201)
    async def submit(request: Request, asked: JobRequest) -> Response:
        """Put a job into the queue."""
        upload = server.uploads.get(asked.file)
        job = await server.submit(upload, asked.kind, asked.options(), request.scope["state"]["user"])
        return answer(line(request, job.id), 201)

    @app.post("/api/plan", tags=["jobs"])
    async def plan(asked: JobRequest) -> Response:
        """What a job would cost, as `--dry-run --json`; nothing is put into the queue."""
        upload = server.uploads.get(asked.file)
        return answer((await server.prepare(upload, asked.kind, asked.options()))["plan"])

    @app.get("/api/jobs/{name}", tags=["jobs"])
    async def job(request: Request, name: str) -> Response:
        """Everything about a job."""
        found = server.job(name)
        view = server.dispatcher.views[name]
        return answer({**line(request, name), "options": found.asked.options, "snapshot": view.snapshot()})

    @app.get("/api/jobs/{name}/curves", tags=["jobs"])
    async def curves(name: str) -> Response:
        """The newest curves of a job; null before there are any."""
        server.job(name)
        content = await asyncio.to_thread(server.dispatcher.views[name].curves)
        return Response(content, media_type="application/json")

    @app.post("/api/jobs/{name}/stop", tags=["jobs"])
    async def stop(request: Request, name: str) -> Response:
        """Stop a job; nothing that it has found is lost. The second time it is ended at once."""
        server.dispatcher.stop(server.job(name))
        return answer(line(request, name))

    @app.post("/api/jobs/{name}/resume", tags=["jobs"])
    async def resume(request: Request, name: str) -> Response:
        """Go on with a job that was stopped: runs of many fits where they were, a single fit from its beginning."""
        server.dispatcher.resume(server.job(name))
        return answer(line(request, name))

    @app.delete("/api/jobs/{name}", tags=["jobs"])
    async def remove(name: str) -> JSONResponse:
        """Forget a job that does not run, with all its files."""
        server.dispatcher.remove(server.job(name))
        return JSONResponse({"removed": name})
