"""A real browser for the tests of the page, and what every one of them watches for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from served_here import FILM, PATIENCE, Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WAIT = 1000 * PATIENCE
PICTURES = os.environ.get("METAGENX_SCREENSHOTS", "")


def open_page(
    browser: Browser, served: Served, width: int = 1500, height: int = 1000, scheme: str = "dark"
) -> tuple[Page, list[str]]:
    """A page of a new user, and what goes wrong in it: errors, dialogs, requests to any other host."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(WAIT)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    ours = (served.address, served.socket_address, "data:", "blob:")
    context.on("request", lambda asked: None if asked.url.startswith(ours) else wrong.append(f"asks {asked.url}"))
    page.on("websocket", lambda link: None if link.url.startswith(ours) else wrong.append(f"asks {link.url}"))
    page.goto(served.url)
    page.wait_for_selector(".drop")
    return page, wrong


def open_film(browser: Browser, served: Served, width: int = 1500, height: int = 1000) -> tuple[Page, list[str]]:
    """A page with our film."""
    page, wrong = open_page(browser, served, width, height)
    page.set_input_files("input[type=file]", FILM)
    page.wait_for_selector(".layers")
    return page, wrong


def picture(page: Page, name: str) -> None:
    """A picture for the documentation, where ``METAGENX_SCREENSHOTS`` says."""
    if PICTURES:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def press(page: Page, key: str) -> None:
    """A key of the page, outside all fields."""
    page.locator("h2").first.click()
    page.keyboard.press(key)


def verdict(page: Page, pattern: str) -> None:
    """Wait for the line that can be read from three metres."""
    from playwright.sync_api import expect

    expect(page.locator("#verdict-line")).to_have_text(re.compile(pattern), timeout=WAIT)


def fact(page: Page, name: str) -> str:
    """What the page of a job says about something, at once."""
    found = page.locator(f"dt:text-is('{name}') + dd")
    return found.inner_text() if found.count() else ""
