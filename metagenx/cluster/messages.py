"""What the driver on a cluster and the machine that started it say to each other: lines of a job's log.

The log is the only channel: it exists for every Ray cluster, needs no further port, and can be read again from its
beginning after a break. A line of ours is ``metagenx:`` and a JSON object with one of

* ``hello``: versions and host of the driver;
* ``progress``: what a run says of itself (:class:`~metagenx.meta.progress.Progress`);
* ``journal``: a line of the run's journal, as it stands in the file;
* ``file``, ``part``, ``of``, ``data``: a piece of a result file (zlib, base64), after the run;
* ``error``: kind, what, where, hint and exit code;
* ``end``: the exit code, after everything else.

All else in the log is other programs' output.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

MARK = "metagenx:"
PIECE = 12_000  # characters; Ray hands a log on in portions of 20,000
LARGEST_FILE = 200_000_000


def line(message: Mapping[str, Any]) -> str:
    """A message as a line of the log."""
    return f"{MARK}{json.dumps(message, ensure_ascii=True)}\n"


def message(text: str) -> dict[str, Any] | None:
    """The message of a line, or None if it is not one of ours, or was cut off."""
    if not text.startswith(MARK):
        return None
    try:
        found = json.loads(text[len(MARK) :])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def pieces(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """A file as messages."""
    text = base64.b64encode(zlib.compress(content)).decode("ascii")
    parts = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    for number, part in enumerate(parts):
        yield {"file": name, "part": number, "of": len(parts), "data": part}


class Files:
    """Puts files together again from their pieces, in whatever way the log was interrupted and read again."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[int, str]] = {}

    def take(self, piece: Mapping[str, Any]) -> tuple[str, bytes] | None:
        """Take a piece; name and content of the file that is complete with it.

        Names that would lead out of the run folder are not believed, nor is what does not unpack.
        """
        name, part, count, data = (piece.get(key) for key in ("file", "part", "of", "data"))
        if not isinstance(name, str) or not _is_inside(name) or not isinstance(data, str):
            return None
        if not isinstance(part, int) or not isinstance(count, int):
            return None
        parts = self._parts.setdefault(name, {})
        parts[part] = data
        if len(parts) < count:
            return None
        del self._parts[name]
        try:
            unpacker = zlib.decompressobj()
            text = "".join(parts[number] for number in range(count))
            content = unpacker.decompress(base64.b64decode(text), LARGEST_FILE)
        except (KeyError, zlib.error, binascii.Error):
            return None
        return (name, content) if unpacker.eof else None


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
