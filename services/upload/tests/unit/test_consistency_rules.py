"""Which transfers no worker will ever end."""

from datetime import UTC, datetime, timedelta

import pytest

from docstore_upload.consistency.rules import OVERDUE, StoredTransfer
from docstore_upload.lifecycle.rules import State

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LONG_AGO = NOW - OVERDUE - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("state", "due", "settled", "never_ends"),
    [
        ("uploading", NOW + timedelta(days=1), False, False),
        ("committing", NOW - timedelta(minutes=1), False, False),
        ("committing", LONG_AGO, False, True),
        ("initiated", None, False, True),
        ("completed", None, False, True),
        ("completed", None, True, False),
        ("aborted", None, False, False),
        ("expired", LONG_AGO, False, True),
    ],
)
def test_a_transfer_needs_a_next_look_until_it_has_ended(
    state: State, due: datetime | None, settled: bool, never_ends: bool
) -> None:
    """One that waits for a worker which comes too late by an hour will wait for ever."""
    transfer = StoredTransfer("u", "ada", state, due, is_settled=settled, live=0)
    assert bool(transfer.without_end(NOW)) is never_ends
