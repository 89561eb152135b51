"""The process in which files from strangers are read: limited in memory, watched for hangs and for foreign code.

Reads frames from stdin (length of name, length of content, name, content), answers each with a JSON line: ``read``,
``refused`` with the message, or ``bug`` with what went wrong. A hang ends the process with a traceback on stderr.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

MEMORY = 2**30
SECONDS = 10.0
FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "os.remove", "os.rename", "os.mkdir", "os.rmdir",
    "subprocess.Popen", "socket.", "ctypes.dlopen", "pickle.find_class", "shutil.", "urllib.Request", "webbrowser.open",
    "os.chmod", "os.kill", "os.putenv", "glob.glob",
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Tripwire:
    """An audit hook: what the interpreter does for a file, beside reading it."""

    def __init__(self) -> None:
        self.armed, self.heard = False, ""
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if event.startswith(FORBIDDEN) or writes:
            self.heard = self.heard or f"{event} {arguments!r}"[:500]


def import_everything() -> None:
    """Import all model libraries and kernels: their first import makes folders for compiled code, a file may not."""
    import importlib
    import pkgutil

    for package in ("metagenx.physics", "metagenx.genx", "metagenx.genx.models", "metagenx.genx.loaders"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)


def limit_memory() -> None:
    """From now on this process gets no more than MEMORY on top of what it has."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examine(path: Path) -> None:
    """Read a file as metagenx would, and use what was read; raises InputError, or AssertionError if it is nonsense."""
    from metagenx.genx import file as genx_file

    if path.name.startswith("!"):
        _do_harm(path)
    if path.suffix.lower() in (".hgx", ".gx"):
        _examine_model(genx_file.read(path))
    else:
        _examine_data(path)


def _do_harm(path: Path) -> None:
    """What a file must not bring about, to see that it would be seen; the file holds the canary's name."""
    if path.name == "!crash":
        os.abort()
    elif path.name == "!hang":
        signal.setitimer(signal.ITIMER_PROF, 0.5)  # as if most of the time were over
        while True:
            pass
    elif path.name == "!memory":
        bytearray(2 * MEMORY)
    elif path.name == "!open":
        open(path.with_name("written"), "w").close()
    elif path.name == "!system":
        os.system("true")
    elif path.name == "!canary":
        os.close(os.open(path.read_text(), os.O_CREAT, 0o600))


def _examine_model(file: Any) -> None:
    import numpy as np

    from metagenx.errors import InputError, ScriptRefused
    from metagenx.fitting.settings import Settings
    from metagenx.genx import hgx, hgx_writer
    from metagenx.genx.data import run_commands
    from metagenx.genx.options import solver_options
    from metagenx.genx.script import Limits, ScriptModule

    for dataset in file.data:
        assert dataset.x.shape == dataset.y.shape == dataset.error.shape, "columns of different lengths"
        assert all(column.dtype == np.float64 for column in (dataset.x, dataset.y, dataset.error)), "no floats"
    again = hgx.read(hgx_writer.to_bytes(file), Path("again.hgx"))
    assert again.script == file.script, "the script changed when it was written"
    assert [row.name for row in again.table] == [row.name for row in file.table], "the table changed"
    assert len(again.data) == len(file.data), "the data changed"
    Settings.from_options(solver_options(file))
    for dataset in file.data:
        run_commands(dataset.copy())
    try:
        ScriptModule(file.script, file.data.copy(), limits=Limits(load=2.0, call=2.0, memory=1 << 29))
    except ScriptRefused as refusal:
        raise InputError(str(refusal)) from None


def _examine_data(path: Path) -> None:
    import numpy as np

    from metagenx.genx.loaders import read_data

    read = read_data(path)
    assert read.sets, "no data set, and no error"
    for measured in read.sets:
        n = len(measured.x)
        assert measured.x.ndim == 1, "no column"
        assert n, "no point, and no error"
        assert np.isfinite(measured.x).all(), "x is not a number"
        assert len(measured.y) == len(measured.error) == n, "columns of different lengths"
        assert all(len(column) == n for column in measured.extra.values()), "extra columns of different lengths"
        assert np.isfinite(measured.y).any(), "no value, and no error"
    assert read.summary


def answer(name: str, content: bytes, folder: Path, tripwire: Tripwire, canary: Path, armed: bool) -> dict[str, str]:
    """What became of one file."""
    from metagenx.errors import InputError

    path = folder / name
    path.write_bytes(content)
    # Time of the processor: on a busy machine a minute can pass without a hang. The parent watches the clock.
    signal.setitimer(signal.ITIMER_PROF, SECONDS if armed else 0.0)
    tripwire.heard, tripwire.armed = "", armed
    try:
        examine(path)
        outcome = {"outcome": "read"}
    except InputError as error:
        outcome = {"outcome": "refused", "message": str(error)}
        if not error.what.strip() or len(str(error)) > 2_500:
            outcome = {"outcome": "bug", "message": f"an error of {len(str(error))} characters: {str(error)[:300]}"}
    except Exception as error:
        lines = traceback.format_exception(error, limit=-8)
        outcome = {"outcome": "bug", "message": "".join(lines)[-3_000:]}
    finally:
        tripwire.armed = False
        signal.setitimer(signal.ITIMER_PROF, 0.0)
    if tripwire.heard or canary.exists():
        outcome = {"outcome": "bug", "message": f"foreign code: {tripwire.heard or 'the canary was made'}"}
    return outcome


def main() -> int:
    """Answer until stdin ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a script prints is no answer
    faulthandler.register(signal.SIGPROF, all_threads=True, chain=True)  # a traceback, then the end
    canary = Path(sys.argv[1])
    tripwire = Tripwire()
    import_everything()
    with tempfile.TemporaryDirectory(prefix="metagenx-fuzz-") as place:
        folder = Path(place)
        armed = False
        while header := source.read(8):
            lengths = int.from_bytes(header[:4], "little"), int.from_bytes(header[4:], "little")
            name, content = source.read(lengths[0]).decode(), source.read(lengths[1])
            if name == "!":  # so far files were intact: now everything is imported and compiled
                limit_memory()
                armed = True
                continue
            found = answer(name, content, folder, tripwire, canary, armed)
            sink.write(json.dumps(found) + "\n")
            sink.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
