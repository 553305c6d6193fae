"""Calls of clients and metadata about files in blocks, and the remaining state of the stores."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import zstandard
from service_calls import bearer
from upload_stack import Client, Stack

BLOCKS = [b"first block " * 900, b"second block " * 700, b"third block " * 50]


def name(block: bytes) -> str:
    return sha256(block).hexdigest()


def named(blocks: Sequence[bytes]) -> list[Any]:
    return [{"hash": name(block), "size": len(block)} for block in blocks]


async def begin(person: Client, blocks: Sequence[bytes], **extra: Any) -> str:
    content = b"".join(blocks)
    upload = await person.initiate("blocks", content, sha256=name(content), **extra)
    assert upload["blocks"] == {}
    return str(upload["id"])


async def missing(person: Client, blocks: Sequence[bytes]) -> dict[str, Any]:
    answer = await person.ok("POST", "/v1/blocks/missing", {"hashes": [name(block) for block in blocks]})
    return {item["hash"]: item for item in answer["missing"]}


async def send(stack: Stack, blocks: Sequence[bytes], person: Client | None = None) -> int:
    """What is missing of these; how many that were."""
    wanted = await missing(person or stack.person, blocks)
    for block in {name(block): block for block in blocks}.values():
        if name(block) in wanted:
            assert await stack.put(wanted[name(block)], zstandard.compress(block)) == 200
    return len(wanted)


async def complete(person: Client, upload_id: str, blocks: Sequence[bytes]) -> Any:
    return await person.ok("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": named(blocks)})


async def refused(person: Client, upload_id: str, blocks: list[Any]) -> Any:
    return await person.refused("POST", f"/v1/uploads/{upload_id}/complete", {"blocks": blocks})


async def store_file(stack: Stack, blocks: Sequence[bytes], person: Client | None = None, **extra: Any) -> str:
    """The id of a completed upload of a file made of these blocks."""
    upload_id = await begin(person or stack.person, blocks, **extra)
    await send(stack, blocks, person)
    await complete(person or stack.person, upload_id, blocks)
    return upload_id


async def references(stack: Stack) -> dict[str, int]:
    """How many lists refer to each block of the person."""
    rows = await stack.database["blocks"].find(stack.persons).to_list(None)
    return {row["_id"].rpartition(".")[2]: row["refs"] for row in rows}


async def release(stack: Stack, *keys: str) -> int:
    headers = {
        "authorization": bearer(stack.infra, "metadata", "upload"),
        "content-type": "application/json",
    }
    body = b'{"keys":[' + b",".join(b'"%b"' % key.encode() for key in keys) + b"]}"
    answer = await stack.transport().send("POST", "/internal/contents/release", headers, body)
    return int(answer.status)


async def keys_in_store(stack: Stack, prefix: str) -> set[str]:
    page = await stack.store.transport.call("list_objects_v2", Prefix=prefix)
    return {item["Key"] for item in page.get("Contents", [])}
