"""The session's object store, as the services and as its clients see it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from docstore_contents.s3.store import (
    ObjectStore,
    S3Config,
)
from docstore_platform.ids import new_id
from docstore_standalone.servers import Servers


@pytest.fixture(scope="session")
def server(servers: Servers) -> S3Config:
    keys = servers.services_keys
    return S3Config(
        servers.s3_endpoint,
        servers.s3_endpoint,
        servers.region,
        keys.access_key_id,
        keys.secret_access_key,
        servers.content_bucket,
    )


@pytest.fixture(scope="session")
async def store(server: S3Config) -> AsyncIterator[ObjectStore]:
    async with ObjectStore(server) as store:
        yield store


@pytest.fixture(scope="session")
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client, as a user has one."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def key() -> str:
    return f"accounts/ü 1/{new_id()}/content"
