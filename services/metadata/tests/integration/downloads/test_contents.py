"""Downloads of contents in blocks and packs, by owners, readers and links."""

from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import zstandard
from fastapi import FastAPI
from fastapi.responses import Response
from metadata_stack import Person, Stack
from stored_contents import PARTS, WHOLE, put_blocks, put_pack, sha256

from docstore_contents.packs import Slice, index_bytes
from docstore_contents.reader import is_whole
from docstore_platform.errors import invalid
from docstore_platform.http.problems import problem_of
from docstore_platform.ids import new_id
from docstore_platform.service.client import LocalTransport, register_local_app
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def share(stack: Stack, file: Any, other: Person) -> None:
    email = f"{other.account_id}@example.org"
    await stack.register(other, email)
    await stack.person.ok("POST", f"/v1/files/{file['id']}/shares", {"email": email, "role": "viewer"})


async def fetch(url: str, start: int = 0, length: int | None = None) -> bytes:
    """The response of a signed URL."""
    headers = {} if length is None else {"range": f"bytes={start}-{start + length - 1}"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert answer.status in (200, 206)
        return await answer.read()


def key_of(url: str) -> str:
    return urlsplit(url).path


async def test_content_in_blocks_is_delivered_as_one_stream(running: Stack) -> None:
    """Whole, by any range, and for old versions too, with the file's name and type."""
    file = await put_blocks(running, "/film.bin", content_type="video/mp4")
    await put_blocks(running, "/film.bin", (b"new",))
    path = f"/v1/files/{file['id']}/content"
    answer = await running.person.send("GET", f"{path}?version=1")
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, WHOLE, f'"{sha256(WHOLE)}"')
    assert answer.headers["content-type"] == "video/mp4"
    assert 'filename="film.bin"' in answer.headers["content-disposition"]
    assert (await running.person.send("GET", path)).body == b"new"
    part = await running.person.send("GET", f"{path}?version=1", Range="bytes=69999-70002")
    assert (part.status, part.body) == (206, b"abcd")
    assert part.headers["content-range"] == f"bytes 69999-70002/{len(WHOLE)}"
    assert (await running.person.send("GET", f"{path}?version=1", Range="bytes=-2")).body == b"dd"
    beyond = await running.person.send("GET", f"{path}?version=1", Range=f"bytes={len(WHOLE)}-")
    assert (beyond.status, beyond.json()["code"]) == (416, "range_not_satisfiable")
    changed = {"Range": "bytes=0-1", "If-Range": '"another"'}
    assert (await running.person.send("GET", path, **changed)).body == b"new"
    assert await running.other.refused("GET", path) == (404, "not_found")


async def test_empty_contents_are_delivered(running: Stack) -> None:
    """A list without blocks, and a slice without bytes."""
    files = [await put_blocks(running, "/empty", ()), *(await put_pack(running, b""))]
    for file in files:
        answer = await running.person.send("GET", f"/v1/files/{file['id']}/content")
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


async def test_a_slice_of_a_pack_is_verified_before_delivery(fresh: Stack) -> None:
    """A pack that was replaced delivers nothing."""
    one, two = await put_pack(fresh, b"first", b"second")
    assert (await fresh.person.send("GET", f"/v1/files/{one['id']}/content")).body == b"first"
    part = await fresh.person.send("GET", f"/v1/files/{two['id']}/content", Range="bytes=1-2")
    assert (part.status, part.body) == (206, b"ec")
    row = await fresh.database["objects"].find_one({"_id": {"$regex": "/packs/"}})
    key = row["_id"].rpartition("/")[0]
    await fresh.objects.put(key, b"FIRSTsecond" + index_bytes([Slice(0, 0, 5), Slice(1, 5, 6)]))
    path = f"/v1/files/{one['id']}/content"
    assert await fresh.person.refused("GET", path) == (500, "content_damaged")
    assert (await fresh.person.send("GET", f"/v1/files/{two['id']}/content")).body == b"second"


async def test_a_link_delivers_the_same_stream_and_counts_it(running: Stack) -> None:
    """By the API, and by the HTML page."""
    file = await put_blocks(running, "/film.bin")
    link = await running.person.ok("POST", f"/v1/files/{file['id']}/links", {"max_downloads": 2})
    transport = LocalTransport(running.person.app_url)
    part = await transport.send("GET", f"/v1/links/{link['token']}/content", {"range": "bytes=70000-70001"}, b"")
    assert (part.status, part.body) == (206, b"bc")
    page = await transport.send("GET", f"/l/{link['token']}/download", {}, b"")
    assert (page.status, page.body) == (200, WHOLE)
    assert (await transport.send("GET", f"/v1/links/{link['token']}/content", {}, b"")).status == 404


