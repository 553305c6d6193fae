"""Operations on files, and their effects on search and quota."""

import asyncio
from base64 import b64encode

import pytest
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_every_upload_to_a_path_is_a_version(ada: Person) -> None:
    """All versions are kept, counted and readable; restoring one makes it the newest."""
    for content in (b"one", b"two two", b"three three three"):
        file = await ada.upload("/notes.txt", content)
    assert file["version"] == 3
    versions = await ada.every(f"/v1/files/{file['id']}/versions")
    assert [(version["version"], version["size"]) for version in versions] == [(3, 17), (2, 7), (1, 3)]
    assert await ada.content(file["id"], 1) == b"one"
    assert await ada.content(file["id"]) == b"three three three"
    await ada.counted(3 + 7 + 17)
    restored = await ada.call("POST", f"/v1/files/{file['id']}/versions/2/restore")
    assert restored["version"] == 4
    assert await ada.content(file["id"]) == b"two two"
    await ada.counted(3 + 7 + 17 + 7)
    assert await ada.names() == ["notes.txt"]


async def test_a_small_file_needs_one_request(ada: Person) -> None:
    """Its content is in the request; repeated with its Idempotency-Key, it is stored once."""
    content = b"the numbat eats termites"
    wish = {"path": "/one.txt", "size": len(content), "content": b64encode(content).decode()}
    sent = {"method": "put", "metadata": {"animal": "numbat"}, **wish}
    upload = await ada.call("POST", "/v1/uploads", sent, headers={"idempotency-key": "one"})
    assert (upload["state"], upload["file"]["metadata"]) == ("completed", {"animal": "numbat"})
    assert await ada.call("POST", "/v1/uploads", sent, headers={"idempotency-key": "one"}) == upload
    assert await ada.content(upload["file"]["id"]) == content
    assert (await ada.call("GET", f"/v1/uploads/{upload['id']}"))["file"] == upload["file"]
    await ada.counted(len(content))
    changed = await ada.call("POST", "/v1/uploads", {**sent, "base_version": 1})
    assert changed["file"]["version"] == 2
    stale = await ada.refused("POST", "/v1/uploads", {**sent, "base_version": 1, "on_conflict": "fail"})
    assert stale == (409, "version_conflict")


async def test_a_late_upload_becomes_a_conflicted_copy(ada: Person) -> None:
    """The first on a base wins; the second is kept beside it, and nothing is lost."""
    file = await ada.upload("/plan.txt", b"base")
    mine = await ada.begin("/plan.txt", 4, base_version=1)
    yours = await ada.begin("/plan.txt", 5, base_version=1)
    await ada.send(mine, b"mine")
    won = await ada.complete(mine)
    await ada.send(yours, b"yours")
    copy = await ada.complete(yours)
    assert (won["id"], won["version"]) == (file["id"], 2)
    assert copy["id"] != file["id"]
    assert "conflicted copy" in copy["name"]
    assert await ada.content(file["id"]) == b"mine"
    assert await ada.content(copy["id"]) == b"yours"
    await ada.counted(4 + 4 + 5)
    await ada.found("plan", "/plan.txt", copy["path"])


async def test_a_late_upload_can_be_refused_instead(ada: Person) -> None:
    """With on_conflict=fail the second is refused and not counted, and no upload begins on an old base."""
    file = await ada.upload("/plan.txt", b"base")
    late = await ada.begin("/plan.txt", 5, base_version=1, on_conflict="fail")
    await ada.upload("/plan.txt", b"mine", base_version=1)
    await ada.send(late, b"yours")
    for _ in range(2):
        assert await ada.refused("POST", f"/v1/uploads/{late['id']}/complete", {}) == (409, "version_conflict")
    wish = {"path": "/plan.txt", "size": 1, "method": "put", "base_version": 1, "on_conflict": "fail"}
    assert await ada.refused("POST", "/v1/uploads", wish) == (409, "version_conflict")
    assert await ada.names() == ["plan.txt"]
    assert await ada.content(file["id"]) == b"mine"
    await ada.counted(8)


@pytest.mark.parametrize("on_conflict", ["copy", "fail"])
async def test_concurrent_changes_have_one_winner(ada: Person, on_conflict: str) -> None:
    """Two completions on one base at once: one new version; the other is a conflicted copy, or refused."""
    file = await ada.upload("/race.txt", b"base")
    wishes = {"base_version": 1, "on_conflict": on_conflict}
    uploads = [await ada.begin("/race.txt", 1, **wishes) for _ in range(2)]
    await asyncio.gather(*(ada.send(upload, b"x") for upload in uploads))
    answers = await asyncio.gather(*(ada.ask("POST", f"/v1/uploads/{one['id']}/complete", {}) for one in uploads))
    files = [answer.json() for answer in answers if answer.status == 200]
    winners = [one for one in files if one["id"] == file["id"]]
    assert [one["version"] for one in winners] == [2]
    if on_conflict == "copy":
        assert len(files) == 2
        await ada.counted(4 + 1 + 1)
    else:
        assert [answer.json()["code"] for answer in answers if answer.status != 200] == ["version_conflict"]
        await ada.counted(4 + 1)


