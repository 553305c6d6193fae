"""The adapter to FastStream: reads a service's topics in batches and commits what was handled.

FastStream runs the loop, its middlewares and the acknowledgement (NACK_ON_ERROR: a batch that fails is read again).
This module holds all that differs from its own batch subscriber.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, cast

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord
from aiokafka import TopicPartition as Log
from aiokafka.errors import KafkaError
from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaBroker, TopicPartition
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from docstore_events.connection import kafka_security
from docstore_events.consuming.dead_letters import Record
from docstore_events.consuming.fetch_wait import SHORTEST_MS, LocalFetches
from docstore_events.consuming.read_logs import ReadLogs
from docstore_platform.metrics import consumer_lag
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)

MAX_BATCH = 1000
OUTAGE_DELAY_SECONDS = 5.0
WATCH_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 2.0
"""At a log that seems to be lost."""
STUCK_SECONDS = 60.0
COMMIT_SECONDS = 5.0
STOP_SECONDS = 2.0
"""The longest that the last commit may take."""

Handle = Callable[[list[Record]], Awaitable[None]]


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row: longer each time, spread, bounded."""
    return random.uniform(0.1, min(0.2 * 2 ** min(failures, 10), OUTAGE_DELAY_SECONDS))


def batch_after(failures: int) -> int:
    """Records to take at once: fewer after failures, since a batch may be more than one transaction has time for."""
    return max(MAX_BATCH >> failures, 1)


class Activity:
    """What a consumer does, and how often it has failed since it succeeded."""

    def __init__(self) -> None:
        self.handling = False
        self.handled = 0
        self.failures = 0


class ActivityMiddleware(BaseMiddleware):
    """Notes what is handled. Waits after a failure: FastStream then reads the same records again at once."""

    def __init__(self, activity: Activity, message: Any, /, **options: Any) -> None:
        super().__init__(message, **options)
        self._activity = activity

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        activity = self._activity
        activity.handling = True
        try:
            outcome = await call_next(msg)
            activity.failures = 0
            return outcome
        except Exception:
            activity.failures += 1
            await asyncio.sleep(pause_after(activity.failures))
            raise
        finally:
            activity.handling = False
            activity.handled += 1


class BatchConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Gives a batch as soon as there is a record, with those fetched behind it, and commits only what it gave.

    By itself the client commits its position in every log that it reads. A broker writes each of them, the embedded one
    as an object of its own. So only logs that batches came from are committed, and all of `COMMIT_SECONDS` together:
    what is read again after a crash takes no effect, by the inbox.
    """

    def __init__(
        self,
        *topics: str,
        activity: Activity,
        linger_seconds: float = 0.0,
        local: Callable[[AIOKafkaConsumer], LocalFetches] | None = None,
        **options: Any,
    ) -> None:
        """`linger_seconds`: how long records are gathered, so that more of them are one transaction.

        `local` has its fetches answered by relays of the same process.
        """
        super().__init__(*topics, **options)
        self._activity = activity
        self._linger_seconds = linger_seconds
        self._was_full = False
        self._given: dict[Log, int] = {}
        self._uncommitted: dict[Log, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._local = local
        self._fetches: LocalFetches | None = None

    async def start(self) -> None:
        await super().start()
        self._fetches = self._local(self) if self._local is not None else None

    async def getmany(
        self, *partitions: Log, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[Log, list[ConsumerRecord]]:
        """The next batch, however long it takes to come: the arguments' limits do not apply."""
        first = await self.getone()
        at = Log(first.topic, first.partition)
        room = batch_after(self._activity.failures) - 1
        try:
            if self._linger_seconds and not self._was_full:
                await asyncio.sleep(self._linger_seconds)
            more = await super().getmany(max_records=room) if room else {}
        except BaseException:
            self.seek(at, first.offset)
            raise
        self._was_full = sum(map(len, more.values())) >= room
        batch = {at: [first, *more.pop(at, ())], **more}
        self._given = {at: records[-1].offset + 1 for at, records in batch.items()}
        return batch

    async def commit(self, offsets: dict[Log, int] | None = None) -> None:
        """Without `offsets`: the last batch, soon."""
        if offsets is not None:
            for at in offsets:
                self._uncommitted.pop(at, None)
            await super().commit(offsets)
            return
        self._uncommitted |= self._given
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        while self._uncommitted:
            await asyncio.sleep(COMMIT_SECONDS)
            try:
                await self.commit_now()
            except KafkaError as error:
                log.warning("offsets_not_committed", error=repr(error))

    async def commit_now(self) -> None:
        """Commit what was handled. A commit that names a log which another has by now would be refused as a whole."""
        assigned = self.assignment()
        offsets = {at: offset for at, offset in self._uncommitted.items() if at in assigned}
        self._uncommitted = dict(offsets)
        if offsets:
            await super().commit(offsets)
            for at, offset in offsets.items():
                if self._uncommitted.get(at) == offset:
                    del self._uncommitted[at]

    async def stop(self) -> None:
        """Commit what was handled, if the broker is there, and close."""
        if self._fetches is not None:
            self._fetches.close()
            self._fetches = None
        if self._committing is not None:
            await end_tasks([self._committing])
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.commit_now()
        await super().stop()

    def seek(self, partition: Log, offset: int) -> None:
        """Read again from `offset`, unless another has the partition by now."""
        if partition in self.assignment():
            super().seek(partition, offset)
            if self._fetches is not None:
                self._fetches.refetch()


