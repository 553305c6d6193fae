"""How much one document may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """Per document, except `workers`, `idle_seconds` and `jobs_per_worker`."""

    workers: int = 1
    idle_seconds: float = 30.0
    jobs_per_worker: int = 200
    seconds: float = 120.0
    memory_mb: int = 1024
    max_document_bytes: int = 100 << 20
    max_text_chars: int = 2_000_000
    max_ocr_pages: int = 50
