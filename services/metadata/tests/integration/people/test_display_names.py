"""Display names in responses."""

from typing import Any

import pytest
from fake_accounts import fake_accounts
from metadata_stack import Stack

from docstore_events.catalogue.accounts import AccountUpdated
from docstore_platform.service.client import register_local_app
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_responses_contain_display_names(running: Stack) -> None:
    """Of a file, its versions and shared files: owner, sender and last editor."""
    owner, editor = running.person, running.other
    await running.register(owner, "ada@example.com", name="Ada")
    await running.register(editor, "bob@example.com", name="Bob")
    file = await running.put("/plan.txt")
    await owner.ok("POST", f"/v1/files/{file['id']}/shares", {"email": "bob@example.com", "role": "editor"})
    await running.put(file_id=file["id"], content=b"more", account_id=editor.account_id, device="phone")
    for person, owners_device in ((owner, "laptop"), (editor, "")):  # which devices an owner has is their own business
        seen = await person.get(file)
        assert (seen["owner_name"], seen["modified_by_name"]) == ("Ada", "Bob")
        for route in ("versions", "changes?since=0"):
            versions = (await person.ok("GET", f"/v1/files/{file['id']}/{route}"))["items"]
            who = [(one["version"], one["created_by_name"], one["device"]) for one in versions]
            assert sorted(who) == [(1, "Ada", owners_device), (2, "Bob", "phone")]
    [received] = (await editor.ok("GET", "/v1/shared-with-me"))["items"]
    assert (received["owner_name"], received["share"]["owner_name"]) == ("Ada", "Ada")
    changed = await editor.ok("PATCH", f"/v1/files/{file['id']}", {"tags": ["new"]})
    assert (changed["owner_name"], changed["modified_by_name"]) == ("Ada", "Bob")


async def test_an_unknown_name_is_null(running: Stack) -> None:
    """The id is present as usual."""
    owner = running.person
    file = await running.put("/plan.txt")
    seen = await owner.get(file)
    assert (seen["owner_id"], seen["owner_name"], seen["modified_by_name"]) == (owner.account_id, None, None)


async def test_a_changed_name_replaces_the_old_one(running: Stack) -> None:
    """The latest revision is shown."""
    owner = running.person
    await running.put("/plan.txt")
    await running.register(owner, "ada@example.com", name="Ada")
    renamed = {**running.account(owner, "ada@example.com", "Countess"), "status": "active"}
    await running.handle(AccountUpdated(revision=2, **renamed))
    assert (await owner.at("/plan.txt"))["modified_by_name"] == "Countess"


async def nameless(stack: Stack, revision: int) -> dict[str, Any]:
    """Store the owner as an older release did, without a name."""
    row = {"_id": "ada@example.com", "account": stack.person.account_id, "revision": revision}
    await stack.database["people"].insert_one(row)
    return row


async def test_a_repeated_event_adds_a_missing_name(fresh: Stack) -> None:
    """At the same revision; an older revision changes nothing."""
    row = await nameless(fresh, revision=2)
    await fresh.register(fresh.person, "ada@example.com", name="Old")
    assert await fresh.database["people"].find_one() == row
    await fresh.register(fresh.person, "ada@example.com", revision=2, name="Ada")
    await fresh.put("/plan.txt")
    assert (await fresh.person.at("/plan.txt"))["owner_name"] == "Ada"


@pytest.mark.parametrize("was_noted", [True, False])
async def test_missing_names_are_fetched_from_accounts_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, was_noted: bool
) -> None:
    """Whether or not the address is stored, for any number of requests, and across a restart."""
    monkeypatch.setattr("docstore_metadata.display_names.CACHED_SECONDS", 0.05)
    owner, requested = stack.person, list[str]()
    if was_noted:
        await nameless(stack, revision=2)
    accounts = fake_accounts()

    @accounts.get("/internal/accounts/{account_id}")
    async def account(account_id: str) -> dict[str, Any]:
        requested.append(account_id)
        return {
            "id": account_id,
            "email": "Ada@example.com",
            "display_name": "Ada",
            "revision": 2,
            "email_verified": True,
        }

    register_local_app(stack.infra.accounts_url, accounts)

    async def is_named() -> bool:
        return (await owner.at("/plan.txt"))["owner_name"] == "Ada"

    async with stack.run():
        await stack.put("/plan.txt")
        await eventually(is_named)
    times = len(requested)
    async with stack.run():
        assert await is_named()
    assert set(requested) == {owner.account_id}
    assert len(requested) == times
    assert await stack.database["people"].find_one() == {
        "_id": "ada@example.com",
        "account": owner.account_id,
        "revision": 2,
        "name": "Ada",
        "verified": True,
    }
