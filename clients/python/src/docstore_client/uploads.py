"""Bytes from this machine to the object store: small files many to a call, large ones in parallel parts that a later
upload takes up again."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from docstore_client.connection import Connection
from docstore_client.errors import ApiError, ContentDiffers, DocStoreError, LocalError, StoreError, Unreachable
from docstore_client.models import File
from docstore_client.retrying import TRIES, pause, proxy_for

MIB = 1 << 20
MULTIPART_FROM = 16 * MIB
"""Less is sent again as a whole when it is cut off."""
PARALLEL_PARTS = 4
PARALLEL_FILES = 16
PARALLEL_BATCHES = 2
PIECE = 256 * 1024
PART_URLS = 100
BATCH = 200

Progress = Callable[[int], None]
"""Told how many more bytes have been moved; negative for those that are to be moved again."""


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
    measured: tuple[int, str] | None = None
    """Its size and SHA-256, if they are known; what differs from it then is refused."""

    def wish(self, size: int, sha256: str, method: str) -> dict[str, Any]:
        """The body of POST /v1/uploads."""
        wish: dict[str, Any] = {"size": size, "sha256": sha256, "method": method, "on_conflict": self.on_conflict}
        for name in ("path", "file_id", "parent_id", "base_version"):
            if getattr(self, name) is not None:
                wish[name] = getattr(self, name)
        return {**wish, "tags": list(self.tags)} if self.tags else wish

    async def measure(self) -> tuple[int, str]:
        """Its size and SHA-256."""
        if self.measured is not None:
            return self.measured
        return await asyncio.to_thread(measure, self.local)

    @property
    def is_plain(self) -> bool:
        """Nothing but a path: an upload of the same bytes to the same path is the same upload."""
        return self.path is not None and self == Source(self.local, self.path, measured=self.measured)


def measure(path: Path) -> tuple[int, str]:
    """Size and hex SHA-256 of a local file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


