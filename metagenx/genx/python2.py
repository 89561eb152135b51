"""From Python 2 to Python 3, where there is only one way to read it.

What Python 3 cannot read, or reads otherwise, is changed token by token; lines stay lines. Whatever could mean two
things is a `Doubt` with its reason, and the script is left to its author. lib2to3 did this until Python 3.13 dropped
it; its fixers guess where we must not, and they know no line to blame.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from metagenx.genx.script_tokens import NAME, NUMBER, OPERATOR, STRING, Token, first_lines, statements


@dataclass(frozen=True)
class Edit:
    """Text from `start` to `end` becomes `new`."""

    start: int
    end: int
    new: str
    why: str


@dataclass(frozen=True)
class Doubt:
    """Something at `start` that cannot be mended for certain."""

    start: int
    why: str


Finding = Edit | Doubt
Statement = Sequence[Token]

_PRINT = "print is a function in Python 3"
_EXCEPT = "exceptions are named with `as`"
_RAISE = "exceptions are raised as objects"
_LISTS = "it gave a list in Python 2"
# What Python 3 calls otherwise, as long as the script has no such name itself.
_RENAMED = {
    "xrange": "range", "unicode": "str", "unichr": "chr", "long": "int", "basestring": "str",
    "StandardError": "Exception",
}  # fmt: skip
_METHODS = {"iteritems": "items", "itervalues": "values", "iterkeys": "keys"}
_GAVE_LISTS = frozenset({"map", "filter", "zip", "range"})
_INDENT = re.compile(r"[ \t\f]*")
_OLD_OCTAL = re.compile(r"0+[0-7]+[lL]?")
_LONG = re.compile(r"(0[xX][0-9a-fA-F]+|0[oObB]\d+|\d+)[lL]")
# Numbers of `restype` before GenX 3 (fact sheet 3.1, Q); 0 and 1 are the same.
RESTYPES = {"2": "'full conv and varying res.'", "3": "'fast conv + varying res.'"}


def syntax(text: str) -> list[Finding]:
    """What Python 3 cannot read, in order."""
    rules: tuple[Callable[[Statement, str], Iterator[Finding]], ...] = (
        _print, _exec, _except, _raise, _not_equal, _backticks, _literals,
    )  # fmt: skip
    found: list[Finding] = []
    for statement in statements(text):
        for rule in rules:
            found += rule(statement, text)
    return sorted(found, key=lambda finding: finding.start)


def tabs(text: str) -> list[Finding]:
    """Indentation by tabs as Python 2 understands it: to the next multiple of eight."""
    found: list[Finding] = []
    for start in first_lines(text):
        indent = _INDENT.match(text, start)[0]  # type: ignore[index]
        if "\t" in indent:
            spaces = indent.replace("\f", "").expandtabs(8)
            found.append(Edit(start, start + len(indent), spaces, "a tab reaches to the next multiple of eight"))
    return found


def names(text: str) -> list[Finding]:
    """What Python 3 can read but not run: names and methods that it calls otherwise."""
    sentences = statements(text)
    own = _own_names(sentences)
    if any(statement[0].text == "from" and statement[-1].text == "*" for statement in sentences):
        own |= {"long"}  # numpy has one
    found: list[Finding] = []
    for statement in sentences:
        if [token.text for token in statement[:2]] == ["print", ">>"]:
            found.append(Doubt(statement[0].start, "print >> writes to a file"))
        closings: dict[int, int] = {}
        for i, token in enumerate(statement):
            if token.kind != NAME:
                continue
            before = statement[i - 1].text if i else ""
            after = statement[i + 1].text if i + 1 < len(statement) else ""
            if token.text in _RENAMED and before != "." and token.text not in own and after != "=":
                found.append(Edit(token.start, token.end, _RENAMED[token.text], "its name in Python 3"))
            elif before == "." and after == "(" and token.text not in own:
                if token.text in _METHODS:
                    found.append(Edit(token.start, token.end, _METHODS[token.text], "its name in Python 3"))
                elif token.text == "has_key":
                    closings = closings or _closings(statement)
                    found += _has_key(statement, i, closings)
    return found


def meaning(text: str, tree: ast.Module) -> list[Finding]:
    """What Python 3 reads but understands otherwise, in a script that is Python 2 for certain.

    Parameters
    ----------
    text, tree : the script after its syntax has been mended.
    """
    sentences = statements(text)
    own = _own_names(sentences)
    found: list[Finding] = []
    for statement in sentences:
        closings = _closings(statement)
        for i, token in enumerate(statement):
            if token.kind == NAME and token.text in _GAVE_LISTS and token.text not in own:
                found += _list_of(statement, i, closings)
            elif token.text == "restype" or token.text == "setRestype":
                found += _restype(statement, i)
    if not _has_true_division(tree):
        found += _divisions(tree, text)
    return sorted(found, key=lambda finding: finding.start)


def divides(tree: ast.Module) -> bool:
    """Whether a quotient may be one of two whole numbers, which Python 2 rounds down."""
    if _has_true_division(tree):
        return False
    quotients = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    return any(not _has_float(node.left) and not _has_float(node.right) for node in quotients)


# Syntax -------------------------------------------------------------------------------------------------------------


def _print(statement: Statement, text: str) -> Iterator[Finding]:
    first, rest = statement[0], statement[1:]
    if first.text != "print" or first.kind != NAME or (rest and rest[0].text in {"=", ".", ",", ":"}):
        return
    if not rest:
        yield Edit(first.end, first.end, "()", _PRINT)
        return
    if rest[0].text == ">>":
        yield Doubt(first.start, "print >> writes to a file")
        return
    if rest[0].text == "(" and _closings(rest).get(0) == len(rest) - 1:
        return  # the same in both, but for brackets around a list
    yield Edit(first.end, rest[0].start, "(", _PRINT)
    last = rest[-1]
    if last.text == ",":
        yield Edit(last.start, last.end, ', end=" ")', _PRINT)
    else:
        yield Edit(last.end, last.end, ")", _PRINT)


def _exec(statement: Statement, text: str) -> Iterator[Finding]:
    if statement[0].text == "exec" and len(statement) > 1 and statement[1].text not in {"(", "="}:
        yield Doubt(statement[0].start, "exec runs a text as a program")


def _except(statement: Statement, text: str) -> Iterator[Finding]:
    if statement[0].text != "except":
        return
    commas = [i for i, token in enumerate(statement) if token.text == "," and token.depth == 0]
    if not commas:
        return
    at = commas[0]
    what, name = statement[1:at], statement[at + 1 : -1]
    dotted = all(token.kind == NAME or token.text == "." for token in what)
    grouped = bool(what) and what[0].text == "(" and _closings(what).get(0) == len(what) - 1
    if len(commas) == 1 and what and (dotted or grouped) and len(name) == 1 and name[0].kind == NAME:
        comma = statement[at]
        yield Edit(comma.start, name[0].start, " as ", _EXCEPT)
    else:
        yield Doubt(statement[at].start, "which exceptions are caught, and by which name, can be read in two ways")


def _raise(statement: Statement, text: str) -> Iterator[Finding]:
    if statement[0].text != "raise" or len(statement) < 2:
        return
    if statement[1].kind == STRING:
        yield Doubt(statement[0].start, "a text is raised as an exception")
        return
    commas = [i for i, token in enumerate(statement) if token.text == "," and token.depth == 0]
    if not commas:
        return
    kind, value = statement[1 : commas[0]], statement[commas[0] + 1 :]
    dotted = all(token.kind == NAME or token.text == "." for token in kind)
    # A text, or a text with values put in, is the one argument; anything else may be a tuple or an exception.
    is_text = bool(value) and value[0].kind == STRING
    outer = {token.text for token in value if token.depth == 0 and token.kind not in {STRING, NAME, NUMBER}}
    if len(commas) > 1 or not dotted or not is_text or not outer <= {"%", "+", "(", ")", "."}:
        yield Doubt(statement[commas[0]].start, "what is raised can be read in two ways")
        return
    yield Edit(statement[commas[0]].start, value[0].start, "(", _RAISE)
    yield Edit(value[-1].end, value[-1].end, ")", _RAISE)


def _not_equal(statement: Statement, text: str) -> Iterator[Finding]:
    for token in statement:
        if token.text == "<>":
            yield Edit(token.start, token.end, "!=", "<> is written != in Python 3")


def _backticks(statement: Statement, text: str) -> Iterator[Finding]:
    ticks = [token for token in statement if token.text == "`"]
    pairs = [(a, b) for a, b in zip(ticks[::2], ticks[1::2], strict=False) if b.start > a.end]
    if 2 * len(pairs) != len(ticks) or any(a.depth != b.depth for a, b in pairs):
        yield Doubt(ticks[0].start, "it cannot be said which backticks belong together")
        return
    for a, b in pairs:
        yield Edit(a.start, a.end, "repr(", "backticks are written repr()")
        yield Edit(b.start, b.end, ")", "backticks are written repr()")


def _literals(statement: Statement, text: str) -> Iterator[Finding]:
    for token in statement:
        if token.kind == NUMBER:
            if _OLD_OCTAL.fullmatch(token.text) and token.text.strip("0lL"):
                new = "0o" + token.text.lstrip("0").rstrip("lL")
                yield Edit(token.start, token.end, new, "an octal number")
            elif long := _LONG.fullmatch(token.text):
                yield Edit(token.start, token.end, long[1], "whole numbers are of any length in Python 3")
        elif token.kind == STRING and token.text[:2].lower() == "ur":
            if "\\u" in token.text or "\\U" in token.text:
                yield Doubt(token.start, "a raw text with a character by number")
            else:
                yield Edit(token.start, token.start + 1, "", "all texts are Unicode in Python 3")


# Names --------------------------------------------------------------------------------------------------------------


def _has_key(statement: Statement, i: int, closings: dict[int, int]) -> Iterator[Finding]:
    """``owner.has_key(key)`` becomes ``(key in owner)``, for a plain owner and one argument."""
    first = i - 1  # the dot
    while first > 0 and statement[first].text == "." and statement[first - 1].kind == NAME:
        first -= 2
    owner = statement[first + 1 : i - 1]
    close = closings.get(i + 1, i + 1)
    inside = statement[i + 2 : close]
    before = statement[first].text if first >= 0 else ""
    several = any(t.depth == statement[i].depth + 1 and t.text in {",", "="} for t in inside)
    if not owner or not inside or several or before in {")", "]", "}", "."}:
        yield Doubt(statement[i].start, "has_key of something that is not a plain name")
        return
    name = "".join(token.text for token in owner)
    yield Edit(owner[0].start, statement[i + 1].end, "((", "has_key is written `in`")
    yield Edit(statement[close].start, statement[close].end, f") in {name})", "has_key is written `in`")


def _own_names(sentences: Sequence[Statement]) -> frozenset[str]:
    """Names that the script itself gives: assigned, imported, defined, or a parameter."""
    found: set[str] = set()
    for statement in sentences:
        words = [token.text for token in statement]
        if words[0] in {"import", "from"}:
            found |= set(words)
        elif words[0] in {"def", "class"}:
            found |= set(words[1:2])
            for i in range(2, len(words)):
                if statement[i].depth == 1 and words[i - 1] in {"(", ",", "*", "**"}:
                    found.add(words[i])
        elif words[0] == "for" and "in" in words:
            found |= set(words[1 : words.index("in")])
        targets = [i for i, token in enumerate(statement) if token.text == "=" and token.depth == 0]
        if targets:
            found |= set(words[: targets[-1]])
        inside = False
        for word in words:
            inside = word == "lambda" or (inside and word != ":")
            if inside:
                found.add(word)
    return frozenset(found)


# Meaning ------------------------------------------------------------------------------------------------------------


def _list_of(statement: Statement, i: int, closings: dict[int, int]) -> Iterator[Finding]:
    before = statement[i - 1].text if i else ""
    if i + 1 >= len(statement) or statement[i + 1].text != "(" or before in {".", "in", "def"}:
        return
    wrapped = i > 1 and before == "(" and statement[i - 2].text in {"list", "sorted", "sum", "tuple", "set", "dict"}
    close = closings.get(i + 1)
    if wrapped or close is None:
        return
    if statement[i].text == "map" and statement[i + 2].text == "None":
        yield Doubt(statement[i].start, "map(None, …) fills up the shorter list")
        return
    yield Edit(statement[i].start, statement[i].start, "list(", _LISTS)
    yield Edit(statement[close].end, statement[close].end, ")", _LISTS)


def _restype(statement: Statement, i: int) -> Iterator[Finding]:
    """Numbers of `restype` in the order that they had before GenX 3."""
    follow = statement[i + 1 : i + 4]
    opens = "=" if statement[i].text == "restype" else "("
    if len(follow) < 2 or follow[0].text != opens or follow[1].kind != NUMBER:
        return
    number = follow[1].text.removesuffix(".0").removesuffix(".")
    if number in RESTYPES and (len(follow) < 3 or follow[2].text in {",", ")"}):
        yield Edit(follow[1].start, follow[1].end, RESTYPES[number], "restype was numbered otherwise before GenX 3")


def _divisions(tree: ast.Module, text: str) -> Iterator[Finding]:
    line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, right = _whole(node.left), _whole(node.right)
            if left is not None and right and left % right:
                quotient = ast.unparse(node)
                start = line_starts[node.lineno - 1]
                yield Doubt(start, f"{quotient} is {left // right} in Python 2 and {left / right:g} in Python 3")


def _whole(node: ast.expr) -> int | None:
    """Value of an expression of whole numbers, as Python 2 computes it; None if it is something else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        value = _whole(node.operand)
        return value if value is None or isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.BinOp):
        left, right = _whole(node.left), _whole(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, (ast.Div, ast.FloorDiv)):
            return left // right if right else None
    return None


def _has_float(node: ast.expr) -> bool:
    """Whether the value is certainly no whole number: a number with a point is part of its arithmetic."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float | complex)
    if isinstance(node, ast.UnaryOp):
        return _has_float(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)):
        return _has_float(node.left) or _has_float(node.right)
    return False


def _has_true_division(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "division" for alias in node.names)
        for node in tree.body
    )


def _closings(tokens: Statement) -> dict[int, int]:
    """Which bracket closes which: indices."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.kind == OPERATOR and token.text in {"(", "[", "{"}:
            opened.append(i)
        elif token.kind == OPERATOR and token.text in {")", "]", "}"} and opened:
            found[opened.pop()] = i
    return found
