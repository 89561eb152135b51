"""One server for all tests that do not end it, and others for those that do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served_here import CHROMIUM, FILM, Served, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts servers, and ends them."""
    running: list[Served] = []

    def launched(*arguments: str, base: Path | None = None, environment: dict[str, str] | None = None) -> Served:
        base = base or tmp_path_factory.mktemp("served")
        served = start(base, *(arguments or ("--port", "0")), environment=environment)
        running.append(served)
        return served

    yield launched
    for served in running:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait(30)


@pytest.fixture(scope="session")
def served(launch: Callable[..., Served]) -> Served:
    """One server for all tests that do not end it."""
    return launch()


@pytest.fixture(scope="session")
def film(served: Served) -> str:
    """Our film, brought to that server."""
    return served.bring(FILM)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
