"""Adapts the wait time of fetches to the embedded broker: long enough for it to find records.

The broker finds records by listing the log's batches, and returns nothing if the wait ends before the list is complete.
With a wait too short for a long log or a busy machine, records would never be found. With one too long, new records
wait for the end of a fetch under way. So the wait doubles while the broker finds nothing although it reports that the
log continues, and shrinks with every other response. The duration of an empty response means nothing, since it may have
waited for an event. The duration of a successful one bounds the time that listing took.

Each fetch costs the broker such a list of every log. So a consumer in the same process as the relays gets their records
from memory (`LocalFetches`) and asks the broker only now and then.
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
REVIEW_SECONDS = 5.0
"""The fetcher reviews what it may request after every response, and by itself this often: five times a second by
default, which costs more than all else that an idle consumer does."""
TIMES_FOUND = 3
"""The wait after a successful fetch, as a multiple of that fetch's duration."""


def next_wait(wait_ms: int, *, missed: bool, found_in_ms: float | None = None) -> int:
    """Return the next wait after a fetch that missed records, found some in `found_in_ms`, or neither."""
    if missed:
        return min(wait_ms * 2, LONGEST_MS)
    shorter = wait_ms * 0.95 if found_in_ms is None else min(wait_ms * 0.95, TIMES_FOUND * found_in_ms)
    return int(max(shorter, SHORTEST_MS))


class Fetches:
    """Adapts the wait of a started consumer's fetches.

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
    """Answers fetches from memory where the consumer shares its process with relays.

    While neither the broker's last response nor a relay has shown unread records, the broker is asked only once in
    `idle_interval_ms`, for records of other processes.
    """

    def __init__(self, kafka: AIOKafkaConsumer, settings: InfraSettings, topics: Sequence[str]) -> None:
        super().__init__(kafka)
        self._fetcher._fetcher_timeout = REVIEW_SECONDS
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
                if wait <= 0 or any(self._continues(assignment, at, offset) for at, offset in asked):
                    self._looked_at = monotonic()
                    return await super()._followed(assignment, node_id, request)
                await self._wakeup.wait(wait)
                if not assignment.active or any(_position(assignment, at) != offset for at, offset in asked):
                    return False
        except asyncio.CancelledError:  # as aiokafka does: closed, or the partition was reassigned
            return False
        return True

    def refetch(self) -> None:
        """Discard the current fetches: the consumer's position has changed."""
        self._wakeup.wake()

    def _continues(self, assignment: Any, at: TopicPartition, offset: int) -> bool:
        """Whether a log may have records from `offset` on."""
        return _end(assignment, at, unknown=offset + 1) > offset or self._logs.end(at) > offset

    def _answer(self, assignment: Any, asked: Sequence[tuple[TopicPartition, int]]) -> bool:
        """Give the consumer the records in memory; return whether there were any."""
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
    """Records in the form of aiokafka's fetcher."""

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
    """Iterate over the logs and offsets of a fetch."""
    for topic, partitions in request.topics:
        for partition, offset, _ in partitions:
            yield TopicPartition(topic, partition), offset


def _position(assignment: Any, at: TopicPartition) -> int | None:
    state = assignment.state_value(at) if at in assignment.tps else None
    return state.position if state is not None and state.has_valid_position else None


def _end(assignment: Any, at: TopicPartition, unknown: int = 0) -> int:
    """Return the end of a log by the broker's last response."""
    end = assignment.state_value(at).highwater if at in assignment.tps else None
    return unknown if end is None else end
