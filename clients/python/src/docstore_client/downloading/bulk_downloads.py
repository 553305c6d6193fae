"""Downloads many files: one call locates them, and files of one pack are fetched together."""

import asyncio
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import aiohttp
from yarl import URL

from docstore_client.blocks.chunking import BLOCKS_FROM
from docstore_client.downloading.downloads import Downloads, keep_time, part_beside
from docstore_client.errors import ApiError, DocStoreError, StoreError, Unreachable, reason_of, store_error
from docstore_client.models import File
from docstore_client.network.connection import Connection
from docstore_client.network.retrying import proxy_for
from docstore_client.sources import Progress
from docstore_client.transfers import refusal, together

LOCATED_AT_ONCE = 1000
PARALLEL = 8
GAP = 64 << 10
"""Gap between two slices that is fetched along instead of sending another request."""
LONGEST_FETCH = 8 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file and its local target. `version`: other than the current one; `old`: a similar local file.

    `is_beside`: `local` is a temporary path, so small files are written there directly.
    """

    file: File
    local: Path
    version: int | None = None
    old: Path | None = None
    is_beside: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """A requested file with the location of its bytes."""

    index: int
    wanted: Wanted
    version: int
    sha256: str
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


Outcome = DocStoreError | OSError | None
"""None: downloaded."""


class BulkDownloads:
    """Downloads many files over one connection."""

    def __init__(self, connection: Connection, downloads: Downloads) -> None:
        self._connection = connection
        self._downloads = downloads
        self._room = asyncio.Semaphore(PARALLEL)
        self._writing = asyncio.Lock()
        """Limits threads: small files are mostly system calls, which contend with each other."""

    async def download_many(self, wanted: Sequence[Wanted], progress: Progress) -> list[Outcome]:
        """Download each file atomically. Return for each None or the error; errors that concern all are raised."""
        outcomes: dict[int, Outcome] = {}
        small = [(index, each) for index, each in enumerate(wanted) if not _is_large(each)]
        for start in range(0, len(small), LOCATED_AT_ONCE):
            await self._fetch_located(small[start : start + LOCATED_AT_ONCE], outcomes, progress)
        alone = [index for index in range(len(wanted)) if index not in outcomes]

        async def fetch(index: int) -> None:
            outcomes[index] = await self._alone(wanted[index], progress)

        await together(fetch(index) for index in alone)
        return [outcomes[index] for index in range(len(wanted))]

    async def _alone(self, wanted: Wanted, progress: Progress) -> Outcome:
        async with self._room:
            try:
                await self._downloads.download(
                    wanted.file, wanted.local, version=wanted.version, old=wanted.old, progress=progress
                )
            except (DocStoreError, OSError) as error:
                if isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status == 401):
                    raise
                return error
            return None

    async def _fetch_located(
        self, items_of: Sequence[tuple[int, Wanted]], outcomes: dict[int, Outcome], progress: Progress
    ) -> None:
        """Outcomes of files fetched together; the others must be fetched one by one."""
        items = [{"id": each.file.id, "version": each.version or each.file.version} for _, each in items_of]
        response = await self._connection.call("POST", "/v1/contents", {"items": items})
        by_url: defaultdict[str, list[Located]] = defaultdict(list)
        for (index, wanted), result in zip(items_of, response["results"], strict=True):
            if problem := result.get("problem"):
                outcomes[index] = refusal(problem)
            elif result.get("direct", True) and result["size"] < BLOCKS_FROM:
                place = (result["version"], result["sha256"], result.get("offset", 0), result["size"])
                by_url[result["url"]].append(Located(index, wanted, *place))
        spans = [(url, span) for url, located in by_url.items() for span in _spans(located)]
        found = await asyncio.gather(*(self._fetch_span(url, span, progress) for url, span in spans))
        for each in found:
            outcomes |= each

    async def _fetch_span(self, url: str, span: Sequence[Located], progress: Progress) -> Mapping[int, Outcome]:
        """Fetch adjacent slices with one request; invalid slices are left out."""
        start, end = span[0].offset, max(each.end for each in span)
        async with self._room:
            try:
                data = await self._get(url, start, end) if end > start else b""
            except (StoreError, Unreachable):  # it may have moved since: its own call finds it
                return {}
            async with self._writing:
                outcomes = await asyncio.to_thread(_write_all, span, memoryview(data), start)
        progress(sum(each.size for each in span if each.index in outcomes))
        return outcomes

    async def _get(self, url: str, start: int, end: int) -> bytes:
        headers = {"range": f"bytes={start}-{end - 1}"}
        try:
            async with self._connection.http.get(
                URL(url, encoded=True), headers=headers, proxy=proxy_for(url)
            ) as response:
                if response.status == 206:
                    return await self._connection.receiving.read(response)
                raise await store_error(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"the object store can't be reached: {reason_of(error)}") from error


def _is_large(wanted: Wanted) -> bool:
    """Whether a file is large enough to resume, and perhaps to fetch in blocks."""
    return wanted.version is None and wanted.file.size >= BLOCKS_FROM


def _spans(located: Sequence[Located]) -> Iterator[list[Located]]:
    """Group slices into requests, in the order of the object."""
    span: list[Located] = []
    for each in sorted(located, key=lambda located: located.offset):
        if span and (each.offset > span[-1].end + GAP or each.end - span[0].offset > LONGEST_FETCH):
            yield span
            span = []
        span.append(each)
    if span:
        yield span


def _write_all(span: Sequence[Located], data: memoryview, start: int) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    for each in span:
        piece = data[each.offset - start : each.end - start]
        if hashlib.sha256(piece).hexdigest() != each.sha256:
            continue
        try:
            _write(each, piece)
            outcomes[each.index] = None
        except OSError as error:
            outcomes[each.index] = error
    return outcomes


def _write(located: Located, data: memoryview) -> None:
    wanted = located.wanted
    beside = wanted.local if wanted.is_beside else part_beside(wanted.local, wanted.file.id, located.version)
    beside.unlink(missing_ok=True)  # leftovers of an interrupted download may be read-only
    with FileIO(beside, "w") as file:
        while data:
            data = data[file.write(data) :]
    if not wanted.is_beside:
        keep_time(beside, wanted.file, located.version)
        os.replace(beside, wanted.local)
