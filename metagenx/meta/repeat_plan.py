"""What ``metagenx repeat`` would do, and how long it would take."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.fitting import streams
from metagenx.fitting.run import run_fit
from metagenx.fitting.settings import Settings
from metagenx.meta.preparation import file_settings
from metagenx.meta.problem_source import ProblemSource, open_problem
from metagenx.meta.ray_session import cores
from metagenx.meta.repeat import source_with_data

if TYPE_CHECKING:
    from metagenx.genx.loaders import DataRequest

SAMPLE = "data"
TRIAL_SECONDS = 3.0
START_UP_SECONDS = 15.0


@dataclass(frozen=True)
class RepeatPlan:
    """A plan, for ``--dry-run``; one fit was begun to see how long it takes.

    ``evaluations`` are of all fits, at the most if ``is_limit``: then the trial fit had not ended.
    """

    fits: int
    evaluations: int
    is_limit: bool
    seconds: float
    workers: int
    perturb: float
    of: str
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def plan_repeat(
    file: Path,
    *,
    n: int,
    perturb: float,
    of: str,
    trust: bool = False,
    workers: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    data: Sequence[DataRequest] = (),
) -> RepeatPlan:
    """The plan of ``n`` fits of a file; parameters and errors as of :func:`metagenx.repeat`."""
    source, _ = source_with_data(ProblemSource.from_file(file, trust=trust), data)
    problem = open_problem(source)
    settings: Settings = file_settings({SAMPLE: source})[0].replace(use_stagnation=True).replace(**(overrides or {}))
    n_dim = len(problem.names)
    problem.evaluate(problem.start[None, :])  # compiles what is not compiled yet
    begun = time.monotonic()
    trial = run_fit(
        problem,
        settings,
        initial=streams.stream(0, "plan", SAMPLE),
        moves=streams.stream(0, "plan moves", SAMPLE),
        should_stop=lambda: time.monotonic() - begun > TRIAL_SECONDS,
    )
    pace = (time.monotonic() - begun) / max(1, trial.evaluations)
    is_limit = trial.stop == "interrupted"
    each = settings.population_size(n_dim) * settings.generation_limit(n_dim) if is_limit else trial.evaluations
    each = min(each, settings.evaluation_limit(n_dim) or each)
    workers = workers or cores()
    seconds = n * each * pace / min(workers, n) + START_UP_SECONDS
    duration = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    about = "at the most" if is_limit else "about"
    text = (
        f"{n} fits from starts moved by up to {100 * perturb:g} % ({of} rows), {about} {n * each:,} evaluations of "
        f"{1e6 * pace:.0f} µs: {about} {duration} on {workers} workers"
    )
    return RepeatPlan(n, n * each, is_limit, seconds, workers, perturb, of, text)
