"""HDF5 from a stranger: opened in memory, surveyed before use, read within limits.
 HDF5 files can point at other files (external and virtual data sets, external links), run in circles (links),
and declare more than they hold (shapes, compression). None of that is in a GenX file, so it is refused here,
and readers above see only groups, numbers and text.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from metagenx.errors import FileFormatError

MAX_ARRAY_BYTES = 128 * 2**20
MAX_TOTAL_BYTES = 384 * 2**20
MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_LINK_HOPS = 16

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


def recognises(content: bytes) -> bool:
    """Whether `content` is HDF5; its signature may follow a user block of 512, 1024, 2048 … bytes."""
    offset = 0
    while offset < min(len(content), 2**20):
        if content.startswith(_SIGNATURE, offset):
            return True
        offset = 2 * offset or 512
    return False


@contextmanager
def opened(content: bytes, where: str, *, writable: bool = False) -> Iterator[h5py.File]:
    """The HDF5 file `content`, in memory only. FileFormatError if HDF5 cannot open it or it holds what is
    refused.

    Errors of HDF5 itself while the file is in use become FileFormatError too.
    """
    flags = h5py.h5f.ACC_RDWR if writable else h5py.h5f.ACC_RDONLY
    _check_heaps(content, where)
    try:
        access = in_memory()
        access.set_file_image(content)
        file = h5py.File(h5py.h5f.open(b"in-memory", flags, access))
        try:
            _survey(file, where)
            yield file
        finally:
            file.close()
    except (
        OSError,
        RuntimeError,
        KeyError,
        ValueError,
        TypeError,
        OverflowError,
        UnicodeError,
        MemoryError,
    ) as error:
        raise FileFormatError(
            f"the HDF5 file is damaged: {_first_line(error)}",
            where=where,
            hint="It was probably cut off when it was copied; copy it again, or save it again in GenX.",
        ) from None


def in_memory() -> h5py.h5p.PropFAID:
    """How to open a file that never touches the disk, in the format that GenX writes."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(block_size=2**16, backing_store=False)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    return access


def _check_heaps(content: bytes, where: str) -> None:
    """Refuse damaged global heaps, where the text is stored: HDF5 2.0 itself loops over them for ever.

    Format: HDF5 File Format Specification 3.0, section III.E.
    """
    start = content.find(b"GCOL\x01")
    while start >= 0:
        end = start + int.from_bytes(content[start + 8 : start + 16], "little")
        position = start + 16
        while position + 16 <= min(end, len(content)):
            index = int.from_bytes(content[position : position + 2], "little")
            size = int.from_bytes(content[position + 8 : position + 16], "little")
            # Index 0 is free space, whose size includes its header.
            position += 16 + (size + 7) // 8 * 8 if index else size
            if index == 0 and size < 16:
                position = end + 1
        if end > len(content) or position > end:
            raise FileFormatError(
                "the HDF5 file is damaged: its texts are not where they should be",
                where=where,
                hint="It was probably cut off when it was copied; copy it again, or save it again in GenX.",
            )
        start = content.find(b"GCOL\x01", start + 4)


