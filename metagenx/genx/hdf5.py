"""HDF5 from a stranger: opened in memory, surveyed before use, read within limits.

HDF5 files can point at other files (external and virtual data sets, external links), run in circles (links),
and declare more than they hold (shapes, compression). None of that is in a GenX file, so it is refused here,
and readers above see only groups, numbers and text.

The HDF5 library tells where things are. Texts and compressed arrays are then read here, because the library (2.0)
allocates and inflates whatever a damaged file claims.
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from metagenx.errors import FileFormatError
from metagenx.genx.hdf5_survey import check_heaps, damaged, heap_objects, refused, survey

MAX_ARRAY_BYTES = 128 * 2**20
MAX_TOTAL_BYTES = 384 * 2**20

_NUMBERS = itertools.count()
_HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError)
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
    """The HDF5 file `content`, in memory only.

    Raises FileFormatError if HDF5 cannot open it, it holds what is refused, or HDF5 fails while it is in use.
    """
    flags = h5py.h5f.ACC_RDWR if writable else h5py.h5f.ACC_RDONLY
    check_heaps(content, where)
    try:
        access = in_memory()
        access.set_file_image(content)
        file = h5py.File(h5py.h5f.open(in_memory_name(), flags, access))
        try:
            survey(file, where)
            yield file
        finally:
            file.close()
    except _HDF5_ERRORS as error:
        raise damaged(_first_line(error), where) from None


def in_memory() -> h5py.h5p.PropFAID:
    """How to open a file that never touches the disk, in the format that GenX writes."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(block_size=2**16, backing_store=False)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    return access


def in_memory_name() -> bytes:
    """A name never used before: HDF5 takes two open files of one name for one and the same."""
    return b"in-memory-%d" % next(_NUMBERS)


def _first_line(error: Exception) -> str:
    text = str(error.args[0] if error.args else error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


class Reader:
    """Typed, limited access to the members of an open file; a missing member gives the default."""

    def __init__(self, file: h5py.File, content: bytes, where: str) -> None:
        self.file, self.content, self.where = file, content, where
        self.left = MAX_TOTAL_BYTES
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}

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
        raw = self._raw(dataset, path)
        size = _item_size(dataset)
        pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
        if kind.length is None:
            pieces = [self._heap_text(piece, path) for piece in pieces]
        return [piece.split(b"\0", 1)[0].decode("utf-8", "replace") for piece in pieces]

    def _raw(self, dataset: h5py.Dataset, path: str) -> bytes:
        """The bytes of a data set as they are in the file."""
        if dataset.chunks:
            return _chunks(dataset, np.dtype(f"V{_item_size(dataset)}"), self.where).tobytes()
        if not dataset.id.get_storage_size():
            return b""
        offset = dataset.id.get_offset()
        if offset is None:
            raise self.wrong(path, "stored as GenX stores it")
        return self.content[offset : offset + dataset.id.get_storage_size()]

    def _heap_text(self, pointer: bytes, path: str) -> bytes:
        """The text that a pointer (length, address of a heap, index in it) points at."""
        if len(pointer) != 16:
            raise self.wrong(path, "stored as GenX stores it")
        length, address, index = struct.unpack("<IQI", pointer)
        if not length or not address:
            return b""
        if address not in self._heaps:
            self._heaps[address] = heap_objects(self.content, address + self.file.userblock_size)
        start, size = self._heaps[address].get(index, (0, -1))
        self.left -= length
        if length > size or self.left < 0:
            raise self.wrong(path, "text: it points to where no text is")
        return self.content[start : start + length]

    def numbers(self, path: str) -> NDArray[Any] | None:
        """An array (or scalar) of booleans, integers or floats."""
        dataset = self.dataset(path)
        if dataset is None:
            return None
        if dataset.dtype.kind not in "biuf" or dataset.shape is None:
            raise self.wrong(path, "an array of numbers")
        self._reserve(dataset, path)
        if not dataset.chunks:
            return np.asarray(dataset[()])
        if not dataset.id.get_type().equal(h5py.h5t.py_create(dataset.dtype, logical=True)):
            raise self.wrong(path, "an array of common numbers")
        return _chunks(dataset, dataset.dtype, self.where)

    def is_numeric(self, path: str) -> bool:
        """Whether there is an array of numbers at `path`."""
        member = self._member(path)
        return isinstance(member, h5py.Dataset) and member.shape is not None and member.dtype.kind in "biuf"

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
        itemsize = _item_size(dataset)
        size = math.prod(dataset.shape) * itemsize
        stored = dataset.id.get_storage_size()
        chunk = math.prod(dataset.chunks) * itemsize if dataset.chunks else 0
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


def _item_size(dataset: h5py.Dataset) -> int:
    """Bytes per element in the file; of a text only the pointer to it."""
    kind = h5py.check_string_dtype(dataset.dtype)
    return 16 if kind is not None and kind.length is None else int(dataset.id.get_type().get_size())


def _chunks(dataset: h5py.Dataset, dtype: np.dtype, where: str) -> NDArray[Any]:
    """A chunked data set, inflated by us: HDF5 itself would inflate a bomb to whatever size it likes."""
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(index)[0] for index in range(creation.get_nfilters())]
    if not set(filters) <= _FILTERS:
        raise refused(f"'{dataset.name}' uses a compression that is neither gzip nor shuffle", where)
    result = np.zeros(dataset.shape, dtype=dtype)
    size = math.prod(dataset.chunks) * dtype.itemsize
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
                raw = _unshuffled(raw, dtype.itemsize)
        if len(raw) != size:
            raise refused(f"a chunk of '{dataset.name}' has the wrong size", where)
        target = result[
            tuple(slice(start, start + length) for start, length in zip(offset, dataset.chunks, strict=True))
        ]
        chunk = np.frombuffer(raw, dtype=dtype).reshape(dataset.chunks)
        target[...] = chunk[tuple(slice(0, length) for length in target.shape)]
    return result


def _inflated(raw: bytes, size: int, name: str, where: str) -> bytes:
    machine = zlib.decompressobj()
    try:
        return machine.decompress(raw, size + 8)
    except zlib.error as error:
        raise refused(f"a chunk of '{name}' cannot be inflated ({error})", where) from None


def _unshuffled(raw: bytes, itemsize: int) -> bytes:
    count = len(raw) // itemsize
    whole = count * itemsize
    return np.frombuffer(raw[:whole], np.uint8).reshape(itemsize, count).T.tobytes() + raw[whole:]
