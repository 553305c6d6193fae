"""Shared parts of all uploads: signed PUTs with retries, completion, parallel work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from docstore_client.errors import ApiError, ContentDiffers, StoreError, Unreachable, reason_of, store_error
from docstore_client.models import File
from docstore_client.network.bandwidth import PIECE
from docstore_client.network.connection import Connection
from docstore_client.network.retrying import TRIES, may_pass_at_store, pause, proxy_for
from docstore_client.sources import Progress

Body = Callable[[Progress], AsyncIterator[bytes | memoryview]]
"""Creates the body for each attempt; receives a callback for the number of bytes sent."""


async def put(
    connection: Connection, url: str, headers: Mapping[str, str], length: int, body: Body, progress: Progress
) -> None:
    """Send bytes to a signed URL with retries. StoreError if refused, Unreachable after the last attempt."""
    sent_headers = {**headers, "content-length": str(length)}
    for attempt in range(TRIES):
        moved = 0

        def count(size: int) -> None:
            nonlocal moved
            moved += size
            progress(size)

        try:
            async with connection.http.put(
                url,
                headers=sent_headers,
                data=connection.sending.paced(body(count)) if length else b"",
                proxy=proxy_for(url),
            ) as response:
                if response.status < 400:
                    return
                if not may_pass_at_store(response.status) or attempt == TRIES - 1:
                    raise await store_error(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            if attempt == TRIES - 1:
                raise Unreachable(f"the object store can't be reached: {reason_of(error)}") from error
        progress(-moved)
        await asyncio.sleep(pause(attempt))


async def put_bytes(connection: Connection, target: Mapping[str, Any], data: bytes) -> None:
    """Send bytes in memory to a signed URL with its headers; succeed if the object exists already."""

    async def pieces(_: Progress) -> AsyncIterator[memoryview]:
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]

    try:
        await put(connection, target["url"], target["headers"], len(data), pieces, lambda _: None)
    except StoreError as error:
        if error.status != 412:  # an earlier attempt, or another device, has stored it
            raise


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a local file, in bytes."""

    local: Path
    size: int
    start: int
    length: int

    def check(self) -> None:
        """Check the size; ContentDiffers if it has changed."""
        if self.local.stat().st_size != self.size:
            raise ContentDiffers(f"{self.local} has changed while it was sent")

    async def pieces(self, count: Progress) -> AsyncIterator[bytes]:
        """Yield pieces, so that memory use is constant; ends early if the file does."""
        self.check()
        with self.local.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left and (piece := file.read(min(PIECE, left))):
                yield piece
                left -= len(piece)
                count(len(piece))


async def complete(connection: Connection, upload_id: str, done: Any = None) -> File:
    """Complete an upload and return the file; waits while the server verifies a large object."""
    while True:
        try:
            response = await connection.call("POST", f"/v1/uploads/{upload_id}/complete", done)
        except ApiError as error:
            if error.code == "verifying":
                continue
            raise
        return File.model_validate(response)


def refusal(problem: Mapping[str, Any]) -> ApiError:
    """Result of one item of a batch."""
    return ApiError(problem["status"], problem["code"], problem["detail"], dict(problem))


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run in parallel; the first failure cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failures:  # callers catch single errors, as they do without parallel work
        raise failures.exceptions[0] from None
