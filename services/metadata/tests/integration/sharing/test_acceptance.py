"""Recipients accept and decline shares and block people, through the public routes."""

import asyncio
from typing import Any

import pytest
from metadata_stack import Person, Stack

from docstore_metadata.sharing import pending
from docstore_metadata.sharing.acceptance import admission

pytestmark = pytest.mark.connected

READER = {"email": "reader@example.com", "role": "viewer"}


async def share(stack: Stack, file: Any) -> Any:
    return await stack.person.ok("POST", f"/v1/files/{file['id']}/shares", READER)


async def invitations(person: Person) -> list[Any]:
    return list((await person.ok("GET", "/v1/share-invitations"))["items"])


async def received(person: Person) -> list[str]:
    return [item["name"] for item in (await person.ok("GET", "/v1/shared-with-me"))["items"]]


async def met(stack: Stack, **settings: Any) -> Any:
    """The reader; both people have accounts."""
    await stack.register(stack.other, READER["email"])
    await stack.register(stack.person, "owner@example.com", name="Owner")
    if settings:
        await stack.other.ok("PUT", "/v1/me/sharing", settings)
    return stack.other


async def test_a_share_waits_until_it_is_accepted(fresh: Stack) -> None:
    """It is listed as invitation only: no access, no changes. Later shares are active at once."""
    reader = await met(fresh, share_acceptance="ask")
    assert await reader.ok("GET", "/v1/me/sharing") == {"share_acceptance": "ask"}
    first, second = await fresh.put("/f/a.txt"), await fresh.put("/b.txt")
    folder = await fresh.person.at("/f")
    made = await share(fresh, folder)
    assert made["state"] == "pending"
    [invitation] = await invitations(reader)
    assert {**invitation, "shared_at": None} == {
        "id": made["id"],
        "name": "f",
        "kind": "folder",
        "role": "viewer",
        "owner_id": fresh.person.account_id,
        "owner_name": "Owner",
        "owner_email": "owner@example.com",
        "owner_email_verified": True,
        "shared_at": None,
    }
    event = await fresh.event(made["id"], "file-shared")
    assert (event["account_id"], event["invited_id"], event["hidden"]) == (None, reader.account_id, False)
    assert await received(reader) == []
    assert (await reader.ok("GET", "/v1/changes"))["changes"] == []
    for file in (first, folder):
        assert await reader.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    route = f"/v1/share-invitations/{made['id']}"
    assert await fresh.person.refused("POST", f"{route}/accept") == (404, "not_found")
    for _ in range(2):  # its answer may be lost
        accepted = await reader.ok("POST", f"{route}/accept")
        assert (accepted["id"], accepted["permission"]) == (folder["id"], "viewer")
    assert (await reader.get(first))["permission"] == "viewer"
    assert [change["type"] for change in (await reader.ok("GET", "/v1/changes"))["changes"]] == ["shared"]
    assert await invitations(reader) == []
    assert (await share(fresh, second))["state"] == "active"
    assert await fresh.events(made["id"]) == ["file-shared"] * 2


async def test_a_declined_share_is_removed_and_the_next_one_waits(fresh: Stack) -> None:
    """Also with automatic acceptance, and after an active share was left."""
    reader = await met(fresh)
    file = await fresh.put("/a.txt")
    given_up = await share(fresh, file)
    assert given_up["state"] == "active"
    await reader.ok("DELETE", f"/v1/files/{file['id']}/shares/{given_up['id']}")
    made = await share(fresh, file)
    assert made["state"] == "pending"
    await reader.ok("DELETE", f"/v1/share-invitations/{made['id']}")
    assert await reader.refused("DELETE", f"/v1/share-invitations/{made['id']}") == (404, "not_found")
    assert (await fresh.person.ok("GET", f"/v1/files/{file['id']}/shares"))["items"] == []
    waiting = await share(fresh, file)
    await reader.ok("POST", f"/v1/share-invitations/{waiting['id']}/accept")
    assert await received(reader) == ["a.txt"]


async def test_a_blocked_sender_can_not_detect_the_block(fresh: Stack) -> None:
    """Existing shares are removed; later ones are invisible to the recipient and look like any pending share."""
    reader, owner = await met(fresh), fresh.person
    before, after = await fresh.put("/a.txt"), await fresh.put("/b.txt")
    await share(fresh, before)
    blocked = await reader.ok("PUT", f"/v1/blocked-people/{owner.account_id}")
    assert (blocked["id"], blocked["name"], blocked["email"]) == (owner.account_id, "Owner", None)
    assert await received(reader) == []
    assert (await owner.ok("GET", f"/v1/files/{before['id']}/shares"))["items"] == []
    etag = (await owner.get(after))["etag"]
    made = await share(fresh, after)
    waiting = {"email": "nobody@example.com", "role": "viewer"}
    pending = await owner.ok("POST", f"/v1/files/{after['id']}/shares", waiting)
    assert {**made, "id": "", "email": "", "created_at": ""} == {**pending, "id": "", "email": "", "created_at": ""}
    assert (await owner.get(after))["etag"] == etag
    assert (await fresh.event(made["id"], "file-shared"))["hidden"] is True
    again = await owner.send("POST", f"/v1/files/{after['id']}/shares", {**READER, "role": "editor"})
    assert (again.status, again.json()["state"]) == (200, "pending")
    assert (await received(reader), await invitations(reader)) == ([], [])
    assert await reader.refused("POST", f"/v1/share-invitations/{made['id']}/accept") == (404, "not_found")
    assert [one["type"] for one in (await reader.ok("GET", "/v1/changes"))["changes"]] == ["shared", "unshared"]
    await reader.ok("DELETE", f"/v1/blocked-people/{owner.account_id}")
    assert await invitations(reader) == [], "what was shared meanwhile stays unseen"
    await share(fresh, after)
    assert [one["name"] for one in await invitations(reader)] == ["b.txt"]


