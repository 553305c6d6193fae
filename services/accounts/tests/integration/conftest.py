"""The real app over its HTTP routes, on real MongoDB and Kafka; quota is a small stand-in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from accounts_client import PASSWORD, Client, PublishedEvents, Run
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI
from pydantic import SecretStr

from docstore_accounts.app import create_app
from docstore_accounts.settings import AccountsSettings
from docstore_events.topics import provision_topics
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings

USAGE = {"used": 5, "reserved": 2, "limit": 10, "over_quota": False, "documents": 1}


@pytest.fixture
def settings(infra: InfraSettings) -> AccountsSettings:
    return settings_of(infra)


def settings_of(infra: InfraSettings) -> AccountsSettings:
    register_local_app("local:accounts-test-quota", _quota())
    return AccountsSettings(
        infra=infra.model_copy(update={"quota_url": "local:accounts-test-quota"}),
        argon2_passes=1,
        argon2_memory_kib=8,
    )


def _quota() -> FastAPI:
    quota = FastAPI()

    @quota.get("/internal/accounts/{account_id}/usage")
    async def usage(account_id: str) -> dict[str, Any]:
        return USAGE

    return quota


@pytest.fixture
async def database(infra: InfraSettings) -> AsyncIterator[Database]:
    """The service's own database, looked into from outside."""
    with database_of(infra) as database:
        yield database


@contextmanager
def database_of(infra: InfraSettings) -> Iterator[Database]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield mongo.database(f"{infra.database_prefix}accounts")
    mongo.close()


@pytest.fixture
def run(settings: AccountsSettings, database: Database) -> Run:
    """Runs one instance of the service while a block lasts; keyword arguments change its settings."""

    return lambda **changes: instance(settings.model_copy(update=changes))


@asynccontextmanager
async def instance(settings: AccountsSettings) -> AsyncIterator[Client]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Client(app)


@pytest.fixture(scope="module")
async def running(module_infra: InfraSettings) -> AsyncIterator[Client]:
    """One instance for the tests of a module, for those that need no account, or bring one of their own."""
    async with instance(settings_of(module_infra)) as client:
        yield client


@pytest.fixture(scope="module")
async def running_database(module_infra: InfraSettings) -> AsyncIterator[Database]:
    """That of the instance that the tests of a module share."""
    with database_of(module_infra) as database:
        yield database


@pytest.fixture
def client_of() -> type[Client]:
    """Makes clients of any instance."""
    return Client


@pytest.fixture
async def client(run: Run) -> AsyncIterator[Client]:
    async with run() as client:
        yield client


@pytest.fixture
async def admin(run: Run) -> AsyncIterator[Client]:
    """The first administrator, logged in."""
    async with run(first_admin_email="root@example.org", first_admin_password=SecretStr(PASSWORD)) as client:
        yield await client.login("root@example.org")


@pytest.fixture
async def published(infra: InfraSettings) -> AsyncIterator[PublishedEvents]:
    await provision_topics(infra)
    topic = f"{infra.topic_prefix}accounts"
    kafka = AIOKafkaConsumer(bootstrap_servers=infra.kafka_bootstrap, fetch_max_wait_ms=20)
    await kafka.start()
    kafka.assign([TopicPartition(topic, number) for number in range(infra.topic_partitions)])
    await kafka.seek_to_beginning()
    yield PublishedEvents(kafka)
    await kafka.stop()
