"""A run on a cluster, seen from the machine that started it: hand it over, follow it, bring it home, pick it up again.

The run folder is made here. The cluster gets a copy; every line of its journal comes home as it is written, the results
at the end. A note in the folder, ``remote.json``, says where it runs: this machine may sleep or die in between.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metagenx.cluster.driver import Job
from metagenx.cluster.jobs import ENDED, Jobs
from metagenx.cluster.messages import Files, message
from metagenx.cluster.ship import pack
from metagenx.errors import EXIT_NOT_REACHED, EXIT_REACHED, InputError, Interrupted, ResourcesSpent
from metagenx.meta.progress import Listener, Progress
from metagenx.runs import RunFolder, versions
from metagenx.runs.events import decode
from metagenx.runs.files import to_json, write_atomically
from metagenx.runs.journal import read_journal

NOTE = "remote.json"
SYNC_SECONDS = 5.0
SAME = ("metagenx", "numpy", "scipy", "numba")  # what makes the numbers


def note_of(folder: RunFolder) -> dict[str, Any] | None:
    """Where a run was handed over to: ``where``, ``address``, ``job``, ``attempts``; None if it never was."""
    try:
        found = json.loads((folder.path / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "job" in found else None


def hand_over(folder: RunFolder, jobs: Jobs, job: Job, *, where: str, progress: Listener) -> str:
    """Have the cluster work on a run, unless it does so already; the name of its job there.

    Raises
    ------
    InputError : the cluster does not take it.
    """
    note = note_of(folder) or {"attempts": 0}
    if note.get("job") and note.get("where") == where and jobs.status(note["job"]) not in (*ENDED, None):
        progress(Progress("notice", f"the cluster works on it already: {note['job']}"))
        return str(note["job"])
    attempt = int(note["attempts"]) + 1
    name = f"metagenx-{folder.path.name}-{attempt}"
    while jobs.status(name) is not None:  # of another machine's attempts nothing is known here
        attempt += 1
        name = f"metagenx-{folder.path.name}-{attempt}"
    with tempfile.TemporaryDirectory(prefix="metagenx-") as place:
        package = Path(place) / "package"
        pack(folder, job, package)
        jobs.submit(name, package, {"experiment": job.experiment, "run": job.run})
    note = {"where": where, "address": jobs.address, "job": name, "attempts": attempt, "trust": job.trust}
    write_atomically(folder.path / NOTE, to_json(note, indent=2) + "\n")
    progress(Progress("notice", f"handed over to {where} as {name}; metagenx attach {folder.path} picks it up again"))
    return name


def follow(folder: RunFolder, jobs: Jobs, name: str, *, progress: Listener, patience: float = 120.0) -> int:
    """Follow a run until it has ended and everything is here; its exit code.

    Raises
    ------
    Interrupted : Ctrl-C; the run goes on on the cluster.
    ResourcesSpent : the cluster is gone, or its driver died; or what the run itself ended with.
    InputError : what the cluster complains about; another process follows the run.
    """
    with folder.lock():
        home = _Home(folder, progress)
        try:
            for text in jobs.lines(name, patience=patience):
                if text is not None and (found := message(text)) is not None:
                    home.take(found)
                home.sync()
                if home.code is not None:
                    break
        except KeyboardInterrupt:
            raise Interrupted(
                "no longer following; the run goes on on the cluster",
                where=str(folder.path),
                hint=f"metagenx attach {folder.path} picks it up again, with --stop ends it.",
            ) from None
        finally:
            home.close()
    if home.code is None:
        if home.error:
            home.code = int(home.error.get("exit_code") or 1)
        else:
            raise ResourcesSpent(
                f"the driver on the cluster ended without a word: {jobs.why(name) or jobs.status(name)}",
                where=str(folder.path),
                hint="What has come home is kept. Start the same command again: it goes on from there.",
            )
    jobs.stop(name)  # it waits for its results to be fetched
    if home.code in (EXIT_REACHED, EXIT_NOT_REACHED):
        return home.code
    raise _as_ours(home.error, folder)


def place_of(note: Mapping[str, Any]) -> str:
    """Where a run was handed over to, as ``--where`` has it."""
    return str(note.get("where", note.get("address", "")))


def _as_ours(error: Mapping[str, Any] | None, folder: RunFolder) -> Exception:
    """The error of the cluster's driver as one of this process."""
    from metagenx import errors

    error = error or {"kind": "ResourcesSpent", "what": "the run ended before its time"}
    kind = getattr(errors, str(error.get("kind")), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.MetagenxError)) or kind is errors.ConfigError:
        kind = errors.MetagenxError
    where = error.get("where")
    shown = f"{folder.path} (on the cluster: {where})" if where else str(folder.path)
    return kind(str(error.get("what")), where=shown, hint=error.get("hint"))


