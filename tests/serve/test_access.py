"""Tokens, sessions, origins and rates, without a server."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagenx.serve.access import Access, Rates, is_loopback_address, same_origin, secret_key

ACCESS = Access("a-token", b"k" * 32, 3600.0, is_local=False)


def test_a_session_is_who_it_was_made_for() -> None:
    assert ACCESS.user_of(ACCESS.new_session("abcd")) == "abcd"
    assert ACCESS.user_of(ACCESS.new_session()) != ACCESS.user_of(ACCESS.new_session())


def test_an_altered_session_is_none() -> None:
    good = ACCESS.new_session("abcd")
    for altered in (good[:-1] + "!", "9" + good, good.replace(".t.", ".l."), "", "....", good + "."):
        assert ACCESS.user_of(altered) is None


@given(st.text())
def test_no_text_is_a_session(text: str) -> None:
    assert ACCESS.user_of(text) is None


def test_sessions_expire_and_are_bound_to_key_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    session = ACCESS.new_session("abcd")
    assert replace(ACCESS, key=b"x" * 32).user_of(session) is None
    without = replace(ACCESS, token="")
    assert ACCESS.user_of(without.new_session("abcd")) is None, "from a time when nobody was asked for a token"
    now = time.time()
    monkeypatch.setattr("metagenx.serve.access.time.time", lambda: now + 3601)
    assert ACCESS.user_of(session) is None


def test_only_the_token_is_the_token() -> None:
    assert ACCESS.is_token("a-token")
    assert not ACCESS.is_token("a-toke")
    assert not ACCESS.is_token("")
    assert not replace(ACCESS, token="").is_token("")


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:8014", "127.0.0.1:8014", True),
        ("https://beam.line", "beam.line", True),
        ("http://127.0.0.1:8015", "127.0.0.1:8014", False),
        ("http://evil.example", "127.0.0.1:8014", False),
        ("http://127.0.0.1:8014.evil.example", "127.0.0.1:8014", False),
        ("null", "127.0.0.1:8014", False),
        ("file://", "", False),
    ],
)
def test_same_origin(origin: str, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same


def test_a_local_server_answers_to_its_own_names_only() -> None:
    local = replace(ACCESS, is_local=True)
    assert all(local.is_our_host(host) for host in ("localhost:80", "127.0.0.1", "[::1]:8014"))
    assert not any(local.is_our_host(host) for host in ("evil.example:8014", "", "127.0.0.1.evil.example"))


def test_loopback() -> None:
    assert is_loopback_address("127.0.0.1")
    assert is_loopback_address("localhost")
    assert is_loopback_address("::1")
    assert not is_loopback_address("0.0.0.0")
    assert not is_loopback_address("192.168.1.2")


def test_the_key_stays_and_is_private(tmp_path: Path) -> None:
    key = secret_key(tmp_path / "key")
    assert len(key) == 32
    assert secret_key(tmp_path / "key") == key
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_rates_let_a_burst_through_and_then_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("metagenx.serve.access.time.monotonic", lambda: now[0])
    rates = Rates(10.0, 20, most=3)
    assert [rates.allow("a") for _ in range(25)] == [True] * 20 + [False] * 5
    assert rates.allow("b")
    now[0] += 0.5
    assert sum(rates.allow("a") for _ in range(10)) == 5
    for name in "cdefg":
        rates.allow(name)
    assert len(rates._buckets) == 3
