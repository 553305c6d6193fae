"""Stacks for the fault tests: started with `docstore up`, with short intervals and leases."""

from collections.abc import AsyncIterator

import pytest
from stacks import SHORT_WAITS, DetachedStack


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """All services in one process."""
    async with DetachedStack(tmp_path_factory.mktemp("one-process"), SHORT_WAITS) as running:
        yield running


@pytest.fixture(scope="module")
async def stack_of_processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Run each service in its own process."""
    async with DetachedStack(tmp_path_factory.mktemp("processes"), SHORT_WAITS, processes=True) as running:
        yield running
