"""API tokens: what programs may do with them, and how they end."""

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from deployments import Deployment
from people import Person, problem_of
from synced_folders import Command, tree, write

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def token_of(person: Person, *scopes: str, **more: Any) -> dict[str, Any]:
    body = {"name": "Backup", "scopes": list(scopes), **more}
    made: dict[str, Any] = await person.call("POST", "/v1/me/tokens", body)
    return made


async def test_a_token_may_do_what_its_scopes_say(ada: Person, nobody: Person) -> None:
    """It reads files, but neither changes nor shares them, and never manages the account it works for."""
    file = await ada.upload("/plan.txt", b"x")
    nobody.access_token = (await token_of(ada, "files:read"))["token"]
    assert (await nobody.call("GET", "/v1/me"))["id"] == ada.id
    assert [each["name"] for each in await nobody.every("/v1/files")] == ["plan.txt"]
    assert (await nobody.call("GET", "/v1/changes"))["changes"]
    for method, path, body in (
        ("POST", "/v1/folders", {"path": "/new"}),
        ("DELETE", f"/v1/files/{file['id']}", None),
        ("POST", "/v1/uploads", {"path": "/a", "size": 1, "method": "put"}),
        ("POST", f"/v1/files/{file['id']}/links", {}),
    ):
        assert await nobody.refused(method, path, body) == (403, "insufficient_scope")
    for method, path, body in (
        ("POST", "/v1/me/tokens", {"name": "more", "scopes": ["files:write"]}),
        ("GET", "/v1/me/tokens", None),
        ("PATCH", "/v1/me", {"display_name": "Eve"}),
        ("DELETE", "/v1/sessions/current", None),
    ):
        assert await nobody.refused(method, path, body) == (403, "log_in_required")


async def test_a_version_names_the_token_that_wrote_it(ada: Person, nobody: Person) -> None:
    """As it names the device of a log-in."""
    nobody.access_token = (await token_of(ada, "files:read", "files:write"))["token"]
    file = await nobody.upload("/from the script.txt", b"x")
    (version,) = await ada.every(f"/v1/files/{file['id']}/versions")
    assert (version["created_by"], version["device"]) == (ada.id, "Backup")


