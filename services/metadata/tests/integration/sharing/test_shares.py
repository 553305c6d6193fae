"""Shares of files and folders with people, by the public routes."""

import asyncio

import pytest
from metadata_stack import Stack

pytestmark = pytest.mark.connected


async def test_a_share_lets_a_person_read_until_it_is_revoked(running: Stack) -> None:
    """The shared folder is readable, with paths from it; after the revocation it is 404."""
    owner, reader = running.person, running.other
    await running.register(reader, "Reader@Example.com")
    file = await running.put("/private/shared/below/a.txt")
    folder = await owner.at("/private/shared")
    assert await owner.refused("POST", f"/v1/files/{owner.account_id}/shares", VIEWER) == (409, "not_shareable")
    answer = await owner.send("POST", f"/v1/files/{folder['id']}/shares", VIEWER)
    share = answer.json()
    assert (answer.status, share["state"], share["role"], share["email"]) == (201, "active", "viewer", VIEWER["email"])
    seen = await reader.get(file)
    assert (seen["path"], seen["permission"], seen["owner_id"]) == ("/shared/below/a.txt", "viewer", owner.account_id)
    top = await reader.get(folder)
    assert (top["path"], top["parent_id"]) == ("/shared", None)
    assert await reader.names(f"parent_id={folder['id']}") == ["below"]
    [mine] = (await reader.ok("GET", "/v1/shared-with-me"))["items"]
    assert (mine["id"], mine["share"]["id"], mine["share"]["role"]) == (folder["id"], share["id"], "viewer")
    assert (await owner.ok("GET", f"/v1/files/{folder['id']}/shares"))["items"] == [share]
    await owner.ok("DELETE", f"/v1/files/{folder['id']}/shares/{share['id']}")
    for path in (f"/v1/files/{file['id']}", f"/v1/files?parent_id={folder['id']}", f"/v1/files/{file['id']}/content"):
        assert await reader.refused("GET", path) == (404, "not_found")
    assert (await reader.ok("GET", "/v1/shared-with-me"))["items"] == []
    published = await running.events(share["id"])
    assert published == ["file-shared", "share-revoked"]
    assert (await running.events(folder["id"]))[-2:] == ["file-access-changed", "file-access-changed"]


VIEWER = {"email": "reader@example.com", "role": "viewer"}
EDITOR = {"email": "reader@example.com", "role": "editor"}


async def test_sharing_again_changes_the_role(running: Stack) -> None:
    """200 and one share for any spelling of the address; the same role publishes nothing."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await running.put("/a.txt")
    route = f"/v1/files/{file['id']}/shares"
    share = await owner.ok("POST", route, VIEWER)
    again = await owner.send("POST", route, {"email": " READER@example.com ", "role": "editor"})
    assert (again.status, again.json()["id"], again.json()["role"]) == (200, share["id"], "editor")
    assert (await reader.get(file))["permission"] == "editor"
    await owner.ok("PATCH", f"{route}/{share['id']}", {"role": "viewer"})
    await owner.ok("PATCH", f"{route}/{share['id']}", {"role": "viewer"})
    assert (await reader.get(file))["permission"] == "viewer"
    assert await running.events(share["id"]) == ["file-shared"] * 3


async def test_invalid_shares_are_refused(running: Stack) -> None:
    """With oneself, without address or role; another's and unknown shares are 404."""
    owner = running.person
    await running.register(owner, "owner@example.com")
    file, other = await running.put("/a.txt"), await running.put("/b.txt")
    route = f"/v1/files/{file['id']}/shares"
    self_share = {"email": "Owner@example.com", "role": "viewer"}
    assert await owner.refused("POST", route, self_share) == (422, "share_with_self")
    for email in ("", "x", "a@b", "a b@example.com", "a@b@example.com", "x" * 300 + "@example.com"):
        assert await owner.refused("POST", route, {"email": email, "role": "viewer"}) == (422, "invalid_email"), email
    status, _ = await owner.refused("POST", route, {"email": "a@example.com", "role": "owner"})
    assert status == 422
    share = await owner.ok("POST", route, VIEWER)
    for method, body in (("PATCH", {"role": "editor"}), ("DELETE", None)):
        elsewhere = f"/v1/files/{other['id']}/shares/{share['id']}"
        assert await owner.refused(method, elsewhere, body) == (404, "not_found")


