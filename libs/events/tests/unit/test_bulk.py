"""Events give way to bulk requests, for a while."""

import asyncio
import time
from contextlib import suppress

import pytest

from docstore_events.outbox import bulk
from docstore_events.outbox.bulk import bulk_request, let_bulk_pass
from docstore_platform.testing import eventually

LONG = 60.0


class Looks:
    """How often it was looked whether a bulk request is in progress."""

    def __init__(self) -> None:
        self.number = 0

    async def several_more(self) -> None:
        wanted = self.number + 3

        async def reached() -> bool:
            return self.number >= wanted

        await eventually(reached)


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Without a gap between two requests."""
    looks, is_busy = Looks(), bulk._is_busy

    def look() -> bool:
        looks.number += 1
        return is_busy()

    monkeypatch.setattr(bulk, "BETWEEN_SECONDS", 0.0)
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(bulk, "_is_busy", look)
    return looks


async def test_nothing_waits_without_bulk_work() -> None:
    """Nor is there a turn of the loop."""
    waiting = let_bulk_pass(time.monotonic() + LONG)
    with pytest.raises(StopIteration):
        waiting.send(None)


async def test_all_bulk_requests_are_waited_for(looks: Looks) -> None:
    """The first that ends lets no one go while another is in progress."""
    with bulk_request():
        with bulk_request():
            waiting = asyncio.create_task(let_bulk_pass(time.monotonic() + LONG))
            await looks.several_more()
        await looks.several_more()
        assert not waiting.done()
    await asyncio.wait_for(waiting, LONG)


async def test_one_client_that_sends_between_two_requests_is_waited_for(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next request comes in a moment."""
    monkeypatch.setattr(bulk, "BETWEEN_SECONDS", LONG)
    with bulk_request():
        pass
    waiting = asyncio.create_task(let_bulk_pass(time.monotonic() + LONG))
    await looks.several_more()
    assert not waiting.done()
    monkeypatch.setattr(bulk, "BETWEEN_SECONDS", 0.0)
    await asyncio.wait_for(waiting, LONG)


async def test_the_wait_has_an_end() -> None:
    """However long bulk requests go on."""
    with bulk_request():
        until = time.monotonic() + 0.05
        await let_bulk_pass(until)
        assert time.monotonic() >= until


async def test_a_request_that_fails_is_over() -> None:
    """No one waits for it."""
    with suppress(RuntimeError), bulk_request():
        raise RuntimeError
    await asyncio.wait_for(let_bulk_pass(time.monotonic() + LONG), LONG)
