"""Custom metadata: sent by every upload method, kept with each version, and changed by whoever may write."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from people import Person

from docstore_client import AsyncClient, Source
from docstore_client.errors import ApiError
from e2e.test_main_job import s3_of
from e2e.test_packs import begin as begin_pack
from e2e.test_packs import complete as complete_pack
from e2e.test_packs import send as send_pack

pytestmark = pytest.mark.connected

Json = dict[str, Any]
Send = Callable[[Person, str, dict[str, str]], Awaitable[Json]]
CONTENT = b"an analytical engine"
PAIRS = {
    "author": "Ada Lovelace",
    "title": "Größe  ≤ 3 → 𝄞",
    "empty": "",
    "spaced": "a  b",
    "-odd--": "=?not encoded?=",
}
MOST = {f"name-{number:02}{'x' * 57}": "é" * 256 for number in range(20)}
"""Far more than the headers of an object can have."""
RULES = [
    {"Author": "x"},
    {"author ": "x"},
    {"ä": "x"},
    {"": "x"},
    {"a" * 65: "x"},
    {"author": "x" * 257},
    {"author": "a\nb"},
    {"author": 5},
    {"author": None},
    {f"name-{number}": "x" for number in range(21)},
    ["author"],
    "author=x",
]


def one_object(method: str) -> Send:
    async def send(person: Person, path: str, pairs: dict[str, str]) -> Json:
        return await person.upload(path, CONTENT, method, metadata=pairs)

    return send


async def with_credentials(person: Person, path: str, pairs: dict[str, str]) -> Json:
    upload = await person.begin(path, len(CONTENT), "credentials", metadata=pairs)
    return await put_with_tool(person, upload)


async def put_with_tool(person: Person, upload: Json, **extra: Any) -> Json:
    granted = upload["credentials"]
    target = {"Bucket": granted["bucket"], "Key": granted["key"], "Body": CONTENT, **extra}
    await asyncio.to_thread(s3_of(granted).put_object, **target)
    return await person.complete(upload)


async def in_blocks(person: Person, path: str, pairs: dict[str, str]) -> Json:
    return await person.upload_blocks(path, [CONTENT], metadata=pairs)


async def in_a_batch(person: Person, path: str, pairs: dict[str, str]) -> Json:
    wish = {"path": path, "size": len(CONTENT), "method": "put", "metadata": pairs}
    (upload,) = (await person.call("POST", "/v1/uploads/batch", {"uploads": [wish]}))["items"]
    await person.send(upload, CONTENT)
    (file,) = (await person.call("POST", "/v1/uploads/complete-batch", {"uploads": [upload["id"]]}))["items"]
    return dict(file)


async def in_a_pack(person: Person, path: str, pairs: dict[str, str]) -> Json:
    pack = await begin_pack(person, {path: CONTENT}, metadata=pairs)
    await send_pack(person, pack, {path: CONTENT})
    (file,) = await complete_pack(person, pack)
    return file


WAYS = {
    **{method: one_object(method) for method in ("form", "put", "multipart")},
    "credentials": with_credentials,
    "blocks": in_blocks,
    "batch": in_a_batch,
    "pack": in_a_pack,
}


@pytest.mark.parametrize("pairs", [PAIRS, MOST], ids=["odd", "most"])
@pytest.mark.parametrize("way", WAYS)
async def test_metadata_comes_with_every_upload(ada: Person, way: str, pairs: dict[str, str]) -> None:
    """However the bytes come: the file has it at once, in lists, by its path and in the journal."""
    file = await WAYS[way](ada, "/notes/a.txt", pairs)
    assert file["metadata"] == pairs
    assert (await ada.call("GET", f"/v1/files/{file['id']}"))["metadata"] == pairs
    assert [one["metadata"] for one in await ada.every("/v1/files", path="/notes")] == [pairs]
    changes, _ = await ada.journal()
    assert [change["file"]["metadata"] for change in changes if change["file"]["id"] == file["id"]] == [pairs]
    assert await ada.content(file["id"]) == CONTENT


@pytest.mark.parametrize("pairs", RULES, ids=str)
async def test_bad_metadata_is_refused_before_anything_is_stored(ada: Person, pairs: Any) -> None:
    """422 `invalid_metadata` alone, in a batch, in a pack and for a file that is there, which keeps what it has."""
    file = await ada.upload("/kept.txt", b"x", metadata={"author": "Ada"})
    await ada.counted(1)
    wish = {"path": "/a.txt", "size": 1, "method": "put", "metadata": pairs}
    assert await ada.refused("POST", "/v1/uploads", wish) == (422, "invalid_metadata")
    (item,) = (await ada.call("POST", "/v1/uploads/batch", {"uploads": [wish]}))["items"]
    assert (item["problem"]["status"], item["problem"]["code"]) == (422, "invalid_metadata")
    (refused,) = (await begin_pack(ada, {"/a.txt": b"x"}, metadata=pairs))["files"]
    assert refused["problem"]["code"] == "invalid_metadata"
    assert await ada.refused("PATCH", f"/v1/files/{file['id']}", {"name": "b.txt", "metadata": pairs}) == (
        422,
        "invalid_metadata",
    )
    now = await ada.call("GET", f"/v1/files/{file['id']}")
    assert {name: now[name] for name in ("name", "metadata", "etag")} == {
        "name": "kept.txt",
        "metadata": {"author": "Ada"},
        "etag": file["etag"],
    }
    assert await ada.names() == ["kept.txt"]
    assert (await ada.usage())["reserved"] == 0


async def filled_in(person: Person, upload: Json, **values: str) -> None:
    inputs = {f"x-amz-meta-{name}": value for name, value in values.items()}
    form = {**upload["form"], "fields": upload["form"]["fields"] | inputs}
    await person.post_form(form, CONTENT, "a.txt")


async def test_a_person_fills_the_form_in(ada: Person) -> None:
    """Fields that are left to the person are kept with what was declared; an empty one is none."""
    fields = {"metadata": {"project": "engine"}, "metadata_fields": ["author", "upload-id", "note"]}
    upload = await ada.begin("/a.txt", len(CONTENT), "form", **fields)
    await filled_in(ada, upload, author="Ada  Löwe 𝄞", **{"upload-id": "7"}, note=" ")
    file = await ada.complete(upload)
    assert file["metadata"] == {"project": "engine", "author": "Ada  Löwe 𝄞", "upload-id": "7"}


async def test_a_form_takes_no_other_fields(ada: Person) -> None:
    """The store itself refuses a field that was not offered, and another value of one that was declared."""
    fields = {"metadata": {"project": "engine"}, "metadata_fields": ["author"]}
    for values in ({"author": "Ada", "editor": "Eve"}, {"author": "Ada", "project": "other"}):
        upload = await ada.begin("/a.txt", len(CONTENT), "form", **fields)
        with pytest.raises(ApiError, match="object_store"):
            await filled_in(ada, upload, **values)
    assert await ada.names() == []


async def test_metadata_entered_in_a_form_is_validated(ada: Person) -> None:
    """409 `invalid_metadata` for what breaks the rules: the upload ends, and nothing of it is kept or counted."""
    upload = await ada.begin("/a.txt", len(CONTENT), "form", metadata_fields=["author"])
    await filled_in(ada, upload, author="x" * 257)
    for _ in range(2):
        assert await ada.refused("POST", f"/v1/uploads/{upload['id']}/complete", {}) == (409, "invalid_metadata")
    assert (await ada.call("GET", f"/v1/uploads/{upload['id']}"))["problem"]["code"] == "invalid_metadata"
    assert await ada.names() == []
    await ada.counted(0)


@pytest.mark.parametrize(
    "wish",
    [
        {"method": "put", "metadata_fields": ["author"]},
        {"method": "form", "metadata_fields": ["Author"]},
        {"method": "form", "metadata_fields": ["author", "author"]},
        {"method": "form", "metadata_fields": ["author"], "metadata": {"author": "Ada"}},
        {"method": "form", "metadata_fields": [f"name-{number}" for number in range(21)]},
        {"method": "form", "metadata_fields": ["author", {}]},
    ],
    ids=str,
)
async def test_fields_that_no_form_can_have_are_refused(ada: Person, wish: Json) -> None:
    """422 `invalid_metadata`: another method, odd names, one name twice, too many."""
    body = {"path": "/a.txt", "size": 1, **wish}
    assert await ada.refused("POST", "/v1/uploads", body) == (422, "invalid_metadata")


async def test_an_s3_tool_sets_metadata_itself(ada: Person) -> None:
    """Nothing was declared: the object's metadata counts, without what no file can have."""
    upload = await ada.begin("/a.txt", len(CONTENT), "credentials")
    file = await put_with_tool(ada, upload, Metadata={"author": "Ada", "mtime": "1700000000.5", "snake_case": "x"})
    assert file["metadata"] == {"author": "Ada", "mtime": "1700000000.5"}