async def test_people_can_be_blocked_by_address(fresh: Stack) -> None:
    """With or without an account, in any spelling; the list has pages; oneself and unknown ids are refused."""
    reader = await met(fresh)
    for person in ("nobody@example.org", "Owner@Example.com", fresh.person.account_id):
        await reader.ok("PUT", f"/v1/blocked-people/{person}")
        await reader.ok("PUT", f"/v1/blocked-people/{person}")
    page = await reader.ok("GET", "/v1/blocked-people?limit=2")
    rest = await reader.ok("GET", f"/v1/blocked-people?limit=2&cursor={page['next_cursor']}")
    ids = [one["id"] for one in (*page["items"], *rest["items"])]
    assert sorted(ids) == sorted(["nobody@example.org", "owner@example.com", fresh.person.account_id])
    await reader.ok("DELETE", f"/v1/blocked-people/{fresh.person.account_id}")
    await share(fresh, await fresh.put("/a.txt"))
    assert (await received(reader), await invitations(reader)) == ([], [])
    for oneself in (reader.account_id, READER["email"]):
        assert await reader.refused("PUT", f"/v1/blocked-people/{oneself}") == (422, "block_self")
    for method in ("PUT", "DELETE"):
        assert await reader.refused(method, "/v1/blocked-people/unknown") == (404, "not_found")
    assert await reader.refused("PUT", "/v1/blocked-people/no@address") == (422, "invalid_email")


async def test_proving_an_address_grants_no_share_of_a_blocked_sender(fresh: Stack) -> None:
    """Pending shares wait if the account wants to be asked, and are hidden if it has blocked the sender."""
    reader, owner = fresh.other, fresh.person
    await fresh.register(owner, "owner@example.com")
    await fresh.register(reader, READER["email"], verified=False)
    file = await fresh.put("/a.txt")
    await share(fresh, file)
    await reader.ok("PUT", "/v1/blocked-people/owner@example.com")
    await fresh.register(reader, READER["email"], revision=2)
    assert (await received(reader), await invitations(reader)) == ([], [])
    assert await fresh.database["shares"].count_documents({"pending": True}) == 0


async def test_an_address_can_be_blocked_before_it_has_an_account(fresh: Stack) -> None:
    """The later account reaches no one; after an unblock its shares wait to be accepted."""
    await fresh.register(fresh.other, READER["email"])
    reader = fresh.other
    await reader.ok("PUT", "/v1/blocked-people/owner@example.com")
    await fresh.register(fresh.person, "owner@example.com", name="Owner")
    file = await fresh.put("/a.txt")
    await share(fresh, file)
    assert (await received(reader), await invitations(reader)) == ([], [])
    await reader.ok("DELETE", "/v1/blocked-people/owner@example.com")
    await share(fresh, file)
    assert await received(reader) == []
    assert [one["name"] for one in await invitations(reader)] == ["a.txt"]


async def test_a_block_during_a_grant_removes_the_share(fresh: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the decision about a pending share and its grant."""
    files = [await fresh.put(f"/{number}.txt") for number in range(5)]
    for file in files:
        await share(fresh, file)
    await fresh.register(fresh.person, "owner@example.com", name="Owner")
    blocked: list[asyncio.Task[Any]] = []

    async def admit_while_blocking(*arguments: Any) -> Any:
        decision = await admission.admit(*arguments)
        if not blocked:
            blocked.append(asyncio.create_task(block()))
            await asyncio.wait(blocked, timeout=1)  # it waits for the grant where it has to: that is what is shown
        return decision

    async def block() -> None:
        await fresh.other.ok("PUT", "/v1/blocked-people/owner@example.com")

    monkeypatch.setattr(pending, "admit", admit_while_blocking)
    await fresh.register(fresh.other, READER["email"])
    await asyncio.gather(*blocked)
    await fresh.jobs_done()
    assert blocked
    assert (await received(fresh.other), await invitations(fresh.other)) == ([], [])


async def test_concurrent_blocks_and_shares_leave_no_access(fresh: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any order, also with many shares."""
    monkeypatch.setattr(admission, "AT_ONCE", 2)
    reader = await met(fresh)
    files = [await fresh.put(f"/{number}.txt") for number in range(8)]
    await asyncio.gather(*(share(fresh, file) for file in files[:5]))
    await asyncio.gather(
        reader.ok("PUT", f"/v1/blocked-people/{fresh.person.account_id}"),
        *(share(fresh, file) for file in files[5:]),
    )
    await fresh.jobs_done()
    assert (await received(reader), await invitations(reader)) == ([], [])
    for file in files:
        assert await reader.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
