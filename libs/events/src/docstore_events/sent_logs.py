"""Notices that the broker has lost what was said, and says it again.

A log never gets shorter and never gives out an offset twice. One that does is another log than the one written to
before, and nobody knows who had read that: all that the outbox keeps of its topic goes out once more, and who has
handled an event ignores it. Before that the consumers get time to see that their log is a short one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, UnknownTopicOrPartitionError, for_code

from docstore_events.connection import kafka_connection
from docstore_platform.mongo import MAJORITY_READS, Collection, Database, UpdateOne
from docstore_platform.settings import InfraSettings

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 10.0
"""Longer than a consumer that runs takes to notice that the log ends before its position."""

REQUEST_MS = 10_000

Offsets = Mapping[TopicPartition, int]


class LogLost(Exception):
    """The broker has lost a log: its topic may have to be made anew."""


def partitions_there(topics: Sequence[Mapping[str, Any]]) -> dict[str, set[int]]:
    """By topic, from a broker's description of topics. Only one that it says it does not know has none.

    KafkaError for any other answer: who may not see a topic, or asks at a bad moment, has lost nothing.
    """
    for topic in topics:
        error = for_code(topic["error_code"])
        if error is not NoError and error is not UnknownTopicOrPartitionError:
            raise error(f"topic {topic['topic']} can't be described")
    return {topic["topic"]: {each["partition"] for each in topic["partitions"]} for topic in topics}


class SentLogs:
    """The last offset that the broker has acknowledged to this service, of every log that the service writes to."""

    def __init__(self, database: Database, service: str, settings: InfraSettings) -> None:
        self._logs: Collection = database["outbox_logs"].with_options(read_concern=MAJORITY_READS)
        self._outbox: Collection = database["outbox"]
        self._service = service
        self._settings = settings

    async def last(self) -> dict[TopicPartition, int]:
        """What no log may end before; a log known to be lost is not among these."""
        rows = self._logs.find({"lost_at": None})
        return {TopicPartition(row["topic"], row["partition"]): row["last"] async for row in rows}

    async def advance(self, before: Offsets, acknowledged: Mapping[TopicPartition, tuple[int, int]]) -> bool:
        """Note the first offset and the number of what was acknowledged; whether a log went back and so is lost.

        `before` is what `last` answered before the sending.
        """
        back = {at.topic for at, (first, _) in acknowledged.items() if first <= before.get(at, -1)}
        went_back = await self._mark_lost(back)
        await self._logs.bulk_write(
            [
                UpdateOne(
                    {"_id": f"{at.topic}:{at.partition}"},
                    {"$max": {"last": first + number - 1}, "$set": {"topic": at.topic, "partition": at.partition}},
                    upsert=True,
                )
                for at, (first, number) in acknowledged.items()
            ],
            ordered=False,
        )
        return went_back

    async def check(self) -> None:
        """Ask the broker where the logs end: LogLost if one is lost. What was lost earlier is said again."""
        await self._say_again()
        last = await self.last()
        if last:
            ends = await self._ends(last)
            if await self._mark_lost({at.topic for at, offset in last.items() if ends.get(at, 0) <= offset}):
                raise LogLost

    async def _ends(self, logs: Offsets) -> Offsets:
        """Where those of the logs end that are there."""
        present = await self._present(logs)
        if not present:
            return {}
        consumer = AIOKafkaConsumer(
            **kafka_connection(self._settings),
            client_id=f"docstore-{self._service}-logs",
            request_timeout_ms=REQUEST_MS,
            enable_auto_commit=False,
        )
        try:
            await consumer.start()
            consumer.assign(present)  # makes the client ask for these topics' leaders
            ends: Offsets = await consumer.end_offsets(present)
            return ends
        finally:
            await consumer.stop()

    async def _present(self, logs: Offsets) -> list[TopicPartition]:
        admin = AIOKafkaAdminClient(**kafka_connection(self._settings), request_timeout_ms=REQUEST_MS)
        await admin.start()
        try:
            topics = await admin.describe_topics(sorted({at.topic for at in logs}))
        finally:
            await admin.close()
        numbers = partitions_there(topics)
        return [at for at in logs if at.partition in numbers.get(at.topic, ())]

    async def _mark_lost(self, topics: set[str]) -> bool:
        if topics:
            log.error("the broker lost a log, saying all of it again", service=self._service, topics=sorted(topics))
            lost = {"topic": {"$in": sorted(topics)}, "lost_at": None}
            await self._logs.update_many(lost, [{"$set": {"lost_at": "$$NOW"}}])
        return bool(topics)

    async def _say_again(self) -> None:
        settled = {"$lt": ["$lost_at", {"$subtract": ["$$NOW", int(SETTLE_SECONDS * 1000)]}]}
        lost = self._logs.find({"lost_at": {"$ne": None}, "$expr": settled})
        topics = sorted({row["topic"] async for row in lost})
        if not topics:
            return
        chosen = {"topic": {"$in": topics}}
        await self._outbox.update_many({**chosen, "state": "sent"}, {"$set": {"state": "pending"}})
        await self._logs.delete_many(chosen)  # last: after a crash before it, all is said again