async def test_a_put_is_signed_with_its_metadata(ada: Person) -> None:
    """The headers say what the object gets, and none can be left out."""
    upload = await ada.begin("/a.txt", len(CONTENT), metadata={"author": "Ada"})
    assert upload["put"]["headers"]["x-amz-meta-author"] == "Ada"
    del upload["put"]["headers"]["x-amz-meta-author"]
    with pytest.raises(ApiError, match="object_store"):
        await ada.send(upload, CONTENT)


async def history(person: Person, file: Json) -> list[Json]:
    """The metadata of each version, the newest first."""
    return [version["metadata"] for version in await person.every(f"/v1/files/{file['id']}/versions")]


async def test_each_version_has_its_own(ada: Person) -> None:
    """A new version without metadata keeps what the file has; an edit is of the current version; a restored one
    brings its own back; a copy has that of its original."""
    file = await ada.upload("/a.txt", b"1", metadata={"state": "draft"})
    await ada.upload("/a.txt", b"2")
    edited = await ada.call("PATCH", f"/v1/files/{file['id']}", {"metadata": {"state": "final", "by": "Ada"}})
    assert (edited["version"], edited["metadata"]) == (2, {"state": "final", "by": "Ada"})
    assert edited["etag"] != file["etag"]
    await ada.upload("/a.txt", b"3", metadata={})
    assert await history(ada, file) == [{}, {"state": "final", "by": "Ada"}, {"state": "draft"}]
    restored = await ada.call("POST", f"/v1/files/{file['id']}/versions/1/restore")
    assert restored["metadata"] == {"state": "draft"}
    assert (await history(ada, file))[0] == {"state": "draft"}
    copy = await ada.call("POST", f"/v1/files/{file['id']}/copy", {"path": "/copy.txt"})
    assert copy["metadata"] == {"state": "draft"}
    assert await history(ada, copy) == [{"state": "draft"}]
    await ada.call("DELETE", f"/v1/files/{file['id']}")
    assert (await ada.call("POST", f"/v1/files/{file['id']}/restore"))["metadata"] == {"state": "draft"}


