"""Files with contents in blocks and packs, as the upload service stores them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import zstandard
from metadata_stack import Stack

from docstore_contents.block_list import Block, block_key, block_list_key, serialise
from docstore_contents.packs import Slice, index_bytes, layout, pack_key, slice_key
from docstore_platform.ids import new_id

PARTS = (b"a" * 70_000, b"bc", b"d" * 40_000)
WHOLE = b"".join(PARTS)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def put_blocks(stack: Stack, path: str, parts: Sequence[bytes] = PARTS, **extra: Any) -> Any:
    """Commit a version with content in blocks, as the upload service stores it."""
    account, item = stack.person.account_id, stack.item(path, b"".join(parts), **extra)
    blocks = []
    for part in parts:
        blocks.append(Block(sha256(part), len(part), block_key(account, sha256(part), new_id())))
        await stack.objects.put(blocks[-1].key, zstandard.compress(part))
    item |= {"object_key": block_list_key(account, item["upload_id"], new_id()), "sha256": sha256(b"".join(parts))}
    await stack.objects.put(item["object_key"], serialise(blocks))
    return (await stack.commit(item))[0]["file"]


async def put_pack(stack: Stack, *contents: bytes, account: str | None = None) -> list[Any]:
    """Commit files whose contents are slices of one pack."""
    account = account or stack.person.account_id
    key, offsets = pack_key(account, new_id()), layout([len(content) for content in contents])
    slices = [Slice(number, offset, len(contents[number])) for number, offset in enumerate(offsets)]
    await stack.objects.put(key, b"".join(contents) + index_bytes(slices))
    items = [
        stack.item(
            f"/packed/{new_id()}.txt",
            content,
            account_id=account,
            object_key=slice_key(key, number),
            sha256=sha256(content),
        )
        for number, content in enumerate(contents)
    ]
    return [result["file"] for result in await stack.commit(*items)]