async def test_a_token_is_a_password_for_programs_that_know_only_passwords(ada: Person, nobody: Person) -> None:
    """With its owner's e-mail, and not from a page of another site; the real password is none."""

    def basic(user: str, password: str) -> dict[str, str]:
        return {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}

    token = (await token_of(ada, "files:read", "files:write"))["token"]
    folder = {"path": "/by basic"}
    created = await nobody.call("POST", "/v1/folders", folder, basic(ada.email, token))
    assert created["path"] == "/by basic"
    foreign = basic(ada.email, token) | {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert problem_of(await nobody.ask("POST", "/v1/folders", folder, foreign)) == (403, "csrf")
    for wrong in (basic("eve@example.org", token), basic(ada.email, "correct horse battery")):
        assert problem_of(await nobody.ask("GET", "/v1/files", None, wrong)) == (401, "invalid_token")


async def test_a_revoked_token_works_nowhere_at_once(ada: Person, nobody: Person) -> None:
    """Within a second its next call is refused, and a poll that waits ends; it is no longer listed."""
    made = await token_of(ada, "files:read")
    nobody.access_token = made["token"]
    cursor = (await nobody.call("GET", "/v1/changes"))["cursor"]
    (listed,) = await ada.every("/v1/me/tokens")
    assert listed["last_used_at"] is not None
    assert "token" not in listed
    waiting = asyncio.create_task(nobody.refused("GET", f"/v1/changes?wait=60&cursor={cursor}"))
    await ada.call("DELETE", f"/v1/me/tokens/{made['id']}")

    async def is_refused() -> bool:
        try:
            return await nobody.refused("GET", "/v1/files") == (401, "invalid_token")
        except AssertionError:
            return False

    await eventually(is_refused, seconds=2)
    assert (await waiting)[0] == 401
    assert await ada.every("/v1/me/tokens") == []


async def limited(person: Person, folder: str) -> str:
    token = await token_of(person, "files:read", "files:write", "shares", path=folder)
    return str(token["token"])


async def test_outside_its_folder_nothing_exists_for_a_limited_token(ada: Person, nobody: Person) -> None:
    """Not in lists, by path, by id, in bulk reads, as the target of a change, nor in what concerns the account."""
    inside, outside = await ada.upload("/docs/in.txt", b"in"), await ada.upload("/private/out.txt", b"out")
    docs, private = inside["parent_id"], outside["parent_id"]
    nobody.access_token = await limited(ada, "/docs")
    assert [each["name"] for each in await nobody.every("/v1/files", path="/docs")] == ["in.txt"]
    assert (await nobody.call("GET", "/v1/files/by-path?path=/docs/in.txt"))["id"] == inside["id"]
    assert [each["id"] for each in await nobody.every(f"/v1/files/{inside['id']}/ancestors")] == [docs]
    for method, path, body in (
        ("GET", "/v1/files?path=/", None),
        ("GET", f"/v1/files?parent_id={private}", None),
        ("GET", "/v1/files/by-path?path=/private/out.txt", None),
        ("GET", f"/v1/files/{outside['id']}", None),
        ("GET", f"/v1/files/{outside['id']}/content", None),
        ("GET", f"/v1/files/{outside['id']}/versions", None),
        ("GET", f"/v1/files/{outside['id']}/media", None),
        ("GET", f"/v1/files/{outside['id']}/preview?size=small", None),
        ("GET", f"/v1/files/{outside['id']}/shares", None),
        ("POST", f"/v1/files/{outside['id']}/links", {}),
        ("POST", f"/v1/files/{outside['id']}/shares", {"email": "eve@example.org", "role": "viewer"}),
        ("POST", f"/v1/files/{outside['id']}/copy", {"path": "/docs/copy.txt"}),
        ("POST", f"/v1/files/{inside['id']}/copy", {"path": "/private/copy.txt"}),
        ("PATCH", f"/v1/files/{inside['id']}", {"parent_id": private}),
        ("PATCH", f"/v1/files/{outside['id']}", {"name": "x"}),
        ("DELETE", f"/v1/files/{outside['id']}", None),
        ("POST", "/v1/folders", {"path": "/elsewhere"}),
        ("POST", "/v1/uploads", {"path": "/elsewhere.txt", "size": 1, "method": "put"}),
        ("POST", "/v1/uploads", {"file_id": outside["id"], "size": 1, "method": "put"}),
        ("POST", "/v1/compare", {"path": "/private", "entries": []}),
    ):
        assert await nobody.refused(method, path, body) == (404, "not_found"), (method, path)
    wanted = {"items": [{"id": inside["id"]}, {"id": outside["id"]}]}
    read = (await nobody.call("POST", "/v1/contents", wanted))["results"]
    assert ["problem" in item for item in read] == [False, True]
    for path in ("/v1/trash", "/v1/shared-with-me", "/v1/events"):
        code = (await nobody.refused("GET", path))[1]
        assert code == "folder_limited", path
    for method, body in (("DELETE", None), ("PATCH", {"name": "renamed"})):
        assert await nobody.refused(method, f"/v1/files/{docs}", body) == (403, "folder_limited")


async def test_a_limited_token_works_in_its_folder_wherever_that_is(ada: Person, nobody: Person) -> None:
    """It uploads, shares and deletes there; its uploads are its own, and the limit follows a renamed folder."""
    first = await ada.upload("/docs/first.txt", b"x")
    await ada.upload("/other/kept.txt", b"x")
    nobody.access_token = await limited(ada, "/docs")
    begun, foreign = await nobody.begin("/docs/sub/new.txt", 1), await ada.begin("/docs/hers.txt", 1)
    assert [each["id"] for each in await nobody.every("/v1/uploads")] == [begun["id"]]
    assert (await nobody.refused("GET", f"/v1/uploads/{foreign['id']}"))[0] == 404
    assert (await nobody.refused("POST", f"/v1/uploads/{foreign['id']}/complete", {}))[0] == 404
    await ada.call("PATCH", f"/v1/files/{first['parent_id']}", {"name": "papers"})
    await nobody.put(begun["put"], b"y")
    assert (await nobody.refused("POST", f"/v1/uploads/{begun['id']}/complete", {}))[0] == 409
    assert await ada.names() == ["other", "papers"]
    file = await nobody.upload("/papers/sub/new.txt", b"y")
    (token,) = await ada.every("/v1/me/tokens")
    assert (token["path"], token["folder_id"]) == ("/papers", first["parent_id"])
    assert (await nobody.call("POST", f"/v1/files/{file['id']}/links", {}))["url"]
    await nobody.call("DELETE", f"/v1/files/{file['id']}")
    await nobody.call("POST", f"/v1/files/{file['id']}/restore")
    blocks = {"path": "/papers/large.bin", "size": 5, "method": "blocks", "sha256": "0" * 64}
    assert await nobody.refused("POST", "/v1/uploads", blocks) == (403, "folder_limited")


async def test_a_limited_token_reads_the_changes_of_its_folder(ada: Person, nobody: Person) -> None:
    """Nothing elsewhere shows, not by name, id or number; what moves out is lost, and what moves in is gained."""
    first = await ada.upload("/docs/first.txt", b"1")
    docs = first["parent_id"]
    await ada.upload("/private/canary.txt", b"x")
    nobody.access_token = await limited(ada, "/docs")
    assert (await nobody.call("GET", "/v1/me"))["folder_id"] == docs
    snapshot = await nobody.call("GET", "/v1/snapshot")
    assert [item["path"] for item in snapshot["items"]] == ["/docs/first.txt"]
    begun = snapshot["changes_cursor"]
    for number in range(3):
        await ada.upload(f"/private/canary {number}.txt", b"x")
    quiet = await nobody.call("GET", f"/v1/changes?cursor={begun}&limit=1")
    assert (quiet["changes"], quiet["has_more"]) == ([], False)

    waiting = asyncio.create_task(nobody.call("GET", f"/v1/changes?cursor={quiet['cursor']}&wait=50"))
    second = await ada.upload("/docs/sub/second.txt", b"2")
    assert next(change["file"]["path"] for change in (await waiting)["changes"]) == "/docs/sub"
    canary = await ada.call("GET", "/v1/files/by-path?path=/private/canary.txt")
    away = await ada.call("GET", "/v1/files/by-path?path=/private")
    await ada.call("PATCH", f"/v1/files/{first['id']}", {"parent_id": away["id"], "name": "canary moved.txt"})
    await ada.call("PATCH", f"/v1/files/{canary['id']}", {"parent_id": docs, "name": "in.txt"})
    await ada.call("PATCH", f"/v1/files/{docs}", {"name": "papers"})
    await ada.call("DELETE", f"/v1/files/{second['id']}")
    await ada.call("DELETE", f"/v1/files/{away['id']}")
    found, cursor, pages = [], begun, ""
    while True:
        page = await nobody.call("GET", f"/v1/changes?cursor={cursor}&limit=2")
        found, cursor, pages = found + page["changes"], page["cursor"], pages + str(page)
        if not page["has_more"]:
            break
    assert [(change["seq"], change["type"], change["file"]["path"]) for change in found] == [
        (1, "created", "/docs/sub"),
        (2, "created", "/docs/sub/second.txt"),
        (3, "unshared", "/docs/first.txt"),
        (4, "shared", "/docs/in.txt"),
        (5, "moved", "/papers"),
        (6, "deleted", "/papers/sub/second.txt"),
    ]
    assert "canary" not in pages
    assert away["id"] not in pages
    own = (await ada.call("GET", "/v1/changes"))["cursor"]
    for foreign in (own, "x", begun[:-4] + "AAAA"):
        assert (await nobody.refused("GET", f"/v1/changes?cursor={foreign}"))[1] == "invalid_cursor"
    assert (await ada.refused("GET", f"/v1/changes?cursor={begun}"))[1] == "invalid_cursor"
    await ada.call("DELETE", f"/v1/files/{docs}")
    for path in ("/v1/changes", "/v1/snapshot"):
        assert await nobody.refused("GET", path) == (404, "not_found")


async def test_a_folder_is_synced_with_a_token_that_is_limited_to_it(
    ada: Person, nobody: Person, deployment: Deployment, tmp_path: Path
) -> None:
    """Both ways, with what is moved in and out; nothing else of the account arrives."""
    first = await ada.upload("/docs/first.txt", b"1")
    other = await ada.upload("/private/other.txt", b"x")
    secrets = {"DOCSTORE_TOKEN": await limited(ada, "/docs"), "DOCSTORE_SERVER": deployment.gateway}
    command, folder = Command(tmp_path / "home", environment=secrets), tmp_path / "work"
    write(folder / "sub/local.txt", b"local")
    await command.run("sync", str(folder), "--once")
    assert tree(folder) == {"first.txt": b"1", "sub": None, "sub/local.txt": b"local"}
    assert await ada.names("/docs/sub") == ["local.txt"]
    await ada.call("PATCH", f"/v1/files/{first['id']}", {"parent_id": other["parent_id"]})
    await ada.call("PATCH", f"/v1/files/{other['id']}", {"parent_id": first["parent_id"]})
    write(folder / "sub/local.txt", b"edited")
    await command.run("sync", str(folder), "--once")
    assert tree(folder) == {"other.txt": b"x", "sub": None, "sub/local.txt": b"edited"}
    edited = await ada.call("GET", "/v1/files/by-path?path=/docs/sub/local.txt")
    assert await ada.content(edited["id"]) == b"edited"
    assert await ada.names("/private") == ["first.txt"]


async def test_a_limited_token_finds_and_counts_only_what_is_in_its_folder(ada: Person, nobody: Person) -> None:
    """Neither total nor cursor reveals hits elsewhere, however many there are."""
    await ada.upload_batch({f"/private/canary {number}.txt": b"x" for number in range(5)})
    await ada.upload_batch({f"/docs/canary {number}.txt": b"x" for number in range(3)})
    nobody.access_token = await limited(ada, "/docs")

    async def indexed() -> bool:
        return bool((await ada.call("GET", "/v1/search?q=canary"))["total"] == 8)

    await eventually(indexed)
    page = await nobody.call("GET", "/v1/search?q=canary&limit=2")
    assert (len(page["items"]), page["total"]) == (2, 3)
    rest = await nobody.call("GET", f"/v1/search?q=canary&limit=2&cursor={page['next_cursor']}")
    assert (len(rest["items"]), rest["total"], rest["next_cursor"]) == (1, 3, None)
    found = [item["file"]["path"] for item in page["items"] + rest["items"]]
    assert sorted(found) == [f"/docs/canary {number}.txt" for number in range(3)]
