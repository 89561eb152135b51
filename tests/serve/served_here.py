"""A real server in a process of its own, and a client for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FILM = Path(__file__).resolve().parents[2] / "experiments" / "film.hgx"
PATIENCE = float(os.environ.get("METAGENX_PATIENCE", "240"))  # seconds; a busy machine is slow without being wrong


@dataclass
class Served:
    """A running server, and how to talk to it."""

    base: Path
    process: subprocess.Popen[str]
    url: str
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.url.partition("/?")[0].rstrip("/")

    @property
    def socket_address(self) -> str:
        return self.address.replace("http://", "ws://")

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> tuple[int, Any]:
        """Status and answer; JSON is read."""
        sent = {**self.headers, **(headers or {})}
        content = raw
        if body is not None:
            content, sent["content-type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.address + path, data=content, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                status, text, kind = response.status, response.read(), response.headers.get("content-type", "")
        except urllib.error.HTTPError as error:
            status, text, kind = error.code, error.read(), error.headers.get("content-type", "")
        return status, json.loads(text) if "json" in kind else text

    def bring(self, path: Path | bytes, name: str = "film.hgx") -> str:
        """Bring a file; returns its number."""
        content = path if isinstance(path, bytes) else path.read_bytes()
        status, found = self.ask("POST", f"/api/files?name={urllib.request.quote(name)}", raw=content)
        assert status == 201, found
        return str(found["id"])

    def job(self, name: str, until: tuple[str, ...] = ("finished", "failed", "stopped", "lost")) -> dict[str, Any]:
        """A job when it has come so far."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status, found = self.ask("GET", f"/api/jobs/{name}")
            assert status == 200, found
            if found["state"] in until:
                return dict(found)
            time.sleep(0.2)
        raise AssertionError(f"{name} is still {found['state']}: {found['verdict']}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def start(base: Path, *arguments: str, environment: dict[str, str] | None = None) -> Served:
    """Start ``metagenx serve``, and wait until it answers."""
    command = [sys.executable, "-m", "metagenx", "serve", "--out", str(base), "--json", *arguments]
    log = (base / "server-errors.txt").open("a")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **(environment or {})}
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (base / "server-errors.txt").read_text()
    url = json.loads(line)["url"]
    return Served(base, process, url, url.partition("?token=")[2])


needs_isolation = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
needs_browser = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no chromium")
