"""The stack that is measured: a fresh one, as `docstore up` starts it."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import psutil

from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mongo_users import operator_url
from docstore_standalone.state import read_state

REST_CPU_SECONDS = 0.25
"""In a second, all processes together."""
REST_TRIES = 60
IDLE_SECONDS = 5
UNLIMITED = "1000000000"
ENVIRONMENT = {
    "GATEWAY_SIGN_UP_PER_MINUTE": UNLIMITED,
    "GATEWAY_LOG_IN_PER_MINUTE": UNLIMITED,
    "GATEWAY_ACCOUNT_PER_MINUTE": UNLIMITED,
    "GATEWAY_ANONYMOUS_PER_MINUTE": UNLIMITED,
    "GATEWAY_DAV_PER_MINUTE": UNLIMITED,
    "ACCOUNTS_SELF_SERVICE_PLANS": "true",
    "METADATA_MAX_VERSIONS": "10000",
    "NOTIFY_WEBHOOK_ALLOW_HTTP": "true",
    "NOTIFY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "DOCSTORE_LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the parts of the running stack are."""

    gateway: str
    region: str
    mongo_url: str
    kafka_bootstrap: str
    s3_endpoint: str
    s3_access_key_id: str
    s3_secret_access_key: str
    bucket: str
    start_seconds: float
    data: Path


async def docstore(*arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "docstore_cli", *arguments,
        env={**os.environ, **ENVIRONMENT}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"docstore {arguments[0]} ended with status {process.returncode}: {output.decode()}")
    return output


async def status(data: Path) -> dict[str, Any]:
    """What `docstore status` prints for the only region."""
    region: dict[str, Any] = orjson.loads(await docstore("status", "--data", str(data), "--json"))["regions"][0]
    return region


def cpu_seconds(stack: Stack) -> Counter[str]:
    """User and system time of each component so far, its children included."""
    state = read_state(stack.data)
    components = {"supervisor": state.supervisor, **state.processes}
    processes = {name: psutil.Process(each.pid) for name, each in components.items() if each is not None}
    known = {process.pid for process in processes.values()}
    spent: Counter[str] = Counter()
    for name, process in processes.items():
        spent[name] = sum(sum(one.cpu_times()[:2]) for one in _with_children(process, known))
    return spent


def _with_children(process: psutil.Process, components: Collection[int]) -> Iterator[psutil.Process]:
    """The process and those below it, except other components and what is below them."""
    yield process
    for child in process.children():
        if child.pid not in components:
            yield from _with_children(child, components)


async def idle_cpu(stack: Stack, seconds: float) -> Counter[str]:
    """Watch a stack that does nothing: the CPU time of each component in a second."""
    before = cpu_seconds(stack)
    await asyncio.sleep(seconds)
    after = cpu_seconds(stack)
    return Counter({name: (after[name] - before[name]) / seconds for name in after})


async def at_rest(stack: Stack) -> None:
    """Until the stack has digested what was sent to it, so that it isn't measured together with what comes next."""
    for _ in range(REST_TRIES):
        if (await idle_cpu(stack, 1)).total() < REST_CPU_SECONDS:
            return


async def spent(stack: Stack, work: Callable[[], Awaitable[None]]) -> tuple[float, Counter[str]]:
    """Seconds that `work` took, and the CPU seconds of each component for it: with what follows from it by events,
    without what an idle stack spends."""
    await at_rest(stack)
    idle = await idle_cpu(stack, IDLE_SECONDS)
    begin, start = time.perf_counter(), cpu_seconds(stack)
    await work()
    seconds = time.perf_counter() - begin
    await at_rest(stack)
    end, watched = cpu_seconds(stack), time.perf_counter() - begin
    return seconds, Counter({name: end[name] - start[name] - idle[name] * watched for name in end})


async def restart(stack: Stack) -> float:
    """Stop the stack and start it again on its folder; return the seconds until it was ready."""
    await docstore("down", "--data", str(stack.data))
    begin = time.perf_counter()
    await docstore("up", "--detach", "--data", str(stack.data))
    return time.perf_counter() - begin


async def s5cmd(stack: Stack, *arguments: str) -> None:
    """Run s5cmd against the stack's S3 server."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": stack.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": stack.s3_secret_access_key,
        "AWS_REGION": stack.region,
    }
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("s5cmd")), "--endpoint-url", stack.s3_endpoint, *arguments,
        env=environment, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await process.wait():
        raise RuntimeError("s5cmd failed")


@asynccontextmanager
async def fresh_stack() -> AsyncIterator[Stack]:
    """A stack on an empty data folder; gone, data and all, when the block ends."""
    with TemporaryDirectory(prefix="docstore-bench-") as folder:
        data = Path(folder)
        begin = time.perf_counter()
        await docstore("up", "--detach", "--data", folder)
        started = time.perf_counter() - begin
        try:
            region = await status(data)
            credentials = load_credentials(data)
            keys = credentials.services
            yield Stack(
                gateway=region["gateway"],
                region=region["region"],
                mongo_url=operator_url(region["addresses"]["mongodb"], credentials),
                kafka_bootstrap=region["addresses"]["kafka"],
                s3_endpoint=region["addresses"]["s3"],
                s3_access_key_id=keys.access_key_id,
                s3_secret_access_key=keys.secret_access_key,
                bucket=f"docstore-content-{region['region']}",
                start_seconds=started,
                data=data,
            )
        finally:
            await docstore("down", "--data", folder)
