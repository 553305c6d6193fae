"""Answers that wait for changes: the long poll of `/v1/changes`, and what it shares with the stream of events."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

import orjson
import structlog
from starlette.types import Message, Receive, Scope, Send

from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.push.waiting import Waiting
from docstore_gateway.responses import OF_A_BODY, HeaderList, answer
from docstore_platform.body_limits import ClientGone
from docstore_platform.errors import invalid
from docstore_platform.tokens import Principal, unauthorized

CHANGES_PATH = "/v1/changes"
MAX_WAIT_SECONDS = 60
CONNECTION_KEYS = ("type", "asgi", "http_version", "scheme", "client", "server")

log = structlog.get_logger(__name__)


class Leaving(Protocol):
    """Who can be told that its client has gone."""

    def leave(self) -> None: ...


@dataclass(slots=True)
class Reading:
    """What metadata answered to a read of the journal."""

    status: int = 0
    headers: HeaderList = field(default_factory=list)
    body: bytes = b""
    _asked: bool = False

    async def receive(self) -> Message:
        """A request without a body, whose client never leaves: whoever asks for more waits until cancelled."""
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message.get("body", b"")

    async def give(self, send: Send) -> None:
        await answer(send, self.status, self.headers, self.body)


async def read_changes(metadata: Forwarder, scope: Scope, query: dict[str, str]) -> Reading:
    """A page of changes, asked for in the name of the client whose request `scope` is."""
    inner: Scope = {key: scope[key] for key in CONNECTION_KEYS if key in scope}
    inner.update(method="GET", path=CHANGES_PATH, raw_path=CHANGES_PATH.encode(), root_path="", state={})
    inner["query_string"] = urlencode(query).encode()
    inner["headers"] = [header for header in scope["headers"] if header[0] not in OF_A_BODY]
    reading = Reading()
    try:
        await metadata.forward(inner, reading.receive, reading.send)
    except Exception as error:
        # An app in this process raises any error again after it has answered 500: the answer is what counts here.
        if not reading.status:
            raise
        log.debug("journal_read_failed", error=repr(error))
    return reading


@contextlib.asynccontextmanager
async def noticing_departure(waiter: Leaving, receive: Receive) -> AsyncIterator[None]:
    """Have the waiter wake when its client closes the connection."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        waiter.leave()

    watching = asyncio.create_task(until_gone())
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def wait_of(scope: Scope) -> tuple[float, dict[str, str]]:
    """How long a request for changes may wait, in seconds, and its other parameters; 422 for no such time."""
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    text = query.pop("wait", "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= MAX_WAIT_SECONDS):
        raise invalid(f"wait is a number of seconds up to {MAX_WAIT_SECONDS}.")
    return float(text), query


async def poll_changes(
    waiting: Waiting, metadata: Forwarder, principal: Principal, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer at once if there are changes or none are waited for, else when there are, or when the time is up."""
    seconds, query = wait_of(scope)
    if not seconds:
        await (await read_changes(metadata, scope, query)).give(send)
        return
    deadline = time.monotonic() + seconds
    with waiting.waiter(principal) as waiter:
        reading = await read_changes(metadata, scope, query)
        cursor = _end_of_nothing(reading)
        if cursor is not None:
            async with noticing_departure(waiter, receive):
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
                    cursor = _end_of_nothing(reading)
    await reading.give(send)


def _end_of_nothing(reading: Reading) -> str | None:
    """The cursor to go on from, if there is nothing new to tell."""
    if reading.status != 200:
        return None
    page = orjson.loads(reading.body)
    return None if page["changes"] else str(page["cursor"])
