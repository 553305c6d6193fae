"""kill -9 in the middle of WebDAV PUTs: every file that was acknowledged is there with its content."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from dav_accounts import DavAccount
from people import Person
from stacks import SUPERVISOR, DetachedStack

from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.faults]
WRITERS, LARGE = 8, 2 << 20
BEFORE, AFTER = 40, 40
"""Acknowledged files before the kill, and after it."""


class Writer:
    """Writes new files over several connections, most of them small, and remembers those that were acknowledged."""

    def __init__(self, dav: DavAccount) -> None:
        self._dav = dav
        self._stop = asyncio.Event()
        self.acknowledged: dict[str, bytes] = {}

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._write(number)) for number in range(WRITERS)]
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def _write(self, number: int) -> None:
        index = 0
        while not self._stop.is_set():
            index += 1
            path, content = f"/{number}-{index}", os.urandom(LARGE if number == 0 else 1000 + index)
            try:
                status, _, _ = await self._dav.request("PUT", path, content)
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue
            if status in (201, 204):
                self.acknowledged[path] = content

    async def acknowledges(self, files: int) -> None:
        """Returns once so many more files are acknowledged."""
        goal = len(self.acknowledged) + files

        async def reached() -> bool:
            return len(self.acknowledged) >= goal

        await eventually(reached, seconds=120)

    async def keeps_all(self) -> None:
        """Check each acknowledged file, once the stack answers."""
        for path, content in self.acknowledged.items():

            async def answered(path: str = path) -> tuple[int, bytes] | None:
                try:
                    status, _, body = await self._dav.request("GET", path)
                except (aiohttp.ClientError, TimeoutError, OSError):
                    return None
                return None if status >= 500 else (status, body)

            assert await eventually(answered, seconds=60) == (200, content), path


@pytest.mark.parametrize("part", ["services", "mongod", "object-store", SUPERVISOR])
async def test_what_webdav_acknowledged_survives_a_kill(stack: DetachedStack, part: str) -> None:
    """Small files that share a pack, and large ones; writing goes on when the part is back."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session, await Person.new(stack.gateway, "dav") as person:
        wanted = {"name": "WebDAV", "scopes": ["files:read", "files:write"]}
        token = (await person.call("POST", "/v1/me/tokens", wanted))["token"]
        writer = Writer(DavAccount(person, stack.gateway, token, session))
        async with writer.working():
            await writer.acknowledges(BEFORE)
            killed = await stack.kill(part)
            await stack.returned(part, killed)
            await writer.acknowledges(AFTER)
        await writer.keeps_all()
