"""Small files written through WebDAV by parallel connections of one account, as sync clients do."""

import asyncio
import os
from base64 import b64encode
from pathlib import PurePosixPath

import aiohttp

from bench.accounts import new_account
from bench.stack import Stack, spent
from docstore_cli.api import ApiClient

CLIENTS = 8
FILES = int(os.environ.get("BENCH_DAV_FILES", "800"))
WARM_UP = 80
BYTES = 4096


async def put_all(stack: Stack, api: ApiClient, clients: int, files: int) -> tuple[float, float, str]:
    """Files a second, milliseconds of CPU for one of them, and these by component."""
    wanted = {"name": "bench", "scopes": ["files:read", "files:write"]}
    token = (await api.call("POST", "/v1/me/tokens", wanted))["token"]
    login = b64encode(f"{api.account['email']}:{token}".encode()).decode()
    folder = PurePosixPath("/dav", token[-8:])

    async with aiohttp.ClientSession(headers={"authorization": f"Basic {login}"}) as session:

        async def request(method: str, path: PurePosixPath, body: bytes | None = None) -> None:
            async with session.request(method, f"{stack.gateway}{path}", data=body) as response:
                if response.status != 201:
                    raise RuntimeError(f"{method}: {response.status} {await response.text()}")

        async def client(number: int) -> None:
            for index in range(files // clients):
                await request("PUT", folder / f"{number}-{index}.bin", os.urandom(BYTES))

        async def all_clients() -> None:
            await asyncio.gather(*map(client, range(clients)))

        await request("MKCOL", folder)
        seconds, cpu = await spent(stack, all_clients)
    parts = {name: 1000 * each / files for name, each in cpu.items()}
    text = ", ".join(f"{name} {each:.1f}" for name, each in parts.items() if each >= 0.05)
    return files / seconds, sum(parts.values()), text


async def measure_dav(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    async with new_account(stack.gateway) as api:
        await put_all(stack, api, CLIENTS, WARM_UP)
        rate, cpu, parts = await put_all(stack, api, CLIENTS, FILES)
    return [
        (f"4 KiB files by WebDAV, {CLIENTS} connections", f"{rate:,.0f}/s"),
        ("CPU of one PUT", f"{cpu:.1f} ms ({parts})"),
    ]
