"""Who has shared and changed what: names beside ids, for those who may read the file."""

from typing import Any

import pytest

from docstore_events.accounts import AccountUpdated

pytestmark = pytest.mark.connected


async def test_names_stand_beside_ids(running: Any) -> None:
    """Of a file, its versions and what is shared with one: who owns it, who shared it, who has changed it."""
    owner, editor = running.person, running.stranger
    await running.meet(owner, "ada@example.com", name="Ada")
    await running.meet(editor, "bob@example.com", name="Bob")
    file = await running.put("/plan.txt")
    await owner.ok("POST", f"/v1/files/{file['id']}/shares", {"email": "bob@example.com", "role": "editor"})
    await running.put(file_id=file["id"], content=b"more", account_id=editor.account_id, device="phone")
    for person in (owner, editor):
        seen = await person.get(file)
        assert (seen["owner_name"], seen["modified_by_name"]) == ("Ada", "Bob")
        for route in ("versions", "changes?since=0"):
            versions = (await person.ok("GET", f"/v1/files/{file['id']}/{route}"))["items"]
            who = [(one["version"], one["created_by_name"], one["device"]) for one in versions]
            assert sorted(who) == [(1, "Ada", "laptop"), (2, "Bob", "phone")]
    [received] = (await editor.ok("GET", "/v1/shared-with-me"))["items"]
    assert (received["owner_name"], received["share"]["owner_name"]) == ("Ada", "Ada")
    changed = await editor.ok("PATCH", f"/v1/files/{file['id']}", {"tags": ["new"]})
    assert (changed["owner_name"], changed["modified_by_name"]) == ("Ada", "Bob")


async def test_a_name_that_is_not_known(running: Any) -> None:
    """It is null, and the id is there as ever; a name that was changed is the one that shows."""
    owner = running.person
    file = await running.put("/plan.txt")
    seen = await owner.get(file)
    assert (seen["owner_id"], seen["owner_name"], seen["modified_by_name"]) == (owner.account_id, None, None)
    await running.meet(owner, "ada@example.com", name="Ada")
    renamed = {**running.account(owner, "ada@example.com", "Countess"), "status": "active"}
    await running.hear(AccountUpdated(revision=2, **renamed))
    assert (await owner.at("/plan.txt"))["modified_by_name"] == "Countess"
