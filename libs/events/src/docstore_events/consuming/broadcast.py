"""Delivers new events of some topics to every instance of a service: for hints, not for effects.

There is no group, no stored offset and no inbox: events published while the broker is unreachable are missed, and so
may be the first ones in a new partition. A listener must find out what matters to it in another way, too.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer

from docstore_events.catalogue.event import Event
from docstore_events.connection import kafka_connection
from docstore_events.consuming.fetch_wait import SHORTEST_MS, LocalFetches
from docstore_events.consuming.read_logs import ReadLogs
from docstore_events.envelope import Envelope, UnreadableMessage, open_envelope
from docstore_events.topics import provision_topics
from docstore_platform.settings import InfraSettings

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
POLL_MS = 1000
METADATA_AGE_MS = 60_000
"""New partitions are found after this long."""


class Broadcast:
    """Passes each event to `handle`. Calls `resumed` whenever it reconnects, since events may have been missed."""

    def __init__(
        self,
        service: str,
        settings: InfraSettings,
        topics: Iterable[str],
        handle: Callable[[Envelope[Event]], None],
        resumed: Callable[[], None],
    ) -> None:
        self._service = service
        self._settings = settings
        self._topics = [settings.topic_prefix + topic for topic in topics]
        self._handle = handle
        self._resumed = resumed

    async def run(self) -> None:
        """Listen until cancelled; wait while the broker is down."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - whatever failed, it reconnects
                log.warning("broadcast_restarted", service=self._service, error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        await provision_topics(self._settings)
        local = self._settings.idle_interval_ms > 0
        kafka = AIOKafkaConsumer(
            *self._topics,
            **kafka_connection(self._settings),
            client_id=f"docstore-{self._service}-broadcast",
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=SHORTEST_MS if local else self._settings.fetch_wait_ms,
            metadata_max_age_ms=METADATA_AGE_MS,
        )
        fetches: LocalFetches | None = None
        try:
            await kafka.start()
            fetches = LocalFetches(kafka, self._settings, self._topics) if local else None
            await kafka.seek_to_end()
            for partition in kafka.assignment():
                await kafka.position(partition)
            self._resumed()
            logs = ReadLogs(kafka)
            while True:
                batches = await kafka.getmany(timeout_ms=POLL_MS)
                for records in batches.values():
                    for record in records:
                        self._pass_on(record)
                for partition in [] if batches else await logs.lost():
                    await kafka.seek_to_end(partition)
                    await kafka.position(partition)
                    self._resumed()
        finally:
            if fetches is not None:
                fetches.close()
            await kafka.stop()

    def _pass_on(self, record: Any) -> None:
        try:
            envelope = open_envelope(record.headers, record.value)
        except UnreadableMessage as error:
            log.debug("unreadable_message_skipped", topic=record.topic, error=str(error))
            return
        if envelope is not None:
            self._handle(envelope)