async def test_pages_of_blocks_belong_to_one_version(running: Stack) -> None:
    """Each block has hash, size and URL; a version created meanwhile is not mixed in."""
    file = await put_blocks(running, "/film.bin")
    path = f"/v1/files/{file['id']}/blocks"
    first = await running.person.ok("GET", f"{path}?limit=2")
    await put_blocks(running, "/film.bin", (b"new",) * 5)
    second = await running.person.ok("GET", f"{path}?limit=2&cursor={first['cursor']}")
    assert (second["version"], second["size"], second["sha256"]) == (1, len(WHOLE), sha256(WHOLE))
    assert "cursor" not in second
    blocks = first["blocks"] + second["blocks"]
    assert [(block["hash"], block["size"]) for block in blocks] == [(sha256(part), len(part)) for part in PARTS]
    assert b"".join([zstandard.decompress(await fetch(block["url"])) for block in blocks]) == WHOLE
    assert await running.other.refused("GET", path) == (404, "not_found")
    assert await running.person.refused("GET", f"{path}?cursor=x") == (422, "invalid_cursor")
    whole = await running.put("/whole.txt")
    assert await running.person.refused("GET", f"/v1/files/{whole['id']}/blocks") == (409, "not_in_blocks")


async def test_a_reader_may_list_the_blocks(running: Stack) -> None:
    """Access to a file includes its blocks."""
    file = await put_blocks(running, "/film.bin")
    await share(running, file, running.other)
    page = await running.other.ok("GET", f"/v1/files/{file['id']}/blocks")
    assert [block["hash"] for block in page["blocks"]] == [sha256(part) for part in PARTS]


async def test_many_contents_are_located_at_once(running: Stack) -> None:
    """In the requested order: a URL each, one URL for all slices of a pack, or a path of the API."""
    item = running.item("/whole.txt", b"whole")
    await running.store_object(item, b"whole")
    whole = (await running.commit(item))[0]["file"]
    blocks = await put_blocks(running, "/film.bin")
    one, two = await put_pack(running, b"first", b"second")
    folder = await running.person.folder("/folder")
    wanted = [{"id": file["id"]} for file in (two, whole, one, blocks, folder)]
    wanted += [{"id": "0" * 32}, {"id": whole["id"], "version": 7}]
    results = (await running.person.ok("POST", "/v1/contents", {"items": wanted}))["results"]
    assert [result.get("id") for result in results[:4]] == [item["id"] for item in wanted[:4]]
    assert results[0]["url"] == results[2]["url"]
    assert await fetch(results[0]["url"], results[0]["offset"], results[0]["size"]) == b"second"
    assert await fetch(results[2]["url"], results[2]["offset"], results[2]["size"]) == b"first"
    assert await fetch(results[1]["url"]) == b"whole"
    assert (results[1]["direct"], "offset" in results[1]) == (True, False)
    assert (results[3]["direct"], results[3]["url"]) == (False, f"/v1/files/{blocks['id']}/content?version=1")
    assert (await running.person.send("GET", results[3]["url"])).body == WHOLE
    assert results[0]["sha256"] == sha256(b"second")
    assert [result["problem"]["code"] for result in results[4:]] == ["not_a_file", "not_found", "not_found"]


async def test_old_versions_are_located_too(running: Stack) -> None:
    """Each by its number."""
    for content in (b"one", b"two"):
        item = running.item("/whole.txt", content)
        await running.store_object(item, content)
        file = (await running.commit(item))[0]["file"]
    wanted = [{"id": file["id"], "version": number} for number in (1, 2)]
    results = (await running.person.ok("POST", "/v1/contents", {"items": wanted}))["results"]
    assert [await fetch(result["url"]) for result in results] == [b"one", b"two"]
    assert [result["version"] for result in results] == [1, 2]


async def test_only_its_sender_gets_the_url_of_a_pack(running: Stack) -> None:
    """A reader of one of its files and the owner of a copy get the bytes of that file alone."""
    shown, _ = await put_pack(running, b"shown", b"secret")
    reader = running.other
    await share(running, shown, reader)
    copy = await reader.ok("POST", f"/v1/files/{shown['id']}/copy", {"path": "/mine.txt"})
    for file in (shown, copy):
        answer = await reader.send("GET", f"/v1/files/{file['id']}/content")
        assert (answer.status, answer.body) == (200, b"shown")
        (result,) = (await reader.ok("POST", "/v1/contents", {"items": [{"id": file["id"]}]}))["results"]
        assert (result["direct"], "offset" in result) == (False, False)
        assert result["url"] == f"/v1/files/{file['id']}/content?version=1"
    (own,) = (await running.person.ok("POST", "/v1/contents", {"items": [{"id": shown["id"]}]}))["results"]
    assert own["direct"]
    assert "/packs/" in key_of(own["url"])


