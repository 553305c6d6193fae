"""How the consume path waits while it fails, and tries less at once."""

from types import SimpleNamespace
from typing import Any

import pytest

import docstore_events.consuming.consumer
from docstore_events.consuming.consumer import (
    MAX_BATCH,
    OUTAGE_DELAY_SECONDS,
    Consumer,
    Record,
    batch_after,
    pause_after,
)
from docstore_events.subscribers import Subscribers


class FullDisk:
    """Stands in for the dead letters and the transactor of a database that takes no writes, for no passing reason."""

    async def run(self, work: Any) -> None:
        raise OSError("no space left on device")


async def test_a_failure_that_is_no_outage_is_paused_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records come again at once whatever failed: without a pause they would come again without end."""
    pauses_after: list[int] = []

    def note(failures: int) -> float:
        pauses_after.append(failures)
        return 0.0

    monkeypatch.setattr(docstore_events.consuming.consumer, "pause_after", note)
    disk: Any = FullDisk()
    consumer = Consumer("quota", Subscribers[Any](), {"inbox": None}, disk, disk)
    with pytest.raises(OSError, match="no space"):
        await consumer.consume([Record("usage", 0, 0, "anna", (), b"{nonsense")])
    assert pauses_after == [1]


def test_the_pause_stays_bounded_however_long_an_outage_lasts() -> None:
    """Hours into an outage it is still a few seconds, neither nothing nor an error."""
    assert all(0.1 <= pause_after(failures) <= OUTAGE_DELAY_SECONDS for failures in (1, 10, 1_000, 10_000))


class FakeKafka:
    """Has nothing more to give; notes how much it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[Any, Any]:
        self.asked.append(max_records)
        return {}


async def test_a_batch_that_fails_is_tried_in_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one transaction has no time for would else come again, as it is, for ever."""
    monkeypatch.setattr(docstore_events.consuming.consumer, "pause_after", lambda failures: 0.0)
    disk: Any = FullDisk()
    consumer = Consumer("quota", Subscribers[Any](), {"inbox": None}, disk, disk)
    raw = SimpleNamespace(topic="usage", partition=0, offset=0, key=b"anna", headers=(), value=b"{nonsense")
    message: Any = SimpleNamespace(raw_message=raw, consumer=FakeKafka())
    for _ in range(12):
        with pytest.raises(OSError, match="no space"):
            await consumer.on_message(message)
    assert message.consumer.asked == [999, 499, 249, 124, 61, 30, 14, 6, 2]
    assert (batch_after(0), batch_after(10_000)) == (MAX_BATCH, 1)
