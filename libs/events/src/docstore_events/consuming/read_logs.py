"""A consumer's progress in its logs: its lag, and whether a log was lost and replaced.

A log that ends before the consumer's position was replaced. Apache Kafka reports that, the embedded broker does not.
But its response about the end may be older than the records already read, so a log counts as lost only if a later
response confirms it.
"""

import contextlib
from collections.abc import Mapping
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
    """Progress of one started consumer."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self._suspects: dict[TopicPartition, _Sighting] = {}

    @property
    def suspected(self) -> bool:
        """Whether a log seemed to be lost at the last check, so that another one is due."""
        return bool(self._suspects)

    async def claim(self) -> None:
        """Commit the start of logs without an offset, so that the group is known to read them before it has."""
        new = [at for at in self._kafka.assignment() if await self._kafka.committed(at) is None]
        if new:
            await self._kafka.commit(await self._kafka.beginning_offsets(new))

    async def lag(self, in_hand: Mapping[TopicPartition, int]) -> dict[str, int]:
        """Return the records that wait, by topic. `in_hand`: first offsets of a batch that is read, but not handled."""
        lag: dict[str, int] = {}
        for at, (position, end) in (await self._positions()).items():
            lag[at.topic] = lag.get(at.topic, 0) + max(end - in_hand.get(at, position), 0)
        return lag

    async def lost(self) -> list[TopicPartition]:
        """Return the partitions that, by two responses of the broker, end before the consumer's position."""
        ahead = {
            at: _Sighting(position, self._kafka.last_poll_timestamp(at))
            for at, (position, end) in (await self._positions()).items()
            if position > end
        }
        known, self._suspects = self._suspects, ahead
        return [at for at, seen in ahead.items() if at in known and seen.confirms(known[at])]

    async def _positions(self) -> dict[TopicPartition, tuple[int, int]]:
        """Return position and end of the partitions whose end is known."""
        stands: dict[TopicPartition, tuple[int, int]] = {}
        for at in self._kafka.assignment():
            end = self._kafka.highwater(at)
            if end is not None:
                with contextlib.suppress(KafkaError):
                    stands[at] = await self._kafka.position(at), end
        return stands
