"""A broker in memory, the producer that relays use, and consumer groups with rebalances and redeliveries.

A group's member does what `KafkaReader` and `BatchConsumer` do: it reads on from its positions, commits what it has
handled every five seconds and before a rebalance, and after a failure reads the same records again in smaller batches.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition as Log
from aiokafka.errors import KafkaError, KafkaTimeoutError
from network import BROKER, Instance, Network

from docstore_events.consuming.batch_consumer import COMMIT_SECONDS, LARGE_BATCH, batch_after
from docstore_events.consuming.dead_letters import Record
from docstore_events.consuming.kafka_reader import pause_after
from docstore_events.outbox.relay import MAX_BATCH_BYTES
from docstore_events.pacing import Pacing

SESSION_SECONDS = 10.0
"""A member that does not answer for so long is removed from its group."""
JOIN_SECONDS = 3.0
"""How long a rebalance gathers members, so that many joins are one rebalance."""
HEADER_BYTES = 600


@dataclass(frozen=True, slots=True)
class Sent:
    """A record to append."""

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class RecordBatch:
    """Records of one partition, up to the largest batch."""

    def __init__(self) -> None:
        self.records: list[Sent] = []
        self._bytes = 0

    def append(self, *, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]], **_: object) -> object:
        self._bytes += len(value) + HEADER_BYTES
        if self._bytes > MAX_BATCH_BYTES:
            return None
        self.records.append(Sent(key, value, headers))
        return self


class Broker:
    """Logs, and the groups that read them."""

    def __init__(self, network: Network, rng: random.Random, partitions: int) -> None:
        self.network = network
        self.rng = rng
        self.partitions = partitions
        self.logs: defaultdict[Log, list[Record]] = defaultdict(list)
        self.groups: dict[str, Group] = {}
        self.appended_twice = 0

    def append(self, to: Log, batch: Sequence[Sent]) -> int:
        log = self.logs[to]
        first = len(log)
        for number, sent in enumerate(batch, start=first):
            log.append(Record(*to, number, sent.key.decode(), tuple(sent.headers), sent.value))
        for group in self.groups.values():
            if (owner := group.owners.get(to)) is not None:
                owner.news.set()
        return first


class Producer:
    """Takes the place of aiokafka's producer in the relay."""

    broker: Broker

    def __init__(self, **_: object) -> None: ...

    async def start(self) -> None:
        await self.broker.network.travel(BROKER)

    async def stop(self) -> None: ...

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self.broker.partitions))

    def create_batch(self) -> RecordBatch:
        return RecordBatch()

    async def send_batch(self, batch: RecordBatch, topic: str, *, partition: int) -> Awaitable[Any]:
        """Append; if the response is lost, the client sends the same batch again, or gives up."""

        async def send() -> Any:
            for attempt in (1, 2):
                await self.broker.network.travel(BROKER)
                first = self.broker.append(Log(topic, partition), batch.records)
                try:
                    await self.broker.network.travel(BROKER)
                    return SimpleNamespace(offset=first)
                except KafkaError:
                    self.broker.appended_twice += attempt == 1
            raise KafkaTimeoutError

        return asyncio.get_running_loop().create_task(send())


