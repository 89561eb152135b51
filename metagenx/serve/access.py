"""Who may come in: the token of the start-up line, sessions that expire, and how often one may ask."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from metagenx.genx.disk import replace_atomically

COOKIE = "metagenx_session"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")


@dataclass(frozen=True)
class Access:
    """The locks of one server.

    Attributes
    ----------
    token : asked for unless it is empty.
    key : sessions are signed with it; it is kept on the disk, so that they survive a restart.
    seconds : how long a session lasts.
    is_local : whether only this machine is listened to; then only its names are answered, so that no page of the
        internet can reach us under a name of its own.
    """

    token: str
    key: bytes
    seconds: float
    is_local: bool

    def new_session(self, user: str = "") -> str:
        """A signed session; ``user`` is who it goes on for."""
        body = f"{int(time.time() + self.seconds)}.{user or secrets.token_hex(8)}.{'t' if self.token else 'l'}"
        return f"{body}.{self._signature(body)}"

    def user_of(self, session: str) -> str | None:
        """The user of a session; None if it is forged, altered or expired, or from a time when no token was asked."""
        body, _, signature = session.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body).encode()):
            return None
        expires, user, kind = body.split(".")
        if int(expires) < time.time() or (self.token and kind != "t"):
            return None
        return user

    def is_token(self, text: str) -> bool:
        """Whether a text is the token."""
        return bool(self.token) and hmac.compare_digest(text.encode(), self.token.encode())

    def is_our_host(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return not self.is_local or name.lower() in _LOCAL_NAMES or _is_loopback(name)

    def _signature(self, body: str) -> str:
        digest = hmac.new(self.key, body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def same_origin(origin: str, host: str) -> bool:
    """Whether the page that asks came from this server; ``origin`` and ``host`` are the headers."""
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and bool(host) and rest.lower() == host.lower()


def is_loopback_address(host: str) -> bool:
    """Whether listening there is listening to this machine only."""
    return host == "localhost" or _is_loopback(host.strip("[]"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def secret_key(path: Path) -> bytes:
    """The key of a server, made when it starts for the first time; nobody else may read it."""
    try:
        key = path.read_bytes()
        if len(key) == 32:
            return key
    except OSError:
        pass
    key = secrets.token_bytes(32)
    replace_atomically(path, b"")
    path.chmod(0o600)
    path.write_bytes(key)
    return key


class Rates:
    """Token buckets, one for each who asks; those who have not asked for long are forgotten."""

    def __init__(self, per_second: float, burst: int, *, most: int = 10_000) -> None:
        self._per_second, self._burst, self._most = per_second, burst, most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, who: str, cost: float = 1.0) -> bool:
        """Whether one more request is within the rate."""
        now = time.monotonic()
        left, at = self._buckets.pop(who, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_second)
        allowed = left >= cost
        self._buckets[who] = (left - cost if allowed else left, now)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return allowed
