"""Rules of blocks: how they make up a file, and what a stored block must be. Sizes in bytes.

A block is named by the SHA-256 of its plain bytes and stored as one zstd frame that declares their number. Blocks
are shared only among the files of the account that sent them. Otherwise, anyone who knows a hash could find out whether
another account has the block and read it, and an editor could choose the contents of the owner's other files.
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
"""Incompressible data grows by 3 bytes for every 128 KiB, plus a header."""
BYTES_PER_BLOCK = 4096
FEW_BLOCKS = 16
"""A file may have this many blocks whatever its size, and one more for every BYTES_PER_BLOCK: each costs about 200
bytes in the list, which no quota counts."""
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
    """A block of one account: pending, or stored with `size` plain bytes."""

    hash: str
    key: str
    state: BlockState
    size: int | None = None
    stored_bytes: int | None = None
    """Stored size; while pending, the most that its URLs accept. None where that was not recorded."""


@dataclass(frozen=True, slots=True)
class References:
    """What one block list refers to: blocks of `account_id`, each key by its hash."""

    list_key: str
    account_id: str
    keys: Mapping[str, str]


def piece_sizes(pieces: Sequence[Piece], size: int, file_sha256: str) -> dict[str, int] | str:
    """Return the size of each distinct block by hash, or why they can't make up a file of this size and SHA-256."""
    sizes: dict[str, int] = {}
    for piece in pieces:
        if sizes.setdefault(piece.hash, piece.size) != piece.size:
            return f"Block {piece.hash} is listed with two sizes."
    if len(pieces) > max_blocks(size):
        return f"A file of {size} bytes has at most {max_blocks(size)} blocks."
    total = sum(piece.size for piece in pieces)
    if total != size:
        return f"{size} bytes were declared, but the blocks have {total}."
    whole = {0: EMPTY_SHA256, 1: pieces[0].hash if pieces else ""}.get(len(pieces), file_sha256)
    if whole != file_sha256:
        return "The SHA-256 declared is not that of the only block."
    return sizes


def max_blocks(size: int) -> int:
    """Return how many blocks a file of `size` bytes may have."""
    return FEW_BLOCKS + size // BYTES_PER_BLOCK


def max_frame_bytes(size: int) -> int:
    """Return the most bytes that a frame of `size` plain bytes needs (ZSTD_compressBound)."""
    return size + (size >> 8) + max(0, (128 << 10) - size >> 11)


def plain_size(start: bytes, stored_size: int) -> int | None:
    """Return a stored block's plain size by the header of its frame; None if it is no block.

    An object longer than a frame of that size needs to be is no block: the quota counts the plain size.
    """
    if not start.startswith(FRAME_MAGIC) or stored_size > MAX_FRAME_BYTES:
        return None
    try:
        frame = zstandard.get_frame_parameters(start)
    except zstandard.ZstdError:
        return None
    # A frame without a declared size is over every limit here.
    size = frame.content_size
    if not 1 <= size <= MAX_BLOCK_BYTES or stored_size > max_frame_bytes(size):
        return None
    return size if frame.dict_id == 0 else None


def room_for_unclaimed(allowance: int, usage: Mapping[str, Any], open_in_blocks: int) -> int:
    """Return the most bytes that an account's unclaimed blocks may take.

    That is what the account could still claim (the rest of its quota, and what its open uploads in blocks have
    reserved in any tree), and the allowance.
    """
    left = usage["limit"] - usage["used"] - usage["reserved"]
    return int(allowance + max(0, left) + open_in_blocks)


def to_be_withdrawn(blocks: Iterable[KnownBlock], excess: int) -> list[KnownBlock]:
    """Return the first of `blocks` that together make up for `excess`."""
    chosen: list[KnownBlock] = []
    for block in blocks:
        if excess <= 0:
            break
        excess -= stored_bytes_of(block)
        chosen.append(block)
    return chosen


def stored_bytes_of(block: KnownBlock) -> int:
    """Return the bytes it may take in the store, as far as known."""
    if block.stored_bytes is not None:
        return block.stored_bytes
    return MAX_FRAME_BYTES if block.size is None else block.size
