"""How long the embedded broker may hold an empty fetch: longer than it takes to look for something.

It looks by listing the log's batches, and answers "nothing" if the wait is over before the list is complete: with a
wait that is too short for a long log, or on a busy machine, what is there would never be found. With one that is too
long, what comes while a fetch is under way waits for its end. So the wait grows while the broker finds nothing but says
that the log goes on, and gets shorter with every other answer. How long an answer took tells nothing: it may have
waited for an event to come.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

SHORTEST_MS = 20
LONGEST_MS = 1000


def next_wait(wait_ms: int, *, missed: bool) -> int:
    """The wait after a fetch that missed what is there, or did not."""
    return int(min(wait_ms * 1.5, LONGEST_MS) if missed else max(wait_ms * 0.95, SHORTEST_MS))


def follow_fetches(kafka: AIOKafkaConsumer) -> None:
    """Have the wait of a started consumer follow its fetches: aiokafka takes a fixed one, but reads it at each."""
    fetcher: Any = kafka._fetcher
    fetch = fetcher._proc_fetch_request

    async def followed(assignment: Any, node_id: Any, request: Any) -> bool:
        found: bool = await fetch(assignment, node_id, request)
        missed = not found and _is_behind(assignment, request)
        fetcher._fetch_max_wait_ms = next_wait(fetcher._fetch_max_wait_ms, missed=missed)
        return found

    fetcher._proc_fetch_request = followed


def _is_behind(assignment: Any, request: Any) -> bool:
    """Whether a log goes on at or after the offset that was asked for, as the broker said in its answer."""
    for topic, partitions in request.topics:
        for partition, offset, _ in partitions:
            at = TopicPartition(topic, partition)
            end = assignment.state_value(at).highwater if at in assignment.tps else None
            if end is not None and end > offset:
                return True
    return False
