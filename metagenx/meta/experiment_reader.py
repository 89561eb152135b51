"""Reads an experiment file: merges the command line's options, validates, finds the files, collects mistakes."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from metagenx.errors import ConfigError, InputError, Mistake
from metagenx.genx.loaders.requests import DataRequest, requests_from_value
from metagenx.genx.loaders.source import read_source
from metagenx.meta.experiment_schema import DEFAULT_PROFILE, DEFAULT_SPACE, ExperimentFile
from metagenx.meta.given_settings import read_settings
from metagenx.meta.goals import AT_EQUAL_LENGTH
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.profile import Profile, load_profile, profile_from
from metagenx.meta.space import SearchSpace
from metagenx.meta.space_file import load_space, space_from
from metagenx.meta.yaml_lines import Document, KeyPath, dotted, parse_value

MODEL_SUFFIXES = (".hgx", ".gx")
ONLY_SAMPLE = "data"
NAMES_OF_FILES: tuple[KeyPath, ...] = (
    ("model", "file"),
    ("model", "files"),
    ("model", "function"),
    ("samples", "files"),
)


@dataclass(frozen=True)
class SampleData:
    """A data file whose measurements go into a model, and the SHA-256 of its content."""

    request: DataRequest
    sha256: str


@dataclass(frozen=True)
class Sample:
    """One measurement to be fitted: ``data`` if there is one file, else the stem of its file.

    ``function`` is the name of a function in a Python file that makes the problem; None for a GenX file. ``data`` are
    new measurements for the data sets of the GenX file.
    """

    name: str
    file: Path
    sha256: str
    function: str | None = None
    data: tuple[SampleData, ...] = ()

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file, and of the new measurements in it: what decides its twins."""
        if not self.data:
            return self.sha256
        return hashlib.sha256(" ".join([self.sha256, *(item.sha256 for item in self.data)]).encode()).hexdigest()


