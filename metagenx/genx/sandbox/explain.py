"""What went wrong in a script, in the words of its author: line, reason, what to do.

The texts of a script's own exceptions come from a stranger: they are cut and freed of control characters.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MAX_CHARACTERS = 300

_PYTHON_2 = re.compile(
    r"Missing parentheses in call to '(print|exec)'|multiple exception types|invalid token|leading zeros"
)
_PRINT = re.compile(r"^\s*(print\s+[^(=\s]|exec\s+[\"']|except\s+\w+\s*,\s*\w+\s*:|raise\s+\w+\s*,)")


def printable(text: str, limit: int = MAX_CHARACTERS) -> str:
    """`text` on one line, without control characters, cut to `limit` characters."""
    shown = "".join(c if c.isprintable() else " " for c in text[: 4 * limit])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def message(error: BaseException) -> str:
    """Kind and text of an exception."""
    kind = printable(type(error).__name__, 60)
    try:
        text = printable(str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error))
    except Exception:  # the exception is the script's own, and so is its text
        text = ""
    return f"{kind}: {text}" if text else kind


def line_of(error: BaseException, filename: str) -> int | None:
    """Line of the script `filename` that was running when `error` was raised, the innermost one."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def hint(error: BaseException, names: Iterable[str]) -> str | None:
    """What the author of the script may do about `error`, or None if the message says it all.

    Parameters
    ----------
    names : global names of the script, for a suggestion.
    """
    if isinstance(error, NameError):
        close = difflib.get_close_matches(str(error.name), list(names), n=1)
        return f"Did you mean {close[0]}?" if close else "Define it in the script, or import it."
    if isinstance(error, RecursionError):
        return "A function calls itself without an end."
    if isinstance(error, ZeroDivisionError):
        return "A value of the parameter table or of the data is zero here."
    if isinstance(error, ImportError):
        return "Names of models change between GenX versions; see which ones the message offers."
    if isinstance(error, IndexError):
        return "Does the script expect more data sets, or more points, than the file has?"
    if isinstance(error, ValueError) and "broadcast" in str(error):
        return "Arrays of different lengths are combined; do the columns of each data set have the same length?"
    return None


def syntax_error(error: SyntaxError, text: str) -> tuple[int | None, str, str | None]:
    """Line, reason and hint for a script that is not Python 3."""
    lines = text.split("\n")
    line = error.lineno if error.lineno and 0 < error.lineno <= len(lines) else None
    source = lines[line - 1] if line else ""
    reason = printable(error.msg or "invalid syntax")
    what = f"{reason}: {printable(source.strip(), 120)}" if source.strip() else reason
    if _PYTHON_2.search(error.msg or "") or _PRINT.match(source):
        return (
            line,
            what,
            "This is Python 2; GenX 3 and metagenx read Python 3, e.g. print(x) instead of print x.",
        )
    return line, what, None
