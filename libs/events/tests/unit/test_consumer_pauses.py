"""How the consume path waits while it fails."""

import asyncio
from typing import Any

import pytest

from docstore_events.consumer import OUTAGE_DELAY_SECONDS, Consumer, Record, pause_after
from docstore_events.subscribers import Subscribers


class FullDisk:
    """Stands in for the dead letters and the transactor of a database that takes no writes, for no passing reason."""

    async def run(self, work: Any) -> None:
        raise OSError("no space left on device")


async def test_a_failure_that_is_no_outage_is_paused_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records come again at once whatever failed: without a pause they would come again without end."""
    paused: list[float] = []

    async def note(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    disk: Any = FullDisk()
    consumer = Consumer("quota", Subscribers[Any](), {"inbox": None}, disk, disk)
    with pytest.raises(OSError, match="no space"):
        await consumer.consume([Record("usage", 0, 0, "anna", (), b"{nonsense")])
    assert len(paused) == 1


def test_the_pause_stays_bounded_however_long_an_outage_lasts() -> None:
    """Hours into an outage it is still a few seconds, neither nothing nor an error."""
    assert all(0.1 <= pause_after(failures) <= OUTAGE_DELAY_SECONDS for failures in (1, 10, 1_000, 10_000))
