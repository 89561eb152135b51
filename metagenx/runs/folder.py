"""The run folder: every path, how it is made, how a run is found again.

::

    runs/film/2026-11-22_2140_7f3c/     runs/film/latest -> 2026-11-22_2140_7f3c
      manifest.json  events.jsonl  inputs/          what was asked, what happened, copies
      trials.csv  repeats.csv  parameters.csv  reflectivity.csv  sld.csv  traces.npz
      verdict.json  settings.yaml  best.hgx  report.html  log.txt  ray/
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.errors import FileFormatError, InputError
from metagenx.runs.files import to_json, write_atomically, writing
from metagenx.runs.journal import Journal, Replay, read_journal
from metagenx.runs.lock import RunLock

if TYPE_CHECKING:
    from metagenx.meta.experiment import Experiment

DEFAULT_BASE = Path("runs")
FINISHED = "finished"
_LIBRARIES = ("numpy", "scipy", "numba", "ray", "pandas", "h5py", "orsopy", "pydantic", "optuna")
_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}_\d{4}_[0-9a-f]{4}(?:-\d+)?")


class RunFolder:
    """One run on the disk; its methods are the only code that knows the names of its files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # ------------------------------------------------------------------------------------------------------
    # Paths

    @property
    def manifest_file(self) -> Path:
        """What was asked: command, configuration, hashes, seed, versions, machine, start and end."""
        return self.path / "manifest.json"

    @property
    def events(self) -> Path:
        """The journal: what happened."""
        return self.path / "events.jsonl"

    @property
    def inputs(self) -> Path:
        """Copies of what the run was made from."""
        return self.path / "inputs"

    @property
    def trials(self) -> Path:
        """One row per setting."""
        return self.path / "trials.csv"

    @property
    def repeats(self) -> Path:
        """One row per fit."""
        return self.path / "repeats.csv"

    @property
    def parameters(self) -> Path:
        """The best fit's parameters."""
        return self.path / "parameters.csv"

    @property
    def spread(self) -> Path:
        """Of a robustness test: how far the parameters of its fits spread."""
        return self.path / "spread.csv"

    @property
    def reflectivity(self) -> Path:
        """Data and best fit."""
        return self.path / "reflectivity.csv"

    @property
    def sld(self) -> Path:
        """Depth profiles of the best fit."""
        return self.path / "sld.csv"

    @property
    def traces(self) -> Path:
        """Best FOM against evaluations of every fit."""
        return self.path / "traces.npz"

    @property
    def verdict(self) -> Path:
        """The numbers of the headline."""
        return self.path / "verdict.json"

    @property
    def settings(self) -> Path:
        """The settings of the answer, in GenX's names, and how to type them in."""
        return self.path / "settings.yaml"

    @property
    def best(self) -> Path:
        """The best fit; opens in GenX."""
        return self.path / "best.hgx"

    @property
    def report(self) -> Path:
        """The report; opens in a browser without a network."""
        return self.path / "report.html"

    @property
    def log(self) -> Path:
        """Everything that was said, tracebacks included."""
        return self.path / "log.txt"

    @property
    def ray(self) -> Path:
        """Ray's own folder; may be deleted."""
        return self.path / "ray"

    # ------------------------------------------------------------------------------------------------------
    # Making and finding

    @classmethod
    def create(
        cls,
        base: Path,
        name: str,
        *,
        identity: str,
        config: Mapping[str, Any],
        seed: int,
        inputs: Mapping[str, bytes] | None = None,
        command: Sequence[str] | None = None,
        now: datetime | None = None,
    ) -> RunFolder:
        """Make the folder of a new run, with its manifest and copies of its inputs.

        Parameters
        ----------
        base : folder of all runs.
        name : of the experiment; one folder below ``base``.
        identity : hash of what decides the numbers, by which the run is found again.
        config : the resolved configuration, for the manifest.
        inputs : file name → content, copied into ``inputs/``.

        Raises
        ------
        InputError : the place cannot be written to.
        ResourcesSpent : the disk is full.
        """
        if Path(name).name != name or name in ("", ".", ".."):
            raise InputError(f'"{name}" cannot name a folder')
        now = now or datetime.now().astimezone()
        stem = f"{now:%Y-%m-%d_%H%M}_{identity[:4]}"
        with writing(base / name):
            (base / name).mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            path = base / name / (stem if number == 1 else f"{stem}-{number}")
            with writing(path):
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
            break
        folder = cls(path)
        with writing(folder.inputs):
            folder.inputs.mkdir()
        for file, content in (inputs or {}).items():
            write_atomically(folder.inputs / Path(file).name, content)
        manifest = {
            "name": name,
            "identity": identity,
            "state": "running",
            "created": now.astimezone(UTC).isoformat(timespec="microseconds"),
            "command": list(sys.argv if command is None else command),
            "seed": seed,
            "config": config,
            "versions": versions(),
            "machine": machine(),
            "sessions": [],
        }
        write_atomically(folder.manifest_file, to_json(manifest, indent=2) + "\n")
        folder._point_latest()
        return folder

    @classmethod
    def for_experiment(cls, base: Path, experiment: Experiment, *, command: Sequence[str] | None = None) -> RunFolder:
        """A new folder for an experiment; raises as :meth:`create`."""
        return cls.create(
            base,
            experiment.name,
            identity=experiment.hash,
            config=experiment.resolved(),
            seed=experiment.seed,
            inputs=_experiment_inputs(experiment),
            command=command,
        )

    def _point_latest(self) -> None:
        """``latest`` leads to this run: a link, or a text file where links are not allowed."""
        link = self.path.parent / "latest"
        temporary = self.path.parent / f".latest-{os.getpid()}"
        try:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            temporary.symlink_to(self.path.name, target_is_directory=True)
            os.replace(temporary, link)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            write_atomically(self.path.parent / "latest.txt", self.path.name + "\n")

    # ------------------------------------------------------------------------------------------------------
    # Manifest, journal, lock

    def manifest(self) -> dict[str, Any]:
        """What was asked; raises FileFormatError if the manifest is missing or damaged."""
        try:
            found = json.loads(self.manifest_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FileFormatError(
                f"is no run folder: its manifest cannot be read ({error})", where=str(self.path)
            ) from None
        if not isinstance(found, dict) or "identity" not in found:
            raise FileFormatError("is no run folder: its manifest is incomplete", where=str(self.manifest_file))
        return found

    def update_manifest(self, **changes: Any) -> None:
        """Change keys of the manifest, atomically."""
        write_atomically(self.manifest_file, to_json({**self.manifest(), **changes}, indent=2) + "\n")

    def session_started(self, command: Sequence[str] | None = None) -> None:
        """Note in the manifest that a driver has taken up the run."""
        session = {
            "start": _now(),
            "command": list(sys.argv if command is None else command),
            "versions": versions(),
            "machine": machine(),
        }
        self.update_manifest(state="running", sessions=[*self.manifest()["sessions"], session])

    def session_ended(self, state: str, reason: str = "") -> None:
        """Note how the driver has left the run: ``finished``, ``interrupted``, ``spent`` or ``failed``."""
        sessions = self.manifest()["sessions"] or [{}]
        sessions[-1] |= {"end": _now(), "state": state, "reason": reason}
        self.update_manifest(state=state, sessions=sessions)

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return bool(self.manifest().get("state") == FINISHED)

    def lock(self) -> RunLock:
        """The lock to be held while working here."""
        return RunLock(self.path / "run.lock")

    def journal(self) -> Journal:
        """The journal, open for writing; hold the lock."""
        return Journal(self.events)

    def replay(self) -> Replay:
        """What the journal says, read only."""
        found = Replay()
        for line in read_journal(self.events):
            found.take(line.event)
        return found

    def write_json(self, path: Path, value: Mapping[str, Any]) -> None:
        """Write one of the folder's JSON files, such as :attr:`verdict`."""
        write_atomically(path, to_json(value, indent=2) + "\n")


def list_runs(base: Path, name: str | None = None) -> Iterator[RunFolder]:
    """All run folders below ``base``, the newest first; folders without a readable manifest are left out."""
    found: list[tuple[str, str, RunFolder]] = []
    with contextlib.suppress(OSError):
        names = [base / name] if name else sorted(path for path in base.iterdir() if path.is_dir())
        for path in (path for place in names if place.is_dir() for path in place.iterdir()):
            if _FOLDER.fullmatch(path.name) and not path.is_symlink():
                with contextlib.suppress(FileFormatError):
                    folder = RunFolder(path)
                    found.append((str(folder.manifest().get("created", "")), path.name, folder))
    yield from (folder for *_, folder in sorted(found, key=lambda item: item[:2], reverse=True))


def find_run(base: Path, name: str, identity: str) -> RunFolder | None:
    """The newest run with this identity, made by this version of metagenx, finished or not.

    None if there is none. An unfinished one is resumed, a finished one need not be done again.
    """
    for folder in list_runs(base, name):
        manifest = folder.manifest()
        same_version = manifest.get("versions", {}).get("metagenx") == versions()["metagenx"]
        if manifest["identity"] == identity and same_version:
            return folder
    return None


def find_resumable(base: Path, experiment: Experiment) -> RunFolder | None:
    """The unfinished run of the same experiment, or None."""
    folder = find_run(base, experiment.name, experiment.hash)
    return None if folder is None or folder.is_finished else folder


def open_run(path: Path) -> RunFolder:
    """The run folder at a path, which may be ``latest``, the folder of an experiment, or a file inside a run.

    Raises
    ------
    FileFormatError : there is no run.
    """
    for place in (path, path / "latest", path.parent):
        if (place / "manifest.json").is_file():
            return RunFolder(place.resolve())
    for text in (path.with_suffix(".txt"), path / "latest.txt"):
        if text.is_file():
            place = text.parent / text.read_text(encoding="utf-8").strip()
            if (place / "manifest.json").is_file():
                return RunFolder(place.resolve())
    raise FileFormatError("there is no run", where=str(path), hint="Give a run folder, such as runs/film/latest.")


def latest_run(base: Path, name: str | None = None) -> RunFolder:
    """The newest run below ``base``, of one experiment or of any; raises FileFormatError if there is none."""
    for folder in list_runs(base, name):
        return folder
    raise FileFormatError("there is no run yet", where=str(base / name if name else base), hint="Name a run folder.")


def what_changed(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Differences of two configurations, one line each: ``tune.trials: 60 → 20``."""
    lines = []
    for key in dict.fromkeys([*old, *new]):
        path = f"{prefix}.{key}" if prefix else str(key)
        before, after = old.get(key), new.get(key)
        if path == "tune.profile.settings":  # what follows from the other keys
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += what_changed(before, after, path)
        elif before != after:
            lines.append(f"{path}: {_short(before)} → {_short(after)}")
    return lines


def versions() -> dict[str, str]:
    """Versions of Python, metagenx and the libraries that make the numbers."""
    found = {"python": platform.python_version()}
    for library in ("metagenx", *_LIBRARIES):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    found.setdefault("metagenx", "unknown")
    return found


def machine() -> dict[str, Any]:
    """Where this runs."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


def _experiment_inputs(experiment: Experiment) -> dict[str, bytes]:
    """Content of the YAML file and of every sample; files of one name are told apart by their sample."""
    inputs: dict[str, bytes] = {}
    if experiment.source is not None:
        inputs[experiment.source.name] = experiment.source.read_bytes()
    if experiment.record is not None:
        inputs[experiment.record.file.name] = experiment.record.file.read_bytes()
    for sample in experiment.samples:
        name = sample.file.name if sample.file.name not in inputs else f"{sample.name}-{sample.file.name}"
        inputs[name] = sample.file.read_bytes()
        for data in sample.data:
            path = data.request.path
            inputs[data_copy(path.name, data.sha256, inputs)] = path.read_bytes()
    return inputs


def data_copy(name: str, sha256: str, taken: Mapping[str, bytes]) -> str:
    """Name of the copy of a data file in ``inputs/``: its own, unless another file has it."""
    return name if name not in taken else f"{sha256[:8]}-{name}"


def _short(value: object) -> str:
    text = to_json(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "…"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
