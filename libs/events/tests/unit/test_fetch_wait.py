"""How long a fetch may be held by a broker that answers nothing when it had no time to look."""

from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from docstore_events.fetch_wait import LONGEST_MS, SHORTEST_MS, follow_fetches, next_wait


@given(look_ms=st.floats(1, LONGEST_MS / 2), wait_ms=st.integers(SHORTEST_MS, LONGEST_MS))
def test_what_is_there_is_found_after_a_few_fetches_and_then_by_most(look_ms: float, wait_ms: int) -> None:
    """However long looking takes: the broker finds nothing in a wait that is shorter than that."""
    missed = []
    for _ in range(200):
        missed.append(wait_ms <= look_ms)
        wait_ms = next_wait(wait_ms, missed=missed[-1])
    assert sum(missed[:10]) <= 9
    assert sum(missed[10:]) <= 0.2 * len(missed)


@given(wait_ms=st.integers(SHORTEST_MS, LONGEST_MS))
def test_a_wait_that_was_long_once_does_not_stay_so(wait_ms: int) -> None:
    """What comes meanwhile waits for its end."""
    for _ in range(100):
        wait_ms = next_wait(wait_ms, missed=False)
    assert wait_ms == SHORTEST_MS


async def test_a_consumers_wait_follows_its_fetches() -> None:
    """It grows only while something is there and not found, and not once it is found."""
    here, found = TopicPartition("files", 1), False
    log = SimpleNamespace(highwater=None)
    assignment: Any = SimpleNamespace(tps={here}, state_value=lambda _: log)
    request: Any = SimpleNamespace(topics=[("files", [(1, 7, 0)])])

    async def fetch(*_: Any) -> bool:
        return found

    fetcher = SimpleNamespace(_proc_fetch_request=fetch, _fetch_max_wait_ms=SHORTEST_MS)
    kafka: Any = SimpleNamespace(_fetcher=fetcher)
    follow_fetches(kafka)
    for log.highwater in (None, 7, 7, 3):
        assert not await fetcher._proc_fetch_request(assignment, 1, request)
    assert fetcher._fetch_max_wait_ms == SHORTEST_MS
    log.highwater = 8
    for _ in range(4):
        assert not await fetcher._proc_fetch_request(assignment, 1, request)
    assert fetcher._fetch_max_wait_ms > 4 * SHORTEST_MS
    grown, found = fetcher._fetch_max_wait_ms, True
    assert await fetcher._proc_fetch_request(assignment, 1, request)
    assert fetcher._fetch_max_wait_ms < grown
