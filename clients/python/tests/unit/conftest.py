"""A client with an in-memory DocStore."""

from collections.abc import AsyncIterator

import pytest
from fake_docstore import FakeDocStore

from docstore_client import AsyncClient


@pytest.fixture
async def server() -> AsyncIterator[FakeDocStore]:
    async with FakeDocStore().serving() as server:
        yield server


@pytest.fixture
async def client(server: FakeDocStore) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.url) as client:
        yield client
