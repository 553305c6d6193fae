"""Holds of deletions, until they are released or expire."""

from collections.abc import AsyncIterator

import pytest

from docstore_contents.deletion_hold import COLLECTION, DeletionHold, HoldLost, deletions_held
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected


@pytest.fixture
async def databases(infra: InfraSettings) -> AsyncIterator[list[Database]]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield [mongo.database(f"{infra.database_prefix}{name}") for name in ("one", "two")]
    mongo.close()


async def held(databases: list[Database]) -> list[bool]:
    return [await deletions_held(database) for database in databases]


async def test_all_services_hold_until_the_last_hold_is_released(databases: list[Database]) -> None:
    """Two backups at once: what one has released is held for the other."""
    one, other = DeletionHold(databases, "one"), DeletionHold(databases, "other")
    assert await held(databases) == [False, False]
    for hold in (one, other):
        await hold.take()
        await hold.take()
        await hold.renew()
    await one.release()
    assert await held(databases) == [True, True]
    await other.release()
    assert await held(databases) == [False, False]


async def test_a_hold_expires_and_its_holder_learns_it(databases: list[Database]) -> None:
    """Of a holder that stood still for too long something may have been deleted: it can't go on as if nothing were."""
    hold = DeletionHold(databases, "slow")
    await hold.take()
    await databases[1][COLLECTION].update_one({"_id": "slow"}, [{"$set": {"until": "$$NOW"}}])
    assert await held(databases) == [True, False]
    with pytest.raises(HoldLost):
        await hold.renew()
    assert await held(databases) == [True, False]
    await DeletionHold(databases, "next").take()
    assert await databases[1][COLLECTION].distinct("_id") == ["next"]
