"""The parameter table, bound to the namespace of a script: every row a setter, compiled once.

Rows are applied in table order (fact sheet 2.2, 2.3). In a fit only the fitted rows are set: to numbers, or to
arrays of shape (n_population, 1) for a whole population.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from metagenx.errors import InputError, ScriptError, ScriptRefused

if TYPE_CHECKING:
    from metagenx.genx.file import Row

Setter = Callable[[Any], None]


class Settable(Protocol):
    """Where rows find what they name; `ScriptModule` is one."""

    def compile_setter(self, name: str) -> Setter:
        """A function that sets what a row's name stands for; ScriptError if it names nothing."""
        ...


class ParameterGrid:
    """The rows of a parameter table and what they set.

    Parameters
    ----------
    rows : the table, in order; rows with an empty name only separate others.
    script : where the names lead.

    Attributes
    ----------
    fitted_names : names of the rows a fit varies: fit flag set, name not empty.
    start : (n_dim,) their values. bounds : (n_dim, 2) their limits.
    n_fit_flags : rows with the fit flag, named or not: GenX's p in N − p.

    Raises
    ------
    ScriptError : rows that name nothing; all of them are listed with their numbers.
    """

    def __init__(self, rows: Sequence[Row], script: Settable) -> None:
        self._rows = [(number, row) for number, row in enumerate(rows, start=1) if row.name.strip()]
        self.n_fit_flags = sum(bool(row.fit) for row in rows)
        self._setters = self._compiled(script)
        fitted = [row for _, row in self._rows if row.fit]
        self._fitted_setters = [s for (_, row), s in zip(self._rows, self._setters, strict=True) if row.fit]
        self.fitted_names = [row.name for row in fitted]
        self.start = np.array([row.value for row in fitted], dtype=float)
        self.bounds = np.array([(row.minimum, row.maximum) for row in fitted], dtype=float).reshape(-1, 2)

    def apply_all(self, values: Mapping[str, float] | None = None) -> None:
        """Set every named row, in table order.

        Parameters
        ----------
        values : other values for some rows, by name.
        """
        for (number, row), setter in zip(self._rows, self._setters, strict=True):
            value = row.value if values is None else values.get(row.name, row.value)
            try:
                setter(float(value))
            except ScriptError as error:
                raise type(error)(error.what, where=f"row {number} ({row.name})", hint=error.hint) from None

    def apply_fitted(self, values: np.ndarray) -> None:
        """Set the fitted rows only.

        Parameters
        ----------
        values : (n_dim,) for one candidate; (n_population, n_dim) for a population: the rows are set to arrays
            of shape (n_population, 1).
        """
        if values.ndim == 1:
            for setter, value in zip(self._fitted_setters, values.tolist(), strict=True):
                setter(value)
        else:
            columns = np.ascontiguousarray(values.T)[:, :, None]
            for setter, column in zip(self._fitted_setters, columns, strict=True):
                setter(column)

    @property
    def outside_limits(self) -> list[str]:
        """Fitted rows whose value lies outside their limits, in words; a fit with boundaries does not take them."""
        return [
            f"row {number} ({row.name}): the value {row.value:g} lies outside {row.minimum:g} to {row.maximum:g}"
            for number, row in self._rows
            if row.fit and (row.value < row.minimum or row.value > row.maximum)
        ]

    def check_fit(self, *, use_boundaries: bool = False) -> None:
        """Whether a fit can start.

        Parameters
        ----------
        use_boundaries : whether the fit stays inside the limits: then the values must lie inside, as in GenX.

        Raises
        ------
        InputError : no row is fitted, or limits are unusable; all mistakes are listed with their row numbers.
        """
        if not self.fitted_names:
            raise InputError(
                "no parameter of the table is fitted",
                hint="Tick 'fit' for at least one row of the table in GenX.",
            )
        mistakes = [
            f"row {number} ({row.name}): {complaint}"
            for number, row in self._rows
            if row.fit and (complaint := _complaint(row))
        ]
        for name in sorted({name for name in self.fitted_names if self.fitted_names.count(name) > 1}):
            mistakes.append(f"{name} is fitted in more than one row; the last one would win")
        if use_boundaries and not mistakes:
            mistakes = self.outside_limits
        if mistakes:
            raise InputError(
                "the parameter table cannot be fitted:\n  " + "\n  ".join(mistakes),
                hint="Mend these rows in GenX and save the file again.",
            )

    def _compiled(self, script: Settable) -> list[Setter]:
        setters: list[Setter] = []
        mistakes, refused = [], False
        for number, row in self._rows:
            try:
                setters.append(script.compile_setter(row.name))
            except InputError as error:
                refused |= isinstance(error, ScriptRefused)
                mistakes.append(f"row {number} ({row.name}): {error.what}{_indented(error.hint)}")
        if mistakes:
            raise (ScriptRefused if refused else ScriptError)(
                "rows of the parameter table name nothing that can be set:\n  " + "\n  ".join(mistakes),
                hint="Correct the names in GenX's parameter grid, or define them in the script.",
            )
        return setters


def _indented(hint: str | None) -> str:
    return f"\n    {hint}" if hint else ""


def _complaint(row: Row) -> str | None:
    """What keeps a fitted row from being fitted."""
    if not np.isfinite([row.value, row.minimum, row.maximum]).all():
        return f"value {row.value:g}, min {row.minimum:g}, max {row.maximum:g} must all be finite numbers"
    if row.minimum > row.maximum:
        return f"min {row.minimum:g} is above max {row.maximum:g}"
    if row.minimum == row.maximum:
        return f"min and max are both {row.minimum:g}: there is nothing to fit"
    return None
