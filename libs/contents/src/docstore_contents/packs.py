"""The pack format, version 1: many small files in one object of the store.

The slices lie back to back. After them comes the index, 12 bytes a slice: number, offset, size (u32, little endian),
then a footer of 8 bytes: how many slices (u32), and the magic. A slice keeps its number for ever, while a compaction
may move it and rewrite the pack under the same key: who reads asks the index, and holds on to its ETag.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

MAX_SLICES = 512
MAX_SLICE_BYTES = 64 << 10
MAX_PACK_BYTES = 16 << 20
"""Of all slices together, the index not counted."""

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
    """The pack's owner, the pack's key and the slice's number, from the object key of a slice."""

    account_id: str
    pack_key: str
    number: int


def pack_key(account_id: str, pack_id: str) -> str:
    """Where a pack lies that `account_id` sent."""
    return f"accounts/{account_id}/packs/{pack_id}"


def slice_key(pack_object_key: str, number: int) -> str:
    """The object key of a version whose content is this slice."""
    return f"{pack_object_key}/{number}"


def pack_of(object_key: str) -> PackSlice | None:
    """The pack and slice that this key names; None for content of another form."""
    match = _SLICE_KEY.fullmatch(object_key)
    return PackSlice(match[2], match[1], int(match[3])) if match else None


def layout(sizes: Sequence[int]) -> list[int]:
    """The offsets of slices of these sizes, back to back."""
    return list(accumulate(sizes, initial=0))[:-1]


def index_bytes(slices: Iterable[Slice]) -> bytes:
    """What follows the slices: index and footer."""
    entries = [_ENTRY.pack(entry.number, entry.offset, entry.size) for entry in slices]
    return b"".join(entries) + _FOOTER.pack(len(entries), MAGIC)


def read_index(tail: bytes, pack_bytes: int) -> Mapping[int, Slice]:
    """The slices by their numbers, from the end of a pack of `pack_bytes` in all; ValueError if it is none.

    `tail` has the last MAX_INDEX_BYTES of the pack, or all of a smaller one.
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
