"""Stacks that are killed while somebody works: started as `docstore up` starts them, with short waits and leases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from stacks import DetachedStack

ENVIRONMENT = {
    "GATEWAY_SIGN_UP_PER_MINUTE": "100000",
    "GATEWAY_LOG_IN_PER_MINUTE": "100000",
    "GATEWAY_ACCOUNT_PER_MINUTE": "1000000",
    "GATEWAY_IDEMPOTENCY_LEASE_SECONDS": "3",
    "ACCOUNTS_ARGON2_MEMORY_KIB": "64",
    "ACCOUNTS_ARGON2_PASSES": "1",
    "ACCOUNTS_ACCESS_TOKEN_SECONDS": "3600",
    "METADATA_JOB_LEASE_SECONDS": "5",
    "INDEXER_LEASE_SECONDS": "5",
    "NOTIFY_DIGEST_SECONDS": "0",
    "NOTIFY_SEND_SECONDS": "3",
    "NOTIFY_LEASE_SECONDS": "5",
    "UPLOAD_POLL_SECONDS": "0.5",
    "UPLOAD_LEASE_SECONDS": "4",
    "UPLOAD_EXPIRY_SECONDS": "10",
    "UPLOAD_MULTIPART_EXPIRY_SECONDS": "10",
    "UPLOAD_CHECK_FIRST_SECONDS": "2",
    "UPLOAD_CHECK_LONGEST_SECONDS": "3",
    "UPLOAD_COMMIT_RETRY_SECONDS": "2",
    "UPLOAD_RESERVATION_GRACE_SECONDS": "2",
    "UPLOAD_SWEEP_SECONDS": "1",
    "UPLOAD_SETTLE_FIRST_SECONDS": "3",
    "QUOTA_SWEEP_SECONDS": "1",
    "QUOTA_EXPIRY_GRACE_SECONDS": "1",
}


@asynccontextmanager
async def _running(data: Path, *, processes: bool) -> AsyncIterator[DetachedStack]:
    stack = DetachedStack(data, ENVIRONMENT, processes=processes)
    await stack.up()
    try:
        yield stack
    finally:
        await stack.down()


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """All services in one process."""
    async with _running(tmp_path_factory.mktemp("one-process"), processes=False) as running:
        yield running


@pytest.fixture(scope="module")
async def stack_of_processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Each service in a process of its own."""
    async with _running(tmp_path_factory.mktemp("processes"), processes=True) as running:
        yield running
