"""Detects events that the broker has lost, and publishes them again.

A log never shrinks and never assigns an offset twice. One that does is a new log, and it is unknown who had read the
old one: everything that the outbox still has of its topic is sent again, and consumers ignore the events that they
have handled. Before that, consumers get time to notice that their log is shorter than their position.

The test is whether the last acknowledged batch is still there. Asking for a log's end is cheap, but the embedded
broker's response may be outdated, and leaves out all of the last batch but its first record. So a log that seems too
short is read at that batch, and counts as lost only if it is missing there twice in a row.
"""

import time
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from docstore_events.connection import kafka_connection
from docstore_events.topics import partitions_of
from docstore_platform.mongodb.client import MAJORITY_READS, Collection, Database, UpdateOne
from docstore_platform.settings import InfraSettings

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 10.0
"""Longer than a running consumer takes to notice that a log ends before its position."""

REQUEST_MS = 10_000
READ_SECONDS = 5.0
"""Time limit for reading the last batches: a broker that has them responds at once."""

Offsets = Mapping[TopicPartition, int]


class LogLost(Exception):
    """The broker has lost a log: its topic may have to be created again."""


class SentLogs:
    """First offset of the last acknowledged batch in every log that a service writes to."""

    def __init__(self, database: Database, service: str, settings: InfraSettings) -> None:
        self._logs: Collection = database["sent_logs"].with_options(read_concern=MAJORITY_READS)
        self._outbox: Collection = database["outbox"]
        self._service = service
        self._settings = settings
        self._known: dict[TopicPartition, int] | None = None
        self._missed: set[TopicPartition] = set()
        """Logs whose last batch was missing at the last check."""

    @property
    def suspected(self) -> bool:
        """Whether a log seemed to be lost at the last check, so that another one is due."""
        return bool(self._missed)

    async def known_batches(self) -> Offsets:
        """Return `last_batches` as of the last check; later batches of another relay are found by the next check."""
        if self._known is None:
            return await self.last_batches()
        return self._known

    async def last_batches(self) -> Offsets:
        """Return the offset of the last batch in each log that is not known to be lost."""
        rows = self._logs.find({"lost_at": None})
        self._known = {TopicPartition(row["topic"], row["partition"]): row["last_batch"] async for row in rows}
        return dict(self._known)

    async def advance(self, before: Offsets, acknowledged: Offsets) -> bool:
        """Store the first offsets of acknowledged batches; return whether a log went back and so is lost.

        `before`: the result of `known_batches` before sending.
        """
        back = {at.topic for at, first in acknowledged.items() if first <= before.get(at, -1)}
        went_back = await self._mark_lost(back)
        if self._known is not None:
            self._known |= acknowledged
        await self._logs.bulk_write(
            [
                UpdateOne(
                    {"_id": f"{at.topic}:{at.partition}"},
                    {"$max": {"last_batch": first}, "$set": {"topic": at.topic, "partition": at.partition}},
                    upsert=True,
                )
                for at, first in acknowledged.items()
            ],
            ordered=False,
        )
        return went_back

    async def check(self) -> None:
        """Look for the last batches at the broker; LogLost if one is lost. Republishes events of earlier losses."""
        await self._publish_again()
        batches = await self.last_batches()
        missing = await self._missing(batches) if batches else set()
        lost, self._missed = missing & self._missed, missing
        if await self._mark_lost({at.topic for at in lost}):
            raise LogLost

    async def _missing(self, batches: Offsets) -> set[TopicPartition]:
        """Return the logs whose last batch is not found."""
        present = await self._present(batches)
        if not present:
            return set(batches)
        consumer = AIOKafkaConsumer(
            **kafka_connection(self._settings),
            client_id=f"docstore-{self._service}-logs",
            request_timeout_ms=REQUEST_MS,
            auto_offset_reset="latest",  # a missing offset must not restart from the log's start
            enable_auto_commit=False,
        )
        try:
            await consumer.start()
            consumer.assign(present)  # makes the client find these topics' leaders
            consumer.pause(*present)  # only short logs are read: a producer may lack the right to read
            ends: Offsets = await consumer.end_offsets(present)
            short = {at: batches[at] for at in present if ends[at] <= batches[at]}
            found = await _read(consumer, short) if short else set()
            return set(batches) - set(present) | short.keys() - found
        finally:
            await consumer.stop()

    async def _present(self, logs: Offsets) -> list[TopicPartition]:
        numbers = await partitions_of(self._settings, {at.topic for at in logs})
        return [at for at in logs if at.partition in numbers.get(at.topic, ())]

    async def _mark_lost(self, topics: set[str]) -> bool:
        if topics:
            self._known = None
            log.error("topic_lost_publishing_again", service=self._service, topics=sorted(topics))
            lost = {"topic": {"$in": sorted(topics)}, "lost_at": None}
            await self._logs.update_many(lost, [{"$set": {"lost_at": "$$NOW"}}])
        return bool(topics)

    async def _publish_again(self) -> None:
        settled = {"$lt": ["$lost_at", {"$subtract": ["$$NOW", int(SETTLE_SECONDS * 1000)]}]}
        lost = self._logs.find({"lost_at": {"$ne": None}, "$expr": settled})
        topics = sorted({row["topic"] async for row in lost})
        if not topics:
            return
        self._known = None
        chosen = {"topic": {"$in": topics}}
        await self._outbox.update_many({**chosen, "state": "sent"}, {"$set": {"state": "pending"}})
        await self._logs.delete_many(chosen)  # last: a crash before this line repeats the republishing


async def _read(consumer: AIOKafkaConsumer, batches: Offsets) -> set[TopicPartition]:
    """Return the logs that have a record at the given offset."""
    consumer.assign(list(batches))
    for at, first in batches.items():
        consumer.seek(at, first)
    found: set[TopicPartition] = set()
    deadline = time.monotonic() + READ_SECONDS
    while len(found) < len(batches) and time.monotonic() < deadline:
        for at, records in (await consumer.getmany(timeout_ms=200, max_records=len(batches))).items():
            if any(record.offset >= batches[at] for record in records):
                found.add(at)
                consumer.pause(at)
    return found
