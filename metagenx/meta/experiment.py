"""An experiment: which file, which settings may be tried, what counts as success, how much may be spent.

``model: {file: film.hgx}`` alone is a valid experiment; all else has defaults
(:mod:`~metagenx.meta.experiment_schema`). All mistakes of a file are found in one pass, with their lines.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from metagenx.errors import ConfigError, InputError, Mistake
from metagenx.meta.experiment_schema import (
    DEFAULT_EVALUATIONS,
    DEFAULT_SPACE,
    BudgetSection,
    ExperimentFile,
    RunSection,
    TestSection,
    TuneSection,
)
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_file import load_space, space_from
from metagenx.meta.targets import Target
from metagenx.meta.yaml_lines import Document, KeyPath, dotted, parse_value, read_yaml

MODEL_SUFFIXES = (".hgx", ".gx")
ONLY_SAMPLE = "data"

# What changes no number of a run: a run is resumed although these differ.
NOT_IN_HASH = ("name", "description", "run")


@dataclass(frozen=True)
class Sample:
    """One measurement to be fitted: ``data`` if there is one file, else the stem of its file.

    ``function`` is the name of a function in a Python file that makes the problem; None for a GenX file.
    """

    name: str
    file: Path
    sha256: str
    function: str | None = None


@dataclass(frozen=True)
class Experiment:
    """A validated experiment: everything resolved, nothing left to guess.

    ``fom`` None keeps the figure of merit of the file. ``source`` is the YAML file, if there is one. The
    sections are those of :mod:`~metagenx.meta.experiment_schema`; in ``budget`` at least one limit is set.
    """

    name: str
    description: str
    samples: tuple[Sample, ...]
    fom: str | None
    baseline: str
    space: SearchSpace
    test: TestSection
    tune: TuneSection
    seed: int
    budget: BudgetSection
    run: RunSection
    source: Path | None = None

    @property
    def target(self) -> Target:
        """What counts as success."""
        return Target(within=self.test.success.fom_within, below=self.test.success.fom_below)

    def resolved(self) -> dict[str, Any]:
        """Everything as plain values, quantities normalised: goes into the manifest."""
        return {
            "version": 1,
            "name": self.name,
            "description": self.description,
            "model": {
                "files": {s.name: _described(s) for s in self.samples},
                "fom": self.fom or "keep",
            },
            "baseline": self.baseline,
            "search_space": {"name": self.space.name, **self.space.to_json()},
            "test": dataclasses.asdict(self.test),
            "tune": dataclasses.asdict(self.tune),
            "seed": self.seed,
            "budget": dataclasses.asdict(self.budget),
            "run": dataclasses.asdict(self.run),
        }

    @cached_property
    def _hash(self) -> str:
        content = {key: value for key, value in self.resolved().items() if key not in NOT_IN_HASH}
        files = {s.name: s.sha256 + (f":{s.function}" if s.function else "") for s in self.samples}
        content["model"] = {"files": files, "fom": self.fom or "keep"}
        content["search_space"] = self.space.to_json()
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def hash(self) -> str:
        """SHA-256 of all that decides the numbers: equal hashes mean the same run, which can be resumed.

        The content of the model files counts, not where they lie; name, description and workers do not count.
        """
        return self._hash


def _described(sample: Sample) -> dict[str, str]:
    found = {"file": str(sample.file), "sha256": sample.sha256}
    return {**found, "function": sample.function} if sample.function else found


def load_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Load an experiment file; a .hgx or .gx file stands for the experiment with all defaults.

    Parameters
    ----------
    overrides : ``"tune.trials=20"``, as given to ``--set``. Files named there are looked for in the current
        folder first, those in the YAML file beside it.

    Raises
    ------
    FileFormatError : the file cannot be read.
    ConfigError : mistakes, all listed with file, line and a suggestion.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in MODEL_SUFFIXES:
        return experiment_for(path, overrides)
    return _Loader(read_yaml(path), path, overrides).experiment()


def experiment_for(file: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment with all defaults for a GenX file; raises as :func:`load_experiment`."""
    path = Path(file).expanduser()
    document = Document(str(path), {"model": {"file": path.name}})
    return _Loader(document, None, overrides, folder=path.parent).experiment()


