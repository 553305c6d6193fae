"""Extracts the text of a document of any type at a bounded cost."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from docstore_contents.workers.pool import JobFailed, WorkerPool
from docstore_contents.workers.worker_process import Program
from docstore_indexer.extraction.kinds import Kind, kind_of
from docstore_indexer.extraction.languages import DEFAULT, PACKAGED, TrainedData
from docstore_indexer.extraction.limits import ExtractionLimits
from docstore_indexer.extraction.plain_text import decode
from docstore_indexer.extraction.rules import ExtractedText, failure

HEAD_BYTES = 512
"""First bytes by which the type of a document is detected."""


@dataclass(frozen=True, slots=True)
class _Reason:
    reason: str
    detail: str = ""


_RESPONSE: TypeAdapter[ExtractedText | _Reason] = TypeAdapter(ExtractedText | _Reason)


class Extractor:
    """Decodes text files in this process; workers parse all others."""

    def __init__(
        self, limits: ExtractionLimits | None = None, folder: Path | None = None, ocr: TrainedData | None = None
    ) -> None:
        """`folder`: temporary files of the workers; default: the system's folder. `ocr`: default: what is packaged."""
        self._limits = limits or ExtractionLimits()
        ocr = ocr or TrainedData.find([PACKAGED], PACKAGED)
        variables = {"TESSDATA_PREFIX": str(ocr.folder), "OMP_THREAD_LIMIT": "1"}
        program = Program(("-m", "docstore_indexer.extraction.worker"), variables, ocr.readable)
        self.pool = WorkerPool(program, self._limits, folder)

    @property
    def ready(self) -> bool:
        """Whether documents can be parsed: False where the sandbox can't be set up."""
        return self.pool.ready

    def bytes_wanted(self, content_type: str, name: str, head: bytes = b"\0") -> int | None:
        """Return how many first bytes of a document suffice; None: all or none (see `extract`).

        Without `head` (HEAD_BYTES), a document of unknown type counts as no text.
        """
        text = kind_of(content_type, name, head) is Kind.TEXT
        return self._limits.max_text_chars if text else None

    def refuse(self, content_type: str, name: str, size: int, head: bytes = b"text") -> None:
        """Raise what `extract` would if type or size decide, so that such a document need not be downloaded.

        Without `head` (HEAD_BYTES), a document of unknown type may be a text, which may have any size.
        """
        kind = kind_of(content_type, name, head)
        if kind is None:
            raise failure("unsupported_type")
        if kind is not Kind.TEXT and size > self._limits.max_document_bytes:
            raise failure("too_large")

    async def extract(self, path: Path, content_type: str, name: str, languages: str = DEFAULT) -> ExtractedText:
        """Return the text of the file at `path` (absolute); an empty file has none.

        `languages` of its pictures: such as `deu+eng`, all of them with data.
        Raises ExtractionFailed, SandboxUnavailable.
        """
        head, size = await asyncio.to_thread(_look, path)
        if not size:
            return ExtractedText("")
        kind = kind_of(content_type, name, head)
        if kind is None:
            raise failure("unsupported_type")
        if kind is Kind.TEXT:
            return await asyncio.to_thread(_decode_file, path, self._limits.max_text_chars)
        if size > self._limits.max_document_bytes:
            raise failure("too_large")
        request = {
            "path": str(path),
            "kind": kind.value,
            "max_chars": self._limits.max_text_chars,
            "max_ocr_pages": self._limits.max_ocr_pages,
            "languages": languages,
        }
        try:
            response = await self.pool.run(request)
        except JobFailed as error:
            raise failure(error.reason) from error
        return _found(response)

    async def close(self) -> None:
        """Stop the workers."""
        await self.pool.close()


def _found(response: dict[str, Any]) -> ExtractedText:
    """Check a worker's response, which a malicious document may have forged. Raises ExtractionFailed."""
    try:
        found = _RESPONSE.validate_python(response)
    except ValidationError as error:
        raise failure("parser_crashed") from error
    if isinstance(found, _Reason):
        raise failure(found.reason)
    return found


def _look(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES), path.stat().st_size


def _decode_file(path: Path, max_bytes: int) -> ExtractedText:
    with path.open("rb") as file:
        data = file.read(max_bytes)
        return decode(data, truncated=bool(file.read(1)))
