"""How long each part is missed after kill -9: `python -m bench.recovery`, with `--processes` one process a service.

A part is back when somebody can log in, upload a small file and read it, and the gateway says that every service is
ready. The stack rests in between; the machine should do nothing else.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from bench.stack import docstore
from docstore_platform.testing import eventually
from docstore_standalone.state import read_state, running_state

POLL_SECONDS = 0.05
BACK_SECONDS = 120.0
CALL_SECONDS = 5.0
REST_SECONDS = 4.0
PERSON = {"email": "ada@example.com", "password": "correct horse battery staple"}


async def works(http: aiohttp.ClientSession) -> bool:
    """Whether the main job can be done, from beginning to end."""
    try:
        session = await answer(http.post("/v1/sessions", json=PERSON))
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        body = {"path": "/note.txt", "size": 1, "method": "put"}
        upload = await answer(http.post("/v1/uploads", json=body, headers=headers))
        async with http.put(upload["put"]["url"], data=b"x", headers=upload["put"]["headers"]) as stored:
            stored.raise_for_status()
        file = await answer(http.post(f"/v1/uploads/{upload['id']}/complete", json={}, headers=headers))
        async with http.get(f"/v1/files/{file['id']}/content", headers=headers) as content:
            content.raise_for_status()
        async with http.get("/readyz") as ready:
            return ready.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def answer(call: Any) -> Any:
    async with call as response:
        response.raise_for_status()
        return await response.json()


async def seconds_until_it_works(gateway: str) -> float:
    begin = time.perf_counter()
    async with aiohttp.ClientSession(gateway, timeout=aiohttp.ClientTimeout(CALL_SECONDS)) as http:
        while not await works(http):
            if time.perf_counter() - begin > BACK_SECONDS:
                return float("inf")
            await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - begin


@asynccontextmanager
async def stack(data: Path, options: Sequence[str]) -> AsyncIterator[str]:
    """The gateway of a stack with one account."""
    await docstore("up", "--detach", "--data", str(data), *options)
    try:
        gateway = read_state(data).addresses["gateway"]
        async with aiohttp.ClientSession(gateway) as http:
            await answer(http.post("/v1/accounts", json=PERSON))
        yield gateway
    finally:
        await docstore("down", "--data", str(data))


async def is_down(data: Path) -> bool:
    return running_state(data) is None


async def measure(options: Sequence[str]) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    with TemporaryDirectory(prefix="docstore-bench-") as folder:
        data = Path(folder)
        async with stack(data, options) as gateway:
            await seconds_until_it_works(gateway)
            rows.append(("nothing was killed", await seconds_until_it_works(gateway)))
            # The database last: a stack that has just been made has everything to do again after a crash.
            for part in sorted(read_state(data).processes, key=lambda part: part == "mongod"):
                await asyncio.sleep(REST_SECONDS)
                psutil.Process(read_state(data).processes[part].pid).kill()
                rows.append((part, await seconds_until_it_works(gateway)))
            supervisor: Any = read_state(data).supervisor
            psutil.Process(supervisor.pid).kill()
            await eventually(lambda: is_down(data))
            begin = time.perf_counter()
            await docstore("up", "--detach", "--data", str(data), *options)
            rows.append(("docstore up after the supervisor was killed", time.perf_counter() - begin))
    return rows


def main() -> None:
    rows = asyncio.run(measure(sys.argv[1:]))
    table = Table("killed", "seconds until everything works", title=" ".join(["docstore up", *sys.argv[1:]]))
    for part, seconds in rows:
        table.add_row(part, f"{seconds:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
