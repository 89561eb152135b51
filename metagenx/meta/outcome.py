"""What a run leaves in its folder: tables, verdict, settings to type in, and the best fit as .hgx."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError
from metagenx.fitting.settings import Settings
from metagenx.meta import statistics
from metagenx.meta.given_settings import not_compared
from metagenx.meta.problem_source import open_model
from metagenx.meta.recorded import Recorder
from metagenx.meta.records import FitRecord, sorted_records
from metagenx.meta.search_scores import Searched
from metagenx.meta.space_account import space_account
from metagenx.meta.space_definition import kept_space
from metagenx.meta.statistics import BestKnown, Target
from metagenx.runs import (
    RunFolder,
    genx_options,
    write_parameters,
    write_reflectivity,
    write_repeats,
    write_settings,
    write_sld,
    write_table,
    write_traces,
    write_trials,
)

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.genx.model import Model
    from metagenx.meta.preparation import Preparation, Problems
    from metagenx.meta.race import Race
    from metagenx.meta.verdict import Verdict

_FIRST = ("create_trial", "km", "kr", "population")


def write_fits(
    folder: RunFolder,
    problems: Problems,
    records: Sequence[FitRecord],
    best: Mapping[str, BestKnown],
    target: Target,
    *,
    seed: int,
    recorder: Recorder | None = None,
) -> pd.DataFrame:
    """``repeats.csv``, which is returned, and ``traces.npz``: every fit, scored against what is known now."""
    names = {sample: problem.names for sample, problem in problems.problems.items()}
    write_traces(folder.traces, records)
    return write_repeats(folder.repeats, records, names, seed=seed, best=best, target=target, more=recorder)


def recorder_of(preparation: Preparation, race: Race) -> Recorder | None:
    """What adds the columns that the experiment records, if it does; raises as reading its tests file does."""
    source = preparation.experiment.record
    if source is None:
        return None
    settings = {name: contender.settings for name, contender in race.contenders.items()}
    return Recorder(source, preparation, settings, race.best, race.target)


def trial_rows(race: Race, n_dim: int) -> list[dict[str, Any]]:
    """One row per setting: what it is, how it did in each phase, why it left."""
    from metagenx.fitting.settings import describe

    contenders = race.contenders
    fields = [option.name for option in describe()]
    varied = [
        name
        for name in fields
        if name not in _FIRST and len({getattr(c.settings, name) for c in contenders.values()}) > 1
    ]
    rows = []
    for name, contender in contenders.items():
        runner = race.runners.get(name)
        row: dict[str, Any] = {
            "setting": name,
            "origin": contender.origin,
            "create_trial": contender.settings.create_trial,
            "km": contender.settings.km,
            "kr": contender.settings.kr,
            "population": contender.settings.population_size(n_dim),
            **{field: getattr(contender.settings, field) for field in varied},
            "rungs": runner.rung if runner else 0,
            "left": (runner.left or "") if runner else "",
        }
        for phase in ("search", "confirmation", "validation"):
            row |= _phase_columns(race, name, phase)
        rows.append(row)
    return rows


def _phase_columns(race: Race, name: str, phase: str) -> dict[str, Any]:
    found = race.standing(name, phase, race.everything)
    rate = statistics.wilson(found.hits, found.fits)
    judged = race.standing(name, phase)  # twins that were left out say nothing here
    measured = judged.fits > 0 and math.isfinite(judged.score)
    return {
        f"{phase} fits": found.fits,
        f"{phase} successes": found.hits,
        f"{phase} success rate": rate.estimate,
        f"{phase} success low": rate.low if found.fits else math.nan,
        f"{phase} success high": rate.high if found.fits else math.nan,
        f"{phase} evaluations": found.evaluations,
        f"{phase} expected evaluations": 10.0**judged.score if measured else math.nan,
        f"{phase} only a bound": bool(judged.censored and judged.fits),
    }


def write_outcome(
    folder: RunFolder, preparation: Preparation, race: Race, verdict: Verdict, records: Sequence[FitRecord]
) -> tuple[pd.DataFrame, Settings]:
    """Everything in the folder but the report; returns the table of settings and the settings of the answer.

    Raises
    ------
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """
    n_dim = preparation.n_dim
    winner = verdict.winner or verdict.baseline
    settings = race.contenders[winner].settings
    recorder = recorder_of(preparation, race)
    write_fits(folder, preparation, records, race.best, race.target, seed=race.rules.seed, recorder=recorder)
    listed = preparation.experiment.settings
    more = [
        recorder.notice(len(records)) if recorder is not None else None,
        not_compared(listed, preparation.baseline, race) if listed else None,
    ]
    table = write_trials(folder.trials, trial_rows(race, n_dim))
    write_settings(folder.settings, settings, n_dim, title=verdict.line)
    write_best(folder, preparation, records, settings)
    folder.write_json(
        folder.verdict,
        {
            **verdict.to_json(),
            **_search(preparation, race, verdict, records, folder),
            "settings": {"name": winner, "genx": genx_options(settings, n_dim)},
            "best_fom": {sample: known.fom for sample, known in race.best.items()},
            "fits": len(records),
            "evaluations": sum(record.evaluations for record in records),
            "settings_tried": len(race.contenders),
            "seed": race.rules.seed,
            "notices": [*preparation.notices, *filter(None, more)],
        },
    )
    return table, settings


def _search(
    preparation: Preparation, race: Race, verdict: Verdict, records: Sequence[FitRecord], folder: RunFolder
) -> dict[str, Any]:
    """What mattered in the search, the way to the answer, and what became of a space that defines itself."""
    settings = {name: contender.settings for name, contender in race.contenders.items()}
    points = {name: contender.point or {} for name, contender in race.contenders.items()}
    searched = Searched(records, race.best, race.target, settings, points, race.rules.seed)
    defined = kept_space(preparation, folder)
    decisions = [{"round": d.round, "stage": d.stage, **d.to_json()} for d in race.decisions]
    superset = {name: p.to_json() for name, p in preparation.experiment.space.parameters.items()}
    account = None if defined is None else space_account(superset, defined.to_json(), decisions)
    return {
        "importance": searched.importance().to_json(),
        "ablation": [step.to_json() for step in searched.ablation(verdict.baseline, verdict.winner)],
        "space": account,
    }


def write_best(folder: RunFolder, problems: Problems, records: Sequence[FitRecord], settings: Settings | None) -> None:
    """The best fit of every sample but the twins: parameters, curves, and a .hgx that also carries the settings."""
    found = best_records(records)
    several = len(problems.real) > 1
    rows: list[pd.DataFrame] = []
    for sample in problems.real:
        record = found.get(sample)
        if record is None or problems.sources[sample].is_function:
            continue
        model = fitted(open_model(problems.sources[sample]), record, settings)
        path = folder.best.with_name(f"best-{sample}.hgx") if several else folder.best
        model.save(path)
        if not rows:  # curves of the first sample only; the others are in their .hgx
            simulations = model.simulate()
            points = model.figure_of_merit(problems.sources[sample].fom).pointwise(simulations)
            write_reflectivity(folder.reflectivity, model.data, simulations, points)
            write_sld(folder.sld, model.sld())
        rows.append(_parameters(folder, problems, sample, record, several))
    for sample in problems.real:
        record = found.get(sample)
        if record is not None and problems.sources[sample].is_function:
            rows.append(_parameters(folder, problems, sample, record, several))
    if len(rows) > 1:
        import pandas as pd

        write_table(folder.parameters, pd.concat(rows, ignore_index=True))


def _parameters(folder: RunFolder, problems: Problems, sample: str, record: FitRecord, several: bool) -> pd.DataFrame:
    problem = problems.problems[sample]
    errors = [(error, error) for error in record.errors] if record.errors is not None else None
    return write_parameters(
        folder.parameters,
        problem.names,
        record.values,
        [(float(low), float(high)) for low, high in problem.bounds],
        errors=errors,
        samples=[sample] * len(problem.names) if several else None,
    )


def best_records(records: Sequence[FitRecord]) -> dict[str, FitRecord]:
    """The fit with the lowest FOM of every sample; the first in the order of the tables among equals."""
    found: dict[str, FitRecord] = {}
    for record in sorted_records(records):
        if math.isfinite(record.fom) and (record.sample not in found or record.fom < found[record.sample].fom):
            found[record.sample] = record
    return found


def fitted(model: Model, record: FitRecord, settings: Settings | None = None) -> Model:
    """A copy of a model with the values and error bars of a fit, and the settings if there are any.

    Where GenX needs whole numbers or has no such option, the nearest that it can do stands in the file.
    """
    from metagenx.genx.model import Model as GenxModel

    errors = None
    if record.errors is not None:
        errors = [(-error, error) if math.isfinite(error) else None for error in record.errors]
    file = model.file.with_results(
        values=list(record.values),
        errors=errors,
        fom_log=[(float(evaluations), fom) for evaluations, fom in record.trace],
        solver_options=None if settings is None else genx_options(settings, len(record.values)),
    )
    return GenxModel(file, trust=model.trust)


def save_run(folder: RunFolder, path: Path) -> Path:
    """Copy a run's results: its best fit to a ``.hgx``, or all its files to a folder (without Ray's)."""
    try:
        if path.suffix.lower() == ".hgx":
            if not folder.best.is_file():
                raise InputError("there is no best fit of a GenX file", where=str(folder.path))
            shutil.copyfile(folder.best, path)
        else:
            shutil.copytree(folder.path, path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ray", "run.lock"))
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
    return path
