"""Compiled kernels on disk: kept with the installation, made by one process and used by all.

A kernel is looked for in every folder of :func:`folders`, whether it can be written or not, so that an installation
that was warmed once (``metagenx doctor --warm``) may be copied, put into an image or made read-only. It is written into
the first that takes it:

1. ``$NUMBA_CACHE_DIR``, if it is set,
2. ``__pycache__`` of this folder: the installation,
3. the user's own cache, e.g. ``~/.cache/metagenx``,
4. a private folder for temporary files.

The name of a kernel's file holds the versions of Python and numba, its key the processor and the vectors' width, and
its stamp the contents of all sources of this folder, so that it is made again when anything changes that it calls.
One process compiles a kernel; others that need it at the same time wait and load it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.runtime.nrt import rtsys
from numba.misc.appdirs import AppDirs

from metagenx.errors import Notice

try:
    import fcntl
except ImportError:  # Windows: two processes may compile the same kernel, which costs time only
    fcntl = None  # type: ignore[assignment]

_INSTALLED = Path(__file__).resolve().parent / "__pycache__"
_LONGEST_COMPILE = 120.0  # s, after which somebody else's lock is not believed any more
_LOOK_AGAIN = 0.02  # s


class KernelCache(FunctionCache):
    """The cache of one kernel, in the place of numba's own."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._name = repr(function)
        self._py_func = function
        self._impl = _Kernel(function)
        self._lock: int | None = None
        self.enable()  # type: ignore[no-untyped-call]

    @property
    def cache_path(self) -> str:
        """The first place where this kernel may be."""
        return str(folders()[0])

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled kernel for a signature, or None: then it is ours to compile, until `release`."""
        rtsys.initialize(target_context)  # a refresh would import the whole of the compiler
        if not self._enabled:
            return None
        key = self._index_key(sig, target_context.codegen())  # type: ignore[no-untyped-call]
        found = self._read(key)
        if found is None and self._take_lock():
            found = self._read(key)  # somebody else may have made it while we waited
        return None if found is None else self._impl.rebuild(target_context, found)  # type: ignore[no-untyped-call]

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, in the first folder that takes it."""
        if not self._enabled or not self._impl.check_cachable(data):  # type: ignore[no-untyped-call]
            return
        key = self._index_key(sig, data.codegen)  # type: ignore[no-untyped-call]
        reduced = self._impl.reduce(data)  # type: ignore[no-untyped-call]
        while (folder := folder_to_write()) is not None:
            try:
                self._write(self._file(folder), key, reduced)
            except OSError as error:  # full, or gone
                _give_up(folder, error)
            else:
                return

    def is_kept(self) -> bool:
        """Whether this kernel lies on disk, for some kind of arguments and some processor."""
        for folder in folders():
            with contextlib.suppress(Exception):
                if self._file(folder)._load_index():  # type: ignore[no-untyped-call]
                    return True
        return False

    def release(self) -> None:
        """Let others have the kernel, compiled or not."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def flush(self) -> None:
        """Forget what is kept where we may write."""
        folder = folder_to_write()
        if folder is not None:
            self._file(folder).flush()  # type: ignore[no-untyped-call]

    def _file(self, folder: Path) -> IndexDataCacheFile:
        return IndexDataCacheFile(str(folder), self._impl.filename_base, stamp_of_sources())  # type: ignore[no-untyped-call]

    def _read(self, key: Any) -> Any:
        for folder in folders():
            # A damaged file is as good as none, and there are many ways in which unpickling it can fail.
            with contextlib.suppress(Exception):
                found = self._file(folder).load(key)  # type: ignore[no-untyped-call]
                if found is not None:
                    return found
        return None

    def _write(self, file: IndexDataCacheFile, key: Any, reduced: Any) -> None:
        try:
            file.save(key, reduced)  # type: ignore[no-untyped-call]
        except OSError:
            raise
        except Exception:  # a damaged index
            file.flush()  # type: ignore[no-untyped-call]
            file.save(key, reduced)  # type: ignore[no-untyped-call]

    def _take_lock(self) -> bool:
        """Wait until no other process compiles this kernel; false where there is nothing to wait with."""
        folder = folder_to_write()
        if fcntl is None or folder is None or self._lock is not None:
            return False
        try:
            descriptor = os.open(folder / f"{self._impl.filename_base}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return False
        end = time.monotonic() + _LONGEST_COMPILE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < end:
                    time.sleep(_LOOK_AGAIN)
                    continue
            except OSError:  # a file system without locks
                pass
            self._lock = descriptor
            return True


class _Kernel(CompileResultCacheImpl):
    """What numba must know of a kernel to pack and unpack it."""

    def __init__(self, function: Callable[..., object]) -> None:
        code = function.__code__  # type: ignore[attr-defined]
        self._py_file = code.co_filename  # numba names it in its warnings
        self._locator = self
        self._lineno = code.co_firstlineno
        name = f"{Path(self._py_file).stem}.{function.__qualname__}".replace("<", "").replace(">", "")
        self._filename_base = f"{name}.{sys.implementation.cache_tag}.numba{numba.__version__}"


def folders() -> tuple[Path, ...]:
    """Where compiled kernels may be, the first wins."""
    return tuple(folder for folder, _ in _places())


def folder_to_write() -> Path | None:
    """Where kernels that are compiled now are kept; None if nowhere, which is told."""
    given_up = _given_up()
    for folder, _ in _places():
        if folder in given_up:
            continue
        try:
            _make(folder)
        except OSError as error:
            _give_up(folder, error)
        else:
            return folder
    return None


@functools.lru_cache(maxsize=1)
def _places() -> tuple[tuple[Path, str], ...]:
    """All folders, and whose they are."""
    name = f"kernels-{stamp_of_sources()[:16]}"
    places = []
    if numba.config.CACHE_DIR:  # type: ignore[attr-defined]
        places.append((Path(numba.config.CACHE_DIR) / f"metagenx-{name}", "NUMBA_CACHE_DIR"))  # type: ignore[attr-defined]
    places.append((_INSTALLED, "installation"))
    with contextlib.suppress(RuntimeError):  # no home
        if Path.home().is_dir():
            places.append((Path(AppDirs("metagenx", False).user_cache_dir) / name, "user"))  # type: ignore[no-untyped-call]
    user = os.getuid() if hasattr(os, "getuid") else "user"
    temporary = Path(tempfile.gettempdir()) / f"metagenx-{user}"
    if _is_private(temporary):
        places.append((temporary / name, "temporary"))
    return tuple(places)


def _is_private(folder: Path) -> bool:
    """Make a folder that nobody else can write to, or see that it is one: what lies in it will be run."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return stat.S_ISDIR(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


@functools.lru_cache(maxsize=8)
def _make(folder: Path) -> None:
    """Make a folder and see whether it can be written; OSError if not."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


@functools.lru_cache(maxsize=1)
def _given_up() -> set[Path]:
    """Folders that have refused to be written in this process."""
    return set()


def _give_up(folder: Path, error: OSError) -> None:
    """Do not write there again, and say so where it is not how things should be."""
    given_up = _given_up()
    given_up.add(folder)
    places = _places()
    left = [(other, whose) for other, whose in places if other not in given_up]
    reason = error.strerror or str(error)
    if not left:
        warnings.warn(
            f"compiled kernels cannot be kept anywhere ({folder}: {reason}): every start takes seconds longer. "
            "Set NUMBA_CACHE_DIR to a folder that can be written.",
            Notice,
            stacklevel=2,
        )
    elif dict(places)[folder] == "NUMBA_CACHE_DIR" or left[0][1] == "temporary":
        warnings.warn(f"{folder} cannot be written ({reason}): compiled kernels go elsewhere", Notice, stacklevel=2)


@functools.lru_cache(maxsize=1)
def stamp_of_sources() -> str:
    """What changes whenever any source of this folder does, and not when it is copied."""
    stamp = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        stamp.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return stamp.hexdigest()
