"""Faults end with their block, and with the process that injected them."""

import asyncio
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from docstore_platform.testing import eventually
from docstore_standalone.chaos.faults import FILL_FILE, filled_disk, kill, partitioned, paused, slowed
from docstore_standalone.chaos.partition import PartitionFailed, partition_obstacle

needs_nft = pytest.mark.skipif(bool(partition_obstacle()), reason=partition_obstacle())
INJECTOR = """
import asyncio, sys, psutil
from docstore_standalone.chaos.faults import paused
async def stay():
    async with paused([psutil.Process(int(sys.argv[1]))]):
        print("paused", flush=True)
        await asyncio.sleep(60)
asyncio.run(stay())
"""


@pytest.fixture
def victim() -> Iterator[psutil.Process]:
    process = psutil.Popen([sys.executable, "-c", "while True: pass"])
    yield process
    process.kill()
    process.wait()


async def test_a_paused_process_goes_on_afterwards(victim: psutil.Process) -> None:
    """It stands still in the block, and not after it, whatever ends the block."""

    async def fail() -> None:
        async with paused([victim]):
            await eventually(lambda: _is(victim, psutil.STATUS_STOPPED))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await eventually(lambda: _is(victim, psutil.STATUS_RUNNING))


async def test_a_slowed_process_stands_still_part_of_the_time(victim: psutil.Process) -> None:
    """It is seen stopped and running in the block; after it, it runs."""
    async with slowed([victim], 0.5):
        for state in (psutil.STATUS_STOPPED, psutil.STATUS_RUNNING) * 2:
            await eventually(lambda state=state: _is(victim, state), every=0.01)
    await eventually(lambda: _is(victim, psutil.STATUS_RUNNING))


async def test_a_fault_ends_with_its_killed_injector(victim: psutil.Process) -> None:
    """No one is left to resume the process but the guard, which does."""
    injector = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INJECTOR, str(victim.pid), stdout=asyncio.subprocess.PIPE
    )
    assert injector.stdout is not None
    assert await injector.stdout.readline() == b"paused\n"
    await eventually(lambda: _is(victim, psutil.STATUS_STOPPED))
    kill(psutil.Process(injector.pid))
    await injector.wait()
    await eventually(lambda: _is(victim, psutil.STATUS_RUNNING))


async def test_a_filled_disk_is_free_afterwards(tmp_path: Path) -> None:
    """So many bytes are left in the block; after it there is no file of ours."""
    wanted = 32 << 20
    async with filled_disk(tmp_path, shutil.disk_usage(tmp_path).free - wanted) as taken:
        assert 0 < taken <= wanted * 2
        assert (tmp_path / FILL_FILE).stat().st_blocks * 512 >= taken
    assert not (tmp_path / FILL_FILE).exists()


@needs_nft
async def test_a_partition_holds_connections_and_heals() -> None:
    """In the block a connection waits instead of being refused; after it, it is accepted."""
    server = await asyncio.start_server(_hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with partitioned([psutil.Process()], 60) as ports:
            assert port in ports
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
        await _connect(port)


@needs_nft
async def test_a_partition_ends_by_itself() -> None:
    """The kernel heals it at the end of its time, also while no one ends the block."""
    server = await asyncio.start_server(_hang_up, "127.0.0.1", 0)
    async with server, partitioned([psutil.Process()], 1):
        await _connect(server.sockets[0].getsockname()[1])


@needs_nft
async def test_components_without_a_port_are_not_partitioned(victim: psutil.Process) -> None:
    """It is refused: the fault would be none."""
    with pytest.raises(PartitionFailed):
        async with partitioned([victim], 1):
            pass


async def _connect(port: int) -> None:
    _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 10)
    writer.close()


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _is(process: psutil.Process, status: str) -> bool:
    return bool(process.status() == status)
