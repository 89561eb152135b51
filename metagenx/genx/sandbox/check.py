"""The allow-list: whether a script, or an expression of its parameter table, stays inside the safe subset.

Nothing is run here. What is refused is listed with line, text and reason; a script is run only if the list is
empty.
"""

from __future__ import annotations

import ast
import dataclasses
import warnings
from collections.abc import Collection, Iterable
from typing import Any

from metagenx.genx.sandbox.imports import Module

MAX_CHARACTERS = 300_000


@dataclasses.dataclass(frozen=True, order=True)
class Refusal:
    """One thing in a script that leaves the safe subset: where, what, and why it is not allowed."""

    line: int
    what: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.why}"


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What is known about a script, or an expression, without running it.

    Attributes
    ----------
    tree : its syntax tree.
    refusals : what leaves the safe subset, in order of lines.
    imports : line, module as written, and module of each import of something scripts can have.
    guarded : ``id`` of the attribute nodes that are only allowed on some objects, see `rewrite`.
    attribute_names : names that the script, its imports and its data make known.
    """

    tree: ast.Module | ast.Expression
    refusals: list[Refusal]
    imports: list[tuple[int, str, Module]]
    guarded: frozenset[int]
    attribute_names: frozenset[str]


def check_script(text: str, *, extra_names: Iterable[str] = ()) -> list[Refusal]:
    """What in a script leaves the safe subset; an empty list if it may run.

    Parameters
    ----------
    text : the script.
    extra_names : further names it may write after a dot: the columns of its data sets.

    Raises
    ------
    SyntaxError : it is not Python 3, or it is too long or nested too deeply to be read.
    """
    return analyse(parse(text), extra_names=extra_names).refusals


def parse(text: str) -> ast.Module:
    """Syntax tree of a script; whatever prevents it becomes a SyntaxError."""
    tree = _parse(text, "exec")
    assert isinstance(tree, ast.Module)
    return tree


def parse_expression(text: str) -> ast.Expression:
    """Syntax tree of an expression; errors as `parse`."""
    tree = _parse(text.strip(), "eval")
    assert isinstance(tree, ast.Expression)
    return tree


def analyse(tree: ast.Module, *, extra_names: Iterable[str] = ()) -> Analysis:
    """All that is known about a script from its syntax tree."""
    from metagenx.genx.sandbox.visitor import Visitor

    return Visitor(tree, known=extra_names).analysis()


def analyse_expression(tree: ast.Expression, *, names: Collection[str], known: Iterable[str] = ()) -> Analysis:
    """The same for an expression.

    Parameters
    ----------
    names : global names of the script it belongs to.
    known : attribute names known from the script.
    """
    from metagenx.genx.sandbox.visitor import Visitor

    return Visitor(tree, known=known, names=names).analysis()


def _parse(text: str, mode: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise SyntaxError(f"it has {len(text)} characters; {MAX_CHARACTERS} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a label is the author's business
            return compile(text, "<script>", mode, ast.PyCF_ONLY_AST, dont_inherit=True)
    except (RecursionError, MemoryError):
        raise SyntaxError("it is nested too deeply to be read") from None
    except ValueError as error:  # null characters, lone surrogates
        raise SyntaxError(str(error)) from None
