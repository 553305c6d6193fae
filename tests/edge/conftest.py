"""The other region of these tests."""

from collections.abc import AsyncIterator

import pytest
from memory_folders import memory_folder
from replicas import Replica, running_replica


@pytest.fixture(scope="package")
async def replica(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replica]:
    with memory_folder(tmp_path_factory.mktemp("other")) as folder:
        async with running_replica(folder) as running:
            yield running
