"""What becomes of keys when partitions are added to a topic while services run. The embedded broker can't add any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.partitioner import DefaultPartitioner

from docstore_events.add_partitions import add_partitions
from docstore_events.catalogue.usage import UsageChanged
from docstore_events.consuming import kafka_reader
from docstore_events.envelope import Envelope
from docstore_events.outbox import relay
from docstore_events.runtime import EventRuntime
from docstore_events.subscribers import Subscribers
from docstore_events.topics import partitions_of, provision_topics
from docstore_events.transaction import Transaction, create_outbox_indexes
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.tasks import end_tasks
from docstore_platform.testing import eventually

pytestmark = pytest.mark.scale

BEFORE, AFTER = 2, 8
TOPIC = "usage"
Heard = list[UsageChanged]


class Ledger(Subscribers[Heard]):
    """Writes down every figure, and keeps the one of the latest revision."""

    def __init__(self, database: Database) -> None:
        self.rows, self.latest = database["ledger"], database["latest"]

    def begin(self) -> Heard:
        return []

    def on_usage_changed(self, envelope: Envelope[UsageChanged], batch: Heard) -> None:
        batch.append(envelope.event)

    async def commit(self, batch: Heard, transaction: Transaction) -> None:
        rows = [{"account": event.account_id, "used": event.used} for event in batch]
        await self.rows.insert_many(rows, session=transaction.session)
        for event in batch:
            newest = {"$max": {"used": event.used}}
            await self.latest.update_one({"_id": event.account_id}, newest, upsert=True, session=transaction.session)

    async def of(self, account: str) -> list[int]:
        return [row["used"] async for row in self.rows.find({"account": account}).sort("_id", 1)]


class Stage:
    """A publishing service, and a consuming one that shares its topics in a group."""

    def __init__(self, infra: InfraSettings, mongo: Mongo) -> None:
        self.infra = infra.model_copy(update={"single_instance": False, "idle_interval_ms": 0})
        published, received = (mongo.database(f"{infra.database_prefix}{name}") for name in ("teller", "ledger"))
        self.mongo = mongo
        self.ledger = Ledger(received)
        self.teller = EventRuntime("teller", self.infra, mongo, published)
        self.listener = EventRuntime("ledger", self.infra, mongo, received, self.ledger)
        self.databases = published, received

    @property
    def topic(self) -> str:
        return f"{self.infra.topic_prefix}{TOPIC}"

    async def say(self, account: str, *figures: int) -> None:
        facts: Any = {"account_id": account, "reserved": 0, "limit": 9, "documents": 0}

        async def work(transaction: Transaction) -> None:
            for figure in figures:
                transaction.publish(UsageChanged(revision=figure, used=figure, **facts))

        await self.teller.transactor.run(work)

    async def hears(self, account: str, *figures: int) -> None:
        async def probe() -> bool:
            return sorted(await self.ledger.of(account)) == list(figures)

        await eventually(probe)

    async def add_at_once(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.infra.kafka_bootstrap)
        await admin.start()
        try:
            await admin.create_partitions({self.topic: NewPartitions(AFTER)})
        finally:
            await admin.close()

        async def made() -> bool:
            return len((await partitions_of(self.infra, [self.topic]))[self.topic]) == AFTER

        await eventually(made)


def moving_account() -> str:
    """An account whose events go to a partition that is new."""
    partition = DefaultPartitioner()
    numbers = list(range(AFTER))
    names = (f"account-{number}" for number in range(100))
    return next(name for name in names if partition(name.encode(), numbers, numbers) >= BEFORE)


@pytest.fixture
async def stage(infra: InfraSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Its clients look for new partitions every half second."""
    monkeypatch.setattr(kafka_reader, "METADATA_AGE_MS", 500)
    monkeypatch.setattr(relay, "METADATA_AGE_MS", 500)
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    stage = Stage(infra, mongo)
    for database in stage.databases:
        await create_outbox_indexes(database)
    await provision_topics(stage.infra)
    yield stage
    mongo.close()


@asynccontextmanager
async def running(*runtimes: EventRuntime) -> AsyncIterator[None]:
    if not runtimes:
        yield
        return
    async with runtimes[0].running(), running(*runtimes[1:]):
        yield


async def test_order_is_kept_while_events_are_published(stage: Stage) -> None:
    """Partitions added by the program while a service publishes all the time: its account's events move to a new
    partition and stay in order, nothing restarts, and nothing is lost."""
    account, figures = moving_account(), count(1)
    published = 0

    async def publish() -> None:
        nonlocal published
        while True:
            figure = next(figures)
            await stage.say(account, figure)
            published = figure
            await asyncio.sleep(0.05)

    async with running(stage.teller, stage.listener):
        publishing = asyncio.create_task(publish())
        await eventually(lambda: _hears_some(stage, account))
        await add_partitions(stage.infra, stage.mongo, TOPIC, AFTER, ["teller", "ledger"])
        await eventually(lambda: _sent_to(stage, 2))
        await end_tasks([publishing])
        await stage.hears(account, *range(1, published + 1))

    assert await stage.ledger.of(account) == list(range(1, published + 1))


async def test_events_that_wait_may_be_overtaken_and_the_latest_state_stands(stage: Stage) -> None:
    """Partitions added by the broker's tool while events wait: a key's events lie in two logs, each takes effect once,
    and what a consumer keeps by revision is the latest."""
    account = moving_account()
    async with running(stage.teller):
        await stage.say(account, 1)
        await eventually(lambda: _sent_to(stage, 1))
    await stage.add_at_once()
    async with running(stage.teller):  # a new client, which knows of the new partitions
        await stage.say(account, 2)
        await eventually(lambda: _sent_to(stage, 2))

    async with running(stage.listener):
        await stage.hears(account, 1, 2)

    latest = await stage.ledger.latest.find_one({"_id": account})
    assert latest is not None
    assert latest["used"] == 2


async def _sent_to(stage: Stage, logs: int) -> bool:
    """Whether events were sent to so many logs of the topic."""
    return await stage.databases[0]["sent_logs"].count_documents({"topic": stage.topic}) == logs


async def _hears_some(stage: Stage, account: str) -> bool:
    return len(await stage.ledger.of(account)) > 5
