"""The journal of a run, ``events.jsonl``: append-only, synced line by line, the one truth that a run resumes from.

What :meth:`Journal.append` has returned for is on the disk, whatever happens next. A last line that was
torn by a kill or a power cut was never acknowledged; it is recognised, dropped, and done again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from metagenx.errors import FileFormatError
from metagenx.genx.disk import sync_folder
from metagenx.meta.records import FitRecord
from metagenx.meta.targets import BestKnown
from metagenx.runs.events import (
    BestFound,
    Event,
    FitDone,
    Line,
    PhaseStarted,
    RoundDecided,
    SettingAdded,
    decode,
    encode,
)
from metagenx.runs.files import writing


@dataclass
class Replay:
    """What a journal says, folded together; each fit counts once."""

    records: list[FitRecord] = field(default_factory=list)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    rounds: list[RoundDecided] = field(default_factory=list)
    best: dict[str, BestKnown] = field(default_factory=dict)
    phases: list[str] = field(default_factory=list)
    _seen: set[tuple[str, str, str, int]] = field(default_factory=set, repr=False)

    def take(self, event: Event) -> None:
        """Fold one more event in."""
        if isinstance(event, FitDone):
            if event.record.key not in self._seen:  # a fit that was done twice gave the same numbers twice
                self._seen.add(event.record.key)
                self.records.append(event.record)
        elif isinstance(event, SettingAdded):
            self.settings[event.setting] = event.details
        elif isinstance(event, RoundDecided):
            self.rounds.append(event)
        elif isinstance(event, BestFound):
            before = self.best.get(event.sample)
            if before is None or event.best.fom <= before.fom:
                self.best[event.sample] = event.best
        elif isinstance(event, PhaseStarted) and event.phase not in self.phases:
            self.phases.append(event.phase)


def read_journal(path: Path) -> Iterator[Line]:
    """The lines of a journal, which may be being written; a torn last line is left out, no file is no lines.

    Raises
    ------
    FileFormatError : a line before the last is damaged; with its number.
    """
    for _, line in _lines(path):
        yield line


def _lines(path: Path) -> Iterator[tuple[int, Line]]:
    """(position after the line, line); stops before a torn end."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        position, damage = 0, ""
        for number, text in enumerate(stream, start=1):
            if damage:
                raise FileFormatError(
                    f"line {number - 1} is damaged: {damage}",
                    where=str(path),
                    hint="The lines after it cannot be trusted in order. Restore the file from a copy, or start "
                    "the experiment again with another --out folder.",
                )
            try:
                line = decode(text)
                if line.number != number:
                    raise ValueError(f"it is event {line.number}, so lines are missing before it")
            except ValueError as error:
                damage = str(error)  # forgiven if no line follows: it was never acknowledged
                continue
            position += len(text)
            yield position, line


class Journal:
    """The journal of a run, open for one writer (hold the folder's lock).

    Parameters
    ----------
    path : ``events.jsonl``; made if it is not there.

    Raises
    ------
    FileFormatError : a line before the last is damaged.
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._replay = Replay()
        self._number = 0
        self._size = 0
        for position, line in _lines(path):
            self._size, self._number = position, line.number
            self._replay.take(line.event)
        with writing(path):
            is_new = not path.exists()
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            self.dropped = os.fstat(self._descriptor).st_size - self._size
            if self.dropped:
                os.ftruncate(self._descriptor, self._size)
                os.fsync(self._descriptor)
            if is_new:
                sync_folder(path.parent)

    def replay(self) -> Replay:
        """Everything in the journal so far, those lines included that this writer has appended."""
        return self._replay

    def append(self, *events: Event) -> None:
        """Write events and return when they are on the disk.

        Raises
        ------
        ResourcesSpent : the disk is full; nothing of these events is left in the file.
        """
        text = b"".join(encode(self._number + i, event) for i, event in enumerate(events, start=1))
        if not text:
            return
        with writing(self.path):
            if os.fstat(self._descriptor).st_size != self._size:  # an append that was cut short before
                os.ftruncate(self._descriptor, self._size)
            try:
                self._write(text)
                os.fsync(self._descriptor)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self._size)
                raise
        self._size += len(text)
        self._number += len(events)
        for event in events:
            self._replay.take(event)

    def _write(self, text: bytes) -> None:
        view, position = memoryview(text), self._size
        os.lseek(self._descriptor, position, os.SEEK_SET)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        """Close the file; the journal takes no more events."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
