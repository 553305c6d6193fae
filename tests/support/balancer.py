"""A TCP load balancer in front of the instances of a service."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator, Sequence

from docstore_standalone.embedded.http_probe import http_status
from docstore_standalone.ports import LOOPBACK

PROBE_SECONDS = 0.5
CHUNK_BYTES = 64 * 1024

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Balancer:
    """Gives each new connection to the next instance that is ready. Open connections stay where they are.

    An instance is left out while its `/readyz` does not answer 200; one that refuses a connection is passed over for
    another. With none ready, any that accepts is taken. Without `probed`, all count as ready.
    """

    def __init__(self, port: int, instances: Sequence[int], *, probed: bool = True) -> None:
        self.port = port
        self._rotation = deque(instances)
        self._probed = probed
        self._ready = set() if probed else set(instances)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Balancer":
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
        self._probes = [asyncio.create_task(self._probe(port)) for port in self._rotation] if self._probed else []
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        ending = [*self._probes, *self._connections]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def is_ready(self, instance: int) -> bool:
        """Whether it gets new connections."""
        return instance in self._ready

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What clients send within the block arrives after it, or never if they are gone by then."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    async def _probe(self, instance: int) -> None:
        while True:
            if await http_status(instance, "/readyz") == 200:
                self._ready.add(instance)
            else:
                self._ready.discard(instance)
            await asyncio.sleep(PROBE_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve((reader, writer))
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, client: Streams) -> None:
        instance = await self._connect()
        if instance is None:
            return
        directions = [
            asyncio.create_task(self._pass_on(client[0], instance[1], held=True)),
            asyncio.create_task(self._pass_on(instance[0], client[1], held=False)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            instance[1].close()

    async def _connect(self) -> Streams | None:
        self._rotation.rotate(-1)
        for port in sorted(self._rotation, key=lambda port: port not in self._ready):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(LOOPBACK, port)
        return None

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        """Until either side closes the connection, or has lost it."""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                if held:
                    await self._until_flowing(reader)
                writer.write(data)
                await writer.drain()

    async def _until_flowing(self, reader: asyncio.StreamReader) -> None:
        """ConnectionError if the client is gone by then."""
        await self._flowing.wait()
        if reader.at_eof() or reader.exception():
            raise ConnectionResetError
