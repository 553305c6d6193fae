"""Bytes between this machine and the object store: in parallel, taken up again where they were cut off, verified."""

import asyncio
import hashlib
import mmap
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from docstore_client.connection import Connection
from docstore_client.errors import ApiError, ContentDiffers, StoreError, Unreachable
from docstore_client.models import File

MIB = 1 << 20
MULTIPART_FROM = 64 * MIB
PARALLEL_PARTS = 4
PIECE = 256 * 1024
TRIES = 4
PART_URLS = 100
BATCH = 200

Progress = Callable[[int], None]
"""Told how many more bytes have been moved."""


@dataclass(frozen=True, slots=True)
class Source:
    """A local file to be sent to `path`, or as the next version of `file_id`."""

    local: Path
    path: str | None = None
    file_id: str | None = None
    parent_id: str | None = None
    base_version: int | None = None
    on_conflict: str = "copy"
    tags: Sequence[str] = ()

    def wish(self, size: int, sha256: str, method: str) -> dict[str, Any]:
        """The body of POST /v1/uploads."""
        wish: dict[str, Any] = {"size": size, "sha256": sha256, "method": method, "on_conflict": self.on_conflict}
        for name in ("path", "file_id", "parent_id", "base_version"):
            if getattr(self, name) is not None:
                wish[name] = getattr(self, name)
        return {**wish, "tags": list(self.tags)} if self.tags else wish


