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
    automatic: true                # the part that is searched defines itself; not inherited

The names are those of :class:`~metagenx.fitting.settings.Settings`.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.meta import quantities
from metagenx.meta.conditions import Condition, condition
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.parameters import Value
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_checks import check_space
from metagenx.meta.space_forms import DE, Vocabulary, is_legal, read_parameter
from metagenx.meta.yaml_lines import Document, KeyPath, read_yaml

KEYS = ("version", "algorithm", "description", "extends", "automatic", "parameters", "fixed", "forbid")
LONGEST_CHAIN = 8
TUNER = "tuner"  # the space of the tuner's own settings lies beside them, but is none of the fit's


def built_in_folder() -> Path:
    """Where the built-in spaces are: inside an installed package, or ``search_spaces/`` of the repository."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "search_spaces"
    return installed if installed.is_dir() else package.parent / "search_spaces"


def built_in_spaces() -> dict[str, Path]:
    """Name → file of the built-in search spaces."""
    found = {path.stem: path for path in sorted(built_in_folder().glob("*.yaml"))}
    return {name: path for name, path in found.items() if name != TUNER}


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


def load_space(name: str | Path, folder: Path | None = None, vocabulary: Vocabulary = DE) -> SearchSpace:
    """Load a built-in search space by name, or a file; relative paths start from ``folder``.

    ``vocabulary`` says of what settings: those of a fit, unless told otherwise.

    Raises
    ------
    InputError : there is no such space.
    ConfigError : mistakes, all listed with their lines; those of an inherited file under its own name.
    """
    return _SpaceReader(read_yaml(find_space(str(name), folder or Path.cwd())), (), vocabulary=vocabulary).space()


def space_from(data: dict[str, Any], document: Document, prefix: KeyPath, folder: Path) -> SearchSpace:
    """A search space written inside another file, below the key path ``prefix``; raises as load_space."""
    lines = {path[len(prefix) :]: n for path, n in document.lines.items() if path[: len(prefix)] == prefix}
    inner = Document(document.file, data, lines)
    return _SpaceReader(inner, (), folder=folder, prefix=prefix).space()


class _SpaceReader:
    """Reads one file and what it extends, and collects mistakes."""

    def __init__(
        self,
        document: Document,
        chain: tuple[str, ...],
        *,
        folder: Path | None = None,
        prefix: KeyPath = (),
        vocabulary: Vocabulary = DE,
    ) -> None:
        self.document, self.chain, self.vocabulary = document, chain, vocabulary
        self.folder = folder or Path(document.file).parent
        self.mistakes = Mistakes(document, prefix)

    def space(self) -> SearchSpace:
        data = self.document.data
        self._check_keys(data)
        searched, kept = self._section(data, "parameters"), self._section(data, "fixed")
        parent = self._parent(data.get("extends"))
        parameters, when = dict(parent.parameters), dict(parent.when)
        for name, spec in searched.items():
            parameters.pop(name, None)
            when.pop(name, None)
            if spec is None:
                if name not in parent.parameters:
                    self.mistakes.add(("parameters", name), "is not inherited, so it cannot be removed")
                continue
            parameter = read_parameter(name, spec, self.mistakes, self.vocabulary)
            if parameter is not None:
                parameters[name] = parameter
                when[name] = self._conditions(("parameters", name, "when"), spec.get("when"))
        fixed = {name: value for name, value in parent.fixed.items() if name not in searched} | self._fixed(kept)
        for name in kept:
            if searched.get(name) is not None:
                message = "is among the parameters too; it is searched or fixed, not both"
                self.mistakes.add(("fixed", name), message)
        for name in fixed:
            parameters.pop(name, None)
            when.pop(name, None)
        forbid = (*parent.forbid, *self._forbid(data.get("forbid")))
        space = SearchSpace(parameters, when, forbid, fixed, Path(self.document.file).name, self._automatic(data))
        written = [name for name, value in {**searched, **kept}.items() if value is not None]
        check_space(space, self.mistakes, n_inherited=len(parent.forbid), written=written)
        if self.mistakes:
            raise self.mistakes.error()
        return space

    def _check_keys(self, data: Mapping[str, Any]) -> None:
        for key in data:
            if key not in KEYS:
                self.mistakes.unknown((key,), key, KEYS, "is an unknown key")
        if data.get("version", 1) != 1:
            self.mistakes.add(("version",), f"is {data['version']}; this metagenx knows version 1")
        if data.get("algorithm", "de") != self.vocabulary.algorithm:
            message = f'is "{data.get("algorithm", "de")}"; here it must be {self.vocabulary.algorithm}'
            self.mistakes.add(("algorithm",), message)

    def _automatic(self, data: Mapping[str, Any]) -> bool:
        try:
            return quantities.flag(data.get("automatic", False))
        except ValueError as error:
            self.mistakes.add(("automatic",), str(error))
            return False

    def _section(self, data: Mapping[str, Any], key: str) -> dict[str, Any]:
        section = data.get(key)
        if section is None or isinstance(section, dict):
            return section or {}
        self.mistakes.add((key,), 'must consist of "name: value" lines')
        return {}

    def _parent(self, name: object) -> SearchSpace:
        nothing = SearchSpace({}, {}, (), {})
        if name is None:
            return nothing
        if not isinstance(name, str):
            self.mistakes.add(("extends",), "is not the name of a search space")
            return nothing
        chain = (*self.chain, str(Path(self.document.file).resolve()))
        try:
            path = find_space(name, self.folder)
            if str(path.resolve()) in chain or len(chain) > LONGEST_CHAIN:
                self.mistakes.add(("extends",), "leads back to this file")
                return nothing
            return _SpaceReader(read_yaml(path), chain, vocabulary=self.vocabulary).space()
        except InputError as error:
            self.mistakes.include(("extends",), error)
        return nothing

    def _fixed(self, fixed: Mapping[str, Any]) -> dict[str, Value]:
        from metagenx.fitting.settings import describe

        switches = {option.name for option in describe() if option.kind is bool}
        good: dict[str, Value] = {}
        for name, value in fixed.items():
            if name in switches and isinstance(value, str):
                with contextlib.suppress(ValueError):  # said below, in the setting's own words
                    value = quantities.flag(value)
            if is_legal(("fixed", name), name, value, self.mistakes, self.vocabulary):
                good[name] = value
        return good

    def _conditions(self, path: KeyPath, clause: object) -> tuple[Condition, ...]:
        if clause is None:
            return ()
        if not isinstance(clause, dict) or not clause:
            self.mistakes.add(path, "must be such as {create_trial: jade_best}")
            return ()
        result = []
        for name, text in clause.items():
            try:
                result.append(condition(name, text))
            except ValueError as error:
                self.mistakes.add((*path, name), str(error))
        return tuple(result)

    def _forbid(self, clauses: object) -> list[tuple[Condition, ...]]:
        if clauses is None:
            return []
        if not isinstance(clauses, list):
            self.mistakes.add(("forbid",), 'must be a list, such as - {create_trial: rand_1_bin, km: "< 0.35"}')
            return []
        return [self._conditions(("forbid", index), clause or []) for index, clause in enumerate(clauses)]