class Group:
    """The consumers of one service: who reads which partition, and what is committed."""

    def __init__(self, broker: Broker, topics: Sequence[str]) -> None:
        self._broker = broker
        self._logs = [Log(topic, number) for topic in topics for number in range(broker.partitions)]
        self.members: list[Member] = []
        self.owners: dict[Log, Member] = {}
        self.committed: Counter[Log] = Counter()
        self.rebalances = 0
        self.delivered = 0
        """Records, as often as they were handed to a consumer."""
        self._pending: asyncio.Task[None] | None = None

    def join(self, member: "Member") -> None:
        if member not in self.members:
            self.members.append(member)
        self.rebalance()

    def rebalance(self) -> None:
        """Begin a rebalance, unless one is under way."""
        if self._pending is None or self._pending.done():
            self._pending = asyncio.get_running_loop().create_task(self._rebalance())

    async def _rebalance(self) -> None:
        await asyncio.sleep(JOIN_SECONDS)
        self.members = [member for member in self.members if member.instance.is_responsive(BROKER)]
        for member in self.members:
            member.commit()
        self.rebalances += 1
        self.owners = {}
        for member in self.members:
            member.positions = {}
        for number, log in enumerate(self._logs if self.members else ()):
            owner = self.members[number % len(self.members)]
            self.owners[log] = owner
            owner.positions[log] = self.committed[log]
        for member in self.members:
            member.generation = self.rebalances
            member.news.set()

    async def watch(self) -> None:
        """Remove members that do not answer."""
        missed: Counter[str] = Counter()
        while True:
            await asyncio.sleep(SESSION_SECONDS / 2)
            silent = [member for member in self.members if not member.instance.is_responsive(BROKER)]
            missed = Counter({member.instance.name: missed[member.instance.name] + 1 for member in silent})
            if max(missed.values(), default=0) >= 2:
                self.rebalance()

    def deliver_again(self, records: int) -> None:
        """Forget the last commits, as a failover of the group's coordinator does."""
        for log in self._logs:
            self.committed[log] = max(0, self.committed[log] - records)
        self.rebalance()


class Member:
    """The consumer of one instance."""

    def __init__(self, broker: Broker, group: Group, instance: Instance) -> None:
        self._broker = broker
        self._group = group
        self.instance = instance
        self.positions: dict[Log, int] = {}
        self.generation = 0
        self.news = asyncio.Event()
        self._handled: dict[Log, int] = {}
        self._pacing = Pacing()

    async def run(self, handle: Callable[[list[Record]], Awaitable[None]]) -> None:
        self._group.join(self)
        failures, was_large, committed_at = 0, False, 0.0
        loop = asyncio.get_running_loop()
        while True:
            if self not in self._group.members:
                await self._rejoin()
            if not self._waiting(1):
                self.news.clear()
                try:
                    await asyncio.wait_for(self.news.wait(), COMMIT_SECONDS if self._handled else None)
                except TimeoutError:
                    self.commit()
                continue
            if not was_large:
                await asyncio.sleep(self._pacing.wait_seconds())
            generation, limit = self.generation, batch_after(failures)
            batch = self._waiting(limit)
            records = [record for some in batch.values() for record in some]
            try:
                await self._broker.network.call(BROKER, _nothing)
                self._group.delivered += len(records)
                await handle(records)
            except Exception:  # noqa: BLE001 - whatever failed, the records are read again
                failures += 1
                await asyncio.sleep(pause_after(failures))
                continue
            failures, was_large = 0, len(records) >= min(limit, LARGE_BATCH)
            self._pacing.count()
            if generation == self.generation:
                ends = {log: some[-1].offset + 1 for log, some in batch.items()}
                self.positions |= ends
                self._handled |= ends
            if loop.time() - committed_at > COMMIT_SECONDS:
                committed_at = loop.time()
                self.commit()

    async def _rejoin(self) -> None:
        while not self.instance.is_responsive(BROKER):  # noqa: ASYNC110 - as a client that tries again
            await asyncio.sleep(1)
        self._handled = {}
        self._group.join(self)
        await asyncio.sleep(JOIN_SECONDS)

    def _waiting(self, limit: int) -> Mapping[Log, list[Record]]:
        """Return up to `limit` records after the positions."""
        batch: dict[Log, list[Record]] = {}
        for log, position in self.positions.items():
            if limit > 0 and (some := self._broker.logs[log][position : position + limit]):
                batch[log] = some
                limit -= len(some)
        return batch

    def commit(self) -> None:
        """Commit what was handled, in the partitions that are still this member's."""
        handled, self._handled = self._handled, {}
        if self.instance.is_responsive(BROKER):
            self._group.committed |= {log: end for log, end in handled.items() if self._group.owners.get(log) is self}


async def _nothing() -> None: ...
