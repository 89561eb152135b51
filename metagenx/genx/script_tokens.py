"""The tokens of a script in any version of Python, as far as mending needs them.

Python's own tokenizer refuses more of Python 2 from version to version; this one knows names, numbers, strings,
comments and operators, and where statements begin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

NAME, NUMBER, STRING, OPERATOR = "name", "number", "string", "operator"

_SKIPPED = re.compile(r"(?:[ \t\f]|\\\n|#[^\n]*)+")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F_]+[lL]?|0[oObB][0-9_]+[lL]?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?[jJlL]?"
)
_NAME = re.compile(r"[^\W\d]\w*")
_STRING = re.compile(r"([uUbBrRfF]{0,2})('''|\"\"\"|'|\")")
_OPERATOR = re.compile(r"\*\*=|//=|>>=|<<=|\.\.\.|<>|!=|==|<=|>=|->|:=|\*\*|//|<<|>>|[-+*/%&|^@]=|.")
_HEADERS = frozenset({"if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class"})


@dataclass(frozen=True)
class Token:
    """A piece of a script.

    Attributes
    ----------
    kind : ``"name"``, ``"number"``, ``"string"`` or ``"operator"``.
    start, end : where it is in the text. depth : brackets around it.
    """

    kind: str
    text: str
    start: int
    end: int
    depth: int


def statements(text: str) -> list[list[Token]]:
    """The tokens of a script by simple statements; a header (``if x:``, ``except E:``) is a statement of its own.

    What is no Python at all (a string without an end, a bracket too many) is taken as it comes: Python says it.
    """
    found: list[list[Token]] = []
    current: list[Token] = []
    lambdas = 0
    for token in _tokens(text):
        if token is None or (token.text == ";" and token.depth == 0):
            found.append(current)
            current, lambdas = [], 0
            continue
        current.append(token)
        if token.depth:
            continue
        if token.text == "lambda":
            lambdas += 1
        elif token.text == ":" and lambdas:
            lambdas -= 1
        elif token.text == ":" and current[0].text in _HEADERS:
            found.append(current)
            current = []
    found.append(current)
    return [statement for statement in found if statement]


def first_lines(text: str) -> list[int]:
    """Where the physical lines begin that are the first of a statement with code, in order."""
    starts: list[int] = []
    fresh = True
    for token in _tokens(text):
        if token is None:
            fresh = True
        elif fresh:
            starts.append(text.rfind("\n", 0, token.start) + 1)
            fresh = False
    return starts


def _tokens(text: str) -> Iterator[Token | None]:
    """All tokens; None where a line of the program ends."""
    at, depth, n = 0, 0, len(text)
    while at < n:
        if skipped := _SKIPPED.match(text, at):
            at = skipped.end()
            continue
        if text[at] == "\n":
            if depth == 0:
                yield None
            at += 1
            continue
        kind, end = _next(text, at)
        word = text[at:end]
        if word in ")]}" and kind == OPERATOR:
            depth = max(depth - 1, 0)
        yield Token(kind, word, at, end, depth)
        if word in "([{" and kind == OPERATOR:
            depth += 1
        at = end
    yield None


def _next(text: str, at: int) -> tuple[str, int]:
    if string := _STRING.match(text, at):
        return STRING, _end_of_string(text, string.end(), string[2])
    if (number := _NUMBER.match(text, at)) and number.end() > at:
        return NUMBER, number.end()
    if name := _NAME.match(text, at):
        return NAME, name.end()
    operator = _OPERATOR.match(text, at)
    return OPERATOR, operator.end() if operator else at + 1


def _end_of_string(text: str, at: int, quote: str) -> int:
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote)
        elif text[at] == "\n" and len(quote) == 1:
            return at
        else:
            at += 1
    return len(text)