async def test_metadata_is_changed_by_accounts_that_may_write(ada: Person, grace: Person) -> None:
    """An editor may, a viewer may not; a stale ETag is 412; readers see it, and followers of changes are notified."""
    file = await ada.upload("/a.txt", b"1")
    share = await ada.share(file, grace)
    route = f"/v1/files/{file['id']}"
    assert await grace.refused("PATCH", route, {"metadata": {"by": "Grace"}}) == (403, "read_only")
    await ada.call("PATCH", f"{route}/shares/{share['id']}", {"role": "editor"})
    _, cursor = await ada.journal()
    changed = await grace.call("PATCH", route, {"metadata": {"by": "Grace"}})
    stale = await ada.ask("PATCH", route, {"metadata": {}}, {"if-match": file["etag"]})
    assert stale.status == 412
    assert (await ada.call("GET", route))["metadata"] == {"by": "Grace"}
    (change,), _ = await ada.journal(cursor)
    assert (change["type"], change["file"]["metadata"], change["file"]["etag"]) == (
        "modified",
        {"by": "Grace"},
        changed["etag"],
    )
    same = await grace.call("PATCH", route, {"metadata": {"by": " Grace "}})
    assert same["etag"] == changed["etag"]


async def test_a_folder_has_metadata_too(ada: Person) -> None:
    """As it has tags; it has no versions."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/plans"})
    assert folder["metadata"] == {}
    changed = await ada.call("PATCH", f"/v1/files/{folder['id']}", {"metadata": {"status": "open"}, "tags": ["x"]})
    assert (changed["metadata"], changed["tags"]) == ({"status": "open"}, ["x"])


async def test_the_python_client_sends_and_changes_it(ada: Person, tmp_path: Path) -> None:
    """Alone, among many and in blocks; a source without metadata leaves the file's as it is."""
    (tmp_path / "small").write_bytes(CONTENT)
    (tmp_path / "large").write_bytes(bytes(5 << 20))
    async with AsyncClient(ada.gateway) as client:
        await client.log_in(ada.email, "correct horse battery staple")
        sources = [
            Source(tmp_path / "small", "/1.txt", metadata=PAIRS),
            Source(tmp_path / "small", "/2.txt", metadata=PAIRS),
            Source(tmp_path / "large", "/3.bin", metadata=PAIRS),
        ]
        sent = [await client.upload(sources[0]), *await client.upload_many(sources[1:])]
        assert [getattr(file, "metadata", file) for file in sent] == [PAIRS] * 3
        again = await client.upload(Source(tmp_path / "small", "/3.bin"))
        assert (again.version, again.metadata) == (2, PAIRS)
        changed = await client.change(again.id, metadata={"by": "Ada"}, etag=again.etag)
        assert (changed.metadata, changed.tags) == ({"by": "Ada"}, ())
        assert [version.metadata for version in (await client.versions(again.id)).items] == [{"by": "Ada"}, PAIRS]


