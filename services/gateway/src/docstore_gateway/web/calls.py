"""Public calls that the gateway makes for a route of the page."""

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from docstore_gateway.responses import BODY_HEADERS, CapturedResponse
from docstore_platform.http.body_limits import replaying

JSON_TYPE = (b"content-type", b"application/json")
NOT_FORWARDED = BODY_HEADERS | {b"cookie", b"authorization"}

Call = Callable[[Scope, Receive, Send], Awaitable[None]]
"""A public call as the edge answers it, with limits and login."""


async def public_call(
    call: Call,
    scope: Scope,
    receive: Receive,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    query: str = "",
    token: str | None = None,
) -> CapturedResponse:
    """Make a call of `path` for the client of `scope`; DomainError if the gateway itself refuses it."""
    captured = CapturedResponse()
    headers: Iterable[tuple[bytes, bytes]] = (header for header in scope["headers"] if header[0] not in NOT_FORWARDED)
    described = [*headers, JSON_TYPE, (b"content-length", str(len(body)).encode())]
    if token is not None:
        described.append((b"authorization", b"Bearer " + token.encode()))
    changed = {"method": method, "path": unquote(path), "raw_path": path.encode(), "headers": described}
    changed["query_string"] = query.encode()
    await call({**scope, **changed}, replaying(body, receive), captured.send)
    return captured
