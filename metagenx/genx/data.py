"""Data sets: what scripts see as ``data[i]``, and the commands that make them from raw columns.

`DataSet` has GenX's attribute names (fact sheet 1.1, 1.3), because scripts use them. It offers a script
nothing but numbers and text: its only method is `copy`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metagenx.errors import InputError
from metagenx.genx.expressions import evaluate

Floats = NDArray[np.float64]


def _empty() -> Floats:
    return np.zeros(0)


class DataSet:
    """One measurement: points `x`, `y`, `error` of shape ``(n_points,)`` and further columns.

    Extra columns are attributes, processed as ``data[i].res`` and raw as ``data[i].res_raw``; both live in
    the dictionaries `extra_data` and `extra_data_raw`. An attribute that a script invents is kept for the
    script and never written to a file. `use` decides whether the set counts in the FOM; `show`, `use_error`,
    `cols`, `plot_style` and `meta` (GenX's ORSO header; pickled members stay bytes) are carried for GenX
    only.
    """

    __slots__ = (
        "_invented",
        "cols",
        "error",
        "error_command",
        "error_raw",
        "extra_commands",
        "extra_data",
        "extra_data_raw",
        "meta",
        "name",
        "plot_style",
        "show",
        "use",
        "use_error",
        "x",
        "x_command",
        "x_raw",
        "y",
        "y_command",
        "y_fom",
        "y_raw",
        "y_sim",
    )

    name: str
    x: Floats
    y: Floats
    error: Floats
    x_raw: Floats
    y_raw: Floats
    error_raw: Floats
    x_command: str
    y_command: str
    error_command: str
    extra_data: dict[str, Floats]
    extra_data_raw: dict[str, Floats]
    extra_commands: dict[str, str]
    y_sim: Floats
    y_fom: Floats
    show: bool
    use: bool
    use_error: bool
    cols: tuple[int, ...]
    plot_style: dict[str, Any]
    meta: dict[str, Any]
    _invented: dict[str, Any]

    def __init__(
        self,
        name: str = "",
        x: Any = (),
        y: Any = (),
        error: Any = (),
        *,
        extra: Mapping[str, Any] | None = None,
        use: bool = True,
    ) -> None:
        self._invented = {}
        self.name = name
        self.x, self.y, self.error = (_column(values).copy() for values in (x, y, error))
        self.x_raw, self.y_raw, self.error_raw = self.x.copy(), self.y.copy(), self.error.copy()
        self.x_command, self.y_command, self.error_command = "x", "y", "e"
        self.extra_data = {key: _column(values).copy() for key, values in (extra or {}).items()}
        self.extra_data_raw = {key: values.copy() for key, values in self.extra_data.items()}
        self.extra_commands = {}
        self.y_sim, self.y_fom = _empty(), _empty()
        self.show, self.use, self.use_error = True, use, True
        self.cols = (0, 1, 1)
        self.plot_style, self.meta = {}, {}

    def __getattr__(self, name: str) -> Any:
        # Reached for names that are no fields, and for fields that do not exist yet (pickle and copy ask).
        if name.startswith("_") or name in DataSet.__slots__:
            raise AttributeError(name)
        if name in self.extra_data:
            return self.extra_data[name]
        if name.endswith("_raw") and name[:-4] in self.extra_data_raw:
            return self.extra_data_raw[name[:-4]]
        if name in self._invented:
            return self._invented[name]
        raise AttributeError(f"the data set has no column {name!r}; it has {', '.join(self.columns)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in DataSet.__slots__:
            object.__setattr__(self, name, value)
        elif name.startswith("_"):
            raise AttributeError(f"{name!r} cannot be set on a data set")
        elif name in self.extra_data:
            self.extra_data[name] = value
        elif name.endswith("_raw") and name[:-4] in self.extra_data_raw:
            self.extra_data_raw[name[:-4]] = value
        else:
            self._invented[name] = value

    def __repr__(self) -> str:
        return f"DataSet({self.name!r}, {len(self.x)} points, columns {', '.join(self.columns)})"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all processed columns, x, y and error first."""
        return ("x", "y", "error", *self.extra_data)

    def copy(self) -> DataSet:
        """A data set that shares no array with this one."""
        return copy.deepcopy(self)


class DataList(list[DataSet]):
    """The data sets of a model, in the file's order: what a script gets as ``data``."""

    def copy(self) -> DataList:
        """Data sets that a script may change while those of the file stay as they are."""
        return DataList(dataset.copy() for dataset in self)


def _column(values: Any) -> Floats:
    return np.atleast_1d(np.asarray(values, dtype=np.float64)).ravel()


def run_commands(dataset: DataSet, *, where: str | None = None) -> None:
    """Make `x`, `y`, `error` and the extra columns of `dataset` from its raw columns, in this order.

    Within a command ``x``, ``y``, ``e`` and the extra columns are raw; ``fpe(xmax=0.05, relerr=0.01)`` and
    ``dydx()`` in the error command see the processed x and y. A command that yields one number fills its
    column. Without raw data and with the x command ``x`` the set becomes a grid to simulate on. All of it is
    as in fact sheet 1.3.

    Raises InputError, and leaves the data set as it was, if a command fails or the lengths do not agree.
    """
    place = f"{where}, data set {dataset.name!r}" if where else f"data set {dataset.name!r}"
    if not dataset.x_raw.size and dataset.x_command.strip() == "x":
        grid = np.linspace(0.01, 6.01, 600)
        dataset.x, dataset.y, dataset.error = grid, np.full(600, np.nan), np.full(600, np.nan)
        dataset.extra_data = dict.fromkeys(dataset.extra_data_raw, 0.0 * grid)
        return

    raw = {"x": dataset.x_raw, "y": dataset.y_raw, "e": dataset.error_raw}
    variables: dict[str, Any] = {**dataset.extra_data_raw, **raw}

    def run(column: str, command: str, names: Mapping[str, Any]) -> Floats:
        at = f"{place}, {column} command"
        return _real_column(evaluate(command, names, where=at), command, at)

    x = run("x", dataset.x_command, variables)
    y = _filled(run("y", dataset.y_command, variables), x)
    functions = {
        "fpe": partial(_footprint_error, x, y),
        "dydx": partial(_slope, x, y),
    }
    error = _filled(run("error", dataset.error_command, {**functions, **variables}), x)
    extra = {
        name: _filled(run(name, dataset.extra_commands.get(name, name), variables), x)
        for name in dataset.extra_data_raw
    }
    # A column that was of another length before, left over from older data, may stay so.
    fitting = {
        name: values for name, values in extra.items() if len(dataset.extra_data_raw[name]) == len(dataset.x_raw)
    }
    _check_lengths({"x": x, "y": y, "error": error, **fitting}, place)
    dataset.x, dataset.y, dataset.error, dataset.extra_data = x, y, error, extra


def settle(dataset: DataSet, *, where: str | None = None) -> list[str]:
    """Complete a data set just read from a file, and say what a user should know about it, one sentence each.

    Missing y or error columns become NaN, as long as x. Raises InputError if the lengths do not agree,
    because nothing could be computed from them. Extra columns may differ (GenX keeps left-overs of older
    data).
    """
    notices: list[str] = []
    label = f"data set {dataset.name!r}"
    for name, kind in (("y", "measured values"), ("error", "error bars")):
        if dataset.x.size and not getattr(dataset, name).size:
            setattr(dataset, name, np.full(dataset.x.shape, np.nan))
            notices.append(f"{label} has no {kind}")
    place = f"{where}, {label}" if where else label
    _check_lengths({"x": dataset.x, "y": dataset.y, "error": dataset.error}, place)
    if not dataset.use:
        return notices
    if not dataset.x.size:
        notices.append(f"{label} is empty: it has no point to fit")
    elif not np.isfinite(dataset.x).all():
        notices.append(f"{label} has {np.count_nonzero(~np.isfinite(dataset.x))} x values that are not numbers")
    elif not np.isfinite(dataset.y).any():
        notices.append(f"{label} has no y value that is a number: it can be simulated, but not fitted")
    return notices


def _check_lengths(columns: Mapping[str, Floats], place: str) -> None:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(
            f"the columns have different lengths: {listed}",
            where=place,
            hint="Every column needs the same number of points; slice all or none in the data commands.",
        )


def _real_column(value: Any, command: str, where: str) -> Floats:
    try:
        array = np.asarray(value)
        numeric = array.dtype.kind in "biufc"
    except (TypeError, ValueError):
        numeric = False
    if not numeric or array.ndim > 1:
        raise InputError(f"the data command {command!r} does not give a column of numbers", where=where)
    if array.dtype.kind == "c":
        raise InputError(
            f"the data command {command!r} gives complex numbers",
            where=where,
            hint="Take real(...), imag(...) or abs(...) of it.",
        )
    return np.array(array, dtype=np.float64, ndmin=1 if array.ndim else 0)


def _filled(column: Floats, x: Floats) -> Floats:
    return column if column.ndim else np.full(x.shape, float(column))


def _footprint_error(x: Floats, y: Floats, xmax: float = 0.05, relerr: float = 0.01) -> Floats:
    """Error of the footprint region: ``relerr·y`` where ``x < xmax``, else 0."""
    return np.where(x < xmax, relerr * y, 0.0)


def _slope(x: Floats, y: Floats) -> Floats:
    """Derivative of y against x: central differences inside, one-sided at the ends."""
    if len(x) < 2:
        raise ValueError("dydx() needs at least 2 points")
    slope = np.empty_like(y)
    slope[1:-1] = (y[2:] - y[:-2]) / (x[2:] - x[:-2])
    slope[0] = (y[1] - y[0]) / (x[1] - x[0])
    slope[-1] = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return slope
