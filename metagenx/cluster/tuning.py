"""``metagenx tune … --where cluster.yaml`` and ``metagenx attach``: a tuning run that happens elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metagenx.cluster.jobs import Jobs
from metagenx.cluster.places import ceilings, price_now, reached
from metagenx.cluster.remote import follow, hand_over, job_for, note_of, place_of
from metagenx.cluster.remote import stop as stop_job
from metagenx.errors import InputError, MetagenxError
from metagenx.meta.experiment import load_experiment
from metagenx.meta.preparation import prepare
from metagenx.meta.progress import Listener, Progress
from metagenx.runs import DEFAULT_BASE, RunFolder, find_run

if TYPE_CHECKING:
    from metagenx.genx.loaders import DataRequest


@dataclass(frozen=True)
class Far:
    """How a run elsewhere is wanted.

    Parameters
    ----------
    where : a cluster file, or the address of a cluster's dashboard.
    max_hours, max_cost : ceilings of the run, beside those of the cluster file.
    when_done : ``down`` ends the cluster when the run has come home, whatever it ended with; ``keep`` leaves it.
    """

    where: str
    max_hours: float | None = None
    max_cost: float | None = None
    when_done: str = "keep"


def tune_far(
    experiment: Path,
    far: Far,
    *,
    out: Path | None,
    overrides: Sequence[str] = (),
    data: Sequence[DataRequest] = (),
    workers: int | None = None,
    resume: bool = True,
    trust: bool = False,
    progress: Listener,
) -> RunFolder:
    """Have a cluster work on an experiment until it is done, and bring the run folder home; the folder.

    Raises
    ------
    InputError : a mistake in the experiment, found here; the cluster is not up or does not take it.
    Interrupted : Ctrl-C here; the run goes on there.
    ResourcesSpent : the cluster died, or a ceiling is reached; the same call goes on.
    """
    loaded = load_experiment(experiment, overrides, data, trust=trust)
    prepare(loaded, trust=trust)  # mistakes are told here, before anything costs
    base = out or DEFAULT_BASE
    folder = find_run(base, loaded.name, loaded.hash) if resume else None
    if folder is not None and folder.is_finished:
        return folder
    folder = folder or RunFolder.for_experiment(base, loaded)
    say = _sayer(progress)
    try:
        with reached(far.where, say) as (address, file):
            price = None if file is None else price_now(file)
            options = ceilings(file, far.max_hours, far.max_cost, price)
            jobs = Jobs(address)
            most = workers or loaded.run.workers or (None if file is None else file.most_cpus)
            job = job_for(folder, trust=trust, workers=most, **options)
            name = hand_over(folder, jobs, job, where=far.where, progress=progress)
            follow(folder, jobs, name, progress=progress)
    except MetagenxError as error:
        if far.when_done == "down" and note_of(folder) is not None and _has_come_home(error):
            _end(far.where, say)
        raise
    if far.when_done == "down":
        _end(far.where, say)
    return folder


def attach(run: Path, *, stop: bool = False, progress: Listener) -> RunFolder:
    """Pick up a run that was handed over to a cluster: follow it to its end, or end it; the folder.

    Raises
    ------
    InputError : it was not handed over, or the cluster does not know it any more.
    Interrupted, ResourcesSpent : as :func:`tune_far`.
    """
    from metagenx.runs import open_run

    folder = open_run(run)
    note = note_of(folder)
    if note is None:
        raise InputError("this run was not handed over to a cluster", where=str(folder.path))
    if folder.is_finished and not stop:
        return folder
    with reached(place_of(note), _sayer(progress)) as (address, _):
        jobs = Jobs(address)
        if jobs.status(note["job"]) is None:
            raise InputError(
                f"the cluster does not know {note['job']}: it was started anew since",
                where=str(folder.path),
                hint=f"The same tune command with --where {place_of(note)} goes on from what has come home.",
            )
        if stop:
            stop_job(folder, jobs)
        follow(folder, jobs, note["job"], progress=progress)
    return folder


def _has_come_home(error: MetagenxError) -> bool:
    """Whether the run on the cluster is over; not so if only this end stopped following, or nothing answers."""
    from metagenx.errors import Interrupted

    return not isinstance(error, Interrupted) and "does not answer" not in error.what


def _end(where: str, say: Callable[[str], None]) -> None:
    from metagenx.cluster.check import check_cluster
    from metagenx.cluster.file import is_cluster_file
    from metagenx.cluster.launcher import down

    if is_cluster_file(where):
        down(check_cluster(Path(where)), say)


def _sayer(progress: Listener) -> Callable[[str], None]:
    return lambda text: progress(Progress("notice", text))
