"""Every instance of every service is stopped and started anew under load, as an upgrade does it; nobody notices."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
import pytest
from pairs import PAIRS, Pairs
from people import Person

pytestmark = pytest.mark.scale

READERS, UPLOADERS, POLLERS = 3, 3, 4
WAIT_SECONDS = 20
PAUSE_SECONDS = 0.05
THE_END = "/the end"
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
    """People who read, upload and wait for changes until told to stop."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.stop = asyncio.Event()
        self.paths: set[str] = set()
        self.told: list[set[str]] = []

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
            path = f"/{id(client)} {number}.txt"
            upload = await client.ask("POST", "/v1/uploads", {"path": path, "size": SIZE, "method": "put"})
            if upload is None:
                continue
            await self.person.put(upload["put"], path.encode().ljust(SIZE))
            await asyncio.sleep(PAUSE_SECONDS * (number % 3))
            if await client.ask("POST", f"/v1/uploads/{upload['id']}/complete", {}):
                self.paths.add(path)

    async def poll(self, client: Client) -> None:
        """Follow the change feed until it tells of the end."""
        told: set[str] = set()
        self.told.append(told)
        cursor = ""
        while THE_END not in told:
            page = await client.ask("GET", f"/v1/changes?wait={WAIT_SECONDS}" + (f"&cursor={cursor}" if cursor else ""))
            if page is None:
                return
            cursor = page["cursor"]
            told |= {change["file"]["path"] for change in page["changes"] if change.get("file")}


async def test_a_rolling_restart_loses_no_request(pairs: Pairs, say: Callable[[str], None]) -> None:
    """All services at once, the instances of each in turn: every read, upload and long poll gets its proper answer,
    every change is told to all who wait, and each upload is there and counted once.
    """
    async with AsyncExitStack() as opened:
        person = await opened.enter_async_context(await Person.new(pairs.gateway, "roller"))
        load = Load(person)
        work = [load.read] * READERS + [load.upload] * UPLOADERS + [load.poll] * POLLERS
        clients = [await opened.enter_async_context(Client(person)) for _ in work]
        tasks = [asyncio.create_task(do(client)) for do, client in zip(work, clients, strict=True)]
        began = time.monotonic()
        statuses = await asyncio.gather(*(_roll(pairs, service) for service in PAIRS))
        seconds = time.monotonic() - began
        load.stop.set()
        await asyncio.gather(*tasks[:-POLLERS])
        await person.call("POST", "/v1/folders", {"path": THE_END})
        await asyncio.gather(*tasks[-POLLERS:])
        ended = sum((client.ended for client in clients), Counter[str]())
        slowest = max(client.slowest for client in clients)
        say(f"{2 * len(PAIRS)} instances restarted in {seconds:.0f} s under {ended['answered']} requests")
        say(f"{ended.total() - ended['answered']} of them not answered properly; the slowest took {slowest:.1f} s")
        assert set(ended) == {"answered"}
        assert [status for pair in statuses for status in pair] == [0] * 2 * len(PAIRS)
        assert all(told >= load.paths for told in load.told)
        assert {file["path"] for file in await person.every("/v1/files", path="/", limit=500)} == load.paths | {THE_END}
        await person.counted(SIZE * len(load.paths))


async def _roll(pairs: Pairs, service: str) -> list[int]:
    """Stop and start one instance after the other, the next once the last one is served again; exit statuses."""
    statuses = []
    for instance in pairs.by_age(service):
        statuses.append(await instance.stop())
        await instance.start()
        await pairs.balanced(instance)
    return statuses
