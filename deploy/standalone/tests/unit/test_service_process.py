"""A stack is ready once its own services are."""

import asyncio
from pathlib import Path

from docstore_standalone.ports import LOOPBACK
from docstore_standalone.service_process import ServiceProcess


class Listener:
    """An HTTP server that gives one status after the other, the last one for ever."""

    def __init__(self, *statuses: int | str) -> None:
        self.statuses = list(statuses)

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._respond, LOOPBACK, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()


async def test_another_server_at_the_public_port_makes_no_service_ready(tmp_path: Path) -> None:
    """Another stack answers there; ours is asked at the operators' port until it is ready."""
    ours = Listener(503, 503, 200)
    async with Listener(200) as public, ours as operations:
        service = ServiceProcess("services", "module", public, operations, {}, tmp_path / "logs" / "services.log")
        await service.wait_ready()
    assert ours.statuses == [200]


async def test_a_server_that_speaks_something_else_makes_no_service_ready(tmp_path: Path) -> None:
    """As long as another program has the port, the service is waited for."""
    ours = Listener("???", 200)
    async with ours as operations:
        service = ServiceProcess("services", "module", 0, operations, {}, tmp_path / "logs" / "services.log")
        await service.wait_ready()
    assert ours.statuses == [200]