def _first_line(error: Exception) -> str:
    text = str(error.args[0] if error.args else error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def _survey(file: h5py.File, where: str) -> None:
    """Walk all links and refuse what leads out of the file or round in circles. No data are read."""
    seen: set[Any] = set()
    pending: list[tuple[h5py.h5g.GroupID, str, int]] = [(h5py.h5g.open(file.id, b"/"), "", 0)]
    count = 0
    while pending:
        group, path, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _refused(f"its groups are nested deeper than {MAX_DEPTH} levels", where)
        for name in group:
            count += 1
            if count > MAX_OBJECTS:
                raise _refused(f"it has more than {MAX_OBJECTS} members", where)
            label = f"{path}/{_text(name)}"
            link = group.links.get_info(name).type
            if link == h5py.h5l.TYPE_SOFT:
                _check_soft_link(file.id, f"{path}/".encode(), group.links.get_val(name), label, where)
                continue
            if link != h5py.h5l.TYPE_HARD:
                raise _refused(f"'{label}' is a link into another file", where)
            member = h5py.h5o.open(group, name)
            if isinstance(member, h5py.h5d.DatasetID):
                _check_storage(member, label, where)
            elif isinstance(member, h5py.h5g.GroupID):
                identity = h5py.h5o.get_info(member).addr
                if identity not in seen:
                    seen.add(identity)
                    pending.append((member, label, depth + 1))


def _refused(reason: str, where: str) -> FileFormatError:
    return FileFormatError(
        f"the HDF5 file is refused: {reason}",
        where=where,
        hint="No file written by GenX does that. If you trust its author, open and save it in GenX.",
    )


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _check_storage(dataset: h5py.h5d.DatasetID, label: str, where: str) -> None:
    creation = dataset.get_create_plist()
    if creation.get_layout() == h5py.h5d.VIRTUAL or creation.get_external_count():
        raise _refused(f"'{label}' takes its content from another file", where)


def _check_soft_link(root: Any, base: bytes, target: bytes, label: str, where: str) -> None:
    """Refuse a soft link that leads in circles. One that leads nowhere is kept: GenX ignores it too."""
    remaining = [part for part in (target if target.startswith(b"/") else base + target).split(b"/") if part]
    done: list[bytes] = []
    hops = 0
    while remaining:
        part = remaining.pop(0)
        if part == b".":
            continue
        parent = h5py.h5o.open(root, b"/" + b"/".join(done)) if done else h5py.h5g.open(root, b"/")
        if not isinstance(parent, h5py.h5g.GroupID) or not parent.links.exists(part):
            return
        if parent.links.get_info(part).type == h5py.h5l.TYPE_SOFT:
            hops += 1
            if hops > MAX_LINK_HOPS:
                raise _refused(f"the link '{label}' leads in circles", where)
            value = parent.links.get_val(part)
            remaining = [piece for piece in value.split(b"/") if piece] + remaining
            done = [] if value.startswith(b"/") else done
        else:
            done.append(part)


class Reader:
    """Typed, limited access to the members of an open file; a missing member gives the default."""

    def __init__(self, file: h5py.File, where: str) -> None:
        self.file, self.where = file, where
        self.left = MAX_TOTAL_BYTES

    def group(self, path: str) -> h5py.Group | None:
        """The group at `path`, None if there is none."""
        member = self._member(path)
        if member is None or isinstance(member, h5py.Group):
            return member
        raise self.wrong(path, "a group")

    def dataset(self, path: str) -> h5py.Dataset | None:
        """The data set at `path`, None if there is none."""
        member = self._member(path)
        if member is None or isinstance(member, h5py.Dataset):
            return member
        raise self.wrong(path, "a data set")

    def _member(self, path: str) -> Any:
        # Soft links that lead nowhere count as missing.
        return self.file.get(path)

    def wrong(self, path: str, expected: str) -> FileFormatError:
        """The error for a member that is not what it should be."""
        return FileFormatError(
            f"the member '{path}' is not {expected}",
            where=self.where,
            hint="The file is damaged, or was not written by GenX; save it again in GenX.",
        )

    def text(self, path: str, default: str) -> str:
        """A scalar string."""
        values = self.texts(path)
        if values is None:
            return default
        if len(values) != 1:
            raise self.wrong(path, "one text")
        return values[0]

    def texts(self, path: str) -> list[str] | None:
        """A string or an array of strings."""
        dataset = self.dataset(path)
        if dataset is None:
            return None
        kind = h5py.check_string_dtype(dataset.dtype)
        if kind is None:
            raise self.wrong(path, "text")
        self._reserve(dataset, path)
        values = np.atleast_1d(np.asarray(dataset[()])).ravel().tolist()
        return [
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values
        ]

    def numbers(self, path: str) -> NDArray[Any] | None:
        """An array (or scalar) of booleans, integers or floats."""
        dataset = self.dataset(path)
        if dataset is None:
            return None
        if dataset.dtype.kind not in "biuf" or dataset.shape is None:
            raise self.wrong(path, "an array of numbers")
        self._reserve(dataset, path)
        return _chunks(dataset, self.where) if dataset.chunks else np.asarray(dataset[()])

    def floats(self, path: str) -> NDArray[np.float64] | None:
        """An array of numbers as floats."""
        values = self.numbers(path)
        return None if values is None else values.astype(np.float64)

    def scalar(self, path: str, default: float) -> float:
        """One number."""
        values = self.numbers(path)
        if values is None:
            return default
        if values.size != 1:
            raise self.wrong(path, "one number")
        return float(values.ravel()[0])

    def _reserve(self, dataset: h5py.Dataset, path: str) -> None:
        """Refuse to allocate what a small file only declares."""
        if dataset.shape is None:
            raise self.wrong(path, "filled")
        size = math.prod(dataset.shape) * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize if dataset.chunks else 0
        # Deflate shrinks by a factor of 1032 at most; what is not compressed is stored in full.
        if dataset.chunks is not None:
            credible = size <= 1_100 * max(stored, 64) and chunk <= max(2**20, 1_100 * max(stored, 64))
        else:
            credible = size <= stored
        self.left -= max(size, chunk)
        if not credible or max(size, chunk) > MAX_ARRAY_BYTES or self.left < 0:
            raise FileFormatError(
                f"the member '{path}' declares {size:.3g} bytes, but the file holds {stored:.3g} for it",
                where=self.where,
                hint="The file is damaged, or was not written by GenX; save it again in GenX.",
            )


def _chunks(dataset: h5py.Dataset, where: str) -> NDArray[Any]:
    """A chunked data set, inflated by us: HDF5 itself would inflate a bomb to whatever size it likes."""
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(index)[0] for index in range(creation.get_nfilters())]
    if not set(filters) <= _FILTERS:
        raise _refused(f"'{dataset.name}' uses a compression that is neither gzip nor shuffle", where)
    result = np.full(dataset.shape, dataset.fillvalue, dtype=dataset.dtype)
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    for index in range(dataset.id.get_num_chunks()):
        offset = dataset.id.get_chunk_info(index).chunk_offset
        mask, raw = dataset.id.read_direct_chunk(offset)
        for position, kind in reversed(list(enumerate(filters))):
            if mask & (1 << position):
                continue
            if kind == h5py.h5z.FILTER_FLETCHER32:
                raw = raw[:-4]
            elif kind == h5py.h5z.FILTER_DEFLATE:
                raw = _inflated(raw, size, dataset.name, where)
            else:
                raw = _unshuffled(raw, dataset.dtype.itemsize)
        if len(raw) != size:
            raise _refused(f"a chunk of '{dataset.name}' has the wrong size", where)
        target = result[
            tuple(slice(start, start + length) for start, length in zip(offset, dataset.chunks, strict=True))
        ]
        chunk = np.frombuffer(raw, dtype=dataset.dtype).reshape(dataset.chunks)
        target[...] = chunk[tuple(slice(0, length) for length in target.shape)]
    return result


def _inflated(raw: bytes, size: int, name: str, where: str) -> bytes:
    machine = zlib.decompressobj()
    try:
        return machine.decompress(raw, size + 8)
    except zlib.error as error:
        raise _refused(f"a chunk of '{name}' cannot be inflated ({error})", where) from None


def _unshuffled(raw: bytes, itemsize: int) -> bytes:
    count = len(raw) // itemsize
    whole = count * itemsize
    return np.frombuffer(raw[:whole], np.uint8).reshape(itemsize, count).T.tobytes() + raw[whole:]
