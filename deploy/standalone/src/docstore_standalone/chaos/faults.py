"""Faults of processes, disks and connections. Only `partitioned` needs more rights than those of the stack's user.

Each is a context manager that ends the fault, whatever happens in its block. A guard process ends it if this process is
killed.
"""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from docstore_platform.ids import new_id
from docstore_platform.tasks import end_tasks
from docstore_standalone.chaos.partition import TABLE_PREFIX, cut, heal, listening_ports
from docstore_standalone.servers import clock_skew_file
from docstore_standalone.supervision.processes import ProcessId

PERIOD_SECONDS = 0.1
"""A slowed process runs for a part of each period."""
FILL_FILE = "chaos-fill"
FILL_CHUNK = 64 << 20


def kill(process: psutil.Process) -> None:
    """Kill -9, as a crash would."""
    process.send_signal(signal.SIGKILL)


@asynccontextmanager
async def paused(processes: Sequence[psutil.Process]) -> AsyncIterator[None]:
    """Stop processes for the block: they keep their connections, and nothing responds."""
    async with _guarded(processes):
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            resume(processes)


@asynccontextmanager
async def slowed(processes: Sequence[psutil.Process], share: float) -> AsyncIterator[None]:
    """Stop processes for a share (0 to 1) of each tenth of a second, for the block."""
    async with _guarded(processes):
        slowing = asyncio.create_task(_slow(processes, share))
        try:
            yield
        finally:
            await end_tasks([slowing])
            resume(processes)


async def _slow(processes: Sequence[psutil.Process], share: float) -> None:
    while True:
        for process in processes:
            if process.is_running():
                process.suspend()
        await asyncio.sleep(PERIOD_SECONDS * share)
        resume(processes)
        await asyncio.sleep(PERIOD_SECONDS * (1 - share))


def resume(processes: Sequence[psutil.Process]) -> None:
    """Let stopped processes go on; those that ended meanwhile don't matter."""
    for process in processes:
        try:
            process.resume()
        except psutil.NoSuchProcess:
            continue


@asynccontextmanager
async def partitioned(processes: Sequence[psutil.Process], seconds: float) -> AsyncIterator[set[int]]:
    """Cut processes off for the block, and no longer than `seconds`; return the ports that are unreachable.

    Connections stay open and nothing arrives; what the processes connect to themselves is still in reach. A process
    that takes the place of one that ends is cut off, too. PartitionFailed.
    """
    table = TABLE_PREFIX + new_id().replace("-", "")
    ports = listening_ports(processes)
    async with _guarded([], table=table):
        try:
            await asyncio.to_thread(cut, table, ports, seconds)
            yield ports
        finally:
            heal(table)


@asynccontextmanager
async def skewed(data: Path, component: str, offset: float, seconds: float) -> AsyncIterator[None]:
    """Let the clock of a service's process be `offset` seconds ahead for the block, and no longer than `seconds`.

    It is the clock by which DocStore decides: expiry, signatures, what is stored. Timers and logs have the machine's.
    """
    path = clock_skew_file(data, component)
    async with _guarded([], file=path):
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(f"{offset} {time.time() + seconds}")
        beside.replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@asynccontextmanager
async def filled_disk(folder: Path, leave_bytes: int) -> AsyncIterator[int]:
    """Fill the file system of `folder` except for so many bytes, for the block; give the number of bytes it took."""
    path = folder / FILL_FILE
    async with _guarded([], file=path):
        try:
            yield await asyncio.to_thread(_fill, path, leave_bytes)
        finally:
            path.unlink(missing_ok=True)


def _fill(path: Path, leave_bytes: int) -> int:
    """Allocate real blocks; another process may take the last ones, so the end of the disk is no error."""
    size = 0
    with path.open("wb") as file:
        while (free := shutil.disk_usage(path.parent).free - leave_bytes) > 0:
            length = min(FILL_CHUNK, free)
            try:
                os.posix_fallocate(file.fileno(), size, length)
            except OSError:
                break
            size += length
    return size


@asynccontextmanager
async def _guarded(
    processes: Sequence[psutil.Process], *, file: Path | None = None, table: str = ""
) -> AsyncIterator[None]:
    """Start the guard for the block."""
    known = [f"{each.pid}:{each.started_at}:{each.boot}" for each in (ProcessId.of(one.pid) for one in processes)]
    module = "docstore_standalone.chaos.guard"
    guard = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        str(file or ""),
        table,
        *known,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert guard.stdin is not None
    assert guard.stdout is not None
    await guard.stdout.readline()  # it is at work
    try:
        yield
    finally:
        guard.stdin.close()
        await guard.wait()
