"""Runs event handlers in unit tests: FastStream's in-memory broker and the consume path, without a database."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, TypeVar

from aiokafka import ConsumerRecord
from faststream.kafka import TestKafkaBroker
from faststream.kafka.testing import build_message

from docstore_events.catalogue.event import Event
from docstore_events.consuming.consumer import Consumer
from docstore_events.consuming.dead_letters import DeadLetter, Record
from docstore_events.consuming.inbox import Inbox
from docstore_events.consuming.kafka_reader import KafkaReader
from docstore_events.envelope import Envelope, seal
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.mongodb.client import ConnectionFailure
from docstore_platform.settings import InfraSettings

T = TypeVar("T")


class FakeTransaction(Transaction):
    """Collects published events in a list."""

    def __init__(self, published: list[Event]) -> None:
        super().__init__(None, "test", "")
        self._published = published

    def publish(self, event: Event, *, cause: Envelope[Event] | None = None) -> str:
        self._published.append(event)
        return super().publish(event, cause=cause)


class FakeTransactor:
    """Runs work without a database and keeps the published events; nothing is rolled back."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self.failures = 0
        """How many of the next transactions fail."""

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, lane: str | None = None) -> T:
        if self.failures:
            self.failures -= 1
            raise ConnectionFailure("down")
        return await work(FakeTransaction(self.published))


class FakeInbox:
    """Stores handled ids in memory."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    async def handled(self, event_ids: Collection[str], session: object = None) -> set[str]:
        return self.ids & set(event_ids)

    async def add(self, event_ids: Collection[str], session: object) -> None:
        self.ids |= set(event_ids)


class FailingDeadLetters:
    """Fails the test if there is a dead letter."""

    async def blocked(self, records: Iterable[Record]) -> dict[tuple[str, str], str]:
        return {}

    async def put(self, dead_letter: DeadLetter, transaction: Transaction) -> None:
        raise AssertionError(f"{dead_letter.event_type}: {dead_letter.reason}, {dead_letter.error}")


class InMemoryEvents:
    """Delivers events to a service's subscribers in transactions of `transactor`.

    `inbox`: the one of a real transactor's database, for it must be rolled back with its transactions.
    """

    def __init__(
        self, subscribers: Subscribers[Any], transactor: Transactor | FakeTransactor, inbox: Inbox | None = None
    ) -> None:
        fakes: Any = (inbox or FakeInbox(), transactor, FailingDeadLetters())
        consumer = Consumer("test", subscribers, *fakes)
        reader = KafkaReader("test", InfraSettings(), consumer.topics, consumer.consume)
        self._broker, self._subscriber = reader.declare()

    async def deliver(self, *events: Event | Envelope[Event]) -> None:
        """Handle these events as one batch; raises what a handler raises."""
        records = [await _record(event) for event in events]
        async with TestKafkaBroker(self._broker, connect_only=False):
            await self._subscriber.process_message(tuple(records))


async def _record(event: Event | Envelope[Event]) -> ConsumerRecord:
    envelope = seal(event, source="test", traceparent=None) if isinstance(event, Event) else event
    headers = {name: value.decode() for name, value in envelope.headers()}
    value, topic, key = envelope.event.model_dump_json().encode(), envelope.event.topic, envelope.event.key().encode()
    return await build_message(value, topic, key=key, headers=headers, serializer=None)
