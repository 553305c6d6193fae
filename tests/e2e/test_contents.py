"""Downloads of files in blocks and packs by browsers, share recipients and link visitors."""

import asyncio
import hashlib
import os
import struct
from typing import Any

import aiohttp
import pytest
import zstandard
from deployments import Bucket
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

Json = dict[str, Any]
PARTS = (os.urandom(700_000), b"text " * 100_000, os.urandom(600_000))
WHOLE = b"".join(PARTS)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def upload_pack(person: Person, **contents: bytes) -> dict[str, Json]:
    """Files of the root folder, sent in one pack, by their names."""
    files = [{"path": f"/{name}", "size": len(data), "sha256": sha256(data)} for name, data in contents.items()]
    pack = await person.call("POST", "/v1/packs", {"files": files})
    index = [struct.pack("<III", place["number"], place["offset"], place["size"]) for place in pack["files"]]
    body = b"".join([*contents.values(), *index, struct.pack("<I4s", len(index), b"DSP1")])
    await person.put_once(pack["put"], body)
    done = await person.call("POST", f"/v1/packs/{pack['id']}/complete")
    return {item["file"]["name"]: item["file"] for item in done["files"]}


async def test_everybody_gets_the_bytes_of_a_file_in_blocks(ada: Person, grace: Person, nobody: Person) -> None:
    """Its owner, a reader, the owner of a copy, and a visitor of a link; also by ranges, and from an old version."""
    file = await ada.upload_blocks("/film.bin", PARTS)
    await ada.counted(len(WHOLE))
    await ada.share(file, grace)
    copy = await grace.call("POST", f"/v1/files/{file['id']}/copy", {"path": "/copy.bin"})
    link = await ada.call("POST", f"/v1/files/{file['id']}/links", {})
    await ada.upload("/film.bin", b"whole again")
    assert await ada.content(file["id"], 1) == WHOLE
    assert await grace.content(file["id"], 1) == WHOLE
    assert await grace.content(copy["id"]) == WHOLE
    assert await ada.content(file["id"]) == b"whole again"
    part = {"range": "bytes=699998-700004"}
    answer = await ada.ask("GET", f"/v1/files/{file['id']}/content?version=1", headers=part)
    assert (answer.status, answer.body) == (206, PARTS[0][-2:] + b"text ")
    assert answer.headers["content-range"] == f"bytes 699998-700004/{len(WHOLE)}"
    await ada.call("POST", f"/v1/files/{file['id']}/versions/1/restore")
    visit = await nobody.ask("GET", f"/v1/links/{link['token']}/content", headers={"range": "bytes=-7"})
    assert (visit.status, visit.body) == (206, WHOLE[-7:])
    assert visit.headers["content-security-policy"].endswith("sandbox")


async def test_text_is_found_whatever_its_form(grace: Person) -> None:
    """In blocks, where a word lies across two of them, and in a pack."""
    await grace.upload_blocks("/blocks.txt", [b"a wombat and an arma", b"dillo"])
    await upload_pack(grace, **{"one.txt": b"the first pangolin", "two.txt": b"the second pangolin"})
    await grace.found("armadillo", "/blocks.txt", **{"in": "content"})
    await grace.found("pangolin", "/one.txt", "/two.txt", **{"in": "content"})
    await grace.found("second", "/two.txt", **{"in": "content"})


async def test_a_damaged_block_never_makes_a_complete_download(ada: Person, bucket: Bucket) -> None:
    """What came before it arrives, and then the connection ends; with damage at the start nothing arrives."""
    file = await ada.upload_blocks("/film.bin", PARTS)
    keys = {key.rpartition("/")[2].partition(".")[0]: key for key in await bucket.keys(ada.id) if "/blocks/" in key}
    await bucket.replace(keys[sha256(PARTS[2])], zstandard.compress(os.urandom(len(PARTS[2]))))
    with pytest.raises(aiohttp.ClientPayloadError):
        await ada.content(file["id"])
    answer = await ada.ask("GET", f"/v1/files/{file['id']}/content", headers={"range": "bytes=0-1199999"})
    assert (answer.status, answer.body) == (206, WHOLE[:1_200_000])
    await bucket.replace(keys[sha256(PARTS[0])], b"")
    assert await ada.refused("GET", f"/v1/files/{file['id']}/content") == (500, "content_damaged")


async def test_a_file_of_a_pack_is_shared_without_the_pack(ada: Person, grace: Person, bucket: Bucket) -> None:
    """Its sender fetches the pack by one URL; a reader gets the bytes of that file, and no URL, also of a copy."""
    files = await upload_pack(ada, shown=b"shown to Grace", hidden=b"nobody's business")
    wanted = {"items": [{"id": file["id"]} for file in files.values()]}
    located = (await ada.call("POST", "/v1/contents", wanted))["results"]
    assert located[0]["url"] == located[1]["url"]
    await ada.share(files["shown"], grace)
    copy = await grace.call("POST", f"/v1/files/{files['shown']['id']}/copy", {"path": "/copy"})
    wanted["items"].append({"id": copy["id"]})
    shown, hidden, copied = (await grace.call("POST", "/v1/contents", wanted))["results"]
    assert hidden["problem"]["status"] == 404
    for result in (shown, copied):
        assert (result["direct"], result["url"]) == (False, f"/v1/files/{result['id']}/content?version=1")
        assert (await grace.ask("GET", result["url"])).body == b"shown to Grace"


async def test_unreferenced_contents_are_deleted(ada: Person, grace: Person, bucket: Bucket) -> None:
    """Purging a file deletes its slice and list of blocks; a copy keeps what it needs."""
    file = await ada.upload_blocks("/film.bin", PARTS)
    packed = (await upload_pack(ada, small=b"small"))["small"]
    for one in (file, packed):
        await ada.share(one, grace)
    copy = await grace.call("POST", f"/v1/files/{packed['id']}/copy", {"path": "/copy"})
    for one in (file, packed):
        await ada.call("DELETE", f"/v1/files/{one['id']}")
        await ada.call("DELETE", f"/v1/trash/{one['id']}")

    async def list_gone() -> bool:
        return not any("/uploads/" in key for key in await bucket.keys(ada.id))

    await eventually(list_gone)
    assert await grace.content(copy["id"]) == b"small"
    await grace.call("DELETE", f"/v1/files/{copy['id']}")
    await grace.call("DELETE", f"/v1/trash/{copy['id']}")

    async def pack_gone() -> bool:
        return not any("/packs/" in key for key in await bucket.keys(ada.id))

    await eventually(pack_gone)


async def test_many_downloads_at_once_and_some_that_end_early(ada: Person) -> None:
    """Those who stay get all of it."""
    file = await ada.upload_blocks("/film.bin", PARTS)

    async def leave_early() -> bytes:
        async with asyncio.timeout(0.05):
            return await ada.content(file["id"])

    early = [leave_early() for _ in range(5)]
    got = await asyncio.gather(*(ada.content(file["id"]) for _ in range(10)), *early, return_exceptions=True)
    assert got[:10] == [WHOLE] * 10
