"""Query of a page of photos: bounds, order and cursor."""

from dataclasses import dataclass
from datetime import datetime

from docstore_metadata.paging import moment_of, position_of
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor

Position = tuple[datetime, str]
"""When the last photo of the previous page was taken, and its id."""


@dataclass(frozen=True, slots=True)
class PhotoQuery:
    """Photos of an account, the latest first: taken at `after` or later, and earlier than `before`."""

    owner_id: str
    limit: int
    after: datetime | None = None
    before: datetime | None = None
    position: Position | None = None


def position_behind(last: Node) -> Position:
    assert last.photo_at is not None
    return last.photo_at, last.id


def parse_position(cursor: str) -> Position:
    order, value, node_id = decode_cursor(cursor, str, int, str)
    if order != "taken":
        raise invalid("The cursor is of another listing.", "invalid_cursor")
    return moment_of(value), node_id


def next_cursor(last: Node) -> str:
    return encode_cursor("taken", position_of(last.photo_at), last.id)
