"""Adapter to FastStream: reads a service's topics in batches and commits the handled ones.

FastStream runs the loop, its middlewares and the acknowledgement (NACK_ON_ERROR: a batch that fails is read again).
This module and `batch_consumer` contain everything that differs from FastStream's own batch subscriber.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord
from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaBroker, TopicPartition
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from docstore_events.connection import kafka_security
from docstore_events.consuming.batch_consumer import Activity, BatchConsumer
from docstore_events.consuming.dead_letters import Record
from docstore_events.consuming.fetch_wait import SHORTEST_MS, LocalFetches
from docstore_events.consuming.read_logs import ReadLogs
from docstore_events.topics import partitions_of
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.metrics import consumer_lag

log = structlog.get_logger(__name__)

OUTAGE_DELAY_SECONDS = 5.0
WATCH_SECONDS = 5.0
RECHECK_SECONDS = 2.0
"""Interval of checks while a log seems to be lost."""
STUCK_SECONDS = 60.0
METADATA_AGE_MS = 60_000
"""New partitions are found after this long, in place of the client's five minutes."""

NONE_ASSIGNED: Mapping[str, Iterable[int]] = MappingProxyType({})
Handle = Callable[[list[Record]], Awaitable[None]]


def pause_after(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: exponential, with jitter, bounded."""
    return random.uniform(0.1, min(0.2 * 2 ** min(failures, 10), OUTAGE_DELAY_SECONDS))


class ActivityMiddleware(BaseMiddleware):
    """Records activity. Waits after a failure, since FastStream reads the same records again at once."""

    def __init__(self, activity: Activity, service: str, message: Any, /, **options: Any) -> None:
        super().__init__(message, **options)
        self._activity = activity
        self._service = service

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        activity = self._activity
        activity.handling = True
        try:
            outcome = await call_next(msg)
            activity.failures = 0
            return outcome
        except Exception as error:  # whatever failed, FastStream reads the batch again
            activity.failures += 1
            log.warning("batch_not_consumed", service=self._service, failures=activity.failures, error=repr(error))
            await asyncio.sleep(pause_after(activity.failures))
            raise
        finally:
            activity.handling = False
            activity.handled += 1


class KafkaReader(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads `topics` as one consumer of the service's group and passes each batch to `handle`.

    If `handle` raises, nothing is committed and the records are read again, after a pause and in smaller batches.
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
        """Whether the group has assigned partitions to this consumer, perhaps none."""

    async def lag(self) -> dict[str, int]:
        """Return the records that wait, by topic; empty while there is no connection."""
        return await self._logs.lag(self._kafka.in_hand) if self._logs is not None and self._kafka is not None else {}

    def declare(self, numbers: Mapping[str, Iterable[int]] = NONE_ASSIGNED) -> tuple[KafkaBroker, BatchSubscriber]:
        """Return FastStream's broker with its only subscriber.

        `numbers`: the partitions of each topic for the only instance of a service, which needs no group to share them.
        """
        settings = self._settings
        broker = KafkaBroker(
            settings.kafka_bootstrap.split(","),  # FastStream takes a string as one address
            security=kafka_security(settings),
            client_id=f"docstore-{self._service}",
            consumer_only=True,
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_AGE_MS,
            apply_types=False,
            logger=None,
            middlewares=[partial(ActivityMiddleware, self._activity, self._service)],
        )
        partitions = [TopicPartition(topic, number) for topic, some in numbers.items() for number in sorted(some)]

        async def parse(raws: Iterable[ConsumerRecord]) -> KafkaMessage:
            """Replaces FastStream's parser, which fails at non-text headers, so that the batch would be skipped."""
            return KafkaAckableMessage(raw_message=tuple(raws), body=b"", consumer=subscriber.consumer or FAKE_CONSUMER)

        subscriber = broker.subscriber(
            *(() if partitions else self._topics),
            partitions=partitions,
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
        alone = self._settings.single_instance
        broker, subscriber = self.declare(await partitions_of(self._settings, self._topics) if alone else NONE_ASSIGNED)
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
            if alone:
                await self._logs.claim()
                self.joined = True
            await self._watch(kafka, self._logs)
        finally:
            self._kafka, self._logs, self.joined = None, None, False
            await broker.stop()

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Commit what was handled before partitions move. Fetched records are still handled, and calls are served."""
        if self._kafka is not None:
            await self._kafka.commit_now()

    async def on_partitions_assigned(self, assigned: object) -> None:
        self.joined = True

    async def _watch(self, kafka: BatchConsumer, logs: ReadLogs) -> None:
        """Update the lag metric, read lost logs from their start, and raise when there is lag but no progress."""
        activity = self._activity
        handled, since = activity.handled, time.monotonic()
        while True:
            await asyncio.sleep(RECHECK_SECONDS if logs.suspected else WATCH_SECONDS)
            for partition in await logs.lost():
                log.error("topic_lost_reading_from_start", service=self._service, partition=str(partition))
                await kafka.seek_to_beginning(partition)
                await kafka.commit({partition: await kafka.position(partition)})
            lag = await logs.lag(kafka.in_hand)
            for topic in self._topics:  # none of one whose partitions another instance reads by now
                consumer_lag.labels(self._service, topic).set(lag.get(topic, 0))
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
