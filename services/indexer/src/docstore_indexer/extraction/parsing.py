"""Extracts the text of one document inside a worker process; the only module that uses kreuzberg."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email import message_from_binary_file, policy
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import kreuzberg
from kreuzberg.exceptions import KreuzbergError

from docstore_indexer.extraction.archives import ArchiveLimits, check_office_file
from docstore_indexer.extraction.html_text import html_text
from docstore_indexer.extraction.kinds import IMAGES, VIDEOS, ZIPPED, Kind, kind_of
from docstore_indexer.extraction.languages import DEFAULT
from docstore_indexer.extraction.plain_text import clean, decode
from docstore_indexer.extraction.rules import ExtractedText, ExtractionFailed, failure
from docstore_indexer.extraction.subtitles import subtitle_text

OCR_DPI = 300
_MAX_PAGE_PIXELS = 40_000_000
_MIN_LETTERS_ON_A_PAGE = 8
_MAX_ATTACHMENTS = 20
_EAST_ASIAN = frozenset({"kor", "jpn", "chi_sim", "chi_tra"})
_PAGE = 3
_COLUMN = 4
"""Tesseract's page segmentation: that of whole pages takes many East Asian characters for pictures."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a parse; `deadline` (monotonic seconds): no further page or attachment is begun after it."""

    max_chars: int
    max_ocr_pages: int
    deadline: float
    languages: str = DEFAULT
    archives: ArchiveLimits = field(default_factory=ArchiveLimits)

    def more_time(self) -> bool:
        return time.monotonic() < self.deadline


def parse(path: Path, kind: Kind, bounds: Bounds) -> ExtractedText:
    """Return the text of a document, cut at `max_chars`. Raises ExtractionFailed; anything else is a parser's crash."""
    try:
        found = _parse(path, kind, bounds, attachments=True)
    except KreuzbergError as error:
        hidden = "password" in str(error).lower() or "encrypted" in str(error).lower()
        raise failure("encrypted" if hidden else "corrupt") from error
    text = clean(found.text)
    cut = len(text) > bounds.max_chars
    return ExtractedText(text[: bounds.max_chars], found.pages, found.ocr, found.truncated or cut)


def _parse(path: Path, kind: Kind, bounds: Bounds, *, attachments: bool) -> ExtractedText:
    if kind is Kind.TEXT:
        return decode(path.read_bytes(), truncated=False)
    if kind is Kind.HTML:
        return html_text(path.read_bytes())
    if kind in VIDEOS:
        return subtitle_text(path, kind, bounds.max_chars)
    if kind is Kind.PDF:
        return _parse_pdf(path, bounds)
    if kind is Kind.EMAIL:
        return _parse_email(path, bounds, attachments=attachments)
    if kind in ZIPPED:
        check_office_file(path, bounds.archives, doctype_allowed=kind is Kind.EPUB)
    is_picture = kind in IMAGES
    config = _config(bounds.languages if is_picture else None)
    result = kreuzberg.extract_file_sync(path, mime_type=kind.value, config=config)
    return ExtractedText(result.content, ocr=is_picture)


def _config(ocr: str | None) -> kreuzberg.ExtractionConfig:
    """Return the configuration for a document; `ocr`: languages of a picture."""
    return kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        postprocessor=kreuzberg.PostProcessorConfig(enabled=False),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
        pages=kreuzberg.PageConfig(extract_pages=True),
        ocr=None if ocr is None else _ocr(ocr),
    )


def _ocr(languages: str) -> kreuzberg.OcrConfig:
    psm = _COLUMN if _EAST_ASIAN & set(languages.split("+")) else _PAGE
    tesseract = kreuzberg.TesseractConfig(
        language=languages, psm=psm, output_format="text", enable_table_detection=False
    )
    return kreuzberg.OcrConfig(backend="tesseract", language=languages, tesseract_config=tesseract)


def _parse_pdf(path: Path, bounds: Bounds) -> ExtractedText:
    """Read the text layer first; then render and recognize pages without one, one at a time.

    Kreuzberg can do both in one call, but needs 2 s and 390 MB for any page with little text, and has neither a page
    limit nor a deadline.
    """
    result = kreuzberg.extract_file_sync(path, mime_type=Kind.PDF.value, config=_config(None))
    texts = [page["content"] for page in result.pages or []] or [result.content]
    blank = [number for number, text in enumerate(texts) if _letters(text) < _MIN_LETTERS_ON_A_PAGE]
    readable = [number for number in blank if _pixels(result.metadata, number) <= _MAX_PAGE_PIXELS]
    ocr, truncated = False, len(readable) > bounds.max_ocr_pages
    for number in readable[: bounds.max_ocr_pages]:
        if not bounds.more_time():
            truncated = True
            break
        image = kreuzberg.render_pdf_page(path, number, dpi=OCR_DPI)
        seen = kreuzberg.extract_bytes_sync(image, Kind.PNG.value, config=_config(bounds.languages)).content
        if seen.strip():
            texts[number], ocr = seen, True
    return ExtractedText("\n\n".join(texts), len(texts), ocr, truncated)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text[:1000]))


def _pixels(metadata: Mapping[str, Any], number: int) -> float:
    """Pixels of a rendered page; a page may claim to be 200 inches wide."""
    pages = (metadata.get("pages") or {}).get("pages") or []
    width, height = pages[number]["dimensions"] if number < len(pages) else (0, 0)
    return float(width * height) * (OCR_DPI / 72) ** 2


def _parse_email(path: Path, bounds: Bounds, *, attachments: bool) -> ExtractedText:
    """Extract subject, people, body and readable attachments; of an attached message without its attachments."""
    with path.open("rb") as file:
        message = message_from_binary_file(file, policy=policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise failure("corrupt")
    headers = [str(message[name]) for name in ("subject", "from", "to", "cc", "date") if message[name]]
    found = ["\n".join(headers), *_bodies(message, bounds)]
    ocr = truncated = False
    parts = [part for part in message.walk() if part.get_filename()] if attachments else []
    for part in parts[:_MAX_ATTACHMENTS]:
        found.append(str(part.get_filename()))
        if not bounds.more_time():
            truncated = True
            break
        try:
            attached = _parse_part(part, bounds)
        except (ExtractionFailed, KreuzbergError):
            continue  # one unreadable attachment must not hide the message
        found.append(attached.text)
        ocr, truncated = ocr or attached.ocr, truncated or attached.truncated
    return ExtractedText("\n\n".join(found), ocr=ocr, truncated=truncated or len(parts) > _MAX_ATTACHMENTS)


def _bodies(message: EmailMessage, bounds: Bounds) -> Iterable[str]:
    body = message.get_body(("plain", "html"))
    if body is not None:
        yield _parse_part(body, bounds).text


def _parse_part(part: MIMEPart, bounds: Bounds) -> ExtractedText:
    payload = part.get_payload(decode=True)
    content_type = part.get_content_type()
    if content_type == "message/rfc822":
        payload = part.get_content().as_bytes()
    if not isinstance(payload, bytes) or not payload:
        return ExtractedText("")
    kind = kind_of(content_type, part.get_filename() or "", payload[:512])
    if kind is None:
        raise failure("unsupported_type")
    if kind is Kind.TEXT:
        return _decode_part(payload, part.get_content_charset())
    with NamedTemporaryFile() as file:
        file.write(payload)
        file.flush()
        return _parse(Path(file.name), kind, bounds, attachments=False)


def _decode_part(payload: bytes, charset: str | None) -> ExtractedText:
    try:
        return ExtractedText(payload.decode(charset or "", "replace"))
    except LookupError:  # no or unknown charset
        return decode(payload, truncated=False)