async def test_contents_of_foreign_files_are_not_found(running: Stack) -> None:
    """A foreign file gets the same answer as an unknown id."""
    file = await put_blocks(running, "/film.bin")
    wanted = [{"id": file["id"]}, {"id": file["id"], "version": 1}, {"id": new_id()}]
    results = (await running.other.ok("POST", "/v1/contents", {"items": wanted}))["results"]
    assert [result["problem"]["status"] for result in results] == [404, 404, 404]
    assert results[0] == results[2]


async def test_offsets_follow_a_compaction_of_the_pack(fresh: Stack) -> None:
    """After its slices were moved, the next response contains the new offsets."""
    _, two = await put_pack(fresh, b"first", b"second")
    path, wanted = "/v1/contents", {"items": [{"id": two["id"]}]}
    before = (await fresh.person.ok("POST", path, wanted))["results"][0]
    row = await fresh.database["objects"].find_one({"_id": {"$regex": "/packs/"}})
    await fresh.objects.put(row["_id"].rpartition("/")[0], b"second" + index_bytes([Slice(1, 0, 6)]))
    after = (await fresh.person.ok("POST", path, wanted))["results"][0]
    assert (before["offset"], after["offset"]) == (5, 0)
    assert (await fresh.person.send("GET", f"/v1/files/{two['id']}/content")).body == b"second"


async def test_more_than_a_thousand_contents_at_once_are_refused(running: Stack) -> None:
    """422, like every list that is too long."""
    wanted = {"items": [{"id": "x"}] * 1001}
    assert (await running.person.send("POST", "/v1/contents", wanted)).status == 422


async def test_unreferenced_contents_are_released_at_upload(stack: Stack) -> None:
    """Retried until the upload service responds."""
    released: list[str] = []
    up = False
    uploads = FastAPI()

    @uploads.post("/internal/contents/release", status_code=204)
    async def release(body: dict[str, list[str]]) -> None:
        if not up:
            raise RuntimeError("down")
        released.extend(body["keys"])

    register_local_app(stack.infra.upload_url, uploads)
    async with stack.run(job_lease_seconds=0.2):
        files = [await put_blocks(stack, "/film.bin"), *(await put_pack(stack, b"first", b"second"))]
        kept = await stack.person.ok("POST", f"/v1/files/{files[1]['id']}/copy", {"path": "/kept.txt"})
        keys = {row["_id"] async for row in stack.database["objects"].find()}
        shared = next(key for key in keys if key.endswith("/0"))
        whole = stack.item("/whole.txt")
        await stack.store_object(whole, b"hello")
        files.append((await stack.commit(whole))[0]["file"])
        for file in files:
            await stack.person.ok("DELETE", f"/v1/files/{file['id']}")
            await stack.person.ok("DELETE", f"/v1/trash/{file['id']}")

        async def left_due(count: int) -> None:
            async def so_many() -> bool:
                return await stack.database["objects"].count_documents({"due_at": {"$exists": True}}) == count

            await eventually(so_many)

        async def is_deleted() -> bool:
            return await stack.objects.head(whole["object_key"]) is None

        await eventually(is_deleted)  # though the upload service is down
        await left_due(3)
        up = True
        await left_due(0)
        assert set(released) == {*keys, whole["object_key"]} - {shared}
        assert (await stack.person.send("GET", f"/v1/files/{kept['id']}/content")).body == b"first"


@pytest.mark.parametrize("refuses_whole", [True, False])
async def test_contents_that_upload_refuses_do_not_block_others(stack: Stack, refuses_whole: bool) -> None:
    """Whole objects, as by an older upload service, or shared ones: the others are released."""
    uploads = FastAPI()

    @uploads.post("/internal/contents/release", status_code=204)
    async def release(body: dict[str, list[str]]) -> Response:
        refused = any(is_whole(key) == refuses_whole for key in body["keys"])
        return problem_of(invalid("Not these.")).response() if refused else Response(status_code=204)

    register_local_app(stack.infra.upload_url, uploads)
    async with stack.run(job_lease_seconds=0.2):
        whole = stack.item("/docs/whole.txt")
        await stack.store_object(whole, b"hello")
        files = (await stack.commit(whole))[0]["file"], await put_blocks(stack, "/docs/film.bin")
        keys = [row["_id"] async for row in stack.database["objects"].find()]
        folder = files[0]["parent_id"]
        await stack.person.ok("DELETE", f"/v1/files/{folder}")
        await stack.person.ok("DELETE", f"/v1/trash/{folder}")

        async def only_refused_are_left() -> bool:
            left = [row["_id"] async for row in stack.database["objects"].find()]
            return left == [key for key in keys if is_whole(key) == refuses_whole]

        async def whole_is_deleted() -> bool:
            return await stack.objects.head(whole["object_key"]) is None

        await eventually(only_refused_are_left)
        await eventually(whole_is_deleted)
