"""What foreign processes leave behind is read with care: links, torn lines, nonsense."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from metagenx.errors import FileFormatError
from metagenx.serve.desk_process import safe_name
from metagenx.serve.follow import RUNNING, WAITING, Tail, View
from metagenx.serve.inside import read_inside
from metagenx.serve.live import LIVE, Live, is_worked_on


def test_only_regular_files_inside_are_read(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "results").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (work / "results" / "a.csv").write_text("1")
    assert read_inside(work, "results/a.csv", most=10) == b"1"
    (work / "link.csv").symlink_to(tmp_path / "secret")
    (work / "out").symlink_to(tmp_path)
    os.mkfifo(work / "pipe.csv")
    for name in (
        "link.csv",
        "out/secret",
        "../secret",
        "results/../../secret",
        "pipe.csv",
        "results",
        "",
        "/etc/passwd",
        "a\0b",
    ):
        with pytest.raises(FileFormatError):
            read_inside(work, name, most=10)
    (work / "large").write_bytes(b"x" * 11)
    with pytest.raises(FileFormatError, match="larger"):
        read_inside(work, "large", most=10)


def test_a_tail_gives_each_whole_line_once(tmp_path: Path) -> None:
    tail, path = Tail(tmp_path, "live.jsonl"), tmp_path / "live.jsonl"
    assert list(tail.new()) == []
    path.write_bytes(b"one\ntw")
    assert list(tail.new()) == [b"one"]
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert list(tail.new()) == [b"two", b"three"]
    assert list(tail.new()) == []


def test_a_view_is_the_same_read_at_once_or_in_parts(tmp_path: Path) -> None:
    whole, parts = View(tmp_path), View(tmp_path)
    assert parts.state == WAITING
    with Live(tmp_path) as live:
        assert is_worked_on(tmp_path)
        live.say("begun")
        parts.read()
        assert parts.state == RUNNING
        live.say("start", parameters=[{"name": "d"}], bounds=[[0, 1]])
        for number in range(3000):
            live.say("generation", evaluations=number, fom=1.0 / (number + 1), run=0, of_run=number, fom_of_run=1.0)
            if number % 700 == 0:
                parts.read()
        live.show({"curves": []})
        live.say("end", state="finished", verdict="done", level="good")
    assert not is_worked_on(tmp_path)
    while whole.read():
        pass
    while parts.read():
        pass
    assert whole.snapshot() == parts.snapshot()
    assert whole.state == "finished"
    assert len(whole.course) <= 1200
    assert whole.course[-1][0] == 2999
    assert json.loads(whole.curves()) == {"curves": []}


def test_nonsense_in_the_files_of_a_job_is_left_out(tmp_path: Path) -> None:
    lines = [
        b'{"kind":"begun"}',
        b"\xff\xfe",
        b"[1]",
        b"[" * 200_000,
        b'{"kind":"curves"}',
        b'{"kind":"verdict","line":"x"}',
    ]
    (tmp_path / LIVE).write_bytes(b"\n".join([*lines, b""]))
    (tmp_path / "curves.json").write_text("{not json")
    (tmp_path / "runs" / "a" / "b").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "b" / "events.jsonl").write_bytes(b"garbage\n")
    view = View(tmp_path)
    view.read()
    assert view.state == RUNNING
    assert view.verdict["line"] == "x"
    assert view.curves() == b"null"


def test_a_second_process_finds_the_lock(tmp_path: Path) -> None:
    with Live(tmp_path), pytest.raises(BlockingIOError):
        Live(tmp_path)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("film.hgx", "film.hgx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\My film (2).HGX", "My_film_2.HGX"),
        ("<img src=x onerror=alert(1)>.gx", "img_src_x_onerror_alert_1.gx"),
        ("..", "file"),
        ("", "file"),
        ("a" * 500 + ".gx", "a" * 80 + ".gx"),
        ("-rf.gx", "rf.gx"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe
