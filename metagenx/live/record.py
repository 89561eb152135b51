"""One update as plain values: a line of JSON, a line of the journal, a row of the table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from metagenx.errors import InputError
from metagenx.runs import header

KIND = PHASE = "live"  # of run folder, and of the rounds in its journal
MEMORY = "memory"  # kind of the lines in the journal that later answers depend on and nobody is told
CURVES = "curves.json"  # data and fit of the last answer, in the run folder


@dataclass(frozen=True)
class Update:
    """What was said about one change.

    Parameters
    ----------
    number : of the update, from 1. A second answer about the same data (``is_check``) has the same.
    file, sha256 : the file that has changed.
    state : number of the state of the sample that it belongs to, from 1.
    files : the files that the fitted data are made of.
    time : when the file was written, s since 1970; ``said`` when the verdict was given.
    values, errors : by parameter; None where there is no number.
    limits : parameters at a limit, and which.
    minima : values of all minima that are followed, the best first.
    misfit : relative, what of χ² is more than noise.
    seconds : from when the change was seen to the verdict.
    """

    number: int
    file: str
    sha256: str
    state: int
    files: tuple[str, ...]
    time: float
    said: float
    points: int
    advice: str
    level: str
    line: str
    is_certain: bool
    values: dict[str, float | None]
    errors: dict[str, float | None]
    limits: dict[str, str]
    fom: float | None
    reduced_chi2: float | None
    misfit: float | None
    belongs: str
    why: str
    fits: int
    fits_same: int
    fresh: int
    fresh_same: int
    next_minimum_sigma: float | None
    longer: dict[str, Any] | None
    seconds: float
    evaluations: int
    notices: tuple[str, ...] = ()
    is_check: bool = False
    minima: tuple[tuple[float, ...], ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": "update", **asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Update:
        """Inverse of :meth:`to_json`; raises InputError."""
        fields = {key: value for key, value in data.items() if key != "kind"}
        try:
            for key in ("files", "notices"):
                fields[key] = tuple(fields[key])
            fields["minima"] = tuple(tuple(map(float, row)) for row in fields["minima"])
            return cls(**fields)
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"an update in the journal is not one of this version ({error})") from None

    def row(self) -> dict[str, Any]:
        """As a row of the table."""
        row: dict[str, Any] = {
            "update": self.number, "file": self.file, "state": self.state, "file time": self.time,
            "points": self.points, "advice": self.advice, "verdict": self.line, "FOM": self.fom,
            "reduced chi2": self.reduced_chi2,
            "fits": self.fits, "fits that agree": self.fits_same, "next minimum / sigma": self.next_minimum_sigma,
        }  # fmt: skip
        for name, value in self.values.items():
            row[header(name)] = value
            row[f"{header(name)} error"] = self.errors.get(name)
        row["longer / s"] = (self.longer or {}).get("seconds")
        row["seconds"] = self.seconds
        return row


def number(value: float) -> float | None:
    """As JSON can hold it."""
    return float(value) if math.isfinite(value) else None
