"""Reading what a foreign process has left in its folder: never through links, never more than wanted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from metagenx.errors import FileFormatError

_LINK = getattr(os, "O_NOFOLLOW", 0)
_QUIET = getattr(os, "O_NONBLOCK", 0)


def open_inside(folder: Path, name: str) -> int:
    """A descriptor of a regular file below a folder; no part of its name is a link.

    Raises
    ------
    FileFormatError : there is no such file, or it is something else.
    """
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise FileFormatError("there is no such file", where=name)
    try:
        if os.name == "nt" or not _LINK:
            return _checked(_open_resolved(folder, parts), name)
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _LINK, dir_fd=place)
                os.close(place)
                place = below
            return _checked(os.open(parts[-1], os.O_RDONLY | _LINK | _QUIET, dir_fd=place), name)
        finally:
            os.close(place)
    except OSError:
        raise FileFormatError("there is no such file", where=name) from None


def read_inside(folder: Path, name: str, *, most: int) -> bytes:
    """The content of a file below a folder, at most so many bytes; raises FileFormatError."""
    descriptor = open_inside(folder, name)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise FileFormatError(f"it is larger than {most // 2**20} MiB", where=name)
    return content


def _open_resolved(folder: Path, parts: list[str]) -> int:
    path = folder.joinpath(*parts).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise FileNotFoundError(path)
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def _checked(descriptor: int, name: str) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileFormatError("it is not a file", where=name)
    return descriptor
