"""Files cut by what is in them, so that a change moves no cut but those next to it.

FastCDC 2020 (Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems"),
by pyfastcdc. Files are read into buffers, not mapped: a mapped file that another program cuts short ends the process,
and what is sent must be the bytes that were hashed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pyfastcdc import FastCDC

SMALLEST_BLOCK = 256 << 10
AVERAGE_BLOCK = 1 << 20
LARGEST_BLOCK = 4 << 20
NORMALISATION: Final = 1
"""How far sizes are drawn to the average, 0 to 3. With more, the cuts after a change find back to the old ones later.

Of 1 MiB inserted in 64 MiB, 2.3 MiB were new blocks with 1, 3.2 with 2. These four decide where the cuts are: with
others no block is found again.
"""
WINDOW = 12 << 20
"""Bytes in memory at a time."""


class Readable(Protocol):
    """A file that was opened without a buffer, or bytes in memory."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Where in a file a block lies, and the hex SHA-256 of its bytes."""

    hash: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Window:
    """Blocks that lie in a buffer; `fresh` is what was not in the window before."""

    offset: int
    parts: Sequence[memoryview]
    fresh: memoryview

    def name(self) -> list[Block]:
        """The blocks with their hashes: the slow part, for a thread."""
        blocks: list[Block] = []
        offset = self.offset
        for part in self.parts:
            blocks.append(Block(hashlib.sha256(part).hexdigest(), offset, len(part)))
            offset += len(part)
        return blocks


class Cutter:
    """Reads a file once, from its beginning to its end."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._cdc = FastCDC(
            AVERAGE_BLOCK - SMALLEST_BLOCK,  # the smallest size comes on top
            min_size=SMALLEST_BLOCK,
            max_size=LARGEST_BLOCK,
            normalized_chunking=NORMALISATION,
        )
        self._offset = 0
        self._rest = b""
        self._is_ended = False

    def read(self, buffer: bytearray) -> Window | None:
        """The next blocks, in `buffer`, which must hold more than one of the largest; None after the last."""
        if self._is_ended:
            return None
        view = memoryview(buffer)
        kept = filled = len(self._rest)
        view[:kept] = self._rest
        while filled < len(view) and (count := self._file.readinto(view[filled:])):
            filled += count
        self._is_ended = filled < len(view)
        parts = [chunk.data for chunk in self._cdc.cut_buf(view[:filled])] if filled else []
        # The last one may only end where the buffer does: it is cut again with what follows.
        self._rest = b"" if self._is_ended else bytes(parts.pop())
        window = Window(self._offset, parts, view[kept:filled])
        self._offset += filled - len(self._rest)
        return window


def buffer_for(size: int) -> bytearray:
    """For the windows of a file of this size."""
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
