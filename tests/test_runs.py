"""The run folder: what is written survives kills, torn lines, full disks and second drivers."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metagenx.errors import EXIT_BAD_INPUT, EXIT_SPENT, FileFormatError, InputError, ResourcesSpent
from metagenx.fitting.settings import Settings
from metagenx.meta.experiment import Experiment, load_experiment
from metagenx.meta.records import FitRecord
from metagenx.meta.targets import BestKnown
from metagenx.runs import (
    BestFound,
    FitDone,
    Journal,
    Notice,
    PhaseStarted,
    RoundDecided,
    RunFolder,
    RunLock,
    SessionEnded,
    SessionStarted,
    SettingAdded,
    find_resumable,
    find_run,
    genx_options,
    how_to_type,
    latest_run,
    list_runs,
    open_run,
    read_journal,
    to_json,
    what_changed,
    write_atomically,
    write_parameters,
    write_reflectivity,
    write_repeats,
    write_settings,
    write_sld,
    write_traces,
    write_trials,
)
from metagenx.runs.events import decode, encode

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals and resource limits of Linux")


def record(repeat: int = 0, **changes: object) -> FitRecord:
    fields = {
        "phase": "search",
        "setting": "s001",
        "sample": "data",
        "repeat": repeat,
        "fom": 0.1 + 0.2,
        "values": (1 / 3, -2e-17),
        "evaluations": 1000,
        "generations": 20,
        "stop": "stagnation",
        "seconds": 0.1,
        "trace": ((1, 3.0), (400, 0.1 + 0.2)),
    }
    return FitRecord(**(fields | changes))  # type: ignore[arg-type]


def driver(code: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """A real second process."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **options,  # type: ignore[call-overload]
    )  # fmt: skip


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "film.hgx").write_bytes(b"a film")
    (tmp_path / "film.yaml").write_text("model: {file: film.hgx}\n", encoding="utf-8")
    return load_experiment(tmp_path / "film.yaml")


# ---------------------------------------------------------------------------------------------------------------
# Journal

EVENTS = [
    FitDone(record(failure='Sim raised: \n"Å"', errors=(0.1, math.nan))),
    SettingAdded("s001", {"settings": {"km": 0.7}, "origin": "random"}),
    RoundDecided("search", 3, {"dropped": ["s002"], "why": "p = 0.001"}),
    BestFound("data", BestKnown(0.3, (1.0, 2.0), (math.nan, 0.1))),
    PhaseStarted("search", {"settings": 60}),
    SessionStarted("host", 17, {"workers": 4}),
    SessionEnded("interrupted", "Ctrl-C"),
    Notice("the file's table is old"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.kind)
def test_events_survive_the_journal(event: object) -> None:
    text = encode(7, event)  # type: ignore[arg-type]
    assert text.count(b"\n") == 1
    assert json.loads(text)["event"] == event.kind  # type: ignore[attr-defined]
    line = decode(text)
    assert line.number == 7
    assert repr(line.event) == repr(event)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(), max_size=5), st.text(max_size=20))
def test_numbers_and_words_survive_the_journal(values: list[float], text: str) -> None:
    one = FitDone(record(values=tuple(values), fom=math.fsum(values[:1]), failure=text, trace=tuple(enumerate(values))))
    assert repr(decode(encode(1, one)).event) == repr(one)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_an_altered_line_never_passes(position: int, change: int) -> None:
    text = bytearray(encode(1, EVENTS[0]))
    text[position % len(text)] ^= change
    with pytest.raises(ValueError, match=r"cut off|checksum|unknown"):
        decode(bytes(text))


def test_replay_folds_the_events(tmp_path: Path) -> None:
    with Journal(tmp_path / "events.jsonl") as journal:
        journal.append(*EVENTS)
        journal.append(FitDone(record(1)), FitDone(record(1)), BestFound("data", BestKnown(0.4, (9.0, 9.0))))
    found = Journal(tmp_path / "events.jsonl").replay()
    assert [r.repeat for r in found.records] == [0, 1]
    assert found.settings == {"s001": {"settings": {"km": 0.7}, "origin": "random"}}
    assert [r.round for r in found.rounds] == [3]
    assert found.best["data"].fom == 0.3  # it only falls
    assert found.phases == ["search"]
    assert [line.number for line in read_journal(tmp_path / "events.jsonl")] == list(range(1, 12))


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "events.jsonl")) == []
    assert Journal(tmp_path / "events.jsonl").replay().records == []


