"""Trash, restore and purge, with their jobs and the deletion of objects."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from metadata_stack import Person, Stack
from profiled import deletions_of

from docstore_contents.deletion_hold import DeletionHold, deletions_held
from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import NotFound
from docstore_metadata.jobs.repository import MongoJobs
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.versions.repository import MongoUnreferencedContents
from docstore_metadata.versions.unreferenced_contents import UnreferencedContentRemover
from docstore_platform.security.tokens import Principal
from docstore_platform.testing import eventually
from docstore_work.lease_queue import LeaseLost

pytestmark = pytest.mark.connected

FAR_AWAY = datetime(2100, 1, 1, tzinfo=UTC)
"""By then everything is due."""


async def background_done(stack: Stack) -> None:
    """Wait until no job is open and no object is due."""

    async def idle() -> bool:
        open_jobs = await stack.database["jobs"].find_one({})
        due = await stack.database["objects"].find_one({"due_at": {"$exists": True}})
        return open_jobs is None and due is None

    await eventually(idle)


async def trash_names(person: Person) -> list[str]:
    return [item["name"] for item in (await person.ok("GET", "/v1/trash"))["items"]]


async def test_a_file_is_trashed_and_restored(running: Stack) -> None:
    """204; then only the trash has it; restored it is unchanged; a second restore changes nothing."""
    person = running.person
    file = await running.put("/docs/a.txt", tags=["x"])
    await person.ok("DELETE", f"/v1/files/{file['id']}")
    assert await person.names("path=/docs") == []
    for method, route in [("GET", ""), ("GET", "/content"), ("GET", "/versions"), ("DELETE", "")]:
        assert await person.refused(method, f"/v1/files/{file['id']}{route}") == (404, "not_found")
    [item] = (await person.ok("GET", "/v1/trash"))["items"]
    assert (item["id"], item["path"]) == (file["id"], "/docs/a.txt")
    assert item["trashed_at"]
    back = await person.ok("POST", f"/v1/files/{file['id']}/restore")
    assert (back["path"], back["tags"], back["version"]) == ("/docs/a.txt", ["x"], 1)
    assert await person.ok("POST", f"/v1/files/{file['id']}/restore") == back
    assert await trash_names(person) == []
    assert await running.events(file["id"]) == ["file-created", "file-deleted", "file-restored"]
    assert await person.refused("DELETE", f"/v1/trash/{file['id']}") == (404, "not_found")


async def test_delete_respects_if_match(running: Stack) -> None:
    """A file that has changed since is not deleted."""
    file = await running.put("/a.txt")
    await running.put("/a.txt")
    refused = await running.person.refused("DELETE", f"/v1/files/{file['id']}", if_match=file["etag"])
    assert refused == (412, "precondition_failed")


async def test_the_trash_pages_latest_first(running: Stack) -> None:
    """Pages of two equal the whole list."""
    for name in "abcde":
        file = await running.put(f"/{name}")
        await running.person.ok("DELETE", f"/v1/files/{file['id']}")
    assert await trash_names(running.person) == list("edcba")
    first = await running.person.ok("GET", "/v1/trash?limit=2")
    second = await running.person.ok("GET", f"/v1/trash?limit=2&cursor={first['next_cursor']}")
    assert [item["name"] for item in first["items"] + second["items"]] == list("edcb")


async def test_restore_renames_or_uses_the_root_if_needed(running: Stack) -> None:
    """If the name is taken, or the folder is deleted or in the trash."""
    person = running.person
    first = await running.put("/d/a.txt")
    await person.ok("DELETE", f"/v1/files/{first['id']}")
    second = await running.put("/d/a.txt")
    assert (await person.ok("POST", f"/v1/files/{first['id']}/restore"))["path"] == "/d/a (restored).txt"
    await person.ok("DELETE", f"/v1/files/{second['id']}")
    folder = await person.at("/d")
    await person.ok("DELETE", f"/v1/files/{folder['id']}")
    assert (await person.ok("POST", f"/v1/files/{second['id']}/restore"))["path"] == "/a.txt"
    await person.ok("DELETE", f"/v1/files/{second['id']}")
    await person.ok("DELETE", f"/v1/trash/{folder['id']}")
    await background_done(running)
    assert (await person.ok("POST", f"/v1/files/{second['id']}/restore"))["path"] == "/a.txt"


async def test_restore_uses_the_root_if_the_folder_is_too_deep(running: Stack) -> None:
    """The folder was moved meanwhile: the contents would exceed the maximum depth."""
    person = running.person
    await running.put("/home/top/sub/a.txt")
    alone = await running.put("/home/b.txt")
    home, top = await person.at("/home"), await person.at("/home/top")
    for node in (top, alone):
        await person.ok("DELETE", f"/v1/files/{node['id']}")
    deep = await person.folder("/" + "/".join("x" * 61))
    await person.ok("PATCH", f"/v1/files/{home['id']}", {"parent_id": deep["id"]})
    assert (await person.ok("POST", f"/v1/files/{top['id']}/restore"))["path"] == "/top"
    assert (await person.ok("POST", f"/v1/files/{alone['id']}/restore"))["path"] == f"{deep['path']}/home/b.txt"


async def test_a_folder_in_the_trash_hides_all_below(running: Stack) -> None:
    """At once nothing below is reachable; each descendant then publishes file-deleted, once."""
    person = running.person
    file, top = await running.put("/top/mid/a.txt"), await running.person.at("/top")
    mid = await person.at("/top/mid")
    await person.ok("DELETE", f"/v1/files/{top['id']}")
    for node in (file, mid):
        assert await person.refused("GET", f"/v1/files/{node['id']}") == (404, "not_found")
        assert await person.refused("PATCH", f"/v1/files/{node['id']}", {"name": "x"}) == (404, "not_found")
        assert await person.refused("POST", f"/v1/files/{node['id']}/restore") == (404, "not_found")
    assert await person.refused("GET", f"/v1/files?parent_id={mid['id']}") == (404, "not_found")
    [refused] = await running.commit(running.item(None, file_id=file["id"]))
    assert refused["problem"]["code"] == "not_found"
    assert await trash_names(person) == ["top"]
    await background_done(running)
    assert await running.events(file["id"]) == ["file-created", "file-deleted"]
    assert await running.events(mid["id"]) == ["file-created", "file-deleted"]
    again = await running.put("/top/mid/a.txt")
    assert again["id"] != file["id"]
    restored = await person.ok("POST", f"/v1/files/{top['id']}/restore")
    assert restored["path"] == "/top (restored)"
    assert (await person.get(file))["path"] == "/top (restored)/mid/a.txt"
    await background_done(running)
    assert await running.events(file["id"]) == ["file-created", "file-deleted", "file-restored"]
    assert await running.events(mid["id"]) == ["file-created", "file-deleted", "file-restored"]


async def test_jobs_walk_through_folders_of_several_pages(fresh: Stack) -> None:
    """Each descendant is published, on deletion, restoration and purge."""
    person = fresh.person
    files = [*(f"/big/{n}.txt" for n in range(225)), *(f"/big/{n}/x.txt" for n in range(25))]
    await fresh.commit(*map(fresh.item, files))
    folder = await person.at("/big")
    await person.ok("DELETE", f"/v1/files/{folder['id']}")
    await background_done(fresh)
    hidden = await fresh.database["nodes"].count_documents({"hidden": True})
    assert hidden == 275
    await person.ok("POST", f"/v1/files/{folder['id']}/restore")
    await background_done(fresh)
    assert await fresh.database["nodes"].count_documents({"hidden": True}) == 0
    await person.ok("DELETE", f"/v1/files/{folder['id']}")
    await person.ok("DELETE", f"/v1/trash/{folder['id']}")
    await background_done(fresh)
    assert await fresh.database["nodes"].count_documents({"parent": {"$ne": None}}) == 0
    assert await fresh.database["versions"].count_documents({}) == 0
    assert await fresh.database["objects"].count_documents({}) == 0
    types: dict[str, list[str]] = {}
    async for row in fresh.database["outbox"].find().sort("sequence", 1):
        types.setdefault(row["key"], []).append(dict(row["headers"])["ce_type"].decode())
    assert len(types) == 276
    for key, published in types.items():
        assert published[0] == "file-created"
        assert published[-1] == "file-purged", key
        assert published.count("file-restored") == 1


async def test_a_purge_deletes_few_long_histories_together(fresh: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files as have a limited number of versions, in each transaction of the walk; in the end all are gone."""
    monkeypatch.setattr("docstore_metadata.versions.rules.HISTORIES_PAGE", 5)
    person = fresh.person
    for _ in range(2):
        for number in range(5):
            await fresh.put(f"/a/{number}.txt")
    for _ in range(7):
        await fresh.put("/a/b/long.txt")
    folder = await person.at("/a")
    await person.ok("DELETE", f"/v1/files/{folder['id']}")
    await background_done(fresh)
    async with deletions_of(fresh.database, "versions") as deleted:
        await person.ok("DELETE", f"/v1/trash/{folder['id']}")
        await background_done(fresh)
    assert sorted(deleted) == [2, 4, 4, 7]
    assert await fresh.database["nodes"].count_documents({"parent": {"$ne": None}}) == 0


