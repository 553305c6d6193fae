"""The queues of pending files on a real MongoDB."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from indexer_fakes import a_file
from profiled import profiled

from docstore_indexer.indexing.repository import MongoEntries
from docstore_indexer.indexing.rules import Entry, FileChange, Outcome, WorkQueue
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_work.lease_queue import LeaseLost

pytestmark = pytest.mark.connected


@pytest.fixture
async def database(infra: InfraSettings) -> AsyncIterator[Database]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield mongo.database(f"{infra.database_prefix}indexer")
    mongo.close()


@pytest.fixture
async def entries(database: Database) -> MongoEntries:
    entries = MongoEntries(database, lease_seconds=60)
    await entries.create_indexes()
    return entries


async def test_fresh_files_are_claimed_before_the_backlog(entries: MongoEntries) -> None:
    """A batch is filled up from the backlog, and takes from it only what fresh files leave room for."""
    await entries.record([FileChange(a_file(f"old {number}"), backlog=True) for number in range(3)], None)
    await entries.record([FileChange(a_file(f"new {number}")) for number in range(2)], None)
    assert await entries.due_queues() == [WorkQueue.QUICK]
    claimed = [entry.file.file_id for entry in await entries.claim(WorkQueue.QUICK, 3)]
    assert (sorted(claimed[:2]), claimed[2][:3]) == (["new 0", "new 1"], "old")
    assert len(await entries.claim(WorkQueue.QUICK, 5)) == 2
    assert await entries.due_queues() == []


async def test_a_claimed_file_moves_to_another_queue_or_waits(entries: MongoEntries, database: Database) -> None:
    """A move counts attempts again, a postponement only where the attempt does not count."""
    await entries.record([FileChange(a_file("a")), FileChange(a_file("b")), FileChange(a_file("c"))], None)
    a, b, c = sorted(await entries.claim(WorkQueue.QUICK, 3), key=lambda entry: entry.file.file_id)
    await entries.move([a], WorkQueue.PARSE)
    await entries.postpone([b], WorkQueue.TEXT, 0, counted=True)
    await entries.postpone([c], WorkQueue.TEXT, 0, counted=False)
    assert [entry.attempts for entry in await entries.claim(WorkQueue.PARSE, 9)] == [1]
    again = {entry.file.file_id: entry.attempts for entry in await entries.claim(WorkQueue.TEXT, 9)}
    assert again == {"b": 2, "c": 1}


async def test_a_changed_file_loses_its_lease(entries: MongoEntries) -> None:
    """A new state, a new place in the backlog, a purge and a start: each leaves the worker with nothing to store."""
    happenings = (
        lambda: entries.record([FileChange(a_file(revision=2))], None),
        lambda: entries.requeue(["f"]),
        lambda: entries.mark_purged(["f"]),
        entries.release_all,
    )
    await entries.record([FileChange(a_file())], None)
    for happening in happenings:
        (entry,) = await entries.claim(WorkQueue.QUICK, 1)
        assert await entries.held([entry], None) == {"f"}
        await happening()
        assert await entries.held([entry], None) == set()
        with pytest.raises(LeaseLost):
            await entries.complete([Outcome(entry, "name")], None)


async def test_an_instance_of_the_release_before_shares_the_queue(entries: MongoEntries, database: Database) -> None:
    """It finds its field in every document; what it stores ends our lease, and our claim ends its."""
    documents = database["documents"]
    await entries.record([FileChange(a_file())], None)
    await documents.update_one({"_id": "f"}, {"$unset": {"lease_owner": "", "lease_until": ""}})
    (ours,) = await entries.claim(WorkQueue.QUICK, 1)
    row = await documents.find_one({"_id": "f"})
    assert row["lease"] == ""
    anew = {"state": "pending", "lane": "quick", "due_at": utc_now() - timedelta(seconds=1), "lease": None}
    await documents.update_one({"_id": "f"}, {"$set": anew, "$inc": {"change": 1}})
    assert await entries.held([ours], None) == set()
    await documents.update_one({"_id": "f"}, {"$set": {"lease": "theirs"}, "$inc": {"attempts": 1}})
    assert len(await entries.claim(WorkQueue.QUICK, 1)) == 1
    assert await documents.count_documents({"_id": "f", "lease": {"$in": ["theirs"]}}) == 0


async def test_a_file_keeps_the_crashes_that_it_may_have_caused(entries: MongoEntries) -> None:
    """Those it was in hand at, outside the quick queue, each counted once; until it is changed or done."""

    async def crashes() -> dict[str, int]:
        return {file_id: entry.crashes for file_id, entry in (await entries.load(["a", "b", "c"])).items()}

    async def hold_in_parse(*files: str) -> list[Entry]:
        quick = await entries.claim(WorkQueue.QUICK, 9)
        await entries.move([entry for entry in quick if entry.file.file_id in files], WorkQueue.PARSE)
        return await entries.claim(WorkQueue.PARSE, 9)

    await entries.record([FileChange(a_file("a")), FileChange(a_file("b")), FileChange(a_file("c"))], None)
    for _ in range(2):
        await hold_in_parse("a", "b")
        await entries.count_crashes()
        await entries.count_crashes()
        await entries.release_all()
    assert await crashes() == {"a": 2, "b": 2, "c": 0}
    held = await hold_in_parse("a", "b")
    assert [(entry.attempts, entry.crashes) for entry in held] == [(1, 2), (1, 2)]
    await entries.release_all()
    assert await crashes() == {"a": 2, "b": 2, "c": 0}
    done = [entry for entry in await hold_in_parse("a", "b") if entry.file.file_id == "a"]
    await entries.complete([Outcome(entry, "name") for entry in done], None)
    await entries.record([FileChange(a_file("b", revision=2))], None)
    assert await crashes() == {"a": 0, "b": 0, "c": 0}


async def test_pending_files_are_counted_and_released_without_reading_the_others(
    entries: MongoEntries, database: Database
) -> None:
    """All use the index of pending files, so their cost does not grow with the files that are indexed."""
    await entries.record([FileChange(a_file("a")), FileChange(a_file("b"))], None)
    await entries.claim(WorkQueue.QUICK, 1)
    async with profiled(database, {"ns": f"{database.name}.documents"}) as looks:
        assert await entries.pending_by_queue() == {"quick": 2}
        await entries.count_crashes()
        assert await entries.release_all() == 2
    plans = {plan.split()[0] for look in looks if (plan := look.get("planSummary"))}
    assert plans == {"IXSCAN"}