async def test_a_recipient_leaves_a_share(running: Stack) -> None:
    """But not another's; the event names the recipient as actor."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await running.put("/a.txt")
    share = await owner.ok("POST", f"/v1/files/{file['id']}/shares", VIEWER)
    other = await owner.ok("POST", f"/v1/files/{file['id']}/shares", {"email": "b@example.com", "role": "viewer"})
    route = f"/v1/files/{file['id']}/shares"
    assert await reader.refused("DELETE", f"{route}/{other['id']}") == (403, "read_only")
    await reader.ok("DELETE", f"{route}/{share['id']}")
    assert await reader.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    assert (await running.event(share["id"], "share-revoked"))["actor_id"] == reader.account_id


async def test_the_shares_of_a_file_are_limited(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for concurrent calls; existing shares may still change."""
    monkeypatch.setattr("docstore_metadata.sharing.service.MAX_SHARES", 3)
    file = await running.put("/a.txt")
    route = f"/v1/files/{file['id']}/shares"
    answers = await asyncio.gather(
        *(running.person.send("POST", route, {"email": f"p{n}@example.com", "role": "viewer"}) for n in range(6))
    )
    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 3
    refused = await running.person.refused("POST", route, {"email": "x@example.com", "role": "viewer"})
    assert refused == (409, "too_many_shares")
    page = await running.person.ok("GET", f"{route}?limit=2")
    rest = await running.person.ok("GET", f"{route}?limit=2&cursor={page['next_cursor']}")
    assert len(page["items"] + rest["items"]) == 3
    assert rest["next_cursor"] is None


async def test_each_descendant_publishes_changed_readers(running: Stack) -> None:
    """A job publishes file-access-changed once for each when a folder is shared or unshared."""
    owner, reader = running.person, running.other
    await running.register(reader, "reader@example.com")
    file = await running.put("/f/g/a.txt")
    folder = await owner.at("/f")
    share = await owner.ok("POST", f"/v1/files/{folder['id']}/shares", EDITOR)
    await running.jobs_done()
    assert await running.events(file["id"]) == ["file-created", "file-access-changed"]
    assert (await running.event(file["id"], "file-access-changed"))["file"]["readers"] == [reader.account_id]
    await owner.ok("PATCH", f"/v1/files/{folder['id']}/shares/{share['id']}", {"role": "viewer"})
    await running.jobs_done()
    assert len(await running.events(file["id"])) == 2
    await owner.ok("DELETE", f"/v1/files/{folder['id']}/shares/{share['id']}")
    await running.jobs_done()
    assert len(await running.events(file["id"])) == 3
    assert (await running.event(file["id"], "file-access-changed"))["file"]["readers"] == []


async def test_the_trash_hides_shared_files_until_they_are_restored(fresh: Stack) -> None:
    """For readers; a purge ends the shares."""
    owner, reader = fresh.person, fresh.other
    await fresh.register(reader, "reader@example.com")
    file = await fresh.put("/f/a.txt")
    folder = await owner.at("/f")
    shares = [await owner.ok("POST", f"/v1/files/{node['id']}/shares", VIEWER) for node in (folder, file)]
    await owner.ok("DELETE", f"/v1/files/{folder['id']}")
    assert await reader.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    assert (await reader.ok("GET", "/v1/shared-with-me"))["items"] == []
    assert (await reader.ok("GET", "/v1/trash"))["items"] == []
    for route in (f"/v1/files/{folder['id']}/restore", f"/v1/files/{file['id']}/restore"):
        assert await reader.refused("POST", route) == (404, "not_found")
    await owner.ok("POST", f"/v1/files/{folder['id']}/restore")
    assert (await reader.get(file))["permission"] == "viewer"
    assert len((await reader.ok("GET", "/v1/shared-with-me"))["items"]) == 2
    await owner.ok("DELETE", f"/v1/files/{folder['id']}")
    await owner.ok("DELETE", f"/v1/trash/{folder['id']}")
    await fresh.jobs_done()
    for share in shares:
        assert (await fresh.events(share["id"]))[-1] == "share-revoked"
    assert await fresh.database["shares"].count_documents({}) == 0
