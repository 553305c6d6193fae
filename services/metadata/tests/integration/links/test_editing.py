"""Links for editing, on real servers: what visitors may change, and that nothing outside is reached."""

from typing import Any

import orjson
import pytest
from link_calls import expire, make, opened, refusal, visit
from metadata_stack import Stack

pytestmark = pytest.mark.connected


async def changed(stack: Stack, link: Any, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """A change by a visitor; returns the response's content."""
    sent = orjson.dumps(body or {})
    answer = await visit(stack, method, f"/v1/links/{link['token']}/{path}", sent, **headers)
    assert answer.status < 300, answer.body
    return answer.json() if answer.body else None


async def refused(stack: Stack, link: Any, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    return await refusal(stack, method, f"/v1/links/{link['token']}/{path}", orjson.dumps(body or {}), **headers)


async def test_a_visitor_changes_what_is_in_the_folder(running: Stack) -> None:
    """Creates folders, renames, moves and deletes; all of it is the owner's, who finds deleted files in the trash."""
    file = await running.put("/team/plan.txt")
    link = await make(running, await running.person.at("/team"), kind="edit", name="Team")
    assert [item["version"] for item in (await opened(running, link))["items"]] == [1]
    folder = await changed(running, link, "POST", "folders", {"name": "drafts"})
    again = await visit(running, "POST", f"/v1/links/{link['token']}/folders", b'{"name":"drafts"}')
    assert (again.status, again.json()["id"]) == (200, folder["id"])
    moved = await changed(running, link, "PATCH", f"files/{file['id']}", {"name": "new.txt", "parent_id": folder["id"]})
    assert (moved["name"], "path" in moved, "owner_id" in moved) == ("new.txt", False, False)
    assert (await running.person.at("/team/drafts/new.txt"))["owner_id"] == running.person.account_id
    stale = await refused(running, link, "DELETE", f"files/{file['id']}", if_match=file["etag"])
    assert stale == (412, "precondition_failed")
    await changed(running, link, "DELETE", f"files/{file['id']}", if_match=moved["etag"])
    (trashed,) = (await running.person.ok("GET", "/v1/trash"))["items"]
    assert trashed["path"] == "/team/drafts/new.txt"


async def test_no_trick_reaches_what_is_outside(running: Stack) -> None:
    """Foreign and outer ids are 404 by every route and in every field; the linked folder itself stays where it is."""
    inside = await running.put("/team/in.txt")
    outside = await running.put("/private/out.txt")
    outer = await running.person.at("/private")
    link = await make(running, team := await running.person.at("/team"), kind="edit")
    foreign = await running.other.folder("/theirs")
    for out in (outer["id"], outside["id"], foreign["id"], running.person.account_id, "0" * 32):
        unknown = (404, "not_found")
        assert await refused(running, link, "PATCH", f"files/{out}", {"name": "x"}) == unknown
        assert await refused(running, link, "DELETE", f"files/{out}") == unknown
        assert await refused(running, link, "PATCH", f"files/{inside['id']}", {"parent_id": out}) == unknown
        assert await refused(running, link, "POST", "folders", {"name": "x", "parent_id": out}) == unknown
    for name in ("../x", "a/b", "..", "/private/x", "a\0"):
        assert (await refused(running, link, "POST", "folders", {"name": name}))[0] == 422, name
        assert (await refused(running, link, "PATCH", f"files/{inside['id']}", {"name": name}))[0] == 422, name
    itself = f"files/{team['id']}"
    assert await refused(running, link, "DELETE", itself) == (403, "folder_limited")
    assert await refused(running, link, "PATCH", itself, {"name": "mine"}) == (403, "folder_limited")
    assert await running.person.names("path=/private") == ["out.txt"]
    assert await running.person.names("path=/team") == ["in.txt"]


@pytest.mark.parametrize("kind", ["read", "receive"])
async def test_other_links_change_nothing(running: Stack, kind: str) -> None:
    """Whatever they lead to."""
    file = await running.put("/team/plan.txt")
    link = await make(running, await running.person.at("/team"), kind=kind)
    assert await refused(running, link, "POST", "folders", {"name": "x"}) == (403, "read_only")
    assert await refused(running, link, "PATCH", f"files/{file['id']}", {"name": "x"}) == (403, "read_only")
    assert await refused(running, link, "DELETE", f"files/{file['id']}") == (403, "read_only")


async def test_a_password_and_an_end_hold_for_changes(running: Stack) -> None:
    """Without the grant that the password gives, and after the end, nothing can be changed."""
    link = await make(running, await running.person.folder("/team"), kind="edit", password="sesame")
    assert await refused(running, link, "POST", "folders", {"name": "x"}) == (403, "link_password")
    answer = await visit(running, "POST", f"/v1/links/{link['token']}/open", b'{"password":"sesame"}')
    grant = answer.json()["grant"]
    await changed(running, link, "POST", "folders", {"name": "x"}, X_Link_Grant=grant)
    await expire(running, link)
    late = await refused(running, link, "POST", "folders", {"name": "y"}, X_Link_Grant=grant)
    assert late == (404, "not_found")


async def test_a_sent_file_is_the_owners_and_names_the_link(running: Stack) -> None:
    """In the history; a stale base is a conflict that keeps both, in the folder of the link."""
    link = await make(running, folder := await running.person.folder("/team"), kind="edit", name="Team")
    about = {"device": "by link Team", "link_id": link["id"], "folder_id": folder["id"], "parent_id": folder["id"]}
    file = await running.put("/a.txt", **about, base_version=0)
    assert (file["path"], file["owner_id"]) == ("/team/a.txt", running.person.account_id)
    (version,) = (await running.person.ok("GET", f"/v1/files/{file['id']}/versions"))["items"]
    assert (version["created_by"], version["device"]) == (running.person.account_id, "by link Team")
    copy = await running.put("/a.txt", **about, base_version=0)
    assert copy["name"].startswith("a (conflicted copy")
    assert copy["parent_id"] == folder["id"]


async def test_what_is_sent_by_a_revoked_link_is_refused(running: Stack) -> None:
    """Also if it was begun before: revocation ends it."""
    link = await make(running, folder := await running.person.folder("/team"), kind="edit")
    item = running.item("/a.txt", link_id=link["id"], folder_id=folder["id"], parent_id=folder["id"])
    own = running.item("/own.txt")
    await running.person.ok("DELETE", f"/v1/files/{folder['id']}/links/{link['id']}")
    assert await refused(running, link, "POST", "folders", {"name": "x"}) == (404, "not_found")
    late, mine = await running.commit(item, own)
    assert late["problem"]["status"] == 404
    assert mine["file"]["path"] == "/own.txt"
    assert await running.person.names("path=/team") == []


async def test_nothing_is_put_beside_a_linked_file(running: Stack) -> None:
    """A conflict fails, where a copy would be outside; the file itself can't be moved or deleted."""
    file = await running.put("/notes/a.txt")
    link = await make(running, file, kind="edit")
    stale = running.item(
        None, file_id=file["id"], base_version=7, link_id=link["id"], folder_id=file["id"], on_conflict="copy"
    )
    (late,) = await running.commit(stale)
    assert late["problem"]["code"] == "version_conflict"
    (current,) = await running.commit(stale | running.item(None, file_id=file["id"]) | {"base_version": 1})
    assert current["version"] == 2
    assert await refused(running, link, "POST", "folders", {"name": "x"}) == (409, "not_a_folder")
    assert await refused(running, link, "PATCH", f"files/{file['id']}", {"name": "x"}) == (403, "folder_limited")
    assert await running.person.names("path=/notes") == ["a.txt"]
