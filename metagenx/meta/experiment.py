"""An experiment: which file, which settings may be tried, what counts as success, how much may be spent.

``model: {file: film.hgx}`` (or ``samples: film.hgx``) alone is a valid experiment; all else has defaults
(:mod:`~metagenx.meta.experiment_schema`). All mistakes of a file are found in one pass, with their lines.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from metagenx.genx.loaders.requests import DataRequest
from metagenx.meta.experiment_reader import MODEL_SUFFIXES, ExperimentReader, Sample, SampleData
from metagenx.meta.experiment_schema import (
    DEFAULT_EVALUATIONS,
    BudgetSection,
    RunSection,
    TestSection,
    TuneSection,
    TwinsSection,
)
from metagenx.meta.profile import HAND_MADE, Profile
from metagenx.meta.recorded import RecordFile, record_file
from metagenx.meta.space import SearchSpace
from metagenx.meta.targets import Target
from metagenx.meta.tests_file import is_tests_file, read_tests_file
from metagenx.meta.tuner_settings import TunerSettings
from metagenx.meta.yaml_lines import Document, read_yaml

# What changes no number of a run: a run is resumed although these differ.
NOT_IN_HASH = ("name", "description", "run", "record")


@dataclass(frozen=True)
class Experiment:
    """A validated experiment: everything resolved, nothing left to guess.

    ``fom`` None keeps the figure of merit of the file. ``source`` is the YAML or Python file, if there is one. The
    sections are those of :mod:`~metagenx.meta.experiment_schema`; in ``budget`` at least one limit is set.
    ``settings``, if there are any, are compared instead of a search in ``space``; ``record`` adds columns to
    ``repeats.csv``.
    """

    name: str
    description: str
    samples: tuple[Sample, ...]
    twins: TwinsSection
    fom: str | None
    baseline: str
    space: SearchSpace
    test: TestSection
    tune: TuneSection
    seed: int
    budget: BudgetSection
    run: RunSection
    source: Path | None = None
    settings: tuple[Mapping[str, Any], ...] = ()
    profile: Profile | None = None
    record: RecordFile | None = None

    @property
    def tuner(self) -> TunerSettings:
        """The tuner's own settings: those of its profile, and what the experiment says itself."""
        settings, tune = self.profile.settings if self.profile else TunerSettings(), self.tune
        return settings.replace(searcher=tune.searcher, trials=tune.trials, cohorts=tune.rounds or settings.cohorts)

    @property
    def target(self) -> Target:
        """What counts as success."""
        return Target(within=self.test.success.fom_within, below=self.test.success.fom_below, goal=self.tune.goal)

    def resolved(self) -> dict[str, Any]:
        """Everything as plain values, quantities normalised: goes into the manifest."""
        found: dict[str, Any] = {
            "version": 1,
            "name": self.name,
            "description": self.description,
            "model": {
                "files": {s.name: _described(s) for s in self.samples},
                "fom": self.fom or "keep",
            },
            "samples": {"twins": dataclasses.asdict(self.twins)},
            "baseline": self.baseline,
            "search_space": {"name": self.space.name, **self.space.to_json()},
            "test": dataclasses.asdict(self.test),
            "tune": {**dataclasses.asdict(self.tune), "profile": self._tuner_as_profile()},
            "seed": self.seed,
            "budget": dataclasses.asdict(self.budget),
            "run": dataclasses.asdict(self.run),
        }
        if self.settings:
            found["settings"] = [dict(values) for values in self.settings]
        if self.record is not None:
            found["record"] = {"file": str(self.record.file), "sha256": self.record.sha256}
        return found

    def _tuner_as_profile(self) -> dict[str, Any]:
        name = self.profile.name if self.profile else HAND_MADE
        return {"name": name, "settings": dataclasses.asdict(self.tuner)}

    @cached_property
    def _hash(self) -> str:
        content = {key: value for key, value in self.resolved().items() if key not in NOT_IN_HASH}
        files = {s.name: s.sha256 + (f":{s.function}" if s.function else "") for s in self.samples}
        content["model"] = {"files": files, "fom": self.fom or "keep"}
        data = {s.name: [_data_content(item) for item in s.data] for s in self.samples if s.data}
        if data:
            content["model"]["data"] = data
        content["search_space"] = self.space.to_json()
        del content["tune"]["profile"]["name"]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def hash(self) -> str:
        """SHA-256 of all that decides the numbers: equal hashes mean the same run, which can be resumed.

        The content of the model files counts, not where they lie; name, description and workers do not count.
        """
        return self._hash


