"""Content-defined chunking: cuts files so that a change affects only blocks near it.

FastCDC 2020 (Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems"),
by pyfastcdc. Files are read into buffers, not mapped: if another program truncates a mapped file, the process crashes,
and the bytes sent must be the bytes hashed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pyfastcdc import FastCDC

BLOCKS_FROM = 4 << 20
"""Size from which files are sent and fetched in blocks."""
SMALLEST_BLOCK = 256 << 10
AVERAGE_BLOCK = 1 << 20
LARGEST_BLOCK = 4 << 20
NORMALISATION: Final = 1
"""Normalization level, 0 to 3. Higher levels resynchronize later after a change.

With 1 MiB inserted in 64 MiB, level 1 produced 2.3 MiB of new blocks, level 2 produced 3.2 MiB. These four constants
determine the cuts: changing them makes all existing blocks useless.
"""
WINDOW = 12 << 20
"""Bytes in memory at a time."""


class Readable(Protocol):
    """An unbuffered file, or bytes in memory."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Position of a block in a file, and the hex SHA-256 of its bytes."""

    hash: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Window:
    """Blocks in a buffer; `fresh`: bytes that were not in the previous window."""

    offset: int
    parts: Sequence[memoryview]
    fresh: memoryview

    def name(self) -> list[Block]:
        """Blocks with their hashes; slow, to be run in a thread."""
        blocks: list[Block] = []
        offset = self.offset
        for part in self.parts:
            blocks.append(Block(hashlib.sha256(part).hexdigest(), offset, len(part)))
            offset += len(part)
        return blocks


class Cutter:
    """Reads a file once, from beginning to end."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._cdc = FastCDC(
            AVERAGE_BLOCK - SMALLEST_BLOCK,  # plus the smallest size
            min_size=SMALLEST_BLOCK,
            max_size=LARGEST_BLOCK,
            normalized_chunking=NORMALISATION,
        )
        self._offset = 0
        self._rest = b""
        self._is_ended = False

    def read(self, buffer: bytearray) -> Window | None:
        """The next blocks, in `buffer`, which must hold more than one largest block; None after the last."""
        if self._is_ended:
            return None
        view = memoryview(buffer)
        kept = filled = len(self._rest)
        view[:kept] = self._rest
        while filled < len(view) and (count := self._file.readinto(view[filled:])):
            filled += count
        self._is_ended = filled < len(view)
        parts = [chunk.data for chunk in self._cdc.cut_buf(view[:filled])] if filled else []
        # the last block may end only because the buffer does: cut it again with the following bytes
        self._rest = b"" if self._is_ended else bytes(parts.pop())
        window = Window(self._offset, parts, view[kept:filled])
        self._offset += filled - len(self._rest)
        return window


def buffer_for(size: int) -> bytearray:
    """Buffer size for a file of this size."""
    return bytearray(max(LARGEST_BLOCK + 1, min(WINDOW, size + 1)))


def blocks_of(path: Path) -> list[Block]:
    """All blocks of a local file."""
    found: list[Block] = []
    buffer = buffer_for(path.stat().st_size)
    with path.open("rb", buffering=0) as file:
        cutter = Cutter(file)
        while window := cutter.read(buffer):
            found += window.name()
    return found
