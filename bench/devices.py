"""Devices with a folder each: the command as a process of its own, with a home of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.002
"""How often it is looked whether something has arrived."""


@dataclass(frozen=True, slots=True)
class Device:
    home: Path
    folder: Path

    async def log_in(self, gateway: str, email: str, password: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        await self._run(
            "login", "--server", gateway, "--email", email, "--password-stdin", said=f"{password}\n".encode()
        )

    async def sync_once(self) -> None:
        await self._run("sync", str(self.folder), "--once", "--json")

    async def put(self, *arguments: str) -> None:
        await self._run("put", *arguments, "--json")

    @asynccontextmanager
    async def syncing(self) -> AsyncIterator[None]:
        """Syncs for as long as the block lasts."""
        process = await self._start("sync", str(self.folder))
        try:
            yield
        finally:
            process.kill()
            await process.wait()

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "docstore_cli", *arguments),
            env={**environment, "HOME": str(self.home)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def _run(self, *arguments: str, said: bytes = b"") -> None:
        process = await self._start(*arguments)
        await process.communicate(said)
        if process.returncode:
            raise RuntimeError(f"docstore {arguments[0]} ended with status {process.returncode}")


async def until(reached: Callable[[], bool], *, seconds: float = 60) -> None:
    """TimeoutError after so long."""
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - a disk sets no event
            await asyncio.sleep(LOOK_SECONDS)


def holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False
