"""Executes single steps of a plan on the local disk and through the DocStore client."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from docstore_client import (
    ApiError,
    AsyncClient,
    ContentDiffers,
    DocStoreError,
    Source,
    StoreError,
    Unreachable,
    Wanted,
)
from docstore_client.models import File
from docstore_sync.local.disk import Disk
from docstore_sync.model import Kind, RemoteEntry
from docstore_sync.remote import RemoteTree, row_of
from docstore_sync.state import RemoteRow
from docstore_sync.steps import Download, StepFailed, Upload, Uploaded

SMALL = 1 << 20
BATCH = 512
BATCH_BYTES = 16 << 20
PARALLEL_BATCHES = 3
FRESH_SECONDS = 0.5

T = TypeVar("T")


@contextmanager
def step() -> Iterator[None]:
    """Turn errors that concern one step into StepFailed; let errors that concern all steps propagate."""
    try:
        yield
    except ApiError as error:
        if error.status == 401 or (error.status >= 500 and error.status != 507):
            raise
        raise StepFailed(error.detail) from error
    except (StoreError, ContentDiffers) as error:
        raise StepFailed(str(error)) from error
    except OSError as error:
        raise StepFailed(error.strerror or str(error)) from error


class LocalExecutor:
    """Executes steps. `progress` receives the number of bytes transferred."""

    def __init__(
        self, disk: Disk, client: AsyncClient, remote: RemoteTree, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        self._disk = disk
        self._client = client
        self._remote = remote
        self._progress = progress
        self._fresh = 0.0
        self._catching_up = asyncio.Lock()
        self._batching = asyncio.Semaphore(PARALLEL_BATCHES)
        self._arrived: list[tuple[Path, int]] = []
        self._finishing: asyncio.Task[None] | None = None
        self._disk_is_free = asyncio.Lock()

    # --- here --------------------------------------------------------------------------------------------

    async def move_local(self, path: str, identity: str, target: str) -> None:
        with step():
            self._disk.move(path, identity, target)

    async def make_folder_local(self, path: str) -> str:
        with step():
            return self._disk.make_folder(path)

    async def delete_local(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        with step():
            self._disk.delete(path, kind, identity, sha256)

    # --- there -------------------------------------------------------------------------------------------

    async def move_remote(self, node_id: str, parent_id: str, name: str) -> None:
        with step():
            self._remote.put(row_of(await self._client.change(node_id, name=name, parent_id=parent_id)))

    async def make_folder_remote(self, parent_id: str, name: str) -> str:
        with step():
            made = await self._client.make_folder(f"/{name}", parent_id=parent_id)
            self._remote.put(row_of(made))
            return made.id

    async def delete_remote(self, node_id: str, versions: Mapping[str, int]) -> None:
        with step():
            await self._fetch_changes()
            rows = self._remote.rows
            now = {each: rows[each].entry.version for each in self._remote.below(node_id) if each in rows}
            if now != versions:
                raise StepFailed("it has changed on the server in the meantime")
            await self._client.delete(node_id)
            self._remote.drop(node_id)

    async def _fetch_changes(self) -> None:
        """Catch up with the feed, at most once for all deletions within FRESH_SECONDS."""
        async with self._catching_up:
            if time.monotonic() - self._fresh > FRESH_SECONDS:
                await self._remote.catch_up()
                self._fresh = time.monotonic()

    # --- bytes -------------------------------------------------------------------------------------------

    def upload_batches(self, uploads: Sequence[Upload]) -> list[list[Upload]]:
        return _batches(uploads, lambda upload: self._size(upload.path))

    def download_batches(self, downloads: Sequence[Download]) -> list[list[Download]]:
        return _batches(downloads, lambda download: self._row(download).size)

    def _row(self, download: Download) -> RemoteRow:
        """Cached row of a file; if it was deleted meanwhile, a row built from the plan."""
        entry = RemoteEntry(download.node_id, "", "", Kind.FILE, download.sha256, download.version)
        return self._remote.rows.get(download.node_id) or RemoteRow(entry, 0, time.time_ns())

    def _size(self, path: str) -> int:
        try:
            return os.lstat(self._disk.at(path)).st_size
        except OSError:
            return 0

    async def upload(self, batch: Sequence[Upload]) -> list[Uploaded | StepFailed]:
        results: dict[int, Uploaded | StepFailed] = {}
        sources: dict[int, Source] = {}
        for number, upload in enumerate(batch):
            try:
                sources[number] = self._source(upload)
            except StepFailed as failure:
                results[number] = failure
        files = await _for_all(self._send(list(sources.values())), len(sources))
        self._remote.put_all([row_of(file) for file in files if isinstance(file, File)])
        for number, file in zip(sources, files, strict=True):
            results[number] = _uploaded(file)
        return [results[number] for number in range(len(batch))]

    def _source(self, upload: Upload) -> Source:
        found = self._disk.check(upload.path, upload.identity, upload.sha256)
        source = Source(
            self._disk.at(upload.path),
            base_version=upload.base_version,
            on_conflict="fail",
            measured=(found.st_size, upload.sha256),
        )
        if upload.file_id:
            return replace(source, file_id=upload.file_id)
        return replace(source, path=f"/{upload.name}", parent_id=upload.parent_id)

    async def _send(self, sources: list[Source]) -> Sequence[File | DocStoreError]:
        if len(sources) == 1:
            return [await self._client.upload(sources[0], self._progress)]
        async with self._batching:
            return await self._client.upload_many(sources, self._progress)

    async def download(self, batch: Sequence[Download]) -> list[str | StepFailed]:
        """Download a batch. A new file gets its version's modification time; a replaced file keeps its mode."""
        results: dict[int, str | StepFailed] = {}
        wanted: dict[int, Wanted] = {}
        room = self._disk.room()
        try:
            with step():
                parts = self._disk.make_parts()
        except StepFailed as failure:
            return [failure] * len(batch)
        for number, download in enumerate(batch):
            try:
                with step():
                    wanted[number] = self._wanted(download, room, parts)
            except StepFailed as failure:
                results[number] = failure
        outcomes = await _for_all(self._fetch(list(wanted.values())), len(wanted))
        arrived: dict[int, Wanted] = {}
        for (number, each), outcome in zip(wanted.items(), outcomes, strict=True):
            if outcome is None:
                arrived[number] = each
            else:
                results[number] = _failure(outcome)
        results |= await self._put_in_place(batch, arrived)
        return [results[number] for number in range(len(batch))]

    def _wanted(self, download: Download, room: int, parts: Path) -> Wanted:
        row, old = self._row(download), None
        if row.size > room:
            raise StepFailed(f"not enough space on the disk: {row.size} bytes needed")
        if download.replaces is not None:
            self._disk.check(download.path, *download.replaces)
            old = self._disk.at(download.path)
        known: dict[str, Any] = {"id": download.node_id, "version": download.version, "sha256": download.sha256}
        known |= {"path": download.path, "size": row.size}
        whole = parts / f"{download.node_id}-{download.version}"
        return Wanted(File.model_construct(**known), whole, old=old, is_beside=True)

    async def _fetch(self, wanted: Sequence[Wanted]) -> Sequence[DocStoreError | OSError | StepFailed | None]:
        if len(wanted) != 1:
            async with self._batching:  # so that the first batch is written while others are requested
                return await self._client.download_many(wanted, self._progress)
        only = wanted[0]
        await self._client.download(only.file, only.local, old=only.old, progress=self._progress)
        return [None]

    async def _put_in_place(self, batch: Sequence[Download], arrived: dict[int, Wanted]) -> dict[int, str | StepFailed]:
        times = [(each.local, self._row(batch[number]).modified_ns) for number, each in arrived.items()]
        results: dict[int, str | StepFailed] = {}
        try:
            with step():
                await self._finished(times)
        except StepFailed as failure:
            return dict.fromkeys(arrived, failure)
        with self._disk.transaction():
            for number, each in arrived.items():
                download = batch[number]
                try:
                    with step():
                        results[number] = self._disk.put(each.local, download.path, download.sha256, download.replaces)
                except StepFailed as failure:
                    results[number] = failure
        return results

    async def _finished(self, wholes: Sequence[tuple[Path, int]]) -> None:
        """Flush batches together that arrive while another flush is running."""
        self._arrived += wholes
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._finish())
        await asyncio.shield(self._finishing)

    async def _finish(self) -> None:
        async with self._disk_is_free:
            wholes, self._arrived, self._finishing = self._arrived, [], None
            await asyncio.to_thread(self._disk.finish, wholes)


