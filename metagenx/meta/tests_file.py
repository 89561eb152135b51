"""An experiment written in Python: what ``--tests=example_tests.py`` names, as in 2014.

The file is a program, so it runs only where it is trusted. It stands alone (it may import what is installed) and
defines any of

``experiment``
    a dictionary with the keys of an experiment in YAML;
``settings()``
    gives the settings that shall be compared, one dictionary in GenX's names after the other;
``record(fit)``
    gives a dictionary, whose entries become columns of ``repeats.csv`` (:mod:`~metagenx.meta.recorded`).

Mistakes are told with file and line, as those of YAML are.
"""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from metagenx.errors import ConfigError, FileFormatError, Mistake, ScriptError, ScriptRefused
from metagenx.meta.yaml_lines import DEEPEST, MOST_VALUES, Document, KeyPath, dotted

SUFFIX = ".py"
NAMES = ("experiment", "settings", "record")


def is_tests_file(path: Path) -> bool:
    """Whether a file is a Python file by its name."""
    return path.suffix.lower() == SUFFIX


def read_tests_file(path: Path, *, trust: bool) -> Document:
    """Run a tests file, and give its experiment with the lines of its keys.

    Raises
    ------
    ScriptRefused : it is not trusted, and was not run.
    FileFormatError : it cannot be read.
    ScriptError : it, or its ``settings()``, failed.
    ConfigError : it is no Python, or defines none of the three names, or one that is something else.
    """
    content = _content(path)
    if not trust:
        raise ScriptRefused(
            "this experiment is Python code, which may do anything; it was not run",
            where=str(path),
            hint="Read it; if you trust it, run it with --trust (in Python: trust=True).",
        )
    tree = _parsed(path, content)
    namespace = _executed(path, content)
    lines, mistakes = lines_of(tree), _wrong_names(namespace, tree)
    if mistakes:
        raise ConfigError(str(path), mistakes)
    reader = _PlainValues(lines)
    data = reader.plain(namespace.get("experiment", {}), ())
    if "settings" in namespace:
        if "settings" in data:
            message = "is in experiment and a function too; give it once"
            reader.mistakes.append(Mistake("settings", message, lines.get(("settings",))))
        data["settings"] = reader.plain(called(path, lambda: list(namespace["settings"]())), ("settings",))
    return Document(str(path), data, lines, tuple(reader.mistakes))


def record_of(path: Path) -> Callable[[Any], Any] | None:
    """The function ``record`` of a tests file that is trusted, if it has one; raises as :func:`read_tests_file`."""
    found: Callable[[Any], Any] | None = _executed(path, _content(path)).get("record")
    return found


def called(path: Path, function: Callable[[], Any]) -> Any:
    """What a function of the file gives; raises ScriptError with the line of the file where it failed."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise failed(path, error) from None


def failed(path: Path, error: BaseException) -> ScriptError:
    """The failure of code in a tests file as a mistake of its author: what, and in which line."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"{path}, line {lines[-1]}" if lines else str(path)
    return ScriptError(f"it failed: {type(error).__name__}: {error}", where=where, hint="Mend it, and start again.")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _parsed(path: Path, content: bytes) -> ast.Module:
    try:
        return ast.parse(content, str(path))
    except (SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ConfigError(str(path), [Mistake("the file", f"is not Python: {what}", line)]) from None


def _executed(path: Path, content: bytes) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "metagenx_tests", "__file__": str(path)}
    called(path, lambda: exec(compile(content, str(path), "exec"), namespace))
    return namespace


def _wrong_names(namespace: Mapping[str, Any], tree: ast.Module) -> list[Mistake]:
    if not any(name in namespace for name in NAMES):
        return [Mistake("the file", "defines neither experiment, nor settings(), nor record(fit)")]
    found = []
    if not isinstance(namespace.get("experiment", {}), dict):
        found.append(Mistake("experiment", "must be a dictionary", _line_of(tree, "experiment")))
    for name in ("settings", "record"):
        if name in namespace and not callable(namespace[name]):
            found.append(Mistake(name, "must be a function", _line_of(tree, name)))
    return found


def lines_of(tree: ast.Module) -> dict[KeyPath, int]:
    """Line of every key of ``experiment`` as far as it is written out, and of ``settings``."""
    found: dict[KeyPath, int] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and "experiment" in _targets(statement):
            found = {(): statement.lineno}
            _walk(statement.value, (), found)
    line = _line_of(tree, "settings")
    return {**found, ("settings",): line} if line is not None else found


def _walk(node: ast.expr | None, path: KeyPath, found: dict[KeyPath, int]) -> None:
    items: list[tuple[str | int, int, ast.expr]] = []
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                items.append((key.value, key.lineno, value))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        items = [(word.arg, word.value.lineno, word.value) for word in node.keywords if word.arg]
    elif isinstance(node, ast.List | ast.Tuple):
        items = [(index, item.lineno, item) for index, item in enumerate(node.elts)]
    for key_of_item, line, value in items:
        found[(*path, key_of_item)] = line
        _walk(value, (*path, key_of_item), found)


def _line_of(tree: ast.Module, name: str) -> int | None:
    """The line that gives a name its last value."""
    lines = [statement.lineno for statement in tree.body if name in _targets(statement)]
    return lines[-1] if lines else None


def _targets(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    return [target.id for target in targets if isinstance(target, ast.Name)]


class _PlainValues:
    """Turns Python values into what YAML could have said, and notes what it could not."""

    def __init__(self, lines: Mapping[KeyPath, int]) -> None:
        self._lines, self._count = lines, 0
        self.mistakes: list[Mistake] = []

    def plain(self, value: Any, path: KeyPath) -> Any:
        self._count += 1
        if len(path) > DEEPEST or self._count > MOST_VALUES:
            raise ConfigError("the experiment", [Mistake(dotted(path[:1]), "is nested too deeply, or too long")])
        if hasattr(value, "tolist"):  # numpy
            value = value.tolist()
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    self._mistake(path, f"has a key that is not text: {key!r}")
            return {key: self.plain(item, (*path, key)) for key, item in value.items() if isinstance(key, str)}
        if isinstance(value, list | tuple | set | frozenset | range):
            ordered = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
            return [self.plain(item, (*path, index)) for index, item in enumerate(ordered)]
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, Path):
            return str(value)
        self._mistake(path, f"is a {type(value).__name__}; only text, numbers, lists and dictionaries can stand here")
        return None

    def _mistake(self, path: KeyPath, message: str) -> None:
        line, part = None, path
        while line is None and part:
            line, part = self._lines.get(part), part[:-1]
        self.mistakes.append(Mistake(dotted(path), message, line or self._lines.get(())))
