"""Renders a content at a bounded cost: downloads it and passes it to a limited worker process."""

from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectNotFound
from docstore_contents.workers.pool import JobFailed, WorkerPool
from docstore_contents.workers.worker_process import Program, WorkerLimits
from docstore_media.kinds import Kind
from docstore_media.rendering.office import Office
from docstore_media.rendering.videos import Parts, Progress, VideoLimits, Videos
from docstore_media.rules import (
    MAX_PICTURE_BYTES,
    MAX_VARIANT_BYTES,
    PIXELS,
    REASONS,
    VARIANT,
    Facts,
    Rendered,
    RenderFailed,
    Rendition,
    Variant,
)

OFFICE_PDF = "document.pdf"
PROGRAM = Program(("-m", "docstore_media.rendering.render_process"), {"OMP_NUM_THREADS": "1"})


class Renderer(Protocol):
    """Renders contents."""

    @property
    def ready(self) -> bool:
        """Whether contents can be rendered: False where the sandbox can't be set up."""

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> Rendered:
        """Render a content that is stored under each of these keys. Raises RenderFailed,
        ObjectStoreError, SandboxUnavailable.
        """

    async def render_variant(self, variant: Variant, object_keys: Sequence[str]) -> bytes:
        """Return one picture of such a content. Raises the same."""

    def converted(
        self, variant: Variant, object_keys: Sequence[str], parts: Parts, progress: Progress
    ) -> AbstractAsyncContextManager[Path]:
        """Convert such a video; the file is removed at the end of the block. Raises the same, and what `parts` does."""


class Pdfs(Protocol):
    """PDFs of Office documents, kept so that a document is converted once."""

    async def fetch(self, content: Rendition | Variant, path: Path) -> bool:
        """Write that of a document to `path`; False if there is none. Raises ObjectStoreError."""

    async def keep(self, content: Rendition | Variant, path: Path) -> None:
        """Store it, if possible."""


class WorkerRenderer:
    """Renders in worker processes; `folder` is for contents under work."""

    def __init__(
        self,
        contents: Contents,
        limits: WorkerLimits,
        folder: Path,
        *,
        max_pixels: int,
        videos: VideoLimits,
        pdfs: Pdfs,
        office: Office | None = None,
    ) -> None:
        self._contents = contents
        self._limits = limits
        self._folder = folder
        self._max_pixels = max_pixels
        self._videos = Videos(videos)
        self._max_video_bytes = videos.source_bytes
        self._pdfs = pdfs
        self._office = office
        self.pool = WorkerPool(PROGRAM, limits, folder)

    @property
    def ready(self) -> bool:
        return self.pool.ready

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> Rendered:
        response = await self._response(rendition, object_keys, {})
        pictures = {size: _picture(response, size, MAX_PICTURE_BYTES) for size in PIXELS}
        return Rendered(pictures, Facts.of(response.get("facts")))

    async def render_variant(self, variant: Variant, object_keys: Sequence[str]) -> bytes:
        response = await self._response(variant, object_keys, {"spec": asdict(variant.spec)})
        return _picture(response, VARIANT, MAX_VARIANT_BYTES)

    async def _response(
        self, content: Rendition | Variant, object_keys: Sequence[str], request: dict[str, Any]
    ) -> dict[str, Any]:
        """Download the content, and return what a worker made of it; of a video, of one of its frames; of an Office
        document, of its PDF.
        """
        source = self._pdf(content, object_keys) if content.kind is Kind.OFFICE else None
        async with source or self._downloaded(content, object_keys) as path:
            kind, facts = Kind.PDF if source else content.kind, {}
            if kind is Kind.VIDEO:
                second = content.spec.second if isinstance(content, Variant) else None
                path, seconds = await self._videos.frame(path, path.parent, second)
                kind, facts = Kind.IMAGE, {"seconds": seconds}
            about = {"path": str(path), "kind": kind.value, "max_pixels": self._max_pixels}
            response = await self._run(about | request)
            return {**response, "facts": response.get("facts", {}) | facts}

    @asynccontextmanager
    async def converted(
        self, variant: Variant, object_keys: Sequence[str], parts: Parts, progress: Progress
    ) -> AsyncIterator[Path]:
        async with self._downloaded(variant, object_keys) as path:
            yield await self._videos.rendition(path, path.parent, parts, progress)

    @asynccontextmanager
    async def _pdf(self, content: Rendition | Variant, object_keys: Sequence[str]) -> AsyncIterator[Path]:
        """The PDF of an Office document: the kept one, else one that is converted now and kept."""
        with TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / OFFICE_PDF
            if await self._pdfs.fetch(content, path):
                yield path
                return
        if self._office is None:  # the instance that queued it has LibreOffice
            raise RenderFailed("unsupported")
        async with self._downloaded(content, object_keys) as source:
            path = await self._office.pdf(source, source.parent)
            await self._pdfs.keep(content, path)
            yield path

    @asynccontextmanager
    async def _downloaded(self, content: Rendition | Variant, object_keys: Sequence[str]) -> AsyncIterator[Path]:
        is_video = content.kind is Kind.VIDEO
        if content.size > (self._max_video_bytes if is_video else self._limits.max_document_bytes):
            raise RenderFailed("too_large")
        with TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "content"
            await self._fetch(object_keys, path, content.size)
            yield path

    async def _fetch(self, object_keys: Sequence[str], path: Path, size: int) -> None:
        """Download from the first key that still exists: purging a version deletes its copy."""
        missing = ObjectNotFound("NoSuchKey", "no version has the content")
        for key in object_keys:
            try:
                return await self._contents.download(key, path, size)
            except ObjectNotFound as error:
                missing = error
        raise missing

    async def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self.pool.run(request)
        except JobFailed as error:
            raise RenderFailed(error.reason) from error
        if "reason" in response:
            reason = str(response["reason"])
            raise RenderFailed(reason if reason in REASONS else "corrupt")
        return response

    async def close(self) -> None:
        """Stop the workers."""
        await self.pool.close()


def _picture(response: dict[str, Any], name: str, max_bytes: int) -> bytes:
    """Decode a picture of a worker's response, which a malicious content may have forged."""
    try:
        data = b64decode(response["pictures"][name], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise RenderFailed("parser_crashed") from error
    if len(data) > max_bytes:
        raise RenderFailed("too_large")
    return data
