"""Topics: concurrent provisioning happens once, and a broker's description is read."""

import asyncio

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from docstore_events import topics
from docstore_events.topics import existing_partitions
from docstore_platform.settings import InfraSettings

FILES = {"error_code": 0, "topic": "files", "partitions": [{"partition": 0}, {"partition": 1}]}


async def test_concurrent_callers_wait_for_the_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the one that began it is cancelled; whoever comes later looks again."""
    looks = 0
    looked = asyncio.Event()

    async def provision(_: InfraSettings) -> None:
        nonlocal looks
        looks += 1
        await looked.wait()

    monkeypatch.setattr(topics, "_provision", provision)
    settings = InfraSettings(topic_prefix="once.")
    first, *others = [asyncio.create_task(topics.provision_topics(settings)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    looked.set()
    await asyncio.gather(*others)
    assert looks == 1
    with pytest.raises(asyncio.CancelledError):
        await first
    await topics.provision_topics(settings)
    assert looks == 2


async def test_a_failure_is_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tries again by itself."""

    async def provision(_: InfraSettings) -> None:
        raise ConnectionError

    monkeypatch.setattr(topics, "_provision", provision)
    settings = InfraSettings(topic_prefix="failed.")
    outcomes = await asyncio.gather(*(topics.provision_topics(settings) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3


def test_only_an_unknown_topic_has_no_partitions() -> None:
    """A topic that may not be described is not lost: otherwise all its events would be sent again for nothing."""
    gone = {"error_code": 3, "topic": "shares", "partitions": []}
    assert existing_partitions([FILES, gone]) == {"files": {0, 1}, "shares": set()}
    forbidden = {"error_code": 29, "topic": "shares", "partitions": []}
    with pytest.raises(TopicAuthorizationFailedError):
        existing_partitions([FILES, forbidden])
