"""Where the fits of one sample ended: best values, error bars, spread, and which minimum each fit found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metagenx.genx.limits import at_limit
from metagenx.meta.minima import Minimum, find_minima
from metagenx.meta.records import FitRecord
from metagenx.runs.tables import unit

if TYPE_CHECKING:
    from metagenx.report.evidence import Evidence

Array = NDArray[np.float64]

RARE = 0.02  # share of all fits below which a place where fits ended is not called a minimum
MOST_FITS = 3000  # whose ends are compared


@dataclass(frozen=True)
class Ends:
    """Final values of many fits.

    Parameters
    ----------
    names : of the fitted parameters; ``bounds`` ``(n_dim, 2)``, ``best`` ``(n_dim,)``, ``errors`` ``(n_dim, 2)`` as
        lengths below and above, nan where unknown.
    values : ``(n_fits, n_dim)``, with ``foms`` ``(n_fits,)`` and ``succeeded`` ``(n_fits,)``.
    minimum : ``(n_fits,)`` number of the minimum in which a fit ended, an index into ``minima``.
    """

    names: tuple[str, ...]
    bounds: Array
    best: Array
    errors: Array
    values: Array
    foms: Array
    succeeded: NDArray[np.bool_]
    minimum: NDArray[np.int64]
    minima: tuple[Minimum, ...]
    n_failed: int = 0

    @property
    def units(self) -> list[str]:
        """Units by GenX's conventions, empty where not certain."""
        return [unit(name) for name in self.names]

    @property
    def at_limit(self) -> list[str]:
        """``min``, ``max`` or nothing for each parameter of the best fit."""
        return [at_limit(value, *bounds) for value, bounds in zip(self.best, self.bounds, strict=True)]

    @property
    def shared(self) -> list[int]:
        """Numbers of the minima that enough fits found, at least two and 2 % of all; the first always counts.

        What one or two fits found may be a fit that had not converged as well as a minimum.
        """
        fewest = max(2, math.ceil(RARE * len(self.foms)))
        return [i for i, minimum in enumerate(self.minima) if i == 0 or len(minimum.repeats) >= fewest]


def ends_of(evidence: Evidence, sample: str) -> Ends | None:
    """The ends of all fits of a sample; None without a fit that gave a FOM."""
    mine = [record for record in evidence.records if record.sample == sample]
    good = [record for record in mine if math.isfinite(record.fom) and record.values]
    if not good or sample not in evidence.best:
        return None
    names = evidence.names(sample)
    table = evidence.parameters_of(sample)
    values = np.array([record.values for record in good])
    errors = np.full((len(names), 2), np.nan)
    if table is not None and len(table) == len(names):
        bounds = table[["min", "max"]].to_numpy(dtype=float)
        errors = table[["-error", "+error"]].to_numpy(dtype=float)
    else:
        bounds = np.column_stack([values.min(axis=0), values.max(axis=0)])
    succeeded = [evidence.is_success(record) for record in good]
    return ends_of_records(
        good, names, bounds, errors, succeeded, within=evidence.target.within, n_failed=len(mine) - len(good)
    )


def ends_of_records(
    good: Sequence[FitRecord],
    names: Sequence[str],
    bounds: Array,
    errors: Array,
    succeeded: Sequence[bool],
    *,
    within: float = 0.01,
    n_failed: int = 0,
) -> Ends:
    """The ends of fits that gave a FOM; the other arguments as in :class:`Ends`."""
    minima, numbers = _minima(good, bounds, within)
    return Ends(
        names=tuple(names),
        bounds=bounds,
        best=np.array(min(good, key=lambda record: record.fom).values),
        errors=errors,
        values=np.array([record.values for record in good]),
        foms=np.array([record.fom for record in good]),
        succeeded=np.array(succeeded, dtype=bool),
        minimum=numbers,
        minima=minima,
        n_failed=n_failed,
    )


def _minima(
    records: Sequence[FitRecord], bounds: Array, within: float
) -> tuple[tuple[Minimum, ...], NDArray[np.int64]]:
    """Minima of fits whatever their phase and setting; for each fit the number of its own, -1 if not compared."""
    numbers = np.full(len(records), -1, dtype=np.int64)
    chosen = np.argsort([record.fom for record in records], kind="stable")[:MOST_FITS]
    numbered = [dataclasses.replace(records[i], repeat=int(i)) for i in chosen]
    minima = tuple(find_minima(numbered, bounds, within=within))
    for number, minimum in enumerate(minima):
        numbers[list(minimum.repeats)] = number
    return minima, numbers
