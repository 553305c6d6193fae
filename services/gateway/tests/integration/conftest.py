"""A fake journal, logins to it, events on a real broker, and clients that wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer
from gateway_calls import FakeService, Issuer
from gateway_journal import FakeJournal, LogIn, OpenStream, Publish, Stream, Waiters

from docstore_events.catalogue.event import Event
from docstore_events.envelope import seal
from docstore_platform.settings import InfraSettings
from docstore_work.wakeup import wake


@pytest.fixture
def journal(service: FakeService) -> FakeJournal:
    journal = FakeJournal(service)
    service.behave = journal.behave
    return journal


@pytest.fixture
def login(journal: FakeJournal, issuer: Issuer) -> LogIn:
    def log_in(account: str = "ann", **claims: Any) -> dict[str, str]:
        headers: dict[str, str] = issuer.bearer(account, **claims)
        journal.bearer[headers["authorization"]] = account
        return headers

    return log_in


@pytest.fixture
async def publish(infra: InfraSettings) -> AsyncIterator[Publish]:
    """Sends an event as a service's relay does."""
    producer = AIOKafkaProducer(bootstrap_servers=infra.kafka_bootstrap)
    await producer.start()

    async def send(event: Event) -> None:
        envelope = seal(event, source="test", traceparent=None)
        topic = infra.topic_prefix + event.topic
        value = event.model_dump_json().encode()
        await producer.send_and_wait(topic, value, key=event.key().encode(), headers=envelope.headers())
        wake(topic)

    yield send
    await producer.stop()


@pytest.fixture
def waiters() -> Waiters:
    return Waiters()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


@pytest.fixture
def events(client: aiohttp.ClientSession) -> OpenStream:
    """Opens a stream: `async with events(address, headers, last_event_id=...) as stream`."""

    @asynccontextmanager
    async def open_stream(address: str, headers: dict[str, str], **params: str) -> AsyncIterator[Stream]:
        async with client.get(f"{address}/v1/events", headers=headers, params=params) as response:
            assert response.status == 200, await response.text()
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Stream(response)

    return open_stream
