"""What analytics hears, without a database."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from analytics_events import AT, call, called, created, uploaded_pack
from hypothesis import given
from hypothesis import strategies as st

from docstore_analytics.archive_columns import COLUMNS, pack, unpack
from docstore_analytics.archive_rows import archive_row
from docstore_analytics.audit_chain import Chain
from docstore_analytics.child import ChildFailed, run_child
from docstore_analytics.domain import Account, Counts, PlanSeen, UsageSeen
from docstore_analytics.framing import join_parts, split_parts
from docstore_analytics.service import AnalyticsService, Heard, chunks_of
from docstore_analytics.subscribers import AnalyticsSubscribers
from docstore_events.catalogue import EVENT_TYPES
from docstore_events.envelope import seal

STORE: Any = None
SUBSCRIBERS = AnalyticsSubscribers(AnalyticsService(STORE, STORE, Chain(b"key")))


def test_every_event_there_is_is_heard() -> None:
    """A new event that nobody thought of here would be missing from the archive."""
    assert set(SUBSCRIBERS.handlers()) == set(EVENT_TYPES.values())


def test_a_row_has_every_column() -> None:
    """And no other, so that all files have one form."""
    row = orjson.loads(archive_row(seal(created("f"), source="metadata", traceparent=None)))
    assert list(row) == list(COLUMNS)


@given(st.lists(st.binary()))
def test_parts_are_taken_apart_as_they_were_joined(parts: list[bytes]) -> None:
    """Whatever is in them; and what is cut off is refused."""
    joined = join_parts(parts)
    assert split_parts(joined) == parts
    if joined:
        with pytest.raises(ValueError, match="cut off"):
            split_parts(joined[:-1])


def test_rows_are_packed_in_chunks_of_a_day_each() -> None:
    """In their order, none too large for a document."""
    rows = [(AT + timedelta(hours=hours), b"%d" % hours + b"x" * 2**20) for hours in range(16)]
    chunks = chunks_of(rows)
    assert {chunk.day for chunk in chunks} == {"2026-05-01", "2026-05-02"}
    assert all(chunk.size <= 4 * 2**20 for chunk in chunks)
    assert b"".join(unpack(pack(chunk.lines)) for chunk in chunks) == b"".join(line + b"\n" for _, line in rows)


SEEN = st.one_of(
    st.builds(PlanSeen, st.just("ann"), st.sampled_from(["free", "premium"]), st.integers(1, 5), st.none()),
    st.builds(UsageSeen, st.just("ann"), st.integers(0, 9), st.integers(0, 9), st.integers(1, 5), st.none()),
)


@given(st.lists(SEEN))
def test_counted_levels_are_those_of_the_last_that_was_seen(seen: list[Any]) -> None:
    """In whatever order it comes, and however often: sums of differences are the level."""
    account, counts = Account(), Counts()
    for each in seen:
        now = type(each)(*(AT if value is None else value for value in _values(each)))
        (account.see_plan if isinstance(now, PlanSeen) else account.see_usage)(now, counts)
    levels: dict[tuple[str, str], int] = {}
    for (_, figure, plan), amount in counts.by_hour.items():
        levels[figure, plan] = levels.get((figure, plan), 0) + amount
    kept = {key: level for key, level in levels.items() if level}
    expected = {
        ("documents", account.plan): account.documents,
        ("bytes", account.plan): account.bytes,
        ("accounts", account.plan): 1 if account.plan_revision else 0,
    }
    assert kept == {key: level for key, level in expected.items() if level}


def _values(seen: Any) -> list[Any]:
    return [getattr(seen, name) for name in seen.__dataclass_fields__]


def test_a_call_says_who_what_and_how_it_ended() -> None:
    """The audit entry has all that the gateway knew."""
    heard = Heard()
    SUBSCRIBERS.on_api_called(seal(called(call(status=403)), source="gateway", traceparent=None), heard)  # type: ignore[arg-type]
    (entry,) = heard.entries
    assert (entry.kind, entry.action, entry.actor_id, entry.object_id, entry.status, entry.client) == (
        "call",
        "GET /v1/files",
        "ann",
        "f",
        403,
        "203.0.113.7",
    )


def test_of_a_pack_those_files_count_that_were_kept() -> None:
    """With their bytes: what was refused is no upload."""
    heard = Heard()
    event = uploaded_pack("ann", 3, 60, 1, refused_size=20)
    SUBSCRIBERS.on_pack_completed(seal(event, source="upload", traceparent=None), heard)  # type: ignore[arg-type]
    assert [(figure, amount) for _, figure, _, amount in heard.by_account] == [("uploads", 2), ("uploaded_bytes", 40)]


async def test_a_child_that_fails_or_hangs_is_ended_and_says_why() -> None:
    """Nothing of it stays."""
    with pytest.raises(ChildFailed, match="cut off"):
        await run_child("docstore_analytics.segment_worker", b"nonsense", seconds=30)
    with pytest.raises(ChildFailed, match=r"more than 0\.01 s"):
        await run_child("docstore_analytics.segment_worker", b"", seconds=0.01)
