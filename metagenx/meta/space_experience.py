"""What an automatic space learns from: the runs that come with metagenx, and those in the user's own store."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.errors import ConfigError, InputError, MetagenxError
from metagenx.experience.features import Features, features_of_file
from metagenx.fitting.settings import Settings
from metagenx.fitting.streams import stream
from metagenx.meta.automatic_space import ProblemShape, Taught
from metagenx.meta.hit_rates import log_running_times
from metagenx.meta.measured_table import MeasuredRuns, built_in_tables, read_table
from metagenx.meta.objective import best_known, standing
from metagenx.meta.records import FitRecord
from metagenx.meta.space import Point
from metagenx.meta.space_changes import Trial
from metagenx.meta.statistics import BestKnown, Target

Place = Callable[[Settings, int], Point | None]
"""(settings, fitted parameters) → their place in the superset; None if they have none."""

CUTOFFS = (1.0, 2.0, 3.5, 5.0, 7.0, 10.0)
"""In n³: the costs of single runs tell what each of these cutoffs would have given."""

CORRELATIONS = Path(__file__).parent / "tables" / "correlations.json"

COMMANDS = ("tune", "repeat", "fit", "batch")


def shape_of(features: Features) -> ProblemShape:
    """A problem's shape from its features."""
    return ProblemShape.of(
        features.lower,
        features.upper,
        features.start,
        n_points=features.n_points,
        n_layers=features.n_layers,
        noise=features.noise,
    )


def taught_by_tables(families: Collection[str] | None = None) -> list[Taught]:
    """What the measured tables of metagenx teach, a problem for each family; default: all of them.

    Raises
    ------
    InputError : a table is damaged.
    """
    from metagenx.meta.families import FAMILIES, sample

    known = correlations_of_tables()
    return [
        Taught(
            name,
            shape_of(features_of_file(sample(name, 0).model.file)),
            trials_of_table(rows),
            known.get(name, 0.0),
        )
        for name, rows in sorted(rows_of_tables().items())
        if name in FAMILIES and (families is None or name in families)
    ]


def correlations_of_tables() -> dict[str, float]:
    """Family → rank correlation of its surrogate out of bag, as written down for the tables as they are now.

    It takes many seconds to grow the forests, so ``python -m metagenx.meta.space_experience`` writes them down once,
    with the SHA-256 of the tables that they are of. Of other tables nothing is known, and so they teach nothing.
    """
    try:
        found = json.loads(CORRELATIONS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found["correlations"]) if found.get("tables") == content_of_tables() else {}


def write_correlations() -> dict[str, float]:
    """Grow the forests of the tables as they are now, and write down how well they do."""
    found = {name: _out_of_bag(name, rows) for name, rows in sorted(rows_of_tables().items())}
    text = json.dumps({"tables": content_of_tables(), "correlations": found}, indent=1)
    CORRELATIONS.write_text(text + "\n", encoding="utf-8")
    return found


def content_of_tables() -> str:
    """SHA-256 of the tables as they are now."""
    return hashlib.sha256(b"".join(path.read_bytes() for _, path in sorted(built_in_tables().items()))).hexdigest()


def rows_of_tables() -> dict[str, list[MeasuredRuns]]:
    """Family → its rows, of all tables that come with metagenx."""
    of_family: dict[str, list[MeasuredRuns]] = defaultdict(list)
    for path in built_in_tables().values():
        for row in read_table(path):
            of_family[row.sample.split(".")[0]].append(row)
    return of_family


def _out_of_bag(family: str, rows: Sequence[MeasuredRuns]) -> float:
    """How well a family is known: the correlation that its surrogate prints; 0 if it has too few settings for one."""
    from metagenx.meta.replay import MeasuredLandscape

    samples = sorted({row.sample for row in rows})
    try:
        return MeasuredLandscape.of(rows, samples, stream(0, "surrogate", family)).out_of_bag
    except InputError:
        return 0.0


