"""Downloads a file: resumes, verifies, and replaces atomically."""

import asyncio
import hashlib
import os
from pathlib import Path

import aiohttp

from docstore_client.blocks.chunking import BLOCKS_FROM
from docstore_client.downloading.block_downloads import BlockDownloads
from docstore_client.errors import ContentDiffers, StoreError, Unreachable, reason_of
from docstore_client.models import File
from docstore_client.network.bandwidth import PIECE
from docstore_client.network.connection import Connection
from docstore_client.network.retrying import TRIES, may_pass_at_store, pause
from docstore_client.sources import Progress

NAME_BYTES = 60
"""Bytes of the name used in temporary names, which are limited to 255 bytes."""


class Downloads:
    """Downloads over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._blocks = BlockDownloads(connection)

    async def download(
        self,
        file: File,
        local: Path,
        *,
        version: int | None = None,
        old: Path | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        """Download a version's content, by default the current one, to `local`: to a temporary file, verified, renamed.

        Resumes an interrupted download and reuses blocks of `old`, a local file, or of `local` as it is; starts over if
        leftovers are damaged. ContentDiffers if the content does not match the file's hash.
        """
        number = version or file.version
        digest = file.sha256 if number == file.version else await self._digest(file, number)
        beside = part_beside(local, file.id, number)
        old = old or local
        is_resumed = _size(beside) > 0 or _size(old) > 0
        arrived = await self._fetch(file, beside, number, old, progress)
        if arrived != digest and is_resumed:
            beside.unlink()
            arrived = await self._fetch(file, beside, number, None, progress)
        if arrived != digest:
            beside.unlink()
            raise ContentDiffers(f"{file.path} arrived damaged")
        keep_time(beside, file, number)
        os.replace(beside, local)

    async def _digest(self, file: File, number: int) -> str:
        query = {"since": number - 1, "limit": 1}
        response = await self._connection.call("GET", f"/v1/files/{file.id}/changes", params=query)
        return next((one["sha256"] for one in response["items"] if one["version"] == number), "")

    async def _fetch(self, file: File, beside: Path, version: int, old: Path | None, progress: Progress) -> str:
        """Return the SHA-256 of the received bytes."""
        if _may_be_in_blocks(file, version):
            digest = await self._blocks.fetch(file.id, version, beside, old, progress)
            if digest is not None:
                return digest
        for attempt in range(TRIES):
            try:
                return await self._fetch_whole(file, beside, version, progress)
            except StoreError as error:
                if not may_pass_at_store(error.status) or attempt == TRIES - 1:
                    raise
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"{file.path} can't be downloaded: {reason_of(error)}") from error
            await asyncio.sleep(pause(attempt))
        raise AssertionError("the loop above returns or raises")

    async def _fetch_whole(self, file: File, beside: Path, version: int, progress: Progress) -> str:
        route = f"/v1/files/{file.id}/content"
        digest = await asyncio.to_thread(_hashed, beside)
        async with self._connection.opened(route, {"version": version}, _size(beside)) as response:
            if response.status == 416:  # complete
                return digest.hexdigest()
            if response.status != 206:
                digest = hashlib.sha256()
            with beside.open("ab" if response.status == 206 else "wb") as out:
                async for piece in self._connection.receiving.pieces_of(response):
                    out.write(piece)
                    digest.update(piece)
                    progress(len(piece))
        return digest.hexdigest()


def keep_time(local: Path, file: File, version: int) -> None:
    """Set the client's modification time, if known; old versions have none."""
    if version == file.version and file.client_modified_at is not None:
        modified = file.client_modified_at.timestamp()
        os.utime(local, (modified, modified))


def part_beside(local: Path, file_id: str, version: int) -> Path:
    """Temporary path of an incomplete download."""
    name = os.fsencode(local.name)[:NAME_BYTES].decode(errors="ignore")
    return local.with_name(f".{name}.{file_id[-8:]}-{version}.part")


def _may_be_in_blocks(file: File, version: int) -> bool:
    """Whether a file may be stored in blocks: small ones are not; other versions must be queried."""
    is_size_known = version == file.version and "size" in file.model_fields_set
    return not is_size_known or file.size >= BLOCKS_FROM


def _hashed(path: Path) -> "hashlib._Hash":
    digest = hashlib.sha256()
    if path.exists():
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    return digest


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
