"""Limits of pages, and moments as cursors and JSON carry them."""

from datetime import UTC, datetime, timedelta

from docstore_platform.clock import rfc3339
from docstore_platform.errors import invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_limit(text: str | None) -> int:
    """Items on a page, 1 to 1000; 422 for anything else."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise invalid(f"limit is a number from 1 to {MAX_LIMIT}.")
    return int(text)


def position_of(moment: datetime | None) -> int:
    """A moment as cursors carry it: milliseconds since 1970."""
    assert moment is not None
    return round((moment - EPOCH) / timedelta(milliseconds=1))


def moment_of(millis: int) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise invalid("The cursor is not one of ours.", "invalid_cursor") from None


def moment_json(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def to_millisecond(moment: datetime) -> datetime:
    """Cut to the precision that MongoDB stores."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