class Uploads:
    """Uploads over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._parts = asyncio.Semaphore(PARALLEL_PARTS)
        self._files = asyncio.Semaphore(PARALLEL_FILES)
        self._batches = asyncio.Semaphore(PARALLEL_BATCHES)

    async def upload(self, source: Source, progress: Progress = lambda _: None) -> File:
        """Send one file; the file as it is then. Of a large one what an upload before has sent is not sent again."""
        size, digest = await source.measure()
        upload = await self._interrupted(source, size, digest)
        if upload is None:
            method = "multipart" if size >= MULTIPART_FROM else "put"
            upload = await self._connection.call("POST", "/v1/uploads", source.wish(size, digest, method))
        await self._send_or_give_up(upload, source.local, size, progress)
        return await self._complete(upload["id"])

    async def _interrupted(self, source: Source, size: int, digest: str) -> dict[str, Any] | None:
        """An upload of the same bytes to the same path that was begun, with what is still to be sent."""
        if size < MULTIPART_FROM or not source.is_plain:
            return None
        wanted = (source.path, size, digest, "multipart")
        for state in ("uploading", "initiated"):
            page = await self._connection.call("GET", "/v1/uploads", params={"state": state, "limit": 1000})
            for one in page["items"]:
                if (one["path"], one["size"], one["sha256"], one["method"]) == wanted:
                    found: dict[str, Any] = await self._connection.call("GET", f"/v1/uploads/{one['id']}")
                    return found if "multipart" in found else None
        return None

    async def _complete(self, upload_id: str) -> File:
        while True:
            try:
                answer = await self._connection.call("POST", f"/v1/uploads/{upload_id}/complete")
            except ApiError as error:
                if error.code == "verifying":  # a large object is being read for its checksum
                    continue
                raise
            return File.model_validate(answer)

    async def upload_many(
        self, sources: Sequence[Source], progress: Progress = lambda _: None
    ) -> list[File | DocStoreError]:
        """Send small files, many to a call; for each the file, or why not."""
        batches = [sources[start : start + BATCH] for start in range(0, len(sources), BATCH)]
        outcomes = await asyncio.gather(*(self._upload_batch(batch, progress) for batch in batches))
        return [outcome for batch in outcomes for outcome in batch]

    async def _upload_batch(self, sources: Sequence[Source], progress: Progress) -> list[File | DocStoreError]:
        async with self._batches:
            try:
                return await self._try_batch(sources, progress)
            except DocStoreError as error:
                return [error] * len(sources)

    async def _try_batch(self, sources: Sequence[Source], progress: Progress) -> list[File | DocStoreError]:
        outcomes: dict[int, File | DocStoreError] = {}
        measured: dict[int, tuple[int, str]] = {}
        for number, each in enumerate(await asyncio.gather(*map(_measured, sources))):
            if isinstance(each, DocStoreError):
                outcomes[number] = each
            else:
                measured[number] = each
        wishes = [sources[number].wish(*each, "put") for number, each in measured.items()]
        begun = await self._each("/v1/uploads/batch", dict(zip(measured, wishes, strict=True)), outcomes)

        async def send(number: int) -> None:
            try:
                await self._send_or_give_up(begun[number], sources[number].local, measured[number][0], progress)
            except (DocStoreError, OSError) as error:
                outcomes[number] = _unreadable(sources[number], error)

        await _together(send(number) for number in begun)
        sent = {number: {"id": upload["id"]} for number, upload in begun.items() if number not in outcomes}
        for number, answer in (await self._each("/v1/uploads/complete-batch", sent, outcomes)).items():
            outcomes[number] = File.model_validate(answer)
        return [outcomes[number] for number in range(len(sources))]

    async def _each(
        self, route: str, items: Mapping[int, Any], outcomes: dict[int, File | DocStoreError]
    ) -> dict[int, dict[str, Any]]:
        """The answers of a batch by number; what is refused goes to the outcomes."""
        if not items:
            return {}
        answers = (await self._connection.call("POST", route, {"uploads": list(items.values())}))["items"]
        numbered = dict(zip(items, answers, strict=True))
        for number, answer in numbered.items():
            if problem := answer.get("problem"):
                outcomes[number] = ApiError(problem["status"], problem["code"], problem["detail"], problem)
        return {number: answer for number, answer in numbered.items() if "problem" not in answer}

    async def _send_or_give_up(self, upload: Mapping[str, Any], local: Path, size: int, progress: Progress) -> None:
        """What can't succeed later is given up, so that no quota stays reserved for it."""
        try:
            await self._send(upload, local, size, progress)
        except (StoreError, ContentDiffers, OSError) as error:
            if not isinstance(error, StoreError) or error.status < 500:
                with suppress(DocStoreError):
                    await self._connection.call("DELETE", f"/v1/uploads/{upload['id']}")
            raise

    async def _send(self, upload: Mapping[str, Any], local: Path, size: int, progress: Progress) -> None:
        if upload["method"] == "put":
            put = upload["put"]
            async with self._files:
                await self._put(put["url"], put["headers"], Range(local, size, 0, size), progress)
            return
        multipart = upload["multipart"]
        part_size = multipart["part_size"]
        progress(sum(part["size"] for part in multipart["sent"]))

        async def send_part(number: int, url: str) -> None:
            start = (number - 1) * part_size
            async with self._parts:
                await self._put(url, {}, Range(local, size, start, min(part_size, size - start)), progress)

        async for group in self._part_urls(upload):
            await _together(send_part(part["number"], part["url"]) for part in group)

    async def _part_urls(self, upload: Mapping[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        """URLs of the parts that are not there, some at a time."""
        multipart = upload["multipart"]
        known: list[dict[str, Any]] = multipart["parts"]
        if not known:  # all are there; the store may have made them one object already
            return
        yield known
        done = {part["number"] for part in (*multipart["sent"], *known)}
        others = [number for number in range(1, multipart["part_count"] + 1) if number not in done]
        for first in range(0, len(others), PART_URLS):
            body = {"numbers": others[first : first + PART_URLS]}
            yield (await self._connection.call("POST", f"/v1/uploads/{upload['id']}/parts", body))["parts"]

    async def _put(self, url: str, headers: Mapping[str, str], part: "Range", progress: Progress) -> None:
        """Send a range of a file to a signed URL, again after a failure."""
        sent_headers = {**headers, "content-length": str(part.length)}
        for attempt in range(TRIES):
            moved = 0

            def count(size: int) -> None:
                nonlocal moved
                moved += size
                progress(size)

            try:
                part.check()
                body = part.pieces(count) if part.length else b""
                async with self._connection.http.put(
                    url, headers=sent_headers, data=body, proxy=proxy_for(url)
                ) as response:
                    if response.status < 400:
                        return
                    if response.status < 500 or attempt == TRIES - 1:
                        raise StoreError(response.status, await response.text())
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == TRIES - 1:
                    raise Unreachable(f"the object store can't be reached: {error!r}") from error
            progress(-moved)
            await asyncio.sleep(pause(attempt))


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a local file of a known size, in bytes."""

    local: Path
    size: int
    start: int
    length: int

    def check(self) -> None:
        """ContentDiffers if the file has another size by now."""
        if self.local.stat().st_size != self.size:
            raise ContentDiffers(f"{self.local} has changed while it was sent")

    async def pieces(self, count: Progress) -> AsyncIterator[bytes]:
        """In pieces, so that memory does not grow with the size; ends early if the file does."""
        with self.local.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left and (piece := file.read(min(PIECE, left))):
                yield piece
                left -= len(piece)
                count(len(piece))


async def _measured(source: Source) -> tuple[int, str] | DocStoreError:
    try:
        return await source.measure()
    except OSError as error:
        return _unreadable(source, error)


def _unreadable(source: Source, error: DocStoreError | OSError) -> DocStoreError:
    return error if isinstance(error, DocStoreError) else LocalError(f"{source.local}: {error.strerror}")


async def _together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """The first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
