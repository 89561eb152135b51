"""What holds for the whole page: keyboard, dark and light, tablets, no HTML, data for a model, no internet."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browsing import fact, open_film, open_page, picture, press, verdict
from served_here import FILM, Served, needs_browser

import metagenx
from metagenx.genx import file as genx_file
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.export_data import export_data
from metagenx.genx.file import GenxFile, Row

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
LONG = pytest.mark.skipif("METAGENX_LONG" not in os.environ, reason="takes a minute: METAGENX_LONG=1")
HOSTILE = "<img src=x onerror=alert(1)>"
FOCUSABLE = """() => { const all = [...document.querySelectorAll(
  'a[href], button, input, select, textarea, summary, canvas')].filter((n) => !n.disabled && n.checkVisibility());
  all.forEach((n, i) => { n.dataset.number = i; }); return all.length; }"""
FOCUSED = """() => { const n = document.activeElement;
  const outline = (x) => x && getComputedStyle(x).outlineStyle !== 'none';
  return [n.dataset.number === undefined ? -1 : Number(n.dataset.number), outline(n) || outline(n.closest('label')),
          n.outerHTML.slice(0, 80)]; }"""


def reached(page: Page) -> None:
    """Tab leads to everything that can be pressed, and shows where it is."""
    count = page.evaluate(FOCUSABLE)
    seen: set[int] = set()
    for _ in range(count + 20):
        page.keyboard.press("Tab")
        number, visible, what = page.evaluate(FOCUSED)
        assert visible or number < 0, f"nothing shows that {what} has the focus"
        seen.add(number)
    missed = set(range(count)) - seen
    assert not missed, [page.locator(f"[data-number='{n}']").first.evaluate("n => n.outerHTML") for n in missed]


def test_the_keyboard_reaches_everything(browser: Browser, served: Served) -> None:
    page, wrong = open_page(browser, served)
    reached(page)
    page.keyboard.press("Escape")
    for _ in range(page.evaluate(FOCUSABLE) + 20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "file":
            break
    assert page.evaluate("document.activeElement.type") == "file"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(FILM)
    page.wait_for_selector(".layers")
    for summary in page.locator("summary").all():
        if not summary.evaluate("n => n.parentElement.open"):
            summary.focus()
            page.keyboard.press("Enter")
    reached(page)
    plot = page.locator("canvas").first
    before = plot.evaluate("n => n.toDataURL()")
    plot.focus()
    page.keyboard.press("+")
    page.wait_for_function("([n, before]) => n.toDataURL() !== before", arg=[plot.element_handle(), before])
    press(page, "?")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    for key, words in (("y", "History"), ("l", "Live"), ("h", "Drop")):
        page.keyboard.press(key)
        verdict(page, words) if key != "l" else page.wait_for_url("**/#/live")
    assert not wrong


def test_dark_and_light(browser: Browser, served: Served) -> None:
    for scheme, other in (("light", "dark"), ("dark", "light")):
        page, wrong = open_page(browser, served, scheme=scheme)
        assert is_light(page) == (scheme == "light"), "as the system is set"
        page.keyboard.press("d")
        assert is_light(page) == (other == "light")
        page.reload()
        page.wait_for_selector(".drop")
        assert is_light(page) == (other == "light"), "the switch is remembered"
        page.goto(f"{served.address}/api")
        page.locator("h3").first.wait_for()
        assert is_light(page) == (other == "light")
        assert not wrong


def is_light(page: Page) -> bool:
    red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]")
    return int(red) > 128


def test_a_tablet_needs_no_sideways_scrolling(browser: Browser, served: Served) -> None:
    page, wrong = open_film(browser, served, 768, 1024)
    file = page.url
    page.get_by_placeholder("as GenX").fill("3000")
    press(page, "f")
    page.get_by_role("link", name="best.hgx").wait_for()
    for place in (page.url, file, "/#/", "/#/history", "/#/live", "/api"):
        page.goto(place if "://" in place else served.address + place)
        page.wait_for_timeout(400)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 768, f"{place} is {wide} wide"
    assert not wrong


SCRIPT = f"""
class Level:
    def __init__(self):
        self.new_d = 1.0
    def setD(self, value):
        self.new_d = value
level = Level()
print("{HOSTILE.replace("1", "2")}")
def Sim(data):
    return [data[0].x * 0.0 + level.new_d]
