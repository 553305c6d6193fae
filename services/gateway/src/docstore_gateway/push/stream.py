"""`GET /v1/events`: changes and notifications as server-sent events (WHATWG HTML, 9.2).

change            an entry of the journal; its id is the cursor after it, where `Last-Event-ID` continues
notification      a new in-app notification; without an id, since it is not in the journal
cursor_expired    the requested position is no longer stored: read a snapshot; the stream ends
token_expired     the access token has expired or was revoked: reconnect with a new one; the stream ends
"""

import asyncio
import time
from itertools import repeat
from typing import Any, Protocol

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.push.long_poll import JournalResponse, read_changes, watching_disconnect
from docstore_gateway.push.waiting import Waiter, Waiting
from docstore_platform.clock import rfc3339, unix_time, utc_now
from docstore_platform.errors import DomainError
from docstore_platform.http.body_limits import ClientGone
from docstore_platform.http.paging import change_cursor
from docstore_platform.http.problems import problem_of
from docstore_platform.security.tokens import Principal, expires_at

LATEST = "latest"
PAGE = 500
PAUSE_SECONDS = 0.05
"""Pause between two reads of one stream, so that many changes are sent in pages, not one by one."""
RETRY_MS = 2000
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Stream(Protocol):
    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class StreamResponse(Response):
    """A response that lasts until its client leaves."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stream.serve(scope, receive, send)


class EventStream:
    """One client's stream."""

    def __init__(
        self,
        waiting: Waiting,
        metadata: Forwarder,
        principal: Principal,
        token: str,
        *,
        begin: str,
        heartbeat_seconds: float,
    ) -> None:
        """`begin`: id of the last event that the client has, or LATEST for new events only."""
        self._waiting = waiting
        self._metadata = metadata
        self._principal = principal
        self._expires_at = expires_at(token)
        self._begin = begin
        self._heartbeat_seconds = heartbeat_seconds

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client leaves, its token expires or the gateway stops."""
        with self._waiting.waiter(self._principal, with_notifications=True) as waiter:
            first = await self._read(scope, self._begin)
            if first.status not in (200, 410):
                await first.send_to(send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
            await write(send, b"retry: %d\n\n" % RETRY_MS)
            async with watching_disconnect(waiter, receive):
                await self._stream(waiter, first, scope, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, waiter: Waiter, reading: JournalResponse, scope: Scope, send: Send) -> None:
        while True:
            if reading.status == 410:
                await write(send, encode_event("cursor_expired", orjson.loads(reading.body), cursor=""))
                return
            if reading.status == 401:
                await write(send, encode_event("token_expired", {}))
                return
            more = False
            if reading.status == 200:  # else metadata is down: it is read again at the next wake-up or check
                page = orjson.loads(reading.body)
                await self._send_changes(page, send)
                cursor, more = str(page["cursor"]), page["has_more"]
            if not more:
                resume_at = time.monotonic() + PAUSE_SECONDS
                if not await self._wait_for_changes(waiter, cursor, send):
                    return
                await asyncio.sleep(resume_at - time.monotonic())
            waiter.begin()
            reading = await self._read_again(scope, cursor)

    async def _wait_for_changes(self, waiter: Waiter, cursor: str, send: Send) -> bool:
        """Wait for a wake-up, sending heartbeats and notifications; False when the stream is to end."""
        waiter.cursor = cursor
        while True:
            left = self._expires_at - unix_time()
            if left <= 0 or waiter.ended:
                await write(send, encode_event("token_expired", {}))
                return False
            if self._waiting.stopping:
                return False
            woken = await waiter.wait(min(self._heartbeat_seconds, left))
            if waiter.gone:
                raise ClientGone
            while waiter.notifications:
                event = waiter.notifications.popleft()
                await write(send, encode_event("notification", {"delivery_id": event.delivery_id, "kind": event.kind}))
            if woken and not waiter.ended:
                return not self._waiting.stopping
            if not waiter.ended:
                await write(send, b": %b\n\n" % rfc3339(utc_now()).encode())

    async def _send_changes(self, page: dict[str, Any], send: Send) -> None:
        changes = page["changes"]
        if changes:
            cursors = (change_cursor(self._principal.account_id, change["seq"]) for change in changes)
            await write(send, b"".join(map(encode_event, repeat("change"), changes, cursors)))

    async def _read(self, scope: Scope, cursor: str) -> JournalResponse:
        return await read_changes(self._metadata, scope, {"cursor": cursor, "limit": str(PAGE)})

    async def _read_again(self, scope: Scope, cursor: str) -> JournalResponse:
        try:
            return await self._read(scope, cursor)
        except DomainError as error:
            return JournalResponse(problem_of(error).status)


def encode_event(name: str, data: Any, cursor: str | None = None) -> bytes:
    """Encode one event. An empty cursor makes the client forget the one it has."""
    head = b"" if cursor is None else b"id: %b\n" % cursor.encode()
    return b"%bevent: %b\ndata: %b\n\n" % (head, name.encode(), orjson.dumps(data))


async def write(send: Send, body: bytes) -> None:
    """Send a part of a stream."""
    await send({"type": "http.response.body", "body": body, "more_body": True})
