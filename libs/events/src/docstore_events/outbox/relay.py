"""The relay: sends outbox rows to the broker at least once, in each aggregate's order.

One instance of a service relays at a time, under a leader lease; another takes over when the lease ends. Rows are
chosen by state, never by "greater than the last id", since ids are not in commit order. The rows of one partition are
one record batch, which the broker appends as a whole, so no row overtakes an earlier one of its aggregate. A log that
the broker has lost is sent again (`sent_logs`). An event that is too large for the broker becomes a dead letter:
retrying it forever would hold up all others.
"""

import asyncio
import time
from collections import defaultdict

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from docstore_events.connection import kafka_connection
from docstore_events.consuming.dead_letters import REFUSED, DeadLetter, DeadLetters, Record
from docstore_events.consuming.local_logs import local_logs
from docstore_events.envelope import header_map
from docstore_events.outbox.bulk import let_bulk_pass
from docstore_events.outbox.send_spans import send_span
from docstore_events.outbox.sent_logs import LogLost, SentLogs
from docstore_events.pacing import Pacing
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import (
    ASCENDING,
    MAJORITY_READS,
    Collection,
    Database,
    Document,
    PyMongoError,
)
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.metrics import outbox_lag_seconds, outbox_pending
from docstore_work.leader_lease import LeaderLease
from docstore_work.wakeup import Wakeup, wake

log = structlog.get_logger(__name__)

LEASE_COLLECTION = "outbox_lease"
LEASE_SECONDS = 10.0
PAGE = 1000
MAX_BATCH_BYTES = 900_000
NO_OFFSET = -1
RETRY_SECONDS = 0.5
METADATA_AGE_MS = 60_000
"""Rows are sent to new partitions after this long, in place of the client's five minutes."""
CHECK_SECONDS, IDLE_CHECK_SECONDS = 15.0, 60.0
"""Pause between two checks of the logs: it doubles while nothing is sent and no log seems to be lost."""
HELD_BACK_SECONDS = 5.0
"""Longest time that pending rows wait for bulk requests; then all are sent before the relay waits again."""


class LeaseLost(Exception):
    """Another relay has taken over."""


