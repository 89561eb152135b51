"""YAML that remembers its lines, without YAML's traps.

Plain scalars follow YAML 1.2: only ``true`` and ``false`` are booleans (``no``, ``off`` and ``on`` stay
text, which a boolean field understands), ``1e-3`` is a number, ``2026-11-22`` is text. ``40_000`` is a
number. A key that is there twice is a mistake, and so are tags (``!!python/…``), tabs, several documents
and anything nested or repeated through aliases without end.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from metagenx.errors import ConfigError, FileFormatError, Mistake

KeyPath = tuple[str | int, ...]

LARGEST_FILE = 1_000_000
MOST_VALUES = 20_000
DEEPEST = 30

_CORE = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """PyYAML's scanner and composer with YAML 1.2's meaning of plain scalars."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


_NUMBER_START = list("-+0123456789.")
_Loader.add_implicit_resolver(_CORE + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_CORE + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_CORE + "int", re.compile(r"^[-+]?[0-9][0-9_]*$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _CORE + "float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    _NUMBER_START,
)


@dataclass(frozen=True)
class Document:
    """What a YAML file says, and where.

    ``data`` holds dicts with text keys, lists and scalars; ``lines`` the line (from 1) of every key path;
    ``mistakes`` those of the text itself that still left something to read, such as keys given twice.
    """

    file: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()

    def line(self, path: KeyPath) -> int | None:
        """Line of a key path, or of the nearest section around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


def dotted(path: KeyPath) -> str:
    """A key path as the user writes it: ``forbid[1].km``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def read_yaml(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    FileFormatError : no such file, a folder, not readable, not text.
    ConfigError : not YAML, or YAML of another shape.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise FileFormatError("there is no such file", where=str(path), hint=_similar_files(path)) from None
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if len(content) > LARGEST_FILE:
        raise FileFormatError("is too large for a YAML file", where=str(path), hint="More than 1 MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(str(path), [Mistake("the file", "is not UTF-8 text", line)]) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str) -> Document:
    """Parse YAML text; ``file`` is its name in messages. An empty text is an empty mapping.

    Raises
    ------
    ConfigError : not YAML, or its top level is not a mapping.
    """
    node = _compose(text, file)
    reader = _Reader(file)
    data = {} if node is None else reader.value(node, ())
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(file, [Mistake("the file", 'must consist of "key: value" lines', reader.first_line)])
    return Document(file, data, reader.lines, tuple(reader.mistakes))


def parse_value(text: str, file: str) -> Any:
    """The value of one ``key=value`` option, e.g. ``20``, ``[a, b]``, ``{perturb: 10 %}``, ``keep``."""
    node = _compose(text, file)
    reader = _Reader(file)
    value = None if node is None else reader.value(node, ())
    if reader.mistakes:
        raise ConfigError(file, reader.mistakes)
    return value


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ConfigError(file, [Mistake("the file", _syntax_message(error, text, line), line)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"holds a character that YAML does not allow ({chr(error.character)!a})"
        raise ConfigError(file, [Mistake("the file", message, line)]) from None
    except RecursionError:
        raise ConfigError(file, [Mistake("the file", "is nested too deeply")]) from None
    return node


def _syntax_message(error: yaml.MarkedYAMLError, text: str, line: int | None) -> str:
    problem = str(error.problem or error.context)
    lines = text.splitlines()
    if "\\t" in problem or (line and line <= len(lines) and lines[line - 1][: _indent(lines[line - 1])].count("\t")):
        return "is indented with a tab; YAML takes spaces only"
    if "expected a single document" in str(error.context):
        return "holds several documents (---); one file is one experiment or one search space"
    if "mapping values are not allowed" in problem:
        return 'has one ":" too many, or wrong indentation; put text with a colon in quotes'
    return f"is not YAML: {problem}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


class _Reader:
    """Turns composed nodes into values and notes lines and mistakes on the way."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.lines: dict[KeyPath, int] = {}
        self.mistakes: list[Mistake] = []
        self.first_line: int | None = None
        self._count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.first_line = self.first_line or line
        self.lines.setdefault(path, line)
        self._count += 1
        if len(path) > DEEPEST or self._count > MOST_VALUES:
            message = "is nested too deeply, or aliases repeat too much"
            raise ConfigError(self._file, [Mistake(dotted(path[:1]), message, line)])
        if not isinstance(node, yaml.ScalarNode) and node.tag not in (_CORE + "map", _CORE + "seq"):
            self._mistake(path, line, f"the tag {node.tag} is not allowed")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._mistake(path, line, "has a key that is not plain text")
                continue
            key = str(key_node.value)
            if key in result:
                before = self.lines[(*path, key)]
                self._mistake((*path, key), line, f"is there twice (first in line {before})")
                continue
            self.lines[(*path, key)] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node, path: KeyPath, line: int) -> Any:
        kind, text = node.tag.removeprefix(_CORE), str(node.value)
        if kind == "str":
            return text
        try:
            if kind == "null":
                return None
            if kind == "bool":
                return text.lower() == "true"
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(re.sub(r"\.(inf|nan)$", r"\1", text.lower()).replace("_", ""))
        except ValueError:
            self._mistake(path, line, f"{text[:40]} is not a number")
            return None
        self._mistake(path, line, f"the tag {node.tag} is not allowed")
        return None

    def _mistake(self, path: KeyPath, line: int, message: str) -> None:
        self.mistakes.append(Mistake(dotted(path), message, line))


def _similar_files(path: Path) -> str:
    try:
        near = {entry.stem: entry for entry in path.parent.iterdir() if entry.suffix == path.suffix}
    except OSError:
        return f"There is no folder {path.parent} either."
    close = difflib.get_close_matches(path.stem, sorted(near), n=1)
    return f"Did you mean {near[close[0]]}?" if close else f"Look into {path.parent.resolve()}."
