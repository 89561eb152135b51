"""The report in a real browser: every plot is drawn, nothing of a file runs. Skipped where there is no Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from page_reader import Page

from metagenx.runs import RunFolder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("kind", ["finished", "repeated"])
def test_all_plots_are_drawn_and_nothing_else_runs(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder: RunFolder = request.getfixturevalue(kind)
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        f"--user-data-dir={tmp_path}", "--virtual-time-budget=30000", "--enable-logging=stderr", "--dump-dom",
        folder.report.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    drawn = tmp_path / "drawn.html"
    drawn.write_text(done.stdout, encoding="utf-8")
    assert 'data-drawn="yes"' in done.stdout[:200]
    visible = [place for place in done.stdout.split('class="plot"')[1:] if "bk-" in place[:3000]]
    plots = Page(folder.report).plots
    hidden = folder.report.read_text(encoding="utf-8").count(" hidden>")
    assert len(visible) == len(plots) - hidden
    said = [line for line in done.stderr.splitlines() if ":CONSOLE:" in line]
    assert not [line for line in said if "rror" in line or "efused" in line or "alert" in line], said
