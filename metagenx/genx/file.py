"""A GenX file as plain data: script, parameter table, data sets, options, results."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.errors import FileFormatError, InputError
from metagenx.genx.data import DataList
from metagenx.genx.disk import read_bytes, replace_file
from metagenx.genx.options import Options, format_value, option_name

Floats = NDArray[np.float64]


@dataclass
class Row:
    """One row of the parameter table; a row with an empty name only separates others."""

    name: str
    value: float = 0.0
    fit: bool = False
    minimum: float = 0.0
    maximum: float = 0.0
    error: str = "-"


def _no_values() -> Floats:
    return np.zeros(0)


@dataclass
class OptimizerState:
    """What the last fit left in the file.

    `fom_log` is ``(n_log, 2)``: counter and best FOM. `start_guess` is ``(n_fitted,)``. `covar` and `errors`
    come from GenX's Levenberg-Marquardt and bumps only. `evaluations` says whether the log of all evaluations
    (``par_evals``, ``fom_evals``) that the file may hold still belongs to this fit; it is not read.
    """

    solver: str = "DiffEv"
    solver_module: str = "genx.diffev"
    fom_log: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    start_guess: Floats = field(default_factory=_no_values)
    covar: Floats | None = None
    errors: Floats | None = None
    evaluations: bool = True


@dataclass
class GenxFile:
    """The content of a .hgx or .gx file.

    `source` is the .hgx as it was read, so that `write` keeps what we do not understand; `config` is the text
    that `options` was parsed from. Change anything but these two, or take a changed copy by `with_results`.
    """

    path: Path | None = None
    kind: Literal["hgx", "gx"] = "hgx"
    script: str = ""
    fom_name: str = "log"
    table: list[Row] = field(default_factory=list)
    data: DataList = field(default_factory=DataList)
    options: Options = field(default_factory=dict)
    optimizer: OptimizerState = field(default_factory=OptimizerState)
    notices: list[str] = field(default_factory=list)
    source: bytes | None = field(default=None, repr=False)
    config: str = field(default="", repr=False)
    sequence_value: float = 0.0

    @property
    def fom_function(self) -> str:
        """Name of the FOM in force: the option ``[solver] figure of merit``, as in GenX, else `fom_name`."""
        return self.options.get("solver", {}).get("figure of merit", "").strip() or self.fom_name

    def set_fom_function(self, name: str) -> None:
        """Put the FOM `name` in force."""
        self.fom_name = name
        if "figure of merit" in self.options.get("solver", {}):
            self.options["solver"]["figure of merit"] = name

    def set_solver_options(self, values: Mapping[str, object]) -> None:
        """Set solver options by attribute name, e.g. ``{"km": 0.5, "use_pop_mult": False}``."""
        section = self.options.setdefault("solver", {})
        section.update({option_name(name): format_value(value) for name, value in values.items()})
        if "figure_of_merit" in values:
            self.fom_name = str(values["figure_of_merit"])

    def with_results(
        self,
        *,
        values: Mapping[str, float] | Sequence[float] | None = None,
        errors: Sequence[tuple[float, float] | None] | None = None,
        simulations: Sequence[ArrayLike] | None = None,
        point_foms: Sequence[ArrayLike] | None = None,
        fom_log: ArrayLike | None = None,
        start_guess: ArrayLike | None = None,
        solver_options: Mapping[str, object] | None = None,
    ) -> GenxFile:
        """A copy with the results of a fit; everything not given stays as it is.

        Parameters
        ----------
        values : new values of the fitted rows in table order, or a mapping from row name to value.
        errors : per fitted row the (low, high) offsets GenX shows, or None for ``-``.
        simulations, point_foms : one array of shape ``(n_points,)`` per data set.
        fom_log : ``(n_log, 2)``, generation and best FOM.
        start_guess : ``(n_fitted,)``, where the fit started.
        solver_options : by attribute name, as in `set_solver_options`.

        Raises InputError if a count does not fit the table or the data, or a name is no row.
        """
        result = replace(
            self,
            table=[replace(row) for row in self.table],
            data=self.data.copy(),
            options=copy.deepcopy(self.options),
            optimizer=copy.deepcopy(self.optimizer),
            notices=list(self.notices),
        )
        fitted = result.fitted_rows
        if isinstance(values, Mapping):
            unknown = set(values) - {row.name for row in result.table if row.name}
            if unknown:
                listed = ", ".join(map(repr, sorted(unknown)))
                raise InputError(f"the table has no row {listed}", where=_name(self.path))
            for row in result.table:
                row.value = float(values.get(row.name, row.value))
        elif values is not None:
            _check_count("values", values, fitted, self.path)
            for row, value in zip(fitted, values, strict=True):
                row.value = float(value)
        if errors is not None:
            _check_count("errors", errors, fitted, self.path)
            for row, offsets in zip(fitted, errors, strict=True):
                row.error = "-" if offsets is None else error_text(*offsets)
        for name, arrays in (("y_sim", simulations), ("y_fom", point_foms)):
            if arrays is not None:
                _check_count(name, arrays, result.data, self.path)
                for dataset, array in zip(result.data, arrays, strict=True):
                    setattr(dataset, name, np.array(array, dtype=np.float64).ravel())
        if fom_log is not None or start_guess is not None:
            # A new fit: what GenX's other optimisers, or the log of an older fit, left behind is no longer true.
            log = np.array([] if fom_log is None else fom_log, dtype=np.float64).reshape(-1, 2)
            start = np.array([] if start_guess is None else start_guess, dtype=np.float64).ravel()
            result.optimizer = OptimizerState(fom_log=log, start_guess=start, evaluations=False)
        if solver_options:
            result.set_solver_options(solver_options)
        return result

    @property
    def fitted_rows(self) -> list[Row]:
        """Rows that a fit varies, in table order: fit flag set and name not empty."""
        return [row for row in self.table if row.fit and row.name.strip()]


def error_text(low: float, high: float) -> str:
    """The text GenX shows for an error bar: offsets below and above the value."""
    return f"({low:.3e}, {high:.3e},)"


def _check_count(what: str, given: Sequence[Any], expected: Sequence[Any], path: Path | None) -> None:
    if len(given) != len(expected):
        raise InputError(f"{len(given)} {what} given, {len(expected)} needed", where=_name(path))


def _name(path: Path | None) -> str:
    return path.name if path else "model"


def read(path: str | Path) -> GenxFile:
    """Read a GenX file, .hgx or .gx, told apart by content.

    Nothing in the file is run: pickles go through an inert reader, the script stays text.

    Raises FileFormatError if the file is missing, not a GenX file, damaged, or tries something no GenX file
    needs; InputError if its columns or table rows do not fit together.
    """
    path = Path(path)
    content = read_bytes(path)
    from metagenx.genx import gx, hgx

    if hgx.recognises(content):
        return hgx.read(content, path)
    if gx.recognises(content):
        return gx.read(content, path)
    raise FileFormatError("this is not a GenX file", where=path.name, hint=_guess(content, path))


def write(file: GenxFile, path: str | Path) -> None:
    """Write `file` as .hgx, atomically: `path` is the complete new file or what it was before.

    Of a file read from .hgx only what changed is replaced; all else stays, understood or not.

    Raises InputError if the place cannot be written to, ResourcesSpent if the disk is full.
    """
    from metagenx.genx import hgx_writer

    path = Path(path)
    if path.suffix.lower() == ".gx":
        raise InputError(
            "the old format .gx is read, but not written", where=str(path), hint=f"Name it {path.stem}.hgx."
        )
    replace_file(path, hgx_writer.to_bytes(file))


def _guess(content: bytes, path: Path) -> str:
    """What a file that is no GenX file might be, and what to do with it."""
    start = content[:2000]
    if b"ORSO" in start[:40]:
        return "It looks like an ORSO data file; a model file (.hgx or .gx) is needed, data go with --data."
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")):
        return "It is compressed; unpack it first."
    if path.suffix.lower() in (".hgx", ".gx"):
        return "It is damaged or was cut off when it was copied; copy it again, or save it again in GenX."
    if path.suffix.lower() in (".yaml", ".yml"):
        return "It looks like an experiment; the file named in its `model:` is the GenX file."
    return "A GenX file is a .hgx (HDF5) or an old .gx (zip); save the model from GenX."
