"""Opaque cursors of keyset pages: where the last page ended, never a number of rows to skip."""

import base64
import binascii
from typing import Any

import orjson

from docstore_platform.errors import invalid

MAX_CURSOR_CHARS = 4096


def encode_cursor(*position: Any) -> str:
    """Encode the sort key of a page's last row (JSON values only) as URL-safe text."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: type | tuple[type, ...]) -> list[Any]:
    """Return the position in `cursor`; 422 `invalid_cursor` unless its values have exactly these types."""
    try:
        if len(cursor) > MAX_CURSOR_CHARS:
            raise ValueError
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise invalid("The cursor is invalid.", "invalid_cursor") from None
    fits = isinstance(position, list) and len(position) == len(types)
    if not fits or not all(isinstance(value, kind) for value, kind in zip(position, types, strict=True)):
        raise invalid("The cursor is invalid.", "invalid_cursor")
    return list(position)


def change_cursor(account_id: str, sequence: int) -> str:
    """Return the cursor after an entry of an account's journal, which is valid for that account only."""
    return encode_cursor(account_id, sequence)
