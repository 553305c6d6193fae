"""Stacks for the fault tests: started with `docstore up`, with short intervals and leases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from stacks import SHORT_WAITS, DetachedStack


@asynccontextmanager
async def _running(data: Path, *, processes: bool) -> AsyncIterator[DetachedStack]:
    stack = DetachedStack(data, SHORT_WAITS, processes=processes)
    await stack.up()
    try:
        yield stack
    finally:
        await stack.down()


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """All services in one process."""
    async with _running(tmp_path_factory.mktemp("one-process"), processes=False) as running:
        yield running


@pytest.fixture(scope="module")
async def stack_of_processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Run each service in its own process."""
    async with _running(tmp_path_factory.mktemp("processes"), processes=True) as running:
        yield running
