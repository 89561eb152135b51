"""Search spaces as YAML files: the built-in ones and the user's; all mistakes in one pass.

::

    version: 1
    extends: de-core.yaml          # optional: a built-in name or a file beside this one
    parameters:
      km: {float: [0.3, 1.0]}                        # float, int: [low, high], optional log, step
      create_trial: {choice: [best_1_bin, jade_best]}   # choice, grid: a list of values
      c: {float: [0.01, 0.3], log: true, when: {create_trial: jade_best}}
      pop_mult: null                                 # removes an inherited parameter
    fixed: {use_start_guess: false}
    forbid:
      - {create_trial: rand_1_bin, km: "< 0.35"}

The names are those of :class:`~metagenx.fitting.settings.Settings`.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from metagenx.errors import ConfigError, InputError, Mistake
from metagenx.meta import quantities
from metagenx.meta.conditions import Condition, condition
from metagenx.meta.parameters import ChoiceParameter, FloatParameter, IntParameter, Parameter, Value
from metagenx.meta.space import SearchSpace
from metagenx.meta.yaml_lines import Document, KeyPath, dotted, read_yaml

KEYS = ("version", "algorithm", "description", "extends", "parameters", "fixed", "forbid")
FORMS = ("float", "int", "choice", "grid")
LONGEST_CHAIN = 8


def built_in_folder() -> Path:
    """Where the built-in spaces are: inside an installed package, or ``search_spaces/`` of the repository."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "search_spaces"
    return installed if installed.is_dir() else package.parent / "search_spaces"


def built_in_spaces() -> dict[str, Path]:
    """Name → file of the built-in search spaces."""
    return {path.stem: path for path in sorted(built_in_folder().glob("*.yaml"))}


def find_space(name: str, folder: Path) -> Path:
    """The file of a search space: a built-in name, or a path relative to ``folder``.

    Raises
    ------
    InputError : neither exists.
    """
    built_in = built_in_spaces()
    if name in built_in:
        return built_in[name]
    path = folder / Path(name).expanduser()
    if path.is_file():
        return path
    if path.name.removesuffix(".yaml") in built_in and path.parent == folder:
        return built_in[path.name.removesuffix(".yaml")]
    close = difflib.get_close_matches(Path(name).stem, built_in, n=1)
    raise InputError(
        f"there is no search space {name}",
        hint=f"Built in are {', '.join(built_in)}." + (f" Did you mean {close[0]}?" if close else ""),
    )


def load_space(name: str | Path, folder: Path | None = None) -> SearchSpace:
    """Load a built-in search space by name, or a file; relative paths start from ``folder``.

    Raises
    ------
    InputError : there is no such space.
    ConfigError : mistakes, all listed with their lines; those of an inherited file under its own name.
    """
    return _SpaceReader(read_yaml(find_space(str(name), folder or Path.cwd())), ()).space()


def space_from(data: dict[str, Any], document: Document, prefix: KeyPath, folder: Path) -> SearchSpace:
    """A search space written inside another file, below the key path ``prefix``; raises as load_space."""
    lines = {path[len(prefix) :]: n for path, n in document.lines.items() if path[: len(prefix)] == prefix}
    inner = Document(document.file, data, lines)
    return _SpaceReader(inner, (), folder=folder, shown=prefix).space()


