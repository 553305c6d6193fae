"""The retention sweeper: leases, crashes, upgrades, and the cost of a search."""

import asyncio
from datetime import timedelta

import pytest
from metadata_stack import Stack
from profiled import profiled
from restores import restored
from retention_sweeps import RETENTION, make_old, sweeping, throw_away, trash, versions, when

from docstore_metadata.maintenance import after_restore
from docstore_metadata.retention.repository import DueAccount
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected


async def test_a_dead_sweeper_is_taken_over(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two pages: committed pages stay, and another instance continues when the lease expires."""
    monkeypatch.setattr("docstore_metadata.retention.worker.TRASH_PAGE", 2)
    lease = new_id()
    dead, other = sweeping(running, leads=lease), sweeping(running, leads=lease)
    for number in range(5):
        await running.put(f"/{number}.txt")
        await throw_away(running, f"/{number}.txt")
    dead.move(31)
    due = await dead.roots.next_due(utc_now() + timedelta(days=31))
    assert isinstance(due, DueAccount)
    assert await dead.sweeper.leader.hold()
    assert await dead.sweeper._step(due)
    assert len(await trash(running.person)) == 3
    assert await other.at(31) == 0
    expired = {"$set": {"until": utc_now() - timedelta(days=1)}}
    await running.database["leases"].update_one({"_id": lease}, expired)
    assert await other.at(31) == 1
    assert await trash(running.person) == {}
    async for row in running.database["nodes"].find({"_id": running.person.account_id}):
        assert row.keys().isdisjoint({"trash_from", "lease", "held_until"})


async def test_concurrent_sweepers_purge_each_file_once(running: Stack) -> None:
    """One continues after its lease expired: a file is purged once, with one event."""
    one, other = sweeping(running), sweeping(running)
    files = [await running.put(f"/{number}.txt") for number in range(5)]
    for number in range(5):
        await throw_away(running, f"/{number}.txt")
    await asyncio.gather(one.at(31), other.at(31))
    assert await trash(running.person) == {}
    for file in files:
        assert (await running.events(file["id"])).count("file-purged") == 1


async def test_an_account_leased_by_an_older_release_is_skipped(running: Stack) -> None:
    """Until the lease in its root expires."""
    sweeps, root = sweeping(running), {"_id": running.person.account_id}
    await running.put("/a.txt")
    await throw_away(running, "/a.txt")
    held = {"held_until": utc_now() + timedelta(days=31, minutes=5), "lease": "theirs"}
    await running.database["nodes"].update_one(root, {"$set": held})
    assert await sweeps.at(31) == 0
    assert await sweeps.at(31.01) == 1
    assert await trash(running.person) == {}


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_a_crash_of_the_sweeper_loses_and_repeats_nothing(stack: Stack, crash: str) -> None:
    """Of trash and old versions: uncommitted steps are redone, committed ones are not published again."""
    async with stack.run(version_days=5):
        sweeps = sweeping(stack, crash, version_days=5)
        old = [await stack.put("/old.txt", b"old") for _ in range(2)][-1]
        assert await sweeps.at(5.01) == 1
        assert await sweeps.at(5.02) == (1 if crash == "before" else 0)
        assert await versions(stack, old) == [2]
        assert (await stack.events(old["id"])).count("version-pruned") == 1
        sweeps = sweeping(stack, crash, version_days=5)
        file, folder = await stack.put("/a.txt"), await stack.put("/folder/b.txt")
        await throw_away(stack, "/a.txt")
        await throw_away(stack, "/folder")
        assert await sweeps.at(31) == 1
        assert await sweeps.at(31.01) == (1 if crash == "before" else 0)
        await stack.jobs_done()
        for node in (file, folder):
            assert (await stack.events(node["id"])).count("file-purged") == 1
        assert await trash(stack.person) == {}


async def test_a_restore_restarts_the_retention(stack: Stack) -> None:
    """Nothing of an old backup is due before the full period after the restore."""
    async with stack.run(version_days=30):
        sweeps = sweeping(stack, version_days=30)
        old = [await stack.put("/old.txt", b"old") for _ in range(2)][-1]
        await stack.put("/a.txt")
        await throw_away(stack, "/a.txt")
        await make_old(stack, days=900)
        await after_restore(restored(stack.database))
        assert await sweeps.at(29) == 0
        assert list(await trash(stack.person)) == ["a.txt"]
        assert await sweeps.at(31) == 2
        assert (await trash(stack.person), await versions(stack, old)) == ({}, [2])


async def test_an_upgrade_starts_the_retention_of_existing_trash(stack: Stack) -> None:
    """The trash counts as put there now, and old versions are found; a second start changes nothing."""
    nodes, long_ago = stack.database["nodes"], utc_now() - timedelta(days=900)
    async with stack.run():
        file = [await stack.put("/a.txt") for _ in range(3)][-1]
        await stack.put("/b.txt")
        await throw_away(stack, "/b.txt")
    await nodes.update_many({}, {"$unset": {"trash_from": "", "versions_from": "", "replaced_from": ""}})
    await nodes.update_many({"trashed_at": {"$exists": True}}, {"$set": {"trashed_at": long_ago}})
    await nodes.drop_index("trash_due")
    sweeps = sweeping(stack, version_days=5)
    for _ in range(2):
        async with stack.run():
            shown = (await trash(stack.person))["b.txt"]
            assert when(shown["expires_at"]) > utc_now() + timedelta(days=29)
    async with stack.run(version_days=5):
        assert await sweeps.at(4.9) == 0
        assert await sweeps.at(5.01) == 1
        assert await versions(stack, file) == [3]
        assert await sweeps.at(29.9) == 0
        assert await sweeps.at(30.01) == 1
        assert await trash(stack.person) == {}


async def test_a_search_without_due_work_reads_one_document_per_policy(running: Stack) -> None:
    """Among hundreds of files with old versions or in the trash, of accounts with different policies."""
    sweeps = sweeping(running)
    await running.commit(*(running.item(f"/{n}.txt") for n in range(200)))
    await running.commit(*(running.item(f"/{n}.txt") for n in range(100)))
    for days in (7, 7, 7, 60, 60, None):
        person = running.new_person()
        await person.ok("PUT", RETENTION, {"trash_days": days, "versions": 9, "version_days": days})
        for name in ("/x", "/y"):
            file = await running.put(name, account_id=person.account_id)
            await running.put(name, account_id=person.account_id)
            await person.ok("DELETE", f"/v1/files/{file['id']}")
    await running.database["nodes"].update_many({}, {"$unset": {"recheck_from": "", "held_until": ""}})
    searches = {"ns": {"$regex": "nodes$"}, "appName": "test"}  # the running service reads nodes, too
    async with profiled(running.database, searches) as looks:
        assert await sweeps.at(1) == 0
    assert looks
    assert {look["planSummary"].split()[0] for look in looks} == {"IXSCAN"}
    assert sum(look["docsExamined"] for look in looks) <= 6
