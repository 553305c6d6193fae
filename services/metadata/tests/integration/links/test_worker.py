"""Expiry, limits and revocation of public links, and the notification of owners."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from link_calls import expire, make, opened, refusal, soon, visit
from metadata_stack import Stack

from docstore_events.catalogue.accounts import AccountUpdated
from docstore_events.transaction import Transactor
from docstore_metadata.links.worker import LinkSweeper
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_a_link_can_be_prolonged_and_its_limit_raised(running: Stack) -> None:
    """An expired link opens again; absent fields stay, null removes a limit."""
    file = await running.put("/a.txt")
    link = await make(running, file, name="kept", expires_at=soon(hours=1), max_downloads=1)
    path = f"/v1/files/{file['id']}/links/{link['id']}"
    await visit(running, "GET", f"/v1/links/{link['token']}/content")
    await expire(running, link)
    changed = await running.person.ok("PATCH", path, {"expires_at": soon(days=2)})
    assert (changed["name"], changed["max_downloads"], changed["downloads"]) == ("kept", 1, 1)
    assert await refusal(running, "POST", f"/v1/links/{link['token']}/open") == (404, "not_found")
    changed = await running.person.ok("PATCH", path, {"max_downloads": None, "expires_at": None, "name": ""})
    assert (changed["name"], changed["max_downloads"], changed["expires_at"]) == ("", None, None)
    assert (await opened(running, link))["downloads_left"] is None
    assert await running.person.ok("PATCH", path, {}) == changed | {"opens": 1}
    assert await running.person.refused("PATCH", path, {"expires_at": "2020-01-01T00:00:00Z"}) == (
        422,
        "invalid_expires_at",
    )


async def test_links_of_a_suspended_account_are_closed(running: Stack) -> None:
    """To files and below folders, opened before or not; a late event of an older state changes nothing."""
    file = await running.put("/shown/a.txt")
    folder = await running.person.at("/shown")
    links = [await make(running, node) for node in (file, folder)]
    await opened(running, links[1])
    account = running.account(running.person, "owner@example.org")
    await running.handle(AccountUpdated(revision=3, status="suspended", **account))
    await running.handle(AccountUpdated(revision=2, status="active", **account))
    for link in links:
        assert await refusal(running, "POST", f"/v1/links/{link['token']}/open") == (404, "not_found")
    content = f"/v1/links/{links[1]['token']}/content?file_id={file['id']}"
    assert await refusal(running, "GET", content) == (404, "not_found")
    await running.handle(AccountUpdated(revision=4, status="active", **account))
    for link in links:
        await opened(running, link)


async def test_a_file_has_at_most_a_hundred_links(running: Stack) -> None:
    """Of concurrent calls for the last one, one succeeds."""
    file = await running.put("/a.txt")
    first = await make(running, file)
    row = await running.database["links"].find_one({"_id": first["id"]})
    more = [{**row, "_id": new_id(), "token": new_id()} for _ in range(98)]
    await running.database["links"].insert_many(more)
    path = f"/v1/files/{file['id']}/links"
    answers = await asyncio.gather(*(running.person.send("POST", path, {}) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"too_many_links"}
    page = await running.person.ok("GET", f"{path}?limit=60")
    rest = await running.person.ok("GET", f"{path}?limit=60&cursor={page['next_cursor']}")
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (60, 40, None)


async def test_concurrent_opens_of_a_link_all_succeed(running: Stack) -> None:
    """They increment the same link one after the other."""
    link = await make(running, await running.put("/a.txt"))
    await asyncio.gather(*(opened(running, link) for _ in range(300)))
    owned = await running.person.ok("GET", f"/v1/files/{link['file_id']}/links/{link['id']}")
    assert owned["opens"] == 300


async def test_each_open_is_counted_and_published(running: Stack) -> None:
    """Of concurrent opens, the count has no gap."""
    file = await running.put("/a.txt")
    link = await make(running, file)
    await asyncio.gather(*(opened(running, link) for _ in range(10)))
    assert await running.events(link["id"]) == ["link-created", *["link-opened"] * 10]
    assert (await running.event(link["id"], "link-opened"))["opens"] == 10


def sweepers(stack: Stack, count: int) -> Sequence[LinkSweeper]:
    store = Store.in_mongo(stack.database, lease_seconds=30)
    transactor = Transactor(stack.mongo, stack.database, "metadata", stack.infra.topic_prefix)
    return [LinkSweeper(store, Tree(store.nodes), transactor) for _ in range(count)]


async def due_now(stack: Stack, link: Any) -> None:
    await stack.database["links"].update_one({"_id": link["id"]}, {"$set": {"warn_at": utc_now()}})


async def test_the_owner_is_notified_once_a_day_before_expiry(running: Stack) -> None:
    """By one of several sweepers. Not for a link with less than a day left, and again for a new end."""
    file = await running.put("/a.txt")
    long, brief = (
        await make(running, file, expires_at=soon(days=2)),
        await make(running, file, expires_at=soon(hours=5)),
    )
    rows = {row["_id"]: row async for row in running.database["links"].find({})}
    assert rows[long["id"]]["warn_at"] == rows[long["id"]]["expires_at"] - timedelta(days=1)
    assert "warn_at" not in rows[brief["id"]]
    await due_now(running, long)
    for _ in range(2):
        await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers(running, 3)))
    assert await running.events(long["id"]) == ["link-created", "link-expiring"]
    assert await running.events(brief["id"]) == ["link-created"]
    await running.person.ok("PATCH", f"/v1/files/{file['id']}/links/{long['id']}", {"expires_at": soon(days=5)})
    await due_now(running, long)
    await sweepers(running, 1)[0].sweep()
    assert await running.events(long["id"]) == ["link-created", "link-expiring", "link-expiring"]


async def test_a_closed_link_causes_no_expiry_notification(running: Stack) -> None:
    """Expired before the sweep, or in the trash: the warning is dropped."""
    file, thrown = await running.put("/a.txt"), await running.put("/b.txt")
    links = [await make(running, each, expires_at=soon(days=2)) for each in (file, thrown)]
    await running.person.ok("DELETE", f"/v1/files/{thrown['id']}")
    for link in links:
        await due_now(running, link)
    await expire(running, links[0])
    assert await sweepers(running, 1)[0].sweep() == 2
    assert await sweepers(running, 1)[0].sweep() == 0
    for link in links:
        assert await running.events(link["id"]) == ["link-created"]


async def test_the_service_runs_the_link_sweeper(stack: Stack) -> None:
    """The sweep runs while the service does."""
    async with stack.run(link_interval_seconds=0.05):
        link = await make(stack, await stack.put("/a.txt"), expires_at=soon(days=2))
        await due_now(stack, link)

        async def warned() -> bool:
            return (await stack.events(link["id"]))[-1] == "link-expiring"

        await eventually(warned)


async def test_purging_a_file_revokes_its_links(fresh: Stack) -> None:
    """Purged by itself or with its folder: the links are deleted and published as revoked."""
    file, inner = await fresh.put("/a.txt"), await fresh.put("/folder/b.txt")
    folder = await fresh.person.at("/folder")
    links = [await make(fresh, each) for each in (file, inner, folder)]
    for each in (file, folder):
        await fresh.person.ok("DELETE", f"/v1/files/{each['id']}")
        await fresh.person.ok("DELETE", f"/v1/trash/{each['id']}")
    await fresh.jobs_done()
    assert await fresh.database["links"].count_documents({}) == 0
    for link in links:
        assert await fresh.events(link["id"]) == ["link-created", "link-revoked"]


async def test_expired_links_are_deleted_by_an_index(running: Stack) -> None:
    """30 days after their end; the index of tokens is unique."""
    indexes = await running.database["links"].index_information()
    assert indexes["kept"]["expireAfterSeconds"] == 30 * 86400
    assert indexes["by_token"]["unique"]
    assert set(indexes) == {"_id_", "by_token", "by_node", "by_operation", "by_owner", "warnings", "kept"}
