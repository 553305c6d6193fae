"""Readers and editors in a shared folder, by the public routes."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from metadata_stack import Person, Stack

from docstore_metadata.versions.repository import MongoVersions

pytestmark = pytest.mark.connected


@dataclass
class Shared:
    """A folder /private/shared with a.txt and sub/b.txt in it, shared with an editor and a viewer."""

    stack: Stack
    owner: Person
    editor: Person
    viewer: Person
    folder: Any
    file: Any
    editors_share: Any

    async def put(self, person: Person, path: str | None, content: bytes = b"new", **extra: Any) -> Any:
        """Commit a person's upload to a path that starts from the folder."""
        start = {"parent_id": self.folder["id"]} if path else {}
        item = self.stack.item(path, content, account_id=person.account_id, **start, **extra)
        return (await self.stack.commit(item))[0]


@pytest.fixture
async def shared(running: Stack) -> Shared:
    owner, editor, viewer = running.person, running.other, running.new_person()
    await running.register(editor, "editor@example.com")
    await running.register(viewer, "viewer@example.com")
    file = await running.put("/private/shared/a.txt", b"first")
    await running.put("/private/shared/sub/b.txt")
    folder = await owner.at("/private/shared")
    route = f"/v1/files/{folder['id']}/shares"
    share = await owner.ok("POST", route, {"email": "editor@example.com", "role": "editor"})
    await owner.ok("POST", route, {"email": "viewer@example.com", "role": "viewer"})
    return Shared(running, owner, editor, viewer, folder, file, share)


async def test_paths_start_from_the_shared_folder(shared: Shared) -> None:
    """Listing, getting by path and creating folders with parent_id; errors reveal no folder above."""
    start = f"parent_id={shared.folder['id']}"
    for person in (shared.editor, shared.viewer):
        assert await person.names(f"{start}&path=/") == ["sub", "a.txt"]
        assert await person.names(f"{start}&path=/sub") == ["b.txt"]
        found = await person.ok("GET", f"/v1/files/by-path?{start}&path={quote('/sub/b.txt')}")
        assert found["path"] == "/shared/sub/b.txt"
    new = {"path": "/x/y", "parent_id": shared.folder["id"]}
    made = await shared.editor.send("POST", "/v1/folders", new)
    assert (made.status, made.json()["path"], made.json()["owner_id"]) == (201, "/shared/x/y", shared.owner.account_id)
    assert (await shared.editor.send("POST", "/v1/folders", new)).status == 200
    assert (await shared.owner.at("/private/shared/x/y"))["id"] == made.json()["id"]
    assert await shared.viewer.refused("POST", "/v1/folders", {**new, "path": "/z"}) == (403, "read_only")
    in_file = await shared.editor.send("POST", "/v1/folders", {**new, "path": "/a.txt/x"})
    assert (in_file.status, in_file.json()["code"]) == (409, "not_a_folder")
    assert b"private" not in in_file.body
    other = shared.stack.new_person()
    assert await other.refused("POST", "/v1/folders", new) == (404, "not_found")
    assert await other.refused("GET", f"/v1/files?{start}&path=/sub") == (404, "not_found")
    in_a_file = {"path": "/x", "parent_id": shared.file["id"]}
    assert await shared.editor.refused("POST", "/v1/folders", in_a_file) == (409, "not_a_folder")


