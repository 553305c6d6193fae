"""Rebuild of the index from metadata."""

import asyncio
from typing import Any

import pytest
from indexer_world import World

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_a_rebuild_serves_the_old_index_and_misses_nothing(running: World) -> None:
    """While it runs, searches work as before; changes meanwhile, and those without an event, are in the new index."""
    ann = await running.person("premium")
    names = [f"file {number}.txt" for number in range(4)]
    states = [await running.add(ann, name, b"patient walrus") for name in names]
    await running.finds(ann, "walrus", *names, scope="content")
    untold = await running.add(ann, "untold.txt", b"untold walrus", is_published=False)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: str) -> None:
        reached.set()
        await go_on.wait()

    running.metadata.at_page = wait
    answer = await running.call("POST", "/v1/admin/search/rebuild", bearer=running.token(ann, "admin"))
    assert answer.status == 202
    await reached.wait()
    assert await running.names(ann, "walrus", scope="content") == names
    await running.add(ann, "meanwhile.txt", b"new walrus")
    await running.modify(states[0].file_id, b"other badger")
    await running.delete(states[1].file_id)
    now = ["file 2.txt", "file 3.txt", "meanwhile.txt"]
    await running.finds(ann, "walrus", *now, scope="content")
    assert (await running.internal("POST", "/internal/rebuild"))["state"] == "running"
    go_on.set()
    done = await running.rebuilt()
    assert (done["state"], done["reason"]) == ("done", "requested")
    assert done["pass_1"]["files"] >= done["pass_1"]["added"] - 1 > 0
    await running.finds(ann, "walrus", *now, "untold.txt", scope="content")
    await running.finds(ann, "badger", "file 0.txt", scope="content")
    assert (await running.search(ann, "", scope="name"))["total"] == 5
    await running.until_published(untold.file_id, "file-indexed")


async def test_a_rebuild_forgets_what_is_no_more(running: World) -> None:
    """A file whose purge was never published is not in the new index."""
    ann = await running.person()
    state = await running.add(ann, "ghost.txt", b"")
    await running.add(ann, "kept.txt", b"")
    await running.finds(ann, "", "ghost.txt", "kept.txt")
    del running.metadata.files[state.file_id]
    await running.internal("POST", "/internal/rebuild")
    await running.rebuilt()

    async def gone() -> bool:
        return bool((await running.search(ann))["total"] == 1)

    await eventually(gone)


async def test_a_rebuild_waits_for_metadata(running: World) -> None:
    """With metadata away the old index serves, and the rebuild goes on where it was when it is back."""
    ann = await running.person()
    await running.add(ann, "kept.txt", b"")
    await running.finds(ann, "kept", "kept.txt")
    running.metadata.away = True
    await running.internal("POST", "/internal/rebuild")
    seen = len(running.metadata.calls)

    async def requests() -> bool:
        return len(running.metadata.calls) > seen + 1

    await eventually(requests)
    assert (await running.internal("GET", "/internal/rebuild"))["state"] == "running"
    running.metadata.away = False
    assert (await running.rebuilt())["state"] == "done"
    assert await running.names(ann, "kept") == ["kept.txt"]


async def test_a_rebuild_cut_off_by_a_crash_is_begun_anew(world: World) -> None:
    """The service ends in the middle: the old index serves at once, and the rebuild is done after all."""
    async with world.running():
        ann = await world.person("premium")
        await world.add(ann, "note.txt", b"walrus")
        await world.finds(ann, "walrus", "note.txt", scope="content")
        reached = asyncio.Event()

        async def never(_: str) -> None:
            reached.set()
            await asyncio.Event().wait()

        world.metadata.at_page = never
        await world.internal("POST", "/internal/rebuild")
        await reached.wait()
    world.metadata.at_page = None
    async with world.running():
        assert (await world.rebuilt())["state"] == "done"
        assert await world.names(ann, "walrus", scope="content") == ["note.txt"]


async def test_one_account_is_rebuilt_in_the_index_that_serves(running: World) -> None:
    """Its documents alone: changed entries, files without an event, deleted ones. Meanwhile it finds its files."""
    ann, bob = await running.person("premium"), await running.person("premium")
    admin = running.token(ann, "admin")
    kept = await running.add(ann, "kept.txt", b"patient walrus")
    ghost = await running.add(ann, "ghost.txt", b"gone walrus")
    await running.finds(ann, "walrus", "kept.txt", "ghost.txt", scope="content")
    await running.settled()
    await running.database["documents"].update_one({"_id": kept.file_id}, {"$set": {"tags": ["marked"]}})
    del running.metadata.files[ghost.file_id]
    await running.add(ann, "untold.txt", b"untold walrus", is_published=False)
    theirs = await running.add(bob, "theirs.txt", b"untold walrus", is_published=False)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: str) -> None:
        reached.set()
        await go_on.wait()

    running.metadata.at_page = wait
    path = f"/v1/admin/search/rebuild?account_id={ann}"
    answer = await running.call("POST", "/v1/admin/search/rebuild", bearer=admin, body={"account_id": ann})
    assert (answer.status, answer.json()["account_id"]) == (202, ann)
    await reached.wait()
    assert "kept.txt" in await running.names(ann, "walrus", scope="content")
    assert (await running.call("GET", path, bearer=admin)).json()["state"] == "running"
    running.metadata.at_page = None
    go_on.set()

    async def done() -> Any:
        status = (await running.call("GET", path, bearer=admin)).json()
        return status if status["state"] == "done" else None

    counts = (await eventually(done))["pass_1"]
    assert counts == {"files": 2, "added": 1, "taken_over": 1, "removed": 1}
    assert await running.names(ann, "", tag="marked") == ["kept.txt"]
    await running.finds(ann, "walrus", "kept.txt", "untold.txt", scope="content")
    assert await running.database["documents"].find_one({"_id": theirs.file_id}) is None
    del running.metadata.files[theirs.file_id]


async def test_an_unknown_account_is_not_rebuilt(running: World) -> None:
    """404, and nothing is queued."""
    ann = await running.person()
    body, admin = {"account_id": "nobody&limit=1"}, running.token(ann, "admin")
    answer = await running.call("POST", "/v1/admin/search/rebuild", bearer=admin, body=body)
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert await running.database["jobs"].find_one({"kind": "account", "due_at": {"$ne": None}}) is None


async def test_only_administrators_rebuild(running: World) -> None:
    """403 for others, 401 for services' route without the secret."""
    ann = await running.person()
    for method in ("GET", "POST"):
        assert (await running.call(method, "/v1/admin/search/rebuild", bearer=running.token(ann))).status == 403
        assert (await running.call(method, "/internal/rebuild", bearer=running.token(ann, "admin"))).status == 401
    body, own = {"account_id": ann}, f"/v1/admin/search/rebuild?account_id={ann}"
    assert (await running.call("GET", own, bearer=running.token(ann))).status == 403
    assert (await running.call("POST", "/v1/admin/search/rebuild", bearer=running.token(ann), body=body)).status == 403
    status = await running.call("GET", "/v1/admin/search/rebuild", bearer=running.token(ann, "admin"))
    assert status.json()["state"] == "done"
