"""The page in a real browser: the whole way of a user, with a real GenX file.

``METAGENX_SCREENSHOTS=docs/pictures`` leaves the pictures of the documentation there.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from browsing import open_page, picture, verdict
from served_here import FILM, Served, needs_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser


def test_the_whole_way(browser: Browser, launch: Callable[..., Served], tmp_path: Path) -> None:
    served = launch(base=tmp_path)
    page, wrong = open_page(browser, served)
    page.set_input_files("input[type=file]", FILM)
    page.wait_for_selector(".layers")
    assert page.locator(".layers .layer").count() >= 4
    assert page.locator("tbody tr").count() >= 12
    picture(page, "serve_file")
    page.get_by_label("Mo.setDens value").fill("0.055")
    page.locator("h2").first.click()
    page.keyboard.press("s")
    verdict(page, r"^FOM log ")
    page.get_by_placeholder("as GenX").fill("100000000")
    page.locator("h2").first.click()
    page.keyboard.press("f")
    page.wait_for_url("**/#/job/*")
    verdict(page, r"FOM .*generation")

    other, wrong_there = open_page(browser, served, 820, 1180)  # a tablet, another user
    other.get_by_text("fit film.hgx").first.click()
    verdict(other, r"FOM .*generation")
    picture(page, "serve_running")
    picture(other, "serve_tablet")

    served.stop()
    page.wait_for_selector("text=connection lost")
    again = launch("--port", served.address.rpartition(":")[2], base=tmp_path)
    page.wait_for_selector("text=connection lost", state="hidden")
    before = page.locator("#verdict-line").inner_text()
    page.wait_for_timeout(1500)
    verdict(page, f"^(?!{re.escape(before)}$)")
    assert again.ask("GET", "/api/jobs")[1]["jobs"][0]["state"] == "running"

    page.get_by_role("button", name="Stop").click()
    page.get_by_role("link", name="best.hgx").wait_for()
    page.get_by_role("button", name="Resume").wait_for()
    picture(page, "serve_done")
    with page.expect_download() as download:
        page.get_by_role("link", name="best.hgx").click()
    home = tmp_path / "home.hgx"
    download.value.save_as(home)
    import metagenx

    assert metagenx.load(home).fom() < metagenx.load(FILM).fom()
    with page.context.expect_page() as report:
        page.get_by_role("link", name="Report").click()
    report.value.wait_for_selector(".bk-Figure, .bk-Canvas")
    page.keyboard.press("y")
    page.get_by_role("checkbox").first.check()
    page.wait_for_selector("th:has-text('Mo.setDens')")
    lost = [text for text in wrong if "WebSocket" not in text and "ERR_CONNECTION" not in text]
    assert not lost
    assert not [text for text in wrong_there if "WebSocket" not in text and "ERR_CONNECTION" not in text]


def test_wrong_large_and_hostile_files(browser: Browser, served: Served, tmp_path: Path) -> None:
    page, wrong = open_page(browser, served)
    bad = tmp_path / "<img src=x onerror=alert(1)>.hgx"
    bad.write_bytes(b"this is no GenX file")
    page.set_input_files("input[type=file]", bad)
    page.wait_for_selector(".error")
    assert "not a GenX file" in page.locator(".error").inner_text()
    page.goto(f"{served.address}/#/")
    page.wait_for_selector("text=<img src=x")

    large = tmp_path / "large.gx"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("picture", os.urandom(50 * 2**20))
    page.set_input_files("input[type=file]", large)
    page.wait_for_selector(".error")
    assert "large.gx" in page.locator(".error").inner_text()
    assert not [text for text in wrong if "400" not in text]
