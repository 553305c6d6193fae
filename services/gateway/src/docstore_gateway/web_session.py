"""Log-ins of the web page: the tokens live in cookies that no script can read.

`/web/session` and `/web/session/refresh` are the public routes of accounts, with the tokens of the answer moved into
cookies. A call of `/v1` that comes with the cookie and without a header of its own is given the header; one that
changes something needs `X-CSRF-Token` too, an HMAC of the session, which only a page of this origin can have read.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.exchange import HeaderList, answer, read_body, replaying
from docstore_platform.problems import Problem, not_found
from docstore_platform.settings import InfraSettings
from docstore_platform.tokens import Principal, TokenVerifier, unauthorized

SESSION_PATH = "/web/session"
REFRESH_PATH = "/web/session/refresh"
PREFIX = "/web/"
CSRF_HEADER = b"x-csrf-token"
MAX_BODY_BYTES = 16 * 1024
REFRESH_SECONDS = 30 * 24 * 3600
"""How long a browser keeps the refresh cookie; the session itself may end earlier."""
JSON_TYPE = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")

Call = Callable[[Scope, Receive, Send], Awaitable[None]]
"""A public call as the edge answers it: limits, login and all."""


@dataclass(slots=True)
class _Captured:
    """An answer of a service that is changed before the browser has it."""

    status: int = 0
    headers: HeaderList | None = None
    body: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers or [] if key.lower() == name), "")

    async def give(self, send: Send, extra: HeaderList) -> None:
        await answer(send, self.status, [*(self.headers or []), *extra], self.body)


class WebSessions:
    """The cookies of the page, and what they stand for."""

    def __init__(self, infra: InfraSettings, verifier: TokenVerifier) -> None:
        secret = infra.internal_secret.get_secret_value().encode()
        self._key = hmac.digest(secret, b"docstore web session csrf", "sha256")
        self._origin = _origin(infra.public_url)
        self._verifier = verifier
        self._secure = self._origin.startswith("https:")
        self.access_cookie = "__Host-docstore_access" if self._secure else "docstore_access"
        self.refresh_cookie = "__Secure-docstore_refresh" if self._secure else "docstore_refresh"

    # --- calls of the API that come with a cookie ----------------------------------------------------------

    def access_token(self, cookies: bytes | None) -> str | None:
        return _cookie(cookies, self.access_cookie)

    def csrf_token(self, session_id: str) -> str:
        """256 bits, hex; the same for all of a session."""
        return hmac.new(self._key, session_id.encode(), sha256).hexdigest()

    def require_csrf(self, principal: Principal, given: bytes | None) -> None:
        """403 for a call that another site may have had the browser make."""
        wanted = self.csrf_token(principal.session_id)
        if given is None or not hmac.compare_digest(given, wanted.encode()):
            raise Problem(403, "csrf", "A call with the page's cookie needs its X-CSRF-Token; see GET /web/session.")

    # --- /web/session --------------------------------------------------------------------------------------

    async def serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request below `/web/`; `call` makes the public call that it stands for."""
        headers = dict(reversed(scope["headers"]))
        route = (scope["method"], scope["path"])
        if scope["method"] != "GET":
            self._require_same_origin(headers)
        if route == ("GET", SESSION_PATH):
            await self._show(headers, send)
        elif route == ("POST", SESSION_PATH):
            body = await read_body(receive, MAX_BODY_BYTES)
            await self._open(call, _public(scope, "POST", "/v1/sessions", body), body, receive, send)
        elif route == ("POST", REFRESH_PATH):
            await self._refresh(call, scope, headers, receive, send)
        elif route == ("DELETE", SESSION_PATH):
            await self._close(call, scope, headers, receive, send)
        else:
            raise not_found("route")

    def _require_same_origin(self, headers: dict[bytes, bytes]) -> None:
        """Browsers say where a call comes from; SameSite alone would let other ports of this host call."""
        site = headers.get(b"sec-fetch-site", b"same-origin")
        origin = headers.get(b"origin", self._origin.encode()).decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        ours = origin == self._origin or (bool(host) and urlsplit(origin).netloc == host)
        if site != b"same-origin" or not ours:
            raise Problem(403, "csrf", "Only the page itself may log in and out.")

    async def _show(self, headers: dict[bytes, bytes], send: Send) -> None:
        """The session's CSRF token; null without one, and whether a refresh may give it."""
        cookies = headers.get(b"cookie")
        token = self.access_token(cookies)
        shown: dict[str, Any] = {"csrf_token": None, "renewable": _cookie(cookies, self.refresh_cookie) is not None}
        if token is not None:
            with suppress(Problem):
                principal = await self._verifier.verify(token)
                shown["csrf_token"] = self.csrf_token(principal.session_id)
        await _give_json(send, 200, shown)

    async def _open(self, call: Call, inner: Scope, body: bytes, receive: Receive, send: Send) -> None:
        captured = _Captured()
        await call(inner, replaying(body, receive), captured.send)
        if captured.status == 307:
            home = _origin(captured.header(b"location"))
            raise Problem(409, "home_region", "This account lives in another region: log in there.", home=home)
        await self._give_session(captured, send)

    async def _refresh(
        self, call: Call, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        token = _cookie(headers.get(b"cookie"), self.refresh_cookie)
        if token is None:
            raise unauthorized("Nobody is logged in here.")
        body = orjson.dumps({"refresh_token": token})
        captured = _Captured()
        inner = _public(scope, "POST", "/v1/sessions/refresh", body)
        await call(inner, replaying(body, receive), captured.send)
        await self._give_session(captured, send, ends=captured.status in (401, 403))

    async def _close(self, call: Call, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """End the session there and forget it here. 401 with a token that has expired: refresh it first."""
        token = self.access_token(headers.get(b"cookie"))
        if token is None and _cookie(headers.get(b"cookie"), self.refresh_cookie) is not None:
            raise unauthorized("The access token has expired.")
        captured = _Captured(204, [])
        if token is not None:
            authorization = (b"authorization", b"Bearer " + token.encode())
            inner = _public(scope, "DELETE", "/v1/sessions/current", b"", authorization)
            await call(inner, replaying(b"", receive), captured.send)
        await captured.give(send, self._forget() if captured.status in (204, 404) else [])

    async def _give_session(self, captured: _Captured, send: Send, *, ends: bool = False) -> None:
        if captured.status not in (200, 201):
            await captured.give(send, self._forget() if ends else [])
            return
        tokens = orjson.loads(captured.body)
        principal = await self._verifier.verify(tokens["access_token"])
        shown = {
            "account": tokens["account"],
            "expires_in": tokens["expires_in"],
            "csrf_token": self.csrf_token(principal.session_id),
        }
        cookies = [
            self._set_cookie(self.access_cookie, tokens["access_token"], "/", tokens["expires_in"]),
            self._set_cookie(self.refresh_cookie, tokens["refresh_token"], SESSION_PATH, REFRESH_SECONDS),
        ]
        await _give_json(send, captured.status, shown, cookies)

    def _forget(self) -> HeaderList:
        return [
            self._set_cookie(self.access_cookie, "", "/", 0),
            self._set_cookie(self.refresh_cookie, "", SESSION_PATH, 0),
        ]

    def _set_cookie(self, name: str, value: str, path: str, seconds: int) -> tuple[bytes, bytes]:
        text = f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict"
        return b"set-cookie", (text + "; Secure" if self._secure else text).encode()


def with_authorization(scope: Scope, token: str) -> Scope:
    """The request as a client with a header of its own would have sent it: without cookies."""
    headers = [header for header in scope["headers"] if header[0] != b"cookie"]
    return {**scope, "headers": [*headers, (b"authorization", b"Bearer " + token.encode())]}


def _public(scope: Scope, method: str, path: str, body: bytes, *added: tuple[bytes, bytes]) -> Scope:
    """A call of `path` by the client of `scope`."""
    left_out = {b"content-length", b"content-type", b"transfer-encoding", b"cookie", b"authorization"}
    headers: Iterable[tuple[bytes, bytes]] = (header for header in scope["headers"] if header[0] not in left_out)
    described = [*headers, JSON_TYPE, (b"content-length", str(len(body)).encode()), *added]
    changed = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": described}
    return {**scope, **changed}


def _cookie(header: bytes | None, name: str) -> str | None:
    if header is None or name.encode() not in header:
        return None
    try:
        found = SimpleCookie(header.decode("latin-1")).get(name)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _give_json(send: Send, status: int, body: Any, extra: HeaderList | None = None) -> None:
    await answer(send, status, [JSON_TYPE, NO_STORE, *(extra or [])], orjson.dumps(body))
