"""Types of values that clients send, each with its description in the API and its parser.

Rules with their own stable code are checked elsewhere; the type here only describes them.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from docstore_platform.domain.custom_metadata import (
    MAX_PAIRS,
    MAX_VALUE_CHARS,
    NAME_PATTERN,
    check_metadata,
    check_names,
)
from docstore_platform.errors import Invalid
from docstore_platform.http.paging import MAX_CURSOR_CHARS
from docstore_platform.http.problems import broken_rule

MAX_ID_CHARS = 64
MAX_EMAIL_CHARS = 254
MAX_PATH_CHARS = 20_000
MAX_NAME_CHARS = 255
MAX_TAG_CHARS = 64
MAX_WATERMARK_CHARS = 100
MAX_VERSION = 2**31 - 1

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa0]"
_EDGE = r"[^\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa0]"
_DOMAIN_PART = rf"{_EDGE}({_LABEL}{{0,61}}{_EDGE})?"

CURSOR_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "maxLength": MAX_CURSOR_CHARS}
PATH_SCHEMA = {"type": "string", "pattern": f"^/([^/{_CONTROL}]+(/[^/{_CONTROL}]+)*)?$", "maxLength": MAX_PATH_CHARS}
MOMENT_SCHEMA = {"type": "string", "format": "date-time"}
DAY_OR_MOMENT_SCHEMA = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}


def described(**schema: Any) -> Any:
    """Describe a field whose form the service itself checks, with its own code."""
    return Field(json_schema_extra=schema)


def encodable(text: str) -> str:
    """Refuse half of a surrogate pair (`"\\ud800"`), which JSON can contain, but no database and no hash accepts."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("not valid Unicode") from None
    return text


MOMENT_OUT_OF_RANGE = "moment_out_of_range"
OUT_OF_CALENDAR = "a time within the years 1 to 9999 in UTC"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class OutOfCalendar(ValueError):
    """A time outside the years 1 to 9999 in UTC, which databases can't store."""


def parse_moment(text: str) -> datetime:
    """Parse an RFC 3339 time into UTC. ValueError for other texts, OutOfCalendar for other years."""
    text = text.upper()
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 time such as 2026-11-21T08:30:00Z")
    _check_year(text)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise OutOfCalendar(OUT_OF_CALENDAR) from None


def parse_day_or_moment(text: str) -> datetime:
    """Parse an RFC 3339 time, or a day such as `2026-11-21`, which begins at midnight UTC."""
    if not _DAY.fullmatch(text):
        return parse_moment(text)
    _check_year(text)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _check_year(text: str) -> None:
    if text.startswith("0000"):
        raise OutOfCalendar(OUT_OF_CALENDAR)


def _read_by(parse: Callable[[str], datetime]) -> PlainValidator:
    """Parse strings only: pydantic would take a number as seconds since 1970."""

    def read(value: Any) -> datetime:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if not isinstance(value, str):
            raise ValueError("an RFC 3339 time")
        try:
            return parse(value)
        except OutOfCalendar:
            raise broken_rule(MOMENT_OUT_OF_RANGE, OUT_OF_CALENDAR) from None

    return PlainValidator(read)


def _checked_by(check: Callable[[Any], Any]) -> PlainValidator:
    """Parse by a rule of the domain, whose code the response has."""

    def read(value: Any) -> Any:
        try:
            return check(value)
        except Invalid as error:
            raise broken_rule(error.code, error.detail) from None

    return PlainValidator(read)


def _metadata_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of names")
    check_names(value)
    return tuple(value)


def _read_whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise broken_rule("unprintable_text", "printable text on one line")
    return unicodedata.normalize("NFC", text.strip())


Text = Annotated[str, AfterValidator(encodable)]
"""Any Unicode text."""
Line = Annotated[Text, AfterValidator(_one_line), described(pattern=f"^[^{_CONTROL}]*$")]
"""Printable text on one line; 422 `unprintable_text`."""
Watermark = Annotated[
    Line,
    Field(min_length=1, max_length=MAX_WATERMARK_CHARS),
    described(pattern=f"^[^{_CONTROL}]*[^ {_CONTROL}][^{_CONTROL}]*$"),
]
"""Text to be drawn all over pictures; not of blanks alone."""
Id = Annotated[str, Field(max_length=MAX_ID_CHARS)]
"""Any id; an unknown one is 404."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""64 hexadecimal digits."""
Cursor = Annotated[
    str | None,
    Query(json_schema_extra=CURSOR_SCHEMA, description="`next_cursor` of the previous page."),
]
"""Opaque; 422 `invalid_cursor` for anything else than a `next_cursor`."""
Email = Annotated[
    Text,
    described(
        maxLength=MAX_EMAIL_CHARS,
        pattern=rf"^{_LOCAL}(\.{_LOCAL})*@{_DOMAIN_PART}(\.{_DOMAIN_PART})*$",
        examples=["ada@example.org"],
    ),
]
"""An address that can receive mail; 422 `invalid_email`."""
FilePath = Annotated[
    str,
    Field(description="At most 64 valid names."),
    described(**PATH_SCHEMA, examples=["/reports/2026.pdf"]),
]
"""Absolute, `/`-separated; 422 `invalid_path`."""
FileName = Annotated[
    str,
    described(
        minLength=1,
        maxLength=MAX_NAME_CHARS,
        pattern=f"^[^/{_CONTROL}]+$",
        description="1 to 255 bytes of UTF-8 in Unicode normal form C; not `.` or `..`.",
    ),
]
"""Name of a file or folder; 422 `invalid_path`."""
Tag = Annotated[str, described(minLength=1, maxLength=MAX_TAG_CHARS, pattern=f"^[^{_CONTROL}]+$")]
"""1 to 64 bytes of printable text; 422 `invalid_tags`."""
CustomMetadata = Annotated[
    dict[str, str],
    _checked_by(check_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MAX_PAIRS,
            "propertyNames": {"pattern": f"^{NAME_PATTERN}$"},
            "additionalProperties": {"type": "string", "maxLength": MAX_VALUE_CHARS, "pattern": f"^[^{_CONTROL}]*$"},
            "examples": [{"author": "Ada Lovelace"}],
        }
    ),
]
"""Names and values; 422 `invalid_metadata`."""
MetadataNames = Annotated[
    tuple[str, ...],
    _checked_by(_metadata_names),
    WithJsonSchema(
        {
            "type": "array",
            "maxItems": MAX_PAIRS,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": f"^{NAME_PATTERN}$"},
        }
    ),
]
"""Names of custom metadata; 422 `invalid_metadata`."""
WHOLE = BeforeValidator(_read_whole)
"""Last in the type of an integer in a body: JSON has one kind of number, so `3.0` is an integer."""
VersionNumber = Annotated[int, Field(ge=1, le=MAX_VERSION), WHOLE]
Moment = Annotated[datetime, _read_by(parse_moment), WithJsonSchema(MOMENT_SCHEMA)]
"""RFC 3339 with an offset, converted to UTC. 422 `moment_out_of_range` outside the years 1 to 9999."""
DayOrMoment = Annotated[datetime, _read_by(parse_day_or_moment), WithJsonSchema(DAY_OR_MOMENT_SCHEMA)]
"""The same, or a day; converted to UTC."""
