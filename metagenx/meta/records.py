"""What one DE run gives back: a line of the journal, a row of ``repeats.csv``.

Numbers survive JSON to the last digit (``repr`` of a double is exact); ``nan`` and ``inf``, which JSON
lacks, are written as strings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PHASES = ("search", "confirmation", "validation", "repeat")
"""The parts of a run, in order; their repeat numbers are disjoint."""

BASELINE = "file"
"""Setting id of the settings stored in the user's file."""


@dataclass(frozen=True)
class FitRecord:
    """One DE run of one setting on one sample.

    ``trace`` holds every improvement as (evaluations, best FOM), evaluations rising and FOM falling; its
    last entry is the final FOM. A failed fit has ``fom`` nan (or the best it had), ``failure`` says why,
    and its evaluations still count. ``errors`` are error bars of ``values`` by GenX's scan of FOM levels
    (nan: unknown), if the fit has any.
    """

    phase: str
    setting: str
    sample: str
    repeat: int
    fom: float
    values: tuple[float, ...]
    evaluations: int
    generations: int
    stop: str
    seconds: float
    trace: tuple[tuple[int, float], ...]
    failure: str | None = None
    host: str = ""
    errors: tuple[float, ...] | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What makes this record unique in a run: the same key always holds the same numbers."""
        return (self.phase, self.setting, self.sample, self.repeat)

    @property
    def order(self) -> tuple[int, tuple[int, int, str], str, int]:
        """Sort key of tables: phase, setting (the file's own first), sample, repeat."""
        phase = PHASES.index(self.phase) if self.phase in PHASES else len(PHASES)
        return (phase, setting_order(self.setting), self.sample, self.repeat)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for ``json.dumps(..., allow_nan=False)``."""
        return {
            "phase": self.phase,
            "setting": self.setting,
            "sample": self.sample,
            "repeat": int(self.repeat),
            "fom": number_to_json(self.fom),
            "values": [number_to_json(value) for value in self.values],
            "evaluations": int(self.evaluations),
            "generations": int(self.generations),
            "stop": self.stop,
            "seconds": number_to_json(self.seconds),
            "trace": [[int(evaluations), number_to_json(fom)] for evaluations, fom in self.trace],
            "failure": self.failure,
            "host": self.host,
            "errors": None if self.errors is None else [number_to_json(error) for error in self.errors],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FitRecord:
        """Inverse of :meth:`to_json`; raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            phase=str(data["phase"]),
            setting=str(data["setting"]),
            sample=str(data["sample"]),
            repeat=int(data["repeat"]),
            fom=float(data["fom"]),
            values=tuple(float(value) for value in data["values"]),
            evaluations=int(data["evaluations"]),
            generations=int(data["generations"]),
            stop=str(data["stop"]),
            seconds=float(data["seconds"]),
            trace=tuple((int(evaluations), float(fom)) for evaluations, fom in data["trace"]),
            failure=None if data["failure"] is None else str(data["failure"]),
            host=str(data.get("host", "")),
            errors=None if data.get("errors") is None else tuple(float(error) for error in data["errors"]),
        )


def setting_order(setting: str) -> tuple[int, int, str]:
    """Sort key of setting ids: the file's own settings first, then named ones, then s001, s002, …, s1000."""
    if setting == BASELINE:
        return (0, 0, setting)
    if setting[:1] == "s" and setting[1:].isdecimal():
        return (2, int(setting[1:]), setting)
    return (1, 0, setting)


def sorted_records(records: Sequence[FitRecord]) -> list[FitRecord]:
    """Records in the order of the tables, whatever order they arrived in."""
    return sorted(records, key=lambda record: record.order)


def number_to_json(value: float) -> float | str:
    """A double as JSON: itself, or ``"nan"``, ``"inf"``, ``"-inf"``."""
    value = float(value)
    return value if math.isfinite(value) else repr(value)
