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
from metagenx.genx.hdf5 import Reader, in_memory, in_memory_name, opened, recognises

__all__ = ["read", "recognises", "to_bytes"]

_LABELS = ("Parameter", "Value", "Fit", "Min", "Max", "Error")
_COLUMNS = ("x_raw", "y_raw", "error_raw", "x", "y", "error", "y_sim", "y_fom")
_COMMANDS = {"x_command": "x", "y_command": "y", "error_command": "e"}
_FLAGS = ("show", "use", "use_error")
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
        listed = ", ".join(f"{label} {length}" for label, length in zip(_LABELS, lengths, strict=True))
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
    for column in _COLUMNS:
        values = reader.floats(f"{path}/{column}")
        if values is not None:
            setattr(dataset, column, values.ravel())
    for command, default in _COMMANDS.items():
        setattr(dataset, command, reader.text(f"{path}/{command}", default))
    for flag in _FLAGS:
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


def to_bytes(file: GenxFile) -> bytes:
    """`file` as the bytes of a .hgx that GenX 3.8.13 opens.

    Starts from the original where there is one and touches only the members whose content changed: a file in
    which nothing changed comes back byte for byte. Without an original the file has the members of fact sheet
    1.1.2. Never writes a pickle of its own.
    """
    where = file.path.name if file.path else "file"
    if file.source is None:
        return _edited(_empty_file(), file, None, where)
    return _edited(file.source, file, read(file.source, file.path), where)


def _empty_file() -> bytes:
    identifier = h5py.h5f.create(in_memory_name(), h5py.h5f.ACC_TRUNC, fapl=in_memory())
    with h5py.File(identifier) as new:
        current = new.create_group("current")
        current.attrs["NX_class"], current.attrs["default"] = "NXentry", "data"
        new.flush()
        return bytes(identifier.get_file_image())


def _edited(content: bytes, file: GenxFile, original: GenxFile | None, where: str) -> bytes:
    with opened(content, where, writable=True) as target:
        current = target["current"]
        _write_head(current, file, original)
        _write_table(current.require_group("parameters"), file.table, _was(original, "table"))
        _write_data(current.require_group("data"), file.data, _was(original, "data"))
        _write_optimizer(current.require_group("optimizer"), file.optimizer, _was(original, "optimizer"))
        target.flush()
        return bytes(target.id.get_file_image())


def _write_head(current: h5py.Group, file: GenxFile, original: GenxFile | None) -> None:
    _put(current, "script", file.script, _was(original, "script"))
    _put(current, "fomfunction", file.fom_name, _was(original, "fom_name"))
    _put(current, "sequence_value", file.sequence_value, _was(original, "sequence_value"))
    before, _ = genx_options.parse(file.config)
    changes: dict[str, dict[str, str | None]] = {}
    for section in {**before, **file.options}:
        old, new = before.get(section, {}), file.options.get(section, {})
        for name in {**old, **new}:
            if old.get(name) != new.get(name):
                changes.setdefault(section, {})[name] = new.get(name)
    if original is None and "figure of merit" not in file.options.get("solver", {}):
        # GenX would take over the FOM of whatever file it had open before (fact sheet 1.1.3).
        changes.setdefault("solver", {})["figure of merit"] = file.fom_name
    _put(current, "config", genx_options.edited(file.config, changes), _was(original, "config"))


def _write_table(group: h5py.Group, table: list[Row], original: list[Row] | None) -> None:
    _put(group, "data_labels", list(_LABELS), None if original is None else list(_LABELS))
    before = [None] * 6 if original is None else _table_columns(original)
    for index, (new, old) in enumerate(zip(_table_columns(table), before, strict=True)):
        _put(group, f"data col {index}", new, old)


def _table_columns(table: list[Row]) -> list[Any]:
    return [
        [row.name for row in table],
        np.array([row.value for row in table], dtype=np.float64),
        np.array([row.fit for row in table], dtype=bool),
        np.array([row.minimum for row in table], dtype=np.float64),
        np.array([row.maximum for row in table], dtype=np.float64),
        [row.error for row in table],
    ]


