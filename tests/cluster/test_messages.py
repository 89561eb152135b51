"""What driver and laptop say to each other survives torn, repeated and hostile lines."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.cluster.messages import PIECE, Files, line, message, pieces


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4))
def test_a_message_comes_back(value: dict[str, object]) -> None:
    text = line(value)
    assert text.isascii()
    assert text.count("\n") == 1
    assert message(text) == value


@pytest.mark.parametrize("text", ["", "hello", "metagenx:", "metagenx:{", "metagenx:[1]", 'metagenx:{"a": 1', "{}"])
def test_what_is_no_message(text: str) -> None:
    assert message(text) is None


@given(st.binary(max_size=200), st.integers(0, 10))
def test_files_come_back_from_pieces_in_any_order_and_twice(content: bytes, seed: int) -> None:
    content = random.Random(seed).randbytes(3 * PIECE) + content
    parts = list(pieces("tables/a.csv", content))
    assert len(parts) > 3
    assert all(len(line(part)) < 20_000 for part in parts)
    mixed = parts[:2] + random.Random(seed).sample(parts, len(parts))
    files, found = Files(), []
    for part in mixed:
        done = files.take(part)
        found += [] if done is None else [done]
    assert found[0] == ("tables/a.csv", content)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "", "c:\\x", "a\\..\\b"])
def test_files_do_not_leave_the_run_folder(name: str) -> None:
    for part in pieces(name, b"x"):
        assert Files().take(part) is None


@pytest.mark.parametrize(
    "part", [{}, {"file": "a", "part": 0, "of": 1, "data": "!"}, {"file": "a", "part": "0", "of": 1, "data": ""}]
)
def test_damaged_pieces_are_nothing(part: dict[str, object]) -> None:
    assert Files().take(part) is None
