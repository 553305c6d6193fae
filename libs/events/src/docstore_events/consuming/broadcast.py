"""Delivers every event of some topics to every instance of a service, from now on: for hints, not for effects.

No group, no offsets kept, no inbox: events published while the broker is unreachable are missed, and so may be what a
partition holds that has just been made. Whoever listens must find out by other means what matters to it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer

from docstore_events.connection import kafka_connection
from docstore_events.consuming.fetch_wait import SHORTEST_MS, Fetches
from docstore_events.consuming.read_logs import ReadLogs
from docstore_events.envelope import Envelope, UnreadableMessage, open_envelope
from docstore_events.event import Event
from docstore_events.topics import provision_topics
from docstore_platform.settings import InfraSettings
from docstore_work.wakeup import Wakeup

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
QUIET_MS = 250
PEEK_MS = 3 * SHORTEST_MS
UNPARKED_POLL_MS = 1000
METADATA_AGE_MS = 60_000
"""New partitions are found after this long."""


class Broadcast:
    """Passes each event to `handle`. Calls `resumed` whenever listening begins again: events may have been missed."""

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
        """Listen until cancelled; a broker that is down is waited for."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - listening begins anew, whatever it failed with
                log.warning("broadcast_restarted", service=self._service, error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        await provision_topics(self._settings)
        parking = self._settings.idle_interval_ms > 0
        kafka = AIOKafkaConsumer(
            *self._topics,
            **kafka_connection(self._settings),
            client_id=f"docstore-{self._service}-broadcast",
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=SHORTEST_MS if parking else self._settings.fetch_wait_ms,
            metadata_max_age_ms=METADATA_AGE_MS,
        )
        wakeup = Wakeup(self._topics)
        try:
            await kafka.start()
            fetches = Fetches(kafka) if parking else None
            await kafka.seek_to_end()
            for partition in kafka.assignment():
                await kafka.position(partition)
            self._resumed()
            logs = ReadLogs(kafka)
            poll_ms = QUIET_MS if parking else UNPARKED_POLL_MS
            while True:
                batches = await kafka.getmany(timeout_ms=poll_ms)
                for records in batches.values():
                    for record in records:
                        self._tell(record)
                if fetches is not None and not batches and await fetches.at_end():
                    poll_ms = QUIET_MS if await self._park(kafka, logs, wakeup) else PEEK_MS
                    fetches.ask_anew()
                    kafka.resume(*kafka.paused())
        finally:
            wakeup.close()
            await kafka.stop()

    async def _park(self, kafka: AIOKafkaConsumer, logs: ReadLogs, wakeup: Wakeup) -> bool:
        """Have no fetch sent until something is published here, or it is time to look; whether it was the former."""
        kafka.pause(*kafka.assignment())
        woken = await wakeup.wait(self._settings.idle_interval_ms / 1000)
        for partition in await logs.lost():
            await kafka.seek_to_end(partition)
            await kafka.position(partition)
            self._resumed()
        return woken

    def _tell(self, record: Any) -> None:
        try:
            envelope = open_envelope(record.headers, record.value)
        except UnreadableMessage as error:
            log.debug("unreadable_message_skipped", topic=record.topic, error=str(error))
            return
        if envelope is not None:
            self._handle(envelope)
