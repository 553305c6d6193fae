"""Listings of a folder: what is asked for, the query by index that answers a page, and a cache of answered pages."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from docstore_metadata.storage import Store
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.presentation import file_json
from docstore_metadata.tree.rules import Node, Place, View
from docstore_platform.mongo import Document
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import invalid
from docstore_platform.values import MOMENT_OUT_OF_RANGE, OutOfCalendar, parse_day_or_moment

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
UNSETTLED_SECONDS = 1.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_CHARACTER = "\U0010ffff"

SORT_TYPES: Mapping[str, type] = {"natural": str, "name": str, "modified": int, "created": int, "size": int}
ORDERS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """One page of a listing. `position` is where the page before ended: the value sorted by, and the node's id."""

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

    @property
    def field(self) -> str:
        """What is sorted by, as it is stored."""
        return "order" if self.sort == "natural" else self.sort


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which folder, by path or by id, and which page of it. With both the path starts from that folder."""

    path: str | None
    parent_id: str | None
    page: PageQuery


def position_of(moment: datetime | None) -> int:
    """A moment as cursors carry it: milliseconds since 1970."""
    assert moment is not None
    return round((moment - EPOCH) / timedelta(milliseconds=1))


def moment_of(millis: int) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise invalid("The cursor is not one of ours.", "invalid_cursor") from None


@lru_cache(maxsize=1024)
def parse_list_query(query_string: str) -> ListQuery:
    """What a query string asks for; 422 if that makes no sense. Unknown parameters are ignored."""
    given = dict(parse_qsl(query_string, keep_blank_values=True))
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
        sort=sort,
        order=order,
        limit=parse_limit(given.get("limit")),
        position=parse_position(given["cursor"], sort, order) if given.get("cursor") else None,
        tag=given.get("tag") or None,
        type=given.get("type") or None,
        prefix=given.get("prefix") or None,
        modified_after=_moment(given, "modified_after"),
        modified_before=_moment(given, "modified_before"),
        created_after=_moment(given, "created_after"),
        created_before=_moment(given, "created_before"),
    )
    return ListQuery(path, parent_id, page)


def parse_limit(text: str | None) -> int:
    """Items on a page, 1 to 1000; 422 for anything else."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise invalid(f"limit is a number from 1 to {MAX_LIMIT}.")
    return int(text)


def parse_position(cursor: str, sort: str, order: str) -> tuple[Any, str]:
    """A cursor goes on in the order it was made in, and no other."""
    made_for, ordered, value, node_id = decode_cursor(cursor, str, str, SORT_TYPES[sort], str)
    if (made_for, ordered) != (sort, order):
        raise invalid("The cursor is of a listing in another order.", "invalid_cursor")
    return (moment_of(value) if sort in ("modified", "created") else value), node_id


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        return parse_day_or_moment(given[name])
    except OutOfCalendar as error:
        raise invalid(f"{name} is {error}.", MOMENT_OUT_OF_RANGE) from None
    except ValueError:
        raise invalid(f"{name} is a day, or a moment as in RFC 3339.") from None


def page_condition(folder_id: str, page: PageQuery) -> Document:
    """The query of a page: each branch is one range of the index of its order, from where the page before ended."""
    base: Document = {"parent": folder_id, "live": True}
    if page.tag:
        base |= {"tags": page.tag, "tagged": True}
    if page.type:
        family = page.type.removesuffix("*")
        base["content_type"] = _beginning_with(family) if family.endswith("/") else page.type
    base |= _between("modified", page.modified_after, page.modified_before)
    base |= _between("created", page.created_after, page.created_before)
    if page.prefix:
        base["name"] = _beginning_with(page.prefix)
    if page.position is None:
        return base
    value, node_id = page.position
    beyond = "$gt" if page.order == "asc" else "$lt"
    further = {**base, page.field: {**base.get(page.field, {}), beyond: value}}
    if page.sort == "name":
        return further
    return {"$or": [{**base, page.field: value, "_id": {beyond: node_id}}, further]}


def page_order(page: PageQuery) -> list[tuple[str, int]]:
    direction = 1 if page.order == "asc" else -1
    return [("name", direction)] if page.sort == "name" else [(page.field, direction), ("_id", direction)]


def _between(field: str, after: datetime | None, before: datetime | None) -> Document:
    """At `after` or later, and earlier than `before`."""
    bounds = {operator: moment for operator, moment in (("$gte", after), ("$lt", before)) if moment is not None}
    return {field: bounds} if bounds else {}


def _beginning_with(text: str) -> Document:
    return {"$gte": text, "$lt": text + LAST_CHARACTER}


def next_cursor(page: PageQuery, last: Node) -> str:
    values: Mapping[str, Any] = {
        "natural": order_of(last.kind, last.name),
        "name": last.name,
        "size": last.size,
        "created": position_of(last.created_at),
        "modified": position_of(last.modified_at),
    }
    return encode_cursor(page.sort, page.order, values[page.sort], last.id)


@dataclass(frozen=True, slots=True)
class Listing:
    """An answered page: its JSON and the ETag of that."""

    body: bytes
    etag: str
    expires_at: float | None
    """Monotonic seconds; None: good for as long as the folder's revision is."""


class Listings:
    """Pages of folders. Answered ones are kept under the folder's revision and path, so a stale one is never found.

    But for `indexed`: it changes without the folder changing, so a page with a file that is not yet indexed is kept
    for a second only.
    """

    def __init__(self, store: Store, *, cache_bytes: int) -> None:
        self._store = store
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[tuple[Any, ...], Listing] = OrderedDict()
        self._cached_bytes = 0

    async def page(self, folder: Place, account_id: str, page: PageQuery) -> Listing:
        seen = folder.as_seen_by(account_id)
        reader = "" if seen.permission == "owner" else account_id
        key = (folder.node.id, folder.node.children_revision, seen.path, reader, seen.permission, page)
        cached = self._cached.get(key)
        if cached is not None and (cached.expires_at is None or cached.expires_at > time.monotonic()):
            self._cached.move_to_end(key)
            return cached
        order = page_order(page)
        nodes = await self._store.find_page(page_condition(folder.node.id, page), order, page.limit + 1)
        listing = _listing(seen, account_id, page, nodes)
        self._keep(key, listing)
        return listing

    def _keep(self, key: tuple[Any, ...], listing: Listing) -> None:
        replaced = self._cached.pop(key, None)
        if replaced is not None:
            self._cached_bytes -= len(replaced.body)
        self._cached[key] = listing
        self._cached_bytes += len(listing.body)
        while self._cached_bytes > self._cache_bytes:
            _, dropped = self._cached.popitem(last=False)
            self._cached_bytes -= len(dropped.body)


def _listing(folder: View, account_id: str, page: PageQuery, nodes: Sequence[Node]) -> Listing:
    shown = nodes[: page.limit]
    cursor = next_cursor(page, shown[-1]) if len(nodes) > page.limit else None
    body = orjson.dumps({"items": [file_json(folder.child(node, account_id)) for node in shown], "next_cursor": cursor})
    settled = all(node.indexed or node.is_folder for node in shown)
    etag = f'"{folder.node.children_revision}-{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Listing(body, etag, None if settled else time.monotonic() + UNSETTLED_SECONDS)
