"""Responses of a parser that was taken over: they cost its worker, not the service's memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from docstore_contents.workers.pool import JobFailed, WorkerPool
from docstore_contents.workers.worker_process import MAX_RESPONSE_BYTES, Program, WorkerLimits

MIB = 1 << 20
PARSER = """
import os
from docstore_contents.workers.process import serve_confined

def respond(request):
    if "depth" in request:
        os.write(3, b"[" * request["depth"])
        os._exit(0)
    return {"text": "x" * request["size"]}

serve_confined(lambda: respond)
"""


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[WorkerPool]:
    script = tmp_path / "parser.py"
    script.write_text(PARSER)
    (tmp_path / "document").touch()
    pool = WorkerPool(Program((str(script),), {}), WorkerLimits(seconds=30))
    yield pool
    await pool.close()


async def run(pool: WorkerPool, tmp_path: Path, **request: int) -> dict[str, Any]:
    return await pool.run({"path": str(tmp_path / "document"), **request})


@pytest.mark.parametrize("size", [MAX_RESPONSE_BYTES, 2 * MAX_RESPONSE_BYTES])
async def test_a_response_has_a_limit(pool: WorkerPool, tmp_path: Path, size: int) -> None:
    """The worker that exceeds it is killed, and the job is not run again; the next worker serves."""
    with pytest.raises(JobFailed, match="parser_crashed"):
        await run(pool, tmp_path, size=size)
    assert (pool.pids, MAX_RESPONSE_BYTES) == ([], 16 * MIB)
    assert len((await run(pool, tmp_path, size=MAX_RESPONSE_BYTES - 1000))["text"]) > 15 * MIB


async def test_a_response_too_deep_to_parse_is_a_crash(pool: WorkerPool, tmp_path: Path) -> None:
    """As any other that is no JSON: the worker lives on."""
    assert await run(pool, tmp_path, size=1) == {"text": "x"}
    pids = pool.pids
    with pytest.raises(JobFailed, match="parser_crashed"):
        await run(pool, tmp_path, depth=10_000)
    assert pool.pids == pids
