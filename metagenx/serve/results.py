"""Routes of results: the files that a job has left, and the runs of the command line beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response

from metagenx.errors import FileFormatError
from metagenx.serve.inside import read_inside
from metagenx.serve.plain import to_json
from metagenx.serve.state import Server

_MOST_BYTES = 512 * 2**20
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".yaml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
# A report has scripts of its own: it runs as a page of nobody, which reaches neither this server nor any other.
_REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; "
    "script-src 'unsafe-inline' 'unsafe-eval' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; worker-src blob:"
)
_SHOWN = ("report.html", "best.hgx", "settings.yaml", "parameters.csv", "reflectivity.csv", "sld.csv")


def add_routes(app: FastAPI, server: Server) -> None:
    """Add the routes of results to an application."""

    @app.get("/api/jobs/{name}/results", tags=["results"])
    async def results(name: str) -> Response:
        """Names and sizes of the files that a job has left."""
        job = server.job(name)
        place = place_of(server.dispatcher.views[name].end)
        return Response(to_json({"files": _listed(job.work, place)}), media_type="application/json")

    @app.get("/api/jobs/{name}/results/{file}", tags=["results"])
    async def result(name: str, file: str) -> Response:
        """One of these files."""
        job = server.job(name)
        place = place_of(server.dispatcher.views[name].end)
        return sent(read_inside(job.work, f"{place}/{file}", most=_MOST_BYTES), file)

    @app.get("/api/runs", tags=["results"])
    async def runs() -> Response:
        """Runs of the command line in the same folder, the newest first."""
        from metagenx.runs import list_runs

        found = []
        for folder in list_runs(server.base):
            manifest = folder.manifest()
            found.append(
                {
                    "name": f"{folder.path.parent.name}/{folder.path.name}",
                    "state": manifest.get("state"),
                    "created": manifest.get("created"),
                    "files": _listed(folder.path, ""),
                }
            )
            if len(found) >= 200:
                break
        return Response(to_json({"runs": found}), media_type="application/json")

    @app.get("/api/runs/{name}/{run}/{file}", tags=["results"])
    async def file_of_run(name: str, run: str, file: str) -> Response:
        """A file of such a run."""
        if name == "served":
            raise FileFormatError("there is no such file", where=name)
        return sent(read_inside(server.base, f"{name}/{run}/{file}", most=_MOST_BYTES), file)


def place_of(end: dict[str, Any]) -> str:
    """The folder of a job's results below its own, as its process says; harmless whatever it says."""
    place = end.get("results", "results")
    return place if isinstance(place, str) and place.startswith("runs/") else "results"


def sent(content: bytes, name: str) -> Response:
    """A file for the browser: pages in a sandbox, the rest as a download."""
    ending = Path(name).suffix.lower()
    headers = {"x-content-type-options": "nosniff"}
    if ending == ".html":
        headers["content-security-policy"] = _REPORT_POLICY
    elif ending != ".yaml":
        safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
        headers["content-disposition"] = f'attachment; filename="{safe}"'
    return Response(content, media_type=_KINDS.get(ending, "application/octet-stream"), headers=headers)


def _listed(folder: Path, place: str) -> list[dict[str, Any]]:
    """Regular files of a folder; links are not followed, not even to find the folder."""
    path = folder / place if place else folder
    for part in [path, *path.parents]:
        if part == folder:
            break
        if part.is_symlink():
            return []
    try:
        with os.scandir(path) as entries:
            found = [
                {"name": entry.name, "n_bytes": entry.stat(follow_symlinks=False).st_size}
                for entry in entries
                if entry.is_file(follow_symlinks=False) and Path(entry.name).suffix.lower() in (*_KINDS, ".hgx", ".npz")
            ]
    except OSError:
        return []
    order = {name: number for number, name in enumerate(_SHOWN)}
    return sorted(found, key=lambda item: (order.get(str(item["name"]), len(order)), str(item["name"])))
