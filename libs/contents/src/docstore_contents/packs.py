"""The pack format, version 1: many small files in one object of the store.

The slices are back to back, followed by the index, 12 bytes a slice: number, offset, size (u32, little endian), and a
footer of 8 bytes: number of slices (u32), and the magic. A slice keeps its number forever, while a compaction may move
it and rewrite the pack under the same key: readers use the index and the ETag of the same read.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

MAX_SLICES = 512
MAX_SLICE_BYTES = 64 << 10
MAX_PACK_BYTES = 16 << 20
"""All slices together, without the index."""

MAGIC = b"DSP1"
_ENTRY = struct.Struct("<III")
_FOOTER = struct.Struct("<I4s")
MAX_INDEX_BYTES = MAX_SLICES * _ENTRY.size + _FOOTER.size
_SLICE_KEY = re.compile(r"(accounts/([^/]+)/packs/[^/]+)/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Slice:
    """One file's bytes in a pack; `offset` and `size` in bytes."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class PackSlice:
    """Owner and key of a pack, and the number of a slice, parsed from the slice's object key."""

    account_id: str
    pack_key: str
    number: int


def pack_key(account_id: str, pack_id: str) -> str:
    """Return the key of a pack that `account_id` sent."""
    return f"accounts/{account_id}/packs/{pack_id}"


def slice_key(pack_object_key: str, number: int) -> str:
    """Return the object key of a version whose content is this slice."""
    return f"{pack_object_key}/{number}"


def pack_of(object_key: str) -> PackSlice | None:
    """Parse the key of a slice; None for content of another form."""
    match = _SLICE_KEY.fullmatch(object_key)
    return PackSlice(match[2], match[1], int(match[3])) if match else None


def layout(sizes: Sequence[int]) -> list[int]:
    """Return the offsets of slices of these sizes, back to back."""
    return list(accumulate(sizes, initial=0))[:-1]


def index_bytes(slices: Iterable[Slice]) -> bytes:
    """Return index and footer, which follow the slices."""
    entries = [_ENTRY.pack(entry.number, entry.offset, entry.size) for entry in slices]
    return b"".join(entries) + _FOOTER.pack(len(entries), MAGIC)


def read_index(tail: bytes, pack_bytes: int) -> Mapping[int, Slice]:
    """Return the slices by number, from the end of a pack of `pack_bytes` in all; ValueError if it is invalid.

    `tail`: the last MAX_INDEX_BYTES of the pack, or all of a smaller one.
    """
    if len(tail) < _FOOTER.size:
        raise ValueError("too short for a pack")
    count, magic = _FOOTER.unpack_from(tail, len(tail) - _FOOTER.size)
    index_size = count * _ENTRY.size + _FOOTER.size
    if magic != MAGIC or count > MAX_SLICES or index_size > len(tail):
        raise ValueError("not the end of a pack")
    entries = _ENTRY.iter_unpack(tail[len(tail) - index_size : len(tail) - _FOOTER.size])
    slices = {number: Slice(number, offset, size) for number, offset, size in entries}
    if len(slices) != count:
        raise ValueError("a slice is listed twice")
    if any(entry.offset + entry.size > pack_bytes - index_size for entry in slices.values()):
        raise ValueError("a slice reaches beyond the pack")
    return slices
