"""Concatenation of byte strings, each after its length (8 bytes, little-endian)."""

import struct
from collections.abc import Iterable

_LENGTH = struct.Struct("<Q")


def join_parts(parts: Iterable[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def split_parts(data: bytes) -> list[bytes]:
    """Split what `join_parts` has joined. ValueError if it is truncated."""
    parts, at = [], 0
    while at < len(data):
        if at + _LENGTH.size > len(data):
            raise ValueError("the last part is cut off")
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            raise ValueError("the last part is cut off")
        parts.append(data[at : at + length])
        at += length
    return parts
