"""Old GenX files: .gx, a zip of Python pickles (fact sheet 1.2), read without running any of them."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.errors import FileFormatError, InputError
from metagenx.genx import data as genx_data
from metagenx.genx import options as genx_options
from metagenx.genx.data import DataList, DataSet, Floats
from metagenx.genx.file import GenxFile, OptimizerState, Row
from metagenx.genx.inert_pickle import Inert, UnsafePickle, loads, reference

MAX_MEMBER_BYTES = 64 * 2**20
MAX_ARRAY_BYTES = 256 * 2**20
MAX_META_DEPTH = 16
MAX_META_MEMBERS = 10_000

_COLUMNS = ("x", "y", "error", "x_raw", "y_raw", "error_raw", "y_sim", "y_fom")
_COMMANDS = ("x_command", "y_command", "error_command")
_STYLES = tuple(
    f"{kind}_{part}"
    for kind in ("data", "sim")
    for part in ("color", "symbol", "symbolsize", "linetype", "linethickness")
)


def recognises(content: bytes) -> bool:
    """Whether `content` looks like a zip archive."""
    return content[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read(content: bytes, path: Path | None = None) -> GenxFile:
    """The .gx archive `content`; `path` serves messages only. Errors as in `file.read`."""
    where = path.name if path else "file"
    members = _members(content, where)
    missing = [name for name in ("data", "script", "parameters") if name not in members]
    if missing:
        raise FileFormatError(
            f"this zip is not a GenX file: it has no {' and no '.join(missing)}",
            where=where,
            hint="A .gx file holds data, script, parameters, fomfunction, config and optimizer.",
        )
    file = GenxFile(path=path, kind="gx")
    budget = _Budget(where)
    script = _unpickled(members, "script", where)
    if not isinstance(script, str | bytes):
        raise _damaged("script", f"it is {_what(script)}, not text", where)
    file.script = _text(script)
    file.table = _table(_unpickled(members, "parameters", where), where)
    file.data = _data_list(_unpickled(members, "data", where), budget, where)
    file.fom_name = _fom_name(members, file.notices, where)
    file.config = members.get("config", b"").decode("utf-8", "replace")
    file.options, notices = genx_options.parse(file.config)
    file.notices += notices
    file.optimizer, settings = _optimizer(members, budget, file.notices, where)
    if settings:
        # What the config does not say, the pickled optimiser does.
        file.options["solver"] = {**settings, **file.options.get("solver", {})}
    file.notices += genx_options.typed_solver_options(file.options)[1]
    for dataset in file.data:
        file.notices += genx_data.settle(dataset, where=where)
    return file


def _members(content: bytes, where: str) -> dict[str, bytes]:
    """Members of the archive, each at most `MAX_MEMBER_BYTES`, however much it claims or inflates to."""
    wanted = ("data", "script", "parameters", "fomfunction", "config", "optimizer")
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            for name in wanted:
                if name not in names:
                    continue
                if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise _damaged(name, "its compression is not used by GenX", where)
                with archive.open(name) as stream:
                    members[name] = stream.read(MAX_MEMBER_BYTES + 1)
                if len(members[name]) > MAX_MEMBER_BYTES:
                    raise _damaged(name, f"it inflates to more than {MAX_MEMBER_BYTES // 2**20} MiB", where)
    except FileFormatError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise FileFormatError(
            f"the zip archive is damaged: {error}",
            where=where,
            hint="It was probably cut off when it was copied; copy it again, or save it again in GenX.",
        ) from None
    except Exception as error:  # zipfile lets struct.error, KeyError and others through for damaged headers
        raise FileFormatError(f"the zip archive is damaged: {type(error).__name__}", where=where) from None
    return members


def _unpickled(members: dict[str, bytes], name: str, where: str) -> Any:
    try:
        return loads(members[name])
    except UnsafePickle as error:
        raise _damaged(name, str(error), where) from None


def _damaged(member: str, reason: str, where: str) -> FileFormatError:
    return FileFormatError(
        f"the member '{member}' cannot be read: {reason}",
        where=where,
        hint="The file is damaged or no GenX file; nothing in it was run. Save it again in GenX as .hgx.",
    )


class _Budget:
    """How many bytes of arrays one file may still give."""

    def __init__(self, where: str) -> None:
        self.left, self.where = MAX_ARRAY_BYTES, where

    def floats(self, value: Any) -> Floats | None:
        """`value` as a new array of floats of its own shape, None if it is no array of numbers."""
        if isinstance(value, list | tuple) and all(isinstance(number, bool | int | float) for number in value):
            try:
                value = np.array(value, dtype=np.float64)
            except OverflowError:
                return None
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            return None
        self.left -= 8 * value.size
        if self.left < 0:
            raise _damaged("data", f"its arrays have more than {MAX_ARRAY_BYTES // 2**20} MiB", self.where)
        return np.array(value, dtype=np.float64)


def _what(value: Any) -> str:
    """What a pickle gave, in words; a call it wanted made is named, and was not made."""
    if isinstance(value, Inert):
        return f"an object or call of '{value.module[:40]}.{value.name[:40]}' (which was not made)"
    named = reference(value)
    return f"the name '{named[0][:40]}.{named[1][:40]}'" if named else f"a {type(value).__name__}"


def _attributes(value: Any) -> dict[Any, Any]:
    return value.attributes if isinstance(value, Inert) else {}


def _table(parameters: Any, where: str) -> list[Row]:
    """Rows of a Parameters object: lists, or, in new files, objects that behave like lists."""
    attributes = _attributes(parameters)
    rows = attributes.get("_data", attributes.get("data"))
    if not isinstance(rows, list):
        raise _damaged("parameters", f"it is {_what(parameters)} without a table", where)
    table = []
    for number, row in enumerate(rows, start=1):
        cells = row.items if isinstance(row, Inert) else row
        if not isinstance(cells, list | tuple) or len(cells) < 5:
            raise _damaged("parameters", f"row {number} has no name, value, fit, min and max", where)
        table.append(
            Row(
                _text(cells[0]),
                _float(cells[1], number, where),
                bool(_float(cells[2], number, where)),
                _float(cells[3], number, where),
                _float(cells[4], number, where),
                (_text(cells[5]) or "-") if len(cells) > 5 else "-",
            )
        )
    return table


def _text(value: Any) -> str:
    """`value` as text that can be stored: without NUL and lone surrogates."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return str(value)[:200] if _plain(value) else ""


