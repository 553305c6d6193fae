"""Responses that wait for changes: the long poll of `/v1/changes`, and what the stream of events shares with it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

import orjson
import structlog
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.push.waiting import Waiting
from docstore_gateway.responses import BODY_HEADERS, CapturedResponse
from docstore_platform.errors import invalid
from docstore_platform.http.body_limits import ClientGone
from docstore_platform.security.tokens import Principal, unauthorized
from docstore_platform.tasks import end_tasks

CHANGES_PATH = "/v1/changes"
MAX_WAIT_SECONDS = 60
CONNECTION_KEYS = ("type", "asgi", "http_version", "scheme", "client", "server")

log = structlog.get_logger(__name__)


class Disconnectable(Protocol):
    """A waiter that can be notified that its client has disconnected."""

    def leave(self) -> None: ...


@dataclass(slots=True)
class JournalResponse(CapturedResponse):
    """Metadata's response to a read of the journal."""

    _received: bool = False

    async def receive(self) -> Message:
        """Receive a request without a body; further calls wait until cancelled, as from a client that never leaves."""
        if self._received:
            await asyncio.Event().wait()
        self._received = True
        return {"type": "http.request", "body": b"", "more_body": False}


async def read_changes(metadata: Forwarder, scope: Scope, query: dict[str, str]) -> JournalResponse:
    """Request a page of changes on behalf of the client of `scope`."""
    inner: Scope = {key: scope[key] for key in CONNECTION_KEYS if key in scope}
    inner.update(method="GET", path=CHANGES_PATH, raw_path=CHANGES_PATH.encode(), root_path="", state={})
    inner["query_string"] = urlencode(query).encode()
    inner["headers"] = [header for header in scope["headers"] if header[0] not in BODY_HEADERS]
    reading = JournalResponse()
    try:
        await metadata.forward(inner, reading.receive, reading.send)
    except Exception as error:  # the response counts, see below
        # An app in this process answers 500 before it raises an error again: only the response matters here.
        if not reading.status:
            raise
        log.debug("journal_read_failed", error=repr(error))
    return reading


@contextlib.asynccontextmanager
async def watching_disconnect(waiter: Disconnectable, receive: Receive) -> AsyncIterator[None]:
    """Wake the waiter when its client closes the connection."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        waiter.leave()

    watching = asyncio.create_task(until_gone())
    try:
        yield
    finally:
        await end_tasks([watching])


def wait_of(scope: Scope) -> tuple[float, dict[str, str]]:
    """Return how many seconds a request for changes may wait, and its other parameters; 422 if invalid."""
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    text = query.pop("wait", "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= MAX_WAIT_SECONDS):
        raise invalid(f"wait must be a number of seconds up to {MAX_WAIT_SECONDS}.")
    return float(text), query


async def poll_changes(
    waiting: Waiting, metadata: Forwarder, principal: Principal, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer at once if there are changes or no wait is requested, else after a change or the time limit."""
    seconds, query = wait_of(scope)
    if not seconds:
        await (await read_changes(metadata, scope, query)).send_to(send)
        return
    deadline = time.monotonic() + seconds
    with waiting.waiter(principal) as waiter:
        reading = await read_changes(metadata, scope, query)
        cursor = _cursor_if_unchanged(reading)
        if cursor is not None:
            async with watching_disconnect(waiter, receive):
                while cursor is not None and not waiting.stopping:
                    query["cursor"] = waiter.cursor = cursor
                    if not await waiter.wait(deadline - time.monotonic()):
                        break
                    if waiter.gone:
                        raise ClientGone
                    if waiter.ended:
                        raise unauthorized("This session has ended.")
                    waiter.begin()
                    reading = await read_changes(metadata, scope, query)
                    cursor = _cursor_if_unchanged(reading)
    await reading.send_to(send)


def _cursor_if_unchanged(reading: JournalResponse) -> str | None:
    """Return the cursor to continue from if nothing has changed."""
    if reading.status != 200:
        return None
    page = orjson.loads(reading.body)
    return None if page["changes"] else str(page["cursor"])
