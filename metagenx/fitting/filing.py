"""The runs of a fit go into the user's experience."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from metagenx.experience.features import Features, features_of_file, features_of_function
from metagenx.experience.place import experience_folder
from metagenx.experience.rows import Origin, row_of_run
from metagenx.experience.store import remember
from metagenx.fitting.problem import Problem
from metagenx.fitting.run import FitResult
from metagenx.fitting.settings import Settings

if TYPE_CHECKING:
    from metagenx.fitting.api import Fit


def file_runs_of_fit(fit: Fit, settings: Settings) -> str | None:
    """File the runs of a fit of a GenX file; why that failed, if it did."""
    if fit.model is None or fit.problem is None or experience_folder() is None:
        return None  # of a plain Python object nothing tells next time that it is the same
    features = features_of_file(fit.model.file, getattr(fit.problem, "fom_name", None))
    return file_runs(Origin("fit", fit.model.name, fit.seed), features, fit.restarts.runs, settings)


def file_runs(
    origin: Origin, features: Features, runs: Sequence[FitResult], settings: Settings, *, sample: str = "data"
) -> str | None:
    """File runs 0, 1, … of one fit, all by the same settings; why that failed, if it did."""
    rows = [
        row_of_run(
            origin,
            features,
            settings=settings.key(),
            fom=run.fom,
            values=run.values.tolist(),
            errors=np.maximum(-run.error_low, run.error_high).tolist(),
            evaluations=run.evaluations,
            generations=run.generations,
            stop=run.stop,
            seconds=run.seconds,
            trace=run.trace,
            failure=run.failure,
            sample=sample,
            phase=origin.command,
            repeat=number,
        )
        for number, run in enumerate(runs)
        if run.stop != "interrupted"
    ]
    return remember(rows)


def features_of(problem: Problem, content: bytes) -> Features:
    """Features of a problem that is a Python function; ``content`` is where it stands."""
    return features_of_function(content, problem.names, problem.bounds, problem.start)
