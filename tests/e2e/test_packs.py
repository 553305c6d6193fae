"""Uploads in packs over plain HTTP: each file is like any other."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
from deployments import Bucket, Mailbox
from people import Person

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

Json = dict[str, Any]
FILES = {"/pack/one.txt": b"a quokka", "/pack/empty.txt": b"", "/pack/deep/three.txt": b"a numbat"}
BYTES = sum(len(content) for content in FILES.values())


async def begin(person: Person, files: Mapping[str, bytes], **wishes: Any) -> Json:
    described = [
        {"path": path, "size": len(content), "sha256": sha256(content).hexdigest(), **wishes}
        for path, content in files.items()
    ]
    pack: Json = await person.call("POST", "/v1/packs", {"files": described})
    return pack


async def send(person: Person, pack: Json, files: Mapping[str, bytes]) -> None:
    contents = list(files.values())
    slices = [Slice(**place) for place in pack["files"]]
    await person.put_once(pack["put"], b"".join(contents) + index_bytes(slices))


async def complete(person: Person, pack: Json) -> list[Json]:
    return [item["file"] for item in (await person.call("POST", f"/v1/packs/{pack['id']}/complete"))["files"]]


async def upload(person: Person, files: Mapping[str, bytes]) -> list[Json]:
    pack = await begin(person, files)
    await send(person, pack, files)
    return await complete(person, pack)


async def read(person: Person, file: Json, **headers: str) -> tuple[int, bytes]:
    answer = await person.ask("GET", f"/v1/files/{file['id']}/content", headers=headers)
    return answer.status, answer.body


async def test_files_of_a_pack_are_files_like_any_other(grace: Person, mailbox: Mailbox) -> None:
    """Listed, counted, found by their text, read whole and in ranges; notified once."""
    files = await upload(grace, FILES)
    assert [file["path"] for file in files] == list(FILES)
    assert await grace.names("/pack") == ["deep", "empty.txt", "one.txt"]
    await grace.counted(BYTES)
    await grace.found("numbat", "/pack/deep/three.txt", **{"in": "content"})
    for file, content in zip(files, FILES.values(), strict=True):
        assert await read(grace, file) == (200, content)
    assert await read(grace, files[2], range="bytes=2-7") == (206, b"numbat")

    async def notified() -> bool:
        return any(mail.subject == "Uploaded: 3 files" for mail in mailbox.of(grace.email))

    await eventually(notified)


async def test_one_request_stores_small_files(grace: Person) -> None:
    """Files whose contents are in the request need no other; its Idempotency-Key makes it safe to repeat."""
    files = [{"path": path, "size": len(data), "content": b64encode(data).decode()} for path, data in FILES.items()]
    key = {"idempotency-key": "small files"}
    pack = await grace.call("POST", "/v1/packs", {"files": files}, headers=key)
    assert pack["state"] == "completed"
    for result, content in zip(pack["files"], FILES.values(), strict=True):
        assert await read(grace, result["file"]) == (200, content)
    assert await grace.call("POST", "/v1/packs", {"files": files}, headers=key) == pack
    assert [result["file"]["version"] for result in pack["files"]] == [1, 1, 1]
    await grace.counted(BYTES)


async def test_many_are_fetched_by_one_url(ada: Person) -> None:
    """Who sent a pack fetches all of it at once: one URL, and where each file lies in it."""
    files = await upload(ada, FILES)
    items = [{"id": file["id"]} for file in files if file["size"]]
    results = (await ada.call("POST", "/v1/contents", {"items": items}))["results"]
    assert len({result["url"] for result in results}) == 1
    async with aiohttp.ClientSession() as http, http.get(results[0]["url"]) as answer:
        content = await answer.read()
    found = [content[result["offset"] : result["offset"] + result["size"]] for result in results]
    assert found == [content for content in FILES.values() if content]


async def test_readers_of_one_file_get_no_url_of_its_pack(ada: Person, grace: Person) -> None:
    """A share gives that file's bytes, by the content route; so does a copy. The neighbours are no one's business."""
    files = await upload(ada, FILES)
    await ada.share(files[0], grace)
    copy = await grace.call("POST", f"/v1/files/{files[0]['id']}/copy", {"path": "/mine.txt"})
    for file in (files[0], copy):
        assert await read(grace, file) == (200, b"a quokka")
        (result,) = (await grace.call("POST", "/v1/contents", {"items": [{"id": file["id"]}]}))["results"]
        assert result["direct"] is False
        assert "/packs/" not in result["url"]
    assert (await read(grace, files[2]))[0] == 404


async def test_packs_go_to_ones_own_tree(ada: Person, grace: Person) -> None:
    """Neither an editor's nor another account's files go into a folder that way."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/ours"})
    refused = await begin(grace, {"/a.txt": b"a"}, parent_id=folder["id"])
    assert refused["files"][0]["problem"]["status"] == 404
    await ada.share(folder, grace, "editor")
    refused = await begin(grace, {"/a.txt": b"a"}, parent_id=folder["id"])
    assert refused["id"] is None
    assert refused["files"][0]["problem"]["code"] == "pack_own_tree"
    assert await ada.names("/ours") == []


