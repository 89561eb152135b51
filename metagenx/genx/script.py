"""A model script as a running module: checked, compiled, executed once, and then asked for simulations."""

from __future__ import annotations

import ast
import builtins
import contextvars
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from metagenx.errors import InputError, ScriptError, ScriptRefused
from metagenx.genx import mend
from metagenx.genx.models import notices, registry
from metagenx.genx.models.recording import Curve, Recorder
from metagenx.genx.row_setters import make_setter
from metagenx.genx.sandbox import check, deadline, explain, memory, rewrite
from metagenx.genx.sandbox.builtins_of_scripts import BUILTINS
from metagenx.genx.sandbox.check import Refusal, check_script
from metagenx.genx.sandbox.deadline import ScriptTimeout
from metagenx.genx.sandbox.importer import Importer
from metagenx.genx.sandbox.numeric import TextIO
from metagenx.genx.sandbox.origin import SCRIPT_NAME

__all__ = ["Limits", "Refusal", "ScriptModule", "ScriptTimeout", "check_script"]

_SHOWN_REFUSALS = 5
_SHOWN_MENDS = 200
_PRINTED_LINES = 200


@dataclass(frozen=True)
class Limits:
    """How long a script may run, and how much memory it may take.

    Attributes
    ----------
    load : seconds for the script itself, once.
    call : seconds for one simulation (of a whole population at once, in a fit), or one setter or expression.
    memory : bytes on top of what the process has (Linux; of a script that is not trusted), or None.
    """

    load: float = 60.0
    call: float = 60.0
    memory: int | None = 2 << 30


