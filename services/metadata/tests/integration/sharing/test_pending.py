"""Shares with addresses without account: they are granted at the sign-up, also concurrently."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fake_accounts import fake_accounts
from metadata_stack import Stack

from docstore_platform.clock import utc_now
from docstore_platform.service.client import register_local_app
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

NEW = {"email": "New@Example.com", "role": "editor"}


async def shares_of(stack: Stack, file: Any) -> list[Any]:
    return list((await stack.person.ok("GET", f"/v1/files/{file['id']}/shares"))["items"])


async def share(stack: Stack, file: Any) -> Any:
    return await stack.person.ok("POST", f"/v1/files/{file['id']}/shares", NEW)


async def test_a_share_is_pending_until_the_sign_up(fresh: Stack) -> None:
    """After account-created it is active, readable and published."""
    file = await fresh.put("/f/a.txt")
    folder = await fresh.person.at("/f")
    waiting = await share(fresh, folder)
    assert (waiting["state"], waiting["email"]) == ("pending", NEW["email"])
    assert (await fresh.event(waiting["id"], "file-shared"))["account_id"] is None
    assert "file-access-changed" not in await fresh.events(folder["id"])
    reader = fresh.other
    await fresh.register(reader, "new@example.com")
    assert (await reader.get(file))["permission"] == "editor"
    assert [(found["id"], found["state"]) for found in await shares_of(fresh, folder)] == [(waiting["id"], "active")]
    assert (await fresh.event(waiting["id"], "file-shared"))["account_id"] == reader.account_id
    await fresh.jobs_done()
    assert (await fresh.event(file["id"], "file-access-changed"))["file"]["readers"] == [reader.account_id]
    assert len((await reader.ok("GET", "/v1/shared-with-me"))["items"]) == 1
    await fresh.register(reader, "new@example.com", revision=2)
    assert await fresh.events(waiting["id"]) == ["file-shared"] * 2


async def test_an_unproven_address_grants_nothing(fresh: Stack) -> None:
    """An account with an invited address gets neither earlier nor later shares before the proof."""
    before, after = await fresh.put("/a.txt"), await fresh.put("/b.txt")
    eve = fresh.other
    await share(fresh, before)
    await fresh.register(eve, "new@example.com", verified=False)
    assert (await share(fresh, after))["state"] == "pending"
    for file in (before, after):
        assert await eve.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    assert (await eve.ok("GET", "/v1/shared-with-me"))["items"] == []
    await fresh.register(eve, "new@example.com", revision=2)
    for file in (before, after):
        assert (await eve.get(file))["permission"] == "editor"
    await fresh.register(eve, "new@example.com", revision=3, verified=False)
    assert (await share(fresh, await fresh.put("/c.txt")))["state"] == "active", "an earlier release can't say it"


async def test_accounts_of_earlier_releases_are_looked_up(stack: Stack) -> None:
    """They keep their shares; whether the address is proven is fetched at the next share."""
    proven = {"id": stack.other.account_id, "email": "New@example.com", "display_name": "Ada", "revision": 2}
    accounts = fake_accounts()

    @accounts.get("/internal/accounts/{account_id}")
    async def account(account_id: str) -> dict[str, Any]:
        return {**proven, "email_verified": True}

    register_local_app(stack.infra.accounts_url, accounts)
    row = {"_id": "new@example.com", "account": stack.other.account_id, "revision": 2, "name": "Ada"}
    await stack.database["people"].insert_one(row)
    async with stack.run():
        file = await stack.put("/a.txt")
        assert (await share(stack, file))["state"] == "pending"

        async def is_granted() -> bool:
            return [one["state"] for one in await shares_of(stack, file)] == ["active"]

        await eventually(is_granted)


async def test_shares_concurrent_with_a_sign_up_become_active(fresh: Stack) -> None:
    """Ten shares race with the sign-up, five times: all are active and readable in the end."""
    files = [await fresh.put(f"/{number}.txt") for number in range(10)]
    for round_number in range(5):
        person = fresh.new_person()
        address = {"email": f"p{round_number}@example.com", "role": "viewer"}
        routes = [f"/v1/files/{file['id']}/shares" for file in files]
        await asyncio.gather(
            *(fresh.person.ok("POST", route, address) for route in routes[:5]),
            fresh.register(person, address["email"]),
            *(fresh.person.ok("POST", route, address) for route in routes[5:]),
        )
        for file in files:
            assert (await person.get(file))["permission"] == "viewer"
        assert len((await person.ok("GET", "/v1/shared-with-me"))["items"]) == 10
    assert await fresh.database["shares"].count_documents({"pending": True}) == 0


async def test_revocation_concurrent_with_a_sign_up_leaves_no_access(fresh: Stack) -> None:
    """In any order: the share is removed, and so is an address without account."""
    file = await fresh.put("/a.txt")
    for _ in range(5):
        waiting, person = await share(fresh, file), fresh.new_person()
        await asyncio.gather(
            fresh.person.ok("DELETE", f"/v1/files/{file['id']}/shares/{waiting['id']}"),
            fresh.register(person, NEW["email"]),
        )
        assert await shares_of(fresh, file) == []
        assert await person.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
        await fresh.database["people"].delete_many({})
    waiting = await share(fresh, file)
    await fresh.person.ok("DELETE", f"/v1/files/{file['id']}/shares/{waiting['id']}")
    assert await fresh.database["people"].count_documents({}) == 0


async def test_shares_per_day_are_limited(fresh: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoking does not reset the count: each share has sent an e-mail, also to existing accounts."""
    monkeypatch.setattr("docstore_metadata.sharing.service.MAX_INVITATIONS", 2)
    await fresh.register(fresh.other, "known@example.com")
    file = await fresh.put("/a.txt")
    route = f"/v1/files/{file['id']}/shares"
    for number in range(2):
        made = await fresh.person.ok("POST", route, {"email": f"{number}@example.com", "role": "viewer"})
        await fresh.person.ok("DELETE", f"{route}/{made['id']}")
    answer = await fresh.person.send("POST", route, {"email": "third@example.com", "role": "viewer"})
    assert (answer.status, answer.json()["code"]) == (429, "too_many_invitations")
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    known = {"email": "known@example.com", "role": "viewer"}
    assert await fresh.person.refused("POST", route, known) == (429, "too_many_invitations")
    yesterday = utc_now() - timedelta(seconds=1)
    await fresh.database["invitations"].update_many({}, {"$set": {"until": yesterday}})
    await fresh.person.ok("POST", route, {"email": "third@example.com", "role": "viewer"})


