"""Where a problem comes from, in a form that can be sent to another machine and opened there once."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, MetagenxError

if TYPE_CHECKING:
    from metagenx.fitting.problem import Problem
    from metagenx.genx.model import Model

MOST_OPEN = 256  # models that a process keeps open: a run goes round all its samples


@dataclass(frozen=True)
class ProblemSource:
    """A GenX file (its bytes), or a Python function that makes a problem.

    Parameters
    ----------
    name : file name, or ``module:function``.
    content : bytes of the GenX file, or of the Python file that ``function`` is in; None for an importable
        module.
    function : name of a :class:`~metagenx.fitting.problem.Problem`, or of a function without arguments that
        returns one; None for a GenX file.
    trust : run a model script that leaves the safe subset.
    fom : figure of merit instead of the file's own.
    place : the path that messages name.
    """

    name: str
    content: bytes | None = None
    function: str | None = None
    trust: bool = False
    fom: str | None = None
    place: str = ""

    @classmethod
    def from_file(cls, path: str | Path, *, trust: bool = False, fom: str | None = None) -> ProblemSource:
        """A GenX file on this machine; raises InputError if it cannot be read."""
        return cls(Path(path).name, _content(Path(path)), None, trust, fom, str(path))

    @classmethod
    def from_model(cls, model: Model, name: str, *, fom: str | None = None, place: str = "") -> ProblemSource:
        """A model at hand, such as one with new data in it: the bytes of its .hgx, nothing simulated."""
        from metagenx.genx import hgx_writer

        return cls(name, hgx_writer.to_bytes(model.file), None, model.trust, fom, place or name)

    @classmethod
    def from_function(cls, text: str) -> ProblemSource:
        """``package.module:function`` or ``folder/file.py:function``; raises InputError if it is neither."""
        place, colon, function = text.rpartition(":")
        if not colon or not place or not function.isidentifier():
            raise InputError(
                f"{text!r} does not name a Python function", hint="Write module:function or file.py:function."
            )
        content = _content(Path(place)) if place.endswith(".py") else None
        return cls(f"{Path(place).name}:{function}" if content else text, content, function)

    @property
    def is_function(self) -> bool:
        """Whether this is a Python function rather than a GenX file."""
        return self.function is not None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(path), hint="Check the path and its permissions."
        ) from error


@lru_cache(maxsize=MOST_OPEN)
def open_model(source: ProblemSource) -> Model:
    """The GenX model of a source, loaded once in this process; raises what :func:`metagenx.load` raises."""
    from metagenx.genx import file as genx_file
    from metagenx.genx.model import Model

    assert source.content is not None
    with tempfile.TemporaryDirectory(prefix="metagenx-") as folder:
        path = Path(folder) / source.name
        path.write_bytes(source.content)
        try:
            file = genx_file.read(path)
        except MetagenxError as error:
            if error.where:  # the user knows his own file, not our copy
                error.where = error.where.replace(str(path), source.place or source.name)
            raise
    file.path = Path(source.place or source.name)
    return Model(file, trust=source.trust)


@lru_cache(maxsize=MOST_OPEN)
def open_problem(source: ProblemSource) -> Problem:
    """The problem of a source, made once in this process.

    Raises
    ------
    InputError : the file, its script or the function is unusable.
    """
    if not source.is_function:
        return open_model(source).problem(fom=source.fom)
    found = _attribute(source)
    problem = found() if callable(found) and not hasattr(found, "evaluate") else found
    missing = [name for name in ("names", "bounds", "start", "evaluate") if not hasattr(problem, name)]
    if missing:
        raise InputError(
            f"is not a problem: it has no {', '.join(missing)}",
            where=source.name,
            hint="Return metagenx.fitting.problem.FunctionProblem(function, bounds).",
        )
    return problem  # type: ignore[no-any-return]


def _attribute(source: ProblemSource) -> Callable[[], Any] | Any:
    assert source.function is not None
    try:
        if source.content is not None:
            namespace: dict[str, Any] = {"__name__": "metagenx_problem"}
            exec(compile(source.content, source.name.rpartition(":")[0], "exec"), namespace)
            return namespace[source.function]
        return getattr(importlib.import_module(source.name.rpartition(":")[0]), source.function)
    except (AttributeError, KeyError):
        raise InputError(f"has nothing called {source.function}", where=source.name) from None
    except Exception as error:
        raise InputError(f"cannot be imported: {type(error).__name__}: {error}", where=source.name) from error