async def test_a_long_history_is_deleted_in_the_background(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file leaves the trash at once and can't be restored; a job deletes it. A short history is deleted at once."""
    monkeypatch.setattr("docstore_metadata.trash.purging.LONG_HISTORY", 2)
    person = stack.person
    async with stack.run():
        for content in (b"1", b"22", b"333"):
            long = await stack.put("/long.txt", content)
        for _ in range(2):
            short = await stack.put("/short.txt")
        for file in (long, short):
            await person.ok("DELETE", f"/v1/files/{file['id']}")
    transactor = Transactor(stack.mongo, stack.database, "metadata", stack.infra.topic_prefix)
    store = Store.in_mongo(stack.database, lease_seconds=30)
    trash = TrashService(store, Tree(store.nodes), transactor)
    caller = Principal(person.account_id, "s1", "user", "laptop")
    for file in (long, short):
        await trash.purge(caller, file["id"])
    assert await trash.page(caller, None, 10) == ([], None)
    with pytest.raises(NotFound):
        await trash.restore(caller, long["id"])
    assert await stack.database["versions"].distinct("node") == [long["id"]]
    async with stack.run():
        await background_done(stack)
    assert await stack.database["versions"].count_documents({}) == 0
    assert await store.nodes.by_ids([long["id"]]) == []
    assert (await stack.event(long["id"], "file-purged"))["freed_bytes"] == 6


async def test_moves_during_a_walk_end_in_the_right_state(running: Stack) -> None:
    """Delete, restore and move in quick succession: in the end no reachable node counts as deleted."""
    person = running.person
    await running.commit(*(running.item(f"/a/m/x/{n}.txt") for n in range(230)))
    a, x = await person.at("/a"), await person.at("/a/m/x")
    for round_number in range(3):
        await person.ok("DELETE", f"/v1/files/{a['id']}")
        await person.ok("POST", f"/v1/files/{a['id']}/restore")
        target = await person.folder(f"/to-{round_number}")
        await person.ok("PATCH", f"/v1/files/{x['id']}", {"parent_id": target["id"]})
        back = await person.at("/a/m")
        await person.ok("PATCH", f"/v1/files/{x['id']}", {"parent_id": back["id"]})
    await person.ok("PATCH", f"/v1/files/{x['id']}", {"parent_id": person.account_id})
    await person.ok("DELETE", f"/v1/files/{a['id']}")
    await background_done(running)
    assert len(await person.names("path=/x&limit=1000")) == 230
    assert [row["name"] async for row in running.database["nodes"].find({"hidden": True})] == ["m"]


async def test_a_job_of_a_dead_instance_is_taken_over(stack: Stack) -> None:
    """When its lease expires; the first instance can't continue."""
    store = Store.in_mongo(stack.database, lease_seconds=30)
    dead = MongoJobs(stack.database, lease_seconds=0.3)
    async with stack.run():
        file = await stack.put("/f/a.txt")
    folder = (await store.nodes.by_names([(stack.person.account_id, "f")]))[0]
    trashed = {"$set": {"trashed_at": folder.created_at}, "$unset": {"live": ""}}
    await stack.database["nodes"].update_one({"_id": folder.id}, trashed)
    await dead.add("settle", folder, folder.owner_id, Transaction(None, "metadata", ""))
    job = await dead.claim()
    assert job is not None
    assert await dead.claim() is None
    async with stack.run():
        await background_done(stack)
    assert await stack.events(file["id"]) == ["file-created", "file-deleted"]
    with pytest.raises(LeaseLost):
        await dead.save(job, None)


async def test_a_purge_before_the_deletions_walk_publishes_both(stack: Stack) -> None:
    """The first job is leased by a killed instance: each descendant publishes file-deleted, then file-purged."""
    person, reader = stack.person, stack.other
    store = Store.in_mongo(stack.database, lease_seconds=30)
    dead = MongoJobs(stack.database, lease_seconds=600)
    async with stack.run():
        await stack.register(reader, "reader@example.com")
        file, below = await stack.put("/top/a.txt"), await stack.put("/top/sub/b.txt")
        top, sub = await person.at("/top"), await person.at("/top/sub")
        for node in (file, sub):
            await person.ok("POST", f"/v1/files/{node['id']}/shares", {"email": "reader@example.com", "role": "viewer"})
        await stack.jobs_done()
    caller = Principal(person.account_id, "s1", "user", "laptop")
    transactor = Transactor(stack.mongo, stack.database, "metadata", stack.infra.topic_prefix)
    await TrashService(replace(store, jobs=dead), Tree(store.nodes), transactor).put_in(caller, top["id"], None)
    walk = await dead.claim()
    assert walk is not None
    assert walk.kind == "settle"
    async with stack.run():
        await person.ok("DELETE", f"/v1/trash/{top['id']}")

        async def gone() -> bool:
            return not await store.nodes.by_ids([top["id"]])

        await eventually(gone)
        changes = (await reader.ok("GET", "/v1/changes?limit=1000"))["changes"]
    deleted = {change["file"]["id"] for change in changes if change["type"] == "deleted"}
    assert deleted == {file["id"], sub["id"]}
    for node in (file, sub, below):
        assert (await stack.events(node["id"]))[-2:] == ["file-deleted", "file-purged"]


async def test_a_walk_misses_no_change_that_began_before_the_deletion(fresh: Stack) -> None:
    """Commits below a folder that is deleted: each file is either published as deleted, or refused."""
    person = fresh.person
    await fresh.put("/t/u/first")
    for number in range(5):
        top = await person.at("/t")
        items = [[fresh.item(f"/t/u/{number}-{n}")] for n in range(6)]
        outcomes = await asyncio.gather(
            *(fresh.commit(*item) for item in items), person.ok("DELETE", f"/v1/files/{top['id']}")
        )
        assert all("file" in outcome[0] for outcome in outcomes[:-1])
        await background_done(fresh)
        if "t" not in await person.names():
            await fresh.put("/t/u/again")
    async for row in fresh.database["nodes"].find({"kind": "file"}):
        answer = await person.send("GET", f"/v1/files/{row['_id']}")
        assert bool(row.get("hidden")) is (answer.status == 404)


async def test_objects_held_by_a_backup_are_not_deleted(running: Stack) -> None:
    """They are deleted after the hold is released."""
    item = running.item("/a.txt", b"one")
    await running.store_object(item, b"one")
    await running.commit(item)
    file = await running.person.at("/a.txt")
    hold = DeletionHold([running.database], "backup")
    await hold.take()
    await running.person.ok("DELETE", f"/v1/files/{file['id']}")
    await running.person.ok("DELETE", f"/v1/trash/{file['id']}")
    objects: Any = None  # nothing may be asked of it
    held = partial(deletions_held, running.database)
    due = MongoUnreferencedContents(running.database, lease_seconds=5, clock=lambda: FAR_AWAY)
    remover = UnreferencedContentRemover(due, objects, objects, is_held=held)
    assert await remover.remove_due() == 0
    assert await running.objects.get(item["object_key"]) == b"one"
    await hold.release()
    await background_done(running)
    assert await running.objects.head(item["object_key"]) is None


async def test_purge_removes_versions_and_objects(running: Stack) -> None:
    """file-purged contains the freed bytes; an object that a copy refers to stays."""
    first, second = running.item("/a.txt", b"one"), running.item("/a.txt", b"three")
    for item, content in ((first, b"one"), (second, b"three")):
        await running.store_object(item, content)
        await running.commit(item)
    file = await running.person.at("/a.txt")
    copy = await running.person.ok("POST", f"/v1/files/{file['id']}/copy", {"path": "/copy.txt"})
    await running.person.ok("DELETE", f"/v1/files/{file['id']}")
    await running.person.ok("DELETE", f"/v1/trash/{file['id']}")
    assert (await running.event(file["id"], "file-purged"))["freed_bytes"] == 8
    assert await running.person.refused("POST", f"/v1/files/{file['id']}/restore") == (404, "not_found")
    await background_done(running)
    assert await running.objects.head(first["object_key"]) is None
    assert await running.objects.get(second["object_key"]) == b"three"
    await running.person.ok("DELETE", f"/v1/files/{copy['id']}")
    await running.person.ok("DELETE", f"/v1/trash/{copy['id']}")
    await background_done(running)
    assert await running.objects.head(second["object_key"]) is None
    assert await running.internal.call("GET", f"/internal/accounts/{running.person.account_id}/storage") == {
        "bytes": 0,
        "documents": 0,
    }


async def test_copying_while_purging_loses_no_object(running: Stack) -> None:
    """Concurrent copy, delete and purge: a copy has its object, a refused one leaves nothing."""
    for number in range(8):
        item = running.item(f"/{number}.txt", b"content")
        await running.store_object(item, b"content")
        [result] = await running.commit(item)
        path = f"/v1/files/{result['file']['id']}"

        async def purge(path: str = path) -> None:
            await running.person.ok("DELETE", path)
            await running.person.ok("DELETE", path.replace("files", "trash"))

        copied, _ = await asyncio.gather(
            running.person.send("POST", f"{path}/copy", {"path": f"/copy-{number}"}), purge()
        )
        await background_done(running)
        assert copied.status in (201, 404)
        assert (await running.objects.head(item["object_key"]) is not None) is (copied.status == 201)


async def test_objects_are_deleted_later_when_the_store_is_down(stack: Stack) -> None:
    """The next instance deletes them."""
    item = stack.item("/a.txt", b"content")
    await stack.store_object(item, b"content")
    down = stack.infra.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"})
    async with stack.run(infra=down, job_lease_seconds=0.1):
        [result] = await stack.commit(item)
        await stack.person.ok("DELETE", f"/v1/files/{result['file']['id']}")
        await stack.person.ok("DELETE", f"/v1/trash/{result['file']['id']}")
        assert await stack.database["objects"].find_one({"refs": 0}) is not None
    assert await stack.objects.head(item["object_key"]) is not None
    async with stack.run(job_lease_seconds=0.1):
        await background_done(stack)
    assert await stack.objects.head(item["object_key"]) is None
