"""Changes of a batch of events, which come from several topics."""

from datetime import UTC, datetime, timedelta
from typing import Any

from docstore_events.envelope import Envelope
from docstore_quota.rules import Released
from docstore_quota.service import Batch

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_what_follows_from_a_batch_has_the_trace_of_its_newest_event() -> None:
    """Not of the last one in the batch: its topics are in any order."""
    older: Envelope[Any] = Envelope("1", "accounts", NOW, "of the sign-up", None)
    newer: Envelope[Any] = Envelope("2", "upload", NOW + timedelta(seconds=1), "of the upload", None)
    batch = Batch()
    for cause in (newer, older):
        batch.add("ada", Released("upload"), cause)
    assert batch.causes["ada"] is newer
