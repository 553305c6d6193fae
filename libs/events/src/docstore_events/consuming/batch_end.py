"""Acknowledges what was handled: of the logs that it came from, and of no others.

By itself the client commits its position in every log that it reads. A broker writes each of them, the embedded one as
an object of its own: with many topics that was most of what it wrote.
"""

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

Offsets = dict[TopicPartition, int]
"""The next to be read."""


class BatchEnd:
    """What FastStream takes for the consumer of a message that has been handled, with others behind it."""

    def __init__(self, kafka: AIOKafkaConsumer, raws: Iterable[Any], uncommitted: Offsets) -> None:
        """`uncommitted`: of all batches. FastStream only logs a commit that fails: the next batch's makes up for it."""
        self._kafka = kafka
        self._uncommitted = uncommitted
        for raw in raws:
            uncommitted[TopicPartition(raw.topic, raw.partition)] = raw.offset + 1

    async def commit(self) -> None:
        # What another has by now goes on there; a commit that named it would be refused as a whole.
        for lost in self._uncommitted.keys() - self._kafka.assignment():
            del self._uncommitted[lost]
        if self._uncommitted:
            await self._kafka.commit(dict(self._uncommitted))
            self._uncommitted.clear()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._kafka.seek(partition, offset)
