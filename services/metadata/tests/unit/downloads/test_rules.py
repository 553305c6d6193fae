"""Range and conditional headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.downloads.rules import ByteRange, RangeNotSatisfiable, is_known, requested_range

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=2-5", ByteRange(2, 6)),
        ("bytes=4-", ByteRange(4, 10)),
        ("bytes=0-", ByteRange(0, 10)),
        ("bytes=8-99", ByteRange(8, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-99", ByteRange(0, 10)),
        ("Bytes= 2-5", ByteRange(2, 6)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=0-" + "9" * 30, None),
        ("bytes=١-٢", None),
    ],
)
def test_only_single_byte_ranges_are_ranges(header: str | None, expected: ByteRange | None) -> None:
    """Everything else returns the whole content."""
    assert requested_range(header, None, ETAG, 10) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_an_empty_range_is_not_satisfiable(header: str, size: int) -> None:
    """Beyond the end, or of an empty content."""
    with pytest.raises(RangeNotSatisfiable):
        requested_range(header, None, ETAG, size)


@pytest.mark.parametrize(
    ("if_range", "holds"),
    [(ETAG, True), ('"other"', False), (f"W/{ETAG}", False), ("Sat, 21 Nov 2026 00:00:00 GMT", False)],
)
def test_if_range_must_name_this_content(if_range: str, holds: bool) -> None:
    """Otherwise a client would join parts of two contents."""
    assert (requested_range("bytes=1-2", if_range, ETAG, 10) is not None) is holds


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_first_and_last_byte_are_included(size: int, first: int, last: int) -> None:
    """As far as they exist."""
    data = bytes(range(size))
    try:
        found = requested_range(f"bytes={first}-{last}", None, ETAG, size)
    except RangeNotSatisfiable:
        assert first >= size
        return
    if found is None:
        assert last < first
        return
    assert data[found.start : found.end] == bytes(byte for byte in data if first <= byte <= last)
    assert found.content_range(size) == f"bytes {found.start}-{found.end - 1}/{size}"


@pytest.mark.parametrize(
    ("header", "known"),
    [(None, False), (ETAG, True), (f'"x", W/{ETAG}', True), ("*", True), ('"x"', False), ("abc", False)],
)
def test_if_none_match_compares_each_tag(header: str | None, known: bool) -> None:
    """Weak tags and `*` included."""
    assert is_known(header, ETAG) is known