def _described(sample: Sample) -> dict[str, Any]:
    found: dict[str, Any] = {"file": str(sample.file), "sha256": sample.sha256}
    if sample.data:
        found["data"] = [{**item.request.to_json(), "sha256": item.sha256} for item in sample.data]
    return {**found, "function": sample.function} if sample.function else found


def _data_content(data: SampleData) -> dict[str, Any]:
    """What of a data file decides the numbers: its content and how it is read, not where it lies."""
    return {**data.request.to_json(), "file": data.request.path.suffix.lower(), "sha256": data.sha256}


def load_experiment(
    path: str | Path, overrides: Sequence[str] = (), data: Sequence[DataRequest] = (), *, trust: bool = False
) -> Experiment:
    """Load an experiment file, YAML or Python; a .hgx or .gx file stands for the experiment with all defaults.

    Parameters
    ----------
    overrides : ``"tune.trials=20"``, as given to ``--set``. Files named there are looked for in the current
        folder first, those in the YAML file beside it.
    data : new measurements for the model's data sets, instead of those that the file names.
    trust : run a Python file (:mod:`~metagenx.meta.tests_file`).

    Raises
    ------
    FileFormatError : the file cannot be read.
    ScriptRefused, ScriptError : a Python file that is not trusted, or that fails.
    ConfigError : mistakes, all listed with file, line and a suggestion.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in MODEL_SUFFIXES:
        return experiment_for(path, overrides, data)
    if is_tests_file(path):
        document = read_tests_file(path, trust=trust)
        found = _experiment(ExperimentReader(document, overrides, requests=data), path)
        return dataclasses.replace(found, record=record_file(path))
    return _experiment(ExperimentReader(read_yaml(path), overrides, requests=data), path)


def experiment_for(file: str | Path, overrides: Sequence[str] = (), data: Sequence[DataRequest] = ()) -> Experiment:
    """The experiment with all defaults for a GenX file; raises as :func:`load_experiment`."""
    path = Path(file).expanduser()
    document = Document(str(path), {"model": {"file": path.name}})
    return _experiment(ExperimentReader(document, overrides, path.parent, data), None)


def experiment_from(data: dict[str, Any], file: Path, folder: Path) -> Experiment:
    """The experiment of a mapping such as :meth:`Experiment.resolved` gives, with ``model`` as in an experiment file.

    Parameters
    ----------
    file : where the mapping comes from, for messages; ``folder`` is where its files are.
    """
    plain = {key: value for key, value in data.items() if key not in ("search_space", "record")}
    if not data.get("settings"):
        plain["search_space"] = {key: value for key, value in data["search_space"].items() if key != "name"}
    return _experiment(ExperimentReader(Document(str(file), plain), (), folder), None)


def _experiment(reader: ExperimentReader, source: Path | None) -> Experiment:
    parsed, space, samples = reader.read()
    budget = parsed.budget
    if budget.evaluations is None and budget.hours is None:
        budget = dataclasses.replace(budget, evaluations=DEFAULT_EVALUATIONS)
    by_file = source is None or reader.is_overridden("model", "file") or reader.is_overridden("samples", "files")
    stem = samples[0].file.stem if by_file or source is None else source.stem
    return Experiment(
        name=parsed.name or re.sub(r"[^\w.+-]+", "-", stem).strip("-. ")[:64] or "experiment",
        description=parsed.description,
        samples=samples,
        twins=parsed.samples.twins,
        fom=None if parsed.model.fom == "keep" else parsed.model.fom,
        baseline=parsed.baseline,
        space=space,
        test=parsed.test,
        tune=parsed.tune,
        seed=parsed.seed,
        budget=budget,
        run=parsed.run,
        source=source,
        settings=reader.settings,
        profile=reader.profile,
    )
