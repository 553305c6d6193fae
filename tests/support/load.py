"""Load from users while instances are replaced; each request is made once and its result recorded."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
from people import Person

READERS, UPLOADERS, POLLERS = 3, 3, 4
WAIT_SECONDS = 20
PAUSE_SECONDS = 0.05
THE_END = "the end"
SIZE = 200


class Client:
    """One kept connection to the gateway's balancer; notes how each request ended, and repeats none."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.ended: Counter[str] = Counter()
        self.slowest = 0.0
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        self._session._retry_connection = False  # aiohttp would ask again where a kept connection broke

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; None for anything but success."""
        began = time.monotonic()
        headers = {**self.person.headers, "content-type": "application/json"}
        data = None if body is None else orjson.dumps(body)
        try:
            async with self._session.request(method, self.person.gateway + path, data=data, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            self.ended[f"{method} {path.partition('?')[0][:14]} {error!r}"] += 1
            return None
        finally:
            if "wait=" not in path:
                self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status >= 400:
            self.ended[f"{method} {path.partition('?')[0][:14]} {answer.status} {content.decode()[:200]}"] += 1
            return None
        self.ended["answered"] += 1
        return orjson.loads(content)


class Load:
    """People who read, upload to a folder and wait for changes until they are stopped."""

    def __init__(self, person: Person, folder: str = "/") -> None:
        self.person = person
        self.folder = folder
        self.stop = asyncio.Event()
        self.paths: set[str] = set()
        self.seen_changes: list[set[str]] = []
        self.clients: list[Client] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, opened: AsyncExitStack) -> None:
        work = [self.read] * READERS + [self.upload] * UPLOADERS + [self.poll] * POLLERS
        self.clients = [await opened.enter_async_context(Client(self.person)) for _ in work]
        self._tasks = [asyncio.create_task(do(client)) for do, client in zip(work, self.clients, strict=True)]

    async def end(self) -> Counter[str]:
        """Stop; how requests ended, once all have seen the last change."""
        self.stop.set()
        await asyncio.gather(*self._tasks[:-POLLERS])
        await self.person.call("POST", "/v1/folders", {"path": self.folder + THE_END})
        await asyncio.gather(*self._tasks[-POLLERS:])
        return sum((client.ended for client in self.clients), Counter[str]())

    @property
    def slowest(self) -> float:
        """Seconds."""
        return max(client.slowest for client in self.clients)

    async def read(self, client: Client) -> None:
        while not self.stop.is_set():
            await client.ask("GET", "/v1/me")
            await client.ask("GET", "/v1/files?path=/&limit=20")
            await asyncio.sleep(PAUSE_SECONDS)

    async def upload(self, client: Client) -> None:
        """Some of the files wait in S3 for a moment, so that services stop between an upload's steps."""
        number = 0
        while not self.stop.is_set():
            number += 1
            path = f"{self.folder}{id(client)} {number}.txt"
            upload = await client.ask("POST", "/v1/uploads", {"path": path, "size": SIZE, "method": "put"})
            if upload is None:
                continue
            await self.person.put(upload["put"], path.encode().ljust(SIZE))
            await asyncio.sleep(PAUSE_SECONDS * (number % 3))
            if await client.ask("POST", f"/v1/uploads/{upload['id']}/complete", {}):
                self.paths.add(path)

    async def poll(self, client: Client) -> None:
        """Follow the change feed until the last change."""
        seen_changes: set[str] = set()
        self.seen_changes.append(seen_changes)
        cursor = ""
        while self.folder + THE_END not in seen_changes:
            page = await client.ask("GET", f"/v1/changes?wait={WAIT_SECONDS}" + (f"&cursor={cursor}" if cursor else ""))
            if page is None:
                return
            cursor = page["cursor"]
            seen_changes |= {change["file"]["path"] for change in page["changes"] if change.get("file")}
