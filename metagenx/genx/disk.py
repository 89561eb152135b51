"""Whole files from and to the disk, with what can go wrong there said plainly."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from metagenx.errors import FileFormatError, InputError, ResourcesSpent

MAX_FILE_BYTES = 2**30
_PIECE = 2**20

#: What the system says when a disk or a quota is full.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Wanted:
    """What kind of file is read: its name in messages, what to do where it fails, what its name may end with."""

    kind: str
    most_bytes: int
    too_large: str
    empty: str
    suffixes: tuple[str, ...] = ()


MODEL = Wanted(
    "model",
    MAX_FILE_BYTES,
    "Save it in GenX with 'save all evals' switched off.",
    "Save it again in GenX, or copy it again.",
    (".hgx", ".gx"),
)


def read_bytes(path: Path, wanted: Wanted = MODEL) -> bytes:
    """Content of the file `path`.

    Raises FileFormatError, with what to do, if there is none, it is no ordinary file (a pipe would block), empty, or
    too large.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise FileFormatError("this is a folder, not a file", where=str(path), hint="Name one file inside it.")
        if not stat.S_ISREG(mode):
            raise FileFormatError("this is not an ordinary file", where=str(path), hint="Copy its content into a file.")
        with path.open("rb") as stream:
            content = at_most(stream, wanted.most_bytes + 1)
    except FileNotFoundError:
        raise FileFormatError("there is no such file", where=str(path), hint=_neighbours(path, wanted)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(
            f"the file cannot be read: {reason}", where=str(path), hint="Check its permissions and its path."
        ) from None
    if len(content) > wanted.most_bytes:
        raise FileFormatError(
            f"the file has more than {wanted.most_bytes // 2**20} MiB, which no reflectivity {wanted.kind} needs",
            where=str(path),
            hint=wanted.too_large,
        )
    if not content.strip():
        raise FileFormatError("the file is empty", where=str(path), hint=wanted.empty)
    return content


def replace_file(path: Path, content: bytes) -> None:
    """Make `content` the file `path`, all of it or nothing.

    Raises
    ------
    ResourcesSpent : the disk or the quota is full.
    InputError : the place cannot be written to.
    """
    try:
        replace_atomically(path, content)
    except OSError as error:
        if error.errno in FULL:
            raise ResourcesSpent(
                f"the file cannot be written: {error.strerror}",
                where=str(path),
                hint="Free some space or choose another folder; a file that was there before is untouched.",
            ) from None
        raise InputError(
            f"the file cannot be written: {error.strerror or error}",
            where=str(path),
            hint="Choose a folder that exists and that you may write to.",
        ) from None


def replace_atomically(path: Path, content: bytes) -> None:
    """Temporary file beside it, fsync, rename: readers see the old file or the new one, never half; raises OSError."""
    target = Path(os.path.realpath(path))  # what a link points at, not the link, is replaced
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a new or renamed entry of a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):  # not every file system lets a folder be opened and synced
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def at_most(stream: BinaryIO, count: int) -> bytes:
    """Up to `count` bytes; ``read(count)`` would take memory for all of them before it reads the first."""
    content = bytearray()
    while len(content) < count and (piece := stream.read(min(_PIECE, count - len(content)))):
        content += piece
    return bytes(content)


def _neighbours(path: Path, wanted: Wanted) -> str:
    try:
        entries = [entry for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f"The folder {path.parent} does not exist either."
    names = [entry.name for entry in entries if not wanted.suffixes or entry.suffix.lower() in wanted.suffixes]
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else "Check the path."