class ExperimentReader:
    """One pass over an experiment file.

    Parameters
    ----------
    overrides : ``key=value`` of the command line; files named there are looked for in the current folder first.
    folder : where the files of the document are; beside it if not given.
    requests : new data for the model, instead of those that the document names.

    Attributes
    ----------
    settings : those that are listed one by one, when :meth:`read` has returned.
    """

    def __init__(
        self,
        document: Document,
        overrides: Sequence[str],
        folder: Path | None = None,
        requests: Sequence[DataRequest] = (),
    ) -> None:
        self.document, self.requests = document, tuple(requests)
        self.settings: tuple[dict[str, Any], ...] = ()
        self.profile: Profile | None = None
        self.folder = folder if folder is not None else Path(document.file).parent
        self.overridden: list[KeyPath] = []
        self.mistakes = Mistakes(document, options=self.overridden)
        self.data = _without_empty(document.data)
        self._data_into_model()
        self._files_into_samples()
        for text in overrides:
            self._override(text)
        if "model" not in self.data and self._files_of_samples() is not None:
            self.data["model"] = {}

    def read(self) -> tuple[ExperimentFile, SearchSpace, tuple[Sample, ...]]:
        """The sections, the search space and the samples; raises ConfigError with all mistakes."""
        self.profile = self._profile()
        parsed = self._validated()
        space = self._space()
        samples = self._samples()
        self._check_fom()
        self.settings = self._settings()
        if parsed is not None and parsed.tune.goal in AT_EQUAL_LENGTH and parsed.test.max_evaluations is None:
            message = f"is missing; with the goal {parsed.tune.goal} fits are compared at equal length"
            self.mistakes.add(("test", "max_evaluations"), message)
        if self.mistakes or parsed is None or space is None:
            raise self.mistakes.error()
        return parsed, space, samples

    def is_overridden(self, *path: str) -> bool:
        """Whether a key was set on the command line."""
        return self.mistakes.is_option(path)

    # ------------------------------------------------------------------------------------------------------
    # Options of the command line

    def _override(self, text: str) -> None:
        key, equals, value = text.partition("=")
        path: KeyPath = tuple(part.strip() for part in key.split("."))
        if not equals or not all(re.fullmatch(r"\w[\w-]*", str(part)) for part in path):
            self.mistakes.found.append(Mistake(f"--set {text}", "must be such as tune.trials=20"))
            return
        self.overridden.append(path)
        try:
            parsed = parse_value(value, text)
        except ConfigError as error:
            self.mistakes.found += [Mistake(f"--set {text}", m.message) for m in error.mistakes]
            return
        section = self.data
        for depth, part in enumerate(path[:-1]):
            inner = section.setdefault(str(part), {})
            if not isinstance(inner, dict):
                self.mistakes.add(path, f"{dotted(path[: depth + 1])} has no keys of its own")
                return
            section = inner
        if path in NAMES_OF_FILES:
            for other in NAMES_OF_FILES:
                named = self.data.get(str(other[0]))
                if isinstance(named, dict):
                    named.pop(str(other[1]), None)
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
            self.mistakes.add(path, "is an unknown key", _similar_key(path))
        elif kind == "missing":
            self.mistakes.add(path, "is missing" + ("; it names the .hgx or .gx file" if path == ("model",) else ""))
        elif kind == "literal_error":
            allowed = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
            close = difflib.get_close_matches(str(item["input"]), allowed, n=1, cutoff=0.4)
            known = f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
            self.mistakes.add(path, f'"{item["input"]}" must be {known}', close[0] if close else None)
        elif kind == "value_error":
            self.mistakes.add(path, str(context["error"]))
        elif kind in ("dataclass_type", "dataclass_exact_type"):
            self.mistakes.add(path, 'must be a section of "key: value" lines')
        elif kind in _LIMITS:
            word, name = _LIMITS[kind]
            self.mistakes.add(path, f"is {item['input']}, it must be {word} {context[name]:g}")
        elif kind.startswith(("float", "int")):
            self.mistakes.add(path, f'"{item["input"]}" is not a number')
        else:
            self.mistakes.add(path, item["msg"])

    def _settings(self) -> tuple[dict[str, Any], ...]:
        found = self.data.get("settings")
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            return ()
        if "search_space" in self.data:
            self.mistakes.add(("settings",), "does not go with search_space; give one of them")
        return read_settings(found, self.mistakes)

    # ------------------------------------------------------------------------------------------------------
    # What lies in other files

    def _profile(self) -> Profile | None:
        """The tuner profile; what it says of the section ``tune`` becomes the default there."""
        path: KeyPath = ("tune", "profile")
        section = self.data.setdefault("tune", {})
        if not isinstance(section, dict):
            return None
        value = section.get("profile", DEFAULT_PROFILE)
        found = None
        try:
            if isinstance(value, dict):
                found = profile_from(value, self.mistakes, path, "its own")
            elif isinstance(value, str):
                found = load_profile(value, self._folder_of(path, value))
            else:
                self.mistakes.add(path, "must be the name of a tuner profile, a file, or a section")
        except InputError as error:
            self.mistakes.include(path, error)
        if found is not None:
            section.setdefault("searcher", found.settings.searcher)
            section.setdefault("trials", found.settings.trials)
        return found

    def _space(self) -> SearchSpace | None:
        path: KeyPath = ("search_space",)
        value = self.data.get("search_space", DEFAULT_SPACE)
        try:
            if isinstance(value, dict):
                return space_from(value, self.document, path, self.folder)
            if isinstance(value, str):
                return load_space(value, self._folder_of(path, value))
            self.mistakes.add(path, "must be the name of a search space, a file, or a section")
        except ConfigError as error:
            if isinstance(value, dict):
                self.mistakes.found += error.mistakes
            else:
                self.mistakes.include(path, error)
        except InputError as error:
            self.mistakes.include(path, error)
        return None

    def _folder_of(self, path: KeyPath, name: str) -> Path:
        """Files named on the command line are looked for in the current folder first."""
        if self.mistakes.is_option(path) and (Path.cwd() / Path(name).expanduser()).exists():
            return Path.cwd()
        return self.folder

    def _samples(self) -> tuple[Sample, ...]:
        model = self.data.get("model")
        if not isinstance(model, dict):
            return ()
        given = [key for key in ("file", "files", "function") if key in model]
        if len(given) > 1:
            self.mistakes.add(("model", given[1]), f"does not go with model.{given[0]}; give one of them")
            return ()
        of_samples = self._files_of_samples()
        if of_samples is not None and given:
            self.mistakes.add(("samples", "files"), f"does not go with model.{given[0]}; give one of them")
            return ()
        if isinstance(model.get("function"), str):
            named: list[tuple[KeyPath, str]] = [(("model", "function"), model["function"])]
        elif of_samples is not None:
            named = of_samples
        elif isinstance(model.get("files"), list):
            named = [(("model", "files", i), name) for i, name in enumerate(model["files"]) if isinstance(name, str)]
        elif isinstance(model.get("file"), str | int | float):
            named = [(("model", "file"), str(model["file"]))]
        else:
            if not given:
                self.mistakes.add(("model",), "has no file; it names the .hgx or .gx file to be fitted")
            return ()
        data = self._data_files(model, given)
        found: list[Sample] = []
        for path, name in named:
            if path == ("model", "function") or (path[0] == "samples" and ".py:" in name):
                found += self._function(path, name)
            else:
                files = [self._sample_file(path, name)] if path[0] == "model" else self._matching(path, name)
                found += [sample for file in files if file is not None for sample in self._sample_of(path, file, data)]
        names = _sample_names(found)
        return tuple(dataclasses.replace(sample, name=next(names)) for sample in found)

    def _sample_of(self, path: KeyPath, file: Path, data: tuple[SampleData, ...]) -> list[Sample]:
        try:
            content = file.read_bytes()
        except OSError as error:
            self.mistakes.add(path, f"{file} cannot be read: {error.strerror}")
            return []
        return [Sample("", file, hashlib.sha256(content).hexdigest(), data=data)]

    def _files_into_samples(self) -> None:
        """``samples: film.hgx`` and ``samples: [a.hgx, b.hgx]`` mean the same as in ``samples.files``."""
        if isinstance(self.data.get("samples"), str | list):
            self.data["samples"] = {"files": self.data["samples"]}

    def _files_of_samples(self) -> list[tuple[KeyPath, str]] | None:
        samples = self.data.get("samples")
        files = samples.get("files") if isinstance(samples, dict) else None
        if isinstance(files, str):
            return [(("samples", "files"), files)]
        if isinstance(files, list):
            return [(("samples", "files", i), name) for i, name in enumerate(files) if isinstance(name, str)]
        return None

    def _matching(self, path: KeyPath, name: str) -> list[Path | None]:
        """The files that a name or a pattern means, in the order of their names."""
        whole = Path(name).expanduser()
        if not any(sign in name for sign in "*?[") or (self._folder_of(path, name) / whole).is_file():
            return [self._sample_file(path, name)]
        base = Path(whole.anchor) if whole.is_absolute() else self._folder_of(path, name)
        parts = whole.parts[1:] if whole.is_absolute() else whole.parts
        found: list[Path | None] = []
        for file in sorted(base.glob(str(Path(*parts)))):
            if file.is_file() and file.suffix.lower() in MODEL_SUFFIXES:
                found.append(file)
        if not found:
            self.mistakes.add(path, f"no .hgx or .gx file matches {base / whole}")
        return found

    def _data_into_model(self) -> None:
        """``data:`` at the top means the same as in the section ``model``."""
        if "data" not in self.data:
            return
        model = self.data.get("model")
        if isinstance(model, dict) and "data" in model:
            self.mistakes.add(("data",), "is given in model.data too; give it once")
        elif isinstance(model, dict):
            model["data"] = self.data["data"]
        elif model is not None:
            return
        del self.data["data"]

    def _data_files(self, model: Mapping[str, Any], given: Sequence[str]) -> tuple[SampleData, ...]:
        """New measurements for the one GenX file; mistakes are noted."""
        if "data" not in model and not self.requests:
            return ()
        path: KeyPath = ("model", "data")
        if given != ["file"]:
            self.mistakes.add(path, "goes with model.file only: new data are for one GenX file")
            return ()
        requests = list(self.requests)
        try:
            if not requests:
                requests = requests_from_value(model["data"], self._data_folder(path, model["data"]))
        except InputError as error:
            self.mistakes.add(path, error.what)
            return ()
        found = []
        for request in requests:
            try:
                found.append(SampleData(request, hashlib.sha256(read_source(request.path)).hexdigest()))
            except InputError as error:
                self.mistakes.include(path, error)
        return tuple(found)

    def _data_folder(self, path: KeyPath, value: object) -> Path:
        if isinstance(value, str):
            return self._folder_of(path, value)
        return Path.cwd() if self.mistakes.is_option(path) else self.folder

    def _function(self, path: KeyPath, text: str) -> tuple[Sample, ...]:
        place, _, function = text.rpartition(":")
        if not place.endswith(".py") or not function.isidentifier():
            self.mistakes.add(path, f'"{text}" must be such as problem.py:name')
            return ()
        file = self._folder_of(path, place) / Path(place).expanduser()
        try:
            content = file.read_bytes()
        except OSError as error:
            self.mistakes.add(path, f"{file} cannot be read: {error.strerror}")
            return ()
        return (Sample("", file, hashlib.sha256(content).hexdigest(), function),)

    def _sample_file(self, path: KeyPath, name: str) -> Path | None:
        file = self._folder_of(path, name) / Path(name).expanduser()
        if file.is_file():
            return file
        if file.is_dir():
            self.mistakes.add(path, f"{file} is a folder, not a GenX file")
            return None
        close: list[str] = []
        if file.parent.is_dir():
            near = [entry.name for entry in file.parent.iterdir() if entry.suffix.lower() in MODEL_SUFFIXES]
            close = difflib.get_close_matches(file.name, near, n=1)
        self.mistakes.add(path, f"there is no file {file}", close[0] if close else None)
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
            self.mistakes.include(("model", "fom"), error)


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


def _sample_names(samples: Sequence[Sample]) -> Iterator[str]:
    """``data`` for one sample; for several their stems or functions, numbered where they are alike."""
    if len(samples) == 1:
        yield ONLY_SAMPLE
        return
    seen: dict[str, int] = {}
    for sample in samples:
        stem = sample.function or sample.file.stem
        seen[stem] = seen.get(stem, 0) + 1
        yield stem if seen[stem] == 1 else f"{stem}-{seen[stem]}"


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
