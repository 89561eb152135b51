"""Old scripts, mended in memory: Python 2 to Python 3, and names that GenX has given up.

The file stays as it is, and what is saved holds the author's text. Only what can be read in one way is changed; every
changed line is told, and whatever is doubtful is an error that names the line and the reason.
"""

from __future__ import annotations

import ast
import functools
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metagenx.genx import python2
from metagenx.genx.models import registry
from metagenx.genx.python2 import Doubt, Edit, Finding
from metagenx.genx.sandbox import check, explain
from metagenx.genx.script_tokens import NAME, OPERATOR, STRING, Token, statements

# Libraries whose layers have one roughness, and the one whose roughness has two parts.
_ONE_ROUGHNESS = frozenset({"spec_nx", "spec_inhom", "spec_adaptive", "soft_nx"})
_TWO_ROUGHNESSES = frozenset({"interdiff"})
_OLD_ROUGHNESS = {"setSigmar": "setSigma", "getSigmar": "getSigma", "sigmar": "sigma"}
_WHY_SIGMAR = "sigmar of older GenX versions is sigma where a layer has no sigmai"
_BOTH = "a layer has either sigma or, in older versions of GenX, sigmar"
_NO_PARTS = "sigmar and sigmai are parts of the roughness, and layers of this library have it in one piece, sigma"


@dataclass(frozen=True)
class Mend:
    """One line that was changed: its number, what it was and what it is, and why."""

    line: int
    old: str
    new: str
    why: str

    def __str__(self) -> str:
        return f"script line {self.line} is mended: `{self.old}` is read as `{self.new}` ({self.why})"


@dataclass(frozen=True)
class Mended:
    """A script as it is run.

    Attributes
    ----------
    text : the script, with the lines where they were.
    mends : changed lines, in order. notices : what else a user should know.
    rename_sigmar : whether ``setSigmar`` in rows of the parameter table means ``setSigma``.
    is_python2 : whether it is older than Python 3, and so than GenX 3.
    """

    text: str
    mends: tuple[Mend, ...] = ()
    notices: tuple[str, ...] = ()
    rename_sigmar: bool = False
    is_python2: bool = False

    def row(self, name: str) -> str:
        """The name of a row of the parameter table, mended like the script."""
        return re.sub(r"\.setSigmar\b", ".setSigma", name) if self.rename_sigmar else name

    def options(self, name: str) -> Mapping[float, str]:
        """What the values of a row mean that sets `restype` by a number of before GenX 3; empty for other rows."""
        if not self.is_python2 or not re.search(r"\.(setRestype|restype)\s*$", name):
            return {}
        return {float(number): option.strip("'") for number, option in python2.RESTYPES.items()}