def _is_small(value: Any) -> bool:
    """Whether `value` is a whole number that every format holds."""
    return isinstance(value, int) and abs(value) < 2**31


def _is_member_name(name: Any) -> bool:
    return isinstance(name, str) and name == _text(name) and "/" not in name and name.strip(".") != ""


def _plain(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _float(value: Any, number: int, where: str) -> float:
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "biuf":
        value = value.item()
    if value is None:
        return 0.0
    try:
        if isinstance(value, bool | int | float | str):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise InputError(
        "a value of the parameter table is not a number",
        where=f"{where}, table row {number}",
        hint="Correct the row in GenX and save the file again.",
    )


def _data_list(data: Any, budget: _Budget, where: str) -> DataList:
    items = _attributes(data).get("items")
    if not isinstance(items, list):
        raise _damaged("data", f"it is {_what(data)} without a list of data sets", where)
    for item in items:
        if not isinstance(item, Inert) or item.name != "DataSet":
            raise _damaged("data", f"it holds {_what(item)} among its data sets", where)
    return DataList(_data_set(_attributes(item), budget, where) for item in items)


def _data_set(state: dict[Any, Any], budget: _Budget, where: str) -> DataSet:
    dataset = DataSet(_text(state.get("name", "")))
    for column in _COLUMNS:
        values = budget.floats(state.get(column))
        if values is not None:
            setattr(dataset, column, values.ravel())
    for command in _COMMANDS:
        if isinstance(state.get(command), str):
            setattr(dataset, command, _text(state[command]))
    dataset.extra_data = _columns(state.get("extra_data"), budget)
    # Files without raw extra columns are older than commands for them.
    dataset.extra_data_raw = _columns(state.get("extra_data_raw", state.get("extra_data")), budget)
    commands = state.get("extra_commands")
    if isinstance(commands, dict):
        dataset.extra_commands = {
            name: _text(text) for name, text in commands.items() if _is_member_name(name) and isinstance(text, str)
        }
    for flag in ("show", "use", "use_error"):
        if _plain(state.get(flag)):
            setattr(dataset, flag, bool(state[flag]))
    columns = state.get("cols")
    if isinstance(columns, list | tuple) and len(columns) == 3 and all(_is_small(column) for column in columns):
        dataset.cols = tuple(columns)
    dataset.plot_style = {name: value for name in _STYLES if (value := _style(state.get(name))) is not None}
    meta = state.get("meta")
    if isinstance(meta, dict):
        dataset.meta = _plain_members(meta, MAX_META_DEPTH, [MAX_META_MEMBERS])
    return dataset


def _columns(value: Any, budget: _Budget) -> dict[str, Floats]:
    if not isinstance(value, dict):
        return {}
    found = {name: budget.floats(column) for name, column in value.items() if _is_member_name(name)}
    return {name: column.ravel() for name, column in found.items() if column is not None}


def _style(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) or _is_small(value):
        return value
    if isinstance(value, list | tuple) and len(value) in (3, 4) and all(isinstance(v, int | float) for v in value):
        return tuple(float(v) for v in value)
    return None


def _plain_members(value: dict[Any, Any], depth: int, left: list[int]) -> dict[str, Any]:
    """The text, numbers and dictionaries of `value`; lists, None and objects, which GenX pickles, are left
    out."""
    plain: dict[str, Any] = {}
    for name, member in value.items():
        left[0] -= 1
        if left[0] < 0:
            break
        if not _is_member_name(name):
            continue
        if isinstance(member, dict) and depth:
            plain[name] = _plain_members(member, depth - 1, left)
        elif isinstance(member, str):
            plain[name] = _text(member)
        elif isinstance(member, float) or _is_small(member):
            plain[name] = member
    return plain


def _fom_name(members: dict[str, bytes], notices: list[str], where: str) -> str:
    if "fomfunction" in members:
        function = _unpickled(members, "fomfunction", where)
        named = reference(function)
        if named is not None:
            return named[1]
        if isinstance(function, str):
            return function
    notices.append("the file names no FOM function: 'log' is used, as in GenX")
    return "log"


def _optimizer(
    members: dict[str, bytes], budget: _Budget, notices: list[str], where: str
) -> tuple[OptimizerState, dict[str, str]]:
    """Log, start and settings (by config name) of the last fit; errors here cost nothing but these."""
    state = OptimizerState()
    if "optimizer" not in members:
        return state, {}
    try:
        optimizer = loads(members["optimizer"])
        attributes = _attributes(optimizer)
        log = budget.floats(attributes.get("fom_log"))
        start = budget.floats(attributes.get("start_guess"))
    except (UnsafePickle, FileFormatError) as error:
        notices.append(f"the log of the last fit could not be read: {error}")
        return state, {}
    if not attributes:
        notices.append(f"the member 'optimizer' is {_what(optimizer)}, not an optimiser; it was left out")
    if log is not None and log.ndim == 2 and log.shape[1] == 2:
        state.fom_log = log
    if start is not None:
        state.start_guess = start.ravel()
    # Old files have the settings as attributes, newer ones in an object of their own.
    found = {**attributes, **_attributes(attributes.get("opt"))}
    settings = {}
    for name, default in genx_options.DEFAULTS.items():
        if isinstance(found.get(name), bool | int | float | str):
            value = genx_options.typed(genx_options.format_value(found[name]), default)
            if value is not None:
                settings[genx_options.option_name(name)] = genx_options.format_value(value)
    return state, settings
