"""New events reach every instance, with a real broker."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from docstore_events.catalogue.event import Event
from docstore_events.catalogue.notifications import NotificationSent
from docstore_events.consuming.broadcast import Broadcast
from docstore_events.envelope import Envelope, seal
from docstore_events.topics import provision_topics
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks
from docstore_platform.testing import eventually
from docstore_work.wakeup import wake

pytestmark = pytest.mark.connected


class Listener:
    """A running broadcast, and what it has received."""

    def __init__(self, infra: InfraSettings) -> None:
        self.received: list[str] = []
        self.begun = 0
        self._broadcast = Broadcast("test", infra, ["notifications", "shares"], self._hear, self._resumed)
        self._task = asyncio.create_task(self._broadcast.run())

    def _hear(self, envelope: Envelope[Event]) -> None:
        assert isinstance(envelope.event, NotificationSent)
        self.received.append(envelope.event.delivery_id)

    def _resumed(self) -> None:
        self.begun += 1

    async def started(self) -> "Listener":
        async def has_begun() -> bool:
            return self.begun > 0

        await eventually(has_begun)
        return self

    async def has(self, *delivery_ids: str) -> None:
        async def has_them() -> bool:
            return sorted(self.received) == sorted(delivery_ids)

        await eventually(has_them)

    async def stop(self) -> None:
        await end_tasks([self._task])


@pytest.fixture
async def producer(infra: InfraSettings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=infra.kafka_bootstrap)
    await producer.start()
    yield producer
    await producer.stop()


async def send(producer: AIOKafkaProducer, infra: InfraSettings, *delivery_ids: str) -> None:
    topic = f"{infra.topic_prefix}notifications"
    for delivery_id in delivery_ids:
        event = NotificationSent(
            revision=1, delivery_id=delivery_id, account_id="ann", channel="in_app", kind="upload_done", cause_ids=()
        )
        headers = seal(event, source="notify", traceparent=None).headers()
        value = event.model_dump_json().encode()
        await producer.send_and_wait(topic, value, key=delivery_id.encode(), headers=headers)
    wake(topic)


async def test_every_instance_receives_every_new_event(infra: InfraSettings, producer: AIOKafkaProducer) -> None:
    """Earlier events are not received; later ones are, of all partitions, by all; unreadable ones are skipped."""
    await provision_topics(infra)
    await send(producer, infra, "before")
    one, two = await Listener(infra).started(), await Listener(infra).started()
    await producer.send_and_wait(f"{infra.topic_prefix}notifications", b"\xff", headers=[("ce_type", b"x")])
    names = [f"d{number}" for number in range(10)]
    await send(producer, infra, *names)
    await one.has(*names)
    await two.has(*names)
    await two.stop()
    await send(producer, infra, "later")
    await one.has(*names, "later")
    assert "later" not in two.received
    await one.stop()


async def test_a_listener_looks_by_itself(infra: InfraSettings, producer: AIOKafkaProducer) -> None:
    """Without a wake-up from a publisher in the same process it receives an event, too."""
    listener = await Listener(infra.model_copy(update={"idle_interval_ms": 50})).started()
    event = NotificationSent(
        revision=1, delivery_id="d", account_id="ann", channel="in_app", kind="upload_done", cause_ids=()
    )
    headers = seal(event, source="notify", traceparent=None).headers()
    await producer.send_and_wait(
        f"{infra.topic_prefix}notifications", event.model_dump_json().encode(), headers=headers
    )
    await listener.has("d")
    await listener.stop()


async def test_a_broker_that_is_away_is_waited_for(infra: InfraSettings) -> None:
    """Listening fails, is tried again, and can be ended at any time."""
    listener = Listener(infra.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"}))
    await asyncio.wait([listener._task], timeout=2)
    assert not listener._task.done()
    assert listener.begun == 0
    await listener.stop()
