"""One run of differential evolution as a row of the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from metagenx import __version__
from metagenx.experience.features import Features

#: Column → its kind; what a row lacks is empty, what it has beside these is left out.
COLUMNS: dict[str, str] = {
    "id": "text", "when": "text", "version": "text", "command": "text", "name": "text",
    "problem": "text", "n_parameters": "int", "lower": "floats", "upper": "floats", "start": "floats",
    "n_points": "int", "n_data_sets": "int", "n_layers": "int", "noise": "float", "fom_function": "text",
    "sample": "text", "phase": "text", "setting": "text", "settings": "text", "seed": "int", "repeat": "int",
    "fom": "float", "values": "floats", "errors": "floats", "evaluations": "int", "generations": "int", "stop": "text",
    "seconds": "float", "failure": "text", "hit_evaluations": "ints", "hit_foms": "floats", "known_fom": "float",
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What made a run.

    Parameters
    ----------
    command : ``fit``, ``repeat``, ``batch`` or ``tune``.
    name : of the file or experiment, for people.
    seed : of the run; with sample and repeat it gives the random streams.
    """

    command: str
    name: str
    seed: int


def row_of_run(
    origin: Origin,
    features: Features,
    *,
    settings: str,
    fom: float,
    values: Sequence[float],
    evaluations: int,
    generations: int,
    stop: str,
    seconds: float,
    trace: Sequence[tuple[int, float]],
    errors: Sequence[float] | None = None,
    failure: str | None = None,
    sample: str = "data",
    phase: str = "",
    setting: str = "",
    repeat: int = 0,
    known_fom: float = float("nan"),
) -> dict[str, Any]:
    """A row, as plain values.

    Parameters
    ----------
    settings : canonical JSON of the settings, ``Settings.key()``.
    trace : every improvement as (evaluations, best FOM): it tells what any other target or cutoff would have cost.
    known_fom : f* of the instance when the run was filed; of a twin that of its truth.
    """
    which = [features.problem, settings, origin.command, origin.seed, sample, phase, repeat, evaluations, repr(fom)]
    described = asdict(features)
    described["fom_function"] = described.pop("fom")
    return {
        **described,
        "id": hashlib.sha256(json.dumps(which).encode()).hexdigest()[:32],
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "command": origin.command,
        "name": origin.name,
        "seed": int(origin.seed),
        "settings": settings,
        "sample": sample,
        "phase": phase,
        "setting": setting,
        "repeat": int(repeat),
        "fom": float(fom),
        "values": [float(value) for value in values],
        "errors": [float(error) for error in errors or ()],
        "evaluations": int(evaluations),
        "generations": int(generations),
        "stop": stop,
        "seconds": float(seconds),
        "failure": failure or "",
        "hit_evaluations": [int(n) for n, _ in trace],
        "hit_foms": [float(value) for _, value in trace],
        "known_fom": float(known_fom),
    }
