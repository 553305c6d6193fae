"""How long the embedded broker may hold an empty fetch: longer than it takes to look for something.

It looks by listing the log's batches, and answers "nothing" if the wait is over before the list is complete: with a
wait that is too short for a long log, or on a busy machine, what is there would never be found. With one that is too
long, what comes while a fetch is under way waits for its end. So the wait follows what fetches take.
"""

import time
from typing import Any

from aiokafka import AIOKafkaConsumer

SHORTEST_MS = 20
LONGEST_MS = 1000


def next_wait(wait_ms: int, found: bool, took_ms: float) -> int:
    """The wait after a fetch that found something or not: some time more than that took, or than did not do."""
    wanted = 3 * took_ms if found else 1.5 * wait_ms
    return int(min(max(wanted, SHORTEST_MS), LONGEST_MS))


def follow_fetches(kafka: AIOKafkaConsumer) -> None:
    """Have the wait of a started consumer follow its fetches: aiokafka takes a fixed one, but reads it at each."""
    fetcher: Any = kafka._fetcher
    fetch = fetcher._proc_fetch_request

    async def timed(*request: Any) -> bool:
        started = time.monotonic()
        found: bool = await fetch(*request)
        took_ms = (time.monotonic() - started) * 1000
        fetcher._fetch_max_wait_ms = next_wait(fetcher._fetch_max_wait_ms, found, took_ms)
        return found

    fetcher._proc_fetch_request = timed
