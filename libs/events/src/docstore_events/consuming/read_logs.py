"""Where a consumer stands in the logs it reads: how far behind, and whether one is another log than it has read.

A log that ends before the consumer's position is another one: Apache Kafka reports that, the embedded broker does
not. But its answer about the end may be an old one, from before the records that we have read; so a log is lost only if
a later answer confirms it.
"""

import contextlib
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError


@dataclass(frozen=True, slots=True)
class _Sighting:
    position: int
    answered_ms: int
    """When the broker first reported that the log ends before this position."""

    def confirms(self, earlier: "_Sighting") -> bool:
        return self.position == earlier.position and self.answered_ms != earlier.answered_ms


class ReadLogs:
    """Of one consumer that has been started."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self._suspects: dict[TopicPartition, _Sighting] = {}

    @property
    def suspected(self) -> bool:
        """Whether a log seemed to be lost at the last look, so that another one is due."""
        return bool(self._suspects)

    async def claim(self) -> None:
        """Commit the beginning of what has no offset yet: so it is seen that the group reads it, before it has."""
        new = [at for at in self._kafka.assignment() if await self._kafka.committed(at) is None]
        if new:
            await self._kafka.commit(await self._kafka.beginning_offsets(new))

    async def lag(self) -> dict[str, int]:
        """Records not read yet, by topic."""
        lag: dict[str, int] = {}
        for at, (position, end) in (await self._stands()).items():
            lag[at.topic] = lag.get(at.topic, 0) + max(end - position, 0)
        return lag

    async def lost(self) -> list[TopicPartition]:
        """The partitions whose log two answers of the broker have ended before our position."""
        ahead = {
            at: _Sighting(position, self._kafka.last_poll_timestamp(at))
            for at, (position, end) in (await self._stands()).items()
            if position > end
        }
        known, self._suspects = self._suspects, ahead
        return [at for at, seen in ahead.items() if at in known and seen.confirms(known[at])]

    async def _stands(self) -> dict[TopicPartition, tuple[int, int]]:
        """Our position and the log's end, of the partitions whose end is known."""
        stands: dict[TopicPartition, tuple[int, int]] = {}
        for at in self._kafka.assignment():
            end = self._kafka.highwater(at)
            if end is not None:
                with contextlib.suppress(KafkaError):
                    stands[at] = await self._kafka.position(at), end
        return stands
