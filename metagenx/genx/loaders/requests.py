"""What a user asks for with ``--data``: which file goes into which data set of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.genx.loaders.format import LoadOptions

_INDEXED = re.compile(r"\s*(\d{1,4})\s*=\s*(.+)", re.DOTALL)
_PICKED = re.compile(r"(.+?)#([^#/\\]+)", re.DOTALL)


@dataclass(frozen=True)
class DataRequest:
    """One data file for a model.

    `index` is the data set (from 0) that its first measurement fills, None: the next in order. `format` and `options`
    are what the user knows better than the file.
    """

    path: Path
    index: int | None = None
    format: str | None = None
    options: LoadOptions = field(default_factory=LoadOptions)

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest: only what was asked for."""
        asked: dict[str, Any] = {"file": str(self.path)}
        given = {"index": self.index, "format": self.format, "x": self.options.x, "pick": self.options.pick}
        asked |= {key: value for key, value in given.items() if value is not None}
        return {**asked, "columns": list(self.options.columns)} if self.options.columns else asked


def requests_from(
    texts: Sequence[str],
    *,
    folder: Path | None = None,
    format: str | None = None,
    x: str | None = None,
    columns: str | Sequence[str] | None = None,
) -> list[DataRequest]:
    """Requests of the form ``FILE``, ``2=FILE``, each with ``#NAME`` behind it for one of several measurements.

    Parameters
    ----------
    folder : where relative files are; default: the current folder.
    format, x, columns : of all the files, as in :class:`DataRequest`.
    """
    named = columns.replace(",", " ").split() if isinstance(columns, str) else tuple(columns or ())
    requests = []
    for text in texts:
        match = _INDEXED.fullmatch(text)
        index, name = (int(match.group(1)), match.group(2).strip()) if match else (None, text.strip())
        if not name:
            raise InputError(f"the data {text!r} name no file", hint="Write --data FILE or --data 0=FILE.")
        path, pick = (folder or Path()) / Path(name).expanduser(), None
        picked = _PICKED.fullmatch(name)
        if picked and not path.exists():
            path, pick = (folder or Path()) / Path(picked.group(1)).expanduser(), picked.group(2).strip()
        requests.append(DataRequest(path, index, format, LoadOptions(tuple(named), x, pick)))
    return requests


def requests_from_value(value: object, folder: Path) -> list[DataRequest]:
    """Requests as an experiment file has them: a file, a list of files, or a mapping from data set to file.

    Instead of a file's name there may be a mapping with ``file`` and ``format``, ``x``, ``columns``, ``pick``.
    Raises InputError for anything else.
    """
    if isinstance(value, Mapping) and "file" not in value:
        items: list[tuple[int | None, object]] = []
        for key, entry in value.items():
            if not str(key).strip().isdigit():
                raise InputError(f'"{key}" is not the number of a data set, such as 0')
            items.append((int(str(key)), entry))
    else:
        items = [(None, entry) for entry in (value if isinstance(value, list) else [value])]
    if not items:
        raise InputError("must name a file, such as today.ort, or {0: first.ort}")
    return [_request(entry, index, folder) for index, entry in items]


def _request(entry: object, index: int | None, folder: Path) -> DataRequest:
    if isinstance(entry, str | Path) and str(entry).strip():
        made = requests_from([str(entry)], folder=folder)[0]
        return made if index is None else DataRequest(made.path, index, made.format, made.options)
    if isinstance(entry, Mapping) and isinstance(entry.get("file"), str | Path):
        unknown = set(entry) - {"file", "index", "format", "x", "columns", "pick"}
        if unknown:
            raise InputError(
                f'"{min(map(str, unknown))}" is no key of data; the keys are file, format, x, columns, pick'
            )
        columns = entry.get("columns")
        named = columns.replace(",", " ").split() if isinstance(columns, str) else [str(c) for c in columns or ()]
        texts = {key: None if entry.get(key) is None else str(entry[key]) for key in ("format", "x", "pick")}
        path = folder / Path(str(entry["file"])).expanduser()
        given = entry.get("index")
        place = index if index is not None else int(given) if isinstance(given, int) else None
        return DataRequest(path, place, texts["format"], LoadOptions(tuple(named), texts["x"], texts["pick"]))
    raise InputError(f'"{entry}" does not name a data file')