async def test_rename_and_move_are_found_under_the_new_name_only(ada: Person) -> None:
    """A rename, then a move: the id stays, listings and search know the new place and forget the old."""
    file = await ada.upload("/first/heron.txt", b"text")
    await ada.found("heron", "/first/heron.txt")
    renamed = await ada.call("PATCH", f"/v1/files/{file['id']}", {"name": "egret.txt"})
    assert (renamed["id"], renamed["path"]) == (file["id"], "/first/egret.txt")
    await ada.found("heron")
    await ada.found("egret", "/first/egret.txt")
    folder = await ada.call("POST", "/v1/folders", {"path": "/second"})
    await ada.call("PATCH", f"/v1/files/{file['id']}", {"parent_id": folder["id"]})
    assert await ada.names("/first") == []
    assert await ada.names("/second") == ["egret.txt"]
    await ada.found("egret", "/second/egret.txt")
    await ada.upload("/second/other.txt", b"x")
    taken = {"name": "other.txt"}
    assert await ada.refused("PATCH", f"/v1/files/{file['id']}", taken) == (409, "name_taken")
    await ada.counted(5)


async def test_renaming_a_folder_moves_all_in_it(ada: Person) -> None:
    """Paths under it are the new ones at once, in search hits too."""
    await ada.upload("/old/deep/tern.txt", b"text")
    await ada.found("tern", "/old/deep/tern.txt")
    folder = await ada.call("GET", "/v1/files/by-path?path=/old")
    await ada.call("PATCH", f"/v1/files/{folder['id']}", {"name": "new"})
    assert (await ada.call("GET", "/v1/files/by-path?path=/new/deep/tern.txt"))["name"] == "tern.txt"
    assert await ada.refused("GET", "/v1/files/by-path?path=/old/deep/tern.txt") == (404, "not_found")
    await ada.found("tern", "/new/deep/tern.txt")


async def test_an_upload_may_want_its_folder_to_be_there(ada: Person) -> None:
    """`create_folders: false` is 409 `no_parent_folder` at the beginning, and at the end if the folder is deleted
    meanwhile: nothing is stored then, and nothing reserved."""
    wanted = {"path": "/reports/may.txt", "size": 4, "method": "put", "create_folders": False}
    assert await ada.refused("POST", "/v1/uploads", wanted) == (409, "no_parent_folder")
    folder = await ada.call("POST", "/v1/folders", {"path": "/reports"})
    upload = await ada.call("POST", "/v1/uploads", wanted)
    await ada.send(upload, b"text")
    assert (await ada.complete(upload))["path"] == "/reports/may.txt"
    late = await ada.call("POST", "/v1/uploads", wanted | {"path": "/reports/june.txt"})
    await ada.send(late, b"late")
    await ada.call("DELETE", f"/v1/files/{folder['id']}")
    assert await ada.refused("POST", f"/v1/uploads/{late['id']}/complete", {}) == (409, "no_parent_folder")
    assert await ada.names() == []
    await ada.counted(4)  # of the file in the trash


async def test_only_who_has_seen_the_last_change_may_change(ada: Person) -> None:
    """If-Match with an old ETag is 412 and changes nothing; a listing that has not changed is 304."""
    file = await ada.upload("/a.txt", b"x")
    await ada.call("PATCH", f"/v1/files/{file['id']}", {"tags": ["new"]})
    stale = await ada.ask("PATCH", f"/v1/files/{file['id']}", {"name": "b.txt"}, {"if-match": file["etag"]})
    assert stale.status == 412
    assert await ada.names() == ["a.txt"]
    listing = await ada.ask("GET", "/v1/files?path=/")
    same = await ada.ask("GET", "/v1/files?path=/", headers={"if-none-match": listing.headers["etag"]})
    assert (same.status, same.body) == (304, b"")
    await ada.upload("/b.txt", b"x")
    other = await ada.ask("GET", "/v1/files?path=/", headers={"if-none-match": listing.headers["etag"]})
    assert other.status == 200


async def test_tags_are_searched_and_filter_lists(ada: Person) -> None:
    """Tags given with an upload and later are found; those taken away are not."""
    tagged = await ada.upload("/one.txt", b"x", tags=["harbour"])
    other = await ada.upload("/two.txt", b"x")
    await ada.found("", "/one.txt", tag="harbour")
    await ada.call("PATCH", f"/v1/files/{other['id']}", {"tags": ["harbour", "spring"]})
    await ada.call("PATCH", f"/v1/files/{tagged['id']}", {"tags": []})
    await ada.found("", "/two.txt", tag="harbour")
    assert [file["name"] for file in await ada.every("/v1/files", path="/", tag="spring")] == ["two.txt"]


