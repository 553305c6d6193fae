"""Links for editing end to end: visitors without an account change files of the owner, who sees by which link."""

import hashlib
from typing import Any

import pytest
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def send(visitor: Person, link: Any, content: bytes, **about: Any) -> Any:
    """Send a file as the page of a link does; returns the response to its completion."""
    upload = await begin(visitor, link, content, **about)
    await visitor.put_once(upload, content)
    return await visitor.call("POST", f"/v1/links/{link['token']}/uploads/{upload['id']}/complete")


async def begin(visitor: Person, link: Any, content: bytes, **about: Any) -> Any:
    sha256 = hashlib.sha256(content).hexdigest()
    body = {"size": len(content), "sha256": sha256, **about}
    return await visitor.call("POST", f"/v1/links/{link['token']}/uploads", body)


async def test_visitors_add_and_replace_files_of_the_owner(ada: Person, nobody: Person, admin: Person) -> None:
    """Charged to and owned by her, named by the link in history, audit and notices; a stale base is refused."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/team"})
    link = await ada.call("POST", f"/v1/files/{folder['id']}/links", {"kind": "edit", "name": "Team"})
    used = (await ada.usage())["used"]
    new = await send(nobody, link, b"one", name="plan.txt")
    second = await send(nobody, link, b"second", file_id=new["id"], base_version=1)
    assert (new["version"], second["version"]) == (1, 2)
    stale = {"size": 1, "file_id": new["id"], "base_version": 1}
    assert await nobody.refused("POST", f"/v1/links/{link['token']}/uploads", stale) == (409, "version_conflict")
    file = await ada.call("GET", "/v1/files/by-path?path=/team/plan.txt")
    assert (file["owner_id"], file["version"], file["size"]) == (ada.id, 2, 6)
    versions = await ada.every(f"/v1/files/{file['id']}/versions")
    assert [version["device"] for version in versions] == ["by link Team", "by link Team"]

    async def notified() -> bool:
        notices = await ada.every("/v1/notifications")
        return any("by link Team" in str(notice) for notice in notices)

    async def audited() -> bool:
        entries = await admin.every("/v1/admin/audit", object_id=file["id"])
        changes = [entry for entry in entries if entry["detail"] == "/team/plan.txt by link Team"]
        return [entry["account_id"] for entry in changes] == [None, None]

    await ada.counted(used + 9)
    await eventually(notified)
    await eventually(audited)


async def test_a_visitor_who_deletes_a_folder_is_named_for_all_in_it(
    ada: Person, nobody: Person, admin: Person
) -> None:
    """Also for what the deletion reaches later, in the background."""
    top = await ada.call("POST", "/v1/folders", {"path": "/shared by link"})
    link = await ada.call("POST", f"/v1/files/{top['id']}/links", {"kind": "edit", "name": "Team"})
    route = f"/v1/links/{link['token']}"
    inner = await nobody.call("POST", f"{route}/folders", {"name": "inner"})
    file = await send(nobody, link, b"x", name="inside.txt", parent_id=inner["id"])
    await nobody.call("DELETE", f"{route}/files/{inner['id']}")

    async def audited() -> bool:
        entries = await admin.every("/v1/admin/audit", object_id=file["id"])
        deleted = [entry for entry in entries if entry["action"] == "file-deleted"]
        return [(entry["account_id"], entry["detail"][-12:]) for entry in deleted] == [(None, "by link Team")]

    await eventually(audited)


async def test_revocation_ends_an_upload_under_way(ada: Person, nobody: Person) -> None:
    """Its bytes may still arrive, and become no file."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/brief"})
    link = await ada.call("POST", f"/v1/files/{folder['id']}/links", {"kind": "edit"})
    upload = await begin(nobody, link, b"late", name="late.txt")
    await ada.call("DELETE", f"/v1/files/{folder['id']}/links/{link['id']}")
    await nobody.put_once(upload, b"late")
    complete = f"/v1/links/{link['token']}/uploads/{upload['id']}/complete"
    assert await nobody.refused("POST", complete) == (409, "target_gone")
    assert await nobody.refused("POST", f"/v1/links/{link['token']}/folders", {"name": "x"}) == (404, "not_found")
    assert await ada.every("/v1/files", path="/brief") == []


async def test_uploads_stay_in_the_linked_folder(ada: Person, nobody: Person) -> None:
    """Outer ids and path tricks reach nothing, and nothing counts for the link's limits."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/shown"})
    outer = await ada.upload("/hidden/secret.txt", b"secret")
    link = await ada.call("POST", f"/v1/files/{folder['id']}/links", {"kind": "edit", "max_files": 5})
    route = f"/v1/links/{link['token']}/uploads"
    outside = (
        {"name": "a.txt", "parent_id": outer["parent_id"]},
        {"name": "a.txt", "parent_id": ada.id},
        {"file_id": outer["id"], "base_version": 1},
    )
    for about in outside:
        assert await nobody.refused("POST", route, {"size": 1, **about}) == (404, "not_found"), about
    for name in ("../a.txt", "/hidden/a.txt", ".."):
        assert (await nobody.refused("POST", route, {"size": 1, "name": name}))[0] == 422, name
    (seen,) = await ada.every(f"/v1/files/{folder['id']}/links")
    assert seen["received_files"] == 0
