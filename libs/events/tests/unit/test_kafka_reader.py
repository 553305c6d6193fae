"""Batches, their commits, and recovery after a failure."""

from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaConnectionError
from faststream.kafka import TestKafkaBroker

from docstore_events.consuming import batch_consumer, kafka_reader
from docstore_events.consuming.batch_consumer import MAX_BATCH, Activity, BatchConsumer, batch_after
from docstore_events.consuming.dead_letters import Record
from docstore_events.consuming.kafka_reader import OUTAGE_DELAY_SECONDS, KafkaReader, pause_after
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually


class FakeKafka:
    """The client underneath: has records to give, and notes what it is asked for and what is committed."""

    def __init__(self) -> None:
        self.first = record("usage", 1, 7)
        self.more: list[SimpleNamespace] = []
        self.failures: list[Exception] = []
        self.assigned = {TopicPartition(topic, partition) for topic in ("files", "usage") for partition in (0, 1)}
        self.committed: dict[TopicPartition, int] = {}
        self.requested: list[int] = []
        self.sought: dict[TopicPartition, int] = {}

    def assignment(self, _: Any) -> set[TopicPartition]:
        return self.assigned

    async def getone(self, _: Any) -> SimpleNamespace:
        return self.first

    async def getmany(self, _: Any, *, max_records: int) -> dict[TopicPartition, list[SimpleNamespace]]:
        self.requested.append(max_records)
        if self.failures:
            raise self.failures.pop()
        by_log: dict[TopicPartition, list[SimpleNamespace]] = {}
        for raw in self.more:
            by_log.setdefault(TopicPartition(raw.topic, raw.partition), []).append(raw)
        return by_log

    async def commit(self, _: Any, offsets: dict[TopicPartition, int]) -> None:
        if not offsets.keys() <= self.assigned:
            raise IllegalStateError("not assigned")
        if self.failures:
            raise self.failures.pop()
        self.committed |= offsets

    def seek(self, _: Any, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset


def record(topic: str, partition: int, offset: int, headers: Iterable[tuple[str, bytes]] = ()) -> SimpleNamespace:
    return SimpleNamespace(topic=topic, partition=partition, offset=offset, key=b"ann", headers=headers, value=b"{}")


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    fake = FakeKafka()
    for name in ("assignment", "getone", "getmany", "commit", "seek"):
        method = getattr(fake, name)
        monkeypatch.setattr(AIOKafkaConsumer, name, lambda me, *a, method=method, **b: method(me, *a, **b))
    return fake


@pytest.fixture
async def activity() -> Activity:
    return Activity()


@pytest.fixture
async def consumer(kafka: FakeKafka, activity: Activity) -> AsyncIterator[BatchConsumer]:
    consumer = BatchConsumer(activity=activity)
    yield consumer
    await consumer.stop()


async def test_only_the_logs_that_a_batch_came_from_are_committed(kafka: FakeKafka, consumer: BatchConsumer) -> None:
    """Behind the last record of each; what comes next of any other log is as it was."""
    kafka.more = [record("usage", 1, 8), record("usage", 1, 9), record("files", 0, 3)]
    await consumer.getmany()
    await consumer.commit()
    await consumer.commit_now()
    assert kafka.committed == {TopicPartition("usage", 1): 10, TopicPartition("files", 0): 4}


async def test_a_batch_is_in_hand_until_it_is_handled_or_read_again(kafka: FakeKafka, consumer: BatchConsumer) -> None:
    """By the first record of each log that it came from."""
    kafka.more = [record("usage", 1, 8), record("files", 0, 3)]
    await consumer.getmany()
    assert consumer.in_hand == {TopicPartition("usage", 1): 7, TopicPartition("files", 0): 3}
    consumer.seek(TopicPartition("files", 0), 3)
    assert consumer.in_hand == {TopicPartition("usage", 1): 7}
    await consumer.commit()
    assert consumer.in_hand == {}


async def test_uncommitted_offsets_are_committed_with_the_next_batch(kafka: FakeKafka, consumer: BatchConsumer) -> None:
    """Of whatever logs that is: else one in which nothing more comes would seem unread for ever."""
    await consumer.getmany()
    await consumer.commit()
    kafka.failures = [KafkaConnectionError()]
    with pytest.raises(KafkaConnectionError):
        await consumer.commit_now()
    kafka.first = record("files", 0, 3)
    await consumer.getmany()
    await consumer.commit()
    await consumer.commit_now()
    assert kafka.committed == {TopicPartition("usage", 1): 8, TopicPartition("files", 0): 4}


async def test_a_batch_that_was_not_handled_is_not_committed_with_the_next(
    kafka: FakeKafka, consumer: BatchConsumer
) -> None:
    """It comes again, maybe in parts: only the part that was handled counts."""
    kafka.more = [record("usage", 1, 8), record("files", 0, 3)]
    await consumer.getmany()
    kafka.more = []
    await consumer.getmany()
    await consumer.commit()
    await consumer.commit_now()
    assert kafka.committed == {TopicPartition("usage", 1): 8}


async def test_batches_are_committed_together_and_at_the_latest_when_the_consumer_stops(
    kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit costs the broker a write; a batch that is read again takes no effect."""
    monkeypatch.setattr(batch_consumer, "COMMIT_SECONDS", 0.001)
    consumer = BatchConsumer(activity=Activity())

    async def committed() -> bool:
        return kafka.committed == {TopicPartition("usage", 1): 8}

    await consumer.getmany()
    kafka.failures = [KafkaConnectionError()]
    await consumer.commit()
    await eventually(committed, every=0.001)
    monkeypatch.setattr(batch_consumer, "COMMIT_SECONDS", 3600)
    kafka.first = record("files", 0, 3)
    await consumer.getmany()
    await consumer.commit()
    assert TopicPartition("files", 0) not in kafka.committed
    await consumer.stop()
    assert kafka.committed[TopicPartition("files", 0)] == 4


async def test_a_log_that_is_read_from_its_start_keeps_no_older_commit(
    kafka: FakeKafka, consumer: BatchConsumer
) -> None:
    """Positions in a lost log do not apply to the new one."""
    await consumer.getmany()
    await consumer.commit()
    await consumer.commit({TopicPartition("usage", 1): 0})
    await consumer.commit_now()
    assert kafka.committed == {TopicPartition("usage", 1): 0}


async def test_logs_claimed_by_another_do_not_block_commits_of_the_others(
    kafka: FakeKafka, consumer: BatchConsumer
) -> None:
    """A rebalance in the middle of a batch takes one of its two logs away; the other is read again if it fails."""
    kafka.more = [record("files", 0, 3)]
    await consumer.getmany()
    kafka.assigned.remove(TopicPartition("usage", 1))
    await consumer.commit()
    await consumer.commit_now()
    assert kafka.committed == {TopicPartition("files", 0): 4}
    for log in (TopicPartition("usage", 1), TopicPartition("files", 0)):
        consumer.seek(log, 3)
    assert kafka.sought == {TopicPartition("files", 0): 3}


async def test_a_record_whose_batch_could_not_be_gathered_comes_again(
    kafka: FakeKafka, consumer: BatchConsumer
) -> None:
    """The client has passed it already: without seeking back it would be skipped."""
    kafka.failures = [KafkaConnectionError()]
    with pytest.raises(KafkaConnectionError):
        await consumer.getmany()
    assert kafka.sought == {TopicPartition("usage", 1): 7}


async def test_a_batch_that_fails_is_tried_in_smaller_ones(
    kafka: FakeKafka, consumer: BatchConsumer, activity: Activity
) -> None:
    """What one transaction has no time for would else come again, as it is, for ever."""
    for activity.failures in range(12):
        await consumer.getmany()
    assert kafka.requested == [999, 499, 249, 124, 61, 30, 14, 6, 2]
    assert (batch_after(0), batch_after(10_000)) == (MAX_BATCH, 1)


class Handler:
    """Records events; fails for the given ones."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.error: Exception | None = None

    async def handle(self, records: list[Record]) -> None:
        self.records += records
        if self.error is not None:
            raise self.error


async def test_a_failure_is_paused_for_whatever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records come again at once: without a pause that grows they would come again without end."""
    pauses_after: list[int] = []
    monkeypatch.setattr(kafka_reader, "pause_after", lambda failures: pauses_after.append(failures) or 0.0)
    handler = Handler()
    broker, _ = KafkaReader("quota", InfraSettings(), ["usage"], handler.handle).declare()
    async with TestKafkaBroker(broker, connect_only=False):
        handler.error = OSError("no space left on device")
        for _ in range(2):
            with pytest.raises(OSError, match="no space"):
                await broker.publish(b"{}", "usage")
        handler.error = None
        await broker.publish(b"{}", "usage")
        handler.error = OSError("no space left on device")
        with pytest.raises(OSError, match="no space"):
            await broker.publish(b"{}", "usage")
    assert pauses_after == [1, 2, 1]


async def test_headers_that_are_no_text_reach_the_handler() -> None:
    """FastStream's parser fails at them, and then the records around them would be skipped."""
    handler = Handler()
    broker, subscriber = KafkaReader("quota", InfraSettings(), ["usage"], handler.handle).declare()
    async with TestKafkaBroker(broker, connect_only=False):
        raws: Any = (record("usage", 0, 1, [("ce_id", b"\xff")]), record("usage", 0, 2))
        await subscriber.process_message(raws)
    assert [(one.position, one.headers) for one in handler.records] == [
        ("usage:0:1", (("ce_id", b"\xff"),)),
        ("usage:0:2", ()),
    ]


def test_the_pause_stays_bounded_however_long_an_outage_lasts() -> None:
    """Hours into an outage it is still a few seconds, neither nothing nor an error."""
    assert all(0.1 <= pause_after(failures) <= OUTAGE_DELAY_SECONDS for failures in (1, 10, 1_000, 10_000))
