"""Trash is purged after its retention and not before, by a sweeper with an adjustable clock."""

import asyncio
from datetime import timedelta

import pytest
from metadata_stack import Stack
from retention_sweeps import clock_off_by, make_old, sweeping, throw_away, trash, versions, when

from docstore_events.catalogue.accounts import AccountUpdated
from docstore_platform.clock import utc_now
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_the_trash_is_purged_after_thirty_days(running: Stack) -> None:
    """Not a moment earlier; files at once and folders by a job, without actor; then the account is idle."""
    sweeps, item = sweeping(running), running.item("/a.txt", b"hello")
    await running.store_object(item, b"hello")
    await running.commit(item)
    below = await running.put("/folder/sub/b.txt")
    file, folder = await throw_away(running, "/a.txt"), await throw_away(running, "/folder")
    await running.jobs_done()
    shown = (await trash(running.person))["a.txt"]
    assert when(shown["expires_at"]) - when(shown["trashed_at"]) == timedelta(days=30)
    assert await sweeps.at(29.99) == 0
    assert (await trash(running.person)).keys() == {"a.txt", "folder"}
    assert await sweeps.at(30.01) == 1
    assert await trash(running.person) == {}
    await running.jobs_done()
    purged = await running.event(file["id"], "file-purged")
    assert (purged["freed_bytes"], purged["actor_id"]) == (5, "")
    for node in (folder, below):
        assert (await running.events(node["id"]))[-2:] == ["file-deleted", "file-purged"]

    async def content_gone() -> bool:
        return await running.objects.head(item["object_key"]) is None

    await eventually(content_gone)
    assert await sweeps.at(5000) == 0


async def test_only_due_trash_is_purged(running: Stack) -> None:
    """Restored files stay, and later ones are purged later."""
    sweeps = sweeping(running)
    first, second = await running.put("/first"), await running.put("/second")
    await throw_away(running, "/first")
    await throw_away(running, "/second")
    later = {"$set": {"trashed_at": utc_now() + timedelta(days=10)}}
    await running.database["nodes"].update_one({"_id": second["id"]}, later)
    await running.person.ok("POST", f"/v1/files/{first['id']}/restore")
    assert await sweeps.at(31) == 1
    assert (await trash(running.person)).keys() == {"second"}
    assert await sweeps.at(39) == 0
    assert await sweeps.at(40.01) == 1
    assert await trash(running.person) == {}
    assert (await running.person.get(first))["path"] == "/first"


async def test_trash_added_while_the_last_sweep_ends_is_found(running: Stack) -> None:
    """The sweeper finds an empty trash while a file is deleted, repeatedly: the file is due in its time."""
    sweeps, root = sweeping(running), {"_id": running.person.account_id}
    long_ago = {"$set": {"trash_from": utc_now() - timedelta(days=31)}}
    await running.commit(*(running.item(f"/{number}") for number in range(8)))
    for number in range(8):
        await running.database["nodes"].update_one(root, long_ago)
        file, _ = await asyncio.gather(throw_away(running, f"/{number}"), sweeps.at(0))
        assert "trash_from" in await running.database["nodes"].find_one(root)
        await running.person.ok("DELETE", f"/v1/trash/{file['id']}")
    await running.put("/last")
    await throw_away(running, "/last")
    assert await sweeps.at(31) == 1
    assert await trash(running.person) == {}


async def test_a_fast_clock_purges_nothing(stack: Stack) -> None:
    """A service a year ahead goes by the database's clock."""
    async with stack.run(clock=clock_off_by(365), retention_interval_seconds=0.05):
        for name in ("due.txt", "a.txt"):
            await stack.put(f"/{name}")
        nodes, long_ago = stack.database["nodes"], utc_now() - timedelta(days=31)
        due, _ = await throw_away(stack, "/due.txt"), await throw_away(stack, "/a.txt")
        await nodes.update_one({"_id": due["id"]}, {"$set": {"trashed_at": long_ago}})
        await nodes.update_one({"_id": stack.person.account_id}, {"$set": {"trash_from": long_ago}})

        async def gone() -> bool:
            return "due.txt" not in await trash(stack.person)

        await eventually(gone)
        assert (await trash(stack.person)).keys() == {"a.txt"}


async def test_a_slow_clock_makes_no_trash_look_old(stack: Stack) -> None:
    """An instance a year behind deletes a file: it stays in the trash for its full period."""
    async with stack.run(clock=clock_off_by(-365), retention_interval_seconds=0):
        await stack.put("/a.txt")
        await throw_away(stack, "/a.txt")
        sweeps = sweeping(stack)
        assert await sweeps.at(29.9) == 0
        assert await sweeps.at(30.1) == 1
        assert await trash(stack.person) == {}


async def test_a_suspension_restarts_the_retention(stack: Stack) -> None:
    """Of trash and old versions, when it ends, even if a sweep is running; later events change nothing."""
    async with stack.run(version_days=30, retention_interval_seconds=0):
        sweeps, account = sweeping(stack, version_days=30), stack.account(stack.person, "ada@example.org")
        file = [await stack.put("/a.txt") for _ in range(2)][-1]
        await stack.put("/b.txt")
        await throw_away(stack, "/b.txt")
        await make_old(stack, days=400)
        due = await sweeps.roots.next_due(utc_now())
        assert due is not None
        await stack.handle(AccountUpdated(revision=2, status="suspended", **account))
        assert await sweeps.at(31) == 0
        await stack.handle(AccountUpdated(revision=3, status="active", **account))
        sweeps.move(0)
        assert not await sweeps.sweeper._step(due)
        assert when((await trash(stack.person))["b.txt"]["expires_at"]) > utc_now() + timedelta(days=29)
        assert await sweeps.at(29.9) == 0
        since = await stack.database["nodes"].find_one({"_id": stack.person.account_id})
        await stack.handle(AccountUpdated(revision=4, status="active", **account))
        again = await stack.database["nodes"].find_one({"_id": stack.person.account_id})
        assert again | {"account_revision": 3} == since
        assert await sweeps.at(30.01) == 2
        assert await trash(stack.person) == {}
        assert await versions(stack, file) == [2]


async def test_an_account_without_trash_stays_idle_after_a_suspension(running: Stack) -> None:
    """Without trash and old versions it is never selected."""
    await running.put("/a.txt")
    account = running.account(running.person, "ada@example.org")
    await running.handle(AccountUpdated(revision=2, status="suspended", **account))
    await running.handle(AccountUpdated(revision=3, status="active", **account))
    root = await running.database["nodes"].find_one({"_id": running.person.account_id})
    assert root.keys().isdisjoint({"trash_from", "versions_from"})
