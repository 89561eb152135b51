"""Figures of merit: how far simulations are from data, one model or a whole population at once.

What depends on the data alone is computed once; the figure of merit is the sum of the magnitudes of the
point-wise values over the data sets in use, for some functions divided by N − p.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError, ScriptError
from metagenx.genx.deviations import Deviations, noise_of, relative_noise
from metagenx.genx.fom_functions import (
    CUSTOM,
    FUNCTIONS,
    LOGARITHMIC,
    NAMES,
    NEED_ERRORS,
    Custom,
    Points,
    check_name,
    names,
    register,
)
from metagenx.physics.deviation import summed_deviations, transformed

__all__ = [
    "LOGARITHMIC",
    "NAMES",
    "NEED_ERRORS",
    "FigureOfMerit",
    "Measurement",
    "check_name",
    "names",
    "register",
]

Array = NDArray[np.float64]


class Measurement(Protocol):
    """What a figure of merit needs of a data set; `x`, `y` and `error` have the shape (n_points,)."""

    x: Any
    y: Any
    error: Any
    use: bool


@dataclass(frozen=True)
class _Prepared:
    """A data set as a figure of merit sees it: all that no simulation changes, each (n_points,)."""

    target: Array
    weight: Array
    counted_weight: Array  # NaN outside the fit range
    inside: NDArray[np.bool_] | None  # None: everywhere


class FigureOfMerit:
    """One figure of merit of given data and options, prepared for many evaluations.

    Parameters
    ----------
    name : one of `names`.
    data : the data sets; those not in use get point-wise values but do not count. If a script replaces their
        arrays, the new ones are taken from then on.
    n_fitted : p of N − p.
    options : ``ignore_fom_nan``, ``ignore_fom_inf``, ``limit_fit_range``, ``fit_xmin``, ``fit_xmax``; GenX's
        defaults for those that are missing.

    Raises
    ------
    InputError : unknown name; columns of a data set differ in length.

    Notes
    -----
    By default points without a finite value are left out, but count in N, like those outside the fit range.
    To ignore inf only leaves out NaN, too, as in GenX; to ignore nan only, which GenX inverts, does what it
    says.
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
        self._data = data
        self._n_fitted = n_fitted
        options = options or {}
        self._keeps_nan = not (options.get("ignore_fom_nan", True) or options.get("ignore_fom_inf", True))
        self._keeps_inf = not options.get("ignore_fom_inf", True)
        self._range: tuple[float, float] | None = None
        if options.get("limit_fit_range", False):
            self._range = float(options.get("fit_xmin", 0.0)), float(options.get("fit_xmax", 180.0))
        self._prepare()

    def pointwise(self, simulations: Sequence[Any]) -> list[Array]:
        """Point-wise values, signed, unmasked: (n_points,) or (n_population, n_points) per data set."""
        self._refresh()
        rows = self._rows(simulations)
        if self._custom is not None:
            return self._custom_values(rows) if _is_single(simulations) else self._custom_populations(rows)
        values = [self._values(i, row) for i, row in enumerate(rows)]
        return [v if np.ndim(s) == 2 else v[0] for v, s in zip(values, simulations, strict=True)]

    def per_data_set(self, simulations: Sequence[Any]) -> list[Any]:
        """Sums of masked magnitudes of the point-wise values: a number or (n_population,) per data set."""
        self._refresh()
        return self._sums(simulations, only_used=False)

    def total(self, simulations: Sequence[Any], penalty: Any = 0.0) -> Any:
        """The figure of merit.

        Parameters
        ----------
        simulations : one array (n_points,) or (n_population, n_points) per data set.
        penalty : added at the end: a number, (n_population,) or (n_population, 1).

        Returns
        -------
        a float, or (n_population,) if anything above is a population. A candidate's number does not depend on
        its company, to the last bit.

        Raises
        ------
        InputError : no data set is in use, or there are not more points than fitted parameters.
        ScriptError : a simulation has another length than its data, or complex numbers.
        """
        self._refresh()
        if not any(self._use):
            raise InputError("no data set is in use", hint="Tick 'use' for at least one data set in GenX.")
        total: Any = 0.0
        for part in self._sums(simulations, only_used=True):
            total = total + part
        if self._per_degree_of_freedom:
            total = total / self._degrees_of_freedom()
        return total + (np.reshape(penalty, -1) if np.ndim(penalty) else penalty)

    def deviations(self, simulations: Sequence[Any]) -> Deviations:
        """The terms of the sum over the data sets in use, before their magnitude is taken.

        Parameters
        ----------
        simulations : one array (n_points,) or (n_population, n_points) per data set.

        Raises
        ------
        InputError : the figure of merit is the user's own, so nothing is known of its form.
        ScriptError : as `total`.
        """
        self._refresh()
        if self._custom is not None:
            raise InputError(
                f"the figure of merit {self.name} is no function of GenX's: nothing says which noise it assumes"
            )
        rows = self._rows(simulations)
        chosen = [i for i in range(len(rows)) if self._use[i]]
        n = max((len(rows[i]) for i in chosen), default=1)
        differences, weights, noise = [np.empty((n, 0))], [np.empty(0)], [np.empty(0)]
        data, relative = [np.empty(0)], [np.empty(0)]
        for i in chosen:
            prepared = self._prepared[i]
            with np.errstate(all="ignore"):
                difference = prepared.target - transformed(rows[i], self._transform)
                left_out = ~np.isfinite(difference * prepared.counted_weight)
            differences.append(np.broadcast_to(np.where(left_out, np.nan, difference), (n, difference.shape[1])))
            weights.append(prepared.weight)
            noise.append(noise_of(self._measured[i], self._transform))
            data.append(self._measured[i].y)
            relative.append(relative_noise(self._measured[i].y, self._transform))
        return Deviations(
            differences=np.concatenate(differences, axis=1),
            weights=np.concatenate(weights),
            power=2 if self._squared else 1,
            noise=np.concatenate(noise),
            data=np.concatenate(data),
            relative=np.concatenate(relative),
            uses_errors=self.name in NEED_ERRORS,
            divisor=float(self._degrees_of_freedom()) if self._per_degree_of_freedom else 1.0,
            prior=np.empty((n, 0)),
            prior_weights=np.empty(0),
        )

    # What depends on the data -------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Look whether the script has replaced an array since the last time."""
        for d, (x, y, error, use) in zip(self._data, self._seen, strict=False):
            if d.y is not y or d.error is not error or d.x is not x or d.use is not use:
                return self._prepare()
        return None

    def _prepare(self) -> None:
        self._seen = [(d.x, d.y, d.error, d.use) for d in self._data]
        points = [self._points(i, d) for i, d in enumerate(self._data)]
        self._measured = points
        self._use = [p.use for p in points]
        self._lengths = [len(p.y) for p in points]
        self._custom: Custom | None = None
        if self.name in CUSTOM:
            self._custom, self._per_degree_of_freedom = CUSTOM[self.name]
            self._inside = [self._in_range(p) for p in points]
            return
        function = FUNCTIONS[self.name]
        self._transform, self._squared = function.transform, function.squared
        self._per_degree_of_freedom = function.per_degree_of_freedom
        with np.errstate(all="ignore"):
            weights = function.weights(points)
        self._prepared = [self._seen_through(p, w) for p, w in zip(points, weights, strict=True)]
        self._inside = [prepared.inside for prepared in self._prepared]

    def _points(self, i: int, dataset: Measurement) -> Points:
        try:
            x, y, error = (np.array(c, dtype=float).ravel() for c in (dataset.x, dataset.y, dataset.error))
        except (TypeError, ValueError):
            raise InputError(f"data set {i}: x, y and error must be numbers") from None
        needed = {"x": x} if self.name == "sintth4" or self._range is not None else {}
        if self.name in NEED_ERRORS:
            needed["error"] = error
        for column, values in needed.items():
            if len(values) != len(y):
                raise InputError(
                    f"data set {i}: {column} has {len(values)} values, y has {len(y)}",
                    hint=f"The figure of merit {self.name} needs one for every point.",
                )
        return Points(x, y, error, bool(dataset.use))

    def _seen_through(self, points: Points, weight: Any) -> _Prepared:
        # Own, writable arrays: the kernel is compiled for these and no others.
        weight = np.array(np.broadcast_to(weight, points.y.shape), dtype=float)
        target = np.array(transformed(points.y, self._transform))
        inside = self._in_range(points)
        return _Prepared(target, weight, weight if inside is None else np.where(inside, weight, np.nan), inside)

    def _in_range(self, points: Points) -> NDArray[np.bool_] | None:
        if self._range is None:
            return None
        low, high = self._range
        return np.asarray((points.x >= low) & (points.x <= high))

    def _degrees_of_freedom(self) -> int:
        n_points = sum(n for n, use in zip(self._lengths, self._use, strict=True) if use)
        if n_points <= self._n_fitted:
            raise InputError(
                f"{self._n_fitted} parameters are fitted to {n_points} points: {self.name} divides by N − p",
                hint="Fit fewer parameters, or take a figure of merit without this division, for example R1.",
            )
        return n_points - self._n_fitted

    # What depends on the simulations ------------------------------------------------------------------------

    def _rows(self, simulations: Sequence[Any]) -> list[Array]:
        """The simulations as arrays (n_population | 1, n_points)."""
        if len(simulations) != len(self._lengths):
            raise ScriptError(f"there are {len(simulations)} simulations for {len(self._lengths)} data sets")
        return [_as_rows(i, s, n) for i, (s, n) in enumerate(zip(simulations, self._lengths, strict=True))]

    def _sums(self, simulations: Sequence[Any], *, only_used: bool) -> list[Any]:
        rows = self._rows(simulations)
        chosen = [i for i in range(len(rows)) if self._use[i] or not only_used]
        if self._custom is not None:
            populations = self._custom_populations(rows)
            sums = [self._masked_sum(i, populations[i]) for i in chosen]
            return [float(s[0]) for s in sums] if _is_single(simulations) else sums
        if self._keeps_inf:
            sums = [self._masked_sum(i, self._values(i, rows[i])) for i in chosen]
        else:
            sums = [self._kernel_sum(self._prepared[i], rows[i]) for i in chosen]
        return [s if np.ndim(simulations[i]) == 2 else float(s[0]) for i, s in zip(chosen, sums, strict=True)]

    def _kernel_sum(self, prepared: _Prepared, rows: Array) -> Array:
        return summed_deviations(rows, prepared.target, prepared.counted_weight, int(self._transform), self._squared)

    def _values(self, i: int, rows: Array) -> Array:
        """Signed values of one data set, (n_population, n_points)."""
        prepared = self._prepared[i]
        with np.errstate(all="ignore"):
            difference = prepared.target - transformed(rows, self._transform)
            if self._squared:
                difference = difference * np.abs(difference)
            return np.asarray(prepared.weight * difference)

    def _masked_sum(self, i: int, values: Array) -> Array:
        """Sums of magnitudes, (n_population,), of what the options leave in."""
        values = np.abs(values)
        inside = self._inside[i]
        if inside is not None:
            values = np.where(inside, values, 0.0)
        if not self._keeps_nan:
            left_out = np.isnan(values) if self._keeps_inf else ~np.isfinite(values)
            values = np.where(left_out, 0.0, values)
        return np.asarray(np.sum(np.ascontiguousarray(values), axis=-1))

    def _custom_populations(self, rows: list[Array]) -> list[Array]:
        """Values of a custom function, candidate by candidate: (n_population, n_points) per data set."""
        n_population = max((len(r) for r in rows), default=1)
        every = [self._custom_values([r[min(k, len(r) - 1)][None] for r in rows]) for k in range(n_population)]
        return [np.array([values[i] for values in every]) for i in range(len(rows))]

    def _custom_values(self, rows: list[Array]) -> list[Array]:
        assert self._custom is not None
        values = self._custom([r[0] for r in rows], self._data)
        arrays = [np.asarray(v, dtype=float) for v in values]
        if [a.shape for a in arrays] != [(n,) for n in self._lengths]:
            raise InputError(
                f"the figure of merit {self.name} gives arrays of the shapes {[a.shape for a in arrays]}",
                hint=f"It must give one value per point: {[(n,) for n in self._lengths]}.",
            )
        return arrays


def _is_single(simulations: Sequence[Any]) -> bool:
    return all(np.ndim(s) < 2 for s in simulations)


def _as_rows(i: int, simulation: Any, n_points: int) -> Array:
    """A simulation as a writable C-contiguous array (n_population | 1, n_points)."""
    array = simulation if isinstance(simulation, np.ndarray) else np.asarray(simulation)
    if array.dtype.kind == "c":
        raise ScriptError(
            f"the simulation of data set {i} has complex numbers",
            hint="Take its magnitude, e.g. abs(F)**2, before it is returned.",
        )
    if array.ndim < 2:
        array = array.reshape(1, -1)
    if array.ndim > 2 or array.shape[-1] not in (1, n_points):
        raise ScriptError(f"the simulation of data set {i} has the shape {np.shape(simulation)} for {n_points} points")
    if array.shape[-1] != n_points:
        array = np.broadcast_to(array, (len(array), n_points))
    return np.require(array, dtype=np.float64, requirements=["C", "W"])
