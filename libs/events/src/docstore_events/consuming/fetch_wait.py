"""How long the embedded broker may hold an empty fetch: longer than it takes to look for something.

It looks by listing the log's batches, and answers "nothing" if the wait is over before the list is complete: with a
wait that is too short for a long log, or on a busy machine, what is there would never be found. With one that is too
long, what comes while a fetch is under way waits for its end. So the wait doubles while the broker finds nothing but
answers that the log goes on, and gets shorter with every other answer. How long an empty answer took means nothing: it
may have waited for an event to come. How long a found one took is the longest that listing may have taken.
"""

import asyncio
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from docstore_events.consuming.read_logs import ReadLogs

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
    """The fetches of a started consumer: has their wait follow them, and knows whether they have reached the end.

    aiokafka takes a fixed wait, but reads it at each fetch.
    """

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._logs = ReadLogs(kafka)
        self._asked = 0
        self._answered = asyncio.Event()
        self._fetcher: Any = kafka._fetcher
        self._fetch = self._fetcher._proc_fetch_request
        self._fetcher._proc_fetch_request = self._followed

    def ask_anew(self) -> None:
        """Have only fetches count that begin from now on: one under way may have looked too early."""
        self._asked += 1
        self._answered.clear()

    async def answered(self) -> None:
        """Wait for the answer to a fetch that counts."""
        await self._answered.wait()

    async def at_end(self) -> bool:
        """Whether a fetch that counts was answered, and no log goes on after what has been taken from it."""
        return self._answered.is_set() and not any((await self._logs.lag()).values())

    async def _followed(self, assignment: Any, node_id: Any, request: Any) -> bool:
        asked, began = self._asked, monotonic()
        found: bool = await self._fetch(assignment, node_id, request)
        self._fetcher._fetch_max_wait_ms = next_wait(
            self._fetcher._fetch_max_wait_ms,
            missed=not found and _is_behind(assignment, request),
            found_in_ms=1000 * (monotonic() - began) if found else None,
        )
        if asked == self._asked:
            self._answered.set()
        return found


def _is_behind(assignment: Any, request: Any) -> bool:
    """Whether a log goes on at or after the offset that was asked for, by the broker's answer."""
    for topic, partitions in request.topics:
        for partition, offset, _ in partitions:
            at = TopicPartition(topic, partition)
            end = assignment.state_value(at).highwater if at in assignment.tps else None
            if end is not None and end > offset:
                return True
    return False
