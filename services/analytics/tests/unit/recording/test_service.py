"""Handling events, without a database."""

from typing import Any

from analytics_events import call, called, uploaded_pack

from docstore_analytics.audit.rules import Chain
from docstore_analytics.recording.service import Batch, RecordingService
from docstore_analytics.recording.subscribers import AnalyticsSubscribers
from docstore_events.catalogue import EVENT_TYPES
from docstore_events.envelope import seal

STORE: Any = None
SUBSCRIBERS = AnalyticsSubscribers(RecordingService(STORE, STORE, STORE, STORE, Chain(b"key")))


def test_every_event_there_is_is_heard() -> None:
    """A new event that nobody thought of here would be missing from the archive."""
    assert set(SUBSCRIBERS.handlers()) == set(EVENT_TYPES.values())


def test_a_call_says_who_what_and_how_it_ended() -> None:
    """The audit entry has all that the gateway knew."""
    batch = Batch()
    SUBSCRIBERS.on_api_called(seal(called(call(status=403)), source="gateway", traceparent=None), batch)  # type: ignore[arg-type]
    (entry,) = batch.entries
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
    batch = Batch()
    event = uploaded_pack("ann", 3, 60, 1, refused_size=20)
    SUBSCRIBERS.on_pack_completed(seal(event, source="upload", traceparent=None), batch)  # type: ignore[arg-type]
    assert [(figure, amount) for _, figure, _, amount in batch.by_account] == [("uploads", 2), ("uploaded_bytes", 40)]
