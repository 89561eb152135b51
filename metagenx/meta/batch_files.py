"""Which files a batch is made of: folders, patterns and lists → files in natural order, each with a name of its own."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from metagenx.errors import InputError, MetagenxError
from metagenx.genx.disk import read_bytes

# What in a folder is no measurement beyond doubt; a pattern or a list takes what it names.
OTHER_SUFFIXES = frozenset({
    ".md", ".rst", ".html", ".pdf", ".doc", ".docx", ".odt", ".ppt", ".pptx", ".tex",
    ".py", ".pyc", ".ipynb", ".sh", ".bat", ".toml", ".yaml", ".yml", ".json", ".ini", ".cfg", ".log", ".lock",
    ".png", ".jpg", ".jpeg", ".gif", ".svg", ".tif", ".tiff", ".eps", ".bak", ".tmp", ".part",
})  # fmt: skip
OTHER_STEMS = frozenset({"readme", "license", "licence", "copying", "changelog"})
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class BatchFile:
    """One file of a batch.

    Parameters
    ----------
    name : unique in the batch: the path below the folder that all files share.
    sha256 : of its content; empty if it cannot be read.
    unreadable : why it cannot be read, else None.
    """

    name: str
    path: Path
    sha256: str
    unreadable: str | None = None

    def content(self) -> bytes:
        """Its bytes; raises InputError if they are no longer what they were when the batch began."""
        content = read_bytes(self.path)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise InputError("the file was changed while the batch was running", where=str(self.path))
        return content


@dataclass(frozen=True)
class Found:
    """The files of a batch in natural order, and those in the folders that were left out."""

    files: tuple[BatchFile, ...]
    left_out: tuple[str, ...] = field(default=())


def natural_key(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key in which ``scan2`` comes before ``scan10``; upper and lower case stand together."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part), text


def find_files(data: Sequence[str | os.PathLike[str]], *, but: Path | None = None) -> Found:
    """The files that folders, patterns (``"scan_*.dat"``) and paths name, in natural order, each once.

    Of a folder all files count but hidden ones and those that are no measurements by their names (texts, programs,
    pictures); folders inside it do not.

    Parameters
    ----------
    but : the model file, which is no measurement even if it lies among them.

    Raises
    ------
    InputError : nothing is named, a path that does not exist, a pattern or folder without files.
    """
    if not data:
        raise InputError("no data files are named", hint="Name a folder, files, or a pattern such as 'scan_*.dat'.")
    paths: list[Path] = []
    left_out: list[str] = []
    for item in data:
        chosen, others = _of(os.fspath(item))
        paths += chosen
        left_out += others
    unique = {Path(os.path.abspath(path)): path for path in paths}
    if but is not None:
        left_out += [path.name for full, path in unique.items() if _is_same(full, but)]
        unique = {full: path for full, path in unique.items() if not _is_same(full, but)}
    if not unique:
        raise InputError(
            "there are no data files",
            where=", ".join(os.fspath(item) for item in data),
            hint=f"Left out were {_listed(left_out)}." if left_out else "Is it the right folder?",
        )
    base = Path(os.path.commonpath([str(full.parent) for full in unique])) if len(unique) > 1 else None
    names = {full: full.relative_to(base).as_posix() if base else full.name for full in unique}
    ordered = sorted(unique, key=lambda full: natural_key(names[full]))
    return Found(tuple(_file(names[full], unique[full]) for full in ordered), tuple(sorted(left_out, key=natural_key)))


def _of(item: str) -> tuple[list[Path], list[str]]:
    """(files, names of what was left out) of one argument."""
    path = Path(item).expanduser()
    if path.is_dir():
        try:
            entries = sorted(path.iterdir())
        except OSError as error:
            raise InputError(f"the folder cannot be read: {error.strerror}", where=item) from None
        files = [entry for entry in entries if not entry.is_dir() and not entry.name.startswith(".")]
        chosen = [entry for entry in files if not _is_other(entry)]
        return chosen, [entry.name for entry in files if entry not in set(chosen)]
    if path.exists() or path.is_symlink():
        return [path], []
    if _WILD.search(item):
        matches = [Path(match) for match in glob.glob(str(path), recursive=True)]
        chosen = [match for match in matches if not match.is_dir()]
        if not chosen:
            raise InputError("no file matches the pattern", where=item, hint="Is it the right folder?")
        return chosen, []
    raise InputError("there is no such file or folder", where=item, hint="Check the path.")


def _file(name: str, path: Path) -> BatchFile:
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            return BatchFile(name, path, "", "it is not an ordinary file")
        return BatchFile(name, path, hashlib.sha256(read_bytes(path)).hexdigest())
    except MetagenxError as error:
        return BatchFile(name, path, "", error.what)


def _is_other(path: Path) -> bool:
    return path.suffix.lower() in OTHER_SUFFIXES or path.stem.lower() in OTHER_STEMS


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def chains(files: Sequence[BatchFile], *, warm_start: bool) -> list[list[BatchFile]]:
    """What must be done one after the other: every file by itself; warm-started, the files of each folder in order."""
    if not warm_start:
        return [[file] for file in files]
    found: dict[str, list[BatchFile]] = {}
    for file in files:
        found.setdefault(file.name.rpartition("/")[0], []).append(file)
    return list(found.values())


def result_names(files: Sequence[BatchFile]) -> dict[str, str]:
    """What the fitted model of each file is called: ``scan7.hgx``; with the whole name where stems are not unique."""
    stems = [_plain(Path(file.name).stem) for file in files]
    folded = [stem.casefold() for stem in stems]
    taken: set[str] = set()
    found = {}
    for file, stem in zip(files, stems, strict=True):
        wanted = stem if folded.count(stem.casefold()) == 1 else _plain(file.name)
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name.casefold())
        found[file.name] = f"{name}.hgx"
    return found


def _plain(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", text).strip("-. ")[:120] or "data"


def varying_number(names: Sequence[str]) -> list[float] | None:
    """The one number in which the names of files differ, such as the 300 of ``film_300K.dat``; None if there is none.

    All names must be the same but for one number, which may have a sign and a decimal point.
    """
    # A point followed by a letter begins the suffix; a hyphen after a letter or digit joins words.
    pattern = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?|\d+(?:\.\d+)?")
    split = [(pattern.split(name), pattern.findall(name)) for name in names]
    if len(names) < 2 or len({tuple(texts) for texts, _ in split}) != 1:
        return None
    columns = list(zip(*(numbers for _, numbers in split), strict=True))
    varying = [column for column in columns if len(set(column)) > 1]
    if len(varying) != 1:
        return None
    values = [float(text) for text in varying[0]]
    return values if len(set(values)) == len(values) else None
