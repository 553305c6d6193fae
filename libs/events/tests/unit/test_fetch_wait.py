"""How long a fetch may be held by a broker that answers nothing when it had no time to look."""

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from docstore_events.consuming.fetch_wait import LONGEST_MS, SHORTEST_MS, TIMES_FOUND, Fetches, next_wait

HERE = TopicPartition("files", 1)
AT = 7
REQUEST: Any = SimpleNamespace(topics=[("files", [(1, AT, 0)])])


class FakeKafka:
    """A consumer that has read one log up to `AT`, whose broker answers as the test wants."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(highwater=None)
        self.answers: asyncio.Queue[bool] = asyncio.Queue()
        self._fetcher: Any = SimpleNamespace(_proc_fetch_request=self._fetch, _fetch_max_wait_ms=SHORTEST_MS)
        self._assignment = SimpleNamespace(tps={HERE}, state_value=lambda _: self.state)

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

    def assignment(self) -> set[TopicPartition]:
        return {HERE}

    def highwater(self, _: TopicPartition) -> int | None:
        end: int | None = self.state.highwater
        return end

    async def position(self, _: TopicPartition) -> int:
        return AT


def fetches_of(kafka: FakeKafka) -> Fetches:
    like: Any = kafka
    return Fetches(like)


@given(look_ms=st.floats(1, LONGEST_MS / 2), wait_ms=st.integers(SHORTEST_MS, LONGEST_MS))
def test_what_is_there_is_found_after_a_few_fetches_and_then_by_most(look_ms: float, wait_ms: int) -> None:
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


async def test_the_end_is_reached_only_by_a_fetch_that_begins_after_the_question() -> None:
    """One that was under way looked before; one that missed what is there, or found it, is no end either."""
    kafka = FakeKafka()
    fetches = fetches_of(kafka)
    assert not await fetches.at_end()
    await kafka.fetch()
    assert await fetches.at_end()
    under_way = asyncio.create_task(kafka.begin())
    await asyncio.sleep(0)
    fetches.ask_anew()
    kafka.answers.put_nowait(False)
    await under_way
    assert not await fetches.at_end()
    await kafka.fetch(end=AT + 1)
    await fetches.answered()
    assert not await fetches.at_end()
    await kafka.fetch()
    assert await fetches.at_end()
