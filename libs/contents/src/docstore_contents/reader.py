"""Reads contents of any form: a whole object, a list of blocks, or a slice of a pack.

Clients have assembled blocks and packs, so these are verified before a byte is passed on.
"""

import asyncio
import hashlib
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Protocol

import zstandard

from docstore_contents.block_list import MAX_BLOCK_BYTES, Block, is_blocks, parse
from docstore_contents.packs import MAX_INDEX_BYTES, PackSlice, Slice, pack_of, read_index
from docstore_contents.s3.store import ObjectChanged, ObjectNotFound, ObjectStoreError, ObjectStoreUnavailable, Tail

__all__ = ["ContentDamaged", "Contents", "is_blocks", "is_whole", "pack_of"]

AHEAD = 3
"""Pieces of one stream that are in memory or being fetched."""
AHEAD_BYTES = 64 << 20
"""The same for all streams together; beyond that, each stream fetches one piece at a time."""
WHOLE_PIECE_BYTES = 4 << 20
INDEXES_KEPT = 64
SLICE_TRIES = 3
GAP_BYTES = 64 << 10
"""Bytes between two slices that are read along instead of sending another request."""
LONGEST_SPAN_BYTES = 4 << 20
_INLINE_BYTES = 32 << 10
"""Size up to which a block is decompressed at once: passing it to a thread would take longer."""


class ContentDamaged(ObjectStoreError):
    """The stored bytes differ from the version's length or hash; none of them was returned."""

    def __init__(self, message: str) -> None:
        super().__init__("ContentDamaged", message)


class Objects(Protocol):
    """The part of an ObjectStore that reads contents."""

    async def get(self, key: str) -> bytes: ...

    async def get_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes: ...

    async def get_tail(self, key: str, length: int) -> Tail: ...

    async def download(self, key: str, path: Path, max_bytes: int) -> int: ...


def is_whole(object_key: str) -> bool:
    """Whether the content is a single object, which a signed URL can open."""
    return not is_blocks(object_key) and pack_of(object_key) is None


