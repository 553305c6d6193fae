"""Queries of listings, their cursors and filters."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.listing.query import PageQuery, next_cursor, parse_list_query
from docstore_metadata.listing.repository import page_filter, page_order
from docstore_metadata.paging import EPOCH, moment_of, position_of
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import DomainError

moments = st.integers(0, 4 * 10**12).map(lambda millis: EPOCH + timedelta(milliseconds=millis))


def node(name: str, moment: datetime, size: int) -> Node:
    return Node(
        id="0" * 32,
        owner_id="ann",
        parent_id="ann",
        name=name,
        kind="file",
        created_at=moment,
        modified_at=moment,
        modified_by="ann",
        size=size,
    )


@given(moments)
def test_moments_survive_a_cursor_to_the_millisecond(moment: datetime) -> None:
    """Encoded and decoded, they are equal."""
    assert moment_of(position_of(moment)) == moment


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    moments,
    st.integers(0, 2**53),
    st.sampled_from(["natural", "name", "modified", "created", "size"]),
    st.sampled_from(["asc", "desc"]),
)
def test_a_cursor_encodes_its_position(name: str, moment: datetime, size: int, sort: str, order: str) -> None:
    """The sort value and the id; in another order it is refused."""
    last = node(name, moment, size)
    cursor = next_cursor(PageQuery(sort=sort, order=order), last)
    requested = parse_list_query(urlencode({"sort": sort, "order": order, "cursor": cursor}))
    values = {"natural": order_of("file", name), "name": name, "modified": moment, "created": moment, "size": size}
    assert requested.page.position == (values[sort], last.id)
    turned = "desc" if order == "asc" else "asc"
    with pytest.raises(DomainError):
        parse_list_query(urlencode({"sort": sort, "order": turned, "cursor": cursor}))


@given(st.text(max_size=200))
def test_no_query_string_breaks_the_parser(text: str) -> None:
    """Any text is a query or a 422."""
    for parameter in ("cursor", "limit", "modified_after", "created_after", "sort", "order", "path", "type"):
        with suppress(DomainError):
            assert 1 <= parse_list_query(urlencode({parameter: text})).page.limit <= 1000


def test_all_parameters_are_parsed() -> None:
    """Without any it is the root in natural order, with a hundred items."""
    requested = parse_list_query(
        "parent_id=p&sort=size&order=desc&limit=7&tag=t&type=image/*&prefix=x&modified_after=2026-01-02T03:04:05Z"
    )
    after = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    page = PageQuery(sort="size", order="desc", limit=7, tag="t", type="image/*", prefix="x", modified_after=after)
    assert (requested.path, requested.parent_id, requested.page) == (None, "p", page)
    plain = parse_list_query("")
    assert (plain.path, plain.page) == ("/", PageQuery(sort="natural"))
    assert parse_list_query("prefix=x").page.sort == "name"


@pytest.mark.parametrize(
    ("page", "condition"),
    [
        (PageQuery(sort="name", position=("m", "id")), {"name": {"$gt": "m"}}),
        (PageQuery(sort="name", order="desc", position=("m", "id"), prefix="k"), {"name": {"$gte": "k", "$lt": "m"}}),
    ],
)
def test_a_page_by_name_begins_after_the_last_one(page: PageQuery, condition: dict[str, Any]) -> None:
    """Names are unique in a folder: one range suffices, within a prefix too."""
    assert page_filter("f", page) == {"parent": "f", "live": True, **condition}
    assert page_order(page) == [("name", 1 if page.order == "asc" else -1)]


def test_a_prefix_bounds_later_pages_too() -> None:
    """Ascending, the end of the prefix stays the end of the range."""
    condition = page_filter("f", PageQuery(sort="name", prefix="k", position=("kab", "id")))
    assert condition["name"] == {"$gte": "k", "$lt": "k\U0010ffff", "$gt": "kab"}


def test_equal_values_are_continued_by_id() -> None:
    """First the rest of the equal values, then greater ones."""
    condition = page_filter("f", PageQuery(sort="size", position=(4096, "id")))
    base = {"parent": "f", "live": True}
    assert condition == {"$or": [{**base, "size": 4096, "_id": {"$gt": "id"}}, {**base, "size": {"$gt": 4096}}]}
    assert page_order(PageQuery(sort="size")) == [("size", 1), ("_id", 1)]


def test_equal_names_in_natural_order_are_continued_by_id() -> None:
    """`a` and `A` are equal in it; it is stored in another field."""
    condition = page_filter("f", PageQuery(position=("1a", "id")))
    base = {"parent": "f", "live": True}
    assert condition == {"$or": [{**base, "order": "1a", "_id": {"$gt": "id"}}, {**base, "order": {"$gt": "1a"}}]}
    assert page_order(PageQuery(order="desc")) == [("order", -1), ("_id", -1)]