def trials_of_table(rows: Sequence[MeasuredRuns]) -> tuple[Trial, ...]:
    """Every setting that ran on all samples, with each cutoff, and the mean over the samples of log10 ERT."""
    samples = sorted({row.sample for row in rows})
    cells = {(row.setting, row.sample): row for row in rows}
    names = [name for name in dict.fromkeys(row.setting for row in rows) if all((name, s) in cells for s in samples)]
    found = []
    for cutoff in CUTOFFS if names else ():
        at = [[cells[name, s].at(cutoff * cells[name, s].n_dim ** 3) for s in samples] for name in names]
        spent, hits = np.array([[e for e, _ in row] for row in at]), np.array([[h for _, h in row] for row in at])
        scores = log_running_times(spent, hits).mean(axis=1)
        for name, score, successes in zip(names, scores, hits.sum(axis=1), strict=True):
            point = {**cells[name, samples[0]].values, "max_evaluation_mult": cutoff}
            found.append(Trial(point, float(score), censored=not successes))
    return tuple(found)


def taught_by_store(rows: Iterable[Mapping[str, Any]], place: Place) -> list[Taught]:
    """What runs in a store teach, problem by problem; rows that cannot be read as runs are left out."""
    of_problem: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["command"] in COMMANDS and row["n_parameters"] > 0 and not row["failure"]:
            of_problem[row["problem"]].append(row)
    return [taught for name in sorted(of_problem) if (taught := _taught(of_problem[name], place)) is not None]


def rows_of_store(own: Collection[str], seed: int) -> list[dict[str, Any]]:
    """The rows of the user's store, without those that a run of this seed has made of these problems.

    They hold the very fits that the run will make: it would choose by its own lucky draws, and would not be the same
    when it is run again. A store that cannot be read teaches nothing.
    """
    from metagenx.experience.place import experience_folder
    from metagenx.experience.store import Store

    folder = experience_folder()
    if folder is None or not folder.is_dir():
        return []
    try:
        rows = Store(folder).read().rows
    except (OSError, MetagenxError):
        return []
    return [row for row in rows if row["seed"] != seed or row["problem"] not in own]


def _taught(rows: Sequence[Mapping[str, Any]], place: Place) -> Taught | None:
    first = rows[0]
    shape = ProblemShape.of(
        first["lower"],
        first["upper"],
        first["start"],
        n_points=first["n_points"],
        n_layers=first["n_layers"],
        noise=first["noise"],
    )
    records: dict[str, list[FitRecord]] = defaultdict(list)
    for row in rows:
        records[row["settings"]].append(_record(row))
    known = best_known(record for own in records.values() for record in own)
    lowest = min((row["known_fom"] for row in rows if math.isfinite(row["known_fom"])), default=math.inf)
    if "data" not in known:
        return None
    if lowest < known["data"].fom:  # of a twin, at its truth: where it lies is not in the store
        known = {"data": BestKnown(lowest, known["data"].values, None)}
    trials = []
    for key in sorted(records):
        try:
            settings = Settings.from_values(json.loads(key))
        except (ConfigError, ValueError, TypeError):
            continue  # of another version of metagenx
        point = place(settings, shape.n_dim)
        if point is not None:
            found = standing({"data": _numbered(records[key])}, known, Target())
            score = found.score if found.censored else found.pessimistic
            trials.append(Trial(point, score, censored=found.censored))
    return Taught(f"{first['name']} {first['problem'][:8]}", shape, tuple(trials))


def _record(row: Mapping[str, Any]) -> FitRecord:
    return FitRecord(
        phase="search",
        setting="",
        sample="data",
        repeat=0,
        fom=row["fom"],
        values=tuple(row["values"]),
        evaluations=row["evaluations"],
        generations=row["generations"],
        stop=row["stop"],
        seconds=row["seconds"],
        trace=tuple(zip(row["hit_evaluations"], row["hit_foms"], strict=False)),
        errors=tuple(row["errors"]) if len(row["errors"]) == len(row["values"]) else None,
    )


def _numbered(records: Sequence[FitRecord]) -> list[FitRecord]:
    return [dataclasses.replace(record, repeat=number) for number, record in enumerate(records)]


if __name__ == "__main__":
    for family, correlation in write_correlations().items():
        print(f"{family} {correlation:.2f}")