class Relay:
    """Sends the outbox of one service."""

    def __init__(
        self,
        database: Database,
        service: str,
        settings: InfraSettings,
        *,
        wakeup_name: str,
        lease_seconds: float = LEASE_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        # Read majority-committed rows only: an election may roll back others, and their changes with them.
        self._outbox: Collection = database["outbox"].with_options(read_concern=MAJORITY_READS)
        self.lease = LeaderLease(database[LEASE_COLLECTION], "relay", seconds=lease_seconds)
        self._dead_letters = DeadLetters(database, service)
        self._logs = SentLogs(database, service, settings)
        self._service = service
        self._client_id = f"docstore-{service}-relay"
        self._settings = settings
        self._clock = clock
        self._wakeup_name = wakeup_name
        self._partition = DefaultPartitioner()
        self._local = local_logs(settings.kafka_bootstrap)
        self._pacing = Pacing()
        self._drained = True
        self._drained_at = time.monotonic()
        self._checked_at = self._drained_at - CHECK_SECONDS
        self._check_seconds = CHECK_SECONDS
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        """Relay until cancelled. A row stays pending until the broker has acknowledged it.

        KafkaError and LogLost are raised: the caller provisions the topics and runs the relay again.
        """
        poll_seconds = self._settings.outbox_interval_ms / 1000
        wakeup = Wakeup([self._wakeup_name])
        try:
            while True:
                try:
                    await let_bulk_pass(self._drained_at + HELD_BACK_SECONDS)
                    held = await self.lease.hold()
                    if not held:
                        self._show([])  # the instance that relays shows them
                    if held and time.monotonic() - self._checked_at > self._check_seconds:
                        await self._check_logs()
                    if held and await self.relay_pending() and not self._drained:
                        continue
                except (PyMongoError, LeaseLost) as error:
                    log.warning("outbox_relay_failed", service=self._service, error=repr(error))
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                await wakeup.wait(poll_seconds)
                await asyncio.sleep(self._pacing.wait_seconds())
        finally:
            wakeup.close()
            await self.close()

    async def _check_logs(self) -> None:
        self._checked_at = time.monotonic()  # a failing check must not stop the sending
        pause, self._check_seconds = self._check_seconds, CHECK_SECONDS
        await self._logs.check()
        if not self._logs.suspected:
            self._check_seconds = min(2 * pause, IDLE_CHECK_SECONDS)

    async def waiting(self) -> tuple[int, float]:
        """Return how many rows are pending, up to a page, and the age of the oldest in seconds. Metrics show both."""
        rows = await self._outbox.find({"state": "pending"}, {"created_at": 1}).limit(PAGE).to_list(PAGE)
        return len(rows), self._show(rows)

    def _show(self, rows: list[Document]) -> float:
        oldest = min((row["created_at"] for row in rows), default=None)
        lag = max((self._clock() - oldest).total_seconds(), 0.0) if oldest else 0.0
        outbox_pending.labels(self._service).set(len(rows))
        outbox_lag_seconds.labels(self._service).set(lag)
        return lag

    async def relay_pending(self) -> int:
        """Send one page of pending rows; return how many are no longer pending."""
        order = [("sequence", ASCENDING), ("_id", ASCENDING)]
        pending = self._outbox.find({"state": "pending"}, sort=order, limit=PAGE, batch_size=PAGE)
        rows = await pending.to_list(PAGE)
        self._show(rows)
        self._drained = not rows
        if not rows:
            self._drained_at = time.monotonic()
            return 0
        self._check_seconds = CHECK_SECONDS
        producer = await self._get_producer()
        before = await self._logs.known_batches()
        logs: defaultdict[TopicPartition, list[Document]] = defaultdict(list)
        for row in rows:
            numbers = sorted(await producer.partitions_for(row["topic"]))
            logs[TopicPartition(row["topic"], self._partition(row["key"].encode(), numbers, numbers))].append(row)
        outcomes = await asyncio.gather(
            *(self._send_traced(producer, to, batch) for to, batch in logs.items()), return_exceptions=True
        )
        acknowledged = {to: outcome for to, outcome in zip(logs, outcomes, strict=True) if isinstance(outcome, tuple)}
        for to, (first, number) in acknowledged.items():
            if self._local.is_read(to.topic):
                self._local.append([_record(to, first + index, row) for index, row in enumerate(logs[to][:number])])
        for topic in {to.topic for to in logs}:
            wake(topic)
        sent = [row["_id"] for to, (_, number) in acknowledged.items() for row in logs[to][:number]]
        if sent:  # offsets first: a row marked as sent must have a known place in a log
            firsts = {to: first for to, (first, _) in acknowledged.items()}
            went_back = await self._logs.advance(before, firsts)
            self._pacing.count()
            await self._mark_sent(sent)
            if went_back:
                raise LogLost
        failed = {to: error for to, error in zip(logs, outcomes, strict=True) if isinstance(error, BaseException)}
        refused = [to for to, error in failed.items() if isinstance(error, MessageSizeTooLargeError)]
        for to in refused:
            await self._dead_letter(logs[to][0], to)
            del failed[to]
        for error in failed.values():
            raise error
        if len(sent) == len(rows) < PAGE:  # later commits have woken the relay again
            self._drained, self._drained_at = True, time.monotonic()
        return len(sent) + len(refused)

    async def _send_traced(
        self, producer: AIOKafkaProducer, to: TopicPartition, rows: list[Document]
    ) -> tuple[int, int]:
        with send_span(self._service, self._client_id, to, rows):
            return await self._send(producer, to, rows)

    async def _send(self, producer: AIOKafkaProducer, to: TopicPartition, rows: list[Document]) -> tuple[int, int]:
        """Append as many of `rows`, in order, as fit into one record batch; return the first offset and how many.

        MessageSizeTooLargeError if the first row alone is too large for the broker.
        """
        batch = producer.create_batch()
        fitting = 0
        for row in rows:
            content = {"value": row["value"], "timestamp": _timestamp(row), "headers": _headers(row)}
            if batch.append(key=row["key"].encode(), **content) is None:
                break
            fitting += 1
        acknowledged = await producer.send_batch(batch, to.topic, partition=to.partition)
        try:
            return (await acknowledged).offset, fitting
        except MessageSizeTooLargeError:
            if fitting == 1:
                raise
        return await self._send(producer, to, rows[: fitting // 2])

    async def _dead_letter(self, row: Document, to: TopicPartition) -> None:
        headers = tuple((name, bytes(value)) for name, value in row["headers"])
        record = Record(to.topic, to.partition, NO_OFFSET, row["key"], headers, bytes(row["value"]))
        error = f"too large for the broker: {len(record.value)} bytes"
        log.error("event_refused_by_broker", service=self._service, event_id=row["_id"], error=error)
        dead_letter = DeadLetter(row["_id"], record, header_map(headers)["ce_type"], REFUSED, error, self._clock())
        await self._dead_letters.put_refused(dead_letter)
        await self._outbox.update_one({"_id": row["_id"], "state": "pending"}, {"$set": {"state": REFUSED}})

    async def _mark_sent(self, ids: list[str]) -> None:
        """Mark rows as sent, only while holding the lease: a stale relay may repeat a message, never lose one."""
        if not self.lease.is_held and not await self.lease.hold():
            raise LeaseLost
        await self._outbox.update_many({"_id": {"$in": ids}}, {"$set": {"state": "sent", "sent_at": self._clock()}})

    async def _get_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            # Not idempotent: the embedded broker has no InitProducerId, and the inbox makes duplicates harmless.
            producer = AIOKafkaProducer(
                **kafka_connection(self._settings),
                client_id=self._client_id,
                acks="all",
                max_batch_size=MAX_BATCH_BYTES,
                request_timeout_ms=10_000,
                metadata_max_age_ms=METADATA_AGE_MS,
            )
            try:
                await producer.start()
            except BaseException:  # also when cancelled: a half-started producer must be stopped
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Close the connection to the broker; the next row opens another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


def _timestamp(row: Document) -> int:
    return int(row["created_at"].timestamp() * 1000)


def _headers(row: Document) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in row["headers"]]


def _record(to: TopicPartition, offset: int, row: Document) -> ConsumerRecord:
    """Return an acknowledged row as a consumer would receive it."""
    key, value = row["key"].encode(), bytes(row["value"])
    where = (to.topic, to.partition, offset, _timestamp(row), 0)
    return ConsumerRecord(*where, key, value, None, len(key), len(value), _headers(row))