async def test_an_editor_uploads_into_the_owners_tree(shared: Shared) -> None:
    """By path and by id; the owner is charged, and events name both; viewers and others are refused."""
    body = {"account_id": shared.editor.account_id, "items": [{"path": "/n/c.txt", "parent_id": shared.folder["id"]}]}
    body["items"].append({"file_id": shared.file["id"]})
    checked = (await shared.stack.internal.call("POST", "/internal/uploads/check", body))["results"]
    owner_id = shared.owner.account_id
    assert checked == [
        {"owner_id": owner_id, "path": "/shared/n/c.txt", "file_id": None, "current_version": 0},
        {"owner_id": owner_id, "path": "/shared/a.txt", "file_id": shared.file["id"], "current_version": 1},
    ]
    new = (await shared.put(shared.editor, "/n/c.txt"))["file"]
    assert (new["path"], new["owner_id"], new["permission"]) == ("/shared/n/c.txt", owner_id, "editor")
    version = await shared.put(shared.editor, None, b"second", file_id=shared.file["id"], base_version=1)
    assert (version["version"], version["file"]["modified_by"]) == (2, shared.editor.account_id)
    event = await shared.stack.event(new["id"], "file-created")
    assert (event["file"]["owner_id"], event["actor_id"]) == (owner_id, shared.editor.account_id)
    readers = sorted([shared.editor.account_id, shared.viewer.account_id])
    assert event["file"]["readers"] == readers
    for result in (
        await shared.put(shared.viewer, "/v.txt"),
        await shared.put(shared.viewer, None, file_id=shared.file["id"]),
    ):
        assert result["problem"]["code"] == "read_only"
    result = await shared.put(shared.stack.new_person(), "/v.txt")
    assert result["problem"]["code"] == "not_found"


async def test_an_editors_stale_commit_becomes_a_conflicted_copy(shared: Shared) -> None:
    """In the shared folder; refused for a file shared alone, since nothing may be created beside it."""
    stale = {"file_id": shared.file["id"], "base_version": 0}
    copy = await shared.put(shared.editor, None, b"late", **stale)
    assert copy["conflicted"]
    assert (copy["file"]["parent_id"], copy["file"]["permission"]) == (shared.folder["id"], "editor")
    assert copy["file"]["path"].startswith("/shared/a (conflicted copy ")
    alone = await shared.stack.put("/alone.txt")
    share = {"email": "editor@example.com", "role": "editor"}
    await shared.owner.ok("POST", f"/v1/files/{alone['id']}/shares", share)
    refused = await shared.put(shared.editor, None, b"late", file_id=alone["id"], base_version=0)
    assert refused["problem"]["code"] == "version_conflict"
    assert await shared.owner.names() == ["private", "alone.txt"]


async def test_a_commit_after_a_revocation_is_refused(shared: Shared) -> None:
    """Even if the check before the upload allowed it."""
    route = f"/v1/files/{shared.folder['id']}/shares/{shared.editors_share['id']}"
    await shared.owner.ok("PATCH", route, {"role": "viewer"})
    assert (await shared.put(shared.editor, "/c.txt"))["problem"]["code"] == "read_only"
    await shared.owner.ok("DELETE", route)
    assert (await shared.put(shared.editor, "/c.txt"))["problem"]["code"] == "not_found"
    assert await shared.owner.names(f"parent_id={shared.folder['id']}") == ["sub", "a.txt"]


async def test_a_batch_of_commits_to_several_trees_has_an_answer_each(shared: Shared) -> None:
    """To the own tree, below two roots of the same folder, and to a folder without permission."""
    sub = await shared.owner.at("/private/shared/sub")
    me = {"account_id": shared.editor.account_id}
    item = shared.stack.item
    results = await shared.stack.commit(
        item("/own.txt", **me),
        item("/sub/n.txt", parent_id=shared.folder["id"], **me),
        item("/n.txt", b"again", parent_id=sub["id"], **me),
        item("/no.txt", parent_id=shared.owner.account_id, **me),
    )
    assert [result.get("version", result.get("problem", {}).get("code")) for result in results] == [
        1,
        1,
        2,
        "not_found",
    ]
    assert results[0]["file"]["owner_id"] == shared.editor.account_id
    assert results[1]["file"]["id"] == results[2]["file"]["id"]


