"""The buttons for many fits in a real browser, on a real Ray: Repeat, Stop, Resume, Compare schemes, Tune."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from browsing import fact, open_film, picture, press, verdict
from served_here import Served, needs_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
FITS = 60
LONG = pytest.mark.skipif("METAGENX_LONG" not in os.environ, reason="takes a minute: METAGENX_LONG=1")


def fill(page: Page, **values: int) -> None:
    """Numbers into fields, by the label's beginning (``_`` is ``.``)."""
    for name, value in values.items():
        label = page.locator(f"label.field:has(span:text('{name.replace('_', '.')}')) input").first
        label.fill(str(value))


def state(page: Page, *wanted: str) -> None:
    """Wait for a state of the job."""
    page.locator("dt:text-is('State') + dd", has_text=re.compile(f"^({'|'.join(wanted)})$")).wait_for()


@LONG
def test_repeat_is_stopped_and_resumed(browser: Browser, served: Served) -> None:
    page, wrong = open_film(browser, served)
    page.get_by_text("Repeat: do independent fits agree?").click()
    fill(page, fits=FITS)
    page.get_by_role("button", name="How long would repeat take?").click()
    page.get_by_text(re.compile(rf"^{FITS} fits .* about \d+ s on")).wait_for()
    press(page, "r")
    page.wait_for_url("**/#/job/*")
    page.locator("dt:text-is('Fits done')").wait_for()
    dashboard = page.get_by_role("link", name="Ray dashboard")
    assert (dashboard.get_attribute("href") or "").startswith("http://127.0.0.1:")
    press(page, "x")
    state(page, "stopped")
    verdict(page, "stopped; it can be resumed")
    before = int(fact(page, "Fits done").split()[0])
    assert 0 < before < FITS
    assert page.locator(".error").count() == 0, "to stop is no mistake"
    press(page, "g")
    state(page, "waiting", "running")
    page.get_by_role("button", name="Stop").wait_for()
    state(page, "finished")
    verdict(page, rf" of {FITS} fits ")
    assert int(fact(page, "Fits done").split()[0]) == FITS, "none is done twice, none is missing"
    page.get_by_role("link", name="Report").wait_for()
    assert page.get_by_role("link", name="spread.csv").count() == 1
    assert not wrong


@LONG
def test_compare_and_tune_and_history(browser: Browser, served: Served) -> None:
    page, wrong = open_film(browser, served)
    file = page.url
    for key, numbers in (
        ("c", {"test_repeats": 2, "tune_validate": 2, "budget_evaluations": 500_000}),
        ("t", {"tune_trials": 3, "test_repeats": 2, "tune_validate": 2, "budget_evaluations": 500_000}),
    ):
        page.goto(file)
        page.wait_for_selector(".layers")
        page.get_by_text("Compare schemes, Tune: which settings are best?").click()
        fill(page, **numbers)
        press(page, key)
        page.wait_for_url("**/#/job/*")
        state(page, "finished", "failed")
        state(page, "finished")
        picture(page, {"c": "serve_compare", "t": "serve_tune"}[key])
        print(page.locator("dl.facts").first.inner_text(), page.locator(".legend").first.inner_text())
        assert page.locator(".legend").first.inner_text().count("fits") > 2, "a course for every setting"
        page.get_by_role("link", name="settings.yaml").wait_for()
        page.get_by_text(re.compile("Type into GenX")).first.wait_for()
    press(page, "y")
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.locator("thead th:has-text('compare film.hgx')").wait_for()
    page.locator("thead th:has-text('tune film.hgx')").wait_for()
    values = page.locator("tbody th:has-text('Mo.setDens') ~ td")
    values.nth(1).wait_for()
    assert values.count() == 2
    picture(page, "serve_history")
    assert not wrong


def test_two_users_at_once(browser: Browser, served: Served) -> None:
    pages = [open_film(browser, served)[0] for _ in range(2)]
    for page in pages:
        page.get_by_placeholder("as GenX").fill("100000000")
        press(page, "f")
    for page in pages:
        verdict(page, r"FOM .*generation")  # both run
    press(pages[0], "h")
    lines = pages[0].locator(".list li", has=pages[0].locator(".state.running"))
    lines.nth(1).wait_for()
    texts = [line.inner_text() for line in lines.all()]
    assert sum("another user" in text for text in texts) == 1
    assert all(re.search(r"about [\d.]+ (min|h|s)", text) for text in texts), "each with its estimate"
    pages[0].go_back()
    for page in pages:
        page.get_by_role("button", name="Stop").click()
    for page in pages:
        state(page, "stopped")
