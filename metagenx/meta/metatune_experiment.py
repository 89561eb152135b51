"""An experiment of ``metagenx metatune``: which tasks, which space, how many profiles, which real runs.

::

    version: 1
    tasks: {families: [M1, N2, M2], budgets: [16_000_000, 256_000_000]}
    search_space: auto
    trials: 100
    real: {budget: 1_000_000, runs: 1}

All keys have defaults; all mistakes of a file are found in one pass, with their lines.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from metagenx.errors import InputError, Mistake
from metagenx.fitting.streams import stream
from metagenx.meta import quantities
from metagenx.meta.experiment_schema import Count, RunSection, Text
from metagenx.meta.families import MEASURED_FAMILIES
from metagenx.meta.metatune_race import MetaRules
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.space import SearchSpace
from metagenx.meta.tuner_space import AUTO, load_tuner_space
from metagenx.meta.yaml_lines import KeyPath, parse_value, read_yaml

_STRICT = ConfigDict(extra="forbid")
SYNTHETIC = "synthetic"


def _counts(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of whole numbers, such as [4_000_000, 16_000_000]")
    return tuple(sorted({quantities.count(item) for item in value}))


def _families(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of families, such as [M1, N2]")
    return tuple(dict.fromkeys(value))


@dataclass(frozen=True, config=_STRICT)
class TasksSection:
    """The replayed tuning runs: of which table, families and budgets.

    ``table`` is a file; default: the one that comes along; ``synthetic`` has families F0, F1 … for trying things out.
    ``repeats`` tasks of each are done by every profile, ``confirm`` fresh ones by the finalists.
    """

    table: Text | None = None
    families: Annotated[tuple[str, ...], BeforeValidator(_families)] = MEASURED_FAMILIES
    budgets: Annotated[tuple[int, ...], BeforeValidator(_counts)] = (16_000_000, 256_000_000)
    repeats: Annotated[Count, Field(ge=1, le=1000)] = 1
    confirm: Annotated[Count, Field(ge=5, le=10_000)] = 12


@dataclass(frozen=True, config=_STRICT)
class RealSection:
    """Real tuning runs of the winner and the hand-made profile: evaluations of one, ``runs`` for each family.

    ``repeats``: fits of an answer on each sample by which it is judged. ``runs: 0``: none.
    """

    budget: Annotated[Count, Field(ge=10_000)] = 1_000_000
    runs: Annotated[Count, Field(ge=0, le=1000)] = 1
    repeats: Annotated[Count, Field(ge=5, le=10_000)] = 40
    profiles: Annotated[Count, Field(ge=1, le=3)] = 2


@dataclass(frozen=True, config=_STRICT)
class MetaExperiment:
    """A whole experiment of the tuner's tuner."""

    version: Literal[1] = 1
    name: Text = "tuner"
    description: str = ""
    tasks: TasksSection = TasksSection()
    search_space: Text = AUTO
    searcher: Literal["random", "sobol", "tpe", "racing", "de", "lus"] = "random"
    trials: Annotated[Count, Field(ge=1, le=100_000)] = 100
    rounds: Annotated[Count, Field(ge=1, le=1000)] = 4
    finalists: Annotated[Count, Field(ge=1, le=10)] = 3
    real: RealSection = RealSection()
    seed: Annotated[Count, Field(ge=0, lt=2**63)] = 2014
    run: RunSection = RunSection()

    def rules(self) -> MetaRules:
        """The rules of the race."""
        return MetaRules(
            self.tasks.families, self.tasks.budgets, self.trials, min(self.rounds, self.trials), self.tasks.repeats,
            self.finalists, self.tasks.confirm, self.searcher, self.seed,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class LoadedMeta:
    """An experiment with all that it names: its space, and its table (None: a synthetic one)."""

    experiment: MetaExperiment
    space: SearchSpace
    table: Path | None
    table_sha256: str

    def benchmark(self) -> TabularBenchmark:
        """The benchmark on which tuning runs are replayed; raises InputError."""
        families = self.experiment.tasks.families
        if self.table is not None:
            return TabularBenchmark.from_table(self.table, families)
        found = TabularBenchmark.synthetic(stream(self.experiment.seed, SYNTHETIC), families=len(families))
        missing = set(families) - set(found.samples)
        if missing:
            raise InputError(f"the synthetic table has no family {', '.join(sorted(missing))}; it has F0, F1 …")
        return found

    def resolved(self) -> dict[str, Any]:
        """Everything as plain values, for the manifest."""
        plain: dict[str, Any] = dataclasses.asdict(self.experiment)  # type: ignore[call-overload]
        return {**plain, "kind": "metatune", "search_space": {**self.space.to_json(), "algorithm": "tuner"}}

    @property
    def hash(self) -> str:
        """SHA-256 of all that decides the numbers."""
        content = {k: v for k, v in self.resolved().items() if k not in ("name", "description", "run")}
        content["tasks"] = {**content["tasks"], "table": self.table_sha256}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_meta(path: str | Path, overrides: Sequence[str] = ()) -> LoadedMeta:
    """Load an experiment of the tuner's tuner.

    Parameters
    ----------
    overrides : ``"trials=20"``, as given to ``--set``.

    Raises
    ------
    FileFormatError : the file cannot be read.
    ConfigError : mistakes, all listed with file, line and a suggestion.
    InputError : no such table or family.
    """
    document = read_yaml(Path(path))
    options: list[KeyPath] = []
    mistakes = Mistakes(document, options=options)
    data = {key: dict(value) if isinstance(value, dict) else value for key, value in document.data.items()}
    for text in overrides:
        _override(data, text, options, mistakes)
    found = None
    try:
        found = TypeAdapter(MetaExperiment).validate_python({k: v for k, v in data.items() if v is not None})
    except ValidationError as error:
        for item in error.errors():
            place = tuple(part for part in item["loc"] if isinstance(part, str | int))
            if item["type"] == "unexpected_keyword_argument":
                mistakes.unknown(place, str(place[-1]), _keys(place[:-1]), "is an unknown key")
                continue
            message = {
                "value_error": str(item.get("ctx", {}).get("error", "")),
            }.get(item["type"], f"{item['input']!r}: {item['msg']}")
            mistakes.add(place, message)
    space, table = None, found.tasks.table if found is not None else None
    folder = Path(path).parent
    if found is not None:
        if not re.fullmatch(r"[\w][\w .+-]{0,63}", found.name):
            mistakes.add(("name",), f'"{found.name}" cannot name a folder')
        try:
            space = load_tuner_space(found.search_space, folder)
        except InputError as error:
            mistakes.include(("search_space",), error)
        for family in found.tasks.families:
            if table is None and family not in MEASURED_FAMILIES:
                what = f"{family} is not a family of the table"
                mistakes.unknown(("tasks", "families"), family, MEASURED_FAMILIES, what)
    if mistakes or found is None or space is None:
        raise mistakes.error()
    if table == SYNTHETIC:
        return LoadedMeta(found, space, None, SYNTHETIC)
    from metagenx.meta.measured_table import built_in_tables

    file = folder / table if table else built_in_tables().get("measured")
    if file is None or not file.is_file():
        what = table or "of measured settings"
        raise InputError(f"there is no table {what}", hint="docs/tuner.md says how one is made.")
    return LoadedMeta(found, space, file, hashlib.sha256(file.read_bytes()).hexdigest())


def _override(data: dict[str, Any], text: str, options: list[KeyPath], mistakes: Mistakes) -> None:
    key, equals, value = text.partition("=")
    path: KeyPath = tuple(part.strip() for part in key.split("."))
    if not equals or not all(re.fullmatch(r"\w[\w-]*", str(part)) for part in path) or len(path) > 2:
        mistakes.found.append(Mistake(f"--set {text}", "must be such as trials=20"))
        return
    options.append(path)
    section = data if len(path) == 1 else data.setdefault(str(path[0]), {})
    if isinstance(section, dict):
        section[str(path[-1])] = parse_value(value, text)


def _keys(section: KeyPath) -> list[str]:
    kinds: dict[KeyPath, Any] = {
        (): MetaExperiment,
        ("tasks",): TasksSection,
        ("real",): RealSection,
        ("run",): RunSection,
    }
    kind = kinds.get(section)
    return [f.name for f in dataclasses.fields(kind)] if kind is not None else []