def _batches(items: Sequence[T], size_of: Callable[[T], int]) -> list[list[T]]:
    """Group small files; each large file gets its own batch."""
    found: list[list[T]] = []
    batch: list[T] = []
    total = 0
    for item in items:
        size = size_of(item)
        if size > SMALL:
            found.append([item])
            continue
        if batch and (len(batch) == BATCH or total + size > BATCH_BYTES):
            found.append(batch)
            batch, total = [], 0
        batch.append(item)
        total += size
    return [*found, batch] if batch else found


def _uploaded(file: File | DocStoreError | StepFailed) -> Uploaded | StepFailed:
    if isinstance(file, File):
        return Uploaded(file.id, file.version, file.sha256 or "", file.parent_id or "")
    return _failure(file)


def _failure(error: DocStoreError | OSError | StepFailed) -> StepFailed:
    """Convert the error of one file to StepFailed; re-raise errors that concern all files."""
    if isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status == 401):
        raise error
    if isinstance(error, StepFailed):
        return error
    if isinstance(error, ApiError):
        return StepFailed(error.detail)
    return StepFailed(str((isinstance(error, OSError) and error.strerror) or error))


async def _for_all(work: Awaitable[Sequence[T]], number: int) -> Sequence[T | StepFailed]:
    """Return the results of a step for `number` items; if it fails, its error for each of them."""
    try:
        with step():
            return await work
    except StepFailed as failure:
        return [failure] * number
