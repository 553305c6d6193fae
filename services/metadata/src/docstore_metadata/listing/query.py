"""Query of a listing: order, filters, limit and cursor, parsed from a query string."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from docstore_metadata.paging import DEFAULT_LIMIT, moment_of, parse_limit, position_of
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.rules import Kind, Node
from docstore_platform.errors import invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.parameters import metadata_filter
from docstore_platform.http.values import MOMENT_OUT_OF_RANGE, OutOfCalendar, parse_day_or_moment

SORT_TYPES: Mapping[str, type] = {"natural": str, "name": str, "modified": int, "created": int, "size": int}
ORDERS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """One page of a listing. `position` is where the previous page ended: the sort value and id of its last node."""

    sort: str = "natural"
    order: str = "asc"
    limit: int = DEFAULT_LIMIT
    position: tuple[Any, str] | None = None
    tag: str | None = None
    type: str | None = None
    prefix: str | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    owner: str | None = None
    kind: Kind | None = None

    @property
    def field(self) -> str:
        """The stored field that is sorted by."""
        return "order" if self.sort == "natural" else self.sort


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which folder, by path or by id, and which page of it. With both, the path starts from that folder."""

    path: str | None
    parent_id: str | None
    page: PageQuery


@lru_cache(maxsize=1024)
def parse_list_query(query_string: str) -> ListQuery:
    """Parse a query string; 422 for invalid values."""
    parameters = parse_qsl(query_string, keep_blank_values=True)
    given = dict(parameters)
    path, parent_id = given.get("path"), given.get("parent_id")
    if path is None and parent_id is None:
        path = "/"
    usual = "name" if given.get("prefix") else "natural"  # the index that finds a prefix has names in that order
    sort, order = given.get("sort", usual), given.get("order", "asc")
    if sort not in SORT_TYPES:
        raise invalid(f"sort is one of {', '.join(SORT_TYPES)}.")
    if order not in ORDERS:
        raise invalid("order is asc or desc.")
    page = PageQuery(
        sort,
        order,
        parse_limit(given.get("limit")),
        parse_position(given["cursor"], sort, order) if given.get("cursor") else None,
        tag=given.get("tag") or None,
        type=given.get("type") or None,
        prefix=given.get("prefix") or None,
        modified_after=_moment(given, "modified_after"),
        modified_before=_moment(given, "modified_before"),
        created_after=_moment(given, "created_after"),
        created_before=_moment(given, "created_before"),
        metadata=metadata_filter(parameters),
        owner=given.get("owner") or None,
        kind=_kind(given.get("kind")),
    )
    return ListQuery(path, parent_id, page)


def parse_position(cursor: str, sort: str, order: str) -> tuple[Any, str]:
    """The position in a cursor; 422 for a cursor of a listing in another order."""
    cursor_sort, cursor_order, value, node_id = decode_cursor(cursor, str, str, SORT_TYPES[sort], str)
    if (cursor_sort, cursor_order) != (sort, order):
        raise invalid("The cursor is of a listing in another order.", "invalid_cursor")
    return (moment_of(value) if sort in ("modified", "created") else value), node_id


def _kind(given: str | None) -> Kind | None:
    kinds: Mapping[str | None, Kind | None] = {None: None, "": None, "file": "file", "folder": "folder"}
    if given not in kinds:
        raise invalid("kind is file or folder.")
    return kinds[given]


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        return parse_day_or_moment(given[name])
    except OutOfCalendar as error:
        raise invalid(f"{name} is {error}.", MOMENT_OUT_OF_RANGE) from None
    except ValueError:
        raise invalid(f"{name} is a day, or a moment as in RFC 3339.") from None


def next_cursor(page: PageQuery, last: Node) -> str:
    values: Mapping[str, Any] = {
        "natural": order_of(last.kind, last.name),
        "name": last.name,
        "size": last.size,
        "created": position_of(last.created_at),
        "modified": position_of(last.modified_at),
    }
    return encode_cursor(page.sort, page.order, values[page.sort], last.id)
