"""Log-ins of the web page, with tokens in cookies that no script can read.

`/web/session` and `/web/session/refresh` are the public routes of accounts, with the tokens of the response moved into
cookies. A `/v1` call with the cookie and without an Authorization header gets that header. One that changes something
also needs `X-CSRF-Token`, an HMAC of the session, which only a page of this origin can have read.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.types import Receive, Scope, Send

from docstore_gateway.responses import CapturedResponse, HeaderList, send_response
from docstore_gateway.web.calls import JSON_TYPE, Call, public_call
from docstore_platform.errors import Conflict, DomainError, Forbidden, not_found
from docstore_platform.http.body_limits import read_body
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.security.tokens import Principal, TokenVerifier, unauthorized
from docstore_platform.settings import InfraSettings

SESSION_PATH = "/web/session"
REFRESH_PATH = "/web/session/refresh"
PREFIX = "/web/"
CSRF_HEADER = b"x-csrf-token"
MAX_BODY_BYTES = 16 * 1024
REFRESH_SECONDS = 30 * 24 * 3600
"""How long a browser keeps the refresh cookie; the session itself may expire earlier."""
DEVICE_SECONDS = 400 * 24 * 3600
"""As long as browsers keep any cookie."""
NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Login:
    """The log-in of a browser: its access token and CSRF token."""

    token: str
    csrf_token: str


class WebSessions:
    """Cookies of the page and their meaning."""

    def __init__(self, infra: InfraSettings, verifier: TokenVerifier, csrf_secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), b"docstore web session csrf", "sha256") for secret in csrf_secrets]
        self._infra = infra
        self._verifier = verifier

    # --- what depends on the address that the browser uses ---------------------------------------------------

    @property
    def _origin(self) -> str:
        return origin_of(origins_or_public(self._infra).gateway)

    @property
    def secure(self) -> bool:
        return self._origin.startswith("https:")

    def host_cookie(self, name: str) -> str:
        """Return the name of a cookie for the whole site, which only https may set where it is used."""
        return f"__Host-{name}" if self.secure else name

    @property
    def access_cookie(self) -> str:
        return self.host_cookie("docstore_access")

    @property
    def device_cookie(self) -> str:
        return self.host_cookie("docstore_device")

    @property
    def refresh_cookie(self) -> str:
        return "__Secure-docstore_refresh" if self.secure else "docstore_refresh"

    # --- calls of the API that come with a cookie ----------------------------------------------------------

    def access_token(self, cookies: bytes | None) -> str | None:
        return cookie_in(cookies, self.access_cookie)

    async def current(self, cookies: bytes | None) -> Login | None:
        """Return the cookie's log-in; None without one or if a refresh is due."""
        token = self.access_token(cookies)
        if token is not None:
            with suppress(DomainError):
                principal = await self._verifier.verify(token)
                return Login(token, self.csrf_token(principal.session_id))
        return None

    def csrf_token(self, session_id: str) -> str:
        """256 bits, hex; constant during a session."""
        return _csrf_token(self._keys[0], session_id)

    def require_csrf(self, principal: Principal, given: bytes | None) -> None:
        """403 for a call that another site may have caused."""
        wanted = [_csrf_token(key, principal.session_id).encode() for key in self._keys]
        if given is None or not any(hmac.compare_digest(given, token) for token in wanted):
            raise Forbidden("A call with the session cookie needs X-CSRF-Token (see GET /web/session).", code="csrf")

    # --- /web/session --------------------------------------------------------------------------------------

    async def serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request below `/web/`; `call` makes the public call behind it."""
        headers = dict(reversed(scope["headers"]))
        route = (scope["method"], scope["path"])
        if scope["method"] != "GET":
            self.require_same_origin(headers)
        if route == ("GET", SESSION_PATH):
            await self._show(headers, send)
        elif route == ("POST", SESSION_PATH):
            body = await read_body(receive, MAX_BODY_BYTES)
            captured = await self.log_in(call, scope, receive, body)
            await self._send_session(captured, send)
        elif route == ("POST", REFRESH_PATH):
            captured = await self.renew(call, scope, receive, headers.get(b"cookie"))
            await self._send_session(captured, send, ends=captured.status in (401, 403))
        elif route == ("DELETE", SESSION_PATH):
            await self._close(call, scope, headers, receive, send)
        else:
            raise not_found("route")

    def require_same_origin(self, headers: dict[bytes, bytes]) -> None:
        """Check the origin that browsers send: SameSite alone would let other ports of this host call."""
        site = headers.get(b"sec-fetch-site", b"same-origin")
        origin = headers.get(b"origin", self._origin.encode()).decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        ours = origin == self._origin or (bool(host) and urlsplit(origin).netloc == host)
        if site != b"same-origin" or not ours:
            raise Forbidden("Only pages of this site can do this.", code="csrf")

    async def _show(self, headers: dict[bytes, bytes], send: Send) -> None:
        """Return the session's CSRF token; null without a session, and whether a refresh may help."""
        cookies = headers.get(b"cookie")
        login = await self.current(cookies)
        renewable = cookie_in(cookies, self.refresh_cookie) is not None
        await _send_json(send, 200, {"csrf_token": login.csrf_token if login else None, "renewable": renewable})

    async def log_in(self, call: Call, scope: Scope, receive: Receive, body: bytes) -> CapturedResponse:
        """Log in with this body; Conflict `home_region` with `home` if the account is in another region."""
        cookies = dict(scope["headers"]).get(b"cookie")
        body = _with_device(body, cookie_in(cookies, self.device_cookie))
        captured = await public_call(call, scope, receive, "POST", "/v1/sessions", body)
        if captured.status == 307:
            home = origin_of(captured.header(b"location"))
            raise Conflict("This account is in another region. Log in there.", code="home_region", home=home)
        return captured

    async def renew(self, call: Call, scope: Scope, receive: Receive, cookies: bytes | None) -> CapturedResponse:
        """Refresh the session with the cookie's token; 401 without one."""
        token = cookie_in(cookies, self.refresh_cookie)
        if token is None:
            raise unauthorized("You are not logged in.")
        body = orjson.dumps({"refresh_token": token})
        return await public_call(call, scope, receive, "POST", "/v1/sessions/refresh", body)

    async def end(self, call: Call, scope: Scope, receive: Receive, token: str) -> CapturedResponse:
        """End the session of this access token."""
        return await public_call(call, scope, receive, "DELETE", "/v1/sessions/current", token=token)

    async def _close(self, call: Call, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """End the session and delete its cookies. 401 with an expired token: refresh it first."""
        token = self.access_token(headers.get(b"cookie"))
        if token is None and cookie_in(headers.get(b"cookie"), self.refresh_cookie) is not None:
            raise unauthorized("The access token has expired.")
        captured = CapturedResponse(204, []) if token is None else await self.end(call, scope, receive, token)
        await captured.send_to(send, self.forget() if captured.status in (204, 404) else [])

    async def _send_session(self, captured: CapturedResponse, send: Send, *, ends: bool = False) -> None:
        if captured.status not in (200, 201):
            await captured.send_to(send, self.forget() if ends else [])
            return
        tokens = captured.json()
        principal = await self._verifier.verify(tokens["access_token"])
        shown = {
            "account": tokens["account"],
            "expires_in": tokens["expires_in"],
            "csrf_token": self.csrf_token(principal.session_id),
        }
        await _send_json(send, captured.status, shown, self.cookies_of(tokens))

    def cookies_of(self, tokens: dict[str, Any]) -> HeaderList:
        """Return the cookies of a log-in, and the device token, which outlives it."""
        cookies = [
            self.set_cookie(self.access_cookie, tokens["access_token"], "/", tokens["expires_in"]),
            self.set_cookie(self.refresh_cookie, tokens["refresh_token"], SESSION_PATH, REFRESH_SECONDS),
        ]
        if "device_token" in tokens:
            cookies.append(self.set_cookie(self.device_cookie, tokens["device_token"], "/", DEVICE_SECONDS))
        return cookies

    def forget(self) -> HeaderList:
        """Return headers that delete the cookies of a log-in."""
        return [
            self.set_cookie(self.access_cookie, "", "/", 0),
            self.set_cookie(self.refresh_cookie, "", SESSION_PATH, 0),
        ]

    def set_cookie(self, name: str, value: str, path: str, seconds: int) -> tuple[bytes, bytes]:
        """A cookie that scripts can't read and other sites can't send; `seconds` 0 deletes it."""
        text = f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict"
        return b"set-cookie", (text + "; Secure" if self.secure else text).encode()


def _csrf_token(key: bytes, session_id: str) -> str:
    return hmac.new(key, session_id.encode(), sha256).hexdigest()


def _with_device(body: bytes, token: str | None) -> bytes:
    """Add the browser's device token to the body of a log-in; a body that is no JSON object is unchanged."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if token is None or not isinstance(fields, dict):
        return body
    return orjson.dumps({**fields, "device_token": token})


def with_authorization(scope: Scope, token: str) -> Scope:
    """Return the request with this access token and without cookies or other credentials."""
    headers = [header for header in scope["headers"] if header[0] not in (b"authorization", b"cookie")]
    return {**scope, "headers": [*headers, (b"authorization", b"Bearer " + token.encode())]}


def cookie_in(header: bytes | None, name: str) -> str | None:
    """Return a cookie of a Cookie header; None if it is absent or empty.

    Other cookies don't matter: programs on this host may set some that match no grammar.
    """
    for pair in (header or b"").decode("latin-1").split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name and value.strip():
            return value.strip()
    return None


def origin_of(url: str) -> str:
    """Return scheme and host, as browsers send them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _send_json(send: Send, status: int, body: Any, extra: HeaderList | None = None) -> None:
    await send_response(send, status, [JSON_TYPE, NO_STORE, *(extra or [])], orjson.dumps(body))
