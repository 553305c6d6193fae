"""Limits for size and nesting of request bodies by route, for the gateway and every service."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore_platform.errors import DomainError, TooLarge, invalid
from docstore_platform.http.problems import problem_of

KIB = 1024
MIB = 1024 * KIB

UNAUTHENTICATED_BYTES = 16 * KIB
SMALL_BYTES = 64 * KIB
"""Fits a path of 64 names with every character escaped."""
LIST_BYTES = 256 * KIB
BATCH_BYTES = 16 * MIB
INTERNAL_BYTES = 64 * MIB
"""A batch between services, with what they have added."""
MAX_DEPTH = 32
MAX_LENGTH_DIGITS = 18

UNAUTHENTICATED = ("/v1/accounts", "/v1/sessions", "/v1/password-resets", "/v1/unsubscribe", "/v1/links", "/l")
REPLICATION = "/internal/replication/"
"""Path of calls of other regions. Anyone can send one: the receiver checks its signature, which covers the body."""
REPLICATION_BYTES = MIB
LARGER = {
    "/v1/blocks/missing": LIST_BYTES,
    "/v1/contents": LIST_BYTES,
    "/v1/notifications/read": LIST_BYTES,
    "/v1/compare": BATCH_BYTES,
    "/v1/packs": BATCH_BYTES,
    "/v1/uploads": LIST_BYTES,
    "/v1/uploads/batch": BATCH_BYTES,
    "/v1/uploads/complete-batch": BATCH_BYTES,
}
_COMPLETE_UPLOAD = re.compile(r"/v1/uploads/[^/]+/complete")

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def body_limit(path: str) -> int:
    """Return the most bytes of a body sent to `path`."""
    if path.startswith(REPLICATION):
        return REPLICATION_BYTES
    if path.startswith("/internal/"):
        return INTERNAL_BYTES
    if any(path == prefix or path.startswith(prefix + "/") for prefix in UNAUTHENTICATED):
        return UNAUTHENTICATED_BYTES
    return LARGER.get(path) or (BATCH_BYTES if _COMPLETE_UPLOAD.fullmatch(path) else SMALL_BYTES)


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request body can have at most {limit} bytes. File contents go straight to S3.")


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


def check_length(announced: bytes, limit: int) -> None:
    """413 if a Content-Length is invalid or larger than `limit`."""
    if not announced.isdigit() or len(announced) > MAX_LENGTH_DIGITS or int(announced) > limit:
        raise too_large(limit)


def is_nested_too_deeply(body: bytes) -> bool:
    """Whether JSON has more than MAX_DEPTH levels. Invalid JSON is left to the parser."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _JSON_STRING.sub(b"", body).translate(_AS_SQUARE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):  # each turn removes the innermost level
        brackets = brackets.replace(b"[]", b"")
    never_closed = len(brackets) - len(brackets.lstrip(b"["))
    return b"[]" in brackets or never_closed > MAX_DEPTH


class BodyLimit:
    """ASGI middleware: refuses a body that is too large, before it is read, or nested too deeply.

    It does not check the nesting of other regions' calls: for a megabyte that takes longer than the signature, without
    which they are not parsed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = _announced(scope) if scope["type"] == "http" else None
        if announced is None:
            await self.app(scope, receive, send)
            return
        limit = body_limit(scope["path"])
        try:
            check_length(announced, limit)
            body = await read_body(receive, limit)
            if not scope["path"].startswith(REPLICATION) and is_nested_too_deeply(body):
                raise invalid(f"JSON can be nested at most {MAX_DEPTH} levels deep.", "nested_too_deeply")
        except DomainError as error:
            await problem_of(error).response()(scope, receive, send)
            return
        except ClientGone:
            await self.app(scope, receive, send)  # which responds the same
            return
        await self.app(scope, replaying(body, receive), send)


def _announced(scope: Scope) -> bytes | None:
    """The Content-Length, `0` for a body of unknown length; None without a body."""
    length: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return b"0"
        if name == b"content-length":
            length = value
    return None if length == b"0" else length


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read the whole request body; 413 once it is larger than `limit`, ClientGone if it is incomplete."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def replaying(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns `body` and then what the connection receives."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
