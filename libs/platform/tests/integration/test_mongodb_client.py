"""Transactions on a real replica set."""

import asyncio

import pytest

from docstore_platform.mongodb.client import (
    MAJORITY_READS,
    Database,
    Document,
    Mongo,
    PyMongoError,
    ReturnDocument,
    Session,
    drop_index,
    is_passing,
    keep_for,
    shared_clients,
    with_later_majority,
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


async def test_a_set_of_one_member_makes_both_writes_durable_at_once(mongo: Mongo, database: Database) -> None:
    """The first is not waited for; the second, of a majority, is later in the same journal."""
    await mongo.ping()
    things = database["of_one_member"]
    first = with_later_majority(things)
    assert first.write_concern.document == {"w": 1}
    assert things.write_concern.document == {"w": "majority"}
    await first.insert_one({"_id": "first"})
    await things.insert_one({"_id": "second"})
    settled = things.with_options(read_concern=MAJORITY_READS)
    assert await settled.count_documents({}) == 2


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


def _lose_sessions(mongo: Mongo) -> int:
    """Make of all idle connections what one is that was opened in the middle of an election; how many they are."""
    pools = [server.pool for server in mongo._client.delegate._topology._servers.values()]
    idle = [connection for pool in pools for connection in pool.conns]
    for connection in idle:
        connection.supports_sessions = False
    return len(idle)


@pytest.mark.parametrize("moment", ["before", "work", "commit"])
async def test_a_connection_without_sessions_is_replaced(mongo: Mongo, database: Database, moment: str) -> None:
    """A transaction that gets one takes effect once all the same, whether at its start, within it or at its commit."""
    lost, things = 0, await database.create_collection(f"things-{moment}")

    async def work(session: Session) -> None:
        nonlocal lost
        await things.insert_one({"_id": "t"}, session=session)
        if moment == "work" and not lost:
            lost = _lose_sessions(mongo)
        await things.insert_one({"_id": "u"}, session=session)
        if moment == "commit" and not lost:
            lost = _lose_sessions(mongo)

    if moment == "before":
        lost = _lose_sessions(mongo)
    await mongo.transaction(work)
    assert lost
    assert await things.count_documents({}) == 2


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_an_abort_on_a_connection_without_sessions_keeps_the_error(
    mongo: Mongo, database: Database, error: type[BaseException]
) -> None:
    """A failed or cancelled transaction is not run again, and the next one finds another connection."""
    runs, things = 0, await database.create_collection(f"things-{error.__name__}")

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        await things.insert_one({"_id": runs}, session=session)
        if runs == 1:
            assert _lose_sessions(mongo)
            raise error

    with pytest.raises(error):
        await mongo.transaction(work)
    assert runs == 1
    await mongo.transaction(work)
    assert [row["_id"] async for row in things.find()] == [2]


async def test_a_snapshot_on_a_connection_without_sessions_may_be_taken_again(mongo: Mongo, database: Database) -> None:
    """The error is one that passes, and the next one finds another connection."""
    await mongo.ping()
    assert _lose_sessions(mongo)
    with pytest.raises(PyMongoError) as refused:
        await _count_in_snapshot(mongo, database)
    assert is_passing(refused.value)
    assert await _count_in_snapshot(mongo, database) == 0


async def _count_in_snapshot(mongo: Mongo, database: Database) -> int:
    async with mongo.snapshot() as session:
        return await database["things"].count_documents({}, session=session)


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