class Doubtful(Exception):
    """A script that cannot be mended for certain: the line, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(line, why)
        self.line, self.why = line, why


@functools.lru_cache(maxsize=4)
def mend(text: str) -> Mended:
    """What is run in place of a script; the script itself where nothing is old about it.

    Raises
    ------
    Doubtful : it is old, and can be read in more than one way.
    SyntaxError : it is not Python, or still not Python 3; in the lines of the script.
    """
    if len(text) > check.MAX_CHARACTERS:
        return Mended(text)  # it is refused for its size
    script = _Script(text)
    try:
        tree = check.parse(text)
        is_old = False
    except SyntaxError:
        tree = script.to_python3()
        is_old = True
    old_names = python2.names(script.text)
    is_python2 = is_old or bool(old_names)
    if is_python2:
        script.apply(old_names)
        script.apply(python2.meaning(script.text, tree))
        if python2.divides(tree):
            script.notices.append(
                "the script is Python 2, in which the quotient of two whole numbers is rounded down; here it is not"
            )
    rename = script.rename_sigmar()
    return Mended(script.text, script.mends(), tuple(script.notices), rename, is_python2)


class _Script:
    """A script on its way; edits never move a line."""

    def __init__(self, text: str) -> None:
        self.original = self.text = text
        self.notices: list[str] = []
        self._why: dict[int, list[str]] = {}

    def to_python3(self) -> ast.Module:
        """Mend the syntax; SyntaxError if it is not Python 2 either."""
        self.apply(python2.syntax(self.text))
        try:
            return check.parse(self.text)
        except IndentationError:
            found = python2.tabs(self.text)
            if not found:
                raise
            self.apply(found)
            return check.parse(self.text)

    def apply(self, found: Sequence[Finding]) -> None:
        """Make the edits; Doubtful at the first doubt."""
        doubts = [finding for finding in found if isinstance(finding, Doubt)]
        if doubts:
            first = min(doubts, key=lambda doubt: doubt.start)
            raise Doubtful(self._line(first.start), first.why)
        starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        parts, at = [], 0
        for edit in sorted((f for f in found if isinstance(f, Edit)), key=lambda edit: edit.start):
            # Line breaks inside what is replaced (`except E, \` …) stay, so that all lines keep their numbers.
            breaks = "\\\n" * self.text.count("\n", edit.start, edit.end)
            parts += [self.text[at : edit.start], edit.new, breaks]
            for line in range(bisect_right(starts, edit.start), bisect_right(starts, edit.end) + 1):
                self._why.setdefault(line, []).append(edit.why)
            at = edit.end
        self.text = "".join([*parts, self.text[at:]])

    def rename_sigmar(self) -> bool:
        """Mend the name of the roughness before it was one; whether rows of the table need it too."""
        libraries = _imported(self.text)
        if libraries & _TWO_ROUGHNESSES:
            self._tell_of_two_roughnesses()
            return False
        if not libraries & _ONE_ROUGHNESS:
            return False
        if _has_own_sigmar(self.text):
            return False
        two = _uses(self.text, {"sigmai", "setSigmai", "getSigmai"})
        found: list[Finding] = []
        for use in _uses(self.text, {*_OLD_ROUGHNESS}):
            token = use.token
            if two:
                raise Doubtful(self._line(two[0].token.start), _NO_PARTS)
            if "sigma" in use.keywords:
                raise Doubtful(self._line(token.start), _BOTH)
            found.append(Edit(token.start, token.end, _OLD_ROUGHNESS[token.text], _WHY_SIGMAR))
        self.apply(found)
        return not two

    def _tell_of_two_roughnesses(self) -> None:
        """interdiff still knows sigmar by itself; where, and what it means."""
        lines = self.text.split("\n")
        for use in _uses(self.text, {*_OLD_ROUGHNESS}):
            line = self._line(use.token.start)
            if "sigma" in use.keywords:
                raise Doubtful(line, _BOTH)
            notice = (
                f"script line {line}: in `{_shown(lines[line - 1])}` sigmar of older GenX versions is understood as "
                "sigma² = sigmar² + sigmai²"
            )
            if notice not in self.notices:
                self.notices.append(notice)

    def mends(self) -> tuple[Mend, ...]:
        """The lines that differ."""
        pairs = zip(self.original.split("\n"), self.text.split("\n"), strict=True)
        return tuple(
            Mend(line, _shown(old), _shown(new), "; ".join(dict.fromkeys(self._why.get(line, []))))
            for line, (old, new) in enumerate(pairs, start=1)
            if old != new
        )

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1


@dataclass(frozen=True)
class _Use:
    """A name as an attribute or a keyword argument, and the keywords of the call that it is an argument of."""

    token: Token
    keywords: frozenset[str] | set[str]


def _uses(text: str, names: set[str]) -> list[_Use]:
    found: list[_Use] = []
    for statement in statements(text):
        calls: list[set[str]] = [set()]
        for i, token in enumerate(statement):
            before = statement[i - 1].text if i else ""
            after = statement[i + 1].text if i + 1 < len(statement) else ""
            if token.kind == OPERATOR and token.text in {"(", "[", "{"}:
                calls.append(set())
            elif token.kind == OPERATOR and token.text in {")", "]", "}"}:
                if len(calls) > 1:
                    calls.pop()
            elif token.kind == NAME and before == ".":
                if token.text in names:
                    found.append(_Use(token, frozenset()))
            elif token.kind == NAME and token.depth and before in {"(", ","} and after == "=":
                calls[-1].add(token.text)
                if token.text in names:
                    found.append(_Use(token, calls[-1]))
    return found


def _imported(text: str) -> set[str]:
    """Names in the import statements; those of removed libraries by their successors."""
    words = {token.text for s in statements(text) if s[0].text in {"import", "from"} for token in s}
    return {registry.REPLACED.get(word, word) for word in words}


def _has_own_sigmar(text: str) -> bool:
    """Whether sigmar is a name of the script: a variable of the user, or a field of a class."""
    sentences = statements(text)
    has_class = any(statement[0].text == "class" for statement in sentences)
    for statement in sentences:
        for i, token in enumerate(statement):
            if token.kind == STRING and token.text.strip("'\"").lower() == "sigmar":
                return True
            if token.kind == NAME and token.text in _OLD_ROUGHNESS:
                is_defined = i > 0 and statement[i - 1].text == "def"
                is_field = (i > 1 and statement[i - 2].text == "self") or (i == 0 and has_class)
                if is_defined or is_field:
                    return True
    return False


def _shown(line: str) -> str:
    return explain.printable(line.strip(), 160)