async def test_versions_and_conflicts(ada: Person) -> None:
    """A pack brings new versions of files that are there, and keeps what comes late as conflicted copies."""
    first = await upload(ada, {"/a.txt": b"one", "/b.txt": b"one"})
    second = await upload(ada, {"/a.txt": b"two"})
    assert (second[0]["id"], second[0]["version"]) == (first[0]["id"], 2)
    late = await begin(ada, {"/a.txt": b"late"}, base_version=1)
    await send(ada, late, {"/a.txt": b"late"})
    (item,) = (await ada.call("POST", f"/v1/packs/{late['id']}/complete"))["files"]
    assert item["conflicted"]
    assert await read(ada, second[0]) == (200, b"two")
    strict = await begin(ada, {"/a.txt": b"late"}, base_version=1, on_conflict="fail")
    assert strict["files"][0]["problem"]["code"] == "version_conflict"


async def test_a_folder_that_is_gone_refuses_its_files_only(ada: Person) -> None:
    """With `create_folders: false`, deleted before the pack is complete: the other is stored, nothing reserved."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/pack"})
    files = {"/kept.txt": b"a quokka", "/pack/late.txt": b"a numbat"}
    pack = await begin(ada, files, create_folders=False)
    await send(ada, pack, files)
    await ada.call("DELETE", f"/v1/files/{folder['id']}")
    kept, late = (await ada.call("POST", f"/v1/packs/{pack['id']}/complete"))["files"]
    assert (kept["file"]["path"], late["problem"]["code"]) == ("/kept.txt", "no_parent_folder")
    assert await ada.names() == ["kept.txt"]
    await ada.counted(8)
    [again] = (await begin(ada, {"/pack/late.txt": b"a numbat"}, create_folders=False))["files"]
    assert again["problem"]["code"] == "no_parent_folder"


async def test_a_vanished_clients_pack_is_finished(ada: Person, small_limits: None) -> None:
    """No client calls complete: the files appear all the same, and complete returns them later."""
    pack = await begin(ada, FILES)
    await send(ada, pack, FILES)

    async def completed() -> bool:
        return bool((await ada.call("GET", f"/v1/packs/{pack['id']}"))["state"] == "completed")

    await eventually(completed)
    await ada.counted(BYTES)
    assert len(await complete(ada, pack)) == 3


async def test_a_pack_given_up_takes_no_room(ada: Person, bucket: Bucket) -> None:
    """Sent, then given up: no file, no room taken, no object."""
    pack = await begin(ada, FILES)
    await send(ada, pack, FILES)
    await ada.call("DELETE", f"/v1/packs/{pack['id']}")
    await ada.counted(0)

    async def nothing_is_left() -> bool:
        return not await bucket.keys(ada.id)

    await eventually(nothing_is_left)
    assert await ada.refused("POST", f"/v1/packs/{pack['id']}/complete") == (409, "upload_aborted")


async def test_a_pack_goes_with_its_last_file(ada: Person, bucket: Bucket) -> None:
    """Deleted for good one after the other, the others read right; with the last one the object goes."""
    contents = {f"/{number}.bin": bytes([number]) * 60_000 for number in range(8)}
    files = await upload(ada, contents)
    while files:
        gone = files.pop(0)
        await ada.call("DELETE", f"/v1/files/{gone['id']}")
        await ada.call("DELETE", f"/v1/trash/{gone['id']}")
        await ada.counted(60_000 * len(files))
        for file in files:
            assert await read(ada, file) == (200, contents[file["path"]])

    async def nothing_is_left() -> bool:
        return not await bucket.keys(ada.id)

    await eventually(nothing_is_left)