class _Home:
    """What comes home of a run, put where it belongs."""

    def __init__(self, folder: RunFolder, progress: Listener) -> None:
        self.folder, self.progress = folder, progress
        self.code: int | None = None
        self.error: dict[str, Any] | None = None
        self._files = Files()
        with folder.journal():  # which drops a torn last line
            self._number = max((line.number for line in read_journal(folder.events)), default=0)
        self._journal = folder.events.open("ab")
        self._synced, self._is_dirty = time.monotonic(), False

    def take(self, found: Mapping[str, Any]) -> None:
        if "hello" in found:
            self._hello(found["hello"])
        elif "progress" in found:
            with contextlib.suppress(TypeError):
                told = Progress(**found["progress"])
                if told.kind != "finished":
                    self.progress(told)
        elif "journal" in found:
            self._line(str(found["journal"]))
        elif "file" in found:
            done = self._files.take(found)
            if done is not None:
                self._write(*done)
        elif "error" in found:
            self.error = dict(found["error"])
        elif "end" in found:
            self.code = int(found["end"])

    def _hello(self, hello: Mapping[str, Any]) -> None:
        """The same program makes the same numbers; another one says so."""
        there, here = hello.get("versions", {}), versions()
        other = [
            f"{name} {there.get(name)} (here {here.get(name)})" for name in SAME if there.get(name) != here.get(name)
        ]
        if there.get("python") != here.get("python"):
            other.append(f"Python {there.get('python')} (here {here.get('python')})")
        if other:
            told = f"{hello.get('host')} has {', '.join(other)}: numbers may differ in their last digits"
            self.progress(Progress("notice", f"{told}. metagenx cluster up brings the same versions to all nodes."))

    def _line(self, text: str) -> None:
        try:
            number = decode(text.encode("utf-8")).number
        except ValueError:
            return
        if number == self._number + 1:
            self._journal.write(text.encode("utf-8"))
            self._number, self._is_dirty = number, True

    def _write(self, name: str, content: bytes) -> None:
        target = self.folder.path / name
        if target.name in (NOTE, "run.lock", "events.jsonl") or target.is_symlink():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)

    def sync(self, *, now: bool = False) -> None:
        if self._is_dirty and (now or time.monotonic() - self._synced > SYNC_SECONDS):
            self._journal.flush()
            os.fsync(self._journal.fileno())
            self._synced, self._is_dirty = time.monotonic(), False

    def close(self) -> None:
        self.sync(now=True)
        self._journal.close()


def job_for(folder: RunFolder, **options: Any) -> Job:
    """The job of a run folder."""
    manifest = folder.manifest()
    return dataclasses.replace(Job(str(manifest["name"]), folder.path.name), **options)


def stop(folder: RunFolder, jobs: Jobs) -> None:
    """End a run on a cluster; what is done there has come home, or comes with the next attach."""
    note = note_of(folder)
    if note is None:
        raise InputError("this run was not handed over to a cluster", where=str(folder.path))
    jobs.stop(note["job"])
