"""Renders a content at a bounded cost: downloads it and passes it to a limited worker process."""

from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectNotFound
from docstore_contents.workers.pool import JobFailed, Program, WorkerLimits, WorkerPool
from docstore_media.rules import MAX_PICTURE_BYTES, PIXELS, REASONS, RenderFailed, Rendition, Size

PROGRAM = Program(("-m", "docstore_media.rendering.render_process"), {"OMP_NUM_THREADS": "1"})


class Renderer(Protocol):
    """Renders contents."""

    @property
    def ready(self) -> bool:
        """Whether contents can be rendered: False where the sandbox can't be set up."""

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> dict[Size, bytes]:
        """Return the pictures of a content that is stored under each of these keys. Raises RenderFailed,
        ObjectStoreError, SandboxUnavailable.
        """


class WorkerRenderer:
    """Renders in worker processes; `folder` is for contents under work."""

    def __init__(self, contents: Contents, limits: WorkerLimits, folder: Path, *, max_pixels: int) -> None:
        self._contents = contents
        self._limits = limits
        self._folder = folder
        self._max_pixels = max_pixels
        self.pool = WorkerPool(PROGRAM, limits, folder)

    @property
    def ready(self) -> bool:
        return self.pool.ready

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> dict[Size, bytes]:
        if rendition.size > self._limits.max_document_bytes:
            raise RenderFailed("too_large")
        with TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "content"
            await self._fetch(object_keys, path, rendition.size)
            return await self._pictures(path, rendition)

    async def _fetch(self, object_keys: Sequence[str], path: Path, size: int) -> None:
        """Download from the first key that still exists: purging a version deletes its copy."""
        missing = ObjectNotFound("NoSuchKey", "no version has the content")
        for key in object_keys:
            try:
                return await self._contents.download(key, path, size)
            except ObjectNotFound as error:
                missing = error
        raise missing

    async def _pictures(self, path: Path, rendition: Rendition) -> dict[Size, bytes]:
        request = {
            "path": str(path),
            "kind": rendition.kind.value,
            "max_pixels": self._max_pixels,
        }
        try:
            response = await self.pool.run(request)
        except JobFailed as error:
            raise RenderFailed(error.reason) from error
        if "reason" in response:
            reason = str(response["reason"])
            raise RenderFailed(reason if reason in REASONS else "corrupt")
        return _decoded(response)

    async def close(self) -> None:
        """Stop the workers."""
        await self.pool.close()


def _decoded(response: dict[str, Any]) -> dict[Size, bytes]:
    """Check a worker's answer, which a malicious content may have forged."""
    try:
        made = {size: b64decode(response["pictures"][size], validate=True) for size in PIXELS}
    except (KeyError, TypeError, ValueError) as error:
        raise RenderFailed("parser_crashed") from error
    if any(len(data) > MAX_PICTURE_BYTES for data in made.values()):
        raise RenderFailed("too_large")
    return made
