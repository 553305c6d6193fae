"""What is committed once a batch has been handled."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaConnectionError

from docstore_events.consuming.batch_end import BatchEnd, Offsets
from docstore_events.consuming.consumer import Consumer
from docstore_events.subscribers import Subscribers


class FakeKafka:
    """Has the rest of a batch to give; notes what is committed."""

    def __init__(self, more: list[Any], *refusals: Exception) -> None:
        self._more = more
        self._refusals = list(refusals)
        self.assigned = {TopicPartition(topic, partition) for topic in ("files", "usage") for partition in (0, 1)}
        self.committed: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        by_log: dict[TopicPartition, list[Any]] = {}
        for raw in self._more:
            by_log.setdefault(TopicPartition(raw.topic, raw.partition), []).append(raw)
        return by_log

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if not offsets.keys() <= self.assigned:
            raise IllegalStateError("not assigned")
        if self._refusals:
            raise self._refusals.pop()
        self.committed |= offsets


def record(topic: str, partition: int, offset: int) -> SimpleNamespace:
    headers = (("ce_type", b"of-somebody-else"),)
    return SimpleNamespace(topic=topic, partition=partition, offset=offset, key=b"anna", headers=headers, value=b"{}")


async def test_only_the_logs_that_a_batch_came_from_are_committed() -> None:
    """Behind the last record of each; what comes next of any other log is as it was."""
    kafka = FakeKafka([record("usage", 1, 8), record("usage", 1, 9), record("files", 0, 3)])
    message: Any = SimpleNamespace(raw_message=record("usage", 1, 7), consumer=kafka)
    unused: Any = None
    await Consumer("quota", Subscribers[Any](), {"inbox": None}, unused, unused).on_message(message)
    await message.consumer.commit()
    assert kafka.committed == {TopicPartition("usage", 1): 10, TopicPartition("files", 0): 4}


async def test_what_could_not_be_committed_is_with_the_next_batch() -> None:
    """Of whatever logs that is: else one in which nothing more comes would seem unread for ever."""
    kafka: Any = FakeKafka([], KafkaConnectionError())
    uncommitted: Offsets = {}
    with pytest.raises(KafkaConnectionError):
        await BatchEnd(kafka, [record("usage", 1, 7)], uncommitted).commit()
    await BatchEnd(kafka, [record("files", 0, 3)], uncommitted).commit()
    assert kafka.committed == {TopicPartition("usage", 1): 8, TopicPartition("files", 0): 4}
    assert not uncommitted


async def test_logs_that_another_has_by_now_keep_nobody_from_committing_the_others() -> None:
    """A rebalance in the middle of a batch takes one of its two logs away."""
    kafka: Any = FakeKafka([])
    kafka.assigned.remove(TopicPartition("usage", 1))
    await BatchEnd(kafka, [record("usage", 1, 7), record("files", 0, 3)], {}).commit()
    assert kafka.committed == {TopicPartition("files", 0): 4}
