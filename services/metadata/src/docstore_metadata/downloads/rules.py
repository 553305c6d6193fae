"""Range and conditional requests (RFC 9110, 13 and 14). Standard library only."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, but without, `end`."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{size}"


class RangeNotSatisfiable(Exception):
    """No byte of the content is in the requested range."""


def requested_range(header: str | None, if_range: str | None, etag: str, size: int) -> ByteRange | None:
    """The requested range of `size` bytes; None if the whole content is to be returned.

    The whole content is also returned for several ranges and for other units, which a server may ignore, and if
    `if_range` names another content: a date, or any ETag but this strong one. Raises RangeNotSatisfiable.
    """
    if header is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _RANGE.fullmatch(header)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = size - min(int(match[2]), size), size
    else:
        start, end = int(match[1]), size
        if match[2] != "":
            if int(match[2]) < start:
                return None
            end = min(int(match[2]) + 1, size)
    if start >= end:
        raise RangeNotSatisfiable
    return ByteRange(start, end)


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names this content."""
    if if_none_match is None:
        return False
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in if_none_match.split(","))