def _write_data(group: h5py.Group, data: DataList, original: DataList | None) -> None:
    _put(group, "_counter", np.int64(len(data)), None if original is None else np.int64(len(original)))
    datasets = group.require_group("datasets")
    old_count = len(original) if original else 0
    for number in range(len(data), old_count):
        del datasets[str(number)]
    for number, dataset in enumerate(data):
        before = original[number] if original and number < old_count else None
        _write_data_set(datasets.require_group(str(number)), dataset, before)


def _write_data_set(group: h5py.Group, dataset: DataSet, original: DataSet | None) -> None:
    for name in ("name", *_COMMANDS, *_FLAGS, *_COLUMNS):
        _put(group, name, getattr(dataset, name), _was(original, name))
    columns = np.array(dataset.cols, dtype=np.int64)
    _put(group, "cols", columns, None if original is None else np.array(original.cols, dtype=np.int64))
    for name in ("extra_data", "extra_data_raw", "extra_commands"):
        members = group.require_group(name)
        new_members, old_members = getattr(dataset, name), getattr(original, name) if original else {}
        for gone in set(old_members) - set(new_members):
            del members[gone]
        for key, value in new_members.items():
            _put(members, key, value, old_members.get(key))
    if original is None:
        for name, value in dataset.plot_style.items():
            _put(group, name, np.array(value, dtype=np.float64) if isinstance(value, tuple) else value, None)
        _write_meta(group.require_group("meta"), dataset.meta)
        group.attrs["NX_class"], group.attrs["signal"], group.attrs["axes"] = "NXdata", "y", "x"
        group.attrs["auxiliary_signals"] = np.array([b"y_sim"])


def _write_meta(group: h5py.Group, meta: dict[str, Any]) -> None:
    for name, value in meta.items():
        if isinstance(value, dict):
            member = group.create_group(name)
            member.attrs["genx_type"] = "free_dict"
            _write_meta(member, value)
        elif isinstance(value, bool | int | float | str | np.ndarray):
            kinds = {str: "str", float: "float", np.ndarray: "ndarray"}
            group.create_dataset(name, data=value).attrs["genx_type"] = kinds.get(type(value), "int")


def _write_optimizer(group: h5py.Group, state: OptimizerState, original: OptimizerState | None) -> None:
    for name in ("solver", "solver_module", "fom_log", "start_guess"):
        _put(group, name, getattr(state, name), _was(original, name))
    for name in ("covar", "errors"):
        if getattr(state, name) is not None:
            _put(group, name, getattr(state, name), _was(original, name))
        elif name in group:
            del group[name]
    if original is None or not state.evaluations:
        for name in ("par_evals", "fom_evals"):
            _put(group, name, np.zeros(0), None)


def _was(original: Any, name: str) -> Any:
    return None if original is None else getattr(original, name)


def _put(group: h5py.Group, name: str, new: Any, old: Any) -> None:
    """Make `new` the member `name` unless it equals `old`, the value as read; in place where it fits."""
    if old is not None and _equal(new, old):
        return
    text = isinstance(new, list | str)
    value = new if text else np.asarray(new)
    dtype = h5py.string_dtype() if text else value.dtype
    present = group.get(name) if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not text and isinstance(present, h5py.Dataset) and present.shape == value.shape and present.dtype == dtype:
        present[...] = value
        return
    attributes = dict(present.attrs) if isinstance(present, h5py.Dataset) else {}
    if name in group or group.get(name, getlink=True) is not None:
        del group[name]
    large = not text and value.nbytes > 128 * 1024  # as GenX does
    compression: dict[str, Any] = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if large else {}
    made = group.create_dataset(name, data=value, dtype=dtype, **compression)
    for key, attribute in attributes.items():
        made.attrs[key] = attribute


def _equal(new: Any, old: Any) -> bool:
    if isinstance(new, np.ndarray | np.generic):
        return np.array_equal(new, old, equal_nan=new.dtype.kind == "f")
    return bool(new == old)
