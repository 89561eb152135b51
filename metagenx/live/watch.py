"""Files as an instrument writes them: a folder or one growing file, looked at again and again.

No notification of the system is used, because network drives send none. A file counts once its size and time have
stayed the same from one look to the next. One that never rests is read as it is after some seconds. A text whose last
line has no end may be in the middle of a number: that line is left out until the file has rested for a while.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.loaders.source import read_source
from metagenx.meta.batch_files import OTHER_STEMS, OTHER_SUFFIXES, natural_key

RESTLESS = 3.0  # s after which a file that never rests is read as it is
SETTLED = 5.0  # s after which a last line without an end is believed
_TEXT = 65536  # bytes without a zero: a text


@dataclass(frozen=True)
class Arrival:
    """A file that has come or has changed.

    Parameters
    ----------
    modified : the time that the file system gives it, s since 1970.
    left_out : whether its last line was left out, because it may be half written.
    """

    name: str
    content: bytes
    sha256: str
    modified: float
    left_out: bool = False


@dataclass(frozen=True)
class Trouble:
    """A file that cannot be used, and why; said once for each state of the file."""

    name: str
    reason: str


@dataclass
class _Seen:
    """What is known of one file."""

    signature: tuple[int, int] = (-1, -1)
    since: float = 0.0  # when it was first seen like this
    restless_since: float = 0.0  # when it began to change after it was last read
    has_changed: bool = False
    read_at: tuple[int, int] | None = None  # its signature when it was read
    is_whole: bool = True  # nothing was left out then
    sha256: str = ""
    trouble: str = ""


class Watcher:
    """Looks at a place again and again.

    Parameters
    ----------
    place : a folder, of which all files count but hidden ones and those that are no measurements by their names; or one
        file, which need not be there yet.
    but : the model file, which is no measurement even if it lies among them.
    known : SHA-256 of the files that need not be told again, by name.

    Raises
    ------
    InputError : neither the place nor the folder that it would be in is there.
    """

    def __init__(
        self,
        place: Path,
        *,
        but: Path | None = None,
        known: dict[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not place.is_dir() and not place.parent.is_dir():
            raise InputError(
                "there is no such file or folder", where=str(place), hint="Check the path; is the drive connected?"
            )
        self.place, self._but, self._clock = place, but, clock
        self._seen: dict[str, _Seen] = {name: _Seen(sha256=sha256) for name, sha256 in (known or {}).items()}
        self._place_trouble = ""

    def look(self, *, at_once: bool = False) -> list[Arrival | Trouble]:
        """What is new since the last look, in the natural order of the names.

        Parameters
        ----------
        at_once : take the files as they are now, whole: there will be no second look.
        """
        try:
            files = self._files()
        except OSError as error:
            reason = f"the folder cannot be read: {error.strerror or error}"
            told, self._place_trouble = self._place_trouble, reason
            return [] if told == reason else [Trouble(str(self.place), reason)]
        self._place_trouble = ""
        found: list[Arrival | Trouble] = []
        for path, signature in sorted(files, key=lambda file: natural_key(file[0].name)):
            news = self._news(path, signature, at_once)
            if news is not None:
                found.append(news)
        return found

    def _files(self) -> list[tuple[Path, tuple[int, int]]]:
        if self.place.is_dir():
            with os.scandir(self.place) as entries:
                paths = [Path(entry.path) for entry in entries]
        else:
            paths = [self.place]
        found = []
        for path in paths:
            is_other = path.suffix.lower() in OTHER_SUFFIXES or path.stem.lower() in OTHER_STEMS
            if path != self.place and (path.name.startswith((".", "~")) or is_other):
                continue
            try:
                state = path.stat()
                if path.is_dir() or (self._but is not None and self._but.exists() and path.samefile(self._but)):
                    continue
            except OSError:  # gone again, or not there yet
                continue
            found.append((path, (state.st_size, state.st_mtime_ns)))
        return found

    def _news(self, path: Path, signature: tuple[int, int], at_once: bool) -> Arrival | Trouble | None:
        now = self._clock()
        seen = self._seen.setdefault(path.name, _Seen())
        if signature == seen.read_at and seen.is_whole:
            return None
        if signature != seen.signature:
            if seen.signature[0] >= 0:
                seen.has_changed = True
            if seen.signature in ((-1, -1), seen.read_at):
                seen.restless_since = now
            seen.signature, seen.since = signature, now
            if not at_once and now - seen.restless_since < RESTLESS:
                return None
        if not signature[0]:  # begun, nothing in it yet
            return None
        settled = at_once or now - seen.since >= SETTLED
        if signature == seen.read_at and not settled:
            return None  # only its last line is missing
        return self._read(path, seen, settled, now)

    def _read(self, path: Path, seen: _Seen, settled: bool, now: float) -> Arrival | Trouble | None:
        try:
            content = read_source(path)
        except FileFormatError as error:
            seen.read_at, seen.is_whole = seen.signature, True
            return self._trouble(path.name, seen, error.what)
        whole = len(content)
        if seen.has_changed and not settled:
            content = _whole_lines(content)
        seen.read_at, seen.is_whole, seen.restless_since = seen.signature, len(content) == whole, now
        sha256 = hashlib.sha256(content).hexdigest()
        if not content.strip() or sha256 == seen.sha256:
            return None  # touched, not changed
        seen.sha256, seen.trouble = sha256, ""
        return Arrival(path.name, content, sha256, seen.signature[1] * 1e-9, len(content) < whole)

    def _trouble(self, name: str, seen: _Seen, reason: str) -> Trouble | None:
        told, seen.trouble = seen.trouble, reason
        return None if told == reason else Trouble(name, reason)


def _whole_lines(content: bytes) -> bytes:
    """A text up to its last line end; what is no text as it is."""
    if b"\0" in content[:_TEXT] or content.startswith(b"PK") or content.endswith((b"\n", b"\r")):
        return content
    return content[: max(content.rfind(b"\n"), content.rfind(b"\r")) + 1]