async def test_an_editor_renames_moves_and_tags_below_a_shared_folder(shared: Shared) -> None:
    """Not the folder itself, and not out of the owner's tree."""
    editor, owner = shared.editor, shared.owner
    route, sub = f"/v1/files/{shared.file['id']}", await owner.at("/private/shared/sub")
    moved = await editor.ok("PATCH", route, {"name": "z.txt", "parent_id": sub["id"], "tags": ["t"]})
    assert (moved["path"], moved["tags"]) == ("/shared/sub/z.txt", ["t"])
    own = await editor.folder("/mine")
    assert await editor.refused("PATCH", route, {"parent_id": own["id"]}) == (409, "invalid_move")
    private = await owner.at("/private")
    assert await editor.refused("PATCH", route, {"parent_id": private["id"]}) == (404, "not_found")
    folder = f"/v1/files/{shared.folder['id']}"
    assert await editor.refused("PATCH", folder, {"name": "x"}) == (403, "owner_only")
    assert await editor.refused("PATCH", folder, {"parent_id": sub["id"]}) == (403, "owner_only")
    assert (await editor.ok("PATCH", folder, {"name": "shared", "tags": ["s"]}))["tags"] == ["s"]
    assert await shared.viewer.refused("PATCH", route, {"tags": []}) == (403, "read_only")
    theirs = await shared.stack.put("/theirs.txt", account_id=editor.account_id)
    move = {"parent_id": shared.folder["id"]}
    assert await editor.refused("PATCH", f"/v1/files/{theirs['id']}", move) == (409, "invalid_move")


async def test_an_editor_deletes_what_they_inserted_into_the_owners_trash(shared: Shared) -> None:
    """Also after the owner changed it; its event names the editor. What others inserted is 403, and for viewers all."""
    editor, owner = shared.editor, shared.owner
    own = (await shared.put(editor, "/own.txt"))["file"]
    assert own["can_delete"]
    await shared.put(owner, None, file_id=own["id"])
    start = f"/v1/files?parent_id={shared.folder['id']}"
    for person, expected in ((owner, [True] * 3), (editor, [False, False, True]), (shared.viewer, [False] * 3)):
        listed = (await person.ok("GET", start))["items"]
        assert [(file["name"], file["can_delete"]) for file in listed] == [
            *zip(("sub", "a.txt", "own.txt"), expected, strict=True)
        ]
    route = f"/v1/files/{own['id']}"
    assert await editor.refused("DELETE", f"/v1/files/{shared.file['id']}") == (403, "owner_only")
    assert await shared.viewer.refused("DELETE", route) == (403, "read_only")
    await editor.ok("DELETE", route)
    assert await editor.refused("DELETE", route) == (404, "not_found")
    assert (await shared.stack.event(own["id"], "file-deleted"))["actor_id"] == editor.account_id
    last = (await owner.ok("GET", "/v1/changes?limit=100"))["changes"][-1]
    assert (last["type"], last["file"]["id"]) == ("deleted", own["id"])
    assert [item["path"] for item in (await owner.ok("GET", "/v1/trash"))["items"]] == ["/private/shared/own.txt"]
    assert (await editor.ok("GET", "/v1/trash"))["items"] == []
    assert await editor.refused("POST", f"{route}/restore") == (404, "not_found")
    assert await editor.refused("DELETE", f"/v1/trash/{own['id']}") == (404, "not_found")
    await owner.ok("POST", f"{route}/restore")
    assert (await editor.get(own))["can_delete"]


async def test_an_editors_folder_with_files_of_others_is_the_owners_to_delete(shared: Shared) -> None:
    """Copies and folders that were made on the way are the editor's as well."""
    editor, owner = shared.editor, shared.owner
    await shared.put(editor, "/project/deep/own.txt")
    copy = {"path": "/project/copy.txt", "parent_id": shared.folder["id"]}
    await editor.ok("POST", f"/v1/files/{shared.file['id']}/copy", copy)
    project = await owner.at("/private/shared/project")
    theirs = (await shared.put(owner, "/project/deep/theirs.txt"))["file"]
    assert await editor.refused("DELETE", f"/v1/files/{project['id']}") == (403, "owner_only")
    await owner.ok("PATCH", f"/v1/files/{theirs['id']}", {"parent_id": shared.folder["id"]})
    await editor.ok("DELETE", f"/v1/files/{project['id']}")
    assert await owner.names("path=/private/shared") == ["sub", "a.txt", "theirs.txt"]


