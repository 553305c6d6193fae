"""What others need for the same folder: rsync to a folder beside it, Syncthing to another node, s5cmd to the server."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.stack import Stack, s5cmd
from bench.syncthing import Pair, syncthing_pair


class Peers:
    """Those that are installed; each keeps a copy of `folder` of its own in `place`."""

    def __init__(self, stack: Stack, folder: Path, place: Path, pair: Pair | None) -> None:
        self._stack = stack
        self._folder = folder
        self._place = place
        place.mkdir(exist_ok=True)
        self._pair = pair

    async def upload(self) -> dict[str, float]:
        """To the object store, an object each."""
        begin = time.perf_counter()
        await s5cmd(self._stack, "cp", f"{self._folder}/", f"s3://{self._stack.bucket}/bench/sync/")
        return {"s5cmd": time.perf_counter() - begin}

    async def copy(self) -> dict[str, float]:
        """Whatever has changed since the last time; in seconds by name."""
        taken: dict[str, float] = {}
        if shutil.which("rsync"):
            begin = time.perf_counter()
            await _rsync(self._folder, self._place / "rsync")
            taken["rsync"] = time.perf_counter() - begin
        if self._pair is not None:
            await _rsync(self._folder, self._pair.one.folder, "--exclude=.stfolder")
            begin = time.perf_counter()
            await self._pair.sync()
            taken["Syncthing"] = time.perf_counter() - begin
        return taken

    async def rename(self, old: str, new: str) -> dict[str, float]:
        """A folder that `copy` has copied."""
        if self._pair is not None:
            (self._pair.one.folder / old).rename(self._pair.one.folder / new)
        return await self.copy()


async def _rsync(source: Path, target: Path, *options: str) -> None:
    arguments = ("-a", "--delete", *options, f"{source}/", f"{target}/")
    process = await asyncio.create_subprocess_exec("rsync", *arguments)
    if await process.wait():
        raise RuntimeError("rsync failed")


@asynccontextmanager
async def open_peers(stack: Stack, folder: Path, place: Path) -> AsyncIterator[Peers]:
    async with AsyncExitStack() as closing:
        pair = None
        if shutil.which("syncthing") and shutil.which("rsync"):
            sides = place / "syncthing one", place / "syncthing two"
            pair = await closing.enter_async_context(syncthing_pair(*sides, place / "homes"))
        yield Peers(stack, folder, place, pair)
