"""Custom metadata as headers of an object: in ASCII, other text as RFC 2047 words, which is how S3 returns it."""

import base64
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header

MAX_BYTES = 2048
"""S3's limit for all names and values of an object."""
_WORD = "=?"


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the values as headers can have them; empty if the object can't have them all."""
    headers = {name: _encoded(value) for name, value in metadata.items()}
    return headers if sum(len(name) + len(value) for name, value in headers.items()) <= MAX_BYTES else {}


def header_text(value: str) -> str:
    """Return the text of a header of metadata, encoded by the store or by a client."""
    if not value.startswith(_WORD):
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _encoded(value: str) -> str:
    # Signatures see one space for several, and a plain value must not look like an encoded one.
    if value.isascii() and " ".join(value.split()) == value and not value.startswith(_WORD):
        return value
    return f"{_WORD}UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
