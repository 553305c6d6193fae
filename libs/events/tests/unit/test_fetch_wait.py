"""How long the broker may hold a fetch, and which fetches need no broker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from docstore_events.consuming.fetch_wait import (
    LONGEST_MS,
    SHORTEST_MS,
    TIMES_FOUND,
    Fetches,
    LocalFetches,
    next_wait,
)
from docstore_events.consuming.local_logs import MAX_RECORDS, LocalLogs, local_logs
from docstore_platform.settings import InfraSettings
from docstore_work.wakeup import wake

HOUR_MS = 3_600_000
HERE = TopicPartition("files", 1)
AT = 7
REQUEST: Any = SimpleNamespace(topics=[("files", [(1, AT, 0)])])


class FakeKafka:
    """A consumer that has read one log up to `AT`, whose broker answers as the test wants."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(highwater=None, position=AT, has_valid_position=True, paused=False)
        self.answers: asyncio.Queue[bool] = asyncio.Queue()
        self.state.consumed_to = lambda position: setattr(self.state, "position", position)
        self._fetcher: Any = SimpleNamespace(
            _proc_fetch_request=self._fetch, _fetch_max_wait_ms=SHORTEST_MS, _records={}, _prefetch_backoff=0.1
        )
        self._assignment = SimpleNamespace(tps={HERE}, state_value=lambda _: self.state, active=True)

    async def _fetch(self, *_: object) -> bool:
        return await self.answers.get()

    @property
    def wait_ms(self) -> int:
        return int(self._fetcher._fetch_max_wait_ms)

    async def fetch(self, *, found: bool = False, end: int | None = AT) -> None:
        """One fetch, answered with the end of the log and with records or without."""
        self.state.highwater = end
        self.answers.put_nowait(found)
        await self.begin()

    async def begin(self) -> None:
        await self._fetcher._proc_fetch_request(self._assignment, 1, REQUEST)

    def given(self) -> list[int]:
        """Offsets of the records that the consumer would now take."""
        results = list(self._fetcher._records.values())
        self._fetcher._records.clear()
        return [record.offset for result in results for record in result.getall()]


def fetches_of(kafka: FakeKafka) -> Fetches:
    like: Any = kafka
    return Fetches(like)


@given(look_ms=st.floats(1, LONGEST_MS / 2), wait_ms=st.integers(SHORTEST_MS, LONGEST_MS))
def test_existing_records_arrive_within_a_few_fetches(look_ms: float, wait_ms: int) -> None:
    """However long looking takes: the broker finds nothing in a wait that is shorter than that."""
    missed = []
    for _ in range(200):
        missed.append(wait_ms <= look_ms)
        wait_ms = next_wait(wait_ms, missed=missed[-1], found_in_ms=None if missed[-1] else look_ms)
    assert sum(missed[:10]) <= 9
    assert sum(missed[10:]) <= 0.2 * len(missed)


@given(wait_ms=st.integers(SHORTEST_MS, LONGEST_MS))
def test_a_wait_that_was_long_once_does_not_stay_so(wait_ms: int) -> None:
    """What comes meanwhile waits for its end."""
    for _ in range(120):
        wait_ms = next_wait(wait_ms, missed=False)
    assert wait_ms == SHORTEST_MS
    assert next_wait(LONGEST_MS, missed=False, found_in_ms=30) == TIMES_FOUND * 30


async def test_a_consumers_wait_follows_its_fetches() -> None:
    """It grows only while something is there and not found, and not once it is found."""
    kafka = FakeKafka()
    fetches_of(kafka)
    for end in (None, AT, AT, 3):
        await kafka.fetch(end=end)
    assert kafka.wait_ms == SHORTEST_MS
    for _ in range(4):
        await kafka.fetch(end=AT + 1)
    grown = kafka.wait_ms
    assert grown > 4 * SHORTEST_MS
    await kafka.fetch(found=True, end=AT + 1)
    assert kafka.wait_ms < grown


@pytest.fixture
def logs() -> Iterator[LocalLogs]:
    logs = local_logs("broker")
    yield logs
    assert not logs.is_read("files")  # whoever reads has closed


