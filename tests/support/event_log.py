"""Reads the published events from Kafka."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer

from docstore_events.catalogue.event import TOPICS, Event
from docstore_events.consuming.fetch_wait import SHORTEST_MS, Fetches
from docstore_events.envelope import Envelope, UnreadableMessage, open_envelope
from docstore_platform.testing import eventually

Seen = Envelope[Event]
LAST_SHOWN = 20


class EventLog:
    """Every event from the beginning of the topics on."""

    def __init__(self, bootstrap: str, username: str = "", password: str = "") -> None:
        self._connection: dict[str, Any] = {"bootstrap_servers": bootstrap}
        if username:
            self._connection |= {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": username,
                "sasl_plain_password": password,
            }
        self.events: list[Seen] = []

    async def __aenter__(self) -> "EventLog":
        self._consumer = AIOKafkaConsumer(
            *TOPICS, **self._connection, auto_offset_reset="earliest", fetch_max_wait_ms=SHORTEST_MS
        )
        await self._consumer.start()
        Fetches(self._consumer)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self._consumer.stop()

    async def _read(self) -> None:
        record: Any
        async for record in self._consumer:
            try:
                envelope = open_envelope(record.headers, record.value)
            except UnreadableMessage:  # what another test has sent to the same broker
                continue
            if envelope is not None:
                self.events.append(envelope)

    async def until(self, wanted: Callable[[list[Seen]], bool]) -> list[Seen]:
        """All published events, as soon as they are the expected ones."""

        async def published() -> bool:
            if self._reading.done():
                self._reading.result()
            return wanted(self.events)

        try:
            await eventually(published)
        except AssertionError as error:
            last = [f"{one.source} {one.event.type} {one.traceparent} {one.time}" for one in self.events[-LAST_SHOWN:]]
            raise AssertionError(f"{error}; the last of {len(self.events)} events: {last}") from None
        return list(self.events)
