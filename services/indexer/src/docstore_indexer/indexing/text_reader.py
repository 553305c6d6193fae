"""Reads the text of a file's current version from the object store, through an extractor."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from docstore_contents.reader import Contents
from docstore_indexer import metrics
from docstore_indexer.extraction.kinds import IMAGES, kind_of
from docstore_indexer.extraction.plain_text import decode
from docstore_indexer.extraction.rules import ExtractedText, ExtractionFailed
from docstore_indexer.extraction.service import HEAD_BYTES, Extractor
from docstore_indexer.indexing.rules import File, WorkQueue

_DECODED_IN_A_THREAD_FROM = 1 << 16
_FETCHED_WHOLE_BYTES = 4 << 20


class TextReader(Protocol):
    """Source of texts."""

    def queue_of(self, file: File) -> WorkQueue:
        """Return the queue that reads a file. Raises ExtractionFailed if its type or size rules that out."""

    def ready(self, queue: WorkQueue) -> bool:
        """Whether this queue can read: parsers wait while there is no sandbox."""

    async def read(self, file: File, queue: WorkQueue, languages: str) -> ExtractedText | WorkQueue:
        """Return the text, or the queue that the file turns out to need; `languages` of its pictures.

        Raises ExtractionFailed, ObjectStoreError, SandboxUnavailable.
        """


@dataclass(slots=True)
class StoredContents:
    """Reads from the object store: `documents` reads text layers, `pictures` everything."""

    contents: Contents
    documents: Extractor
    pictures: Extractor
    folder: Path
    max_text_chars: int

    def queue_of(self, file: File) -> WorkQueue:
        self.pictures.refuse(file.content_type, file.name, file.size)
        if self.pictures.bytes_wanted(file.content_type, file.name) is not None:
            return WorkQueue.TEXT
        return WorkQueue.OCR if kind_of(file.content_type, file.name, b"text") in IMAGES else WorkQueue.PARSE

    def ready(self, queue: WorkQueue) -> bool:
        return (
            queue in (WorkQueue.QUICK, WorkQueue.TEXT)
            or (self.pictures if queue is WorkQueue.OCR else self.documents).ready
        )

    async def read(self, file: File, queue: WorkQueue, languages: str) -> ExtractedText | WorkQueue:
        if not file.size:
            return ExtractedText("")
        started, outcome = time.perf_counter(), "unavailable"
        try:
            wanted = self.pictures.bytes_wanted(file.content_type, file.name)
            found = await (self._parse(file, queue, languages) if wanted is None else self._decode(file, wanted))
            outcome = "ok" if isinstance(found, ExtractedText) else "needs_ocr"
            return found
        except ExtractionFailed as error:
            outcome = error.reason
            raise
        finally:
            kind = kind_of(file.content_type, file.name, b"")
            seconds = time.perf_counter() - started
            metrics.extraction_seconds.labels(kind.name.lower() if kind else "other", outcome).observe(seconds)

    async def _decode(self, file: File, wanted: int) -> ExtractedText:
        data = await self.contents.read_range(file.object_key, 0, min(file.size, wanted))
        truncated = file.size > wanted
        if len(data) < _DECODED_IN_A_THREAD_FROM:
            return decode(data, truncated=truncated)
        return await asyncio.to_thread(decode, data, truncated=truncated)

    async def _parse(self, file: File, queue: WorkQueue, languages: str) -> ExtractedText | WorkQueue:
        pictures = queue is WorkQueue.OCR
        extractor = self.pictures if pictures else self.documents
        if file.size > _FETCHED_WHOLE_BYTES:
            head = await self.contents.read_range(file.object_key, 0, HEAD_BYTES)
            extractor.refuse(file.content_type, file.name, file.size, head)
            wanted = extractor.bytes_wanted(file.content_type, file.name, head)
            if wanted is not None:
                return await self._decode(file, wanted)
        with TemporaryDirectory(dir=self.folder) as folder:
            path = Path(folder) / "document"
            if file.size <= _FETCHED_WHOLE_BYTES:
                data = await self.contents.read(file.object_key, file.size)
                await asyncio.to_thread(path.write_bytes, data)
            else:
                await self.contents.download(file.object_key, path, file.size)
            found = await extractor.extract(path, file.content_type, file.name, languages)
        has_blank_pages = found.truncated and found.pages is not None and len(found.text) < self.max_text_chars
        return WorkQueue.OCR if has_blank_pages and not pictures else found
