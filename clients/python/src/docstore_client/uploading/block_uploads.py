"""Uploads large files in blocks: only those that the account has not sent before, in any file.

A file is read once, and each block's hash and the whole file's hash are computed from the same bytes in memory: a file
that changes meanwhile is refused, never stored with wrong content. The upload begins after all blocks have arrived; an
interrupted one leaves only blocks, which the next attempt reuses.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from docstore_client.blocks.chunking import WINDOW, Block, Cutter, buffer_for
from docstore_client.blocks.frames import compressed, raw_frame, shrinks
from docstore_client.errors import ApiError, ContentDiffers, DocStoreError
from docstore_client.models import Account, File
from docstore_client.network.connection import Connection
from docstore_client.sources import Progress, Source
from docstore_client.transfers import complete, put_bytes, together

PARALLEL_BLOCKS = 4
LISTED_AT_ONCE = 1000
QUERIED_AT_ONCE = 64
BUFFERS = 3
"""Buffers of chunking.WINDOW bytes: some are read while others are sent."""

Part = tuple[Block, memoryview]


class Reading:
    """A file that is read once, from beginning to end; `blocks` lists the blocks found so far, in any order."""

    def __init__(self, file: FileIO) -> None:
        self._cutter = Cutter(file)
        self._whole = hashlib.sha256()
        self._turn = asyncio.Lock()
        self._hashing = asyncio.Lock()  # FIFO
        self._seen: set[str] = set()
        self.blocks: list[Block] = []
        self.sent: dict[str, int] = {}
        """Frame lengths by hash of blocks that were sent but not yet verified by the server."""

    async def next(self, buffer: bytearray) -> list[Part] | None:
        """The next blocks with their bytes, each distinct block once; None after the last."""
        async with self._turn:
            window = await asyncio.to_thread(self._cutter.read, buffer)
            if window is None:
                return None
            hashing = asyncio.create_task(self._hash(window.fresh))
        blocks, _ = await asyncio.gather(asyncio.to_thread(window.name), hashing)
        self.blocks += blocks
        new = {block.hash: (block, part) for block, part in zip(blocks, window.parts, strict=True)}
        found = [each for digest, each in new.items() if digest not in self._seen]
        self._seen |= new.keys()
        return found

    async def _hash(self, fresh: memoryview) -> None:
        """Update the hash of the whole file in reading order; blocks are hashed in parallel."""
        async with self._hashing:
            await asyncio.to_thread(self._whole.update, fresh)

    def content(self) -> "Content":
        blocks = sorted(self.blocks, key=lambda block: block.offset)
        return Content(blocks, sum(block.size for block in blocks), self._whole.hexdigest())


@dataclass(frozen=True, slots=True)
class Content:
    """Attributes of a file when it was read."""

    blocks: list[Block]
    size: int
    sha256: str


class BlockUploads:
    """Uploads in blocks over one connection; all uploads share a few buffers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffers = asyncio.Semaphore(BUFFERS)
        self._sending = asyncio.Semaphore(PARALLEL_BLOCKS)
        self._framing = asyncio.Semaphore(PARALLEL_BLOCKS)
        self._signs_lengths = True

    async def upload(self, source: Source, progress: Progress) -> File:
        """Upload one file. Return the resulting file."""
        checking = asyncio.create_task(self._check_first(source))
        try:
            content = await self._send(source.local, checking, progress)
            await checking
        finally:
            checking.cancel()
        if source.measured not in (None, (content.size, content.sha256)):
            raise ContentDiffers(f"{source.local} has changed since it was measured")
        wish = {**source.wish(content.size, content.sha256), "method": "blocks"}
        upload = await self._connection.call("POST", "/v1/uploads", wish)
        try:
            return await self._complete(upload["id"], source.local, content)
        except (ContentDiffers, OSError):
            with suppress(DocStoreError):  # so that no quota stays reserved
                await self._connection.call("DELETE", f"/v1/uploads/{upload['id']}")
            raise

    async def _check_first(self, source: Source) -> set[str]:
        """Hashes of the file to be replaced: these blocks need not be queried.

        The server decides when the upload begins; uploads that it would refuse are refused here, before they are sent.
        """
        me = Account.model_validate(await self._connection.call("GET", "/v1/me"))
        there = await self._replaced(source)
        place = there
        if place is None and source.parent_id not in (None, me.id):
            place = await self._file(f"/v1/files/{source.parent_id}")
        if place is not None and place.owner_id != me.id:
            return set()  # the owner's quota counts, and others' blocks can't be reused
        size = source.size_now()
        if me.usage is not None and me.usage.used + me.usage.reserved + size > me.usage.limit:
            detail = f"not enough space: {size} bytes needed"
            raise ApiError(507, "over_quota", detail, {"usage": me.usage.model_dump()})
        return set() if there is None or there.is_folder else await self._hashes_of(there.id)

    async def _replaced(self, source: Source) -> File | None:
        if source.file_id is not None:
            return await self._file(f"/v1/files/{source.file_id}")
        try:
            return await self._file("/v1/files/by-path", path=source.path, parent_id=source.parent_id)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    async def _file(self, route: str, **params: str | None) -> File:
        return File.model_validate(await self._connection.call("GET", route, params=params))

    async def _hashes_of(self, file_id: str) -> set[str]:
        hashes: set[str] = set()
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": LISTED_AT_ONCE, "cursor": cursor or None}
            try:
                page = await self._connection.call("GET", f"/v1/files/{file_id}/blocks", params=query)
            except ApiError as error:
                if error.code != "not_in_blocks":
                    raise
                return set()
            hashes |= {block["hash"] for block in page["blocks"]}
            cursor = page.get("cursor")
        return hashes

    async def _send(self, path: Path, checking: asyncio.Task[set[str]], progress: Progress) -> Content:
        """Read a file and send its blocks, after querying which ones the account has."""
        with path.open("rb", buffering=0) as file:
            before = _state(file)
            size, _ = before
            reading = Reading(file)
            workers = min(BUFFERS, 1 + size // WINDOW)
            await together(self._send_windows(reading, size, checking, progress) for _ in range(workers))
            if _state(file) != before:
                raise ContentDiffers(f"{path} has changed while it was sent")
        content = reading.content()
        once = {block.hash: block.size for block in content.blocks}
        progress(content.size - sum(once.values()))
        return content

    async def _send_windows(
        self, reading: Reading, size: int, checking: asyncio.Task[set[str]], progress: Progress
    ) -> None:
        async with self._buffers:
            buffer = buffer_for(size)
            while (parts := await reading.next(buffer)) is not None:
                known = await checking
                progress(sum(block.size for block, _ in parts if block.hash in known))
                new = [part for part in parts if part[0].hash not in known]
                await self._send_missing(new, reading.sent, progress)

    async def _send_missing(self, parts: Sequence[Part], sent: dict[str, int], progress: Progress) -> None:
        """Query blocks that were sent, so that the server verifies them early."""
        frames = await asyncio.gather(*(self._frame(part) for _, part in parts))
        lengths = {block.hash: len(frame) for (block, _), frame in zip(parts, frames, strict=True)}
        queried = list(sent)[:QUERIED_AT_ONCE] if len(sent) >= QUERIED_AT_ONCE else []
        targets = await self._missing(lengths, {each: sent.pop(each) for each in queried})
        progress(sum(block.size for block, _ in parts if block.hash not in targets))

        async def send(block: Block, frame: bytes) -> None:
            async with self._sending:
                await put_bytes(self._connection, targets[block.hash], frame)
                progress(block.size)
            sent[block.hash] = len(frame)

        framed = zip(parts, frames, strict=True)
        await together(send(block, frame) for (block, _), frame in framed if block.hash in targets)

    async def _frame(self, part: memoryview) -> bytes:
        """Compress before the query: the server signs the length."""
        async with self._framing:
            return await asyncio.to_thread(compressed, part) if shrinks(part) else raw_frame(part)

    async def _missing(self, lengths: Mapping[str, int], sent: Mapping[str, int]) -> dict[str, Any]:
        """URLs for blocks that the account has not sent yet; `lengths`: frame lengths by hash."""
        if not lengths:
            return {}
        wish: dict[str, Any] = {"hashes": [*lengths, *sent]}
        if self._signs_lengths:
            wish["sizes"] = {**sent, **lengths}
        try:
            response = await self._connection.call("POST", "/v1/blocks/missing", wish)
        except ApiError as error:
            if error.status != 422 or "sizes" not in wish:
                raise
            self._signs_lengths = False  # servers of earlier releases have no sizes
            return await self._missing(lengths, sent)
        return {each["hash"]: each for each in response["missing"]}

    async def _complete(self, upload_id: str, path: Path, content: Content) -> File:
        done = {"blocks": [{"hash": block.hash, "size": block.size} for block in content.blocks]}
        again: set[str] = set()
        while True:
            try:
                return await complete(self._connection, upload_id, done)
            except ApiError as error:
                gone = set(error.extra.get("hashes", ())) - again
                if error.code != "blocks_missing" or not gone:
                    raise
            await self._send_again(path, content, gone)
            again |= gone

    async def _send_again(self, path: Path, content: Content, hashes: Iterable[str]) -> None:
        """Send blocks that were known but are missing: deleted since, or never received."""
        places = {block.hash: block for block in content.blocks}
        gone = [places[each] for each in hashes if each in places]
        for start in range(0, len(gone), PARALLEL_BLOCKS):
            blocks = gone[start : start + PARALLEL_BLOCKS]
            read = await asyncio.to_thread(_read_again, path, blocks)
            parts = [(block, memoryview(data)) for block, data in zip(blocks, read, strict=True)]
            await self._send_missing(parts, {}, lambda _: None)


def _state(file: FileIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _read_again(path: Path, blocks: Sequence[Block]) -> list[bytes]:
    with path.open("rb") as file:
        read = [os.pread(file.fileno(), block.size, block.offset) for block in blocks]
    for block, data in zip(blocks, read, strict=True):
        if hashlib.sha256(data).hexdigest() != block.hash:
            raise ContentDiffers(f"{path} has changed while it was sent")
    return read
