"""Lifecycle of a stack: several stacks, Ctrl-C, taken ports, persistent data."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from people import PASSWORD, Person
from stacks import SHORT_WAITS, DetachedStack, docstore, processes_of, run

from docstore_platform.testing import eventually
from docstore_standalone.state import read_state, running_state

pytestmark = [pytest.mark.connected, pytest.mark.faults]


async def start_in_foreground(data: Path) -> asyncio.subprocess.Process:
    """`docstore up` as in a terminal, ready."""
    process = await asyncio.create_subprocess_exec(
        *docstore("up", "--data", str(data)), env={**os.environ, **SHORT_WAITS}, stdout=asyncio.subprocess.DEVNULL
    )

    async def is_ready() -> bool:
        assert process.returncode is None, "it ended"
        return running_state(data) is not None and "gateway" in read_state(data).addresses

    await eventually(is_ready, every=0.1)
    return process


async def test_neighbours_ctrl_c_and_data_that_stays(stack: DetachedStack, tmp_path: Path) -> None:
    """Two stacks share nothing; Ctrl-C ends one with every process of it; started again it has what it had."""
    data = tmp_path / "neighbour"
    async with await Person.new(stack.gateway, "neighbour") as here:
        await here.upload("/here.txt", b"here")
        terminal = await start_in_foreground(data)
        gateway = read_state(data).addresses["gateway"]
        assert gateway != stack.gateway
        async with Person(gateway) as there:
            await there.sign_up(here.email, PASSWORD)
            file = await there.upload("/there heron.txt", b"there")
            await there.found("heron", "/there heron.txt")
            await there.counted(5)
            assert await there.names() == ["there heron.txt"]
        assert await here.names() == ["here.txt"]
        parts = read_state(data).processes
        assert {"mongod", "object-store", "broker", "services"} <= parts.keys()
        terminal.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(terminal.wait(), 30) == 0
        assert [name for name, process in parts.items() if process.find()] == []
        assert processes_of(data) == []
        assert await here.names() == ["here.txt"]

    again = DetachedStack(data, SHORT_WAITS)
    await again.up()
    try:
        async with Person(again.gateway) as there:
            await there.log_in(here.email, PASSWORD)
            assert await there.content(file["id"]) == b"there"
            await there.found("heron", "/there heron.txt")
            await there.counted(5)
            await there.upload("/there heron.txt", b"still there")
            await there.counted(5 + 11)
    finally:
        await again.down()
    assert processes_of(data) == []


async def test_a_taken_port_is_reported(stack: DetachedStack, tmp_path: Path) -> None:
    """The port of another stack is named, with what to do; nothing is left running."""
    port = stack.gateway.rpartition(":")[2]
    data = tmp_path / "unlucky"
    status, output = await run("up", "--data", str(data), "--port", port)
    assert status == 1
    assert f"port {port} is in use" in output
    assert "Traceback" not in output
    assert processes_of(data) == []


async def test_a_second_start_on_the_same_data_is_refused(stack: DetachedStack) -> None:
    """Printed in a line; the running stack is not harmed."""
    status, output = await run("up", "--detach", "--data", str(stack.data))
    assert status == 1
    assert "already running" in output
    status, _ = await run("status", "--data", str(stack.data), "--json")
    assert status == 0
