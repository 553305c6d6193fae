"""The rules of blocks: how a file is made of them, and what a block that has arrived must be. Sizes in bytes.

A block is named by the SHA-256 of its plain bytes and stored as one zstd frame that declares their number. Blocks
are shared among the files of the account that sent them, never with another's: neither whether a stranger has a block
nor what is in it may be found out by whoever knows its name; and an editor must not choose what the owner's other
files are made of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol

import zstandard

from docstore_contents.block_list import MAX_BLOCK_BYTES

BlockState = Literal["pending", "stored"]
FRAME_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_FRAME_HEADER = 18
MAX_FRAME_BYTES = MAX_BLOCK_BYTES + (64 << 10)
"""What can't be compressed grows by 3 bytes for every 128 KiB and a header."""
BYTES_PER_BLOCK = 4096
FEW_BLOCKS = 16
"""A file may have this many blocks whatever its size, and one more for every BYTES_PER_BLOCK: each costs an entry of
about 200 bytes in the list, which nobody pays for."""
EMPTY_SHA256 = sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Piece:
    """A block of a file, as the client names it."""

    hash: str
    size: int


class FileInBlocks(Protocol):
    """The upload of a file that is sent in blocks."""

    @property
    def id(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def owner_id(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """A block of one account: to be sent (pending), or there (stored) with `size` plain bytes."""

    hash: str
    key: str
    state: BlockState
    size: int | None = None
    stored_bytes: int | None = None
    """Of its object: the most that its URLs take while it is pending; None where that was not noted."""


@dataclass(frozen=True, slots=True)
class References:
    """What one block list refers to: blocks of `account_id`, by hash the key of each."""

    list_key: str
    account_id: str
    keys: Mapping[str, str]


def piece_sizes(pieces: Sequence[Piece], size: int, file_sha256: str) -> dict[str, int] | str:
    """The size of each distinct block, by hash; or why a file of this size and SHA-256 can't be made of them."""
    sizes: dict[str, int] = {}
    for piece in pieces:
        if sizes.setdefault(piece.hash, piece.size) != piece.size:
            return f"Block {piece.hash} is named with two sizes."
    if len(pieces) > max_blocks(size):
        return f"A file of {size} bytes has at most {max_blocks(size)} blocks."
    total = sum(piece.size for piece in pieces)
    if total != size:
        return f"{size} bytes were declared, the blocks have {total}."
    whole = {0: EMPTY_SHA256, 1: pieces[0].hash if pieces else ""}.get(len(pieces), file_sha256)
    if whole != file_sha256:
        return "The SHA-256 declared is not that of the only block."
    return sizes


def max_blocks(size: int) -> int:
    """How many blocks a file of `size` bytes may have."""
    return FEW_BLOCKS + size // BYTES_PER_BLOCK


def max_frame_bytes(size: int) -> int:
    """The most bytes that a frame of `size` plain bytes needs (ZSTD_compressBound)."""
    return size + (size >> 8) + max(0, (128 << 10) - size >> 11)


def plain_size(start: bytes, stored_size: int) -> int | None:
    """How many bytes a stored block has when unpacked, by the header of its frame; None if it is no block.

    An object that is longer than a frame of so many bytes needs to be is none: what is charged is the plain size.
    """
    if not start.startswith(FRAME_MAGIC) or stored_size > MAX_FRAME_BYTES:
        return None
    try:
        frame = zstandard.get_frame_parameters(start)
    except zstandard.ZstdError:
        return None
    # A frame that does not say its size has one that is beyond any limit here.
    size = frame.content_size
    if not 1 <= size <= MAX_BLOCK_BYTES or stored_size > max_frame_bytes(size):
        return None
    return size if frame.dict_id == 0 else None


def room_for_unclaimed(allowance: int, usage: Mapping[str, Any], open_in_blocks: int) -> int:
    """The most that blocks which no file has claimed may take.

    They may take what the account could still claim: what is left of its quota, and what its open uploads in blocks
    have reserved, in whosever tree; and the allowance beyond that.
    """
    left = usage["limit"] - usage["used"] - usage["reserved"]
    return int(allowance + max(0, left) + open_in_blocks)


def to_be_withdrawn(blocks: Iterable[KnownBlock], excess: int) -> list[KnownBlock]:
    """The first of `blocks` that make up for `excess`."""
    chosen: list[KnownBlock] = []
    for block in blocks:
        if excess <= 0:
            break
        excess -= stored_bytes_of(block)
        chosen.append(block)
    return chosen


def stored_bytes_of(block: KnownBlock) -> int:
    """What it may take in the store, by what is known of it."""
    if block.stored_bytes is not None:
        return block.stored_bytes
    return MAX_FRAME_BYTES if block.size is None else block.size
