"""A rolling restart of every service under load fails no request."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from load import SIZE, THE_END, Load
from paired_services import PAIRED_SERVICES, PairedServices
from people import Person

pytestmark = pytest.mark.scale


async def test_a_rolling_restart_loses_no_request(paired: PairedServices, say: Callable[[str], None]) -> None:
    """All services at once, the instances of each in turn: every read, upload and long poll gets its proper answer,
    every change reaches all who wait, and each upload is there and counted once.
    """
    async with AsyncExitStack() as opened:
        person = await opened.enter_async_context(await Person.new(paired.gateway, "roller"))
        load = Load(person)
        await load.begin(opened)
        began = time.monotonic()
        statuses = await asyncio.gather(*(_roll(paired, service) for service in PAIRED_SERVICES))
        seconds = time.monotonic() - began
        ended = await load.end()
        say(f"{2 * len(PAIRED_SERVICES)} instances restarted in {seconds:.0f} s under {ended['answered']} requests")
        say(f"{ended.total() - ended['answered']} of them not answered properly; the slowest took {load.slowest:.1f} s")
        assert set(ended) == {"answered"}
        assert [status for pair in statuses for status in pair] == [0] * 2 * len(PAIRED_SERVICES)
        assert all(seen_changes >= load.paths for seen_changes in load.seen_changes)
        listed = {file["path"] for file in await person.every("/v1/files", path="/", limit=500)}
        assert listed == load.paths | {"/" + THE_END}
        await person.counted(SIZE * len(load.paths))


async def _roll(paired: PairedServices, service: str) -> list[int]:
    """Stop and start one instance after the other, the next once the last one is served again; exit statuses."""
    statuses = []
    for instance in paired.by_age(service):
        statuses.append(await instance.stop())
        await instance.start()
        await paired.balanced(instance)
    return statuses