class KafkaReader(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads `topics` as one consumer of the service's group and hands every batch to `handle`.

    If `handle` raises, nothing is committed and the records come again, after a pause and in smaller batches.
    """

    def __init__(
        self, service: str, settings: InfraSettings, topics: Iterable[str], handle: Handle, linger_seconds: float = 0.0
    ) -> None:
        self._service = service
        self._settings = settings
        self._topics = [settings.topic_prefix + topic for topic in topics]
        self._handle = handle
        self._linger_seconds = linger_seconds
        self._activity = Activity()
        self._kafka: BatchConsumer | None = None
        self._logs: ReadLogs | None = None
        self.joined = False
        """Whether the group has given this consumer its share of the partitions, which may be none."""

    async def lag(self) -> dict[str, int]:
        """Records not read yet, by topic; empty while there is no connection."""
        return await self._logs.lag() if self._logs is not None else {}

    def declare(self) -> tuple[KafkaBroker, BatchSubscriber]:
        """FastStream's broker with the one subscriber."""
        settings = self._settings
        broker = KafkaBroker(
            settings.kafka_bootstrap,
            security=kafka_security(settings),
            client_id=f"docstore-{self._service}",
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
            middlewares=[partial(ActivityMiddleware, self._activity)],
        )
        numbers = range(settings.topic_partitions)
        partitions = [TopicPartition(topic, number) for topic in self._topics for number in numbers]

        async def parse(raws: Iterable[ConsumerRecord]) -> KafkaMessage:
            """FastStream's parser fails at headers that are no text, and then the batch would be skipped."""
            return KafkaAckableMessage(raw_message=tuple(raws), body=b"", consumer=subscriber.consumer or FAKE_CONSUMER)

        subscriber = broker.subscriber(
            *(() if settings.single_instance else self._topics),
            partitions=partitions if settings.single_instance else (),
            batch=True,
            group_id=f"{settings.topic_prefix}{self._service}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=self,
            fetch_max_wait_ms=SHORTEST_MS if settings.idle_interval_ms else settings.fetch_wait_ms,
            parser=parse,
            decoder=_decode,
        )
        subscriber(self._handle)
        return broker, subscriber

    async def run(self) -> None:
        """Read until cancelled; raises when it makes no progress although events wait."""
        broker, subscriber = self.declare()
        try:
            await broker.connect()
            local = self._settings.idle_interval_ms > 0
            config = broker.config.broker_config
            config.builder = partial(
                BatchConsumer,
                activity=self._activity,
                linger_seconds=self._linger_seconds,
                local=partial(LocalFetches, settings=self._settings, topics=self._topics) if local else None,
                **config.builder.keywords,  # type: ignore[attr-defined]
            )
            await broker.start()
            kafka = self._kafka = cast("BatchConsumer", subscriber.consumer)
            self._logs = ReadLogs(kafka)
            if self._settings.single_instance:
                await self._logs.claim()
                self.joined = True
            await self._watch(kafka, self._logs)
        finally:
            self._kafka, self._logs, self.joined = None, None, False
            await broker.stop()

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Others join or leave: commit what was handled. What was fetched is still handled, and calls are served."""
        if self._kafka is not None:
            await self._kafka.commit_now()

    async def on_partitions_assigned(self, assigned: object) -> None:
        self.joined = True

    async def _watch(self, kafka: AIOKafkaConsumer, logs: ReadLogs) -> None:
        """Update the lag metric, read lost logs from their start, and raise when there is lag but no progress."""
        activity = self._activity
        handled, since = activity.handled, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS if logs.suspected else WATCH_SECONDS)
            for partition in await logs.lost():
                log.error("topic_lost_reading_from_start", service=self._service, partition=str(partition))
                await kafka.seek_to_beginning(partition)
                await kafka.commit({partition: await kafka.position(partition)})
            lag = await logs.lag()
            for topic, events in lag.items():
                consumer_lag.labels(self._service, topic).set(events)
            now = time.monotonic()
            if not sum(lag.values()) or activity.handling or activity.handled != handled:
                handled, since = activity.handled, now
            elif now - since > STUCK_SECONDS:
                raise RuntimeError(f"no progress for {now - since:.0f} s with events waiting")


async def _decode(message: KafkaMessage) -> list[Record]:
    return [_record(raw) for raw in message.raw_message]


def _record(raw: ConsumerRecord) -> Record:
    key = raw.key.decode(errors="replace") if raw.key else ""
    return Record(raw.topic, raw.partition, raw.offset, key, tuple(raw.headers), raw.value or b"")