class ScriptModule:
    """The namespace of a script that has been executed, with a state of its own.

    Parameters
    ----------
    text : the script; its line endings may be of any kind.
    data : the data sets, as the script's ``data``.
    trust : run it with all of Python, instead of only inside the safe subset. GenX's models are ours all the
        same.
    file : name of its file, for messages.
    limits : on time and memory.

    Attributes
    ----------
    namespace : the script's global names. What is in it comes from the script: use it with care.
    notices : what a user should know about how the script was run.

    Raises
    ------
    ScriptRefused : it leaves the safe subset, and is not trusted. Nothing of it has been run.
    ScriptError : it is not Python 3, imports a model library that is not supported, fails, or runs too long
        (`ScriptTimeout`).
    """

    def __init__(
        self,
        text: str,
        data: Sequence[Any],
        *,
        trust: bool = False,
        file: str | PathLike[str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.trust = trust
        self.limits = limits or Limits()
        self.notices: list[str] = []
        self._file = str(file) if file is not None else None
        self._filename = f"<script of {self._file or 'a model'}>"
        self._import = Importer(trust=trust, notices=self.notices)
        self._printed = 0
        self._interrupted_at: int | None = None
        self._expressions: dict[str, Any] = {}
        columns = {name for dataset in data for name in getattr(dataset, "columns", ())}
        columns |= {f"{name}_raw" for name in columns}
        code = self._compiled(columns)
        self.namespace: dict[str, Any] = self._new_namespace(data)
        try:
            self._run(self.limits.load, exec, code, self.namespace)
        except InputError:
            self.namespace.clear()  # its functions refer to it: without this it would live on
            raise

    # Loading ------------------------------------------------------------------------------------------------

    def _compiled(self, columns: set[str]) -> Any:
        try:
            self.text = self._mend()
            tree = check.parse(self.text)
            analysis = check.analyse(tree, extra_names=columns)
            if analysis.refusals and not self.trust:
                raise self._refused(analysis.refusals)
            self._look_at_imports(analysis)
            self._known = analysis.attribute_names
            if not self.trust:
                rewrite.guard(tree, analysis.guarded)
            return compile(tree, self._filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            line, what, hint = explain.syntax_error(error, self.text)
            raise ScriptError(what, where=self.place(line), hint=hint) from None
        except (RecursionError, MemoryError):
            raise ScriptError("it is nested too deeply to be compiled", where=self.place(None)) from None

    def _mend(self) -> str:
        """The script with what is old about it mended, line by line; every change is told."""
        try:
            self._mended = mend.mend(self.text)
        except mend.Doubtful as doubt:
            line = explain.printable(self.text.split("\n")[doubt.line - 1].strip(), 120)
            raise ScriptError(
                f"it is of an older version of Python or GenX, and this line has no certain meaning today: "
                f"{doubt.why}, in `{line}`",
                where=self.place(doubt.line),
                hint="Write the line as you mean it, in GenX or with any editor, and save the file.",
            ) from None
        told = [*map(str, self._mended.mends), *self._mended.notices]
        for text in told[:_SHOWN_MENDS]:
            self.notice(text)
        if len(told) > _SHOWN_MENDS:
            self.notice(f"{len(told) - _SHOWN_MENDS} more lines of the script are mended likewise")
        return self._mended.text

    def _refused(self, refusals: list[Refusal], where: str | None = None) -> ScriptRefused:
        first, *others = refusals
        more = "".join(f"\n  {self.place(r.line)}: {r.what}: {r.why}" for r in others[: _SHOWN_REFUSALS - 1])
        if len(others) >= _SHOWN_REFUSALS:
            more += f"\n  and {len(others) - _SHOWN_REFUSALS + 1} more"
        return ScriptRefused(
            f"{first.what} is outside the safe subset of scripts: {first.why}{more}",
            where=where or self.place(first.line),
            hint="A file is a program of whoever made it; --trust runs it, if you know that it is harmless.",
        )

    def _look_at_imports(self, analysis: check.Analysis) -> None:
        """Load the libraries before the clock runs; tell about old names and missing libraries."""
        for line, written, module in analysis.imports:
            place = module.place
            if place is None:
                continue
            if not registry.is_supported(place.name):
                raise ScriptError(
                    f"the model library {written} is not supported yet",
                    where=self.place(line),
                    hint=registry.INSTEAD.get(place.name) or f"Supported are {', '.join(registry.supported())}.",
                )
            self._import.load(module)
            if place.replaced:
                self.notice(f"the script imports {written}, which GenX has removed; {module.title} is used instead")

    def _new_namespace(self, data: Sequence[Any]) -> dict[str, Any]:
        functions: dict[str, Any] = {**(vars(builtins) if self.trust else {**BUILTINS, **rewrite.guards()})}
        functions |= {"print": self._print, "__import__": self._import}
        return {
            "__builtins__": functions,
            "__name__": SCRIPT_NAME,
            "__package__": "genx",
            "TextIO": typing.TextIO if self.trust else TextIO,
            "data": data,
            "_sim": False,
            "Sim": _zeros,
        }

    def _print(self, *values: Any, sep: str = " ", **others: Any) -> None:
        """``print`` of scripts: to stderr, because stdout is for results; not for ever."""
        self._printed += 1
        if self._printed <= _PRINTED_LINES:
            lines = str(sep).join(map(str, values)).split("\n")
            print("\n".join(explain.printable(line) for line in lines[:_PRINTED_LINES]), file=sys.stderr)
        if self._printed == _PRINTED_LINES:
            print("(more output of the script is not shown)", file=sys.stderr)

    # Running ------------------------------------------------------------------------------------------------

    def simulate(self, data: Sequence[Any], sim_flag: bool = False) -> list[np.ndarray]:
        """What ``Sim(data)`` returns.

        Parameters
        ----------
        data : the data sets.
        sim_flag : the script's ``_sim``: True for a simulation, where it also computes SLD profiles; False in
            a fit.

        Returns
        -------
        one array per data set: (n_points,), or (n_population, n_points) where a population has been set.

        Raises
        ------
        ScriptError : ``Sim`` fails, runs too long (`ScriptTimeout`), or returns something else.
        """
        simulations: list[np.ndarray] = self._run(self.limits.call, self._simulate, data, sim_flag)
        return simulations

    def _simulate(self, data: Sequence[Any], sim_flag: bool) -> list[np.ndarray]:
        self.namespace["_sim"] = sim_flag
        return _simulations(self.namespace["Sim"](data), data)

    def simulate_each(
        self, data: Sequence[Any], recorder: Recorder, n: int, prepare: Callable[[int], None], ask: Callable[[], Any]
    ) -> list[tuple[list[Any], Any] | InputError]:
        """What ``Sim(data)`` returns for each of `n` candidates, with simulations that are only recorded.

        Parameters
        ----------
        prepare : called with the number of a candidate before its ``Sim``, to set it.
        ask : called after its ``Sim``.

        Returns
        -------
        per candidate one array or `recording.Curve` per data set, and the answer of `ask`; or what went wrong.

        Raises
        ------
        ScriptTimeout : a candidate runs too long.
        """

        def simulate() -> list[Any]:
            recorder.begin()
            return self._simulate(data, False)

        def each() -> list[tuple[list[Any], Any] | InputError]:
            found: list[tuple[list[Any], Any] | InputError] = []
            for i in range(n):
                try:
                    prepare(i)
                    found.append((self._run(self.limits.call, simulate), ask()))
                except ScriptTimeout:
                    raise
                except InputError as error:
                    found.append(error)
            return found

        # The limit on memory once for all: each change of it is a call of the system.
        return memory.call(None if self.trust else self.limits.memory, each)

    def evaluate(self, expression: str) -> Any:
        """Value of a Python expression in the namespace of the script, checked as the script itself.

        Raises
        ------
        ScriptRefused : it leaves the safe subset.
        ScriptError : it is not an expression, or fails; ``where`` is the expression.
        """
        code = self._expressions.get(expression)
        if code is None:
            code = self._expressions[expression] = self._compile_expression(expression)
        return self._run(self.limits.call, eval, code, self.namespace)

    def _compile_expression(self, text: str) -> Any:
        tree = self.checked_expression(text)
        return compile(tree, "<expression>", "eval", dont_inherit=True)

    def checked_expression(self, text: str, *, as_target: bool = False) -> ast.Expression:
        """Syntax tree of an expression that may be compiled and run; errors as `evaluate`.

        Parameters
        ----------
        as_target : make it something to be assigned to.
        """
        where = f"expression {explain.printable(text, 80)!r}"
        try:
            tree = check.parse_expression(text)
        except SyntaxError as error:
            raise ScriptError(f"it is not a Python expression: {error.msg}", where=where) from None
        if as_target and isinstance(tree.body, (ast.Attribute, ast.Subscript)):
            tree.body.ctx = ast.Store()
        if not self.trust:
            analysis = check.analyse_expression(tree, names=self.namespace, known=self._known)
            if analysis.refusals:
                raise self._refused(analysis.refusals, where)
            rewrite.guard(tree, analysis.guarded)
        return tree

    def compile_setter(self, name: str) -> Callable[[Any], None]:
        """A function that sets what a row of the parameter table names, see `row_setters`.

        Raises ScriptError or ScriptRefused, with the row's name, if it names nothing or nothing that can be
        set.
        """
        mended = self._mended.row(name)
        setter = make_setter(self, mended)
        if mended != name:
            shown, new = explain.printable(name, 80), explain.printable(mended, 80)
            self.notice(f"the row {shown} of the table is mended: it is read as {new}")
        options = self._mended.options(name)
        return self._with_options(mended, setter, options) if options else setter

    def _with_options(
        self, name: str, setter: Callable[[Any], None], options: Mapping[float, str]
    ) -> Callable[[Any], None]:
        """`setter` of a row whose numbers stood for other options when its script was written."""

        def set_value(value: Any) -> None:
            option = options.get(value) if isinstance(value, float) else None
            if option is not None:
                self.notice(f"the row {explain.printable(name, 80)} of the table is mended: {value:g} is {option!r}")
            setter(value if option is None else option)

        return set_value

    def within_limits(self, function: Callable[..., Any], *args: Any, where: str | None = None) -> Any:
        """``function(*args)``, which runs code of the script, or looks at objects it has made.

        Parameters
        ----------
        where : for messages, e.g. the row of the table on whose behalf it is called; default: the script's line.

        Raises
        ------
        ScriptError : it fails, or runs too long (`ScriptTimeout`). ScriptRefused : see `evaluate`.
        """
        try:
            return self._run(self.limits.call, function, *args)
        except InputError as error:
            if where is None:
                raise
            raise type(error)(error.what, where=where, hint=error.hint) from None

    def _run(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        """Run something of the script within its limits; whatever it raises becomes an error of ours."""
        limit = None if self.trust else self.limits.memory
        self._interrupted_at = None
        try:
            # In a context of its own, so that a suspended `with errstate(…)` does not reach our arithmetic.
            run = contextvars.copy_context().run
            outcome = memory.call(limit, deadline.call, seconds, run, self._caught, function, args)
        except ScriptTimeout:
            outcome = _Failure(
                ScriptTimeout(
                    f"it was stopped after {seconds:g} s",
                    where=self.place(self._interrupted_at),
                    hint="An endless loop? A model that needs this long cannot be fitted.",
                )
            )
        except MemoryError:
            outcome = _Failure(self._out_of_memory(None))
        if type(outcome) is _Failure:
            # Outside of the except clauses: the exception there would keep all that the script has made.
            raise outcome.error
        return outcome

    def _caught(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        # Texts of the script's own exceptions are asked for here, while the clock still runs.
        notices.listen(self.notice)
        try:
            return function(*args)
        except (Exception, SystemExit) as error:
            return _Failure(self._translated(error))
        except deadline.TimeUp as error:
            self._interrupted_at = explain.line_of(error, self._filename)
            raise

    def _translated(self, error: BaseException) -> InputError:
        line = explain.line_of(error, self._filename)
        if isinstance(error, InputError):
            kind = type(error) if isinstance(error, (ScriptRefused, ScriptTimeout)) else ScriptError
            what = explain.printable(error.what, 1000)
            return kind(what, where=error.where or self.place(line), hint=error.hint)
        if isinstance(error, MemoryError):
            return self._out_of_memory(line)
        source = self.text.split("\n")[line - 1].strip() if line else ""
        what = explain.message(error) + (f", in `{explain.printable(source, 120)}`" if source else "")
        return ScriptError(what, where=self.place(line), hint=explain.hint(error, list(self.namespace)))

    def _out_of_memory(self, line: int | None) -> ScriptError:
        limit = self.limits.memory
        allowed = f"more than {limit / 2**30:g} GiB of memory" if limit else "more memory than there is"
        return ScriptError(f"it needs {allowed}", where=self.place(line))

    def place(self, line: int | None) -> str:
        """Where a line of the script is, for messages."""
        parts = [self._file, f"script line {line}" if line else "script"]
        return ", ".join(part for part in parts if part)

    def notice(self, text: str) -> None:
        """Add something a user should know about how the script was run, once."""
        if text not in self.notices:
            self.notices.append(text)


class _Failure:
    """An error of the script on its way out, so that it passes `deadline.call` as a value."""

    __slots__ = ("error",)

    def __init__(self, error: InputError) -> None:
        self.error = error


def _zeros(data: Sequence[Any]) -> list[np.ndarray]:
    """``Sim`` of a script that has none."""
    return [0.0 * dataset.x for dataset in data]


def _simulations(result: Any, data: Sequence[Any]) -> list[np.ndarray]:
    if result is None:
        raise ScriptError("Sim returned nothing", hint="Does it end with `return I`?")
    if not isinstance(result, (list, tuple, np.ndarray)):
        raise ScriptError(f"Sim must return a list of arrays, not a {type(result).__name__}")
    if len(result) != len(data):
        raise ScriptError(f"Sim returned {len(result)} simulations for {len(data)} data sets")
    return [_simulation(item, i, len(dataset.x)) for i, (item, dataset) in enumerate(zip(result, data, strict=True))]


def _simulation(item: Any, i: int, n_points: int) -> Any:
    if type(item) is Curve and len(item) == n_points:
        return item
    array = item if type(item) is np.ndarray else np.asarray(item)
    if array.dtype.kind not in "fciub":
        raise ScriptError(f"Sim returned something for data set {i} that is not an array of numbers")
    if array.ndim == 0:
        return np.full(n_points, array)
    if array.ndim > 2 or array.shape[-1] != n_points:
        shape = " × ".join(map(str, array.shape))
        raise ScriptError(f"Sim returned {shape} points for data set {i}, which has {n_points}")
    return array
