"""Limits of text extraction for one document: those of its worker, characters, pages of text recognition."""

from dataclasses import dataclass

from docstore_contents.workers.worker_process import WorkerLimits


@dataclass(frozen=True, slots=True)
class ExtractionLimits(WorkerLimits):
    """Limits of a worker, and how much of a document is read."""

    max_text_chars: int = 2_000_000
    max_ocr_pages: int = 50
