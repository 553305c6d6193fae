"""Transactions on a real replica set."""

import asyncio

import pytest

from docstore_platform.mongodb.client import (
    Database,
    Document,
    Mongo,
    PyMongoError,
    ReturnDocument,
    Session,
    drop_index,
    keep_for,
    shared_clients,
)
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected


@pytest.fixture
def database(infra: InfraSettings, mongo: Mongo) -> Database:
    return mongo.database(f"{infra.database_prefix}platform")


async def test_transactions_that_meet_are_run_again_until_all_are_in(mongo: Mongo, database: Database) -> None:
    """Thirty increments of one document in concurrent transactions add up to thirty."""
    await database["counters"].insert_one({"_id": "c", "n": 0})

    async def increment(session: Session) -> int:
        after = await database["counters"].find_one_and_update(
            {"_id": "c"}, {"$inc": {"n": 1}}, session=session, return_document=ReturnDocument.AFTER
        )
        return int(after["n"])

    results = await asyncio.gather(*(mongo.transaction(increment) for _ in range(30)))
    assert sorted(results) == list(range(1, 31))


async def test_work_that_raises_leaves_nothing_behind(mongo: Mongo, database: Database) -> None:
    """An exception inside a transaction undoes its writes and comes out as it is."""

    async def work(session: Session) -> None:
        await database["things"].insert_one({"_id": "t"}, session=session)
        raise KeyError("no")

    with pytest.raises(KeyError):
        await mongo.transaction(work)
    assert await database["things"].find_one({"_id": "t"}) is None


async def test_cancelled_work_is_undone_at_once(mongo: Mongo, database: Database) -> None:
    """Its documents are not held until the server ends the transaction by itself, after ten seconds."""
    written = asyncio.Event()

    async def work(session: Session) -> None:
        await database["things"].insert_one({"_id": "t"}, session=session)
        written.set()
        await asyncio.Event().wait()

    await database.create_collection("things")
    running = asyncio.create_task(mongo.transaction(work))
    await written.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(5):
        await database["things"].insert_one({"_id": "t"})


async def test_a_changed_lifetime_applies_to_stored_documents(database: Database) -> None:
    """A service starts with the database that an older version, or another setting, has left; and again."""
    for seconds in (10, 20, 20):
        await keep_for(database["moments"], "at", seconds)
    assert (await database["moments"].index_information())["kept"]["expireAfterSeconds"] == 20


async def test_an_index_of_an_earlier_release_is_dropped_once(database: Database) -> None:
    """Also where it, or its collection, was never there."""
    await drop_index(database["things"], "old")
    await database["things"].create_index("name", name="old")
    for _ in range(2):
        await drop_index(database["things"], "old")
    assert list(await database["things"].index_information()) == ["_id_"]


async def test_services_of_one_process_share_a_client(infra: InfraSettings) -> None:
    """One that is closed leaves the others usable; the end of the block closes the client."""
    url = infra.mongo_url.get_secret_value()
    with shared_clients():
        closed, other = Mongo(url, app_name="one"), Mongo(url, app_name="other")
        await closed.ping()
        closed.close()
        names = {each["appName"] for each in await _connections(other)}
    assert "docstore" in names
    assert not names & {"one", "other"}
    with pytest.raises(PyMongoError):
        await other.ping()


async def _connections(mongo: Mongo) -> list[Document]:
    return await mongo.database("admin").aggregate([{"$currentOp": {"idleConnections": True}}]).to_list(None)
