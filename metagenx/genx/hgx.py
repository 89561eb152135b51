"""GenX files of version 3: .hgx, which is HDF5 (fact sheet 1.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from metagenx.errors import FileFormatError, InputError
from metagenx.genx import data as genx_data
from metagenx.genx import options as genx_options
from metagenx.genx.data import DataList, DataSet, Floats
from metagenx.genx.file import GenxFile, OptimizerState, Row
from metagenx.genx.hdf5 import Reader, opened, recognises

__all__ = ["read", "recognises"]

LABELS = ("Parameter", "Value", "Fit", "Min", "Max", "Error")
COLUMNS = ("x_raw", "y_raw", "error_raw", "x", "y", "error", "y_sim", "y_fom")
COMMANDS = {"x_command": "x", "y_command": "y", "error_command": "e"}
FLAGS = ("show", "use", "use_error")
_MAX_META_DEPTH = 16


def read(content: bytes, path: Path | None = None) -> GenxFile:
    """The .hgx file `content`; `path` serves messages only. Errors as in `file.read`."""
    where = path.name if path else "file"
    with opened(content, where) as opened_file:
        file = _read(Reader(opened_file, content, where), where)
    file.path, file.source = path, content
    return file


def _read(reader: Reader, where: str) -> GenxFile:
    if reader.group("current") is None:
        raise FileFormatError(
            "this HDF5 file is not a GenX file: it has no group 'current'",
            where=where,
            hint="A GenX file is a .hgx or an old .gx; save the model from GenX.",
        )
    if reader.dataset("current/script") is None:
        raise FileFormatError(
            "this GenX file has no script",
            where=where,
            hint="Save the model again in GenX; there is nothing to run.",
        )
    for name in ("data", "parameters", "optimizer"):
        reader.group(f"current/{name}")  # missing ones are empty, anything else is an error
    file = GenxFile(kind="hgx")
    file.script = reader.text("current/script", "")
    file.fom_name = reader.text("current/fomfunction", "log")
    file.sequence_value = reader.scalar("current/sequence_value", 0.0)
    file.config = reader.text("current/config", "")
    file.options, notices = genx_options.parse(file.config)
    file.notices += notices + genx_options.typed_solver_options(file.options)[1]
    file.table = _table(reader, where)
    names = _data_set_names(reader, where)
    file.data = DataList(_data_set(reader, f"current/data/datasets/{name}") for name in names)
    file.optimizer = _optimizer(reader)
    for dataset in file.data:
        file.notices += genx_data.settle(dataset, where=where)
    return file


def _table(reader: Reader, where: str) -> list[Row]:
    column = "current/parameters/data col {}".format
    names = reader.texts(column(0)) or []
    count = len(names)
    numbers = [reader.floats(column(index)) for index in (1, 2, 3, 4)]
    values, fits, minima, maxima = (np.zeros(count) if part is None else part.ravel() for part in numbers)
    errors = reader.texts(column(5))
    errors = ["-"] * count if errors is None else errors
    lengths = [len(part) for part in (names, values, fits, minima, maxima, errors)]
    if len(set(lengths)) > 1:
        listed = ", ".join(f"{label} {length}" for label, length in zip(LABELS, lengths, strict=True))
        raise InputError(
            f"the columns of the parameter table have different lengths: {listed}",
            where=where,
            hint="The file is damaged; save it again in GenX.",
        )
    return [
        Row(name, float(value), bool(fit), float(minimum), float(maximum), error)
        for name, value, fit, minimum, maximum, error in zip(names, values, fits, minima, maxima, errors, strict=True)
    ]


def _data_set_names(reader: Reader, where: str) -> list[str]:
    """Members of ``data/datasets``, which GenX counts from 0."""
    group = reader.group("current/data/datasets")
    count = 0 if group is None else len(group)
    for number in range(count):
        if reader.group(f"current/data/datasets/{number}") is None:
            raise FileFormatError(
                f"the data sets are not numbered from 0 to {count - 1}: number {number} is missing",
                where=where,
                hint="The file is damaged; save it again in GenX.",
            )
    return [str(number) for number in range(count)]


def _data_set(reader: Reader, path: str) -> DataSet:
    dataset = DataSet(reader.text(f"{path}/name", ""))
    for column in COLUMNS:
        values = reader.floats(f"{path}/{column}")
        if values is not None:
            setattr(dataset, column, values.ravel())
    for command, default in COMMANDS.items():
        setattr(dataset, command, reader.text(f"{path}/{command}", default))
    for flag in FLAGS:
        setattr(dataset, flag, bool(reader.scalar(f"{path}/{flag}", 1.0)))
    dataset.extra_data = _extra_columns(reader, f"{path}/extra_data")
    dataset.extra_data_raw = _extra_columns(reader, f"{path}/extra_data_raw")
    for name in _members(reader, f"{path}/extra_commands"):
        dataset.extra_commands[name] = reader.text(f"{path}/extra_commands/{name}", name)
    columns = reader.numbers(f"{path}/cols")
    if columns is not None:
        dataset.cols = tuple(int(column) for column in columns.ravel()[:16])
    group = reader.group(f"{path}/meta")
    if group is not None:
        dataset.meta = _meta(group, reader, _MAX_META_DEPTH)
    return dataset


def _extra_columns(reader: Reader, path: str) -> dict[str, Floats]:
    """The extra columns that hold numbers; others stay in the file, out of the way."""
    columns = {}
    for name in _members(reader, path):
        values = reader.floats(f"{path}/{name}") if reader.is_numeric(f"{path}/{name}") else None
        if values is not None:
            columns[name] = values.ravel()
    return columns


def _members(reader: Reader, path: str) -> list[str]:
    group = reader.group(path)
    return [] if group is None else [name for name in group if isinstance(name, str)]


def _meta(group: h5py.Group, reader: Reader, depth: int) -> dict[str, Any]:
    """The header as dictionaries, text and numbers. What GenX pickled stays the bytes that it is."""
    meta: dict[str, Any] = {}
    for name in group:
        path = f"{group.name}/{name}".lstrip("/")
        if path not in reader.file:
            continue
        member = group[name]
        if isinstance(member, h5py.Group):
            if depth:
                meta[name] = _meta(member, reader, depth - 1)
        elif not isinstance(member, h5py.Dataset) or member.shape is None:
            continue
        elif h5py.check_string_dtype(member.dtype) is not None:
            texts = reader.texts(path) or []
            meta[name] = texts[0] if member.shape == () and texts else texts
        elif member.dtype.kind in "biuf":
            numbers = reader.numbers(path)
            if numbers is not None:
                meta[name] = numbers.item() if numbers.shape == () else numbers
        elif member.dtype.kind == "V" and member.dtype.fields is None and member.shape == ():
            meta[name] = bytes(member[()].tobytes())
    return meta


def _optimizer(reader: Reader) -> OptimizerState:
    path = "current/optimizer"
    state = OptimizerState()
    if reader.group(path) is None:
        return state
    state.solver = reader.text(f"{path}/solver", state.solver)
    state.solver_module = reader.text(f"{path}/solver_module", state.solver_module)
    log = reader.floats(f"{path}/fom_log")
    if log is not None and log.ndim == 2 and log.shape[1] == 2:
        state.fom_log = log
    start = reader.floats(f"{path}/start_guess")
    if start is not None:
        state.start_guess = start.ravel()
    state.covar = reader.floats(f"{path}/covar")
    state.errors = reader.floats(f"{path}/errors")
    return state