@dataclass(frozen=True, slots=True)
class PackIndex:
    """Slices of a pack while it has this ETag."""

    etag: str
    slices: Mapping[int, Slice]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Bytes `start` to `end` of a block (of its plain bytes), or of a whole object."""

    start: int
    end: int
    block: Block | None = None

    @property
    def held_bytes(self) -> int:
        return self.block.size if self.block is not None else self.end - self.start


class Contents:
    """Reads contents of one store. Every method may raise ContentDamaged, or another ObjectStoreError."""

    def __init__(self, store: Objects) -> None:
        self._store = store
        self._indexes: OrderedDict[str, PackIndex] = OrderedDict()
        self._held_bytes = 0

    # --- reading -----------------------------------------------------------------------------------------

    async def read(self, object_key: str, size: int, sha256: str | None = None) -> bytes:
        """Read a small content of `size` bytes; verified if its SHA-256 (hex) is given."""
        if is_whole(object_key):
            data = await self._store.get(object_key)
        else:
            async with aclosing(self.stream(object_key, size)) as parts:
                data = b"".join([part async for part in parts])
        if len(data) != size or (sha256 is not None and hashlib.sha256(data).hexdigest() != sha256):
            raise ContentDamaged(f"{object_key} has another hash than recorded")
        return data

    async def read_range(self, object_key: str, start: int, length: int) -> bytes:
        """Read up to `length` bytes from offset `start`."""
        if is_whole(object_key):
            return await self._store.get_range(object_key, start, length)
        named = pack_of(object_key)
        if named is not None:
            return (await self._slice(named))[start : start + length]
        pieces = _pieces_of_blocks(await self.blocks(object_key), start, start + length)
        async with aclosing(self._in_order(object_key, pieces)) as parts:
            return b"".join([part async for part in parts])

    async def stream(
        self, object_key: str, size: int, start: int = 0, end: int | None = None, *, sha256: str | None = None
    ) -> AsyncGenerator[bytes]:
        """Iterate over bytes `start` to `end` of a content of `size` bytes, a block at a time, with a few prefetched.

        Blocks are verified by their hashes, a slice by `sha256` of the whole content. Close the iterator to stop
        prefetching.
        """
        end = size if end is None else end
        named = pack_of(object_key)
        if named is not None:
            data = await self._slice(named)
            if len(data) != size or (sha256 is not None and hashlib.sha256(data).hexdigest() != sha256):
                raise ContentDamaged(f"{object_key} has another hash than recorded")
            yield data[start:end]
            return
        if is_blocks(object_key):
            blocks = await self.blocks(object_key)
            if sum(block.size for block in blocks) != size:
                raise ContentDamaged(f"the blocks of {object_key} are not {size} bytes")
            pieces = _pieces_of_blocks(blocks, start, end)
        else:
            pieces = [_Piece(at, min(at + WHOLE_PIECE_BYTES, end)) for at in range(start, end, WHOLE_PIECE_BYTES)]
        async with aclosing(self._in_order(object_key, pieces)) as parts:
            async for part in parts:
                yield part

    async def download(self, object_key: str, path: Path, size: int) -> None:
        """Write a content of `size` bytes to `path`; no file is left if that fails."""
        if is_whole(object_key):
            await self._store.download(object_key, path, size)
            return
        try:
            with path.open("wb") as file:
                async with aclosing(self.stream(object_key, size)) as parts:
                    async for part in parts:
                        await asyncio.to_thread(file.write, part)
        except BaseException:  # also when cancelled: no partial file may stay
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - as fast as a thread
            raise

    async def blocks(self, object_key: str) -> list[Block]:
        """Return the blocks of a content in blocks."""
        try:
            blocks = parse(await self._store.get(object_key))
        except ValueError as error:
            raise ContentDamaged(f"{object_key}: {error}") from error
        if any(not 0 <= block.size <= MAX_BLOCK_BYTES for block in blocks):
            raise ContentDamaged(f"{object_key} has a block of an impossible size")
        return blocks

    async def pack_index(self, pack_key: str) -> PackIndex:
        """Return the current slices of a pack, which may be rewritten at any time."""
        tail = await self._store.get_tail(pack_key, MAX_INDEX_BYTES)
        try:
            index = PackIndex(tail.etag, read_index(tail.data, tail.size))
        except ValueError as error:
            raise ContentDamaged(f"{pack_key}: {error}") from error
        self._indexes[pack_key] = index
        self._indexes.move_to_end(pack_key)
        if len(self._indexes) > INDEXES_KEPT:
            self._indexes.popitem(last=False)
        return index

    # --- slices of packs ---------------------------------------------------------------------------------

    async def slices(self, pack_key: str, numbers: Iterable[int]) -> dict[int, bytes]:
        """Return slices of a pack by number, not verified; those near each other are read together.

        If a compaction moves them meanwhile, the index is read again.
        """
        wanted = set(numbers)
        for _ in range(SLICE_TRIES):
            index = self._indexes.get(pack_key) or await self.pack_index(pack_key)
            if wanted - index.slices.keys():
                raise ObjectNotFound("NoSuchKey", f"{pack_key} has no slice {min(wanted - index.slices.keys())}")
            try:
                return await self._slices(pack_key, index.etag, [index.slices[number] for number in wanted])
            except ObjectChanged:
                self._indexes.pop(pack_key, None)
        raise ObjectStoreUnavailable("PreconditionFailed", f"{pack_key} is rewritten too often")

    async def _slices(self, pack_key: str, etag: str, entries: Sequence[Slice]) -> dict[int, bytes]:
        found = {entry.number: b"" for entry in entries if entry.size == 0}
        for span in _spans([entry for entry in entries if entry.size]):
            start, end = span[0].offset, max(entry.offset + entry.size for entry in span)
            data = await self._store.get_range(pack_key, start, end - start, etag=etag)
            found |= {entry.number: data[entry.offset - start :][: entry.size] for entry in span}
        return found

    async def _slice(self, named: PackSlice) -> bytes:
        return (await self.slices(named.pack_key, [named.number]))[named.number]

    # --- blocks and pieces -------------------------------------------------------------------------------

    async def _in_order(self, object_key: str, pieces: Sequence[_Piece]) -> AsyncGenerator[bytes]:
        """Iterate over the pieces' bytes in order, while the next ones are being fetched."""
        ahead = iter(pieces)
        following = next(ahead, None)
        under_way: deque[tuple[_Piece, asyncio.Task[bytes]]] = deque()
        try:
            while following is not None or under_way:
                while following is not None and self._may_fetch(following, len(under_way)):
                    self._held_bytes += following.held_bytes
                    under_way.append((following, asyncio.create_task(self._fetch(object_key, following))))
                    following = next(ahead, None)
                piece, fetching = under_way[0]
                yield await fetching
                under_way.popleft()
                self._held_bytes -= piece.held_bytes
        finally:
            for piece, fetching in under_way:
                fetching.cancel()
                self._held_bytes -= piece.held_bytes
            await asyncio.gather(*(fetching for _, fetching in under_way), return_exceptions=True)

    def _may_fetch(self, piece: _Piece, under_way: int) -> bool:
        return under_way == 0 or (under_way < AHEAD and self._held_bytes + piece.held_bytes <= AHEAD_BYTES)

    async def _fetch(self, object_key: str, piece: _Piece) -> bytes:
        block = piece.block
        if block is None:
            data = await self._store.get_range(object_key, piece.start, piece.end - piece.start)
            if len(data) != piece.end - piece.start:
                raise ContentDamaged(f"{object_key} is shorter than recorded")
            return data
        frame = await self._store.get_range(block.key, 0, _frame_bound(block.size))
        plain = unpack(frame, block) if block.size <= _INLINE_BYTES else await asyncio.to_thread(unpack, frame, block)
        return plain if len(plain) == piece.end - piece.start else plain[piece.start : piece.end]


