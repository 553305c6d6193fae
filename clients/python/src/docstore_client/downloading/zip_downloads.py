"""Downloads files and folders as one ZIP: continues where the connection broke, and replaces atomically."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import aiohttp

from docstore_client.errors import Unreachable, reason_of
from docstore_client.network.connection import Connection
from docstore_client.network.retrying import TRIES, pause
from docstore_client.sources import Progress

Begun = Callable[[int], Progress]
"""Receives the length of the ZIP when it begins, and returns the callback for received bytes."""


async def download_zip(connection: Connection, file_ids: Sequence[str], local: Path, begun: Begun) -> None:
    """Download everything in these to `local`. Unreachable if several attempts in a row bring nothing new."""
    beside = local.with_name(f".{local.name[:60]}.{os.getpid()}.part")
    try:
        with beside.open("wb") as out:
            await _fetch(connection, file_ids, out, begun)
        os.replace(beside, local)
    finally:
        beside.unlink(missing_ok=True)


async def _fetch(connection: Connection, file_ids: Sequence[str], out: BinaryIO, begun: Begun) -> None:
    progress: Progress | None = None
    etag, attempt, params = "", 0, {"id": [*file_ids]}
    while True:
        before = out.tell()
        try:
            async with connection.opened("/v1/files/zip", params, before, etag=etag) as response:
                if progress is None:
                    progress = begun(response.content_length or 0)
                if response.status == 200 and before:  # something has changed
                    progress(-before)
                    out.seek(0)
                    out.truncate()
                etag = response.headers.get("etag", "")
                async for piece in connection.receiving.pieces_of(response):
                    out.write(piece)
                    progress(len(piece))
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            attempt = 0 if out.tell() > before else attempt + 1
            if attempt == TRIES:
                raise Unreachable(f"the ZIP can't be downloaded: {reason_of(error)}") from error
        await asyncio.sleep(pause(attempt))
