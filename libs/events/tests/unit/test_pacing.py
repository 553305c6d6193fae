"""Pacing of the relay: a burst goes at once, lasting load in few turns."""

import pytest

from docstore_events.pacing import Pacing


class FakeSeconds:
    """A monotonic clock that moves by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_after_a_quiet_time_waits_for_nothing() -> None:
    """As many turns as the bucket holds, again and again after a quiet time; never more than it holds."""
    seconds = FakeSeconds()
    pacing = Pacing(burst=3, per_second=2.0, seconds=seconds)
    for _ in range(2):
        for wait_seconds in (0.0, 0.0, 0.0, 0.5):
            assert pacing.wait_seconds() == wait_seconds
            pacing.count()
        seconds.now += 3600


@pytest.mark.parametrize("work_seconds", [0.0, 0.1])
def test_lasting_load_takes_few_turns(work_seconds: float) -> None:
    """Whoever always has something to send takes `per_second` turns a second, however long each takes."""
    seconds = FakeSeconds()
    pacing = Pacing(burst=3, per_second=2.0, seconds=seconds)
    turns = 0
    while seconds.now < 200.0:
        seconds.now += pacing.wait_seconds() + work_seconds
        pacing.count()
        turns += 1
    assert turns == pytest.approx(200, abs=4)