@asynccontextmanager
async def local_fetches(kafka: FakeKafka, look_ms: int = HOUR_MS) -> AsyncIterator[LocalFetches]:
    like: Any = kafka
    settings = InfraSettings.model_validate({"kafka_bootstrap": "broker", "idle_interval_ms": look_ms})
    fetches = LocalFetches(like, settings, ["files"])
    try:
        yield fetches
    finally:
        fetches.close()


def sent(*offsets: int) -> list[ConsumerRecord]:
    return [ConsumerRecord("files", 1, offset, 0, 0, b"", b"{}", None, 0, 2, ()) for offset in offsets]


async def test_records_of_the_own_relay_come_from_memory(logs: LocalLogs) -> None:
    """Once the broker has been asked where the log ends, it is not asked again."""
    kafka = FakeKafka()
    async with local_fetches(kafka):
        await kafka.fetch()
        waiting = asyncio.create_task(kafka.begin())
        await asyncio.sleep(0)
        assert kafka.given() == []
        logs.append(sent(AT, AT + 1))
        wake("files")
        await waiting
        assert kafka.given() == [AT, AT + 1]
        assert kafka.state.highwater == AT + 2


async def test_a_gap_is_fetched_from_the_broker(logs: LocalLogs) -> None:
    """Another process may have sent what is missing; or the records in memory begin too late."""
    kafka = FakeKafka()
    async with local_fetches(kafka):
        await kafka.fetch()
        logs.append(sent(AT + 1))
        await kafka.fetch(found=True)
        assert kafka.given() == []
        assert kafka.answers.empty()


async def test_a_log_of_which_the_broker_has_more_is_fetched(logs: LocalLogs) -> None:
    """Its answer may have been cut short."""
    kafka = FakeKafka()
    async with local_fetches(kafka):
        await kafka.fetch(end=AT + 1)
        await kafka.fetch(end=AT + 1)
        assert kafka.answers.empty()


async def test_the_broker_is_queried_at_intervals(logs: LocalLogs) -> None:
    """Other processes send without waking this one."""
    kafka = FakeKafka()
    async with local_fetches(kafka, look_ms=1):
        await kafka.fetch()
        await kafka.fetch()
        assert kafka.answers.empty()


async def test_a_consumer_that_reads_on_elsewhere_does_not_wait(logs: LocalLogs) -> None:
    """After a failure it seeks back: the fetch under way ends, and the next one asks for the other offset."""
    kafka = FakeKafka()
    async with local_fetches(kafka) as fetches:
        await kafka.fetch()
        waiting = asyncio.create_task(kafka.begin())
        await asyncio.sleep(0)
        kafka.state.position = AT - 1
        fetches.refetch()
        await waiting
        logs.append(sent(AT))
        assert kafka.given() == []


async def test_a_fetch_is_ended_quietly(logs: LocalLogs) -> None:
    """As aiokafka's own: closing a consumer waits for it."""
    kafka = FakeKafka()
    async with local_fetches(kafka):
        await kafka.fetch()
        waiting = asyncio.create_task(kafka.begin())
        await asyncio.sleep(0)
        waiting.cancel()
        await waiting


def test_records_are_kept_within_bounds_and_of_logs_that_are_read() -> None:
    """The oldest are dropped; of a log that no one reads any more, all."""
    logs = LocalLogs()
    logs.open(["files"])
    logs.append(sent(*range(MAX_RECORDS + 2)))
    assert logs.since(HERE, 1) == []
    assert len(logs.since(HERE, 2)) == MAX_RECORDS
    assert logs.end(HERE) == MAX_RECORDS + 2
    logs.close(["files"])
    assert logs.since(HERE, 2) == []


def test_acknowledgements_may_come_in_any_order() -> None:
    """Several relays send to one log: a record behind a gap is given once the gap is closed."""
    logs = LocalLogs()
    logs.append(sent(3, 4))
    assert logs.since(HERE, 1) == []
    logs.append(sent(1, 2))
    assert [record.offset for record in logs.since(HERE, 1)] == [1, 2, 3, 4]


@pytest.mark.parametrize("first", [0, 3])
def test_a_log_that_begins_anew_is_another_one(first: int) -> None:
    """The broker has lost the first one: of that nothing is given any more."""
    logs = LocalLogs()
    logs.append(sent(*range(3, MAX_RECORDS + 3)))
    logs.append(sent(first))
    assert logs.end(HERE) == first + 1
    assert [record.offset for record in logs.since(HERE, first)] == [first]
