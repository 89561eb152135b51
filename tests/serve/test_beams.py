"""Beam times on the page: what a journal says is heard over the WebSocket, and seen in a browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import running
from served_here import CHROMIUM, needs_browser
from websockets.sync.client import connect

from metagenx.live.record import CURVES, KIND, PHASE, Update
from metagenx.runs import Journal, Notice, RoundDecided, RunFolder, SessionStarted
from metagenx.serve.beams import PREFIX


def update(number: int, line: str, level: str = "info") -> Update:
    """What live says about a change."""
    return Update(
        number=number, file=f"s{number}.dat", sha256="00", state=1, files=(f"s{number}.dat",), time=1e9 + 60.0 * number,
        said=1e9, points=50, advice="go on", level=level, line=line, is_certain=True, values={"Fe.setD": 50.0 + number},
        errors={"Fe.setD": 0.5 / number}, limits={}, fom=0.1, reduced_chi2=1.0, misfit=0.0, belongs="good", why="",
        fits=4, fits_same=4, fresh=2, fresh_same=2, next_minimum_sigma=None, longer=None, seconds=0.5, evaluations=100,
        minima=((50.0,),),
    )  # fmt: skip


@pytest.fixture
def beam(tmp_path: Path) -> Iterator[tuple[RunFolder, Journal]]:
    """A beam time with two updates and a bad file."""
    config = {"kind": KIND, "place": "/data/<b>here</b>"}
    folder = RunFolder.create(tmp_path, "live-data", identity="abcd", config=config, seed=0)
    with folder.journal() as journal:
        journal.append(SessionStarted("here", 1))
        journal.append(RoundDecided(PHASE, 1, update(1, "GO ON").to_json()), Notice("bad.dat: no numbers in it"))
        journal.append(RoundDecided(PHASE, 2, update(2, "GO ON about 3 min").to_json()))
        curves = {
            "update": 2,
            "sets": [{"name": "a", "x": [0.1, 0.2], "y": [1.0, 0.1], "error": None, "fit": [1, 0.1]}],
        }
        (folder.path / CURVES).write_text(json.dumps(curves))
        yield folder, journal


def _get(place: str, path: str) -> Any:
    with urllib.request.urlopen(f"http://{place}{path}", timeout=30) as response:
        return json.loads(response.read())


def test_what_is_there_and_what_comes(tmp_path: Path, beam: tuple[RunFolder, Journal]) -> None:
    folder, journal = beam
    name = f"live-data/{folder.path.name}"
    with running(tmp_path) as (place, _):
        (listed,) = _get(place, "/api/live")["live"]
        assert (listed["id"], listed["line"], listed["updates"]) == (name, "GO ON about 3 min", 2)
        found = _get(place, f"/api/live/{name}")
        assert [one["number"] for one in found["updates"]] == [1, 2]
        assert "minima" not in found["updates"][0]
        assert found["troubles"][0]["text"] == "bad.dat: no numbers in it"
        assert _get(place, f"/api/live/{name}/curves")["update"] == 2
        with connect(f"ws://{place}/ws/watch", origin=f"http://{place}") as socket:  # type: ignore[arg-type]
            socket.send(json.dumps({"watch": [PREFIX + name, PREFIX + "live-data/none", PREFIX + "../.."]}))
            heard: list[Any] = []
            while not any("snapshot" in one for one in heard):
                heard.append(json.loads(socket.recv(timeout=30)))
            journal.append(RoundDecided(PHASE, 3, update(3, "LOOK", "bad").to_json()))
            while not any(one.get("job") == PREFIX + name and "messages" in one for one in heard):
                heard.append(json.loads(socket.recv(timeout=30)))
            (message,) = heard[-1]["messages"]
            assert (message["number"], message["line"], message["level"]) == (3, "LOOK", "bad")


@pytest.mark.parametrize("path", ["live-data/none", "served/jobs", "..%2f../x", "live-data/.."])
def test_other_folders_are_no_beam_times(tmp_path: Path, beam: tuple[RunFolder, Journal], path: str) -> None:
    with running(tmp_path) as (place, _), pytest.raises(urllib.error.HTTPError) as error:
        _get(place, f"/api/live/{path}")
    assert error.value.code == 404


@needs_browser
def test_the_page(tmp_path: Path, beam: tuple[RunFolder, Journal]) -> None:
    from playwright.sync_api import expect, sync_playwright

    _, journal = beam
    with running(tmp_path) as (place, _), sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
        page.set_default_timeout(240_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"http://{place}/")
        page.keyboard.press("l")
        page.get_by_role("link", name="/data/<b>here</b>").click()
        expect(page.locator("#verdict-line")).to_have_text("GO ON about 3 min")
        journal.append(RoundDecided(PHASE, 3, update(3, "LOOK: another sample?", "bad").to_json()))
        expect(page.locator("#verdict-line")).to_have_text("LOOK: another sample?")
        assert "bad large" in (page.locator("#verdict").get_attribute("class") or "")
        expect(page.locator("tbody tr").first).to_contain_text("Fe.setD")
        assert page.locator("canvas").count() == 2
        expect(page.locator("main")).to_contain_text("bad.dat: no numbers in it")
        assert not wrong
