"""The real indexer on the real servers; accounts and metadata are fakes in this process."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fake_accounts import fake_accounts
from indexer_world import World, on_opensearch
from new_buckets import make_bucket

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings


@pytest.fixture(scope="session")
def cluster_url(request: pytest.FixtureRequest) -> str:
    """Address of OpenSearch, if it was chosen for the tests. Not async: the node's fixture runs in the event loop."""
    is_embedded = os.environ.get("TEST_SEARCH", "tantivy") == "tantivy"
    return "" if is_embedded else str(request.getfixturevalue("opensearch_url"))


@pytest.fixture
async def world(infra: InfraSettings, tmp_path: Path, cluster_url: str) -> AsyncIterator[World]:
    """Nothing runs yet: `async with world.running()`."""
    async with open_world(infra, tmp_path, cluster_url) as world:
        yield world


@pytest.fixture
async def fresh(world: World) -> AsyncIterator[World]:
    """An instance of the test's own, whose database has nothing from other tests."""
    async with world.running():
        yield world


@pytest.fixture(scope="module")
async def running(
    module_infra: InfraSettings, tmp_path_factory: pytest.TempPathFactory, cluster_url: str
) -> AsyncIterator[World]:
    """One instance for the tests of a module, which have people of their own."""
    folder = tmp_path_factory.mktemp("shared")
    async with open_world(module_infra, folder, cluster_url) as world, world.running():
        yield world


@asynccontextmanager
async def open_world(infra: InfraSettings, folder: Path, cluster_url: str) -> AsyncIterator[World]:
    """With indexes of its own, if the engine is OpenSearch."""
    name, engine = new_id(), on_opensearch(cluster_url) if cluster_url else {}
    urls = {f"{service}_url": f"local:{service}-{name}" for service in ("accounts", "metadata", "indexer")}
    infra = infra.model_copy(update=urls)
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    async with ObjectStore(S3Config.of(infra)) as objects:
        await make_bucket(objects)
        world = World(infra, mongo, objects, folder / "index", engine)
        register_local_app(infra.accounts_url, fake_accounts())
        register_local_app(infra.metadata_url, world.metadata.app())
        yield world
    mongo.close()
