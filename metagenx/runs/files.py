"""Writing files so that nothing is lost: atomic, synced, and a full disk is said plainly."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metagenx.errors import InputError, ResourcesSpent
from metagenx.genx.disk import FULL, replace_atomically

_FORBIDDEN = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
}


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Errors of the disk become ours.

    Raises
    ------
    ResourcesSpent : the disk or the quota is full, or the disk fails; the run can be resumed.
    InputError : the place cannot be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FORBIDDEN:
            raise InputError(
                f"cannot be written: {error.strerror}",
                where=str(path),
                hint="Choose another folder with --out DIR.",
            ) from error
        raise ResourcesSpent(
            "the disk is full" if error.errno in FULL else f"writing failed: {error.strerror or error}",
            where=str(path),
            hint=f"{_space_left(path)}Free some space (old run folders, or ray/ inside them, may be deleted) "
            "and start the same command again: it resumes.",
        ) from error


def _space_left(path: Path) -> str:
    for folder in path.absolute().parents:
        with contextlib.suppress(OSError):
            return f"{shutil.disk_usage(folder).free / 1e6:,.0f} MB are free at {folder}. "
    return ""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a whole file: readers see the old one or the new one, never half; raises as :func:`writing`."""
    with writing(path):
        replace_atomically(path, content.encode("utf-8") if isinstance(content, str) else content)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Strict JSON: nan and infinities as text, numpy scalars and arrays as numbers and lists, paths as text."""
    separators = None if indent else (",", ":")
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def plain(value: Any) -> Any:
    """A value made of dicts, lists, text, numbers, booleans and None only."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy
        return plain(value.tolist())
    return str(value)
