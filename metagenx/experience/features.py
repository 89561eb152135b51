"""What a problem is like, in a few numbers that can be had without a fit: what experience with it is filed under."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from metagenx.genx.file import GenxFile

_LAYER = re.compile(r"\bLayer\s*\(")


@dataclass(frozen=True)
class Features:
    """A problem in numbers.

    Parameters
    ----------
    problem : what it is, 32 hexadecimal digits: equal for equal script, limits, fixed values, data and figure of merit,
        whatever the start.
    n_parameters : fitted ones; ``lower``, ``upper`` ``(n_parameters,)`` their limits, ``start`` where fits begin.
    n_points, n_data_sets : with data in use; 0 for a Python function.
    n_layers : layers that the script makes, ambient and substrate among them.
    noise : median relative error of the data by their error column; nan without one.
    fom : name of the figure of merit.
    """

    problem: str
    n_parameters: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    start: tuple[float, ...]
    n_points: int = 0
    n_data_sets: int = 0
    n_layers: int = 0
    noise: float = float("nan")
    fom: str = ""


def features_of_file(file: GenxFile, fom: str | None = None) -> Features:
    """Features of a GenX file; ``fom`` stands instead of the file's own figure of merit."""
    rows, used = file.fitted_rows, [dataset for dataset in file.data if dataset.use]
    name = fom or file.fom_function
    table = [
        (row.name, None if row.fit else row.value, row.minimum, row.maximum) for row in file.table if row.name.strip()
    ]
    digest = hashlib.sha256(json.dumps([file.script, name, table], default=str).encode())
    for dataset in used:
        for column in (dataset.x, dataset.y, dataset.error, *dataset.extra_data.values()):
            digest.update(np.ascontiguousarray(column, dtype=float).tobytes())
    ratios = [_relative(dataset.y, dataset.error) for dataset in used]
    known = np.concatenate(ratios) if ratios else np.empty(0)
    return Features(
        problem=digest.hexdigest()[:32],
        n_parameters=len(rows),
        lower=tuple(float(row.minimum) for row in rows),
        upper=tuple(float(row.maximum) for row in rows),
        start=tuple(float(row.value) for row in rows),
        n_points=sum(len(dataset.x) for dataset in used),
        n_data_sets=len(used),
        n_layers=len(_LAYER.findall(file.script)),
        noise=float(np.median(known)) if len(known) else float("nan"),
        fom=name,
    )


def features_of_function(content: bytes, names: Sequence[str], bounds: ArrayLike, start: ArrayLike) -> Features:
    """Features of a Python problem; ``content`` says what it is."""
    limits, first = np.asarray(bounds, dtype=float), np.asarray(start, dtype=float)
    digest = hashlib.sha256(content + json.dumps([list(names), limits.tolist()]).encode())
    return Features(
        problem=digest.hexdigest()[:32],
        n_parameters=len(limits),
        lower=tuple(map(float, limits[:, 0])),
        upper=tuple(map(float, limits[:, 1])),
        start=tuple(map(float, first)),
        fom="function",
    )


def _relative(y: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Relative errors; none if the error column is y itself, as GenX shows a file without errors."""
    if error.shape != y.shape or np.array_equal(error, np.abs(y)):
        return np.empty(0)
    with np.errstate(all="ignore"):
        found = error / np.abs(y)
    return np.asarray(found[np.isfinite(found) & (found > 0.0)])
