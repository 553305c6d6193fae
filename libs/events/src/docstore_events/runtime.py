"""Runs the event side of one service: topics, outbox relay, consumer, and the watch over them."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, TopicPartition
from faststream.kafka.message import KafkaMessage

from docstore_events.connection import kafka_security
from docstore_events.consuming.consumer import Consumer
from docstore_events.consuming.dead_letters import REFUSED, DeadLetter, DeadLetters
from docstore_events.consuming.fetch_wait import SHORTEST_MS, Fetches
from docstore_events.consuming.parking import Activity, park_when_idle
from docstore_events.consuming.read_logs import ReadLogs
from docstore_events.outbox.relay import Relay
from docstore_events.subscribers import Subscribers
from docstore_events.topics import provision_topics
from docstore_events.transaction import Transaction, Transactor, create_outbox_indexes
from docstore_platform.clock import utc_now
from docstore_platform.metrics import consumer_lag
from docstore_platform.mongo import Database, Document, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
WATCH_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 2.0
"""At a log that seems to be lost."""
STUCK_SECONDS = 60.0
MOST_COUNTED = 1000
"""Outbox rows that wait are counted up to this number."""


class _Joined(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Whether the consumer has been given its share of the partitions, which may be none."""

    def __init__(self) -> None:
        self.done = False

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Others join or leave: what was fetched is still handled, and calls are served meanwhile."""

    async def on_partitions_assigned(self, assigned: object) -> None:
        self.done = True


class EventRuntime:
    """Runs relay and consumer of a service. `transactor` changes the service's state and publishes events."""

    def __init__(
        self,
        service: str,
        settings: InfraSettings,
        mongo: Mongo,
        database: Database,
        subscribers: Subscribers[Any] | None = None,
        *,
        linger_seconds: float = 0.0,
    ) -> None:
        self.service = service
        self._settings = settings
        self._database = database
        self.transactor = Transactor(mongo, database, service, settings.topic_prefix)
        self.dead_letters = DeadLetters(database, service)
        self.relay = Relay(database, service, settings, wakeup_name=self.transactor.wakeup_name)
        self._linger_seconds = linger_seconds
        self.consumer: Consumer | None = None
        if subscribers is not None:
            self.subscribe(subscribers)
        self._logs: ReadLogs | None = None
        self._activity = Activity()
        self._handled = 0
        self._joined = _Joined()

    def subscribe(self, subscribers: Subscribers[Any]) -> None:
        """Set the subscribers before `running`, where they are built with this runtime's transactor."""
        self.consumer = Consumer(
            self.service,
            subscribers,
            self._database,
            self.transactor,
            self.dead_letters,
            linger_seconds=self._linger_seconds,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay and consume until the block ends. A broker that is down is waited for in the background."""
        await create_outbox_indexes(self._database)
        await self.dead_letters.count()
        tasks = [asyncio.create_task(self._keep(self._relay), name=f"{self.service} relay")]
        if self.consumer is not None:
            tasks.append(asyncio.create_task(self._keep(self._consume), name=f"{self.service} consumer"))
        try:
            yield
        finally:
            await end_tasks(tasks)
            await self.relay.lease.give_up()

    async def republish(self, event_ids: Sequence[str]) -> int:
        """Send events of this service again, under their old ids; answers how many of them it had sent before."""
        return await self._republish({"_id": {"$in": list(event_ids)}})

    async def republish_since(self, moment: datetime) -> int:
        """The same with all events sent since: what brings back a log that the broker has lost."""
        return await self._republish({"sent_at": {"$gte": moment}})

    async def _republish(self, chosen: Document) -> int:
        outcome = await self._database["outbox"].update_many(
            {**chosen, "state": "sent"}, {"$set": {"state": "pending"}}
        )
        wake(self.transactor.wakeup_name)
        return int(outcome.modified_count)

    async def replay(self, letter: DeadLetter) -> tuple[int, str | None]:
        """Replay a dead letter and those of its aggregate, or publish again what the broker refused.

        Returns how many succeeded, and why the next one did not.
        """
        if letter.reason != REFUSED:
            assert self.consumer is not None
            return await self.consumer.replay(letter)

        async def work(transaction: Transaction) -> None:
            await self.dead_letters.mark_replayed(letter.id, transaction)
            await self._database["outbox"].update_one(
                {"_id": letter.id, "state": REFUSED}, {"$set": {"state": "pending"}}, session=transaction.session
            )
            transaction.wake_after(self.transactor.wakeup_name)

        await self.transactor.run(work)
        await self.dead_letters.count()
        return 1, None

    async def check_consumer(self) -> None:
        """Readiness: the consumer has joined its group, though with more instances than partitions it gets none."""
        if self.consumer is not None and not self._joined.done:
            raise RuntimeError("the consumer has not joined its group yet")

    async def health(self) -> Document:
        """Lag of this instance's consumer by topic, and numbers of outbox rows and dead letters of the service."""
        lag = await self._logs.lag() if self._logs is not None else {}
        pending = self._database["outbox"].find({"state": "pending"}, {"created_at": 1}).limit(MOST_COUNTED)
        rows = await pending.to_list(MOST_COUNTED)
        oldest = min((row["created_at"] for row in rows), default=None)
        prefix = self._settings.topic_prefix
        return {
            "consumes": self.consumer is not None,
            "joined": self._joined.done,
            "lag": {topic.removeprefix(prefix): events for topic, events in sorted(lag.items())},
            "outbox": {
                "pending": len(rows),
                "oldest_seconds": max((utc_now() - oldest).total_seconds(), 0.0) if oldest else 0.0,
            },
            "dead_letters": await self.dead_letters.count(),
        }

    async def _keep(self, run: Any) -> None:
        """Run a part for as long as the service lives, again whenever it ends."""
        while True:
            try:
                await run()
            except Exception as error:  # noqa: BLE001 - a part that fails in any way is started again
                log.warning("event_task_restarted", service=self.service, part=run.__name__, error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)

    async def _relay(self) -> None:
        await provision_topics(self._settings)
        await self.relay.run()

    async def _consume(self) -> None:
        assert self.consumer is not None
        await provision_topics(self._settings)
        prefix = self._settings.topic_prefix
        broker = KafkaBroker(
            self._settings.kafka_bootstrap,
            security=kafka_security(self._settings),
            client_id=f"docstore-{self.service}",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
        )
        parking = self._settings.idle_park_ms > 0
        topics = [prefix + topic for topic in self.consumer.topics]
        numbers = range(self._settings.topic_partitions)
        partitions = [TopicPartition(topic, number) for topic in topics for number in numbers]
        subscriber = broker.subscriber(
            *(() if self._settings.single_instance else topics),
            partitions=partitions if self._settings.single_instance else (),
            group_id=f"{prefix}{self.service}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=self._joined,
            fetch_max_wait_ms=SHORTEST_MS if parking else self._settings.fetch_wait_ms,
            decoder=_as_it_is,
        )
        assert subscriber.group_id
        subscriber(self._on_message)
        try:
            await broker.start()
            kafka = subscriber.consumer
            assert kafka is not None
            self._logs = ReadLogs(kafka)
            if self._settings.single_instance:
                await self._logs.claim()
                self._joined.done = True
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(kafka, self._logs))
                if parking:
                    look_seconds = self._settings.idle_park_ms / 1000
                    group.create_task(park_when_idle(kafka, Fetches(kafka), self._activity, topics, look_seconds))
        finally:
            self._logs, self._joined.done = None, False
            await broker.stop()

    async def _on_message(self, message: KafkaMessage) -> None:
        assert self.consumer is not None
        self._activity.handling = True
        try:
            await self.consumer.on_message(message)
        finally:
            self._activity.handling = False
            self._handled += 1
            self._activity.note()

    async def _watch(self, kafka: AIOKafkaConsumer, logs: ReadLogs) -> None:
        """Tell the lag; end, and so be restarted, when there is lag but no progress."""
        handled, since = self._handled, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS if logs.suspected else WATCH_SECONDS)
            for partition in await logs.lost():
                log.error("topic_lost_reading_from_start", service=self.service, partition=str(partition))
                await kafka.seek_to_beginning(partition)
                await kafka.commit({partition: await kafka.position(partition)})
            lag = await logs.lag()
            for topic, events in lag.items():
                consumer_lag.labels(self.service, topic).set(events)
            now = time.monotonic()
            if not sum(lag.values()) or self._activity.handling or self._handled != handled:
                handled, since = self._handled, now
            elif now - since > STUCK_SECONDS:
                raise RuntimeError(f"no progress for {now - since:.0f} s with events waiting")


async def _as_it_is(message: KafkaMessage) -> KafkaMessage:
    """The consume path reads the record itself: its headers matter as much as its value."""
    return message
