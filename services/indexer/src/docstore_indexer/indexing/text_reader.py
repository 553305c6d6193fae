"""Reads the text of a file's current version from the object store, through an extractor."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from docstore_contents.reader import Contents
from docstore_indexer import metrics
from docstore_indexer.extraction.kinds import IMAGES, VIDEOS, is_audio, kind_of
from docstore_indexer.extraction.plain_text import decode
from docstore_indexer.extraction.rules import ExtractedText, ExtractionFailed, failure
from docstore_indexer.extraction.service import HEAD_BYTES, Extractor
from docstore_indexer.indexing.rules import File, WorkQueue
from docstore_indexer.transcription.transcriber import Recording, Transcriber, TranscriptionPending

_DECODED_IN_A_THREAD_FROM = 1 << 16
_FETCHED_WHOLE_BYTES = 4 << 20


class TextReader(Protocol):
    """Source of texts."""

    def queue_of(self, file: File) -> WorkQueue:
        """Return the queue that reads a file. Raises ExtractionFailed if its type or size rules that out."""

    def ready(self, queue: WorkQueue) -> bool:
        """Whether this queue can read: parsers wait while there is no sandbox."""

    async def read(self, file: File, queue: WorkQueue, languages: str) -> ExtractedText | WorkQueue:
        """Return the text, or the queue that the file turns out to need; `languages` of its pictures or speech.

        Raises ExtractionFailed, ObjectStoreError, SandboxUnavailable, TranscriptionPending, TranscriptionUnavailable.
        """

    async def forget(self, file: File) -> None:
        """Delete what the transcription of a file has left, now that its outcome is stored."""


@dataclass(slots=True)
class StoredContents:
    """Reads from the object store: `documents` reads text layers, `pictures` everything."""

    contents: Contents
    documents: Extractor
    pictures: Extractor
    folder: Path
    max_text_chars: int
    transcriber: Transcriber | None = None

    def queue_of(self, file: File) -> WorkQueue:
        if is_audio(file.content_type, file.name) and self._can_transcribe(file):
            return WorkQueue.TRANSCRIPTION
        self.pictures.refuse(file.content_type, file.name, file.size)
        if self.pictures.bytes_wanted(file.content_type, file.name) is not None:
            return WorkQueue.TEXT
        return WorkQueue.OCR if kind_of(file.content_type, file.name, b"text") in IMAGES else WorkQueue.PARSE

    def _can_transcribe(self, file: File) -> bool:
        return self.transcriber is not None and file.size <= self.transcriber.max_bytes

    def ready(self, queue: WorkQueue) -> bool:
        return (
            queue in (WorkQueue.QUICK, WorkQueue.TEXT, WorkQueue.TRANSCRIPTION)
            or (self.pictures if queue is WorkQueue.OCR else self.documents).ready
        )

    async def read(self, file: File, queue: WorkQueue, languages: str) -> ExtractedText | WorkQueue:
        if not file.size:
            return ExtractedText("")
        started, outcome = time.perf_counter(), "unavailable"
        try:
            if queue is WorkQueue.TRANSCRIPTION:
                found: ExtractedText | WorkQueue = await self._transcribe(file, languages)
                outcome = "ok"
                return found
            wanted = self.pictures.bytes_wanted(file.content_type, file.name)
            found = await (self._parse(file, queue, languages) if wanted is None else self._decode(file, wanted))
            outcome = "ok" if isinstance(found, ExtractedText) else f"needs_{found}"
            return found
        except ExtractionFailed as error:
            outcome = error.reason
            raise
        except TranscriptionPending:
            outcome = "pending"
            raise
        finally:
            kind = kind_of(file.content_type, file.name, b"")
            seconds = time.perf_counter() - started
            metrics.extraction_seconds.labels(kind.name.lower() if kind else "other", outcome).observe(seconds)

    async def forget(self, file: File) -> None:
        if self.transcriber is not None:
            await self.transcriber.forget(_recording_id(file))

    async def _transcribe(self, file: File, languages: str) -> ExtractedText:
        if self.transcriber is None:  # it was set when the file was queued
            raise failure("unsupported_type")
        recording = Recording(
            _recording_id(file),
            file.name,
            file.content_type,
            tuple(filter(None, languages.split("+"))),
            partial(self.contents.read, file.object_key, file.size),
        )
        return await self.transcriber.transcribe(recording, self.max_text_chars)

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
        is_silent_video = not found.text and kind_of(file.content_type, file.name, b"") in VIDEOS
        if is_silent_video and self._can_transcribe(file):
            return WorkQueue.TRANSCRIPTION
        has_blank_pages = found.truncated and found.pages is not None and len(found.text) < self.max_text_chars
        return WorkQueue.OCR if has_blank_pages and not pictures else found


def _recording_id(file: File) -> str:
    """Copies of a file share its contents, but not the work on them."""
    return f"{file.file_id} {file.object_key}"
