"""Events a second through the consume path with its inbox, against an empty FastStream handler on the same broker."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, TopicPartition

from bench.stack import Stack
from docstore_events.catalogue.usage import UsageChanged
from docstore_events.envelope import Envelope
from docstore_events.runtime import EventRuntime
from docstore_events.subscribers import Subscribers
from docstore_events.topics import provision_topics
from docstore_events.transaction import Transaction
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

EVENTS = 20_000
PAGE = 2_000


class Counter(Subscribers[list[str]]):
    """Counts, and writes nothing of its own: what is measured is the path."""

    def __init__(self) -> None:
        self.handled = 0

    def begin(self) -> list[str]:
        return []

    def on_usage_changed(self, envelope: Envelope[UsageChanged], unit: list[str]) -> None:
        unit.append(envelope.id)

    async def commit(self, unit: list[str], transaction: Transaction) -> None:
        self.handled += len(unit)


@asynccontextmanager
async def _scratch(stack: Stack) -> AsyncIterator[tuple[InfraSettings, Mongo]]:
    prefix = f"bench{new_id()[-6:]}"
    infra = InfraSettings.model_validate(
        {
            "mongo_url": stack.mongo_url,
            "kafka_bootstrap": stack.kafka_bootstrap,
            "topic_prefix": f"{prefix}.",
            "topic_partitions": 2,
            "single_instance": True,
            "idle_interval_ms": 500,
        }
    )
    mongo = Mongo(stack.mongo_url, app_name="bench")
    yield infra, mongo
    mongo.close()


async def _reached(handled: int) -> bool:
    return handled >= EVENTS


async def _nothing_pending(database: Database) -> bool:
    return await database["outbox"].find_one({"state": "pending"}) is None


async def measure_events(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    async with _scratch(stack) as (infra, mongo):
        await provision_topics(infra)
        said, heard = (mongo.database(f"{infra.topic_prefix[:-1]}_{name}") for name in ("teller", "counter"))
        teller = EventRuntime("teller", infra, mongo, said)
        begin = time.perf_counter()
        async with teller.running():
            for first in range(0, EVENTS, PAGE):

                async def work(transaction: Transaction, first: int = first) -> None:
                    for number in range(first, first + PAGE):
                        account = f"account-{number % 500}"
                        transaction.publish(
                            UsageChanged(
                                revision=number, account_id=account, used=number, reserved=0, limit=1, documents=0
                            )
                        )

                await teller.transactor.run(work)
            await eventually(lambda: _nothing_pending(said), seconds=120)
        out = EVENTS / (time.perf_counter() - begin)

        empty = await _empty_handler_rate(infra)
        counter = Counter()
        begin = time.perf_counter()
        async with EventRuntime("counter", infra, mongo, heard, counter).running():
            await eventually(lambda: _reached(counter.handled), seconds=120, every=0.005)
            path = EVENTS / (time.perf_counter() - begin)
    return [
        ("events into the outbox and out to the broker", f"{out:,.0f}/s"),
        (f"events through consume path and inbox (empty handler {empty:,.0f}/s)", f"{path:,.0f}/s: {path / empty:.2f}"),
    ]


async def _empty_handler_rate(infra: InfraSettings) -> float:
    """An empty FastStream batch handler that reads the same events, commits and does nothing else."""
    broker = KafkaBroker(infra.kafka_bootstrap, consumer_only=True, logger=None)
    topic = f"{infra.topic_prefix}usage"
    seen = 0

    @broker.subscriber(
        partitions=[TopicPartition(topic, number) for number in range(infra.topic_partitions)],
        group_id="empty",
        batch=True,
        max_records=500,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        fetch_max_wait_ms=20,
    )
    async def handle(batch: list[dict[str, Any]]) -> None:
        nonlocal seen
        seen += len(batch)

    begin = time.perf_counter()
    await broker.start()
    try:
        await eventually(lambda: _reached(seen), seconds=120, every=0.005)
        return EVENTS / (time.perf_counter() - begin)
    finally:
        await broker.stop()
