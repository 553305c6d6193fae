"""Block lists: the blocks of a version's content, in the order of the file.

It is a JSON object in the store, `{"blocks": [{"hash", "size", "key"}]}`, under the key of `block_list_key`. Each block
is an object of its own: one zstd frame, with the content's size in its header, of the block's plain bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

MAX_BLOCK_BYTES = 8 << 20
"""Plain bytes; the frame of an incompressible block is a little longer."""
MAX_BLOCKS = 100_000
"""Blocks of one file."""

_LIST_KEY = re.compile(r"accounts/[^/]+/uploads/[^/]+/blocks-[^/]+")


@dataclass(frozen=True, slots=True)
class Block:
    """`hash` is the SHA-256 (hex) and `size` the number of the plain bytes; `key` names the object of its frame."""

    hash: str
    size: int
    key: str


def block_list_key(account_id: str, upload_id: str, generation: str) -> str:
    """Return the key of an upload's block list; `account_id` is the owner of the file's tree.

    Every written list has its own `generation`: of two calls that complete an upload, the late one must not overwrite
    the valid list.
    """
    return f"accounts/{account_id}/uploads/{upload_id}/blocks-{generation}"


def block_key(account_id: str, block_hash: str, generation: str) -> str:
    """Return the key of a block that `account_id` sent; after a deletion it has another generation."""
    return f"accounts/{account_id}/blocks/{block_hash}.{generation}"


def is_blocks(object_key: str) -> bool:
    """Whether this is the key of a block list."""
    return _LIST_KEY.fullmatch(object_key) is not None


def serialise(blocks: Sequence[Block]) -> bytes:
    """The object's bytes."""
    return orjson.dumps({"blocks": blocks})


def parse(data: bytes) -> list[Block]:
    """Parse a block list; ValueError if it is invalid."""
    try:
        return [
            Block(str(block["hash"]), int(block["size"]), str(block["key"])) for block in orjson.loads(data)["blocks"]
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a block list: {error!r}") from error
