"""The queue of what regions have still to receive, on a real database."""

import pytest
from prometheus_client import REGISTRY

from docstore_accounts.regions.queue_repository import MongoReplicationQueue
from docstore_events.transaction import Transaction
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected


def counted(event: str) -> float:
    labels = {"queue": "accounts replication", "event": event}
    return REGISTRY.get_sample_value("docstore_work_leases_total", labels) or 0.0


async def test_a_received_account_counts_as_replicated(infra: InfraSettings) -> None:
    """None of it as lost; an account that changed meanwhile is due again."""
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    database = mongo.database(f"{infra.database_prefix}replication_{new_id()}")
    queue = MongoReplicationQueue(database, lease_seconds=30)
    await queue.add(["there"], {"ann": 1, "bob": 2}, Transaction(None, "accounts", ""))
    leases = await queue.claim("there", 10)
    before = {event: counted(event) for event in ("completed", "postponed", "lost")}
    await queue.complete("there", leases.values(), {"ann": 1, "bob": 1})
    assert {event: counted(event) - number for event, number in before.items()} == {
        "completed": 1,
        "postponed": 1,
        "lost": 0,
    }
    assert list(await queue.claim("there", 10)) == ["bob"]
    await mongo.drop(database.name)
    mongo.close()