async def test_very_many_pending_shares_are_granted_by_a_job(fresh: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the number of one transaction."""
    monkeypatch.setattr("docstore_metadata.sharing.pending.AT_ONCE", 3)
    files = [await fresh.put(f"/{number}.txt") for number in range(8)]
    for file in files:
        await share(fresh, file)
    await fresh.register(fresh.other, NEW["email"])

    async def all_granted() -> bool:
        return len((await fresh.other.ok("GET", "/v1/shared-with-me"))["items"]) == 8

    await eventually(all_granted)
    await fresh.jobs_done()
    for file in files:
        assert (await fresh.other.get(file))["permission"] == "editor"


async def test_a_pending_share_of_trash_is_granted_but_hidden(fresh: Stack) -> None:
    """Until the file is restored; nothing is published about the file meanwhile."""
    file = await fresh.put("/a.txt")
    await share(fresh, file)
    await fresh.person.ok("DELETE", f"/v1/files/{file['id']}")
    await fresh.register(fresh.other, NEW["email"])
    assert await fresh.other.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    assert await fresh.events(file["id"]) == ["file-created", "file-deleted"]
    await fresh.person.ok("POST", f"/v1/files/{file['id']}/restore")
    assert (await fresh.other.get(file))["permission"] == "editor"
    readers = (await fresh.event(file["id"], "file-restored"))["file"]["readers"]
    assert readers == [fresh.other.account_id]


async def test_two_shares_with_one_account_give_the_higher_role(fresh: Stack) -> None:
    """A person with two addresses keeps the other role when one share ends."""
    file = await fresh.put("/a.txt")
    route = f"/v1/files/{file['id']}/shares"
    viewer = await fresh.person.ok("POST", route, {"email": "old@example.com", "role": "viewer"})
    editor = await fresh.person.ok("POST", route, {"email": "new@example.com", "role": "editor"})
    await fresh.register(fresh.other, "old@example.com")
    await fresh.register(fresh.other, "new@example.com", revision=2)
    assert (await fresh.other.get(file))["permission"] == "editor"
    await fresh.person.ok("DELETE", f"{route}/{editor['id']}")
    assert (await fresh.other.get(file))["permission"] == "viewer"
    await fresh.person.ok("DELETE", f"{route}/{viewer['id']}")
    assert await fresh.other.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
