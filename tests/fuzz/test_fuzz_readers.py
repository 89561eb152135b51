"""Files from strangers: a clear error or a correct model; never a crash, a hang, much memory, or foreign code.

``benchmarks/fuzz_readers.py`` does the same for as long as one likes. METAGENX_FUZZ sets the number of mutations here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fuzz_corpus import CANARY, corpus
from fuzz_harness import SEEDS, Child, fuzz, mutations
from hypothesis import given, settings
from hypothesis import strategies as st

from metagenx.errors import FileFormatError, InputError
from metagenx.genx import disk
from metagenx.genx.file import read
from metagenx.genx.loaders import read_data

COUNT = int(os.environ.get("METAGENX_FUZZ", "2000"))
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return corpus()


@pytest.fixture(scope="module")
def child(files: dict[str, bytes]) -> Iterator[Child]:
    """A reading process that has read every intact file of the corpus, watched: no tripwire of theirs went off."""
    child = Child(files)
    yield child
    child.close()


@ON_LINUX
@pytest.mark.timeout(900)
def test_mutated_files_are_read_or_refused(files: dict[str, bytes]) -> None:
    report = fuzz(mutations(0, COUNT, files))
    assert not report.bugs, report.text
    # If all or none were read, the mutations would test nothing.
    outcomes = {kind: sum(n for key, n in report.counts.items() if key.endswith(kind)) for kind in ("read", "refused")}
    assert outcomes["read"] > COUNT // 10, report.text
    assert outcomes["refused"] > COUNT // 3, report.text


@ON_LINUX
@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.*")), ids=lambda path: path.name)
def test_seeds_that_once_did_harm(path: Path, child: Child) -> None:
    found = child.read(path.name.partition("-")[2], path.read_bytes())
    assert found.kind in ("read", "refused"), found.message


@ON_LINUX
def test_the_harness_sees_what_it_looks_for(child: Child, tmp_path: Path) -> None:
    """A harness that cannot find anything would prove nothing."""
    assert child.read("any.hang", b"").kind == "refused"
    for name, wanted in (
        ("!crash", "died with code"),
        ("!hang", "hung"),
        ("!memory", "MemoryError"),
        ("!open", "foreign code: open"),
        ("!system", "foreign code: os.system"),
        ("!canary", "foreign code: open"),
    ):
        found = child.read(name, str(CANARY).encode())
        assert found.kind == "bug", name
        assert wanted in found.message, found.message
    assert child.restarts >= 2


def test_reading_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    """A read of at most 1 GiB once took 1 GiB of address space whatever the size of the file."""
    import tracemalloc

    path = tmp_path / "small.dat"
    path.write_bytes(b"1 2 3\n")
    tracemalloc.start()
    assert disk.read_bytes(path) == b"1 2 3\n"
    read_data_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_files_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    wanted = replace(disk.MODEL, most_bytes=3 * 2**20)
    path = tmp_path / "large.hgx"
    path.write_bytes(b"x" * (3 * 2**20))
    assert len(disk.read_bytes(path, wanted)) == 3 * 2**20
    path.write_bytes(b"x" * (3 * 2**20 + 1))
    with pytest.raises(FileFormatError, match="more than 3 MiB"):
        disk.read_bytes(path, wanted)


@ON_LINUX
def test_a_pipe_is_no_model() -> None:
    with pytest.raises(FileFormatError, match="not an ordinary file"):
        disk.read_bytes(Path("/dev/null"))


def read_data_of(path: Path) -> None:
    with contextlib.suppress(InputError):
        read_data(path)


# ---------------------------------------------------------------------------------------------- properties


@given(
    st.binary(max_size=400),
    st.sampled_from([".hgx", ".gx", ".ort", ".orb", ".dat", ".brml", ".xrdml", ".ras", ".rasx"]),
)
@settings(max_examples=150)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content)
    reader = read if suffix in (".hgx", ".gx") else read_data
    with contextlib.suppress(InputError):
        reader(path)


NUMBER = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False).map(lambda value: round(value, 6))
POINTS = st.lists(st.tuples(st.floats(0.001, 0.5).map(lambda v: round(v, 6)), NUMBER, NUMBER), min_size=2, max_size=20)
STYLE = st.sampled_from([(" ", "."), ("\t", "."), (",", "."), (";", "."), (";", ","), ("\t", ","), ("   ", ".")])


@given(
    POINTS,
    STYLE,
    st.sampled_from(["", "# Q (1/A) R dR\n", "; comment\n", "% Q(1/A), R, dR\n"]),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=150)
def test_columns_come_back_however_they_are_written(
    tmp_path_factory: pytest.TempPathFactory,
    points: list[tuple[float, float, float]],
    style: tuple[str, str],
    head: str,
    end: str,
) -> None:
    """A correct model: every number of a table is where it was, whatever the delimiter, comma or line end."""
    separator, decimal = style
    rows = [separator.join(f"{value:.6f}" for value in row).replace(".", decimal) for row in points]
    if separator == "," and decimal == ".":
        rows = [separator.join(f"{value:.6f}" for value in row) for row in points]
    path = tmp_path_factory.getbasetemp() / "columns.dat"
    path.write_bytes((head + end.join(rows) + end).encode())
    (measured,) = read_data(path).sets
    np.testing.assert_allclose(np.column_stack([measured.x, measured.y, measured.error]), points, rtol=0, atol=5e-7)
