"""A guarded server is reached by processes of this user only."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from docstore_platform.testing import eventually
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.supervision import connection_guard
from docstore_standalone.supervision.peers import is_own_process
from docstore_standalone.supervision.processes import ServerFailed, ServerProcess, base_environment

NOBODY = 65_534
ECHO = """
import asyncio, sys
async def echo(reader, writer):
    writer.write(await reader.readline())
    writer.write(str(writer.get_extra_info("peername")).encode())
    writer.close()
async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    open(sys.argv[1] + ".new", "w").write(str(server.sockets[0].getsockname()[1]))
    import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
    await server.serve_forever()
asyncio.run(main())
"""
CALL = """
import os, socket, sys
connection = socket.socket()
os.setgroups([]); os.setuid(int(sys.argv[2]))
connection = socket.socket()  # whose socket it is counts, not who uses it
connection.connect(("127.0.0.1", int(sys.argv[1])))
try:
    connection.sendall(b"hello\\n")
    print(connection.recv(100))
except OSError as error:
    print(b"")
"""


class Echo:
    """A server that sends back a line and the client's address."""

    name = "echo"
    port_names: Sequence[str] = ()
    stop_seconds = 1.0
    own_user_only = True

    def __init__(self, folder: Path) -> None:
        self.log_file, self.port_file = folder / "echo.log", folder / "port"

    def prepare(self) -> None: ...

    def command(self) -> Sequence[str]:
        return (sys.executable, "-c", ECHO, str(self.port_file))

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    @property
    def port(self) -> int:
        return int(self.port_file.read_text())

    async def wait_ready(self) -> None:
        async def listens() -> bool:
            return self.port_file.exists()

        await eventually(listens)

    def clean_up(self) -> None: ...


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


@pytest.fixture
async def echo(tmp_path: Path) -> AsyncIterator[Echo]:
    server = Echo(tmp_path)
    process = await ServerProcess.start(server)
    await process.wait_ready(60)
    yield server
    await process.kill()


async def _exchange(port: int) -> tuple[bytes, tuple[str, int]]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(b"hello\n")
    received = await reader.read()
    address = writer.get_extra_info("sockname")
    writer.close()
    return received, address


async def test_processes_of_this_user_are_served_as_without_a_guard(echo: Echo) -> None:
    """Many at a time; the server sees the address of each."""
    for received, address in await asyncio.gather(*(_exchange(echo.port) for _ in range(50))):
        assert received == b"hello\n" + str(address).encode()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT PROVEN here that others are refused: only root can become one")
async def test_other_users_are_disconnected_without_an_answer(echo: Echo, logged: list[EventDict]) -> None:
    """Before, between and after this user's own connections; the log names each user once."""
    for _ in range(3):
        call = (sys.executable, "-S", "-c", CALL, str(echo.port), str(NOBODY))
        done = await asyncio.to_thread(subprocess.run, call, capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.stderr) == ("b''", "")
        received, _ = await _exchange(echo.port)
        assert received.startswith(b"hello\n")
    events = [entry for entry in logged if entry["event"] == "connections_of_another_user_refused"]
    assert [(entry["server"], entry["uid"]) for entry in events] == [("echo", NOBODY)]


async def test_a_connection_whose_client_has_gone_is_refused(tmp_path: Path) -> None:
    """No one can tell whose it was, so data that it left behind is not taken."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        connection, address = listening.accept()
        with connection:
            assert is_own_process(address, connection.getsockname())
            client.close()
            assert not is_own_process(address, connection.getsockname())


async def test_a_host_that_cannot_guard_starts_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the reason and the setting; no process is left."""
    monkeypatch.setattr(connection_guard, "_NEW_LISTENER", 1 << 20)  # a flag that no kernel has
    with pytest.raises(ServerFailed, match=r"Invalid argument\. .*DOCSTORE_ALLOW_OPEN_BROKER"):
        await ServerProcess.start(Echo(tmp_path))
    assert not (tmp_path / "port").exists()


async def test_threads_and_descriptors_of_a_guard_end_with_its_server(tmp_path: Path) -> None:
    """A server that is restarted often uses up nothing."""

    async def run_once() -> int:
        process = await ServerProcess.start(Echo(tmp_path))
        await process.wait_ready(60)
        await process.kill()
        (tmp_path / "port").unlink()
        for thread in [*connection_guard.threading.enumerate()]:
            if thread.name == "guard echo":
                await asyncio.to_thread(thread.join, 10)
        return len(os.listdir("/proc/self/fd"))

    first = await run_once()
    assert [await run_once() for _ in range(3)] == [first] * 3
