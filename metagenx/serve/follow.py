"""What a job's files say, folded into one state, and as messages for those who watch."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metagenx.errors import FileFormatError
from metagenx.serve.inside import open_inside, read_inside
from metagenx.serve.live import CURVES, LIVE

WAITING, RUNNING = "waiting", "running"
_MOST_CURVES = 64 * 2**20
_MOST_LINE = 2**20
_AT_ONCE = 4 * 2**20  # bytes of a file that are read in one go
_COURSE = 1200
_FITS = 1000
_TRACE = 40


class Tail:
    """The lines of a growing file, each once; a torn last line waits until it is whole."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._position = 0
        self._rest = b""

    def new(self) -> Iterator[bytes]:
        """The lines that have come since last time."""
        try:
            if os.stat(self._folder / self._name, follow_symlinks=False).st_size == self._position:
                return
            descriptor = open_inside(self._folder, self._name)
        except (OSError, FileFormatError):
            return
        with os.fdopen(descriptor, "rb") as file:
            file.seek(self._position)
            text = file.read(_AT_ONCE)
            self._position = file.tell()
        *lines, self._rest = (self._rest + text).split(b"\n")
        if len(self._rest) > _MOST_LINE:
            self._rest = b""
        yield from lines


class View:
    """The state of one job, as far as its files tell.

    Attributes
    ----------
    state : waiting, running, or how it ended: finished, stopped, failed, lost.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._live = Tail(work, LIVE)
        self._journals: dict[str, Tail] = {}
        self.state = WAITING
        self.start: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.end: dict[str, Any] = {}
        self.verdict: dict[str, Any] = {}
        self.course: list[list[Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.fits: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.curves_version = 0

    def read(self) -> list[dict[str, Any]]:
        """Look at the files; the messages that are new, for those who know the state before them."""
        messages = []
        for line in self._live.new():
            with contextlib.suppress(ValueError, RecursionError, TypeError, KeyError):
                message = json.loads(line)
                if isinstance(message, dict):
                    messages.append(self._take(message))
        messages += self._journal()
        return messages

    def snapshot(self) -> dict[str, Any]:
        """Everything that somebody needs who begins to watch now."""
        return {
            "state": self.state,
            "start": self.start,
            "last": self.last,
            "end": self.end,
            "verdict": self.verdict,
            "course": self.course,
            "runs": self.runs,
            "fits": self.fits,
            "said": self.said,
            "curves_version": self.curves_version,
        }

    def curves(self) -> bytes:
        """The newest curves as JSON; ``null`` if there are none."""
        try:
            content = read_inside(self._work, CURVES, most=_MOST_CURVES)
            json.loads(content)
        except (FileFormatError, ValueError, RecursionError):
            return b"null"
        return content

    def _take(self, message: dict[str, Any]) -> dict[str, Any]:
        kind = message.get("kind")
        if kind == "begun":
            self.state, self.end = RUNNING, {}
        elif kind == "queued":
            self.state, self.end = WAITING, {}
        elif kind == "start":
            self.start, self.course, self.runs = message, [], []
        elif kind == "generation":
            self.last = message
            self.verdict = {"line": message.get("verdict", ""), "level": "info"}
            self._add_to_course(message)
        elif kind == "run":
            self.runs = [*self.runs[-199:], message]
        elif kind == "curves":
            self.curves_version = int(message["n"])
        elif kind == "verdict":
            self.verdict = {"line": message.get("line", ""), "level": message.get("level", "info")}
        elif kind == "say":
            self.said = [*self.said[-99:], message]
        elif kind == "end":
            self.state, self.end = str(message.get("state", "failed")), message
            self.verdict = {"line": message.get("verdict", ""), "level": message.get("level", "info")}
        return message

    def _add_to_course(self, message: dict[str, Any]) -> None:
        self.course.append([message.get(key) for key in ("evaluations", "fom", "run", "of_run", "fom_of_run")])
        if len(self.course) > _COURSE:
            self.course = self.course[:-1:2] + self.course[-1:]

    def _journal(self) -> list[dict[str, Any]]:
        """What is new in the journals of run folders, which Ray's jobs keep."""
        runs = self._work / "runs"
        messages: list[dict[str, Any]] = []
        if self.state == WAITING or not runs.is_dir():
            return messages
        if self.state == RUNNING or not self._journals:
            for path in runs.glob("*/*/events.jsonl"):
                name = path.relative_to(self._work).as_posix()
                if "latest" not in name and name not in self._journals:
                    self._journals[name] = Tail(self._work, name)
        for tail in self._journals.values():
            for line in tail.new():
                message = _message_of(line)
                if message is not None:
                    messages.append(message)
                    if message["kind"] == "fit":
                        self.fits = [*self.fits[-(_FITS - 1) :], message]
                    elif message["kind"] != "setting":
                        self.said = [*self.said[-99:], message]
        return messages


def _message_of(line: bytes) -> dict[str, Any] | None:
    """A line of a journal for those who watch; None if it is nothing to look at."""
    from metagenx.runs.events import FitDone, Notice, RoundDecided, SettingAdded, decode

    try:
        event = decode(line + b"\n").event
    except (ValueError, RecursionError):
        return None
    if isinstance(event, FitDone):
        record = event.record
        trace = record.trace[:: max(1, len(record.trace) // _TRACE)] + record.trace[-1:]
        return {
            "kind": "fit", "phase": record.phase, "setting": record.setting, "sample": record.sample,
            "repeat": record.repeat, "fom": record.fom if math.isfinite(record.fom) else None,
            "evaluations": record.evaluations, "values": list(record.values), "trace": [list(point) for point in trace],
            "failure": record.failure,
        }  # fmt: skip
    if isinstance(event, SettingAdded):
        return {"kind": "setting", "setting": event.setting}
    if isinstance(event, RoundDecided):
        left = event.details.get("left", {})
        return {
            "kind": "round", "phase": event.phase, "round": event.round, "left": left,
            "incumbent": event.details.get("incumbent"), "evaluations": event.details.get("evaluations"),
        }  # fmt: skip
    if isinstance(event, Notice):
        return {"kind": "say", "text": event.text}
    return None
