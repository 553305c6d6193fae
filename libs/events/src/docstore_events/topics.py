"""Creates the topics explicitly: a broker's auto-creation would make one partition and one replica."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from docstore_events.catalogue.event import DEAD_LETTER_SUFFIX, TOPICS
from docstore_events.connection import kafka_connection
from docstore_platform.settings import InfraSettings

REQUEST_MS = 10_000
_under_way: dict[tuple[asyncio.AbstractEventLoop, str, str], asyncio.Task[None]] = {}


def topic_names(prefix: str) -> list[str]:
    """Return every topic of the system, with its dead-letter topics."""
    return [f"{prefix}{topic}{suffix}" for topic in TOPICS for suffix in ("", DEAD_LETTER_SUFFIX)]


async def provision_topics(settings: InfraSettings) -> None:
    """Create missing topics; every service calls it at every start.

    Concurrent calls of one process for the same topics, such as of its relays and consumers, share one request.
    """
    loop = asyncio.get_running_loop()
    place = (loop, kafka_connection(settings)["bootstrap_servers"], settings.topic_prefix)
    under_way = _under_way.get(place)
    if under_way is None:
        under_way = _under_way[place] = loop.create_task(_provision(settings))
        under_way.add_done_callback(lambda _: _under_way.pop(place))
    # Shielded: other callers still wait for it if the first one is cancelled.
    await asyncio.shield(under_way)


async def partitions_of(settings: InfraSettings, topics: Iterable[str]) -> dict[str, set[int]]:
    """Return the partitions that each topic has at the broker, none if it does not exist."""
    admin = AIOKafkaAdminClient(**kafka_connection(settings), request_timeout_ms=REQUEST_MS)
    await admin.start()
    try:
        return existing_partitions(await admin.describe_topics(sorted(topics)))
    finally:
        await admin.close()


def existing_partitions(topics: Sequence[Mapping[str, Any]]) -> dict[str, set[int]]:
    """Return the partitions of each topic, from a broker's description. Only an unknown topic has none.

    KafkaError for any other error, such as missing rights: it does not mean that the topic is lost.
    """
    for topic in topics:
        error = for_code(topic["error_code"])
        if error is not NoError and error is not UnknownTopicOrPartitionError:
            raise error(f"topic {topic['topic']} can't be described")
    return {topic["topic"]: {each["partition"] for each in topic["partitions"]} for topic in topics}


async def _provision(settings: InfraSettings) -> None:
    admin = AIOKafkaAdminClient(**kafka_connection(settings), client_id="docstore-topics")
    await admin.start()
    try:
        present = set(await admin.list_topics())
        missing = [
            NewTopic(
                name,
                1 if name.endswith(DEAD_LETTER_SUFFIX) else settings.topic_partitions,
                settings.topic_replication,
            )
            for name in topic_names(settings.topic_prefix)
            if name not in present
        ]
        if missing:
            _raise_unless_made(await admin.create_topics(missing))
    finally:
        await admin.close()


def _raise_unless_made(response: object) -> None:
    """Raise for a topic that was not created, unless another service created it at the same time."""
    for name, code, *_ in response.topic_errors:  # type: ignore[attr-defined]
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise KafkaError(f"topic {name}: {error.__name__}")


if __name__ == "__main__":  # a separate step before an upgrade: `python -m docstore_events.topics`
    asyncio.run(provision_topics(InfraSettings()))