def measure(path: Path) -> tuple[int, str]:
    """Size and hex SHA-256 of a local file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


class Transfers:
    """Uploads and downloads over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def upload(self, source: Source, progress: Progress = lambda _: None) -> File:
        """Send one file; the file as it is then. A large one goes in parallel parts."""
        size, digest = await asyncio.to_thread(measure, source.local)
        method = "multipart" if size >= MULTIPART_FROM else "put"
        upload = await self._connection.call("POST", "/v1/uploads", source.wish(size, digest, method))
        try:
            done = await self._send(upload, source.local, size, progress)
            return File.model_validate(
                await self._connection.call("POST", f"/v1/uploads/{upload['id']}/complete", done)
            )
        except StoreError:
            await self._connection.call("DELETE", f"/v1/uploads/{upload['id']}")
            raise

    async def upload_many(
        self, sources: Sequence[Source], progress: Progress = lambda _: None
    ) -> list[File | ApiError]:
        """Send small files, many to a call; for each the file, or why not."""
        results: list[File | ApiError] = []
        for start in range(0, len(sources), BATCH):
            results += await self._upload_batch(sources[start : start + BATCH], progress)
        return results

    async def _upload_batch(self, sources: Sequence[Source], progress: Progress) -> list[File | ApiError]:
        measured = [await asyncio.to_thread(measure, source.local) for source in sources]
        wishes = [source.wish(*each, "put") for source, each in zip(sources, measured, strict=True)]
        begun = (await self._connection.call("POST", "/v1/uploads/batch", {"uploads": wishes}))["items"]
        results: list[File | ApiError] = [_problem(item) or ApiError(0, "not_sent", "not sent") for item in begun]
        at = [number for number, item in enumerate(begun) if "problem" not in item]
        sent = await asyncio.gather(
            *(self._send(begun[number], sources[number].local, measured[number][0], progress) for number in at),
            return_exceptions=True,
        )
        for number, outcome in zip(at, sent, strict=True):
            if isinstance(outcome, BaseException):
                if not isinstance(outcome, StoreError | Unreachable | OSError):
                    raise outcome
                results[number] = ApiError(0, "not_sent", str(outcome))
        ready = [number for number, outcome in zip(at, sent, strict=True) if not isinstance(outcome, BaseException)]
        if ready:
            body = {"uploads": [{"id": begun[number]["id"]} for number in ready]}
            answers = (await self._connection.call("POST", "/v1/uploads/complete-batch", body))["items"]
            for number, answer in zip(ready, answers, strict=True):
                results[number] = _problem(answer) or File.model_validate(answer)
        return results

    async def _send(self, upload: Mapping[str, Any], local: Path, size: int, progress: Progress) -> dict[str, Any]:
        """Send the bytes; what `complete` is to be told."""
        if upload["method"] == "put":
            await self._put(upload["put"]["url"], upload["put"]["headers"], local, 0, size, progress)
            return {}
        part_size = upload["multipart"]["part_size"]
        room = asyncio.Semaphore(PARALLEL_PARTS)

        async def send_part(number: int, url: str) -> dict[str, Any]:
            start = (number - 1) * part_size
            async with room:
                etag = await self._put(url, {}, local, start, min(part_size, size - start), progress)
            return {"number": number, "etag": etag}

        parts: list[dict[str, Any]] = []
        async for group in self._part_urls(upload, -(-size // part_size)):
            parts += await asyncio.gather(*(send_part(part["number"], part["url"]) for part in group))
        return {"parts": parts}

    async def _part_urls(self, upload: Mapping[str, Any], number: int) -> AsyncIterator[list[dict[str, Any]]]:
        known: list[dict[str, Any]] = upload["multipart"]["parts"]
        yield known
        for first in range(len(known) + 1, number + 1, PART_URLS):
            numbers = list(range(first, min(first + PART_URLS, number + 1)))
            answer = await self._connection.call("POST", f"/v1/uploads/{upload['id']}/parts", {"numbers": numbers})
            yield answer["parts"]

    async def _put(
        self, url: str, headers: Mapping[str, str], local: Path, start: int, length: int, progress: Progress
    ) -> str:
        """Send a range of a file to a signed URL, again after a failure; the ETag."""
        for attempt in range(TRIES):
            try:
                with window(local, start, length) as view:
                    async with self._connection.http.put(url, headers=dict(headers), data=view) as response:
                        if response.status < 400:
                            progress(length)
                            return str(response.headers.get("etag", ""))
                        if response.status < 500 or attempt == TRIES - 1:
                            raise StoreError(response.status, await response.text())
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"the object store can't be reached: {error!r}") from error
            await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("the loop above returns or raises")

    async def download(
        self, file: File, local: Path, *, version: int | None = None, progress: Progress = lambda _: None
    ) -> None:
        """Fetch a file's content to `local`: written beside it, verified, then moved there. Takes up what a download
        before has left. ContentDiffers if it is not what the file says."""
        beside = local.with_name(f".{local.name}.{file.id[-8:]}-{version or file.version}.part")
        for attempt in range(TRIES):
            try:
                await self._fetch(file, beside, version, progress)
                break
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"the object store can't be reached: {error!r}") from error
                await asyncio.sleep(0.2 * 2**attempt)
        if version in (None, file.version) and (await asyncio.to_thread(measure, beside))[1] != file.sha256:
            beside.unlink()
            raise ContentDiffers(f"{file.path} did not arrive as it was sent")
        os.replace(beside, local)

    async def _fetch(self, file: File, beside: Path, version: int | None, progress: Progress) -> None:
        answer = await self._connection.ask("GET", f"/v1/files/{file.id}/content", params={"version": version})
        have = await asyncio.to_thread(_size, beside)
        headers = {"range": f"bytes={have}-"} if have else {}
        async with self._connection.http.get(answer.headers["location"], headers=headers) as response:
            if response.status == 416:  # all of it is there
                return
            if response.status >= 400:
                raise StoreError(response.status, await response.text())
            with beside.open("ab" if response.status == 206 else "wb") as out:
                async for piece in response.content.iter_chunked(PIECE):
                    out.write(piece)
                    progress(len(piece))


@contextmanager
def window(path: Path, start: int, length: int) -> Iterator[memoryview | bytes]:
    """A range of a file as bytes that are not copied; an empty one can't be mapped."""
    if not length:
        yield b""
        return
    page = start - start % mmap.ALLOCATIONGRANULARITY
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), length + start - page, offset=page, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as whole,
        whole[start - page :] as view,
    ):
        yield view


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _problem(item: Mapping[str, Any]) -> ApiError | None:
    problem = item.get("problem")
    return ApiError(problem["status"], problem["code"], problem["detail"], problem) if problem else None
