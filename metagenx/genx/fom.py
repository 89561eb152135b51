"""Figures of merit: how far simulations are from data, one model or a whole population at once.

GenX's fourteen functions (fact sheet 6.1). Each is written as a transformation of data and simulation, a weight that
depends on the data alone, and a power; what depends on the data alone is computed once per fit.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from metagenx.errors import InputError


class Measurement(Protocol):
    """What a figure of merit needs of a data set."""

    x: np.ndarray
    y: np.ndarray
    error: np.ndarray
    use: bool


Transform = Callable[[np.ndarray], np.ndarray]
Weights = Callable[[Sequence[Measurement]], list[Any]]


@dataclass(frozen=True)
class Function:
    """One figure of merit: point-wise value = sgn·|(t(y) − t(simulation))·weight|^power.

    Attributes
    ----------
    transform : t, applied to data and simulation.
    weights : of all used data sets, one array (n_points,) or number each.
    squared : whether the power is two.
    per_degree_of_freedom : whether the sum is divided by N − p.
    """

    transform: Transform
    weights: Weights
    squared: bool = False
    per_degree_of_freedom: bool = True


def _identity(values: np.ndarray) -> np.ndarray:
    return values


def _root_of_size(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.abs(values))


def _log_of_root(values: np.ndarray) -> np.ndarray:
    return np.log10(np.sqrt(values))


def _used_sum(data: Sequence[Measurement], term: Callable[[Measurement], Any]) -> Any:
    """Sum over all points of the used sets; NaN points are included, as in GenX."""
    return sum(np.sum(term(d)) for d in data if d.use)


def _over(term: Callable[[Measurement], Any], *, root: bool = False) -> Weights:
    """One over the sum of a term over all points of all used sets; its root, where the whole is squared later."""

    def weights(data: Sequence[Measurement]) -> list[Any]:
        total = np.float64(_used_sum(data, term))
        return [1.0 / (np.sqrt(total) if root else total)] * len(data)

    return weights


def _each(term: Callable[[Measurement], Any]) -> Weights:
    return lambda data: [term(d) for d in data]


def _r1bars_weights(data: Sequence[Measurement]) -> list[Any]:
    total = _used_sum(data, lambda d: np.sqrt(1.0 / d.error) * np.sqrt(d.y))
    return [np.sqrt(1.0 / d.error) / total for d in data]


def _r2bars_weights(data: Sequence[Measurement]) -> list[Any]:
    # Σ(1/E)·ΣY² of each set, not ΣY²/E: as in GenX, and for sets of unequal length the natural sum over sets.
    total = sum(np.sum(1.0 / d.error) * np.sum(d.y**2) for d in data if d.use)
    return [np.sqrt(1.0 / d.error / total) for d in data]


FUNCTIONS: dict[str, Function] = {
    "diff": Function(_identity, _each(lambda d: 1.0)),
    "log": Function(np.log10, _each(lambda d: 1.0)),
    "sqrt": Function(np.sqrt, _each(lambda d: 1.0)),
    "R1": Function(_root_of_size, _over(lambda d: _root_of_size(d.y)), per_degree_of_freedom=False),
    "logR1": Function(_log_of_root, _over(lambda d: _log_of_root(d.y)), per_degree_of_freedom=False),
    "R2": Function(_identity, _over(lambda d: d.y**2, root=True), squared=True, per_degree_of_freedom=False),
    "logR2": Function(
        np.log10, _over(lambda d: np.log10(d.y) ** 2, root=True), squared=True, per_degree_of_freedom=False
    ),
    # x is taken as 2θ in degrees whatever the coordinates.
    "sintth4": Function(_identity, _each(lambda d: np.sin(d.x * np.pi / 360.0) ** 4)),
    "Norm": Function(_identity, _each(lambda d: 1.0 / np.sum(np.abs(d.y)))),
    "chi2bars": Function(_identity, _each(lambda d: 1.0 / d.error), squared=True),
    "chibars": Function(_identity, _each(lambda d: 1.0 / d.error)),
    "logbars": Function(np.log10, _each(lambda d: np.log(10.0) * d.y / d.error)),
    "R1bars": Function(np.sqrt, _r1bars_weights, per_degree_of_freedom=False),
    "R2bars": Function(_identity, _r2bars_weights, squared=True, per_degree_of_freedom=False),
}

NAMES = tuple(FUNCTIONS)

# Those that need error bars, and those that cannot take zero or negative data.
NEED_ERRORS = frozenset({"chi2bars", "chibars", "logbars", "R1bars", "R2bars"})
LOGARITHMIC = frozenset({"log", "logR1", "logR2", "logbars"})


def check_name(name: str) -> str:
    """The name of a figure of merit; InputError with a suggestion if there is none of that name."""
    if name in FUNCTIONS:
        return name
    lower = {known.lower(): known for known in NAMES}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.4)
    suggestion = f"Did you mean {lower[close[0]]}? " if close else ""
    raise InputError(
        f"there is no figure of merit called {name!r}", hint=f"{suggestion}Known are {', '.join(NAMES)}."
    )


class FigureOfMerit:
    """One figure of merit of given data and options, prepared for many evaluations.

    Parameters
    ----------
    name : one of `NAMES`.
    data : the data sets; those without `use` get point-wise values but do not count.
    n_fitted : p of N − p.
    options : ``ignore_fom_nan``, ``ignore_fom_inf``, ``limit_fit_range``, ``fit_xmin``, ``fit_xmax``; default: GenX's.

    Raises
    ------
    InputError : unknown name.
    """

    def __init__(
        self,
        name: str,
        data: Sequence[Measurement],
        *,
        n_fitted: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = check_name(name)
        self.function = FUNCTIONS[name]
        options = options or {}
        self._ignore_nan = bool(options.get("ignore_fom_nan", True))
        self._ignore_inf = bool(options.get("ignore_fom_inf", True))
        self._use = [bool(d.use) for d in data]
        with np.errstate(all="ignore"):
            self._targets = [self.function.transform(d.y) for d in data]
            self._weights = self.function.weights(data)
        self._outside: list[np.ndarray | None] = [None] * len(self._use)
        if options.get("limit_fit_range", False):
            low, high = float(options.get("fit_xmin", 0.0)), float(options.get("fit_xmax", 180.0))
            self._outside = [~((d.x >= low) & (d.x <= high)) for d in data]
        n_points = sum(len(d.y) for d in data if d.use)
        # Masked and out-of-range points count too; as many parameters as points give no number at all.
        freedom = n_points - n_fitted
        self._divisor = np.float64(freedom) if self.function.per_degree_of_freedom else np.float64(1.0)

    def pointwise(self, simulations: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Point-wise values of every data set, signed, before any mask: (n_points,) or (n_population, n_points)."""
        with np.errstate(all="ignore"):
            return [self._values(i, np.asarray(s), signed=True) for i, s in enumerate(simulations)]

    def per_data_set(self, simulations: Sequence[np.ndarray]) -> list[Any]:
        """Masked sums of the absolute point-wise values, one number or (n_population,) per data set."""
        with np.errstate(all="ignore"):
            return [self._sum(i, np.asarray(s)) for i, s in enumerate(simulations)]

    def total(self, simulations: Sequence[np.ndarray], penalty: Any = 0.0) -> Any:
        """The figure of merit.

        Parameters
        ----------
        simulations : one array (n_points,) or (n_population, n_points) per data set.
        penalty : added at the end: a number, (n_population,) or (n_population, 1).

        Returns
        -------
        a number, or (n_population,) if anything above is a population. A candidate's number does not depend on its
        company: every sum runs over the points of one candidate.
        """
        with np.errstate(all="ignore"):
            sums = [self._sum(i, np.asarray(s)) for i, s in enumerate(simulations) if i < len(self._use) and self._use[i]]
            value = sum(sums, np.float64(0.0)) / self._divisor
            if np.ndim(penalty):
                penalty = np.reshape(penalty, -1)
            return value + penalty

    def _values(self, i: int, simulation: np.ndarray, *, signed: bool) -> np.ndarray:
        values = (self._targets[i] - self.function.transform(simulation)) * self._weights[i]
        if self.function.squared:
            return np.sign(values) * values**2 if signed else values * values
        return values if signed else np.abs(values)

    def _sum(self, i: int, simulation: np.ndarray) -> Any:
        values = self._values(i, simulation, signed=False)
        if self._outside[i] is not None:
            values = np.where(self._outside[i], 0.0, values)
        total = np.sum(values, axis=-1)
        if (self._ignore_nan or self._ignore_inf) and not np.all(np.isfinite(total)):
            # "Only inf" zeroes NaN too, as in GenX; "only nan", which GenX inverts, does what it says.
            bad = np.isnan(values) if not self._ignore_inf else ~np.isfinite(values)
            total = np.sum(np.where(bad, 0.0, values), axis=-1)
        return total
