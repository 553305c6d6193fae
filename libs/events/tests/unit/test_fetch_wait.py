"""How long a fetch may be held by a broker that answers nothing when it had no time to look."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docstore_events.fetch_wait import LONGEST_MS, SHORTEST_MS, follow_fetches, next_wait


@given(look_ms=st.floats(1, LONGEST_MS / 3), wait_ms=st.integers(SHORTEST_MS, LONGEST_MS))
def test_what_is_there_is_found_after_a_few_fetches_and_from_then_on_by_each(look_ms: float, wait_ms: int) -> None:
    """However long looking takes: the broker finds nothing in a wait that is shorter than that."""
    fetches = 0
    while wait_ms <= look_ms:
        wait_ms = next_wait(wait_ms, found=False, took_ms=look_ms)
        fetches += 1
    assert fetches <= 10
    for _ in range(20):
        wait_ms = next_wait(wait_ms, found=True, took_ms=look_ms)
        assert wait_ms > look_ms


async def test_a_consumers_wait_follows_its_fetches() -> None:
    """It grows while nothing is found, and is short again once something is found at once."""
    found = False

    async def fetch(*request: Any) -> bool:
        return found

    fetcher = SimpleNamespace(_proc_fetch_request=fetch, _fetch_max_wait_ms=SHORTEST_MS)
    kafka: Any = SimpleNamespace(_fetcher=fetcher)
    follow_fetches(kafka)
    for _ in range(4):
        assert not await fetcher._proc_fetch_request()
    assert fetcher._fetch_max_wait_ms > 4 * SHORTEST_MS
    found = True
    assert await fetcher._proc_fetch_request()
    assert fetcher._fetch_max_wait_ms == SHORTEST_MS
