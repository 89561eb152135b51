"""Only files that are complete, each state once, whatever happens to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metagenx.errors import InputError
from metagenx.live.watch import RESTLESS, SETTLED, Arrival, Trouble, Watcher


class Clock:
    """Time as the test wants it."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _write(path: Path, text: str, time: float) -> None:
    path.write_bytes(text.encode())
    os.utime(path, (time, time))


def _arrivals(found: list[Arrival | Trouble]) -> list[tuple[str, bytes]]:
    return [(one.name, one.content) for one in found if isinstance(one, Arrival)]


def test_a_file_counts_when_it_rests_and_only_once(tmp_path: Path, clock: Clock) -> None:
    watcher = Watcher(tmp_path, clock=clock)
    _write(tmp_path / "a.dat", "1 2\n", 1.0)
    assert watcher.look() == []
    assert _arrivals(watcher.look()) == [("a.dat", b"1 2\n")]
    assert watcher.look() == []
    os.utime(tmp_path / "a.dat", (9.0, 9.0))  # touched, not changed
    assert watcher.look() == []
    assert watcher.look() == []


def test_a_file_that_is_being_written_waits(tmp_path: Path, clock: Clock) -> None:
    watcher = Watcher(tmp_path, clock=clock)
    for k in range(1, 5):
        _write(tmp_path / "a.dat", "1 2\n" * k, float(k))
        clock.now += 0.2
        assert watcher.look() == []
    assert _arrivals(watcher.look()) == [("a.dat", b"1 2\n" * 4)]


def test_one_that_never_rests_is_read_as_it_is_without_a_half_line(tmp_path: Path, clock: Clock) -> None:
    watcher = Watcher(tmp_path, clock=clock)
    found: list[tuple[str, bytes]] = []
    for k in range(1, 40):
        _write(tmp_path / "a.dat", "1 2\n" * k + "3 4e", float(k))
        clock.now += 0.2
        found += _arrivals(watcher.look())
    assert 2 <= len(found) <= 40 * 0.2 / RESTLESS + 1
    assert all(content.endswith(b"1 2\n") for _, content in found)


def test_a_last_line_without_an_end_comes_when_the_file_has_settled(tmp_path: Path, clock: Clock) -> None:
    watcher = Watcher(tmp_path, clock=clock)
    _write(tmp_path / "a.dat", "1 2\n", 1.0)
    watcher.look()
    watcher.look()
    _write(tmp_path / "a.dat", "1 2\n3 4\n5 6", 2.0)
    watcher.look()
    (first,) = watcher.look()
    assert isinstance(first, Arrival)
    assert first.left_out
    assert first.content == b"1 2\n3 4\n"
    assert watcher.look() == []
    clock.now += SETTLED
    (second,) = watcher.look()
    assert isinstance(second, Arrival)
    assert not second.left_out
    assert second.content == b"1 2\n3 4\n5 6"
    clock.now += SETTLED
    assert watcher.look() == []


def test_natural_order_and_what_is_no_measurement(tmp_path: Path, clock: Clock) -> None:
    for name in ("scan10.dat", "scan2.dat", ".hidden", "readme.txt", "log.log", "film.hgx", "empty.dat"):
        _write(tmp_path / name, "" if name == "empty.dat" else f"1 {len(name)}\n", 1.0)
    (tmp_path / "folder").mkdir()
    watcher = Watcher(tmp_path, but=tmp_path / "film.hgx", clock=clock)
    assert [name for name, _ in _arrivals(watcher.look(at_once=True))] == ["scan2.dat", "scan10.dat"]


def test_one_file_that_is_not_there_yet_and_goes_away(tmp_path: Path, clock: Clock) -> None:
    watcher = Watcher(tmp_path / "a.dat", clock=clock)
    assert watcher.look() == []
    _write(tmp_path / "a.dat", "1 2\n", 1.0)
    _write(tmp_path / "b.dat", "1 2\n", 1.0)
    watcher.look()
    assert _arrivals(watcher.look()) == [("a.dat", b"1 2\n")]
    (tmp_path / "a.dat").unlink()
    assert watcher.look() == []


def test_a_folder_that_goes_away_is_told_once_and_comes_back(tmp_path: Path, clock: Clock) -> None:
    place = tmp_path / "data"
    place.mkdir()
    watcher = Watcher(place, clock=clock)
    place.rename(tmp_path / "gone")
    # What was a folder and is none any more may be an unmounted drive: there is nothing, and no error.
    assert [one for one in watcher.look() if isinstance(one, Arrival)] == []
    (tmp_path / "gone").rename(place)
    _write(place / "a.dat", "1 2\n", 1.0)
    watcher.look()
    assert _arrivals(watcher.look()) == [("a.dat", b"1 2\n")]


def test_what_is_known_is_not_told_again(tmp_path: Path, clock: Clock) -> None:
    _write(tmp_path / "a.dat", "1 2\n", 1.0)
    (first,) = Watcher(tmp_path, clock=clock).look(at_once=True)
    assert isinstance(first, Arrival)
    again = Watcher(tmp_path, known={"a.dat": first.sha256}, clock=clock)
    assert again.look(at_once=True) == []


def test_a_place_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        Watcher(tmp_path / "none" / "scan.dat")
