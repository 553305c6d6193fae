"""Handling events, without a database."""

from typing import Any

from analytics_events import call, called, uploaded_pack

from docstore_analytics.recording.service import Batch
from docstore_analytics.recording.subscribers import AnalyticsSubscribers
from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import Event
from docstore_events.testing import FakeTransactor, InMemoryEvents
from docstore_events.transaction import Transaction


class FakeRecording:
    """Keeps the batch that it is given."""

    def __init__(self) -> None:
        self.batch = Batch()

    async def record(self, batch: Batch, transaction: Transaction) -> None:
        self.batch = batch


async def batch_of(*events: Event) -> Batch:
    """What analytics records of a batch of events."""
    recording: Any = FakeRecording()
    await InMemoryEvents(AnalyticsSubscribers(recording), FakeTransactor()).deliver(*events)
    return recording.batch


def test_every_event_is_handled() -> None:
    """A new event that no one thought of here would be missing from the archive."""
    recording: Any = FakeRecording()
    assert set(AnalyticsSubscribers(recording).handlers()) == set(EVENT_TYPES.values())


async def test_a_call_has_actor_action_and_outcome() -> None:
    """The audit entry has all that the gateway knew."""
    (entry,) = (await batch_of(called(call(status=403)))).entries
    assert (entry.kind, entry.action, entry.actor_id, entry.object_id, entry.status, entry.client) == (
        "call",
        "GET /v1/files",
        "ann",
        "f",
        403,
        "203.0.113.7",
    )


async def test_only_stored_files_of_a_pack_are_counted() -> None:
    """With their bytes: what was refused is no upload."""
    batch = await batch_of(uploaded_pack("ann", 3, 60, 1, refused_size=20))
    assert [(figure, amount) for _, figure, _, amount in batch.by_account] == [("uploads", 2), ("uploaded_bytes", 40)]