def test_a_line_torn_anywhere_is_dropped_and_the_next_goes_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(FitDone(record(0)))
        whole = path.stat().st_size
        journal.append(FitDone(record(1)))
    content = path.read_bytes()
    for cut in [*range(whole + 1, len(content), 11), len(content) - 2, len(content) - 1]:
        path.write_bytes(content[:cut])
        assert [line.event.record.repeat for line in read_journal(path)] == [0]  # type: ignore[union-attr]
        with Journal(path) as journal:
            assert journal.dropped == cut - whole
            assert [r.repeat for r in journal.replay().records] == [0]
            journal.append(FitDone(record(2)))
        assert [r.repeat for r in Journal(path).replay().records] == [0, 2]


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"\0\0\0\n", b"garbage\n", b'{"n":2}\n', b"\xff\xfe"])
def test_a_corrupted_last_line_is_dropped(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(FitDone(record(0)))
    with path.open("ab") as stream:
        stream.write(tail)
    with Journal(path) as journal:
        assert journal.dropped == len(tail)
        journal.append(FitDone(record(1)))
    assert [r.repeat for r in Journal(path).replay().records] == [0, 1]


def test_a_damaged_line_in_the_middle_is_reported_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(*(FitDone(record(i)) for i in range(5)))
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"repeat":2', b'"repeat":7'))
    with pytest.raises(FileFormatError, match="line 3 is damaged: its checksum does not fit") as caught:
        Journal(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content.replace(b'"repeat":2', b'"repeat":7')  # nothing is thrown away


def test_a_missing_line_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(*(FitDone(record(i)) for i in range(5)))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(FileFormatError, match="line 3 is damaged: it is event 4, so lines are missing"):
        Journal(path)


def test_an_append_that_was_cut_short_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(FitDone(record(0)))
        with path.open("ab") as stream:  # what a KeyboardInterrupt in the middle of a write leaves
            stream.write(b'{"n":2,"ti')
        journal.append(FitDone(record(1)))
    assert [r.repeat for r in Journal(path).replay().records] == [0, 1]


WRITER = """
import sys, pathlib
sys.path.insert(0, sys.argv[2])
from test_runs import record
from metagenx.runs import FitDone, Journal
journal = Journal(pathlib.Path(sys.argv[1]))
for repeat in range(len(journal.replay().records), 1_000_000):
    journal.append(FitDone(record(repeat)))
    print(repeat, flush=True)   # the acknowledgement
"""


@linux
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    path, here = tmp_path / "events.jsonl", Path(__file__).parent
    acknowledged = -1
    for wait in (0.05, 0.2, 0.11):
        process = driver(WRITER, path, here)
        assert process.stdout is not None
        assert process.stdout.readline()  # it writes
        time.sleep(wait)
        process.kill()
        lines = process.communicate()[0].splitlines()
        assert process.returncode == -signal.SIGKILL
        acknowledged = max([acknowledged, *(int(line) for line in lines if line.isdigit())])
    found = [r.repeat for r in Journal(path).replay().records]
    assert found == list(range(len(found)))
    assert acknowledged > 0
    assert len(found) > acknowledged


FULL = """
import resource, signal, sys, pathlib
sys.path.insert(0, sys.argv[2])
from test_runs import record
from metagenx.errors import ResourcesSpent
from metagenx.runs import FitDone, Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
journal = Journal(pathlib.Path(sys.argv[1]))
for repeat in range(100):
    try:
        journal.append(FitDone(record(repeat)))
    except ResourcesSpent as error:
        print(repeat)
        print(error)
        sys.exit(error.exit_code)
"""


@linux
def test_a_file_that_cannot_grow_is_a_spent_resource_and_resumable(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    process = driver(FULL, path, Path(__file__).parent)
    out, error = process.communicate(timeout=60)
    assert process.returncode == EXIT_SPENT, error
    count = int(out.splitlines()[0])
    assert count > 2
    assert "the disk is full" in out
    assert "Free some space" in out
    assert path.read_bytes().endswith(b"\n")
    with Journal(path) as journal:
        assert journal.dropped == 0
        assert [r.repeat for r in journal.replay().records] == list(range(count))
        journal.append(FitDone(record(count)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A real file system of 64 kB, where root can mount one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    try:
        yield place  # type: ignore[misc]
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def _fill(journal: Journal) -> None:
    for count in range(10_000):
        journal.append(FitDone(record(count)))


def test_a_full_disk_is_exit_code_4_and_what_was_written_stays(small_disk: Path) -> None:
    path = small_disk / "events.jsonl"
    journal = Journal(path)
    write_atomically(small_disk / "verdict.json", "old")
    with pytest.raises(ResourcesSpent, match="the disk is full") as caught:
        _fill(journal)
    count = len(journal.replay().records)
    assert caught.value.exit_code == EXIT_SPENT
    assert "MB are free at" in str(caught.value)
    with pytest.raises(ResourcesSpent):
        write_atomically(small_disk / "verdict.json", "x" * 50_000)
    assert (small_disk / "verdict.json").read_text() == "old"
    assert sorted(p.name for p in small_disk.iterdir()) == ["events.jsonl", "verdict.json"]
    assert len(Journal(path).replay().records) == count
    (small_disk / "verdict.json").unlink()  # the user frees some space; the same journal goes on
    with contextlib.suppress(ResourcesSpent):
        journal.append(FitDone(record(count)))
        count += 1
    assert len(Journal(path).replay().records) == count


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out DIR"):
        write_atomically(tmp_path / "file" / "verdict.json", "x")
    with pytest.raises(InputError, match="--out DIR"):
        RunFolder.create(tmp_path / "file", "film", identity="ab" * 32, config={}, seed=1)


@linux
def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "verdict.json", "{}")
    finally:
        os.umask(before)
    assert (tmp_path / "verdict.json").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]


def test_other_failures_of_the_disk_are_resumable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.append(FitDone(record(0)))

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(ResourcesSpent, match="writing failed: Input/output error"):
            journal.append(FitDone(record(1)))
    journal.append(FitDone(record(2)))
    assert [r.repeat for r in Journal(journal.path).replay().records] == [0, 2]


# ---------------------------------------------------------------------------------------------------------------
# Lock

HOLDER = """
import sys, time, pathlib
from metagenx.runs import RunLock
with RunLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@linux
def test_a_second_driver_stops_with_a_clear_message_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    process = driver(HOLDER, path)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"being worked on by process {process.pid} on .*sign of life") as caught:
            RunLock(path).acquire()
        assert caught.value.exit_code == EXIT_BAD_INPUT
        assert "--out DIR" in str(caught.value)
    finally:
        process.kill()
        process.communicate()
    with RunLock(path) as lock:
        assert lock.taken_over_from is not None
        assert str(process.pid) in lock.taken_over_from


def test_the_same_process_cannot_take_it_twice(tmp_path: Path) -> None:
    with RunLock(tmp_path / "run.lock"), pytest.raises(InputError):
        RunLock(tmp_path / "run.lock").acquire()
    with RunLock(tmp_path / "run.lock") as lock:
        assert lock.taken_over_from is None


def test_another_machine_counts_as_alive_while_its_heart_beats(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    owner = {"host": "elsewhere", "pid": 1, "started": 0.0, "heartbeat": time.time() - 20}
    path.write_text(json.dumps(owner))
    with pytest.raises(InputError, match="process 1 on elsewhere, last sign of life 20 s ago"):
        RunLock(path).acquire()
    path.write_text(json.dumps(owner | {"heartbeat": time.time() - 100}))
    with RunLock(path) as lock:
        assert lock.taken_over_from == "process 1 on elsewhere"


@pytest.mark.parametrize("content", ["", "garbage", "[]", "null"])
def test_a_damaged_lock_file_stops_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.lock").write_text(content)
    with RunLock(tmp_path / "run.lock"):
        pass


# ---------------------------------------------------------------------------------------------------------------
# Folder

NOW = datetime.fromisoformat("2026-11-22T21:40:05+01:00")


def test_a_new_folder(tmp_path: Path, experiment: Experiment) -> None:
    folder = RunFolder.for_experiment(tmp_path / "runs", experiment, command=["metagenx", "tune", "film.yaml"])
    assert folder.path.parent == tmp_path / "runs" / "film"
    assert folder.path.name.endswith("_" + experiment.hash[:4])
    manifest = folder.manifest()
    assert manifest["command"] == ["metagenx", "tune", "film.yaml"]
    assert manifest["identity"] == experiment.hash
    assert manifest["config"] == json.loads(to_json(experiment.resolved()))
    assert manifest["seed"] == experiment.seed
    assert {"python", "numpy", "metagenx"} <= manifest["versions"].keys()
    assert manifest["machine"]["host"]
    assert (folder.inputs / "film.hgx").read_bytes() == b"a film"
    assert (folder.inputs / "film.yaml").read_text() == "model: {file: film.hgx}\n"
    assert {path.name for path in folder.path.iterdir()} == {"manifest.json", "inputs"}


def test_the_name_of_a_folder(tmp_path: Path) -> None:
    folders = [RunFolder.create(tmp_path, "film", identity="7f3c" * 16, config={}, seed=1, now=NOW) for _ in range(3)]
    names = ["2026-11-22_2140_7f3c", "2026-11-22_2140_7f3c-2", "2026-11-22_2140_7f3c-3"]
    assert [folder.path.name for folder in folders] == names
    assert open_run(tmp_path / "film" / "latest").path == folders[2].path.resolve()
    assert open_run(tmp_path / "film").path == folders[2].path.resolve()
    for wrong in ("", "..", "a/b", "."):
        with pytest.raises(InputError, match="cannot name a folder"):
            RunFolder.create(tmp_path, wrong, identity="7f3c" * 16, config={}, seed=1)


def test_latest_is_a_text_file_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: str, target_is_directory: bool = False) -> None:
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", no_links)
    folder = RunFolder.create(tmp_path, "film", identity="7f3c" * 16, config={}, seed=1, now=NOW)
    assert (tmp_path / "film" / "latest.txt").read_text() == "2026-11-22_2140_7f3c\n"
    assert open_run(tmp_path / "film" / "latest").path == folder.path.resolve()
    assert open_run(tmp_path / "film").path == folder.path.resolve()


def test_a_run_is_found_again_until_it_is_finished(tmp_path: Path, experiment: Experiment) -> None:
    base = tmp_path / "runs"
    assert find_resumable(base, experiment) is None
    first = RunFolder.for_experiment(base, experiment)
    first.session_started()
    found = find_resumable(base, experiment)  # as after a SIGKILL: nobody has noted an end
    assert found is not None
    assert found.path == first.path
    first.session_ended("interrupted", "Ctrl-C")
    assert find_resumable(base, experiment) is not None
    first.session_started()
    first.session_ended("finished")
    assert find_resumable(base, experiment) is None
    finished = find_run(base, "film", experiment.hash)
    assert finished is not None
    assert finished.is_finished
    assert [s["state"] for s in first.manifest()["sessions"]] == ["interrupted", "finished"]
    assert all(s["start"] <= s["end"] for s in first.manifest()["sessions"])
    second = RunFolder.for_experiment(base, experiment)
    assert [f.path for f in list_runs(base)] == [second.path, first.path]
    assert latest_run(base).path == second.path
    with pytest.raises(FileFormatError, match="there is no run yet"):
        latest_run(tmp_path / "nothing")


def test_another_experiment_or_version_is_another_run(tmp_path: Path, experiment: Experiment) -> None:
    base = tmp_path / "runs"
    folder = RunFolder.for_experiment(base, experiment)
    (tmp_path / "film.yaml").write_text("model: {file: film.hgx}\nseed: 1\n")
    assert find_resumable(base, load_experiment(tmp_path / "film.yaml")) is None
    folder.update_manifest(versions={"metagenx": "0.0.0"})
    assert find_resumable(base, experiment) is None


def test_what_changed_is_said(tmp_path: Path, experiment: Experiment) -> None:
    (tmp_path / "film.yaml").write_text("model: {file: film.hgx}\ntune: {trials: 20}\n")
    changed = load_experiment(tmp_path / "film.yaml")
    assert what_changed(experiment.resolved(), changed.resolved()) == ["tune.trials: 60 → 20"]
    assert what_changed({"a": {"b": 1}}, {"a": {}, "c": 2}) == ["a.b: 1 → null", "c: null → 2"]


def test_what_is_no_run_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="there is no run"):
        open_run(tmp_path / "nothing")
    (tmp_path / "manifest.json").write_text("{broken")
    with pytest.raises(FileFormatError, match="manifest cannot be read"):
        open_run(tmp_path).manifest()
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(FileFormatError, match="manifest is incomplete"):
        RunFolder(tmp_path).manifest()
    assert list(list_runs(tmp_path)) == []


def test_the_folder_replays_while_a_driver_writes(tmp_path: Path, experiment: Experiment) -> None:
    folder = RunFolder.for_experiment(tmp_path / "runs", experiment)
    with folder.lock(), folder.journal() as journal:
        journal.append(FitDone(record(0)))
        assert [r.repeat for r in folder.replay().records] == [0]


def test_two_folders_in_the_same_moment(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(number: int) -> Path:
        return RunFolder.create(tmp_path, "film", identity="7f3c" * 16, config={}, seed=number, now=NOW).path

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(16)))) == 16


# ---------------------------------------------------------------------------------------------------------------
# Tables


def records() -> list[FitRecord]:
    return [
        record(
            repeat,
            setting=setting,
            phase=phase,
            fom=fom,
            seconds=fom,
            host=f"host{repeat}",
            stop=stop,
            trace=((1, 3.0), (400, fom)),
        )
        for repeat, setting, phase, fom, stop in (
            (0, "file", "search", 1.0, "stagnation"),
            (1, "file", "search", 2.0, "cutoff"),
            (0, "s002", "search", 1.0 + 1e-16, "stagnation"),
            (0, "s010", "search", math.nan, "failed"),
            (200_000, "file", "validation", 0.1 + 0.2, "stagnation"),
        )
    ]


def test_repeats_are_equal_whatever_the_order_of_arrival(tmp_path: Path) -> None:
    names = {"data": ["Fe.setD", "cp.getScale"]}
    best = {"data": BestKnown(0.3, (0.0, 0.0))}
    write_repeats(tmp_path / "one.csv", records(), names, seed=7, best=best)
    again = [record(**{**r.__dict__, "seconds": 99.0, "host": "other"}) for r in records()[::-1]]
    write_repeats(tmp_path / "four.csv", again, names, seed=7, best=best)
    one, four = (pd.read_csv(tmp_path / name, engine="python") for name in ("one.csv", "four.csv"))
    assert list(one.columns[-2:]) == ["seconds", "host"]
    pd.testing.assert_frame_equal(one.iloc[:, :-2], four.iloc[:, :-2], check_exact=True)
    assert "Fe.setD [Å]" in one.columns
    assert "cp.getScale" in one.columns
    assert list(one["setting"]) == ["file", "file", "s002", "s010", "file"]
    assert one["FOM"][4] == 0.1 + 0.2
    assert one["Fe.setD [Å]"][0] == 1 / 3
    assert list(one["success"]) == [False, False, False, False, True]
    assert one["evaluations to success"][4] == 400
    lines = (tmp_path / "one.csv").read_bytes().split(b"\n")
    assert lines[0].startswith(b"phase,setting,sample,repeat,seed,FOM,")
    assert b"\r" not in lines[0]


def test_samples_with_different_parameters_share_a_table(tmp_path: Path) -> None:
    both = [record(0, sample="film", values=(1.0, 2.0)), record(0, sample="other", values=(3.0,))]
    table = write_repeats(tmp_path / "r.csv", both, {"film": ["a", "b"], "other": ["b"]}, seed=1)
    assert list(table["b"]) == [2.0, 3.0]
    assert math.isnan(table["a"][1])


def test_no_fits_is_an_empty_table(tmp_path: Path) -> None:
    write_repeats(tmp_path / "r.csv", [], {}, seed=1)
    assert (tmp_path / "r.csv").exists()
    write_traces(tmp_path / "t.npz", [])
    with np.load(tmp_path / "t.npz") as archive:
        assert list(archive["first"]) == [0]


def test_trials_are_sorted_and_times_come_last(tmp_path: Path) -> None:
    rows = [{"setting": name, "seconds": 1.0, "km": 0.5} for name in ("s1000", "s002", "genx3", "file", "s999")]
    table = write_trials(tmp_path / "trials.csv", rows)
    assert list(table["setting"]) == ["file", "genx3", "s002", "s999", "s1000"]
    assert list(table.columns) == ["setting", "km", "seconds"]


def test_traces_are_equal_bytes_and_need_no_pickle(tmp_path: Path) -> None:
    write_traces(tmp_path / "a.npz", records())
    time.sleep(0.01)
    write_traces(tmp_path / "b.npz", records()[::-1])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert list(archive["setting"]) == ["file", "file", "s002", "s010", "file"]
        first = archive["first"]
        assert list(archive["evaluations"][first[4] : first[5]]) == [1, 400]
        assert archive["fom"][first[5] - 1] == 0.1 + 0.2


def test_parameters_at_their_limits_are_marked(tmp_path: Path) -> None:
    table = write_parameters(
        tmp_path / "p.csv", ["Fe.setD", "Fe.setDens", "inst.setI0"], [10.01, 0.5, 2.0], [(10, 20), (0, 1), (1, 2)],
        errors=[(0.1, 0.2), (math.nan, math.nan), (0.0, 0.0)],
    )  # fmt: skip
    assert list(table["at limit"]) == ["min", "", "max"]
    assert list(table["unit"]) == ["Å", "1/Å³", ""]
    assert table["+error"][0] == 0.2


def test_reflectivity_and_profiles(tmp_path: Path) -> None:
    from types import SimpleNamespace

    data = [
        SimpleNamespace(name="up", use=True, x=np.arange(3.0), y=np.ones(3), error=np.zeros(3)),
        SimpleNamespace(name="down", use=False, x=np.arange(2.0), y=np.ones(2), error=np.ones(2)),
    ]
    table = write_reflectivity(tmp_path / "r.csv", data, [np.ones(3), np.ones(2)], [np.zeros(3), np.zeros(2)])
    assert list(table["data set"]) == [0, 0, 0, 1, 1]
    assert list(table.columns) == ["data set", "name", "used", "x [° or Å⁻¹]", "R", "dR", "fit", "residual"]
    profile = {"z": np.arange(4.0), "Re": np.ones(4), "Im": np.zeros(4), "SLD unit": "[1e-6 Å⁻²]", "Mass Density": {}}
    sld = write_sld(tmp_path / "s.csv", [profile, {"Re": np.ones(2)}])
    assert list(sld.columns) == ["profile", "z [Å]", "Re [1e-6 Å⁻²]", "Im [1e-6 Å⁻²]"]
    assert len(sld) == 4
    assert "Å" in (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()[0]


# ---------------------------------------------------------------------------------------------------------------
# Settings to type into GenX


def test_settings_are_translated_into_genx(tmp_path: Path) -> None:
    import yaml

    tuned = Settings(create_trial="jade_best", km=0.52, pop_mult=2.3, max_evaluation_mult=8, use_stagnation=True, c=0.1)
    options = genx_options(tuned, 12)
    assert options["pop_size"] == 28
    assert options["use_pop_mult"] is False
    assert options["max_generations"] == 8 * 12**3 // 28
    assert options["min_parameter_spread"] == 0.1
    assert "c" not in options
    assert "Population size: fixed, 28" in how_to_type(tuned, 12)
    write_settings(tmp_path / "settings.yaml", tuned, 12, title="change to s017:\n2.4x fewer evaluations")
    text = (tmp_path / "settings.yaml").read_text(encoding="utf-8")
    assert text.startswith("# change to s017: 2.4x fewer evaluations\n")
    assert "always runs best_1_bin" in text
    assert "c 0.1" in text
    content = yaml.safe_load(text)
    assert Settings.from_values(content["settings"]) == tuned
    assert content["genx"] == options


def test_settings_that_genx_has_itself_need_no_translation() -> None:
    assert genx_options(Settings(), 9) == Settings().to_options(9)
    assert "Population size: relative, 3" in how_to_type(Settings(), 9)


def test_json_is_strict() -> None:
    value = {"a": math.nan, "b": -math.inf, "c": np.float64(0.1), "d": np.arange(2), "e": Path("x"), 3: (True, None)}
    assert json.loads(to_json(value)) == {
        "a": "nan", "b": "-inf", "c": 0.1, "d": [0, 1], "e": "x", "3": [True, None],
    }  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_as_a_journal_are_read_or_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode(1, EVENTS[0]) + content)
    with contextlib.suppress(FileFormatError):
        assert len(list(read_journal(path))) == 1
