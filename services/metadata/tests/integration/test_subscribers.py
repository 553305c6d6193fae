"""Event handlers, and routes for other services."""

from typing import Any

import pytest
from metadata_stack import Stack

from docstore_events.catalogue.accounts import AccountCreated
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileIndexed, FileIndexFailed, PreviewReady
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Mongo
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def publish(stack: Stack, *events: Event) -> None:
    """Publish events of another service, and wait until its outbox is empty."""
    mongo = Mongo(stack.infra.mongo_url.get_secret_value(), app_name="test")
    database = mongo.database(f"{stack.infra.database_prefix}other")
    runtime = EventRuntime("other", stack.infra, mongo, database)

    async def work(transaction: Transaction) -> None:
        for event in events:
            transaction.publish(event)

    async def all_sent() -> bool:
        return await database["outbox"].find_one({"state": "pending"}) is None

    async with runtime.running():
        await runtime.transactor.run(work)
        await eventually(all_sent)
    mongo.close()


async def test_on_account_created_creates_the_root(running: Stack) -> None:
    """A repeated event changes nothing."""
    event = AccountCreated(
        revision=1,
        account_id="f" * 32,
        email="ann@example.com",
        display_name="Ann",
        plan="free",
        role="user",
        status="active",
        home_region="us-west-2",
        created_at=utc_now(),
    )
    await publish(running, event, event)

    async def root() -> Any:
        return await running.database["nodes"].find_one({"_id": "f" * 32})

    made = await eventually(root)
    assert (made["parent"], made["kind"], made["live"]) == (None, "folder", True)


async def shown_as_indexed(stack: Stack, file: Any, expected: bool) -> None:
    """Wait until the file and its listing agree with `expected`."""

    async def as_expected() -> bool:
        listed = (await stack.person.ok("GET", "/v1/files"))["items"][0]["indexed"]
        return listed is expected and (await stack.person.get(file))["indexed"] is expected

    await eventually(as_expected)


async def test_on_file_indexed_shows_in_file_and_listing(running: Stack) -> None:
    """`indexed` is true for this version, and false again for the next one."""
    file = await running.put("/a.txt")
    about = {"file_id": file["id"], "owner_id": running.person.account_id}
    await shown_as_indexed(running, file, False)
    await publish(running, FileIndexed(revision=1, version=1, mode="name", **about))
    await shown_as_indexed(running, file, True)
    await running.put("/a.txt")
    await shown_as_indexed(running, file, False)


async def test_on_file_index_failed_shows_in_file_and_listing(running: Stack) -> None:
    """`indexed` is false, even if it was true before, in cached listings too."""
    file = await running.put("/a.txt")
    about = {"file_id": file["id"], "owner_id": running.person.account_id}
    await publish(running, FileIndexed(revision=1, version=1, mode="name", **about))
    await shown_as_indexed(running, file, True)
    await publish(running, FileIndexFailed(revision=1, version=1, reason="corrupt", **about))
    await shown_as_indexed(running, file, False)


async def test_on_preview_ready_shows_in_file_and_listing(running: Stack) -> None:
    """`preview` is true while the version is current, in cached listings too; not in the trash."""
    file = await running.put("/a.png")
    about = {"file_id": file["id"], "owner_id": running.person.account_id, "of": "image"}

    async def shows(expected: bool) -> bool:
        listing = await running.person.ok("GET", "/v1/files")
        return [item["preview"] for item in (*listing["items"], await running.person.get(file))] == [expected] * 2

    await publish(
        running, FileIndexed(revision=1, version=1, mode="name", file_id=file["id"], owner_id=about["owner_id"])
    )
    await eventually(lambda: shows(False))
    await publish(running, PreviewReady(revision=1, version=1, **about))
    await eventually(lambda: shows(True))
    await running.put("/a.png")
    await eventually(lambda: shows(False))
    await publish(running, PreviewReady(revision=1, version=1, **about))
    await publish(running, PreviewReady(revision=2, version=2, **about))
    await eventually(lambda: shows(True))
    await running.person.ok("DELETE", f"/v1/files/{file['id']}")
    [trashed] = (await running.person.ok("GET", "/v1/trash"))["items"]
    assert trashed["preview"] is False


async def test_every_file_is_listed_for_an_index_rebuild(fresh: Stack) -> None:
    """All files and folders by id, page by page, with path, revision and whether they are in the trash."""
    await fresh.commit(fresh.item("/a/b/one.txt"), fresh.item("/two.txt"))
    other = await fresh.put("/theirs.txt", account_id=fresh.other.account_id)
    folder = await fresh.person.at("/a")
    await fresh.person.ok("DELETE", f"/v1/files/{folder['id']}")
    items, after = [], ""
    while True:
        page = await fresh.internal.call("GET", f"/internal/files?limit=2&after={after}")
        items += page["items"]
        if page["next_after"] is None:
            break
        after = page["next_after"]
    assert {(item["path"], item["trashed"]) for item in items} == {
        ("/a", True),
        ("/a/b", True),
        ("/a/b/one.txt", True),
        ("/two.txt", False),
        ("/theirs.txt", False),
    }
    one = next(item for item in items if item["path"] == "/a/b/one.txt")
    assert one["file"]["ancestors"][:2] == [fresh.person.account_id, folder["id"]]
    assert one["revision"] >= 1
    mine = await fresh.internal.call("GET", f"/internal/files?owner_id={fresh.other.account_id}")
    assert [item["file"]["file_id"] for item in mine["items"]] == [other["id"]]


async def test_lookup_returns_only_readable_files(running: Stack) -> None:
    """In the given order, without unknown and foreign files, and without the trash."""
    one, two = await running.put("/one"), await running.put("/two")
    gone = await running.put("/gone")
    theirs = await running.put("/theirs", account_id=running.other.account_id)
    await running.person.ok("DELETE", f"/v1/files/{gone['id']}")
    ids = [two["id"], gone["id"], "nothing", theirs["id"], one["id"]]
    body = {"account_id": running.person.account_id, "ids": ids}
    found = await running.internal.call("POST", "/internal/files/lookup", body)
    assert found == {"files": [two, one]}
