"""Where independent fits ended: the minima they found, and how far the parameters spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.meta.records import FitRecord, number_to_json, sorted_records
from metagenx.meta.statistics import BestKnown, Target

if TYPE_CHECKING:
    import pandas as pd

WITHOUT_ERRORS = 0.02  # of the width of its bounds, what counts as the same value where there is no error bar


@dataclass(frozen=True)
class Minimum:
    """Fits that ended at the same place: the best of them, and the repeat numbers of all."""

    fom: float
    values: tuple[float, ...]
    repeats: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "fom": number_to_json(self.fom),
            "values": [number_to_json(value) for value in self.values],
            "fits": len(self.repeats),
            "repeats": list(self.repeats),
        }


def find_minima(records: Sequence[FitRecord], bounds: np.ndarray, *, within: float = 0.01) -> list[Minimum]:
    """Group the ends of fits of one sample, the best minimum first.

    A fit belongs to the best minimum from whose centre it lies within 3 error bars in every parameter (2 % of the
    bounds where there is no error bar) and whose FOM it meets within ``within``; a fit that belongs to none is the
    centre of its own. Failed fits belong nowhere.

    Parameters
    ----------
    bounds : (n_dim, 2).
    """
    width = np.asarray(bounds[:, 1] - bounds[:, 0], dtype=float)
    target = Target(within=within)
    centres: list[tuple[BestKnown, list[int]]] = []
    ended = [record for record in sorted_records(list(records)) if math.isfinite(record.fom)]
    for record in sorted(ended, key=lambda record: record.fom):
        for centre, repeats in centres:
            if record.fom <= target.fom(centre) and target.agrees(record.values, centre):
                repeats.append(record.repeat)
                break
        else:
            errors = np.array(record.errors if record.errors is not None else [math.nan] * len(width))
            usable = np.where(np.isfinite(errors) & (errors > 0), errors, WITHOUT_ERRORS * width / target.n_errors)
            centres.append((BestKnown(record.fom, record.values, tuple(map(float, usable))), [record.repeat]))
    return [Minimum(centre.fom, centre.values, tuple(sorted(repeats))) for centre, repeats in centres]


def spread(records: Sequence[FitRecord], names: Sequence[str], repeats: Sequence[int]) -> pd.DataFrame:
    """Spread of every parameter, over the fits of the best minimum and over all.

    Columns: parameter; best; mean, standard deviation, min and max over the fits with the numbers ``repeats``; standard
    deviation, min and max over all fits that gave a FOM.
    """
    import pandas as pd

    ended = [record for record in sorted_records(list(records)) if math.isfinite(record.fom)]
    chosen = set(repeats)
    everything = np.array([record.values for record in ended]).reshape(-1, len(names))
    inside = np.array([record.values for record in ended if record.repeat in chosen]).reshape(-1, len(names))
    best = min(ended, key=lambda record: record.fom).values if ended else (math.nan,) * len(names)
    return pd.DataFrame(
        {
            "parameter": list(names),
            "best": best,
            "mean": _over(np.mean, inside),
            "std": _over(lambda v, axis: v.std(axis=axis, ddof=1) if len(v) > 1 else np.nan * v[0], inside),
            "min": _over(np.min, inside),
            "max": _over(np.max, inside),
            "all std": _over(lambda v, axis: v.std(axis=axis, ddof=1) if len(v) > 1 else np.nan * v[0], everything),
            "all min": _over(np.min, everything),
            "all max": _over(np.max, everything),
        }
    )


def _over(function: Any, values: np.ndarray) -> np.ndarray:
    if len(values) == 0:
        return np.full(values.shape[1], math.nan)
    return np.asarray(function(values, axis=0))