async def test_everybody_finds_by_metadata_kind_owner_and_dates(ada: Person, grace: Person) -> None:
    """With and without words, on the free plan, too; in pages, and among what others share."""
    for number in range(3):
        await ada.upload(f"/heron {number}.txt", CONTENT, metadata={"author": "Ada", "number": str(number)})
    last = await ada.upload("/heron of grace.txt", CONTENT, metadata={"author": "Grace"})
    folder = await ada.call("POST", "/v1/folders", {"path": "/heron folder"})
    await ada.call("PATCH", f"/v1/files/{folder['id']}", {"metadata": {"author": "Ada"}})
    herons = [f"/heron {number}.txt" for number in range(3)]
    filters: Json = {"meta.author": "Ada"}
    for words in ("heron", ""):
        await ada.found(words, *herons, "/heron folder", **filters)
        await ada.found(words, *herons, kind="file", limit=2, **filters)
        await ada.found(words, "/heron 1.txt", **filters, **{"meta.number": "1"})
        await ada.found(words, "/heron folder", kind="folder", owner=ada.id)
        await ada.found(words, owner=grace.id)
        await ada.found(words, "/heron folder", created_after=last["created_at"])
        await ada.found(words, *herons, created_before=last["created_at"], modified_before=last["modified_at"])
    await ada.share(last, grace)
    await grace.found("", "/heron of grace.txt", owner=ada.id, **{"meta.author": "Grace"})
    await ada.call("PATCH", f"/v1/files/{last['id']}", {"metadata": {"author": "Ada"}})
    await grace.found("heron", "/heron of grace.txt", **filters)
    listed = await ada.every("/v1/files", path="/", kind="file", owner=ada.id, limit=2, **filters)
    assert [file["path"] for file in listed] == [*herons, "/heron of grace.txt"]
    assert await ada.refused("GET", "/v1/search?q=heron&meta.Author=Ada") == (400, "unknown_parameter")
    assert await ada.refused("GET", "/v1/search?kind=link") == (422, "invalid_request")
