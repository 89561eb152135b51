"""Mutated files: each gives a clear error or a model; never a crash, a hang, much memory, or foreign code.

The mutations come from a fixed seed, so a failure can be repeated. METAGENX_FUZZ sets their number per seed file;
the seeds are a .hgx that h5py wrote here and old and new .gx files, so nothing else is needed.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from byte_damage import damaged_bytes, places
from old_files import members, zipped

from metagenx.errors import InputError
from metagenx.genx import gx, hgx, hgx_writer
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row

COUNT = int(os.environ.get("METAGENX_FUZZ", "500"))


def _a_file() -> GenxFile:
    x = np.linspace(0.1, 1.0, 50)
    dataset = DataSet("film", x, 2.0 * x, 0.1 * x, extra={"res": 0.01 * x})
    dataset.meta = {"owner": {"name": "someone"}, "number": 1.5}
    table = [Row("a.setD", 1.0, True, 0.0, 2.0), Row(""), Row("b", 2.0)]
    return GenxFile(script="a = 1\n" * 20, table=table, data=DataList([dataset, dataset.copy()]))


SEEDS: dict[str, tuple[Callable[[], bytes], Callable[[bytes], GenxFile]]] = {
    "hgx": (lambda: hgx_writer.to_bytes(_a_file()), hgx.read),
    "new gx": (lambda: zipped(members()), gx.read),
    "old gx": (lambda: zipped(members(new=False, protocol=0), zipfile.ZIP_DEFLATED), gx.read),
}


@pytest.mark.parametrize("name", SEEDS)
def test_mutated_files(name: str) -> None:
    make, read = SEEDS[name]
    content = make()
    outcomes: Counter[str] = Counter()
    for number in range(COUNT):
        damaged = damaged_bytes(content, random.Random(f"{name} {number}"))
        start = time.process_time()
        try:
            file = read(damaged)
        except InputError as error:
            outcomes[type(error).__name__] += 1
        else:
            outcomes["read"] += 1
            assert all(dataset.x.shape == dataset.y.shape for dataset in file.data)
        assert time.process_time() - start < 10.0, f"{name} {number}"
    # If all or none were read, the mutations would test nothing.
    assert outcomes["read"] >= COUNT // 50
    assert outcomes["FileFormatError"] >= COUNT // 50


@pytest.mark.parametrize("name", SEEDS)
def test_mutated_members_of_an_archive(name: str) -> None:
    if name == "hgx":
        pytest.skip("an .hgx has no archive around it")
    content = members() if name == "new gx" else members(new=False, protocol=1)
    for number in range(COUNT):
        rng = random.Random(f"member of {name} {number}")
        victim = rng.choice(sorted(content))
        with contextlib.suppress(InputError):
            gx.read(zipped({**content, victim: damaged_bytes(content[victim], rng)}))


def _heap_addresses(content: bytes) -> set[bytes]:
    return {at.to_bytes(8, "little") for at in places(content, b"GCOL")}


BOMBS = """
import io, resource, struct, sys, zipfile, zlib
import numpy, h5py, metagenx.genx.gx, metagenx.genx.hgx
from metagenx.errors import InputError
from metagenx.genx.file import read
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        read(name)
    except InputError as error:
        print(name.rsplit("/")[-1], type(error).__name__)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024, "MiB")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_small_files_do_not_take_much_memory(tmp_path: Path) -> None:
    content = hgx_writer.to_bytes(_a_file())
    # A text whose pointer says 4 GiB, a heap that says 16 EiB, pickles that ask for gigabytes.
    heap = content.index(b"GCOL")
    script = len(_a_file().script).to_bytes(4, "little")
    pointer = next(at for at in places(content, script) if content[at + 4 : at + 12] in _heap_addresses(content))
    files = {
        "pointer.hgx": content[:pointer] + b"\xff\xff\xff\xff" + content[pointer + 4 :],
        "heap.hgx": content[: heap + 24] + b"\xff" * 8 + content[heap + 32 :],
        "lists.gx": zipped(members(script=b"]" * 990_000 + b"."), zipfile.ZIP_DEFLATED),
        "objects.gx": zipped(members(script=b"(ia\nb\n" * 490_000 + b"."), zipfile.ZIP_DEFLATED),
        "long.gx": zipped(members(script=b"\x8e" + b"\xff" * 7 + b"\x00."), zipfile.ZIP_DEFLATED),
        "memo.gx": zipped(members(script=b"Nr\xff\xff\xff\xff."), zipfile.ZIP_DEFLATED),
        "zip.gx": zipped(members(script=bytes(300 * 2**20)), zipfile.ZIP_DEFLATED),
    }
    for name, damaged in files.items():
        (tmp_path / name).write_bytes(damaged)
    names = [str(tmp_path / name) for name in files]
    done = subprocess.run([sys.executable, "-c", BOMBS, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    *refused, memory = done.stdout.splitlines()
    assert refused == [f"{name} FileFormatError" for name in files]
    assert int(memory.split()[0]) < 1024, memory
