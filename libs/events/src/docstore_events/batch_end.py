"""Acknowledges what was handled: of the logs that it came from, and of no others.

By itself the client commits its position in every log that it reads. A broker writes each of them, the embedded one as
an object of its own: with many topics that was most of what it wrote.
"""

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


class BatchEnd:
    """What FastStream takes for the consumer of a message that has been handled, with others behind it."""

    def __init__(self, kafka: AIOKafkaConsumer, raws: Iterable[Any]) -> None:
        self._kafka = kafka
        self.offsets: dict[TopicPartition, int] = {}
        """The next to be read."""
        for raw in raws:
            at = TopicPartition(raw.topic, raw.partition)
            self.offsets[at] = max(raw.offset + 1, self.offsets.get(at, 0))

    async def commit(self) -> None:
        await self._kafka.commit(self.offsets)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._kafka.seek(partition, offset)
