"""The store: a folder that only grows, safe for many processes at once, readable whatever happened to a file in it.

A short command leaves its rows as JSON lines in ``inbox/``, at once and without heavy imports; a long one gathers what
lies there into a Parquet file. Every file is written whole under a name of its own and renamed into place, so writers
need no lock; gathering holds one. A run filed twice has one ``id`` and counts once. A damaged file is told and kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import InputError, MetagenxError
from metagenx.experience.place import VARIABLE, experience_folder
from metagenx.experience.rows import COLUMNS
from metagenx.genx.disk import replace_atomically

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

INBOX = "inbox"
MOST_IN_INBOX = 200  # files, before a short command gathers them too


@dataclass
class Read:
    """What is in a store: rows, each run once, and files that could not be read, each with the reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """The rows as a table, with all columns."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(COLUMNS))


class Store:
    """The store in a folder.

    Raises
    ------
    InputError : without a folder, if the user has opted out.
    """

    def __init__(self, folder: Path | None = None) -> None:
        found = experience_folder() if folder is None else folder
        if found is None:
            raise InputError("no experience is kept", hint=f"{VARIABLE} says so; name a folder there, or leave it out.")
        self.folder = found

    def append(self, rows: Sequence[Mapping[str, Any]], *, gather: bool = False) -> None:
        """File rows; with ``gather`` in Parquet at once, with all that waits. Raises OSError."""
        if rows:
            inbox = self.folder / INBOX
            inbox.mkdir(parents=True, exist_ok=True)
            lines = "".join(json.dumps(_plain(row), separators=(",", ":")) + "\n" for row in rows)
            replace_atomically(inbox / f"{_fresh_name()}.jsonl", lines.encode())
        if gather or len(self._waiting()) > MOST_IN_INBOX:
            self.gather()

    def gather(self) -> int:
        """Turn what waits in the inbox into one Parquet file; the number of its rows. Raises OSError."""
        with self._lock() as has_lock:
            waiting = self._waiting()
            if not has_lock or not waiting:
                return 0
            found = Read()
            for path in waiting:
                _read_lines(path, found)
            if found.rows:
                self._write(_unique(found.rows))
            for path in waiting:
                with contextlib.suppress(OSError):
                    if str(path) in found.damaged:
                        path.rename(path.with_suffix(".damaged"))
                    else:
                        path.unlink()
            return len(found.rows)

    def read(self) -> Read:
        """Everything that is there; a store that does not exist is empty."""
        found = Read()
        for path in self._waiting():  # first: what is gathered meanwhile is in a file by then
            _read_lines(path, found)
        for path in self.files():
            read_parquet(path, found)
        found.rows = list(_unique(found.rows))
        return found

    def merge(self, others: Iterable[Path]) -> int:
        """Take in the rows of other stores, folders or Parquet files; the number of those that are new.

        Raises
        ------
        InputError : one of them cannot be read, or is no store. Nothing was taken in then.
        """
        found = Read()
        for other in others:
            if other.is_dir():
                read = Store(other).read()
                found.rows += read.rows
                found.damaged |= read.damaged
            else:
                read_parquet(other, found)
        if found.damaged:
            path, reason = next(iter(found.damaged.items()))
            raise InputError(reason, where=path, hint="Merge a folder of experience, or what `export` has written.")
        known = {row["id"] for row in self.read().rows}
        new = [row for row in _unique(found.rows) if row["id"] not in known]
        if new:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(new)
        return len(new)

    def export(self, path: Path) -> int:
        """Write all rows to a .parquet or .csv file; their number. Raises InputError."""
        rows = self.read().rows
        try:
            if path.suffix.lower() == ".parquet":
                _write_parquet(path, rows)
            elif path.suffix.lower() == ".csv":
                replace_atomically(path, _csv(rows).encode())
            else:
                raise InputError(f"{path.name} is neither .parquet nor .csv", where=str(path))
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
        return len(rows)

    def best_known(self, problem: str) -> tuple[float, tuple[float, ...]] | None:
        """f* of a problem as far as it was ever seen here: lowest FOM and its values; None if it never was."""
        mine = [row for row in self.read().rows if row["problem"] == problem and row["fom"] == row["fom"]]
        best = min(mine, key=lambda row: (row["fom"], row["id"]), default=None)
        return None if best is None else (float(best["fom"]), tuple(best["values"]))

    def files(self) -> list[Path]:
        """The Parquet files of the store."""
        return sorted(self.folder.glob("*.parquet"))

    def _waiting(self) -> list[Path]:
        return sorted((self.folder / INBOX).glob("*.jsonl"))

    def _write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        _write_parquet(self.folder / f"{_fresh_name()}.parquet", rows)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[bool]:
        """Whether nobody else gathers; where there are no file locks, always: rows filed twice count once."""
        try:
            import fcntl
        except ImportError:
            yield True
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "gather.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def remember(rows: Sequence[Mapping[str, Any]], *, gather: bool = False) -> str | None:
    """File rows if the user wants it; why that failed, if it did: a store that cannot be written spoils no fit."""
    folder = experience_folder()
    if folder is None or not rows:
        return None
    try:
        Store(folder).append(rows, gather=gather)
    except (OSError, ValueError, ImportError, MetagenxError) as error:
        return f"the experience of this run was not kept in {folder}: {getattr(error, 'strerror', None) or error}"
    return None


def read_parquet(path: Path, found: Read) -> None:
    """Add the rows of a Parquet file; a damaged one is noted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException, ValueError) as error:
        found.damaged[str(path)] = (
            f"cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        )
        return
    if rows and not {"id", "problem", "fom"} <= rows[0].keys():
        found.damaged[str(path)] = "is not experience: it has no columns id, problem, fom"
        return
    try:
        found.rows += [_whole(row) for row in rows]
    except (ValueError, TypeError) as error:
        found.damaged[str(path)] = f"is not experience: {error}"


def _read_lines(path: Path, found: Read) -> None:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        if path.exists():  # another process may have gathered it just now
            found.damaged[str(path)] = f"cannot be read: {error.strerror}"
        return
    for line in lines:
        try:
            row = json.loads(line)
            found.rows.append(_whole({name: _number(value) for name, value in row.items()} | {"id": str(row["id"])}))
        except (ValueError, KeyError, TypeError, AttributeError):
            found.damaged[str(path)] = "has a line that is no run"


def _unique(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen = set()
    for row in rows:
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row


_EMPTY = {"text": "", "int": 0, "float": float("nan"), "ints": [], "floats": []}
_CONVERT: dict[str, Any] = {
    "text": str,
    "int": int,
    "float": float,
    "ints": lambda values: [int(value) for value in values],
    "floats": lambda values: [float(value) for value in values],
}


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with all columns, each of its kind; raises ValueError or TypeError."""
    return {
        name: _CONVERT[kind](_EMPTY[kind] if row.get(name) is None else row[name]) for name, kind in COLUMNS.items()
    }


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "ints": pa.list_(pa.int64()),
        "floats": pa.list_(pa.float64()),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])


def _write_parquet(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([dict(row) for row in rows], schema=_schema())
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    replace_atomically(path, sink.getvalue().to_pybytes())


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    found = Read([{**row} for row in rows]).table()
    for name, kind in COLUMNS.items():
        if kind in ("ints", "floats"):
            found[name] = [" ".join(map(repr, values)) for values in found[name]]
    return str(found.to_csv(index=False))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """For JSON, which has no nan and inf: they are written as text."""

    def plain(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return repr(value) if isinstance(value, float) and not abs(value) < float("inf") else value

    return {name: plain(value) for name, value in row.items() if name in COLUMNS}


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(item) for item in value]
    return float(value) if value in ("nan", "inf", "-inf") else value


def _fresh_name() -> str:
    """A name that no other process and no other call uses; in the order of time."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}"
