"""How long each component is missed after kill -9, and the whole stack after that of its supervisor.

A component is back when a user can log in, upload a small file and read it, and the gateway reports that every
service is ready. The stack rests in between; the machine should do nothing else.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.stack import Stack, cpu_seconds, docstore
from docstore_platform.testing import eventually
from docstore_standalone.state import read_state, running_state

POLL_SECONDS = 0.05
BACK_SECONDS = 120.0
CALL_SECONDS = 5.0
REST_SECONDS = 3.0
KILLS = int(os.environ.get("BENCH_RECOVERY_KILLS", "3"))
"""Of each component; the quickest recovery counts, which other work on the machine delayed least."""
PERSON = {"email": "ada@example.com", "password": "correct horse battery staple"}


async def works(http: aiohttp.ClientSession) -> bool:
    """Whether the main job can be done, from beginning to end."""
    try:
        session = await body_of(http.post("/v1/sessions", json=PERSON))
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        body = {"path": "/note.txt", "size": 1, "method": "put"}
        upload = await body_of(http.post("/v1/uploads", json=body, headers=headers))
        async with http.put(upload["put"]["url"], data=b"x", headers=upload["put"]["headers"]) as stored:
            stored.raise_for_status()
        file = await body_of(http.post(f"/v1/uploads/{upload['id']}/complete", json={}, headers=headers))
        async with http.get(f"/v1/files/{file['id']}/content", headers=headers) as content:
            content.raise_for_status()
        async with http.get("/readyz") as ready:
            return ready.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def body_of(call: Any) -> Any:
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


async def is_down(data: Path) -> bool:
    return running_state(data) is None


async def recover(stack: Stack, component: str) -> tuple[float, float]:
    """Kill a component; return the seconds until everything works again, and its CPU seconds by then."""
    await asyncio.sleep(REST_SECONDS)
    psutil.Process(read_state(stack.data).processes[component].pid).kill()
    seconds = await seconds_until_it_works(stack.gateway)
    return seconds, cpu_seconds(stack)[component]


async def start_again(stack: Stack, *options: str) -> tuple[float, float]:
    """Kill the supervisor and start the stack; return the seconds until it is ready, and the CPU seconds of all."""
    await asyncio.sleep(REST_SECONDS)
    supervisor: Any = read_state(stack.data).supervisor
    psutil.Process(supervisor.pid).kill()
    await eventually(lambda: is_down(stack.data))
    begin = time.perf_counter()
    await docstore("up", "--detach", "--data", str(stack.data), *options)
    return time.perf_counter() - begin, cpu_seconds(stack).total()


async def measure_layout(stack: Stack, *options: str) -> list[tuple[str, str]]:
    """Rows of a stack that runs with these options of `docstore up`."""
    rows: list[tuple[str, str]] = []
    how = " ".join(["", *options])
    await seconds_until_it_works(stack.gateway)
    # The database last: a stack that has just been made has everything to do again after a crash.
    for component in sorted(read_state(stack.data).processes, key=lambda name: name == "mongod"):
        figure = min([await recover(stack, component) for _ in range(KILLS)])
        rows.append((f"recovery of {component}{how}", _text(*figure)))
    figure = min([await start_again(stack, *options) for _ in range(KILLS)])
    rows.append((f"recovery by `docstore up{how}` of a killed supervisor", _text(*figure)))
    return rows


def _text(seconds: float, cpu: float) -> str:
    return f"{seconds:.1f} s ({cpu:.1f} s of CPU)"


async def measure_recovery(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure), with all services in one process and in one each."""
    async with aiohttp.ClientSession(stack.gateway) as http:
        await body_of(http.post("/v1/accounts", json=PERSON))
    rows = await measure_layout(stack)
    await docstore("down", "--data", str(stack.data))
    await docstore("up", "--detach", "--data", str(stack.data), "--processes")
    rows += await measure_layout(stack, "--processes")
    await docstore("down", "--data", str(stack.data))
    await docstore("up", "--detach", "--data", str(stack.data))
    return rows
