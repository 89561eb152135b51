"""Many mutated files through the readers, each in a child process that may crash, hang or grow without harm."""

from __future__ import annotations

import hashlib
import json
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fuzz_corpus import CANARY, corpus
from fuzz_mutations import mutated

HERE = Path(__file__).parent
SEEDS = HERE / "seeds"
PATIENCE = 100.0  # seconds of silence; the child ends itself after 10 of computing, the rest is for a busy machine
START_PATIENCE = 240.0


@dataclass
class Outcome:
    """What became of one file: ``read``, ``refused`` or ``bug``."""

    kind: str
    message: str = ""


@dataclass
class Report:
    """What became of many."""

    counts: Counter[str] = field(default_factory=Counter)
    bugs: list[tuple[str, str, bytes]] = field(default_factory=list)  # name, message, content
    seconds: float = 0.0
    slowest: float = 0.0
    restarts: int = 0

    @property
    def text(self) -> str:
        """In a few lines."""
        n = sum(self.counts.values())
        lines = [f"{n} files in {self.seconds:.0f} s, the slowest {self.slowest:.2f} s, {self.restarts} new processes"]
        lines += [f"  {kind:24} {count}" for kind, count in sorted(self.counts.items())]
        lines += [f"BUG in {name}: {message}" for name, message, _ in self.bugs]
        return "\n".join(lines)


class Child:
    """The reading process; started again when it has died."""

    def __init__(self, warm_up: Mapping[str, bytes]) -> None:
        self.warm_up, self.restarts = dict(warm_up), -1
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, name: str, content: bytes) -> Outcome:
        """Have one file read."""
        if self._process is None:
            self._start()
        return self._ask(name, content, PATIENCE)

    def _start(self) -> None:
        self.restarts += 1
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "fuzz_child.py"), str(CANARY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=HERE,
        )
        for watched in (False, True):  # importing libraries does much that reading a file may not
            if watched:
                self._send("!", b"")
            for name, content in self.warm_up.items():
                found = self._ask(name, content, START_PATIENCE)
                if found.kind != "read" and not (name.startswith("trapped") and found.kind == "refused"):
                    raise AssertionError(f"the intact {name}: {found.kind}, {found.message}")

    def _send(self, name: str, content: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        raw = name.encode()
        header = len(raw).to_bytes(4, "little") + len(content).to_bytes(4, "little")
        self._process.stdin.write(header + raw + content)
        self._process.stdin.flush()

    def _ask(self, name: str, content: bytes, patience: float) -> Outcome:
        assert self._process is not None
        assert self._process.stdout is not None
        CANARY.unlink(missing_ok=True)
        line = b""
        try:
            self._send(name, content)
            if select.select([self._process.stdout], [], [], patience)[0]:
                line = self._process.stdout.readline()
        except BrokenPipeError:
            pass
        if not line:
            return self._dead()
        found = json.loads(line)
        return Outcome(found["outcome"], found.get("message", ""))

    def _dead(self) -> Outcome:
        assert self._process is not None
        assert self._process.stderr is not None
        try:
            code = self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            code = -signal.SIGPROF
            self._process.kill()
        said = self._process.stderr.read().decode("utf-8", "replace")[-3_000:]
        self._process.wait()
        self._process = None
        how = "hung" if code == -signal.SIGPROF else f"died with code {code}"
        return Outcome("bug", f"the process {how}\n{said}")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        CANARY.unlink(missing_ok=True)


def mutations(
    seed: int, count: int, files: Mapping[str, bytes], first: int = 0, step: int = 1
) -> Iterator[tuple[str, bytes]]:
    """(name, content) number ``first``, ``first + step`` …; the same seed and files give the same."""
    names = sorted(files)
    for number in range(first, count, step):
        name = names[number % len(names)]
        rng = random.Random(f"{seed} {name} {number}")
        yield name, mutated(name, files[name], rng)


def fuzz(files: Iterable[tuple[str, bytes]], *, most_bugs: int = 20, keep: bool = False) -> Report:
    """Have all files read; what went wrong is in the report, and in ``seeds/`` if it is to be kept."""
    child, report, begun = Child(corpus()), Report(), time.monotonic()
    try:
        for name, content in files:
            asked = time.monotonic()
            found = child.read(name, content)
            report.slowest = max(report.slowest, time.monotonic() - asked)
            report.counts[f"{Path(name).suffix} {found.kind}"] += 1
            if found.kind == "bug":
                report.bugs.append((name, found.message, content))
                if keep and not name.startswith("shared-"):
                    SEEDS.mkdir(exist_ok=True)
                    digest = hashlib.sha256(content).hexdigest()[:12]
                    (SEEDS / f"{digest}-{name}").write_bytes(content)
                if len(report.bugs) >= most_bugs:
                    break
    finally:
        report.restarts, report.seconds = child.restarts, time.monotonic() - begun
        child.close()
    return report
