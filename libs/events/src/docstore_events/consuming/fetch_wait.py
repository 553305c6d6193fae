"""How long the embedded broker may hold an empty fetch: longer than it takes to look for something.

It looks by listing the log's batches, and answers "nothing" if the wait is over before the list is complete: with a
wait that is too short for a long log, or on a busy machine, what is there would never be found. With one that is too
long, what comes while a fetch is under way waits for its end. So the wait doubles while the broker finds nothing but
answers that the log goes on, and gets shorter with every other answer. How long an empty answer took means nothing: it
may have waited for an event to come. How long a found one took is the longest that listing may have taken.

Each fetch costs the broker such a list of every log. So a consumer that shares its process with relays is given what
they send from memory (`LocalFetches`), and asks the broker only now and then.
"""

import asyncio
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from docstore_events.consuming.local_logs import local_logs
from docstore_platform.settings import InfraSettings
from docstore_work.wakeup import Wakeup

SHORTEST_MS = 20
LONGEST_MS = 5000
TIMES_FOUND = 3
"""The wait after a fetch that found something, as a multiple of the time that fetch took."""


def next_wait(wait_ms: int, *, missed: bool, found_in_ms: float | None = None) -> int:
    """The wait after a fetch that missed what is there, that found something in so long, or neither."""
    if missed:
        return min(wait_ms * 2, LONGEST_MS)
    shorter = wait_ms * 0.95 if found_in_ms is None else min(wait_ms * 0.95, TIMES_FOUND * found_in_ms)
    return int(max(shorter, SHORTEST_MS))


class Fetches:
    """The fetches of a started consumer: has their wait follow them.

    aiokafka takes a fixed wait, but reads it at each fetch.
    """

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._fetcher: Any = kafka._fetcher
        self._fetch = self._fetcher._proc_fetch_request
        self._fetcher._proc_fetch_request = self._followed

    async def _followed(self, assignment: Any, node_id: Any, request: Any) -> bool:
        began = monotonic()
        found: bool = await self._fetch(assignment, node_id, request)
        self._fetcher._fetch_max_wait_ms = next_wait(
            self._fetcher._fetch_max_wait_ms,
            missed=not found and any(_end(assignment, at) > offset for at, offset in _asked(request)),
            found_in_ms=1000 * (monotonic() - began) if found else None,
        )
        return found


class LocalFetches(Fetches):
    """The fetches of a consumer that shares its process with relays: answered from memory where that is possible.

    While neither the broker's last answer nor a relay has shown more than was read, the broker is asked once in
    `idle_interval_ms`: for what other processes send.
    """

    def __init__(self, kafka: AIOKafkaConsumer, settings: InfraSettings, topics: Sequence[str]) -> None:
        super().__init__(kafka)
        self._topics = topics
        self._logs = local_logs(settings.kafka_bootstrap)
        self._logs.open(topics)
        self._look_seconds = settings.idle_interval_ms / 1000
        self._looked_at = -self._look_seconds
        self._wakeup = Wakeup(topics)

    def close(self) -> None:
        self._wakeup.close()
        self._logs.close(self._topics)

    async def _followed(self, assignment: Any, node_id: Any, request: Any) -> bool:
        asked = list(_asked(request))
        try:
            while not self._answer(assignment, asked):
                wait = self._looked_at + self._look_seconds - monotonic()
                if wait <= 0 or any(self._goes_on(assignment, at, offset) for at, offset in asked):
                    self._looked_at = monotonic()
                    return await super()._followed(assignment, node_id, request)
                await self._wakeup.wait(wait)
                if not assignment.active or any(_position(assignment, at) != offset for at, offset in asked):
                    return False
        except asyncio.CancelledError:  # as aiokafka: by closing, or since another has the log by now
            return False
        return True

    def refetch(self) -> None:
        """Ask anew: the consumer reads on somewhere else."""
        self._wakeup.wake()

    def _goes_on(self, assignment: Any, at: TopicPartition, offset: int) -> bool:
        """Whether a log may have records from `offset` on."""
        return _end(assignment, at, unknown=offset + 1) > offset or self._logs.end(at) > offset

    def _answer(self, assignment: Any, asked: Sequence[tuple[TopicPartition, int]]) -> bool:
        """Give the consumer what is in memory; whether that is anything."""
        found = False
        for at, offset in asked:
            records = self._logs.since(at, offset)
            if records and assignment.active and _position(assignment, at) == offset:
                found = True
                state = assignment.state_value(at)
                state.highwater = max(state.highwater or 0, self._logs.end(at))
                self._fetcher._records[at] = FetchResult(
                    at,
                    partition_records=_Records(records),
                    assignment=assignment,
                    backoff=self._fetcher._prefetch_backoff,
                )
        return found


class _Records:
    """Records as aiokafka's fetcher takes them."""

    def __init__(self, records: Sequence[ConsumerRecord]) -> None:
        self._records = iter(records)
        self.next_fetch_offset = records[0].offset

    def __iter__(self) -> Iterator[ConsumerRecord]:
        return self

    def __next__(self) -> ConsumerRecord:
        record = next(self._records)
        self.next_fetch_offset = record.offset + 1
        return record


def _asked(request: Any) -> Iterator[tuple[TopicPartition, int]]:
    """The logs of a fetch, and from which offset on."""
    for topic, partitions in request.topics:
        for partition, offset, _ in partitions:
            yield TopicPartition(topic, partition), offset


def _position(assignment: Any, at: TopicPartition) -> int | None:
    state = assignment.state_value(at) if at in assignment.tps else None
    return state.position if state is not None and state.has_valid_position else None


def _end(assignment: Any, at: TopicPartition, unknown: int = 0) -> int:
    """Where a log ends by the broker's last answer."""
    end = assignment.state_value(at).highwater if at in assignment.tps else None
    return unknown if end is None else end
