"""A queue on a real MongoDB, whose time a test sets."""

import pytest
from server_clock import LEASE_SECONDS, ServerClock

from docstore_platform.mongodb.client import Collection, IndexModel, Mongo
from docstore_platform.settings import InfraSettings
from docstore_work.lease_queue import LeaseQueue


@pytest.fixture
async def collection(infra: InfraSettings, mongo: Mongo) -> Collection:
    collection = mongo.database(f"{infra.database_prefix}work")["queue"]
    await collection.create_indexes([IndexModel("due_at"), IndexModel([("account_id", 1), ("due_at", 1)])])
    return collection


@pytest.fixture
def clock() -> ServerClock:
    return ServerClock()


@pytest.fixture
def queue(collection: Collection, clock: ServerClock) -> LeaseQueue:
    return LeaseQueue(collection, "test", lease_seconds=LEASE_SECONDS, clock=clock)
