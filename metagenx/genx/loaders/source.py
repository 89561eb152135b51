"""Bytes, lines, zip members and XML of a data file from a stranger: bounded in size, never a hang."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from metagenx.errors import FileFormatError
from metagenx.genx.disk import Wanted, read_bytes

MAX_FILE_BYTES = 64 * 2**20
MAX_LINES = 2_000_000
MAX_LINE = 50_000  # characters; a row of numbers has a few hundred
MAX_POINTS = 1_000_000
MAX_MEMBER_BYTES = 64 * 2**20
MAX_ARCHIVE_BYTES = 128 * 2**20
MAX_MEMBERS = 10_000
MAX_ELEMENTS = 1_000_000
MAX_DEPTH = 100

DAMAGED = "The file is damaged or was cut off; copy it again, or export it again from the instrument."


_DATA = Wanted(
    "curve", MAX_FILE_BYTES, "Export the reduced curve, not the detector images.", "Export the measurement again."
)


def read_source(path: Path) -> bytes:
    """Content of the data file `path`; raises as `disk.read_bytes`."""
    return read_bytes(path, _DATA)


def text_of(content: bytes, where: str) -> str:
    """The text of a file: UTF-8, UTF-16 by its mark, else Latin-1; all line ends are ``\\n``."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        if b"\0" in content[:65536]:
            raise FileFormatError(
                "this is a binary file of a kind that is not known here",
                where=where,
                hint="Export the data as .ort or as columns of text.",
            )
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lines_of(content: bytes, where: str) -> list[str]:
    """The lines of a text file; the first is line 1 of messages."""
    text = text_of(content, where)
    if text.count("\n") > MAX_LINES:
        raise FileFormatError(
            f"the file has more than {MAX_LINES} lines", where=where, hint="Export the reduced curve only."
        )
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE:
            raise FileFormatError(f"the line has {len(line)} characters", where=f"{where}, line {number}", hint=DAMAGED)
    return lines


class Archive:
    """A zip whose members are read within limits, whatever they claim or inflate to."""

    def __init__(self, content: bytes, where: str) -> None:
        self.where, self.left = where, MAX_ARCHIVE_BYTES
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            self.names = self._zip.namelist()
        except Exception as error:  # zipfile lets struct.error, KeyError and others through for damaged headers
            raise FileFormatError(f"the archive is damaged: {error}", where=where, hint=DAMAGED) from None
        if len(self.names) > MAX_MEMBERS:
            raise FileFormatError(f"the archive has more than {MAX_MEMBERS} members", where=where, hint=DAMAGED)

    def read(self, name: str) -> bytes:
        """The member `name`."""
        where = f"{self.where}, member {name}"
        limit = min(MAX_MEMBER_BYTES, self.left)
        try:
            with self._zip.open(name) as stream:
                content = stream.read(limit + 1)
        except (zlib.error, EOFError, OSError, RuntimeError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise FileFormatError(f"it cannot be unpacked: {error}", where=where, hint=DAMAGED) from None
        except Exception as error:
            raise FileFormatError(f"it cannot be unpacked: {type(error).__name__}", where=where, hint=DAMAGED) from None
        if len(content) > limit:
            raise FileFormatError(
                f"it inflates to more than {limit // 2**20} MiB",
                where=where,
                hint="No measurement needs that. Export the curve as text.",
            )
        self.left -= len(content)
        return content


def by_number(name: str) -> list[tuple[int, str]]:
    """Key that sorts members of an archive as people count: RawData2 before RawData10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def xml_root(content: bytes, where: str) -> ElementTree.Element:
    """The root of an XML document, its names without their namespaces.

    A document type is refused: entities can expand without end or name other files, and no instrument writes them.
    Raises FileFormatError with the line.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    count = depth = 0

    def refuse(reason: str) -> FileFormatError:
        place = f"{where}, line {parser.CurrentLineNumber}"
        return FileFormatError(f"the XML is refused: {reason}", where=place, hint=DAMAGED)

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, depth
        count, depth = count + 1, depth + 1
        if count > MAX_ELEMENTS or depth > MAX_DEPTH:
            raise refuse(f"more than {MAX_ELEMENTS} elements, or deeper than {MAX_DEPTH}")
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(name))

    def doctype(*_: object) -> None:
        raise refuse("it declares a document type, which no instrument writes")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    try:
        parser.Parse(content, True)
        return builder.close()
    except expat.ExpatError as error:
        place = f"{where}, line {error.lineno}"
        raise FileFormatError(f"this is not XML: {expat.ErrorString(error.code)}", where=place, hint=DAMAGED) from None
    except (ValueError, LookupError) as error:  # an encoding that is not known
        raise FileFormatError(f"the XML cannot be decoded: {error}", where=where, hint=DAMAGED) from None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def found(root: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    """All elements below `root` with one of these names, whatever their case."""
    wanted = {name.lower() for name in names}
    return (element for element in root.iter() if element.tag.lower() in wanted)


def first(root: ElementTree.Element, *names: str) -> ElementTree.Element | None:
    """The first element of `found`."""
    return next(found(root, *names), None)


def words(text: str | None) -> Iterator[str]:
    """The words of a text, one after the other: a list of all of them could be much larger than the file."""
    return (match.group() for match in re.finditer(r"\S+", text or ""))
