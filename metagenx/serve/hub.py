"""Who watches what: messages of jobs on their way to browsers, a few a second, each written once for all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from metagenx.serve.plain import to_json

JOBS = "jobs"
_MOST_WAITING = 400  # messages; a browser that is so far behind gets the whole state instead


class Watcher:
    """One browser: the jobs that it watches, and the messages that wait to be sent to it."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.watched: set[str] = set()
        self._waiting: list[str] = []
        self._behind: set[str] = set()
        self._wake = asyncio.Event()

    def put(self, job: str, text: str) -> None:
        """A message for this browser."""
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
            self._behind |= self.watched | {JOBS}
        if job not in self._behind:
            self._waiting.append(text)
        self._wake.set()

    def wake(self) -> None:
        """Have its sender look again."""
        self._wake.set()

    async def take(self) -> tuple[list[str], set[str]]:
        """The messages that wait, and the jobs of which it needs the whole state; waits until there is something."""
        await self._wake.wait()
        self._wake.clear()
        texts, behind = self._waiting, self._behind
        self._waiting, self._behind = [], set()
        return texts, behind


class Hub:
    """All browsers of a server.

    Parameters
    ----------
    describe : a job as it stands in lists.
    """

    def __init__(self, describe: Callable[[str], dict[str, Any] | None]) -> None:
        self._describe = describe
        self.watchers: set[Watcher] = set()
        self._changed: set[str] = set()
        self._flushing: asyncio.TimerHandle | None = None

    def heard(self, job: str, messages: list[dict[str, Any]]) -> None:
        """New messages of a job: at once for those who watch it; its line in the lists of all, twice a second."""
        self.told(job, messages)
        if not self.watchers:
            return
        self._changed.add(job)
        if self._flushing is None:
            with contextlib.suppress(RuntimeError):  # before the server runs
                self._flushing = asyncio.get_running_loop().call_later(0.5, self._flush)

    def told(self, name: str, messages: list[dict[str, Any]]) -> None:
        """New messages for those who watch something, at once."""
        text = ""
        for watcher in self.watchers:
            if name in watcher.watched:
                text = text or to_json({"job": name, "messages": messages})
                watcher.put(name, text)

    def _flush(self) -> None:
        self._flushing = None
        changed, self._changed = self._changed, set()
        lines = {job: self._describe(job) for job in changed}
        for watcher in self.watchers:
            watcher.put(
                JOBS, to_json({"jobs": {job: line and seen_by(line, watcher.user) for job, line in lines.items()}})
            )


def seen_by(line: dict[str, Any], user: str) -> dict[str, Any]:
    """A job's line for one user: whether it is his is said, whose it is else is not."""
    return {**{key: value for key, value in line.items() if key != "user"}, "mine": line["user"] == user}
