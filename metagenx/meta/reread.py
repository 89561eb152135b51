"""The tables and the verdict of a run again, from its journal and the copies of its inputs; nothing is fitted."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.fitting.settings import Settings
from metagenx.meta.batch_journal import KIND, answers
from metagenx.meta.batch_table import write_batch
from metagenx.meta.conductor import Conductor
from metagenx.meta.experiment import Experiment, experiment_from
from metagenx.meta.objective import Contender, best_known
from metagenx.meta.outcome import recorder_of, trial_rows, write_best, write_fits, write_outcome
from metagenx.meta.preparation import Problems, prepare
from metagenx.meta.problem_source import ProblemSource, open_problem
from metagenx.meta.race import Race
from metagenx.meta.recorded import RecordFile
from metagenx.meta.records import BASELINE
from metagenx.meta.repeat import SAMPLE, Repeats, notices_of, repeat_result
from metagenx.meta.space_definition import kept_space
from metagenx.meta.tune import new_race
from metagenx.meta.verdict import judge
from metagenx.runs import Replay, RunFolder, write_trials


def reread(folder: RunFolder, *, trust: bool = False) -> None:
    """Write the tables of a run again, as far as its journal goes; the verdict too, if the run came to its end.

    ``trust`` runs scripts that leave the safe subset, and problems that are Python functions.

    Raises
    ------
    FileFormatError : it is no run folder, or its journal is damaged.
    InputError : the inputs are missing, altered or not trusted, or another version of metagenx made the run. Nothing
        was written then.
    ResourcesSpent : the disk is full.
    """
    manifest = folder.manifest()
    config = manifest.get("config", {})
    if "search_space" in config:
        _tune(folder, manifest, folder.replay(), trust)
    elif config.get("kind") == KIND:
        write_batch(folder, answers(folder.replay()))
    else:
        _repeat(folder, manifest, folder.replay(), trust)


def _tune(folder: RunFolder, manifest: dict[str, Any], replay: Replay, trust: bool) -> None:
    experiment = _experiment(folder, manifest, trust)
    preparation = prepare(experiment, trust=trust)
    budget = experiment.budget.evaluations or manifest.get("planned_evaluations")
    if not budget:
        raise InputError("the run had not begun", where=str(folder.path))
    race = new_race(preparation, budget, kept_space(preparation, folder))
    _replay(race, replay, folder)
    if race.finished:
        write_outcome(folder, preparation, race, judge(race), replay.records)
        return
    best = best_known(replay.records, race.best)
    recorder = recorder_of(preparation, race)
    write_fits(folder, preparation, replay.records, best, race.target, seed=experiment.seed, recorder=recorder)
    write_trials(folder.trials, trial_rows(race, preparation.n_dim))
    write_best(folder, preparation, replay.records, None)


def _replay(race: Race, replay: Replay, folder: RunFolder) -> None:
    """Bring a new race to where the journal ends, decision by decision."""
    decided = {event.round: event.details for event in replay.rounds}
    conductor = Conductor(
        race,
        known=replay.records,
        out_of_time=lambda number: bool(decided.get(number, {}).get("out_of_time", False)),
    )
    if conductor.error is not None:
        raise conductor.error
    if race.round < len(decided):
        raise InputError(
            f"the journal decided {len(decided)} rounds, but this version of metagenx races differently from round "
            f"{race.round} on",
            where=str(folder.path),
            hint="Use the version of metagenx that made the run; its manifest.json names it.",
        )


def _experiment(folder: RunFolder, manifest: dict[str, Any], trust: bool) -> Experiment:
    """The experiment of the manifest, with the copies in ``inputs/`` as its files."""
    config = manifest["config"]
    files = config["model"]["files"]
    found = {name: _input(folder, described, trust) for name, described in files.items()}
    data = [item for described in files.values() for item in described.get("data", ())]
    model: dict[str, Any] = {"fom": config["model"]["fom"]}
    samples = dict(config.get("samples", {}))
    if data:
        copies = [{**item, "file": _input(folder, item, trust).name} for item in data]
        model |= {"file": next(iter(found.values())).name, "data": [_without_hash(item) for item in copies]}
    else:
        functions = {name: described.get("function") for name, described in files.items()}
        samples["files"] = [
            f"{path.name}:{functions[name]}" if functions[name] else path.name for name, path in found.items()
        ]
    config = {**config, "model": model, "samples": samples}
    experiment = experiment_from(config, folder.manifest_file, folder.inputs)
    named = [dataclasses.replace(s, name=name) for s, name in zip(experiment.samples, files, strict=True)]
    experiment = dataclasses.replace(experiment, samples=tuple(named), record=_record(folder, config, trust))
    if experiment.hash != manifest["identity"]:
        raise InputError(
            "its manifest was altered, or another version of metagenx made it",
            where=str(folder.manifest_file),
            hint="Use the version of metagenx that it names.",
        )
    return experiment


def _record(folder: RunFolder, config: dict[str, Any], trust: bool) -> RecordFile | None:
    found = config.get("record")
    if found is None:
        return None
    if not trust:
        raise InputError(
            f"what is recorded of each fit is Python code, {Path(found['file']).name}",
            where=str(folder.inputs),
            hint="--trust runs it.",
        )
    return RecordFile(_input(folder, found, trust), found["sha256"])


def _input(folder: RunFolder, described: dict[str, str], trust: bool) -> Path:
    """The copy of a file in ``inputs/``, known by its content."""
    if "function" in described and not trust:
        raise InputError(
            f"its problem is Python code, {described['function']}", where=str(folder.inputs), hint="--trust runs it."
        )
    for path in sorted(folder.inputs.glob("*")):
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == described["sha256"]:
            return path
    raise InputError(f"the copy of {Path(described['file']).name} is missing or altered", where=str(folder.inputs))


def _without_hash(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "sha256"}


def _repeat(folder: RunFolder, manifest: dict[str, Any], replay: Replay, trust: bool) -> None:
    config = manifest["config"]
    paths = [path for path in sorted(folder.inputs.glob("*")) if path.suffix.lower() in (".hgx", ".gx")]
    if len(paths) != 1:
        raise InputError("the copy of the model is missing", where=str(folder.inputs))
    source = ProblemSource.from_file(paths[0], trust=trust)
    problems = Problems({SAMPLE: source}, {SAMPLE: open_problem(source)})
    settings = Settings.from_values(config["settings"])
    before = {} if config["of"] == "all" else problems.best()
    rounds = Repeats(Contender(BASELINE, settings, "file"), config["n"], best_known(replay.records, before))
    notices = notices_of(config["of"], not settings.use_stagnation, config["perturb"])
    if replay.records:
        repeat_result(folder, problems, replay.records, rounds, config["seed"], notices)


def experiment_of(folder: RunFolder, *, trust: bool = False) -> Experiment:
    """The experiment of a run folder, from its manifest and the copies of its inputs.

    Raises
    ------
    FileFormatError : it is no run folder.
    InputError : the inputs are missing, altered or not trusted, or another version of metagenx made it.
    """
    return _experiment(folder, folder.manifest(), trust)
