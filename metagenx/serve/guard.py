"""What stands in front of every request: host, origin, session, rate, size; and headers that tie browsers down."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from metagenx.serve.access import COOKIE, Access, Rates, same_origin
from metagenx.serve.limits import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
_SAFE = ("GET", "HEAD", "OPTIONS")
_OPEN = ("/login", "/static/style.css", "/static/icon.svg", "/api/health")
UPLOAD = "/api/files"


class Guard:
    """An ASGI application around another."""

    def __init__(self, inner: Application, access: Access, limits: Limits) -> None:
        self._inner, self._access, self._limits = inner, access, limits
        self._rates = Rates(limits.requests_per_second, limits.burst)
        self._wrong = Rates(0.5, 20)  # attempts with a wrong token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one socket."""
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            if scope["type"] == "http":
                receive, send = self._within_size(scope, receive), self._with_headers(scope, send)
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:100]})
        else:
            await _answer(self._with_headers(scope, send), *refusal)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request is refused; fills in ``scope["state"]["user"]`` if it is not."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        who = (scope.get("client") or ("?",))[0]
        if not self._rates.allow(who):
            return 429, "too many requests: wait a few seconds"
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._access.is_our_host(host):
            return 421, "this server is not called so"
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if changes:
            if origin is not None and not same_origin(origin, host):
                return 403, "the request comes from another page"
            if origin is None and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
                return 403, "the request comes from another page"
        state = scope.setdefault("state", {})
        user = self._user(headers, who)
        if user is None and scope["path"] not in _OPEN:
            given = headers.get("authorization", "") or _token_in(scope)
            if given and not self._wrong.allow(who):
                return 429, "too many wrong tokens: wait a minute"
            if scope["path"] == "/" and self._access.is_token(_token_in(scope)):
                state["user"], state["new_session"] = "", True
                return None
            return 401, "please log in with the address that the server has printed"
        length = headers.get("content-length", "0")
        most = self._limits.upload_bytes if scope["path"] == UPLOAD else self._limits.body_bytes
        if scope["type"] == "http" and length.isdecimal() and int(length) > most:
            return 413, f"the request is larger than {most // 2**20} MiB"
        state["user"] = user or ""
        return None

    def _user(self, headers: dict[str, str], who: str) -> str | None:
        session = _cookie(headers.get("cookie", ""))
        user = self._access.user_of(session) if session else None
        if user is not None:
            return user
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._access.is_token(token.strip()):
            return f"api {who}"
        return None if self._access.token else f"local {who}"

    def _within_size(self, scope: Scope, receive: Receive) -> Receive:
        most = self._limits.upload_bytes if scope["path"] == UPLOAD else self._limits.body_bytes
        so_far = 0

        async def counted() -> Message:
            nonlocal so_far
            message = await receive()
            if message["type"] == "http.request":
                so_far += len(message.get("body", b""))
                if so_far > most:
                    return {"type": "http.disconnect"}
            return message

        return counted

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                present = {name.lower() for name, _ in headers}
                ours = {**_HEADERS, "content-security-policy": PAGE_POLICY, "cache-control": "no-cache"}
                headers += [(k.encode(), v.encode()) for k, v in ours.items() if k.encode() not in present]
                message = {**message, "headers": headers}
            await send(message)

        return sending


def _token_in(scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    return (parse_qs(query.decode("latin-1")).get("token") or [""])[0]


def _cookie(text: str) -> str | None:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return None
    return str(found.value) if found else None


async def _answer(send: Send, status: int, text: str) -> None:
    body = json.dumps({"error": {"kind": "refused", "message": text}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
