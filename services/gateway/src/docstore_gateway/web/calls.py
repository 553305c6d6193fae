"""Public calls that the gateway makes for a route of the page."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from docstore_gateway.responses import BODY_HEADERS, CapturedResponse
from docstore_platform.http.body_limits import replaying
from docstore_platform.http.problems import error_of

JSON_TYPE = (b"content-type", b"application/json")
NOT_FORWARDED = BODY_HEADERS | {b"cookie", b"authorization"}

Call = Callable[[Scope, Receive, Send], Awaitable[None]]
"""A public call as the edge answers it, with limits and login."""


@dataclass(slots=True)
class Captured(CapturedResponse):
    """A service's response to be changed before the browser gets it."""

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name), "")

    def json(self) -> Any:
        """Return the JSON; raise a DomainError if it is an error."""
        content = orjson.loads(self.body) if self.body else None
        if self.status < 400:
            return content
        problem = {"code": "", "detail": "No reason was given.", **(content if isinstance(content, dict) else {})}
        wait = self.header(b"retry-after")
        raise error_of(problem | {"status": self.status}, wait or None)


async def public_call(
    call: Call, scope: Scope, receive: Receive, method: str, path: str, body: bytes = b"", *, token: str | None = None
) -> Captured:
    """Make a call of `path` for the client of `scope`; DomainError if the gateway itself refuses it."""
    captured = Captured()
    headers: Iterable[tuple[bytes, bytes]] = (header for header in scope["headers"] if header[0] not in NOT_FORWARDED)
    described = [*headers, JSON_TYPE, (b"content-length", str(len(body)).encode())]
    if token is not None:
        described.append((b"authorization", b"Bearer " + token.encode()))
    changed = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": described}
    await call({**scope, **changed}, replaying(body, receive), captured.send)
    return captured