async def test_an_insertion_during_an_editors_deletion_is_not_deleted(shared: Shared) -> None:
    """Either is first: the deletion is refused, or the insertion goes to a new folder of that name."""
    editor, owner, stack = shared.editor, shared.owner, shared.stack
    for number in range(12):
        await shared.put(editor, f"/{number}/deep/own.txt")
        folder = await owner.at(f"/private/shared/{number}")
        inserted, deleted = await asyncio.gather(
            stack.commit(stack.item(f"/private/shared/{number}/deep/theirs.txt")),
            editor.send("DELETE", f"/v1/files/{folder['id']}"),
        )
        theirs = await owner.get(inserted[0]["file"])
        assert theirs["path"] == f"/private/shared/{number}/deep/theirs.txt"
        assert deleted.status in (204, 403)


async def test_an_editor_of_a_file_alone_does_not_delete_it(shared: Shared) -> None:
    """Even if they inserted it: they may no longer change the folder."""
    own = (await shared.put(shared.editor, "/own.txt"))["file"]
    body = {"email": "editor@example.com", "role": "editor"}
    await shared.owner.ok("POST", f"/v1/files/{own['id']}/shares", body)
    await shared.owner.ok("DELETE", f"/v1/files/{shared.folder['id']}/shares/{shared.editors_share['id']}")
    seen = await shared.editor.get(own)
    assert (seen["permission"], seen["can_delete"]) == ("editor", False)
    assert await shared.editor.refused("DELETE", f"/v1/files/{own['id']}") == (403, "owner_only")


async def test_inserters_from_before_they_were_recorded_are_their_first_versions_authors(shared: Shared) -> None:
    """Read from the versions once, at the first start; without the first version only the owner may delete."""
    editor, owner, database = shared.editor, shared.owner, shared.stack.database
    own, lost = [(await shared.put(editor, path))["file"] for path in ("/own.txt", "/lost.txt")]
    for file in (own, lost, shared.file):
        await shared.put(owner, None, file_id=file["id"])
        await shared.put(editor, None, file_id=file["id"])
    await database["nodes"].update_many({}, {"$unset": {"inserted_by": ""}})
    await database["migrations"].delete_many({})
    await database["versions"].delete_one({"node": lost["id"], "number": 1})
    assert not (await editor.get(own))["can_delete"]
    for _ in range(2):
        await MongoVersions(database).create_indexes()
    assert [(await editor.get(file))["can_delete"] for file in (own, lost, shared.file)] == [True, False, False]
    await editor.ok("DELETE", f"/v1/files/{own['id']}")


