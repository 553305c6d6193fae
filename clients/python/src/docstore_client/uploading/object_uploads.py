"""Uploads files as separate objects: small ones in batches, large ones in resumable parallel parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from docstore_client.errors import ContentDiffers, DocStoreError, StoreError
from docstore_client.models import File
from docstore_client.network.connection import Connection
from docstore_client.sources import Progress, Source, unreadable
from docstore_client.transfers import Range, complete, put, refusal, together

MIB = 1 << 20
MULTIPART_FROM = 16 * MIB
"""Smaller uploads are not resumed."""
PARALLEL_PARTS = 4
PARALLEL_FILES = 16
PARALLEL_BATCHES = 2
PART_URLS = 100
BATCH = 200


class ObjectUploads:
    """Uploads of whole objects over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._parts = asyncio.Semaphore(PARALLEL_PARTS)
        self._files = asyncio.Semaphore(PARALLEL_FILES)
        self._batches = asyncio.Semaphore(PARALLEL_BATCHES)

    async def upload(self, source: Source, progress: Progress) -> File:
        """Upload one file. Return the resulting file. An interrupted upload of a large file is resumed."""
        size, digest = await source.measure()
        upload = await self._interrupted(source, size, digest)
        if upload is None:
            method = "multipart" if size >= MULTIPART_FROM else "put"
            wish = {**source.wish(size, digest), "method": method}
            upload = await self._connection.call("POST", "/v1/uploads", wish)
        await self._send_or_give_up(upload, source.local, size, progress)
        return await complete(self._connection, upload["id"])

    async def _interrupted(self, source: Source, size: int, digest: str) -> dict[str, Any] | None:
        """Find an unfinished upload of the same bytes to the same path."""
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

    async def upload_many(self, sources: Sequence[Source], progress: Progress) -> list[File | DocStoreError]:
        """Upload files of a few MiB at most in batches. Return for each the file or the error."""
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
        wishes = [{**sources[number].wish(*each), "method": "put"} for number, each in measured.items()]
        initiated = await self._each("/v1/uploads/batch", dict(zip(measured, wishes, strict=True)), outcomes)

        async def send(number: int) -> None:
            try:
                await self._send_or_give_up(initiated[number], sources[number].local, measured[number][0], progress)
            except (DocStoreError, OSError) as error:
                outcomes[number] = unreadable(sources[number], error)

        await together(send(number) for number in initiated)
        sent = {number: {"id": upload["id"]} for number, upload in initiated.items() if number not in outcomes}
        for number, response in (await self._each("/v1/uploads/complete-batch", sent, outcomes)).items():
            outcomes[number] = File.model_validate(response)
        return [outcomes[number] for number in range(len(sources))]

    async def _each(
        self, route: str, items: Mapping[int, Any], outcomes: dict[int, File | DocStoreError]
    ) -> dict[int, dict[str, Any]]:
        """Results of a batch by number; refused items are added to the outcomes."""
        if not items:
            return {}
        results = (await self._connection.call("POST", route, {"uploads": list(items.values())}))["items"]
        numbered = dict(zip(items, results, strict=True))
        for number, response in numbered.items():
            if problem := response.get("problem"):
                outcomes[number] = refusal(problem)
        return {number: response for number, response in numbered.items() if "problem" not in response}

    async def _send_or_give_up(self, upload: Mapping[str, Any], local: Path, size: int, progress: Progress) -> None:
        """Cancel an upload that can't succeed, so that no quota stays reserved."""
        try:
            await self._send(upload, local, size, progress)
        except (StoreError, ContentDiffers, OSError) as error:
            if not isinstance(error, StoreError) or error.status < 500:
                with suppress(DocStoreError):
                    await self._connection.call("DELETE", f"/v1/uploads/{upload['id']}")
            raise

    async def _send(self, upload: Mapping[str, Any], local: Path, size: int, progress: Progress) -> None:
        if upload["method"] == "put":
            target = upload["put"]
            async with self._files:
                await self._put(target["url"], target["headers"], Range(local, size, 0, size), progress)
            return
        multipart = upload["multipart"]
        part_size = multipart["part_size"]
        progress(sum(part["size"] for part in multipart["sent"]))

        async def send_part(number: int, url: str) -> None:
            start = (number - 1) * part_size
            async with self._parts:
                await self._put(url, {}, Range(local, size, start, min(part_size, size - start)), progress)

        async for group in self._part_urls(upload):
            await together(send_part(part["number"], part["url"]) for part in group)

    async def _part_urls(self, upload: Mapping[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        """URLs of missing parts, in batches."""
        multipart = upload["multipart"]
        known: list[dict[str, Any]] = multipart["parts"]
        if not known:  # all parts are there; the store may have assembled the object already
            return
        yield known
        done = {part["number"] for part in (*multipart["sent"], *known)}
        others = [number for number in range(1, multipart["part_count"] + 1) if number not in done]
        for first in range(0, len(others), PART_URLS):
            body = {"numbers": others[first : first + PART_URLS]}
            yield (await self._connection.call("POST", f"/v1/uploads/{upload['id']}/parts", body))["parts"]

    async def _put(self, url: str, headers: Mapping[str, str], part: Range, progress: Progress) -> None:
        await put(self._connection, url, headers, part.length, part.pieces, progress)


async def _measured(source: Source) -> tuple[int, str] | DocStoreError:
    try:
        return await source.measure()
    except OSError as error:
        return unreadable(source, error)
