"""What is looked at in an HDF5 file before anything in it is used: links, storage, heaps. No data are read."""

from __future__ import annotations

import struct
from typing import Any

import h5py

from metagenx.errors import FileFormatError

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_LINK_HOPS = 16

_HEAP = b"GCOL\x01"


def survey(file: h5py.File, where: str) -> None:
    """Walk all links and refuse what leads out of the file or round in circles. No data are read."""
    seen: set[Any] = set()
    pending: list[tuple[h5py.h5g.GroupID, str, int]] = [(h5py.h5g.open(file.id, b"/"), "", 0)]
    count = 0
    while pending:
        group, path, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise refused(f"its groups are nested deeper than {MAX_DEPTH} levels", where)
        for name in group:
            count += 1
            if count > MAX_OBJECTS:
                raise refused(f"it has more than {MAX_OBJECTS} members", where)
            label = f"{path}/{_text(name)}"
            link = group.links.get_info(name).type
            if link == h5py.h5l.TYPE_SOFT:
                _check_soft_link(file.id, f"{path}/".encode(), group.links.get_val(name), label, where)
                continue
            if link != h5py.h5l.TYPE_HARD:
                raise refused(f"'{label}' is a link into another file", where)
            member = h5py.h5o.open(group, name)
            if isinstance(member, h5py.h5d.DatasetID):
                _check_storage(member, label, where)
            elif isinstance(member, h5py.h5g.GroupID):
                identity = h5py.h5o.get_info(member).addr
                if identity not in seen:
                    seen.add(identity)
                    pending.append((member, label, depth + 1))


def refused(reason: str, where: str) -> FileFormatError:
    """The error for what HDF5 allows and no GenX file holds."""
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
        raise refused(f"'{label}' takes its content from another file", where)


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
                raise refused(f"the link '{label}' leads in circles", where)
            value = parent.links.get_val(part)
            remaining = [piece for piece in value.split(b"/") if piece] + remaining
            done = [] if value.startswith(b"/") else done
        else:
            done.append(part)


def check_heaps(content: bytes, where: str) -> None:
    """Refuse damaged heaps before HDF5 sees them: it loops over some of them for ever, also when writing."""
    start = content.find(_HEAP)
    while start >= 0:
        try:
            heap_objects(content, start)
        except ValueError as error:
            raise damaged(str(error), where) from None
        start = content.find(_HEAP, start + 1)


def heap_objects(content: bytes, start: int) -> dict[int, tuple[int, int]]:
    """Where the objects of the global heap at `start` are: index → (first byte, size). ValueError if damaged.

    Source: HDF5 File Format Specification 3.0, section III.E.
    """
    end = start + int.from_bytes(content[start + 8 : start + 16], "little")
    if not content.startswith(_HEAP, start) or end > len(content):
        raise ValueError("its texts are not where they should be")
    objects: dict[int, tuple[int, int]] = {}
    position = start + 16
    while position + 16 <= end:
        index, _, size = struct.unpack_from("<HH4xQ", content, position)
        if index:
            objects[index] = (position + 16, size)
            position += 16 + (size + 7) // 8 * 8
        elif size >= 16:  # free space; its size includes its header
            position += size
        else:
            break
    if position > end or (position + 16 <= end and index == 0):
        raise ValueError("the lengths of its texts do not add up")
    return objects


def damaged(reason: str, where: str) -> FileFormatError:
    """The error for a file that HDF5 or we cannot make sense of."""
    return FileFormatError(
        f"the HDF5 file is damaged: {reason}",
        where=where,
        hint="It was probably cut off when it was copied; copy it again, or save it again in GenX.",
    )
