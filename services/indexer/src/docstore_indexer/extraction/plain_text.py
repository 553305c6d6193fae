"""Decoding of text files, which need no parser."""

import codecs

from docstore_indexer.extraction.kinds import looks_like_text
from docstore_indexer.extraction.rules import ExtractedText, failure

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes, *, truncated: bool) -> ExtractedText:
    """Decode by the byte order mark, else as UTF-8, else as Windows-1252 (the superset of Latin-1 that browsers use).

    `truncated`: `data` is only the start, so its last character may be cut. Raises Unsupported.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = codecs.getincrementaldecoder(encoding)("replace").decode(data[len(mark) :])
            return ExtractedText(clean(text), truncated=truncated)
    if not looks_like_text(data[:4096]):
        raise failure("binary_content")
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=not truncated)
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return ExtractedText(clean(text), truncated=truncated)


def clean(text: str) -> str:
    """Remove zero bytes and lone surrogates, which no text store accepts."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()
