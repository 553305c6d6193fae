"""The steps of a plan on a real disk and a real account."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from docstore_client import ApiError, AsyncClient, ContentDiffers, DocStoreError, Source, StoreError
from docstore_client.models import File
from docstore_sync.disk import Disk
from docstore_sync.model import Kind
from docstore_sync.remote import RemoteTree, row_of
from docstore_sync.steps import Sent, StepFailed, Upload

SMALL = 1 << 20
BATCH = 200
PARALLEL_BATCHES = 3
FRESH_SECONDS = 0.5


@contextmanager
def step() -> Iterator[None]:
    """What the server or the disk refuses fails a step; what concerns all steps goes on up."""
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


class RealHands:
    """Does single steps; `progress` is told of bytes that have been moved."""

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

    # --- here --------------------------------------------------------------------------------------------

    async def move_here(self, path: str, identity: str, target: str) -> None:
        with step():
            self._disk.move(path, identity, target)

    async def make_folder_here(self, path: str) -> str:
        with step():
            return self._disk.make_folder(path)

    async def delete_here(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        with step():
            self._disk.delete(path, kind, identity, sha256)

    # --- there -------------------------------------------------------------------------------------------

    async def move_there(self, node_id: str, parent_id: str, name: str) -> None:
        with step():
            self._remote.put(row_of(await self._client.change(node_id, name=name, parent_id=parent_id)))

    async def make_folder_there(self, parent_id: str, name: str) -> str:
        with step():
            made = await self._client.make_folder(f"/{name}", parent_id=parent_id)
            self._remote.put(row_of(made))
            return made.id

    async def delete_there(self, node_id: str, versions: Mapping[str, int]) -> None:
        with step():
            await self._see_news()
            rows = self._remote.rows
            now = {each: rows[each].entry.version for each in self._remote.below(node_id) if each in rows}
            if now != versions:
                raise StepFailed("it has changed at the server meanwhile")
            await self._client.delete(node_id)
            self._remote.drop(node_id)

    async def _see_news(self) -> None:
        """A look at the feed serves all deletions of the next moment."""
        async with self._catching_up:
            if time.monotonic() - self._fresh > FRESH_SECONDS:
                await self._remote.catch_up()
                self._fresh = time.monotonic()

    # --- bytes -------------------------------------------------------------------------------------------

    def batches(self, uploads: Sequence[Upload]) -> list[list[Upload]]:
        """Small files together, each large one alone."""
        small: list[Upload] = []
        found: list[list[Upload]] = []
        for upload in uploads:
            if self._size(upload.path) <= SMALL:
                small.append(upload)
            else:
                found.append([upload])
        return [small[start : start + BATCH] for start in range(0, len(small), BATCH)] + found

    def _size(self, path: str) -> int:
        try:
            return os.lstat(self._disk.at(path)).st_size
        except OSError:
            return 0

    async def upload(self, batch: Sequence[Upload]) -> list[Sent | StepFailed]:
        answers: dict[int, Sent | StepFailed] = {}
        sources: dict[int, Source] = {}
        files: Sequence[File | DocStoreError | StepFailed]
        for number, upload in enumerate(batch):
            try:
                sources[number] = self._source(upload)
            except StepFailed as failure:
                answers[number] = failure
        try:
            with step():
                files = await self._send(list(sources.values()))
        except StepFailed as failure:
            files = [failure] * len(sources)
        for number, file in zip(sources, files, strict=True):
            answers[number] = self._answer(file)
        return [answers[number] for number in range(len(batch))]

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

    def _answer(self, file: File | DocStoreError | StepFailed) -> Sent | StepFailed:
        if isinstance(file, DocStoreError):
            return StepFailed(str(file))
        if isinstance(file, StepFailed):
            return file
        self._remote.put(row_of(file))
        return Sent(file.id, file.version, file.sha256 or "", file.parent_id or "")

    async def download(
        self, node_id: str, version: int, sha256: str, path: str, replaces: tuple[str, str] | None
    ) -> str:
        """The new file has the time of its version; one that is replaced hands on its mode."""
        with step():
            whole = self._disk.part(f"{node_id}-{version}")
            known: dict[str, Any] = {"id": node_id, "version": version, "sha256": sha256, "path": path}
            wanted = File.model_construct(**known)
            await self._client.download(wanted, whole, version=version, progress=self._progress)
            row = self._remote.rows.get(node_id)
            await asyncio.to_thread(_finish, whole, row.modified_ns if row else time.time_ns())
            return self._disk.put(whole, path, sha256, replaces)


def _finish(path: os.PathLike[str], modified_ns: int) -> None:
    """On the disk for good before it gets its name: after a power cut there is the old file or the new one."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
    os.utime(path, ns=(modified_ns, modified_ns))
