"""The fits of a run go into the user's experience: what ``repeat`` and ``tune`` have measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from metagenx.experience.features import Features, features_of_file
from metagenx.experience.place import experience_folder
from metagenx.experience.rows import Origin, row_of_run
from metagenx.experience.store import remember
from metagenx.fitting.filing import features_of
from metagenx.meta.objective import Contender
from metagenx.meta.preparation import Problems
from metagenx.meta.problem_source import open_model
from metagenx.meta.progress import Listener, Progress
from metagenx.meta.records import FitRecord
from metagenx.meta.statistics import BestKnown


def file_records(
    origin: Origin,
    problems: Problems,
    records: Sequence[FitRecord],
    contenders: Mapping[str, Contender],
    best: Mapping[str, BestKnown],
    progress: Listener,
) -> None:
    """File the fits of a run, and gather what waits in the store; a store that cannot be written is a notice."""
    if experience_folder() is None:
        return
    features = {sample: features_of_sample(problems, sample) for sample in problems.samples}
    rows = [
        row_of_run(
            origin,
            features[record.sample],
            settings=contenders[record.setting].settings.key(),
            fom=record.fom,
            values=record.values,
            errors=record.errors,
            evaluations=record.evaluations,
            generations=record.generations,
            stop=record.stop,
            seconds=record.seconds,
            trace=record.trace,
            failure=record.failure,
            sample=record.sample,
            phase=record.phase,
            setting=record.setting,
            repeat=record.repeat,
            known_fom=best[record.sample].fom if record.sample in best else math.nan,
        )
        for record in records
        if record.setting in contenders and record.sample in features
    ]
    why_not = remember(rows, gather=True)
    if why_not:
        progress(Progress("notice", why_not))


def features_of_sample(problems: Problems, sample: str) -> Features:
    """What a sample of a run is like."""
    source = problems.sources[sample]
    if source.is_function:
        return features_of(problems.problems[sample], (source.content or b"") + source.name.encode())
    return features_of_file(open_model(source).file, source.fom)
