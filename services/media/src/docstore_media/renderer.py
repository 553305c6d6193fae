"""The pictures of a content, at a bounded cost: its bytes out of the store, through a limited worker process."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from docstore_media.domain import PIXELS, REASONS, RenderFailed, Rendition, Size
from docstore_platform.contents import Contents
from docstore_platform.s3 import ObjectNotFound
from docstore_platform.workers import JobFailed, Program, WorkerLimits, WorkerPool

PROGRAM = Program("docstore_media.render_worker", {"OMP_NUM_THREADS": "1"})
MAX_PICTURE_BYTES = 2 << 20
"""Nobody's storage counts a picture, and lists are full of them; what a photo gives is a tenth of that."""


class Renderer(Protocol):
    """Where pictures come from."""

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> dict[Size, bytes]:
        """The pictures of a content that is stored under each of these keys. Raises RenderFailed, ObjectStoreError."""
        ...


class WorkerRenderer:
    """`folder` is for contents while they are rendered."""

    def __init__(self, contents: Contents, limits: WorkerLimits, folder: Path, *, max_pixels: int) -> None:
        self._contents = contents
        self._limits = limits
        self._folder = folder
        self._max_pixels = max_pixels
        self._pool = WorkerPool(PROGRAM, limits, folder)

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers alive: none until the first job and after an idle time."""
        return self._pool.pids

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> dict[Size, bytes]:
        if rendition.size > self._limits.max_document_bytes:
            raise RenderFailed("too_large")
        with TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "content"
            await self._fetch(object_keys, path, rendition.size)
            return await self._pictures(path, rendition, Path(folder))

    async def _fetch(self, object_keys: Sequence[str], path: Path, size: int) -> None:
        """From the first place where it still is: a version that is purged takes its copy with it."""
        missing = ObjectNotFound("NoSuchKey", "no version has the content")
        for key in object_keys:
            try:
                return await self._contents.download(key, path, size)
            except ObjectNotFound as error:
                missing = error
        raise missing

    async def _pictures(self, path: Path, rendition: Rendition, folder: Path) -> dict[Size, bytes]:
        targets: dict[Size, Path] = {size: folder / f"{size}.webp" for size in PIXELS}
        request = {
            "path": str(path),
            "kind": rendition.kind.value,
            "targets": {size: str(target) for size, target in targets.items()},
            "max_pixels": self._max_pixels,
        }
        try:
            answer = await self._pool.run(request)
        except JobFailed as error:
            raise RenderFailed(error.reason) from error
        if "reason" in answer:
            reason = str(answer["reason"])
            raise RenderFailed(reason if reason in REASONS else "corrupt")
        return {size: await asyncio.to_thread(_read, target) for size, target in targets.items()}

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()


def _read(target: Path) -> bytes:
    """A picture that the worker made. RenderFailed if it is larger than any should be."""
    with target.open("rb") as file:
        data = file.read(MAX_PICTURE_BYTES + 1)
    if len(data) > MAX_PICTURE_BYTES:
        raise RenderFailed("too_large")
    return data
