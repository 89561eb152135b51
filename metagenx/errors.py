"""Everything that can go wrong, and the exit code that says so.

::

    MetagenxError                 1   internal error: ours, never the user's
    ├── InputError                2   what is wrong, where, and what to do
    │   ├── FileFormatError           a file that cannot be read
    │   ├── ScriptRefused             a model script outside the safe subset, not trusted
    │   ├── ScriptError               a model script (or a row of its table) that fails
    │   └── ConfigError               an experiment or search space with mistakes, all listed
    └── RunError                  4   the run ended early; what is done is kept
        ├── ResourcesSpent        4   budget, memory or disk spent; resumable
        └── Interrupted         130   Ctrl-C

Exit code 0 means done and reached, 3 means done but not reached: both are results, not errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_REACHED = 0
EXIT_INTERNAL = 1
EXIT_BAD_INPUT = 2
EXIT_NOT_REACHED = 3
EXIT_SPENT = 4
EXIT_INTERRUPTED = 130


class MetagenxError(Exception):
    """Base of all errors of metagenx.

    Parameters
    ----------
    what : what is wrong, one sentence without a full stop.
    where : file, and line or row, e.g. ``"film.hgx, script line 12"``.
    hint : what to do about it.
    """

    exit_code = EXIT_INTERNAL

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(what, where, hint)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments do not survive the default pickling, and errors cross Ray's process borders.
        return (_rebuild, (type(self), self.__dict__.copy()))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.hint}" if self.hint else text


def _rebuild(kind: type[MetagenxError], state: dict[str, object]) -> MetagenxError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    return error


class Notice(UserWarning):
    """Something the user should know that is no error; a note on the command line, once."""


class InputError(MetagenxError):
    """Something the user gave us is wrong."""

    exit_code = EXIT_BAD_INPUT


class FileFormatError(InputError):
    """A file is missing, damaged, or not what its name says.

    What is wrong may quote the file through a library's error: no more than ``LONGEST`` characters of it are kept.
    """

    LONGEST = 600

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        if len(what) > self.LONGEST:
            what = f"{what[: self.LONGEST // 2]} … {what[-self.LONGEST // 3 :]}"
        super().__init__(what, where=where, hint=hint)


class ScriptRefused(InputError):
    """A model script leaves the safe subset and was not trusted, so it was not run."""


class ScriptError(InputError):
    """A model script, or a row of its parameter table, fails."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a configuration file: where, what, and a suggestion."""

    path: str
    message: str
    line: int | None = None
    suggestion: str | None = None

    def __str__(self) -> str:
        line = f"line {self.line:<4}" if self.line else "         "
        hint = f"; did you mean {self.suggestion}?" if self.suggestion else ""
        return f"  {line} {self.path:<24} {self.message}{hint}"


class ConfigError(InputError):
    """A configuration file has mistakes; all of them are listed."""

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        self.file, self.mistakes = file, tuple(mistakes)
        count = f"{len(mistakes)} mistake" + ("s" if len(mistakes) != 1 else "")
        super().__init__(f"{file} has {count}\n" + "\n".join(map(str, mistakes)))


class RunError(MetagenxError):
    """A run ended before its time; everything done so far is kept."""

    exit_code = EXIT_SPENT


class ResourcesSpent(RunError):
    """Budget, memory or disk are spent; the run can be resumed."""


class Interrupted(RunError):
    """The user pressed Ctrl-C; the run can be resumed."""

    exit_code = EXIT_INTERRUPTED
