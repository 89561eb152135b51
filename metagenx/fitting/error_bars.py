"""The error bars of a fit, of three kinds side by side: covariance, FOM levels as in GenX, spread of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting.covariance import LEVELS, Covariance, covariance_at
from metagenx.fitting.problem import FloatArray, Problem, ProblemWithData

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.fitting.run import FitResult

#: Kind → what it says, for tables, reports and JSON.
KINDS = {
    "covariance": "what the data leave open: 68 % interval from the Jacobian at the best fit",
    "FOM level": "GenX's scan: values met with a FOM up to the level above the best; depends on the run",
    "spread": "standard deviation of the runs that ended in the best minimum: how well fits agree, no more",
}


#: The kind in GenX's Error column, unless another is asked for.
ERROR_COLUMN = "FOM level"


def scan(
    vectors: FloatArray, foms: FloatArray, best: FloatArray, best_fom: float, level: float
) -> tuple[FloatArray, FloatArray]:
    """How far the vectors with a FOM below ``level`` times the best reach from the best, down and up.

    Parameters
    ----------
    vectors, foms : evaluated candidates ``(n, n_dim)`` and their FOMs ``(n,)``.
    best, best_fom : the best vector ``(n_dim,)`` and its FOM.

    Returns
    -------
    low (≤ 0) and high (≥ 0), each ``(n_dim,)``, in the units of the parameters; NaN where the best FOM is not
    positive or too few vectors lie below the level to span anything.
    """
    unknown = np.full(len(best), np.nan)
    if not (np.isfinite(best_fom) and best_fom > 0.0):
        return unknown, unknown.copy()
    inside = vectors[foms < level * best_fom]
    if len(inside) < 2:
        return unknown, unknown.copy()
    low: FloatArray = np.minimum(inside.min(axis=0) - best, 0.0)
    high: FloatArray = np.maximum(inside.max(axis=0) - best, 0.0)
    return low, high


@dataclass(frozen=True, eq=False)
class ErrorBars:
    """All error bars of one fit.

    Attributes
    ----------
    names, values : of the fitted parameters, ``(n_dim,)``.
    covariance : None where there is none; ``why_not`` says why.
    level_low, level_high : ``(n_dim,)`` to the edge of the FOM level ``level``, ≤ 0 and ≥ 0, NaN unknown.
    spread : ``(n_dim,)`` standard deviation over ``n_runs`` runs in the best minimum, NaN for fewer than two.
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: Covariance | None
    why_not: str
    level_low: FloatArray
    level_high: FloatArray
    level: float
    spread: FloatArray
    n_runs: int

    @property
    def evaluations(self) -> int:
        """FOM evaluations beyond those of the fit."""
        return self.covariance.evaluations if self.covariance else 0

    def offsets(self, kind: str, level: float = LEVELS[0]) -> tuple[FloatArray, FloatArray]:
        """How far the bars of a kind (of ``KINDS``) reach, below (≤ 0) and above (≥ 0), each ``(n_dim,)``.

        NaN where unknown; infinite for a parameter that the data do not fix. ``level`` is that of the covariance's
        interval, which does not leave the limits of the parameters.
        """
        if kind == "FOM level":
            return self.level_low, self.level_high
        if kind == "spread":
            return -self.spread, self.spread
        if kind != "covariance":
            raise InputError(f"there is no kind of error bar called {kind!r}", hint=f"Known are {', '.join(KINDS)}.")
        if self.covariance is None:
            unknown = np.full(len(self.values), np.nan)
            return unknown, unknown.copy()
        low, high = (self.covariance.intervals(level) - self.values[:, None]).T
        loose = np.isinf(self.covariance.errors)
        return np.where(loose, -np.inf, low), np.where(loose, np.inf, high)

    def columns(self) -> dict[str, FloatArray]:
        """Columns of a table: low and high of each kind, its name in front; of the covariance 68 and 95 %."""
        found: dict[str, FloatArray] = {}
        for level, word in zip(LEVELS, ("68 %", "95 %"), strict=True):
            found[f"covariance {word} low"], found[f"covariance {word} high"] = self.offsets("covariance", level)
        found["FOM level low"], found["FOM level high"] = self.offsets("FOM level")
        found[f"spread of {self.n_runs} runs"] = self.spread
        return found

    def of_parameter(self, number: int) -> dict[str, Any]:
        """The bars of one parameter for JSON, each kind with its offsets."""
        low, high = self.offsets("covariance")
        low95, high95 = self.offsets("covariance", LEVELS[1])
        bars = self.covariance
        return {
            "covariance": {
                "standard_error": None if bars is None else float(bars.errors[number]),
                "determined": None if bars is None else not np.isinf(bars.errors[number]),
                "held_by": "" if bars is None else bars.limits[number],
                "68 %": [float(low[number]), float(high[number])],
                "95 %": [float(low95[number]), float(high95[number])],
            },
            "FOM level": [float(self.level_low[number]), float(self.level_high[number])],
            "spread": float(self.spread[number]),
        }

    def to_json(self) -> dict[str, Any]:
        """What belongs to all parameters together."""
        return {
            "kinds": dict(KINDS),
            "level": self.level,
            "runs_in_spread": self.n_runs,
            "no_covariance": self.why_not,
            "covariance": None if self.covariance is None else self.covariance.to_json(),
        }

    @property
    def notes(self) -> list[str]:
        """What a user should know, and where the covariance takes the noise from."""
        if self.covariance is None:
            return [f"no covariance: {self.why_not}"]
        return [f"noise of the data: {self.covariance.noise.text}", *self.covariance.notes]

    @property
    def correlations(self) -> pd.DataFrame:
        """Correlation matrix with the names of the parameters; NaN without a covariance."""
        import pandas as pd

        n = len(self.names)
        found = np.full((n, n), np.nan) if self.covariance is None else self.covariance.correlations
        return pd.DataFrame(found, index=list(self.names), columns=list(self.names))


def error_bars_of(
    problem: Problem, best: FitResult, same: Sequence[FitResult] = (), *, patience: float | None = None
) -> ErrorBars:
    """The error bars of a fit; a covariance that cannot be had is a reason in words, not an exception.

    Parameters
    ----------
    best : the run that gave the answer.
    same : complete runs that ended in its minimum, itself among them.
    patience : do without a covariance that would take longer (s), judged by the speed of the fit.
    """
    covariance, why_not = None, ""
    cost = 4 * len(best.values) + 2
    seconds = cost * best.seconds / max(best.evaluations, 1)
    if not isinstance(problem, ProblemWithData):
        why_not = "a function without data has no noise to judge by"
    elif not (np.isfinite(best.fom) and np.isfinite(best.values).all()):
        why_not = "the fit has no result"
    elif patience is not None and seconds > patience:
        why_not = f"the fit was interrupted, and it would have taken {seconds:.0f} s"
    else:
        try:
            covariance = covariance_at(problem, best.values)
        except InputError as error:
            why_not = error.what
    bars = ErrorBars(
        names=best.names,
        values=best.values,
        covariance=covariance,
        why_not=why_not,
        level_low=best.error_low,
        level_high=best.error_high,
        level=best.settings.errorbar_level,
        spread=np.full(len(best.values), np.nan),
        n_runs=0,
    )
    return with_spread(bars, same)


def with_spread(bars: ErrorBars, same: Sequence[FitResult]) -> ErrorBars:
    """These error bars with the spread of other runs that ended in the same minimum."""
    ends = np.array([run.values for run in same])
    spread = np.std(ends, axis=0, ddof=1) if len(ends) > 1 else np.full(len(bars.values), np.nan)
    return replace(bars, spread=spread, n_runs=len(ends))
