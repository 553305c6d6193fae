"""Uploads in blocks over plain HTTP: only missing blocks are sent, and the file is like any other."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import aiohttp
import pytest
import zstandard
from deployments import Bucket
from people import Person, problem_of

from docstore_client.network.connection import ApiResponse
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

BLOCKS = [b"alpha " * 40_000, b"beta " * 30_000, b"gamma " * 20_000]
CONTENT = b"".join(BLOCKS)


def name(block: bytes) -> str:
    return sha256(block).hexdigest()


async def send_missing(person: Person, blocks: Sequence[bytes]) -> int:
    """How many of these had to be sent."""
    contents = {name(block): block for block in blocks}
    answer = await person.call("POST", "/v1/blocks/missing", {"hashes": list(contents)})
    for item in answer["missing"]:
        await person.put_once(item, zstandard.compress(contents[item["hash"]]))
    return len(answer["missing"])


async def upload(person: Person, path: str, blocks: Sequence[bytes], **wishes: Any) -> dict[str, Any]:
    content = b"".join(blocks)
    begun = await person.begin(path, len(content), "blocks", sha256=name(content), **wishes)
    await send_missing(person, blocks)
    pieces = [{"hash": name(block), "size": len(block)} for block in blocks]
    file: dict[str, Any] = await person.complete(begun, {"blocks": pieces})
    return file


async def read(person: Person, file: dict[str, Any], bytes_range: str = "", version: int = 0) -> ApiResponse:
    path = f"/v1/files/{file['id']}/content" + (f"?version={version}" if version else "")
    return await person.ask("GET", path, headers={"range": bytes_range} if bytes_range else None)


async def test_file_in_blocks_is_a_file_like_any_other(ada: Person) -> None:
    """It is listed, counted, found by its name, and read as a whole or in ranges."""
    file = await upload(ada, "/in blocks.bin", BLOCKS)
    assert (file["size"], file["sha256"], file["version"]) == (len(CONTENT), name(CONTENT), 1)
    assert await ada.names() == ["in blocks.bin"]
    await ada.counted(len(CONTENT))
    await ada.found("blocks", "/in blocks.bin")
    whole = await read(ada, file)
    assert (whole.status, whole.body) == (200, CONTENT)
    over_the_edge = len(BLOCKS[0])
    some = await read(ada, file, f"bytes={over_the_edge - 3}-{over_the_edge + 3}")
    assert (some.status, some.body) == (206, CONTENT[over_the_edge - 3 : over_the_edge + 4])


async def test_change_sends_what_changed(ada: Person) -> None:
    """A new version sends one block, and both versions stay what they were; each is counted whole."""
    first = await upload(ada, "/changing.bin", BLOCKS)
    changed = [BLOCKS[0], b"inserted", *BLOCKS[1:]]
    assert await send_missing(ada, changed) == 1
    second = await upload(ada, "/changing.bin", changed, base_version=1)
    assert (second["id"], second["version"]) == (first["id"], 2)
    assert (await read(ada, second)).body == b"".join(changed)
    assert (await read(ada, second, version=1)).body == CONTENT
    await ada.counted(len(CONTENT) + len(b"".join(changed)))


async def test_file_is_read_block_by_block(ada: Person) -> None:
    """Who has most of a file fetches the other blocks alone, straight from the store."""
    file = await upload(ada, "/by blocks.bin", BLOCKS)
    page = await ada.call("GET", f"/v1/files/{file['id']}/blocks")
    assert [block["hash"] for block in page["blocks"]] == [name(block) for block in BLOCKS]
    contents = []
    async with aiohttp.ClientSession() as http:
        for block in page["blocks"]:
            async with http.get(block["url"]) as answer:
                contents.append(zstandard.decompress(await answer.read()))
    assert contents == BLOCKS


async def test_shared_folder(ada: Person, grace: Person, nobody: Person) -> None:
    """An editor sends blocks of her own into the owner's folder, and both read them; a viewer's link too."""
    folder = await ada.call("POST", "/v1/folders", {"path": "/ours"})
    await upload(ada, "/ours/hers.bin", BLOCKS)
    await ada.share(folder, grace, "editor")
    assert await send_missing(grace, BLOCKS) == len(BLOCKS)
    file = await upload(grace, "/from grace.bin", BLOCKS, parent_id=folder["id"])
    for reader in (ada, grace):
        assert (await read(reader, file)).body == CONTENT
    assert (await nobody.ask("GET", f"/v1/files/{file['id']}/content")).status == 401
    await ada.counted(2 * len(CONTENT))
    await grace.counted(0)


async def test_another_accounts_blocks_are_missing(ada: Person, grace: Person) -> None:
    """The names of another's blocks are useless and reveal nothing."""
    await upload(ada, "/private.bin", BLOCKS)
    answer = await grace.call("POST", "/v1/blocks/missing", {"hashes": [name(block) for block in BLOCKS]})
    assert [item["hash"] for item in answer["missing"]] == [name(block) for block in BLOCKS]
    begun = await grace.begin("/claimed.bin", len(CONTENT), "blocks", sha256=name(CONTENT))
    pieces = [{"hash": name(block), "size": len(block)} for block in BLOCKS]
    refusal = await grace.ask("POST", f"/v1/uploads/{begun['id']}/complete", {"blocks": pieces})
    assert problem_of(refusal) == (409, "blocks_missing")
    assert refusal.json()["hashes"] == [name(block) for block in BLOCKS]


async def test_deleted_for_good(ada: Person, bucket: Bucket) -> None:
    """Of a file that is purged the list goes; another file that shares its blocks is not touched."""
    kept = await upload(ada, "/kept.bin", BLOCKS)
    lists = {key for key in await bucket.keys(ada.id) if "/uploads/" in key}
    gone = await upload(ada, "/gone.bin", [*BLOCKS, b"and more"])
    await ada.call("DELETE", f"/v1/files/{gone['id']}")
    await ada.call("DELETE", f"/v1/trash/{gone['id']}")

    async def is_released() -> bool:
        return {key for key in await bucket.keys(ada.id) if "/uploads/" in key} == lists

    await eventually(is_released)
    assert (await read(ada, kept)).body == CONTENT
    await ada.counted(len(CONTENT))
