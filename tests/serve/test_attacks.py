"""What strangers may try at the door, each against a real server: it refuses, says why, and goes on."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import running
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from metagenx.serve.access import COOKIE
from metagenx.serve.limits import Limits
from metagenx.serve.state import Server

LIMITS = Limits(
    upload_bytes=200_000, silent_seconds=0.4, uploads_at_once=2, uploads_kept=3, body_bytes=20_000,
    requests_per_second=2000, burst=3000, sockets=6, sockets_of_one=4, jobs_of_one=2,
)  # fmt: skip
TOKEN = "the-token-of-the-start-up-line"


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Server]]:
    with running(tmp_path_factory.mktemp("open"), LIMITS) as found:
        yield found


@pytest.fixture(scope="module")
def locked_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Server]]:
    with running(tmp_path_factory.mktemp("locked"), LIMITS, token=TOKEN) as found:
        yield found


def ask(
    place: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection(place, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    text, found = response.read(), {name.lower(): value for name, value in response.getheaders()}
    connection.close()
    return response.status, found, json.loads(text) if "json" in found.get("content-type", "") else text


def upload(place: str, name: str, content: bytes, announced: int | None = None) -> dict[str, Any]:
    """Bring a file over the socket; the last message."""
    with connect(f"ws://{place}/ws/upload") as link:
        link.send(json.dumps({"name": name, "bytes": len(content) if announced is None else announced}))
        message: dict[str, Any] = {}
        try:
            for at in range(0, len(content), 100_000):
                link.send(content[at : at + 100_000])
            while True:
                message = json.loads(link.recv(20))
        except ConnectionClosed:
            return message


def test_without_a_token_nothing_is_said(locked_door: tuple[str, Server]) -> None:
    place, _ = locked_door
    for path in ("/", "/api/files", "/api/jobs", "/api/server", "/openapi.json", "/static/main.js", "/api/runs"):
        status, _, answer = ask(place, path)
        assert status == 401, path
        assert TOKEN not in str(answer)
    assert ask(place, "/login")[0] == 200
    assert ask(place, "/api/jobs", "POST", b"{}", content_type="application/json")[0] == 401
    for path in ("/ws/watch", "/ws/upload"):
        with pytest.raises(InvalidStatus), connect(f"ws://{place}{path}"):
            pass


def test_the_token_opens_once_and_the_session_after(locked_door: tuple[str, Server]) -> None:
    place, server = locked_door
    status, headers, _ = ask(place, f"/?token={TOKEN}")
    assert status == 303
    assert headers["location"] == "/"
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    session = cookie.split(";")[0]
    assert ask(place, "/api/jobs", cookie=session)[0] == 200
    assert ask(place, "/api/jobs", authorization=f"Bearer {TOKEN}")[0] == 200
    with connect(f"ws://{place}/ws/watch", additional_headers={"Cookie": session}) as link:
        assert "jobs" in json.loads(link.recv(10))
    expired = server.access.new_session().replace(str(int(time.time() + LIMITS.session_seconds))[:5], "10000", 1)
    assert ask(place, "/api/jobs", cookie=f"{COOKIE}={expired}")[0] == 401
    assert ask(place, f"/api/jobs?token={TOKEN}")[0] == 401, "a token in an address opens the page only"


def test_wrong_tokens_are_refused_and_soon_slowly(locked_door: tuple[str, Server]) -> None:
    place, _ = locked_door
    found = [ask(place, f"/?token=wrong{i}")[0] for i in range(30)]
    assert set(found) == {401, 429}
    assert found[0] == 401
    assert ask(place, f"/?token={TOKEN}")[0] in (303, 429)


def test_other_pages_may_not_use_us(open_door: tuple[str, Server]) -> None:
    place, _ = open_door
    for origin in ("http://evil.example", "null", f"http://{place}.evil.example", "https://127.0.0.1"):
        with pytest.raises(InvalidStatus), connect(f"ws://{place}/ws/watch", origin=origin):  # type: ignore[arg-type]
            pass
        status, _, _ = ask(place, "/api/jobs", "POST", b"{}", origin=origin, content_type="application/json")
        assert status == 403, origin
    assert ask(place, "/api/jobs", "POST", b"{}", sec_fetch_site="cross-site")[0] == 403
    assert ask(place, "/api/jobs", host="evil.example")[0] == 421, "a name that leads here from outside (DNS rebinding)"
    with connect(f"ws://{place}/ws/watch", origin=f"http://{place}") as link:  # type: ignore[arg-type]
        assert link.recv(10)


def test_headers_tie_the_browser_down(open_door: tuple[str, Server]) -> None:
    place, _ = open_door
    _, headers, _ = ask(place, "/")
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    for page in ("index.html", "login.html", "api.html"):
        _, _, text = ask(place, f"/static/{page}")
        assert b"onclick" not in text
        assert b"http" not in text.replace(b"xmlns", b""), "nothing comes from elsewhere"


def test_names_of_files_cannot_lead_elsewhere(open_door: tuple[str, Server]) -> None:
    place, server = open_door
    for name in (
        "../../../etc/passwd",
        "/etc/cron.d/x.gx",
        "..\\..\\x.gx",
        "<script>alert(1)</script>.gx",
        "a\x00b.gx",
    ):
        found = upload(place, name, b"content")["file"]
        stored = server.uploads.folder / found["id"]
        assert (stored / "content").read_bytes() == b"content"
        assert set(found["name"]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.")
    assert len(list(server.uploads.folder.iterdir())) <= LIMITS.uploads_kept, "the oldest go"
    for path in (
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/api/jobs/..%2f..%2fkey/results/x",
        "/api/jobs/x/results/..%2f..%2fjob.json", "/api/runs/served/key/x", "/api/runs/..%2f..%2f/etc/passwd",
        "/api/runs/%2e%2e/served/key", "/api/files/..%2f..%2fkey",
    ):  # fmt: skip
        status, _, text = ask(place, path)
        assert status in (400, 404), path
        assert b"import" not in text if isinstance(text, bytes) else "error" in text or "detail" in text


def test_uploads_are_limited(open_door: tuple[str, Server]) -> None:
    place, server = open_door
    before = {path.name for path in server.uploads.folder.iterdir()}
    assert "larger" in upload(place, "a.gx", b"", announced=10**12)["error"]["message"]
    assert "more has arrived" in upload(place, "a.gx", b"x" * 1000, announced=10)["error"]["message"]
    assert "empty" in upload(place, "a.gx", b"")["error"]["message"]
    for header in ("{}", "[]", "no json", '{"name":1,"bytes":2}', '{"name":"a","bytes":-1}', "[" * 10_000):
        with connect(f"ws://{place}/ws/upload") as link:
            link.send(header)
            assert "error" in json.loads(link.recv(10))
    status, _, _ = ask(place, "/api/files?name=a.gx", "POST", b"x" * 300_000)
    assert status == 413
    assert ask(place, "/api/plan", "POST", b'{"kind":"' + b"x" * 50_000, content_type="application/json")[0] == 413
    assert {path.name for path in server.uploads.folder.iterdir()} == before, "nothing is left behind"


def test_a_slow_upload_ends_and_does_not_hold_up_others(open_door: tuple[str, Server]) -> None:
    place, server = open_door
    before = len(list(server.uploads.folder.iterdir()))
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(f"ws://{place}/ws/upload")) for _ in range(2)]
        for link in slow:
            link.send(json.dumps({"name": "slow.gx", "bytes": 1000}))
            link.send(b"a little")
            assert "received" in json.loads(link.recv(10))
        assert "too many" in upload(place, "b.gx", b"xy")["error"]["message"]
        for link in slow:
            assert "slowly" in json.loads(link.recv(20))["error"]["message"]
    assert "file" in upload(place, "b.gx", b"xy")
    assert len(list(server.uploads.folder.iterdir())) <= before + 1


def test_ten_thousand_small_requests_are_slowed_down_and_survived(tmp_path: Path) -> None:
    with running(tmp_path, Limits(requests_per_second=100.0, burst=200)) as (place, _):
        host, _, port = place.partition(":")
        one = f"GET /api/health HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()
        found = {200: 0, 429: 0}
        begun = time.monotonic()
        with (
            socket.create_connection((host, int(port)), timeout=240) as connection,
            connection.makefile("rb") as answers,
        ):
            for _ in range(100):
                connection.sendall(one * 100)  # a hundred at a time, without waiting for the answers
                for _ in range(100):
                    found[int(answers.readline().split()[1])] += 1
                    length = 0
                    while line := answers.readline().strip():
                        if line.lower().startswith(b"content-length"):
                            length = int(line.split(b":")[1])
                    answers.read(length)
        assert sum(found.values()) == 10_000
        assert time.monotonic() - begun < 60.0
        assert found[200] <= 201 + 100 * (time.monotonic() - begun)
        time.sleep(0.1)
        assert ask(place, "/api/health")[0] == 200


def test_sockets_are_limited_and_nonsense_closes_them(open_door: tuple[str, Server]) -> None:
    place, _ = open_door
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(connect(f"ws://{place}/ws/watch")) for _ in range(LIMITS.sockets_of_one)]
        for link in links:
            link.recv(10)
        with pytest.raises((InvalidStatus, ConnectionClosed)), connect(f"ws://{place}/ws/watch") as one_more:
            one_more.recv(10)
        for link, nonsense in zip(links, ("no json", "[]", '{"watch":1}', "x" * 30_000), strict=True):
            link.send(nonsense)
            with contextlib.suppress(ConnectionClosed):
                for _ in range(100):
                    link.recv(20)
                pytest.fail(f"still open after {nonsense[:20]}")
    with connect(f"ws://{place}/ws/watch") as link:
        assert "jobs" in json.loads(link.recv(10))


NONSENSE = [
    b"", b"[]", b"{", b'{"kind":"rm -rf"}', b'{"kind":"fit"}', b'{"kind":"fit","file":"none"}',
    b'{"kind":"fit","file":"none","trust":true}', b'{"kind":"fit","file":"x","seed":-1}', b"[" * 9000,
    b'{"kind":"repeat","file":"x","n":100000000}', b'{"kind":"fit","file":"x","rows":[{"index":1e400}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_is_answered_with_what_is_wrong(open_door: tuple[str, Server], body: bytes) -> None:
    place, server = open_door
    status, _, answer = ask(place, "/api/jobs", "POST", body, content_type="application/json")
    assert status in (400, 422)
    assert answer["error"]["message"] if "error" in answer else answer["detail"]
    assert not server.dispatcher.jobs