def _spans(entries: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Groups of slices that are read together, in the order of the pack."""
    span: list[Slice] = []
    for entry in sorted(entries, key=attrgetter("offset")):
        end = span[-1].offset + span[-1].size if span else 0
        if span and (entry.offset > end + GAP_BYTES or entry.offset + entry.size - span[0].offset > LONGEST_SPAN_BYTES):
            yield span
            span = []
        span.append(entry)
    if span:
        yield span


def unpack(frame: bytes, block: Block) -> bytes:
    """Decompress a block from its zstd frame. Raises ContentDamaged if the hash differs."""
    try:
        # Check the frame header first: it determines how much memory decompression takes.
        if zstandard.get_frame_parameters(frame).content_size != block.size:
            raise ContentDamaged(f"{block.key} has another size than in its list")
        decompressor = zstandard.ZstdDecompressor()
        plain = decompressor.decompress(frame, max_output_size=block.size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ContentDamaged(f"{block.key}: {error}") from error
    if hashlib.sha256(plain).hexdigest() != block.hash:
        raise ContentDamaged(f"{block.key} does not match the hash in its name")
    return plain


def _frame_bound(size: int) -> int:
    """Return the most bytes that a frame of a block may have (ZSTD_COMPRESSBOUND)."""
    return size + (size >> 8) + 1024


def _pieces_of_blocks(blocks: Sequence[Block], start: int, end: int) -> list[_Piece]:
    """Return the part of each block between `start` and `end` of the file."""
    pieces: list[_Piece] = []
    offset = 0
    for block in blocks:
        first, last = max(start - offset, 0), min(end - offset, block.size)
        if first < last:
            pieces.append(_Piece(first, last, block))
        offset += block.size
    return pieces