"""


def hostile_file(place: Path, more: tuple[Row, ...] = ()) -> Path:
    x = np.linspace(1.0, 2.0, 20)
    table = [Row("level.setD", 1.3, True, 0.5, 2.0), *more]
    sets = DataList([DataSet(HOSTILE.replace("1", "3"), x, x, x)])
    path = place / f"{HOSTILE}.hgx"
    genx_file.write(GenxFile(script=SCRIPT, table=table, data=sets), path)
    return path


def test_nothing_from_a_file_is_html(browser: Browser, served: Served, tmp_path: Path) -> None:
    page, wrong = open_page(browser, served)

    def harmless() -> None:
        page.wait_for_timeout(200)
        assert page.locator("img:not([src^='/static/'])").count() == 0
        assert page.locator("b").count() == 0

    for more in ((Row(HOSTILE.replace("1", "4"), 1.0, False, 0.0, 2.0),), ()):
        page.goto(f"{served.address}/#/")
        page.set_input_files("input[type=file]", hostile_file(tmp_path, more))
        page.locator(".error, .layers, tbody tr").first.wait_for()
        harmless()
        if more:
            assert HOSTILE.replace("1", "4") in page.locator("main").inner_text()
    page.get_by_text("What it printed").click()
    page.get_by_text(HOSTILE.replace("1", "2")).last.wait_for()
    assert HOSTILE.replace("1", "3") in page.locator(".legend").first.inner_text()
    page.get_by_placeholder("as GenX").fill("300")
    press(page, "f")
    page.get_by_role("link", name="Report").wait_for()
    assert HOSTILE in fact(page, "What")
    harmless()
    with page.context.expect_page() as report:
        page.get_by_role("link", name="Report").click()
    report.value.wait_for_load_state()
    report.value.on("dialog", lambda dialog: wrong.append(dialog.message))
    report.value.wait_for_timeout(500)
    assert report.value.locator("img[src='x']").count() == 0
    for key in ("y", "h"):
        page.keyboard.press(key)
        page.get_by_text(f"fit {HOSTILE}").first.wait_for()
        harmless()
    assert not [text for text in wrong if "400" not in text]


def drop(page: Page, path: Path) -> None:
    """What a browser does when a file is dropped."""
    given = {"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()}
    page.evaluate(
        """({ name, content }) => { const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer(); dataTransfer.items.add(new File([bytes], name));
        for (const kind of ["dragenter", "dragover", "drop"])
          document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true })); }""",
        given,
    )


def test_data_alone_and_onto_a_model(browser: Browser, served: Served, tmp_path: Path) -> None:
    film = metagenx.load(FILM)
    short = film.file.with_results()
    points = slice(0, 200)
    for name in ("x", "y", "error", "x_raw", "y_raw", "error_raw"):
        setattr(short.data[0], name, getattr(short.data[0], name)[points])
    today = export_data(metagenx.genx.model.Model(short), tmp_path / "today.ort")
    page, wrong = open_page(browser, served)
    drop(page, today)  # alone: a model of its own
    page.wait_for_selector(".layers")
    assert "200 points" in page.locator(".legend").first.inner_text()
    drop(page, FILM)  # another model: that one
    page.locator("#verdict-line", has_text="film.hgx: FOM log").wait_for()
    assert "391 points" in page.locator(".legend").first.inner_text()
    drop(page, today)  # onto the open model
    page.locator("#verdict-line", has_text="film with today.ort").wait_for()
    assert "200 points" in page.locator(".legend").first.inner_text()
    assert page.get_by_label("Mo.setDens value").input_value() != ""
    page.get_by_text("200 points of today.ort").first.wait_for()
    picture(page, "serve_data")
    bad = tmp_path / "bad.ort"
    bad.write_text("no data at all")
    page.set_input_files(".choose input", bad)
    page.locator(".error").wait_for()
    assert "bad" in page.locator(".error").inner_text()
    assert not [text for text in wrong if "400" not in text]


@LONG
def test_a_large_model_arrives_with_progress(browser: Browser, launch: Callable[..., Served], tmp_path: Path) -> None:
    served = launch(base=tmp_path)
    film = metagenx.load(FILM).file.with_results()
    data = film.data[0]
    x = np.linspace(data.x[0], data.x[-1], 1_950_000)
    noise = np.random.default_rng(0).uniform(0.9, 1.1, len(x))
    columns = {"x": x, "y": np.interp(x, data.x, data.y) * noise, "error": np.interp(x, data.x, data.error) * noise}
    for name, values in columns.items():
        setattr(data, name, values)
        setattr(data, f"{name}_raw", values * 1.0)
    path = tmp_path / "large.hgx"
    genx_file.write(film, path)
    assert path.stat().st_size > 50 * 2**20
    page, wrong = open_page(browser, served)
    page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => { const bar = document.querySelector("progress");
        if (bar && bar.hasAttribute("value")) window.seen.add(bar.value); }).observe(document.body,
        { subtree: true, childList: true, attributes: true }); }"""
    )
    page.set_input_files("input[type=file]", path)
    page.wait_for_selector(".layers")
    assert len(page.evaluate("[...window.seen].filter((v) => v > 0 && v < 1)")) >= 3, "progress is seen"
    assert "1950000 points" in page.locator(".legend").first.inner_text()
    press(page, "s")
    verdict(page, r"^FOM log ")
    assert not wrong
