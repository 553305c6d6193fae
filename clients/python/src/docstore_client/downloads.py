"""Bytes from DocStore to this machine: taken up where they were cut off, verified, never a half-written file."""

import asyncio
import os
from pathlib import Path

import aiohttp

from docstore_client.connection import Connection
from docstore_client.errors import ContentDiffers, Unreachable
from docstore_client.models import File
from docstore_client.retrying import TRIES, pause
from docstore_client.uploads import Progress, measure

PIECE = 256 * 1024
NAME_CHARACTERS = 60
"""Of a name in that of the file beside it, which may not be longer than 255 bytes."""


class Downloads:
    """Downloads over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def download(
        self, file: File, local: Path, *, version: int | None = None, progress: Progress = lambda _: None
    ) -> None:
        """Fetch a version's content, the current one's by default, to `local`: written beside it, verified, moved.

        Takes up what a download before has left; begins anew if that is damaged. ContentDiffers if what arrives is not
        what the file says.
        """
        number = version or file.version
        digest = file.sha256 if number == file.version else await self._digest(file, number)
        beside = local.with_name(f".{local.name[:NAME_CHARACTERS]}.{file.id[-8:]}-{number}.part")
        is_resumed = _size(beside) > 0
        await self._fetch_all(file, beside, number, progress)
        if is_resumed and (await asyncio.to_thread(measure, beside))[1] != digest:
            beside.unlink()
            await self._fetch_all(file, beside, number, progress)
        if (await asyncio.to_thread(measure, beside))[1] != digest:
            beside.unlink()
            raise ContentDiffers(f"{file.path} did not arrive as it was sent")
        os.replace(beside, local)

    async def _digest(self, file: File, number: int) -> str:
        query = {"since": number - 1, "limit": 1}
        answer = await self._connection.call("GET", f"/v1/files/{file.id}/changes", params=query)
        return next((one["sha256"] for one in answer["items"] if one["version"] == number), "")

    async def _fetch_all(self, file: File, beside: Path, version: int, progress: Progress) -> None:
        for attempt in range(TRIES):
            try:
                await self._fetch(file, beside, version, progress)
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"{file.path} can't be fetched: {error!r}") from error
                await asyncio.sleep(pause(attempt))

    async def _fetch(self, file: File, beside: Path, version: int, progress: Progress) -> None:
        have = _size(beside)
        route = f"/v1/files/{file.id}/content"
        async with self._connection.opened(route, {"version": version}, have) as response:
            if response.status == 416:  # all of it is there
                return
            with beside.open("ab" if response.status == 206 else "wb") as out:
                async for piece in response.content.iter_chunked(PIECE):
                    out.write(piece)
                    progress(len(piece))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
