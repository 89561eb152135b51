"""Collects the mistakes of one configuration file, so that all of them are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from metagenx.errors import ConfigError, InputError, Mistake
from metagenx.meta.yaml_lines import Document, KeyPath, dotted


class Mistakes:
    """The mistakes found so far in a document.

    Parameters
    ----------
    document : whose lines are given.
    prefix : key path of the section that the document is, if it stands inside another file.
    options : key paths that were set on the command line: their mistakes name the option, not a line.
    """

    def __init__(self, document: Document, prefix: KeyPath = (), options: Sequence[KeyPath] = ()) -> None:
        self._document, self._prefix, self._options = document, prefix, options
        self.found = list(document.mistakes)

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, path: KeyPath, message: str, suggestion: str | None = None) -> None:
        """Note a mistake; a second one at the same place is a consequence of the first and is left out."""
        is_option = self.is_option(path)
        shown = ("--set " if is_option else "") + dotted((*self._prefix, *path))
        if not any(mistake.path == shown for mistake in self.found):
            line = None if is_option else self._document.line(path)
            self.found.append(Mistake(shown, message, line, suggestion))

    def unknown(self, path: KeyPath, name: str, known: Iterable[str], message: str) -> None:
        """Note a name that does not exist, with the known name that is nearest to it."""
        close = difflib.get_close_matches(name, list(known), n=1)
        self.add(path, message, close[0] if close else None)

    def include(self, path: KeyPath, error: InputError) -> None:
        """Note what is wrong with another file, to which the key at ``path`` leads."""
        if not isinstance(error, ConfigError):
            self.add(path, ". ".join(filter(None, (error.what, error.hint))))
            return
        for inner in error.mistakes:
            line = f":{inner.line}" if inner.line else ""
            shown = f"{Path(error.file).name}{line} {inner.path}"
            self.found.append(Mistake(shown, inner.message, self._document.line(path), inner.suggestion))

    def is_option(self, path: KeyPath) -> bool:
        """Whether a key path was set on the command line."""
        if any(path[: len(key)] == key for key in self._options):
            return True
        return path not in self._document.lines and any(key[: len(path)] == path for key in self._options)

    def error(self) -> ConfigError:
        """All mistakes in the order of their lines."""
        return ConfigError(self._document.file, sorted(self.found, key=lambda mistake: mistake.line or 0))
