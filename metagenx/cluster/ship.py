"""What a cluster needs to work on a run: its folder without results, and what to do with it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from metagenx.cluster.driver import JOB, Job
from metagenx.errors import InputError
from metagenx.runs import RunFolder
from metagenx.runs.files import to_json

LARGEST = 90_000_000  # bytes; Ray takes packages up to 100 MiB


def pack(folder: RunFolder, job: Job, target: Path) -> None:
    """Fill ``target`` with what the driver needs: manifest, inputs, the journal so far, and the job.

    Raises
    ------
    InputError : it is too large for Ray.
    """
    run = target / "run"
    run.mkdir(parents=True)
    shutil.copy2(folder.manifest_file, run)
    shutil.copytree(folder.inputs, run / "inputs")
    if folder.events.exists():
        shutil.copy2(folder.events, run)
    cost = folder.path / "cost.json"
    if cost.exists():
        shutil.copy2(cost, run)
    (target / JOB).write_text(to_json(dataclasses.asdict(job)), encoding="utf-8")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > LARGEST:
        raise InputError(
            f"the experiment's files have {size / 1e6:.0f} MB, Ray takes {LARGEST / 1e6:.0f} MB",
            where=str(folder.inputs),
            hint="Use smaller data files, or run metagenx on the cluster's head itself.",
        )
