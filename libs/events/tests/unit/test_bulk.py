"""Events give way to bulk requests, for a while."""

import asyncio
import time
from contextlib import suppress

import pytest

from docstore_events import bulk
from docstore_events.bulk import bulk_request, let_bulk_pass

LONG = 60.0


@pytest.fixture(autouse=True)
def no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two requests."""
    monkeypatch.setattr(bulk, "BETWEEN_SECONDS", 0.0)
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.001)


async def test_nobody_waits_while_there_is_no_bulk() -> None:
    """Nor is there a turn of the loop."""
    waiting = let_bulk_pass(time.monotonic() + LONG)
    with pytest.raises(StopIteration):
        waiting.send(None)


async def test_all_bulk_requests_are_waited_for() -> None:
    """The first that ends lets nobody go while another is in progress."""
    with bulk_request():
        with bulk_request():
            waiting = asyncio.create_task(let_bulk_pass(time.monotonic() + LONG))
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert not waiting.done()
    await asyncio.wait_for(waiting, LONG)


async def test_one_client_that_sends_between_two_requests_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next request comes in a moment."""
    monkeypatch.setattr(bulk, "BETWEEN_SECONDS", LONG)
    with bulk_request():
        pass
    waiting = asyncio.create_task(let_bulk_pass(time.monotonic() + LONG))
    await asyncio.sleep(0.01)
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
    """Nobody waits for it."""
    with suppress(RuntimeError), bulk_request():
        raise RuntimeError
    await asyncio.wait_for(let_bulk_pass(time.monotonic() + LONG), LONG)