class _Loader:
    """One pass over an experiment file: merge the overrides, validate, resolve, collect mistakes."""

    def __init__(
        self, document: Document, source: Path | None, overrides: Sequence[str], folder: Path | None = None
    ) -> None:
        self.document, self.source = document, source
        self.folder = folder if folder is not None else Path(document.file).parent
        self.mistakes = list(document.mistakes)
        self.overridden: list[KeyPath] = []
        self.data = _without_empty(document.data)
        for text in overrides:
            self._override(text)

    def experiment(self) -> Experiment:
        parsed = self._validated()
        space = self._space()
        samples = self._samples()
        self._check_fom()
        if self.mistakes or parsed is None or space is None:
            raise ConfigError(self.document.file, sorted(self.mistakes, key=lambda m: m.line or 0))
        budget = parsed.budget
        if budget.evaluations is None and budget.hours is None:
            budget = dataclasses.replace(budget, evaluations=DEFAULT_EVALUATIONS)
        return Experiment(
            name=parsed.name or self._default_name(samples),
            description=parsed.description,
            samples=samples,
            fom=None if parsed.model.fom == "keep" else parsed.model.fom,
            baseline=parsed.baseline,
            space=space,
            test=parsed.test,
            tune=parsed.tune,
            seed=parsed.seed,
            budget=budget,
            run=parsed.run,
            source=self.source,
        )

    # ------------------------------------------------------------------------------------------------------
    # Mistakes

    def _is_overridden(self, path: KeyPath) -> bool:
        if any(path[: len(key)] == key for key in self.overridden):
            return True
        return path not in self.document.lines and any(key[: len(path)] == path for key in self.overridden)

    def _mistake(self, path: KeyPath, message: str, suggestion: str | None = None) -> None:
        is_option = self._is_overridden(path)
        shown = f"--set {dotted(path)}" if is_option else dotted(path)
        if any(mistake.path == shown for mistake in self.mistakes):
            return  # the first is the cause, the next its consequence
        line = None if is_option else self.document.line(path)
        self.mistakes.append(Mistake(shown, message, line, suggestion))

    # ------------------------------------------------------------------------------------------------------
    # Options of the command line

    def _override(self, text: str) -> None:
        key, equals, value = text.partition("=")
        path: KeyPath = tuple(part.strip() for part in key.split("."))
        if not equals or not all(re.fullmatch(r"\w[\w-]*", str(part)) for part in path):
            self.mistakes.append(Mistake(f"--set {text}", "must be such as tune.trials=20"))
            return
        self.overridden.append(path)
        try:
            parsed = parse_value(value, text)
        except ConfigError as error:
            self.mistakes += [Mistake(f"--set {text}", m.message) for m in error.mistakes]
            return
        section = self.data
        for depth, part in enumerate(path[:-1]):
            inner = section.setdefault(str(part), {})
            if not isinstance(inner, dict):
                self._mistake(path, f"{dotted(path[: depth + 1])} has no keys of its own")
                return
            section = inner
        if path in (("model", "file"), ("model", "files"), ("model", "function")):
            for key in ("file", "files", "function"):
                section.pop(key, None)
        if parsed is None:
            section.pop(str(path[-1]), None)  # "key=" goes back to the default
        else:
            section[str(path[-1])] = _without_empty(parsed) if isinstance(parsed, dict) else parsed

    # ------------------------------------------------------------------------------------------------------
    # Keys, types, ranges

    def _validated(self) -> ExperimentFile | None:
        try:
            return TypeAdapter(ExperimentFile).validate_python(self.data)
        except ValidationError as error:
            for item in error.errors():
                self._pydantic_mistake(item)
            return None

    def _pydantic_mistake(self, item: Mapping[str, Any]) -> None:
        path = tuple(part for part in item["loc"] if isinstance(part, str | int))
        kind, context = item["type"], item.get("ctx", {})
        if kind == "unexpected_keyword_argument":
            self._mistake(path, "is an unknown key", _similar_key(path))
        elif kind == "missing":
            self._mistake(path, "is missing" + ("; it names the .hgx or .gx file" if path == ("model",) else ""))
        elif kind == "literal_error":
            allowed = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
            close = difflib.get_close_matches(str(item["input"]), allowed, n=1, cutoff=0.4)
            known = f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
            self._mistake(path, f'"{item["input"]}" must be {known}', close[0] if close else None)
        elif kind == "value_error":
            self._mistake(path, str(context["error"]))
        elif kind in ("dataclass_type", "dataclass_exact_type"):
            self._mistake(path, 'must be a section of "key: value" lines')
        elif kind in _LIMITS:
            word, name = _LIMITS[kind]
            self._mistake(path, f"is {item['input']}, it must be {word} {context[name]:g}")
        elif kind.startswith(("float", "int")):
            self._mistake(path, f'"{item["input"]}" is not a number')
        else:
            self._mistake(path, item["msg"])

    # ------------------------------------------------------------------------------------------------------
    # What lies in other files

    def _space(self) -> SearchSpace | None:
        path: KeyPath = ("search_space",)
        value = self.data.get("search_space", DEFAULT_SPACE)
        try:
            if isinstance(value, dict):
                return space_from(value, self.document, path, self.folder)
            if isinstance(value, str):
                return load_space(value, self._folder_of(path, value))
            self._mistake(path, "must be the name of a search space, a file, or a section")
        except ConfigError as error:
            if isinstance(value, dict):
                self.mistakes += error.mistakes
                return None
            for inner in error.mistakes:
                line = f":{inner.line}" if inner.line else ""
                shown = f"{Path(error.file).name}{line} {inner.path}"
                self.mistakes.append(Mistake(shown, inner.message, self.document.line(path), inner.suggestion))
        except InputError as error:
            self._mistake(path, ". ".join(filter(None, (error.what, error.hint))))
        return None

    def _folder_of(self, path: KeyPath, name: str) -> Path:
        """Files named on the command line are looked for in the current folder first."""
        if self._is_overridden(path) and (Path.cwd() / Path(name).expanduser()).exists():
            return Path.cwd()
        return self.folder

    def _samples(self) -> tuple[Sample, ...]:
        model = self.data.get("model")
        if not isinstance(model, dict):
            return ()
        files = model.get("files")
        named: list[tuple[KeyPath, str]]
        given = [key for key in ("file", "files", "function") if key in model]
        if len(given) > 1:
            self._mistake(("model", given[1]), f"does not go with model.{given[0]}; give one of them")
            return ()
        if isinstance(model.get("function"), str):
            return self._function(model["function"])
        if isinstance(files, list):
            named = [(("model", "files", i), name) for i, name in enumerate(files) if isinstance(name, str)]
        elif isinstance(model.get("file"), str | int | float):
            named = [(("model", "file"), str(model["file"]))]
        else:
            if not given:
                self._mistake(("model",), "has no file; it names the .hgx or .gx file to be fitted")
            return ()
        found = [self._sample_file(path, name) for path, name in named]
        names = _sample_names([file for file in found if file is not None])
        samples = []
        for (path, _), file in zip(named, found, strict=True):
            if file is not None:
                try:
                    content = file.read_bytes()
                except OSError as error:
                    self._mistake(path, f"{file} cannot be read: {error.strerror}")
                    continue
                samples.append(Sample(next(names), file, hashlib.sha256(content).hexdigest()))
        return tuple(samples)

    def _function(self, text: str) -> tuple[Sample, ...]:
        path: KeyPath = ("model", "function")
        place, _, function = text.rpartition(":")
        if not place.endswith(".py") or not function.isidentifier():
            self._mistake(path, f'"{text}" must be such as problem.py:name')
            return ()
        file = self._folder_of(path, place) / Path(place).expanduser()
        try:
            content = file.read_bytes()
        except OSError as error:
            self._mistake(path, f"{file} cannot be read: {error.strerror}")
            return ()
        return (Sample(ONLY_SAMPLE, file, hashlib.sha256(content).hexdigest(), function),)

    def _sample_file(self, path: KeyPath, name: str) -> Path | None:
        file = self._folder_of(path, name) / Path(name).expanduser()
        if file.is_file():
            return file
        if file.is_dir():
            self._mistake(path, f"{file} is a folder, not a GenX file")
            return None
        close: list[str] = []
        if file.parent.is_dir():
            near = [entry.name for entry in file.parent.iterdir() if entry.suffix.lower() in MODEL_SUFFIXES]
            close = difflib.get_close_matches(file.name, near, n=1)
        self._mistake(path, f"there is no file {file}", close[0] if close else None)
        return None

    def _check_fom(self) -> None:
        model = self.data.get("model")
        name = model.get("fom", "keep") if isinstance(model, dict) else "keep"
        if name == "keep" or not isinstance(name, str):
            return
        from metagenx.genx.fom import check_name

        try:
            check_name(name)
        except InputError as error:
            self._mistake(("model", "fom"), ". ".join(filter(None, (error.what, error.hint))))

    def _default_name(self, samples: Sequence[Sample]) -> str:
        chosen = self.source is None or self._is_overridden(("model", "file"))
        stem = samples[0].file.stem if chosen or self.source is None else self.source.stem
        return re.sub(r"[^\w.+-]+", "-", stem).strip("-. ")[:64] or "experiment"


