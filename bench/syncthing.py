"""Two Syncthing nodes on this machine that share a folder, and scan it on request."""

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.ports import free_port

FOLDER = "bench"
KEY = "bench"
LOOK_SECONDS = 0.05
CONFIG = """<configuration version="36">
{devices}
<folder id="{folder}" path="{path}" type="sendreceive" rescanIntervalS="0" fsWatcherEnabled="false">
  <filesystemType>basic</filesystemType><markerName>.stfolder</markerName>
  <device id="{one}"></device><device id="{two}"></device>
</folder>
<gui enabled="true" tls="false"><address>127.0.0.1:{gui}</address><apikey>{key}</apikey></gui>
<options>
  <listenAddress>tcp://127.0.0.1:{port}</listenAddress>
  <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
  <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><startBrowser>false</startBrowser>
  <urAccepted>-1</urAccepted><crashReportingEnabled>false</crashReportingEnabled>
  <autoUpgradeIntervalH>0</autoUpgradeIntervalH><reconnectionIntervalS>1</reconnectionIntervalS>
</options>
</configuration>"""


@dataclass(frozen=True, slots=True)
class Node:
    home: Path
    folder: Path
    device: str
    port: int
    gui: int

    def configure(self, others: list["Node"]) -> None:
        devices = "".join(
            f'<device id="{node.device}"><address>tcp://127.0.0.1:{node.port}</address></device>' for node in others
        )
        one, two = (node.device for node in others)
        known = {"devices": devices, "folder": FOLDER, "path": self.folder, "one": one, "two": two}
        text = CONFIG.format(**known, gui=self.gui, port=self.port, key=KEY)
        ET.fromstring(text)
        (self.home / "config.xml").write_text(text)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(
            "syncthing", "serve", f"--home={self.home}", "--no-browser", "--no-restart", "--no-upgrade",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Pair:
    """The first node sends, the second receives."""

    one: Node
    two: Node
    http: aiohttp.ClientSession

    async def sync(self) -> None:
        """Have the first look at its folder; until the second has all of it."""
        await self._ask("POST", f"/rest/db/scan?folder={FOLDER}")
        while await self._lacks_something() or _files(self.one.folder) != _files(self.two.folder):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)  # it can only be asked, and says that all is there before it has told

    async def connected(self) -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    connections = (await self._ask("GET", "/rest/system/connections"))["connections"]
                    if connections.get(self.two.device, {}).get("connected"):
                        return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(LOOK_SECONDS)

    async def _lacks_something(self) -> bool:
        found = await self._ask("GET", f"/rest/db/completion?folder={FOLDER}&device={self.two.device}")
        return bool(found["needItems"] or found["needDeletes"])

    async def _ask(self, method: str, path: str) -> Any:
        async with self.http.request(
            method, f"http://127.0.0.1:{self.one.gui}{path}", headers={"X-API-Key": KEY}
        ) as response:
            response.raise_for_status()
            return await response.json(content_type=None) if method == "GET" else None


def _files(folder: Path) -> set[tuple[str, int, int]]:
    """Path, size and time of each."""
    found = [(path.relative_to(folder), path.lstat()) for path in folder.rglob("*") if path.is_file()]
    return {(str(path), status.st_size, status.st_mtime_ns) for path, status in found if not path.name.startswith(".")}


@asynccontextmanager
async def syncthing_pair(one: Path, two: Path, homes: Path) -> AsyncIterator[Pair]:
    """Connected, with `one` and `two` as the two sides of one folder; they are made if need be."""
    nodes = [await _node(homes / str(number), folder) for number, folder in enumerate((one, two))]
    for node in nodes:
        node.configure(nodes)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        for node in nodes:
            await stack.enter_async_context(node.running())
        pair = Pair(*nodes, http)
        await pair.connected()
        yield pair


async def _node(home: Path, folder: Path) -> Node:
    (folder / ".stfolder").mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        "syncthing", "generate", f"--home={home}", "--no-default-folder", "--skip-port-probing",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    found = re.search(r"[A-Z0-9]{7}(-[A-Z0-9]{7}){7}", output.decode())
    if found is None:
        raise RuntimeError(f"syncthing could not be set up: {output.decode()}")
    return Node(home, folder, found.group(), free_port(), free_port())
