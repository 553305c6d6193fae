"""A block as it travels: one zstd frame (RFC 8878) that says how many bytes are in it."""

import hashlib

import zstandard

from docstore_client.errors import ContentDiffers

LEVEL = 1
PROBE = 4 << 10
"""Bytes that are tried at three places: what doesn't shrink there is sent as it is, at no cost."""
WORTH = 0.95
RAW_PIECE = 128 << 10
"""The most that a block of a frame may hold."""
RAW_HEADER = b"\x28\xb5\x2f\xfd\xa0"
"""Magic; a descriptor that says: the content's size in four bytes, one segment, no checksum."""


def compressed(plain: memoryview) -> bytes:
    """The frame of a block that shrinks."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(plain)


def shrinks(plain: memoryview) -> bool:
    """Whether compressing it is worth its while, as far as a quick look tells."""
    places = {0, max(0, len(plain) // 2 - PROBE), max(0, len(plain) - PROBE)}
    probe = b"".join(plain[start : start + PROBE] for start in sorted(places))
    return len(compressed(memoryview(probe))) < WORTH * len(probe)


def raw_frame(plain: memoryview) -> bytes:
    """The frame of a block that doesn't shrink: the bytes as they are."""
    pieces: list[bytes | memoryview] = [RAW_HEADER, len(plain).to_bytes(4, "little")]
    last = max(0, len(plain) - 1) // RAW_PIECE
    for number in range(last + 1):
        piece = plain[number * RAW_PIECE : (number + 1) * RAW_PIECE]
        pieces += [(len(piece) << 3 | (number == last)).to_bytes(3, "little"), piece]
    return b"".join(pieces)


def plain_of(framed: bytes, digest: str, size: int) -> bytes:
    """The bytes of a block. ContentDiffers if they are not those of this SHA-256 and size, whatever is in the frame."""
    try:
        if zstandard.get_frame_parameters(framed).content_size != size:
            raise ContentDiffers(f"block {digest} has another size")
        plain = zstandard.ZstdDecompressor().decompress(framed, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ContentDiffers(f"block {digest} can't be unpacked: {error}") from error
    if hashlib.sha256(plain).hexdigest() != digest:
        raise ContentDiffers(f"block {digest} has other bytes")
    return plain
