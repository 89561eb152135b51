"""What was asked for and what became of it: a folder for each job, which is the truth.

::

    served/jobs/20261123-1812-3fa9/
      job.json     what was asked, by whom; written once, by the server
      process.json the process that works on it
      log.txt      what it printed
      work/        the one folder of that process: asked.json, inputs/, live.jsonl, curves.json, results/, runs/, stop
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from metagenx.errors import InputError
from metagenx.genx.disk import replace_atomically
from metagenx.serve.live import STOP

FIT = "fit"


@dataclass(frozen=True)
class Asked:
    """What a job is; plain data, as it stands in ``job.json``."""

    id: str
    kind: str
    title: str
    user: str
    created: float
    upload: str
    file: str
    options: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    trust: bool = False
    cores: int = 1

    @property
    def on_ray(self) -> bool:
        """Whether it takes all cores, by Ray."""
        return self.kind != FIT

    def for_process(self) -> dict[str, Any]:
        """What the process gets to know."""
        ours = {"kind": self.kind, "file": self.file, "plan": self.plan, "trust": self.trust, "cores": self.cores}
        return {**self.options, **ours}


class Job:
    """One job on the disk."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        self.folder, self.asked = folder, asked

    @property
    def id(self) -> str:
        """Its name, which is that of its folder."""
        return self.asked.id

    @property
    def work(self) -> Path:
        """Where its process reads and writes."""
        return self.folder / "work"

    def ask_to_stop(self) -> None:
        """Ask the process to stop; it looks for this several times a second."""
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(self.work / STOP, flags, 0o644))

    def may_go_on(self) -> None:
        """Take the request to stop back."""
        (self.work / STOP).unlink(missing_ok=True)

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether it was."""
        return os.path.lexists(self.work / STOP)

    def write_process(self, pid: int) -> None:
        """Note the process that works on it."""
        replace_atomically(
            self.folder / "process.json", json.dumps({"pid": pid, "started": start_of_process(pid)}).encode()
        )

    def pid(self) -> int | None:
        """The process that works on it, if it is still the same one."""
        try:
            found = json.loads((self.folder / "process.json").read_text(encoding="utf-8"))
            pid, started = int(found["pid"]), found["started"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if started is not None and start_of_process(pid) == started else None


class Jobs:
    """All jobs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __iter__(self) -> Iterator[Job]:
        for path in sorted(self.folder.glob("*/job.json")):
            try:
                asked = Asked(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                continue
            if asked.id == path.parent.name:
                yield Job(path.parent, asked)

    def add(self, asked: Asked, content: bytes) -> Job:
        """A new job with its file; raises InputError where nothing can be written."""
        folder = self.folder / asked.id
        try:
            (folder / "work" / "inputs").mkdir(parents=True)
            (folder / "work" / "inputs" / asked.file).write_bytes(content)
            replace_atomically(folder / "work" / "asked.json", json.dumps(asked.for_process()).encode("utf-8"))
            replace_atomically(folder / "job.json", json.dumps(asdict(asked)).encode("utf-8"))
        except OSError as error:
            raise InputError(f"the job cannot be written: {error.strerror}", where=str(folder)) from None
        return Job(folder, asked)


def new_id() -> str:
    """A name for a job, in the order of time."""
    return time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)


def start_of_process(pid: int) -> str | None:
    """When a process began, so that another one of the same number is not taken for it; None: there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[:1] == ["Z"] or len(fields) < 20 else fields[19]
