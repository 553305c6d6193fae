"""A file's ancestors and who can open it, by the public routes."""

import pytest
from metadata_stack import Stack

pytestmark = pytest.mark.connected

VIEWER = {"email": "reader@example.com", "role": "viewer"}


async def test_ancestors_begin_at_what_the_caller_may_read(running: Stack) -> None:
    """The owner sees the folders from the root, a reader from the shared folder, with their own paths."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await running.put("/private/team/plans/a.txt")
    route = f"/v1/files/{file['id']}/ancestors"
    assert [each["name"] for each in (await owner.ok("GET", route))["items"]] == ["", "private", "team", "plans"]
    assert await reader.refused("GET", route) == (404, "not_found")
    folder = await owner.at("/private/team")
    await owner.ok("POST", f"/v1/files/{folder['id']}/shares", VIEWER)
    found = (await reader.ok("GET", route))["items"]
    assert [(each["name"], each["path"]) for each in found] == [("team", "/team"), ("plans", "/team/plans")]
    assert found[0]["permission"] == "viewer"


async def test_the_access_overview_names_inherited_shares_and_links(running: Stack) -> None:
    """Those of the file first, then those of its folders; expired links are left out."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await running.put("/team/a.txt")
    folder = await owner.at("/team")
    route = f"/v1/files/{file['id']}/access"
    nobody = await owner.ok("GET", route)
    assert (nobody["shares"], nobody["links"], nobody["permission"]) == ([], [], "owner")
    await owner.ok("POST", f"/v1/files/{folder['id']}/shares", VIEWER)
    await owner.ok("POST", f"/v1/files/{file['id']}/shares", {"email": "bo@example.com", "role": "editor"})
    above = await owner.ok("POST", f"/v1/files/{folder['id']}/links", {})
    own = await owner.ok("POST", f"/v1/files/{file['id']}/links", {})
    team = {"id": folder["id"], "name": "team"}
    seen = await owner.ok("GET", route)
    assert [(each["email"], each["inherited_from"]) for each in seen["shares"]] == [
        ("bo@example.com", None),
        ("reader@example.com", team),
    ]
    assert [(each["url"], each["inherited_from"]) for each in seen["links"]] == [
        (own["url"], None),
        (above["url"], team),
    ]
    theirs = await reader.ok("GET", route)
    assert (theirs["permission"], theirs["shared_from"], theirs["owner_id"]) == ("viewer", team, owner.account_id)
    assert (theirs["shares"], theirs["links"]) == ([], [])
