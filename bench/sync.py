"""Synced folders: how soon a change is on the other device, and what ten thousand small files cost, beside others."""

import asyncio
import os
import time
from collections.abc import Awaitable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.accounts import PASSWORD, new_account
from bench.devices import Device, holds, until
from bench.load import percentile
from bench.stack import Stack, at_rest
from bench.sync_peers import open_peers

SMALL_BYTES = 4096
CHANGES = 60
PAUSE_SECONDS = 0.4
FILES = 10_000
MOVED = 1000
FOLDERS = (20, FILES)
"""How many other files there are beside those that change."""


async def measure_sync_latency(stack: Stack) -> list[tuple[str, str]]:
    """From the end of a write of 4 KiB in one folder until it is in the other: new files and edits in turns."""
    rows = []
    for others in FOLDERS:
        with TemporaryDirectory(prefix="docstore-sync-") as place:
            one, two = await _two_devices(stack, Path(place))
            fill(one.folder / "others", others)
            await one.sync_once()
            await two.sync_once()
            await at_rest(stack)
            async with one.syncing(), two.syncing():
                seconds = sorted(await _changes(one.folder, two.folder))
        figure = " / ".join(f"{percentile(seconds, percent) * 1000:.0f}" for percent in (50, 95, 99))
        rows.append(
            (f"a change of 4 KiB on the other device, beside {others:,} files, p50 / p95 / p99", f"{figure} ms")
        )
    return rows


async def _changes(here: Path, there: Path) -> list[float]:
    warm = os.urandom(SMALL_BYTES)
    for path in (here / "from here", there / "from there"):  # both are awake when the counting begins
        path.write_bytes(warm)
    await until(lambda: holds(there / "from here", warm) and holds(here / "from there", warm))
    taken = []
    for number in range(CHANGES):
        await asyncio.sleep(PAUSE_SECONDS)
        content, name = os.urandom(SMALL_BYTES), f"{number // 2}.bin"
        (here / name).write_bytes(content)
        begin = time.perf_counter()
        await until(lambda path=there / name, content=content: holds(path, content))  # type: ignore[misc]
        taken.append(time.perf_counter() - begin)
    return taken


async def measure_sync(stack: Stack) -> list[tuple[str, str]]:
    """10,000 files of 4 KiB: to the server, to a second device, nothing changed, a folder of 1,000 renamed."""
    rows: list[tuple[str, float, dict[str, float]]] = []
    with TemporaryDirectory(prefix="docstore-sync-") as place:
        here = Path(place)
        one, two = await _two_devices(stack, here)
        fill(one.folder, FILES - MOVED)
        fill(one.folder / "moved", MOVED)
        async with open_peers(stack, one.folder, here / "peers") as peers:
            await at_rest(stack)
            uploaded = await _timed(one.sync_once())
            await at_rest(stack)
            rows.append(("first sync to the server", uploaded, await peers.upload()))
            await at_rest(stack)
            downloaded = await _timed(two.sync_once())
            await at_rest(stack)
            rows.append(("first sync to a second device", downloaded, await peers.copy()))
            rows.append(("nothing changed", await _timed(one.sync_once()), await peers.copy()))
            (one.folder / "moved").rename(one.folder / "renamed")
            renamed = await _timed(one.sync_once())
            rows.append((f"a folder of {MOVED:,} renamed, sent", renamed, await peers.rename("moved", "renamed")))
            rows.append((f"a folder of {MOVED:,} renamed, received", await _timed(two.sync_once()), {}))
        assert _same(one.folder, two.folder), "the folders differ"
    return [(f"{FILES:,} files of 4 KiB: {what}", _figure(seconds, others)) for what, seconds, others in rows]


def _figure(seconds: float, others: Mapping[str, float]) -> str:
    beside = [f"{seconds / other:.2f} of {name} ({other:.2f} s)" for name, other in others.items()]
    return ", ".join([f"{seconds:.2f} s", *beside])


async def _timed(work: Awaitable[None]) -> float:
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


def _same(one: Path, two: Path) -> bool:
    trees = [{path.relative_to(top): path.stat().st_size for path in top.rglob("*.bin")} for top in (one, two)]
    return trees[0] == trees[1]


async def _two_devices(stack: Stack, place: Path) -> tuple[Device, Device]:
    async with new_account(stack.gateway) as api:
        email = (await api.call("GET", "/v1/me"))["email"]
        await api.call("PUT", "/v1/me/plan", {"plan": "premium"})
    devices = Device(place / "home1", place / "one"), Device(place / "home2", place / "two")
    for device in devices:
        await device.log_in(stack.gateway, email, PASSWORD)
    return devices


def fill(folder: Path, files: int, size: int = SMALL_BYTES) -> None:
    """Random files, a hundred to a folder."""
    for number in range(files):
        path = folder / f"{number // 100}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
