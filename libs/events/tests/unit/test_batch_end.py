"""What is committed once a batch has been handled."""

from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from docstore_events.consumer import Consumer
from docstore_events.subscribers import Subscribers


class FakeKafka:
    """Has the rest of a batch to give; notes what is committed."""

    def __init__(self, more: list[Any]) -> None:
        self._more = more
        self.committed: dict[TopicPartition, int] = {}

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        by_log: dict[TopicPartition, list[Any]] = {}
        for raw in self._more:
            by_log.setdefault(TopicPartition(raw.topic, raw.partition), []).append(raw)
        return by_log

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
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
