"""The other region of these tests."""

from collections.abc import AsyncIterator

import pytest
from memory_folders import folder_of_servers
from replicas import Replica, running_replica


@pytest.fixture(scope="package")
async def replica(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replica]:
    with folder_of_servers(tmp_path_factory.mktemp("other")) as folder:
        async with running_replica(folder) as running:
            yield running
