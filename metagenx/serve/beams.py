"""Beam times in the same folder, as `metagenx live` writes them, for those who watch the page.

Their journals are followed as those of jobs are: whoever watches gets what is there, then every new line. The page only
looks; `metagenx live` runs where its user has started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response

from metagenx.errors import FileFormatError
from metagenx.live.record import CURVES, KIND, PHASE
from metagenx.runs import list_runs
from metagenx.serve.follow import Tail
from metagenx.serve.hub import Hub
from metagenx.serve.inside import read_inside
from metagenx.serve.plain import to_json

PREFIX = "beam:"
_EVERY = 0.2  # s
_MOST_UPDATES = 2000
_MOST_TROUBLES = 50
_MOST_LISTED = 100
_MOST_CURVES = 64 * 2**20


class BeamView:
    """One beam time, as far as its journal tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tail = Tail(folder, "events.jsonl")
        self.updates: dict[int, dict[str, Any]] = {}
        self.troubles: list[dict[str, Any]] = []
        self.state = "ended"

    def read(self) -> list[dict[str, Any]]:
        """What is new since the last time."""
        return [message for line in self._tail.new() if (message := self._take(line)) is not None]

    def snapshot(self) -> dict[str, Any]:
        """Everything that somebody needs who begins to watch now."""
        return {"state": self.state, "updates": list(self.updates.values()), "troubles": self.troubles}

    def curves(self) -> bytes:
        """Data and fit of the last answer as JSON; ``null`` if there are none."""
        try:
            content = read_inside(self.folder, CURVES, most=_MOST_CURVES)
            json.loads(content)
        except (FileFormatError, ValueError, RecursionError):
            return b"null"
        return content

    def _take(self, line: bytes) -> dict[str, Any] | None:
        from metagenx.runs.events import Notice, RoundDecided, SessionEnded, SessionStarted, decode

        try:
            found = decode(line + b"\n")
        except (ValueError, RecursionError):
            return None
        event = found.event
        if isinstance(event, RoundDecided) and event.phase == PHASE and isinstance(event.details.get("number"), int):
            update = {key: value for key, value in event.details.items() if key not in ("minima", "sha256")}
            self.updates[event.details["number"]] = update
            if len(self.updates) > _MOST_UPDATES:
                del self.updates[next(iter(self.updates))]
            return update
        if isinstance(event, Notice):
            trouble = {"kind": "trouble", "text": event.text, "time": found.time}
            self.troubles = [*self.troubles[-(_MOST_TROUBLES - 1) :], trouble]
            return trouble
        if isinstance(event, SessionStarted | SessionEnded):
            self.state = "watching" if isinstance(event, SessionStarted) else "ended"
            return {"kind": "state", "state": self.state}
        return None


class Beams:
    """All beam times below a folder."""

    def __init__(self, base: Path, hub: Hub) -> None:
        self._base, self._hub = base, hub
        self._views: dict[str, BeamView] = {}

    def view(self, name: str) -> BeamView:
        """A beam time by its name, ``folder/run``; raises FileFormatError if there is none."""
        if name not in self._views:
            try:
                manifest = json.loads(read_inside(self._base, f"{name}/manifest.json", most=2**24))
                is_live = manifest["config"]["kind"] == KIND
            except (ValueError, KeyError, TypeError, RecursionError):
                is_live = False
            if not is_live or name.count("/") != 1:
                raise FileFormatError("there is no such file", where=name)
            self._views[name] = BeamView(self._base / name)
            self._views[name].read()
        return self._views[name]

    def known(self, wanted: set[str]) -> set[str]:
        """Those of the names that are beam times which can be watched."""
        found = set()
        for name in wanted:
            if name.startswith(PREFIX):
                with contextlib.suppress(FileFormatError):
                    self.view(name.removeprefix(PREFIX))
                    found.add(name)
        return found

    def snapshot(self, name: str) -> dict[str, Any]:
        """What somebody gets who begins to watch."""
        view = self.view(name.removeprefix(PREFIX))
        return {"job": name, "snapshot": view.snapshot()}

    def listed(self) -> list[dict[str, Any]]:
        """All of them, the newest first."""
        found: list[dict[str, Any]] = []
        for folder in list_runs(self._base):
            manifest = folder.manifest()
            config = manifest.get("config")
            if not isinstance(config, dict) or config.get("kind") != KIND:
                continue
            view = self.view(f"{folder.path.parent.name}/{folder.path.name}")
            view.read()
            last = next(reversed(view.updates.values()), {})
            found.append({
                "id": f"{folder.path.parent.name}/{folder.path.name}", "place": config.get("place"),
                "created": manifest.get("created"), "state": view.state, "updates": len(view.updates),
                "line": last.get("line", ""), "level": last.get("level", "info"),
            })  # fmt: skip
            if len(found) >= _MOST_LISTED:
                break
        return found

    async def run(self) -> None:
        """Look at those that are watched, for ever."""
        while True:
            watched = {name for watcher in self._hub.watchers for name in watcher.watched if name.startswith(PREFIX)}
            for name in watched:
                messages = self._views[name.removeprefix(PREFIX)].read()
                if messages:
                    self._hub.told(name, messages)
            await asyncio.sleep(_EVERY)


def add_routes(app: FastAPI, beams: Beams) -> None:
    """Add the routes of beam times to an application."""

    @app.get("/api/live", tags=["live"])
    async def listed() -> Response:
        """Beam times that `metagenx live` follows or has followed in the same folder, the newest first."""
        found = await asyncio.to_thread(beams.listed)
        return Response(to_json({"live": found}), media_type="application/json")

    @app.get("/api/live/{name}/{run}", tags=["live"])
    async def beam(name: str, run: str) -> Response:
        """All updates of one, of each the last answer; what is new comes over the WebSocket as ``beam:NAME/RUN``."""
        view = beams.view(f"{name}/{run}")
        view.read()
        return Response(to_json(view.snapshot()), media_type="application/json")

    @app.get("/api/live/{name}/{run}/curves", tags=["live"])
    async def curves(name: str, run: str) -> Response:
        """Data and fit of its last answer; null before there is one."""
        content = await asyncio.to_thread(beams.view(f"{name}/{run}").curves)
        return Response(content, media_type="application/json")