async def test_a_large_batch_for_many_readers_is_split(running: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch into a folder with 8 readers succeeds; a copy with too many journal entries is refused."""
    for module in ("commits.service", "files.copying"):
        monkeypatch.setattr(f"docstore_metadata.{module}.MAX_ENTRIES", 200)
    owner = running.person
    folder = await owner.folder("/team")
    for number in range(8):
        await running.register(reader := running.new_person(), f"{number}@example.com")
        body = {"email": f"{number}@example.com", "role": "viewer"}
        await owner.ok("POST", f"/v1/files/{folder['id']}/shares", body)
    results = await running.commit(*(running.item(f"/team/many/{number}.txt") for number in range(49)))
    assert all("file" in result for result in results)
    changes = await reader.ok("GET", "/v1/changes?limit=1000")
    assert len(changes["changes"]) == 51
    many = await owner.at("/team/many")
    refused = await owner.refused("POST", f"/v1/files/{many['id']}/copy", {"path": "/team/again"})
    assert refused == (413, "too_large")
    assert await owner.names("path=/team") == ["many"]
    assert (await owner.ok("POST", f"/v1/files/{many['id']}/copy", {"path": "/own"}))["path"] == "/own"


async def test_a_copy_counts_towards_the_quota_of_its_tree(shared: Shared) -> None:
    """A reader's own tree and quota, shared with no one; an editor may copy into the shared folder."""
    quota = shared.stack.quota
    copied = await shared.viewer.ok("POST", f"/v1/files/{shared.folder['id']}/copy", {"path": "/copy"})
    assert (copied["owner_id"], copied["permission"]) == (shared.viewer.account_id, "owner")
    assert await shared.viewer.names("path=/copy") == ["sub", "a.txt"]
    assert quota.accounts == {shared.viewer.account_id}
    assert await shared.editor.refused("GET", f"/v1/files/{copied['id']}") == (404, "not_found")
    quota.accounts.clear()
    route, into = f"/v1/files/{shared.file['id']}/copy", {"path": "/sub/c.txt", "parent_id": shared.folder["id"]}
    assert (await shared.editor.ok("POST", route, into))["path"] == "/shared/sub/c.txt"
    assert quota.accounts == {shared.owner.account_id}
    assert await shared.viewer.refused("POST", route, into) == (403, "read_only")


async def test_a_copy_fails_if_access_is_revoked_meanwhile(shared: Shared) -> None:
    """While its bytes are reserved: nothing is copied, and the reservation is released."""
    ask_quota = shared.stack.quota.call

    async def revoke_meanwhile(path: str, body: Any) -> Any:
        if not path.endswith("/release"):
            share = f"/v1/files/{shared.folder['id']}/shares/{shared.editors_share['id']}"
            await shared.owner.ok("DELETE", share)
        return await ask_quota(path, body)

    shared.stack.quota.call = revoke_meanwhile
    route = f"/v1/files/{shared.folder['id']}/copy"
    assert await shared.editor.refused("POST", route, {"path": "/copy"}) == (404, "not_found")
    assert await shared.editor.names("path=/") == []
    assert shared.stack.quota.released == set(shared.stack.quota.reserved)


async def test_an_editor_restores_a_version_on_the_owners_quota(shared: Shared) -> None:
    """Viewers see the history, editors may restore."""
    await shared.put(shared.editor, "/a.txt", b"second")
    versions = f"/v1/files/{shared.file['id']}/versions"
    assert len((await shared.viewer.ok("GET", versions))["items"]) == 2
    assert await shared.viewer.refused("POST", f"{versions}/1/restore") == (403, "read_only")
    restored = await shared.editor.ok("POST", f"{versions}/1/restore")
    assert (restored["version"], restored["size"], restored["permission"]) == (3, 5, "editor")
    assert shared.stack.quota.accounts == {shared.owner.account_id}


async def test_moving_in_and_out_of_a_shared_folder_changes_readers(shared: Shared) -> None:
    """At once for the moved node, and by a job in the events of its descendants."""
    file = await shared.stack.put("/f/g/deep.txt")
    folder = await shared.owner.at("/f")
    assert await shared.viewer.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    await shared.owner.ok("PATCH", f"/v1/files/{folder['id']}", {"parent_id": shared.folder["id"]})
    assert (await shared.viewer.get(file))["path"] == "/shared/f/g/deep.txt"
    await shared.stack.jobs_done()
    readers = sorted([shared.editor.account_id, shared.viewer.account_id])
    assert (await shared.stack.event(file["id"], "file-access-changed"))["file"]["readers"] == readers
    await shared.owner.ok("PATCH", f"/v1/files/{folder['id']}", {"parent_id": shared.owner.account_id})
    assert await shared.viewer.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    await shared.stack.jobs_done()
    assert (await shared.stack.event(file["id"], "file-access-changed"))["file"]["readers"] == []
    assert await shared.stack.events(file["id"]) == ["file-created"] + ["file-access-changed"] * 2


async def test_internal_routes_respect_shares(shared: Shared) -> None:
    """Lookup shows each reader's view; access returns the role even in the trash."""
    call = shared.stack.internal.call
    for person, permission in ((shared.editor, "editor"), (shared.viewer, "viewer")):
        body = {"account_id": person.account_id, "ids": [shared.file["id"]]}
        [found] = (await call("POST", "/internal/files/lookup", body))["files"]
        assert (found["path"], found["permission"]) == ("/shared/a.txt", permission)
    people = [shared.owner, shared.editor, shared.viewer, shared.stack.new_person()]
    items = [{"account_id": person.account_id, "file_id": shared.file["id"]} for person in people]
    items.append({"account_id": shared.owner.account_id, "file_id": "0" * 32})
    expected = {"permissions": ["owner", "editor", "viewer", None, None]}
    assert await call("POST", "/internal/access", {"items": items}) == expected
    await shared.owner.ok("DELETE", f"/v1/files/{shared.folder['id']}")
    assert await call("POST", "/internal/access", {"items": items}) == expected
    assert (await call("POST", "/internal/files/lookup", body)) == {"files": []}


async def test_an_inner_share_outlives_the_outer_one(shared: Shared) -> None:
    """The higher role applies below; after the outer share ends, the inner folder is at the top."""
    sub = await shared.owner.at("/private/shared/sub")
    inner = {"email": "viewer@example.com", "role": "editor"}
    await shared.owner.ok("POST", f"/v1/files/{sub['id']}/shares", inner)
    listed = (await shared.viewer.ok("GET", f"/v1/files?parent_id={shared.folder['id']}"))["items"]
    assert [(file["name"], file["permission"]) for file in listed] == [("sub", "editor"), ("a.txt", "viewer")]
    new = {"path": "/sub/x", "parent_id": shared.folder["id"]}
    assert (await shared.viewer.ok("POST", "/v1/folders", new))["path"] == "/shared/sub/x"
    assert await shared.viewer.refused("PATCH", f"/v1/files/{sub['id']}", {"name": "y"}) == (403, "owner_only")
    assert len((await shared.viewer.ok("GET", "/v1/shared-with-me"))["items"]) == 2
    shares = (await shared.owner.ok("GET", f"/v1/files/{shared.folder['id']}/shares"))["items"]
    [outer] = [share for share in shares if share["email"] == "viewer@example.com"]
    await shared.owner.ok("DELETE", f"/v1/files/{shared.folder['id']}/shares/{outer['id']}")
    assert await shared.viewer.refused("GET", f"/v1/files/{shared.file['id']}") == (404, "not_found")
    seen = await shared.viewer.get(sub)
    assert (seen["path"], seen["parent_id"], seen["permission"]) == ("/sub", None, "editor")
    changes = (await shared.viewer.ok("GET", "/v1/changes"))["changes"]
    assert [(change["type"], change["file"]["path"]) for change in changes][-2:] == [
        ("unshared", "/shared"),
        ("shared", "/sub"),
    ]


async def test_cached_listings_are_separate_for_each_reader(shared: Shared) -> None:
    """Owner, editor and viewer see their own paths, roles and ETags."""
    answers = {}
    for person, path in ((shared.owner, "/private/shared/a.txt"), (shared.editor, "/shared/a.txt")):
        for _ in range(2):
            answer = await person.send("GET", f"/v1/files?parent_id={shared.folder['id']}")
            assert answer.json()["items"][1]["path"] == path
            answers[person.account_id] = answer.headers["etag"]
    viewed = await shared.viewer.send("GET", f"/v1/files?parent_id={shared.folder['id']}")
    assert viewed.json()["items"][1]["permission"] == "viewer"
    assert len({*answers.values(), viewed.headers["etag"]}) == 3
