"""Whole files from and to the disk, with what can go wrong there said plainly."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import secrets
from pathlib import Path

from metagenx.errors import FileFormatError, InputError, ResourcesSpent

MAX_FILE_BYTES = 2**30


def read_bytes(path: Path) -> bytes:
    """Content of the file `path`; FileFormatError with what to do if there is none, or it is too large."""
    try:
        if path.is_dir():
            raise FileFormatError("this is a folder, not a file", where=str(path), hint="Name one file inside it.")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise FileFormatError("there is no such file", where=str(path), hint=_neighbours(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(
            f"the file cannot be read: {reason}", where=str(path), hint="Check its permissions and its path."
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise FileFormatError(
            f"the file has more than {MAX_FILE_BYTES // 2**20} MiB, which no reflectivity model needs",
            where=str(path),
            hint="Save it in GenX with 'save all evals' switched off.",
        )
    if not content:
        raise FileFormatError("the file is empty", where=str(path), hint="Save it again in GenX, or copy it again.")
    return content


def replace_file(path: Path, content: bytes) -> None:
    """Make `content` the file `path`, all of it or nothing: temporary file beside it, fsync, rename."""
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
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
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
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _neighbours(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".hgx", ".gx")]
    except OSError:
        return f"The folder {path.parent} does not exist either."
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else "Check the path."
