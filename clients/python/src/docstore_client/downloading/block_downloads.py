"""Downloads large files block by block, reusing blocks of an old copy or an interrupted download."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from docstore_client.blocks.chunking import Block, blocks_of
from docstore_client.blocks.frames import plain_of
from docstore_client.errors import ApiError, ContentDiffers, StoreError, Unreachable, reason_of, store_error
from docstore_client.network.connection import Connection
from docstore_client.network.retrying import TRIES, may_pass_at_store, pause, proxy_for
from docstore_client.sources import Progress

PARALLEL_BLOCKS = 6
BLOCKS_A_CALL = 200
LARGEST_BLOCK = 8 << 20
"""Largest plausible block size of any client."""

Ask = Callable[[], Awaitable[Mapping[str, Any]]]
"""Requests the block list again."""


class Page:
    """Consecutive blocks of a version from `offset` on, with URLs that expire after minutes."""

    def __init__(self, listed: Mapping[str, Any], offset: int, ask: Ask) -> None:
        self.blocks = _placed(listed["blocks"], offset)
        self._urls = _urls(listed)
        self._ask = ask
        self._renewing = asyncio.Lock()

    def url(self, block: Block) -> str:
        return self._urls[block.hash]

    async def url_instead_of(self, expired: str, block: Block) -> str:
        """Renew the URLs of a page once, for the first block that finds them expired."""
        async with self._renewing:
            if self._urls[block.hash] == expired:
                self._urls |= _urls(await self._ask())
            return self._urls[block.hash]


@dataclass(frozen=True, slots=True)
class Assembly:
    """A file assembled from blocks; descriptors of it and of the old copy."""

    part: int
    old: int | None
    known: Mapping[str, Block]
    """Blocks of the old copy by hash."""
    is_resumed: bool

    def has(self, block: Block) -> bool:
        """Whether the block is in place already, or was copied from the old copy."""
        if self.is_resumed:
            there = os.pread(self.part, block.size, block.offset)
            if len(there) == block.size and hashlib.sha256(there).hexdigest() == block.hash:
                return True
        before = self.known.get(block.hash)
        if before is None or self.old is None:
            return False
        # if the old copy has changed since it was chunked, the SHA-256 of the whole file detects it
        self.write(os.pread(self.old, before.size, before.offset), block.offset)
        return True

    def write(self, data: bytes, offset: int) -> None:
        left = memoryview(data)
        while left:
            written = os.pwrite(self.part, left, offset)
            left, offset = left[written:], offset + written

    def hash_into(self, digest: "hashlib._Hash", block: Block) -> None:
        digest.update(os.pread(self.part, block.size, block.offset))


class BlockDownloads:
    """Downloads in blocks over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fetching = asyncio.Semaphore(PARALLEL_BLOCKS)

    async def fetch(self, file_id: str, version: int, beside: Path, old: Path | None, progress: Progress) -> str | None:
        """Download a version to `beside`. Return its SHA-256, or None if it is not stored in blocks.

        Each downloaded block is verified. Blocks of `old`, a local file, are reused.
        """
        route = f"/v1/files/{file_id}/blocks"
        query: dict[str, Any] = {"version": version, "limit": BLOCKS_A_CALL}
        ask = partial(self._connection.call, "GET", route, params=query)
        try:
            listed = await ask()
        except ApiError as error:
            if error.code != "not_in_blocks":
                raise
            return None
        digest, offset = hashlib.sha256(), 0
        async with _assembling(beside, old) as assembly:
            while True:
                page = Page(listed, offset, ask)
                offset += sum(block.size for block in page.blocks)
                await self._place_all(page, assembly, digest, progress)
                if not listed.get("cursor"):
                    break
                ask = partial(ask, params={**query, "cursor": listed["cursor"]})
                listed = await ask()
            os.ftruncate(assembly.part, offset)
        return digest.hexdigest()

    async def _place_all(self, page: Page, assembly: Assembly, digest: "hashlib._Hash", progress: Progress) -> None:
        """Write blocks in place and hash them in order."""
        try:
            async with asyncio.TaskGroup() as group:
                placing = [group.create_task(self._place(block, page, assembly, progress)) for block in page.blocks]
                for task, block in zip(placing, page.blocks, strict=True):
                    await task
                    await asyncio.to_thread(assembly.hash_into, digest, block)
        except BaseExceptionGroup as failures:  # callers catch single errors, as they do without parallel work
            raise failures.exceptions[0] from None

    async def _place(self, block: Block, page: Page, assembly: Assembly, progress: Progress) -> None:
        async with self._fetching:
            if not await asyncio.to_thread(assembly.has, block):
                plain = await self._get(block, page)
                await asyncio.to_thread(assembly.write, plain, block.offset)
        progress(block.size)

    async def _get(self, block: Block, page: Page) -> bytes:
        url = page.url(block)
        try:
            return await self._get_from(url, block)
        except StoreError as error:
            if error.status != 403:
                raise
            return await self._get_from(await page.url_instead_of(url, block), block)

    async def _get_from(self, url: str, block: Block) -> bytes:
        for attempt in range(TRIES):
            try:
                async with self._connection.http.get(URL(url, encoded=True), proxy=proxy_for(url)) as response:
                    if response.status < 400:
                        framed = await self._connection.receiving.read(response)
                        return await asyncio.to_thread(plain_of, framed, block.hash, block.size)
                    if not may_pass_at_store(response.status) or attempt == TRIES - 1:
                        raise await store_error(response)
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"the object store can't be reached: {reason_of(error)}") from error
            await asyncio.sleep(pause(attempt))
        raise AssertionError("the loop above returns or raises")


def _urls(listed: Mapping[str, Any]) -> dict[str, str]:
    return {each["hash"]: each["url"] for each in listed["blocks"]}


def _placed(listed: Sequence[Mapping[str, Any]], offset: int) -> list[Block]:
    """Parse the block list; each block follows the previous one."""
    blocks: list[Block] = []
    for each in listed:
        if not 0 < each["size"] <= LARGEST_BLOCK:
            raise ContentDiffers(f"invalid block size {each['size']}")
        blocks.append(Block(each["hash"], offset, each["size"]))
        offset += each["size"]
    return blocks


@asynccontextmanager
async def _assembling(beside: Path, old: Path | None) -> AsyncIterator[Assembly]:
    known = await asyncio.to_thread(_blocks_by_hash, old) if old is not None else {}
    with ExitStack() as closing:
        source = closing.enter_context(old.open("rb")).fileno() if known and old is not None else None
        part = os.open(beside, os.O_RDWR | os.O_CREAT, 0o666)
        closing.callback(os.close, part)
        yield Assembly(part, source, known, is_resumed=os.fstat(part).st_size > 0)


def _blocks_by_hash(old: Path) -> dict[str, Block]:
    """Blocks of an old copy; none if it can't be read: reuse only saves transfers."""
    try:
        return {block.hash: block for block in blocks_of(old)} if old.is_file() else {}
    except OSError:
        return {}