class _SpaceReader:
    """Reads one file and what it extends, and collects mistakes."""

    def __init__(
        self, document: Document, chain: tuple[str, ...], *, folder: Path | None = None, shown: KeyPath = ()
    ) -> None:
        self.document, self.chain, self.shown = document, chain, shown
        self.folder = folder or Path(document.file).parent
        self.mistakes = list(document.mistakes)

    def space(self) -> SearchSpace:
        data = self.document.data
        self._check_keys(data)
        parent = self._parent(data.get("extends"))
        parameters, when = dict(parent.parameters), dict(parent.when)
        for name, spec in self._section(data, "parameters").items():
            parameters.pop(name, None)
            when.pop(name, None)
            if spec is None:
                if name not in parent.parameters:
                    self._mistake(("parameters", name), "is not inherited, so it cannot be removed")
                continue
            parameter = self._parameter(name, spec)
            if parameter is not None:
                parameters[name] = parameter
                when[name] = self._conditions(("parameters", name, "when"), spec.get("when"))
        fixed = {k: v for k, v in parent.fixed.items() if k not in self._section(data, "parameters")}
        fixed.update(self._fixed(self._section(data, "fixed")))
        for name in self._section(data, "fixed"):
            if self._section(data, "parameters").get(name) is not None:
                self._mistake(("fixed", name), "is among the parameters too; it is searched or fixed, not both")
        for name in fixed:
            parameters.pop(name, None)
            when.pop(name, None)
        forbid = self._forbid(data.get("forbid"))
        space = SearchSpace(parameters, when, (*parent.forbid, *forbid), fixed, self._name)
        self._check(space, n_inherited=len(parent.forbid))
        if self.mistakes:
            raise ConfigError(self.document.file, self._sorted())
        return space

    @property
    def _name(self) -> str:
        return Path(self.document.file).name

    def _sorted(self) -> list[Mistake]:
        return sorted(self.mistakes, key=lambda mistake: mistake.line or 0)

    def _mistake(self, path: KeyPath, message: str, suggestion: str | None = None) -> None:
        shown = dotted((*self.shown, *path))
        self.mistakes.append(Mistake(shown, message, self.document.line(path), suggestion))

    def _unknown(self, path: KeyPath, name: str, known: Iterable[str], message: str) -> None:
        close = difflib.get_close_matches(name, list(known), n=1)
        self._mistake(path, message, close[0] if close else None)

    # ------------------------------------------------------------------------------------------------------
    # The file's own keys

    def _check_keys(self, data: Mapping[str, Any]) -> None:
        for key in data:
            if key not in KEYS:
                self._unknown((key,), key, KEYS, "is an unknown key")
        if data.get("version", 1) != 1:
            self._mistake(("version",), f"is {data['version']}; this metagenx knows version 1")
        if data.get("algorithm", "de") != "de":
            self._mistake(("algorithm",), f'is "{data["algorithm"]}"; only de is there yet')

    def _section(self, data: Mapping[str, Any], key: str) -> dict[str, Any]:
        section = data.get(key)
        if section is None or isinstance(section, dict):
            return section or {}
        if not any(mistake.path == dotted((*self.shown, key)) for mistake in self.mistakes):
            self._mistake((key,), 'must consist of "name: value" lines')
        return {}

    def _parent(self, name: object) -> SearchSpace:
        nothing = SearchSpace({}, {}, (), {})
        if name is None:
            return nothing
        if not isinstance(name, str):
            self._mistake(("extends",), "is not the name of a search space")
            return nothing
        chain = (*self.chain, str(Path(self.document.file).resolve()))
        try:
            path = find_space(name, self.folder)
            if str(path.resolve()) in chain or len(chain) > LONGEST_CHAIN:
                self._mistake(("extends",), "leads back to this file")
                return nothing
            return _SpaceReader(read_yaml(path), chain).space()
        except ConfigError as error:
            for inner in error.mistakes:
                line = f":{inner.line}" if inner.line else ""
                shown = f"{Path(error.file).name}{line} {inner.path}"
                at = self.document.line(("extends",))
                self.mistakes.append(Mistake(shown, inner.message, at, inner.suggestion))
        except InputError as error:
            self._mistake(("extends",), ". ".join(filter(None, (error.what, error.hint))))
        return nothing

    def _fixed(self, fixed: Mapping[str, Any]) -> dict[str, Value]:
        from metagenx.fitting.settings import describe

        known = {option.name: option for option in describe()}
        good: dict[str, Value] = {}
        for name, value in fixed.items():
            if name in known and known[name].kind is bool and isinstance(value, str):
                with contextlib.suppress(ValueError):  # said below, in the setting's own words
                    value = quantities.flag(value)
            if self._check_setting(("fixed", name), name, value):
                good[name] = value
        return good

    def _check_setting(self, path: KeyPath, name: str, value: Any) -> bool:
        from metagenx.fitting.settings import mistakes_in

        found = mistakes_in({name: value})
        for mistake in found:
            self._mistake(path, mistake.message, mistake.suggestion)
        return not found

    # ------------------------------------------------------------------------------------------------------
    # Parameters

    def _parameter(self, name: str, spec: object) -> Parameter | None:
        from metagenx.fitting.settings import describe

        path: KeyPath = ("parameters", name)
        option = {option.name: option for option in describe()}.get(name)
        if option is None:
            self._unknown(path, name, (o.name for o in describe()), "is not a setting of the fit")
            return None
        if not isinstance(spec, dict):
            self._mistake(path, "must be such as {float: [0.3, 1.0]} or {choice: [a, b]}")
            return None
        forms = [key for key in spec if key in FORMS]
        for key in spec:
            if key not in (*FORMS, "log", "step", "when"):
                self._unknown((*path, key), key, (*FORMS, "log", "step", "when"), "is an unknown key")
        if len(forms) != 1:
            self._mistake(path, f"must have one of {', '.join(FORMS)}")
            return None
        form = forms[0]
        if form in ("choice", "grid"):
            for key in ("log", "step"):
                if key in spec:
                    self._mistake((*path, key), f"has no meaning for a {form}")
            return self._choice(name, spec[form], (*path, form), is_grid=form == "grid")
        if option.kind not in (int, float):
            self._mistake(
                (*path, form),
                f"is not a number; use choice: [{', '.join(option.choices or ('true', 'false'))}]",
            )
            return None
        if form == "float" and option.kind is int:
            self._mistake((*path, form), "is counted in whole numbers; use int: [low, high]")
            return None
        return self._range(name, spec, form)

    def _choice(self, name: str, values: object, path: KeyPath, *, is_grid: bool) -> Parameter | None:
        if not isinstance(values, list) or not values:
            self._mistake(path, "must be a list of values, such as [a, b]")
            return None
        good = [self._check_setting((*path, index), name, value) for index, value in enumerate(values)]
        if len({repr(value) for value in values}) < len(values):
            self._mistake(path, "has a value twice")
            return None
        return ChoiceParameter(tuple(values), is_grid) if all(good) else None

    def _range(self, name: str, spec: Mapping[str, Any], form: str) -> Parameter | None:
        path: KeyPath = ("parameters", name, form)
        ends = spec[form]
        if not (isinstance(ends, list) and len(ends) == 2 and all(_is_number(end) for end in ends)):
            self._mistake(path, "must be two numbers, [low, high]")
            return None
        if form == "int" and any(end != int(end) for end in ends):
            self._mistake(path, "must be two whole numbers")
            return None
        good = [self._check_setting((*path, index), name, int(end) if form == "int" else end)
                for index, end in enumerate(ends)]  # fmt: skip
        low, high = ends
        if low >= high:
            self._mistake(path, f"must rise: {low:g} is not below {high:g}; a single value belongs to fixed")
            return None
        log, step = self._log(spec, path[:-1]), spec.get("step")
        if log and low <= 0:
            self._mistake(path, "must start above 0 with log")
            return None
        if step is not None and not (_is_number(step) and 0 < step <= high - low):
            self._mistake((*path[:-1], "step"), f"must be a number above 0 and at most {high - low:g}")
            return None
        if step is not None and form == "int" and step != int(step):
            self._mistake((*path[:-1], "step"), "must be a whole number")
            return None
        if step is not None and log:
            self._mistake((*path[:-1], "step"), "does not go with log")
            return None
        if not all(good):
            return None
        if form == "int":
            return IntParameter(int(low), int(high), log, int(step or 1))
        return FloatParameter(float(low), float(high), log, None if step is None else float(step))

    def _log(self, spec: Mapping[str, Any], path: KeyPath) -> bool:
        try:
            return quantities.flag(spec.get("log", False))
        except ValueError as error:
            self._mistake((*path, "log"), str(error))
            return False

    # ------------------------------------------------------------------------------------------------------
    # Conditions

    def _conditions(self, path: KeyPath, clause: object) -> tuple[Condition, ...]:
        if clause is None:
            return ()
        if not isinstance(clause, dict) or not clause:
            self._mistake(path, "must be such as {create_trial: jade_best}")
            return ()
        result = []
        for name, text in clause.items():
            try:
                result.append(condition(name, text))
            except ValueError as error:
                self._mistake((*path, name), str(error))
        return tuple(result)

    def _forbid(self, clauses: object) -> list[tuple[Condition, ...]]:
        if clauses is None:
            return []
        if not isinstance(clauses, list):
            self._mistake(("forbid",), 'must be a list, such as - {create_trial: rand_1_bin, km: "< 0.35"}')
            return []
        return [self._conditions(("forbid", index), clause or []) for index, clause in enumerate(clauses)]

    # ------------------------------------------------------------------------------------------------------
    # The space as a whole

    def _check(self, space: SearchSpace, n_inherited: int) -> None:
        if not space.parameters:
            if not self.mistakes:
                self._mistake(("parameters",), "has nothing to search")
            return
        for name, conditions in space.when.items():
            for item in conditions:
                self._check_condition(space, ("parameters", name, "when", item.name), item)
            if self._depends_on_itself(space, name):
                self._mistake(("parameters", name, "when"), "depends on itself")
        for index, clause in enumerate(space.forbid):
            for item in clause:
                self._check_condition(space, ("forbid", index - n_inherited, item.name), item)
        if not self.mistakes:
            self._check_something_allowed(space)

    def _check_condition(self, space: SearchSpace, path: KeyPath, item: Condition) -> None:
        parameter = space.parameters.get(item.name)
        if parameter is None:
            written = {
                **self._section(self.document.data, "parameters"),
                **self._section(self.document.data, "fixed"),
            }
            if item.name not in space.fixed and written.get(item.name) is None:  # else: said already
                known = sorted({*space.parameters, *space.fixed, *written})
                self._unknown(path, item.name, known, "is neither searched nor fixed here")
            return
        if isinstance(parameter, ChoiceParameter):
            if item.is_order and not all(_is_number(value) for value in parameter.values):
                self._mistake(path, f'compares "{item.name}" by size, which has no order')
                return
            for value in item.values:
                if not item.is_order and not parameter.contains(value):
                    close = difflib.get_close_matches(str(value), map(str, parameter.values), n=1, cutoff=0.4)
                    self._mistake(path, f'"{value}" is not among its values', close[0] if close else None)
        elif not all(_is_number(value) for value in item.values):
            self._mistake(path, f"{item.name} is a number, {item.values[0]!r} is not")

    def _depends_on_itself(self, space: SearchSpace, name: str) -> bool:
        seen: set[str] = set()
        todo = [item.name for item in space.when.get(name, ())]
        while todo:
            other = todo.pop()
            if other == name:
                return True
            if other not in seen:
                seen.add(other)
                todo += [item.name for item in space.when.get(other, ())]
        return False

    def _check_something_allowed(self, space: SearchSpace) -> None:
        import numpy as np

        try:
            space.sample(np.random.default_rng(0))
        except InputError:
            self._mistake(("forbid",), "forbids everything, or next to it")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