async def test_a_copy_is_a_file_of_its_own(ada: Person) -> None:
    """It counts, is found, and lives on when the original is gone for good."""
    original = await ada.upload("/original wren.txt", b"twelve bytes")
    copy = await ada.call("POST", f"/v1/files/{original['id']}/copy", {"path": "/copies/wren.txt"})
    assert copy["id"] != original["id"]
    await ada.counted(24)
    await ada.found("wren", "/original wren.txt", "/copies/wren.txt")
    await ada.call("DELETE", f"/v1/files/{original['id']}")
    await ada.call("DELETE", f"/v1/trash/{original['id']}")
    await ada.counted(12)
    await ada.found("wren", "/copies/wren.txt")
    assert await ada.content(copy["id"]) == b"twelve bytes"


async def test_trash_restore_and_purge(ada: Person) -> None:
    """In the trash a file counts but is not found; restored it is; purged it is gone, and its bytes are given back."""
    file = await ada.upload("/folder/plover.txt", b"text")
    await ada.found("plover", "/folder/plover.txt")
    await ada.call("DELETE", f"/v1/files/{file['id']}")
    assert await ada.names("/folder") == []
    assert [one["id"] for one in await ada.every("/v1/trash")] == [file["id"]]
    assert await ada.refused("GET", f"/v1/files/{file['id']}") == (404, "not_found")
    await ada.found("plover")
    await ada.counted(4)
    assert (await ada.call("POST", f"/v1/files/{file['id']}/restore"))["path"] == "/folder/plover.txt"
    await ada.found("plover", "/folder/plover.txt")
    await ada.call("DELETE", f"/v1/files/{file['id']}")
    await ada.call("DELETE", f"/v1/trash/{file['id']}")
    await ada.counted(0)
    assert await ada.every("/v1/trash") == []
    assert await ada.refused("POST", f"/v1/files/{file['id']}/restore") == (404, "not_found")
    await ada.found("plover")


async def test_a_folder_in_the_trash_takes_its_files_along(ada: Person) -> None:
    """None of them is found until it is restored; purged, all their bytes are given back."""
    paths = [f"/nest/level/dunlin {number}.txt" for number in range(5)]
    await ada.upload_batch(dict.fromkeys(paths, b"text"))
    await ada.found("dunlin", *paths)
    folder = await ada.call("GET", "/v1/files/by-path?path=/nest")
    await ada.call("DELETE", f"/v1/files/{folder['id']}")
    await ada.found("dunlin")
    await ada.counted(20)
    await ada.call("POST", f"/v1/files/{folder['id']}/restore")
    await ada.found("dunlin", *paths)
    await ada.call("DELETE", f"/v1/files/{folder['id']}")
    await ada.call("DELETE", f"/v1/trash/{folder['id']}")
    await ada.counted(0)
    await ada.found("dunlin")


async def test_a_new_version_replaces_the_text_that_is_found(grace: Person) -> None:
    """Words of the old version are no longer found, those of the new one are."""
    await grace.upload("/story.txt", b"the kingfisher dives", content_type="text/plain")
    await grace.found("kingfisher", "/story.txt", **{"in": "content"})
    await grace.upload("/story.txt", b"the cormorant dries", content_type="text/plain")
    await grace.found("cormorant", "/story.txt", **{"in": "content"})
    assert await grace.search("kingfisher", **{"in": "content"}) == []


async def test_lists_are_sorted_and_paged(ada: Person) -> None:
    """Page after page, nothing twice and nothing left out, in the order asked for."""
    await ada.upload_batch({f"/many/{number:03}.txt": b"x" * (100 - number) for number in range(25)})
    by_name = await ada.every("/v1/files", path="/many", limit=7)
    assert [file["name"] for file in by_name] == [f"{number:03}.txt" for number in range(25)]
    by_size = await ada.every("/v1/files", path="/many", limit=7, sort="size", order="desc")
    assert [file["size"] for file in by_size] == [100 - number for number in range(25)]


async def test_an_indexed_file_is_marked_indexed(ada: Person) -> None:
    """`indexed` turns true once a search can find the version."""
    file = await ada.upload("/indexed.txt", b"text")

    async def indexed() -> bool:
        return bool((await ada.call("GET", f"/v1/files/{file['id']}"))["indexed"])

    await eventually(indexed)
    assert [hit["file"]["id"] for hit in await ada.search("indexed")] == [file["id"]]
