"""A file that is open in the page: a confined process that answers questions about it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from metagenx.errors import ConfigError, FileFormatError, InputError, MetagenxError, Mistake, ScriptRefused
from metagenx.serve.isolation import Isolation, new_user
from metagenx.serve.limits import Limits
from metagenx.serve.uploads import Upload

_LONGEST_ANSWER = 128 * 2**20
_SAID = 20_000


class Desk:
    """One confined process; at first without a file, so that the next file need not wait for Python to start."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._turn = asyncio.Lock()
        self.used = time.monotonic()
        self._said = b""
        self._listening = asyncio.create_task(self._listen())
        self._ready = asyncio.create_task(self._answer())
        self.waiting = 0

    @classmethod
    async def start(cls, isolation: Isolation, limits: Limits) -> Desk:
        """A new process, which warms up on its own."""
        command = isolation.command("metagenx.serve.desk_process", user=new_user())
        process = await asyncio.create_subprocess_exec(
            *command,
            env=isolation.environment(limits),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_ANSWER,
            start_new_session=True,
        )
        return cls(process, limits)

    async def open(self, upload: Upload, content: bytes, *, trust: bool) -> None:
        """Give it the file; raises what is wrong with it."""
        async with self._turn:
            header = {"name": upload.name, "bytes": len(content), "trust": trust}
            try:
                await asyncio.wait_for(asyncio.shield(self._ready), self._limits.answer_seconds)
            except TimeoutError:
                raise self._died("the machine is too busy to open it") from None
            await self._write(json.dumps(header).encode("utf-8") + b"\n" + content)
            _raised(await self._timed_answer())

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question.

        Raises
        ------
        MetagenxError : what the answer says is wrong, or that there is none in good time.
        """
        self.waiting += 1
        try:
            async with self._turn:
                self.used = time.monotonic()
                await self._write(json.dumps(question).encode("utf-8") + b"\n")
                answer = _raised(await self._timed_answer())
        finally:
            self.waiting -= 1
            self.used = time.monotonic()
        return answer

    @property
    def said(self) -> str:
        """The last words that the script has printed."""
        return self._said.decode("utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.returncode is None

    async def close(self) -> None:
        """End the process."""
        self._listening.cancel()
        self._ready.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5.0)

    async def _write(self, content: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(content)
            await asyncio.wait_for(self._process.stdin.drain(), self._limits.answer_seconds)
        except (OSError, TimeoutError):
            raise self._died("it cannot be opened") from None

    async def _timed_answer(self) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(self._answer(), self._limits.answer_seconds)
        except TimeoutError:
            await self.close()
            raise InputError(
                f"the file gave no answer in {self._limits.answer_seconds:.0f} s",
                hint="Its script is too slow for this server, or never ends.",
            ) from None

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            await asyncio.sleep(0.05)  # its last words may still be on their way
            raise self._died("the process that had it open has ended")
        return answer

    def _died(self, what: str) -> InputError:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        words = self.said.strip()
        words = f" Its last words: {words[-300:]}" if words else ""
        return InputError(what, hint=f"It may have used more memory, time or processes than it may.{words}")

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(4096):
            self._said = (self._said + chunk)[-_SAID:]


def _raised(answer: dict[str, Any]) -> dict[str, Any]:
    error = answer.get("error")
    if isinstance(error, dict):
        raise error_from(error)
    return answer


def error_from(described: dict[str, Any]) -> MetagenxError:
    """The error that a confined process has described; whatever it calls itself, it is one of the user's."""
    mistakes = described.get("mistakes")
    if isinstance(mistakes, list) and mistakes:
        found = [_mistake(mistake) for mistake in mistakes[:100] if isinstance(mistake, dict)]
        return ConfigError(str(described.get("message", "")).partition(" has ")[0][:100] or "the settings", found)
    kinds: dict[str, type[InputError]] = {"ScriptRefused": ScriptRefused, "FileFormatError": FileFormatError}
    kind = kinds.get(str(described.get("kind")), InputError)
    where, hint = described.get("where"), described.get("hint")
    return kind(
        str(described.get("message", "unknown"))[:4000],
        where=None if where is None else str(where)[:400],
        hint=None if hint is None else str(hint)[:2000],
    )


def _mistake(described: dict[str, Any]) -> Mistake:
    suggestion = described.get("suggestion")
    return Mistake(
        str(described.get("path", ""))[:100],
        str(described.get("message", ""))[:500],
        suggestion=None if suggestion is None else str(suggestion)[:100],
    )


class Desks:
    """The open files of a server, and one process that waits for the next."""

    def __init__(self, isolation: Isolation, limits: Limits) -> None:
        self._isolation, self._limits = isolation, limits
        self._open: dict[str, Desk] = {}
        self._opening: dict[str, asyncio.Task[Desk]] = {}
        self._spare: asyncio.Task[Desk] | None = None

    def warm(self) -> None:
        """Have a process ready."""
        if self._spare is None:
            self._spare = asyncio.create_task(Desk.start(self._isolation, self._limits))

    async def of(self, upload: Upload, content: bytes, *, trust: bool) -> Desk:
        """The process that has a file open; several who ask at once get the same one. Raises what is wrong with it."""
        desk = self._open.get(upload.id)
        if desk is not None and desk.alive:
            return desk
        if upload.id not in self._opening:
            self._opening[upload.id] = asyncio.create_task(self._start(upload, content, trust))
        try:
            return await asyncio.shield(self._opening[upload.id])
        finally:
            task = self._opening.get(upload.id)
            if task is not None and task.done():
                self._opening.pop(upload.id, None)

    async def _start(self, upload: Upload, content: bytes, trust: bool) -> Desk:
        await self.tidy(room_for=1)
        self.warm()
        spare, self._spare = self._spare, None
        assert spare is not None
        desk = await spare
        if not desk.alive:
            desk = await Desk.start(self._isolation, self._limits)
        try:
            await desk.open(upload, content, trust=trust)
        except BaseException:
            await desk.close()
            raise
        finally:
            self.warm()
        self._open[upload.id] = desk
        return desk

    async def tidy(self, room_for: int = 0) -> None:
        """Close what has ended, what nobody has used for long, and what is one too many."""
        now = time.monotonic()
        by_use = sorted(self._open.items(), key=lambda item: item[1].used)
        for number, (identity, desk) in enumerate(by_use):
            too_many = len(by_use) - number + room_for > self._limits.desks and not desk.waiting
            if too_many or not desk.alive or (not desk.waiting and now - desk.used > self._limits.desk_idle_seconds):
                self._open.pop(identity, None)
                await desk.close()

    async def close(self) -> None:
        """End all processes."""
        for desk in [*self._open.values(), *([await self._spare] if self._spare else [])]:
            await desk.close()
        self._open, self._spare = {}, None
