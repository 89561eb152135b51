"""Writing .hgx: the original with what changed, or a new file (fact sheet 1.1)."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from metagenx.errors import FileFormatError
from metagenx.genx import hgx
from metagenx.genx import options as genx_options
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, OptimizerState, Row
from metagenx.genx.hdf5 import in_memory, in_memory_name, opened
from metagenx.genx.hgx import COLUMNS, COMMANDS, FLAGS, LABELS


def to_bytes(file: GenxFile) -> bytes:
    """`file` as the bytes of a .hgx that GenX 3.8.13 opens.

    Starts from the original where there is one and touches only the members whose content changed: a file in
    which nothing changed comes back byte for byte. Without an original the file has the members of fact sheet
    1.1.2. Never writes a pickle of its own.
    """
    where = file.path.name if file.path else "file"
    if file.source is not None:
        try:
            return _edited(file.source, file, hgx.read(file.source, file.path), where)
        except FileFormatError:
            # Damage where nothing is read; better a file without the unknown parts than a fit that is lost.
            file.notices.append(f"{where} is damaged inside, so it is written anew, without what only GenX knows")
    return _edited(_empty_file(), file, None, where)


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
    _put(group, "data_labels", list(LABELS), None if original is None else list(LABELS))
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
    for name in ("name", *COMMANDS, *FLAGS, *COLUMNS):
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
    if original is not None and not _same_header(dataset.meta, original.meta):
        if "meta" in group:
            del group["meta"]  # the header of another measurement, with whatever GenX had pickled into it
        _write_meta(group.require_group("meta"), dataset.meta)
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


def _same_header(new: dict[str, Any], old: dict[str, Any]) -> bool:
    return new.keys() == old.keys() and all(
        _same_header(value, old[name])
        if isinstance(value, dict) and isinstance(old[name], dict)
        else type(value) is type(old[name]) and _equal(value, old[name])
        for name, value in new.items()
    )


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