_LIMITS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    """Keys without a value fall back to their defaults; those of a search space mean something."""
    result: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            result[key] = value if key == "search_space" else _without_empty(value)
        elif value is not None:
            result[key] = value
    return result


def _sample_names(files: Sequence[Path]) -> Iterator[str]:
    """``data`` for one file; for several their stems, numbered where they are alike."""
    if len(files) == 1:
        yield ONLY_SAMPLE
        return
    seen: dict[str, int] = {}
    for file in files:
        seen[file.stem] = seen.get(file.stem, 0) + 1
        yield file.stem if seen[file.stem] == 1 else f"{file.stem}-{seen[file.stem]}"


def _known_keys() -> dict[str, list[str]]:
    """Section (dotted, ``""`` at the top) → its keys."""
    sections: dict[str, list[str]] = {}

    def walk(kind: type, prefix: str) -> None:
        hints = get_type_hints(kind)
        sections[prefix] = list(hints)
        for name, hint in hints.items():
            if dataclasses.is_dataclass(hint):
                walk(hint, f"{prefix}.{name}" if prefix else name)  # type: ignore[arg-type]

    walk(ExperimentFile, "")
    return sections


def _similar_key(path: KeyPath) -> str | None:
    """The key that was probably meant: in the same section, or anywhere else, then with its section."""
    sections, name = _known_keys(), str(path[-1])
    here = dotted(path[:-1]) if len(path) > 1 else ""
    close = difflib.get_close_matches(name, sections.get(here, []), n=1)
    if close:
        return close[0]
    elsewhere = {key: f"{section}.{key}" if section else key for section, keys in sections.items() for key in keys}
    close = difflib.get_close_matches(name, elsewhere, n=1, cutoff=0.75)
    return elsewhere[close[0]] if close else None
