"""Transfer encoding of a block: one zstd frame (RFC 8878) that includes the content size."""

import hashlib
import sys

from docstore_client.errors import ContentDiffers

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
PROBE = 4 << 10
"""Sample size: a block is compressed only if samples at three positions shrink."""
WORTH = 0.95
RAW_PIECE = 128 << 10
"""Largest block in a frame."""
RAW_HEADER = b"\x28\xb5\x2f\xfd\xa0"
"""Magic number and frame descriptor: four-byte content size, single segment, no checksum."""


def compressed(plain: memoryview) -> bytes:
    """Compress a block into a frame."""
    return zstd.compress(plain, LEVEL)


def shrinks(plain: memoryview) -> bool:
    """Whether compression is likely to help, judged by samples."""
    places = {0, max(0, len(plain) // 2 - PROBE), max(0, len(plain) - PROBE)}
    probe = b"".join(plain[start : start + PROBE] for start in sorted(places))
    return len(compressed(memoryview(probe))) < WORTH * len(probe)


def raw_frame(plain: memoryview) -> bytes:
    """Wrap an incompressible block into a frame of raw bytes."""
    pieces: list[bytes | memoryview] = [RAW_HEADER, len(plain).to_bytes(4, "little")]
    last = max(0, len(plain) - 1) // RAW_PIECE
    for number in range(last + 1):
        piece = plain[number * RAW_PIECE : (number + 1) * RAW_PIECE]
        pieces += [(len(piece) << 3 | (number == last)).to_bytes(3, "little"), piece]
    return b"".join(pieces)


def plain_of(framed: bytes, digest: str, size: int) -> bytes:
    """Decode a frame. ContentDiffers if the bytes do not have this SHA-256 and size, whatever the frame contains."""
    try:
        if zstd.get_frame_info(framed).decompressed_size != size:
            raise ContentDiffers(f"block {digest} has another size")
        plain = zstd.ZstdDecompressor().decompress(framed, max_length=size)
    except zstd.ZstdError as error:
        raise ContentDiffers(f"block {digest} can't be unpacked: {error}") from error
    if hashlib.sha256(plain).hexdigest() != digest:
        raise ContentDiffers(f"block {digest} has other bytes")
    return plain
