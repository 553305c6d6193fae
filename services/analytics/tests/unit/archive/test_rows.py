"""Events as rows of the archive."""

from datetime import timedelta

import orjson
from analytics_events import AT, created

from docstore_analytics.archive.columns import EVENTS, pack, unpack
from docstore_analytics.archive.rows import archive_row, chunks_of
from docstore_events.envelope import seal


def test_a_row_has_every_column() -> None:
    """And no other, so that all files have one form."""
    row = orjson.loads(archive_row(seal(created("f"), source="metadata", traceparent=None)))
    assert list(row) == list(EVENTS.columns)


def test_rows_are_packed_in_chunks_of_a_day_each() -> None:
    """In their order, none too large for a document."""
    rows = [(AT + timedelta(hours=hours), b"%d" % hours + b"x" * 2**20) for hours in range(16)]
    chunks = chunks_of(rows)
    assert {chunk.day for chunk in chunks} == {"2026-05-01", "2026-05-02"}
    assert all(chunk.size <= 4 * 2**20 for chunk in chunks)
    assert b"".join(unpack(pack(chunk.lines)) for chunk in chunks) == b"".join(line + b"\n" for _, line in rows)
