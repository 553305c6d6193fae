"""`GET /v1/admin/events`: all events as they are published, for administrators, as server-sent events.

event            one event of a service, with its data
missed           the client was too slow: so many events were dropped
token_expired    the access token has expired or was revoked: reconnect with a new one; the stream ends

Nothing is stored and streams can't be resumed: the archive has earlier events. The gateway listens to the broker only
while an administrator watches.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection

import orjson
from starlette.types import Receive, Scope, Send

from docstore_events.catalogue.event import TOPICS, Event
from docstore_events.consuming.broadcast import Broadcast
from docstore_events.envelope import Envelope
from docstore_gateway.push.long_poll import watching_disconnect
from docstore_gateway.push.stream import RETRY_MS, STREAM_HEADERS, encode_event, write
from docstore_platform.clock import rfc3339, unix_time, utc_now
from docstore_platform.errors import TooMany
from docstore_platform.security.tokens import Principal, expires_at
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks, happens_within

MAX_WATCHERS = 16
MAX_BUFFERED_EVENTS = 1000
"""Events buffered for a slow client."""
__all__ = ["TOPICS", "EventFeed", "FeedStream", "Watcher"]


class Watcher:
    """One administrator's stream."""

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = frozenset(topics)
        self._buffer: deque[Envelope[Event]] = deque()
        self._woken = asyncio.Event()
        self.missed = 0
        self.gone = False

    def add(self, envelope: Envelope[Event]) -> None:
        if self._topics and envelope.event.topic not in self._topics:
            return
        if len(self._buffer) == MAX_BUFFERED_EVENTS:
            self._buffer.popleft()
            self.missed += 1
        self._buffer.append(envelope)
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    def leave(self) -> None:
        """End the stream: the client has closed the connection, or the gateway stops."""
        self.gone = True
        self._woken.set()

    async def next(self, seconds: float) -> list[Envelope[Event]]:
        """Return new events, waiting up to `seconds` for the first."""
        await happens_within(seconds, self._woken)
        self._woken.clear()
        if self.gone:
            self._woken.set()
        envelopes = list(self._buffer)
        self._buffer.clear()
        return envelopes


class EventFeed:
    """All events, for the administrators who watch at this gateway."""

    def __init__(self, name: str, settings: InfraSettings) -> None:
        self._name = name
        self._settings = settings
        self._watchers: set[Watcher] = set()
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @contextlib.asynccontextmanager
    async def watching(self, topics: Collection[str]) -> AsyncIterator[Watcher]:
        """Watch these topics, by default all; 429 if there are too many watchers."""
        if len(self._watchers) >= MAX_WATCHERS:
            raise TooMany("Too many administrators are watching.", code="too_many_streams", retry_after=10)
        watcher = Watcher(topics)
        self._watchers.add(watcher)
        if self._listener is None:
            broadcast = Broadcast(self._name, self._settings, TOPICS, self._handle, self._listening.set)
            self._listener = asyncio.create_task(broadcast.run(), name="gateway event feed")
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                await self._stop_listening()

    async def wait_until_listening(self, seconds: float) -> bool:
        """Whether the gateway listens to the broker, now or within `seconds`."""
        return await happens_within(seconds, self._listening)

    def _handle(self, envelope: Envelope[Event]) -> None:
        for watcher in self._watchers:
            watcher.add(envelope)

    def wake(self) -> None:
        """Have every stream check its token."""
        for watcher in self._watchers:
            watcher.wake()

    def stop(self) -> None:
        """End every stream."""
        for watcher in self._watchers:
            watcher.leave()

    async def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        self._listening.clear()
        if listener is not None:
            await end_tasks([listener])


class FeedStream:
    """Serves one watcher."""

    def __init__(
        self,
        feed: EventFeed,
        is_revoked: Callable[[Principal], bool],
        principal: Principal,
        token: str,
        topics: Collection[str],
        *,
        heartbeat_seconds: float,
    ) -> None:
        self._feed = feed
        self._is_revoked = is_revoked
        self._principal = principal
        self._expires_at = expires_at(token)
        self._topics = topics
        self._heartbeat_seconds = heartbeat_seconds

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client leaves, its token expires or the gateway stops."""
        async with self._feed.watching(self._topics) as watcher:
            await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
            await write(send, b"retry: %d\n\n" % RETRY_MS)
            async with watching_disconnect(watcher, receive):
                if await self._feed.wait_until_listening(self._heartbeat_seconds):
                    await write(send, b": listening\n\n")
                await self._stream(watcher, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, watcher: Watcher, send: Send) -> None:
        while not watcher.gone:
            left = self._expires_at - unix_time()
            if left <= 0 or self._is_revoked(self._principal):
                await write(send, encode_event("token_expired", {}))
                return
            envelopes = await watcher.next(min(self._heartbeat_seconds, left))
            if watcher.missed:
                missed, watcher.missed = watcher.missed, 0
                await write(send, encode_event("missed", {"events": missed}))
            if envelopes:
                await write(send, b"".join(map(_encode_envelope, envelopes)))
            else:
                await write(send, b": %b\n\n" % rfc3339(utc_now()).encode())


def _encode_envelope(envelope: Envelope[Event]) -> bytes:
    event = envelope.event
    return encode_event(
        "event",
        {
            "id": envelope.id,
            "type": event.type,
            "topic": event.topic,
            "source": envelope.source,
            "time": rfc3339(envelope.time),
            "subject": event.key(),
            "revision": event.revision,
            "data": orjson.Fragment(event.model_dump_json()),
        },
    )
