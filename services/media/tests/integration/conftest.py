"""The real media service on the real servers; accounts and metadata are fakes in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fake_accounts import fake_accounts
from media_world import World

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings


@pytest.fixture
async def world(infra: InfraSettings, tmp_path: Path) -> AsyncIterator[World]:
    """Nothing runs yet: `async with world.running()`."""
    async with open_world(infra, tmp_path) as world:
        yield world


@pytest.fixture
async def fresh(world: World) -> AsyncIterator[World]:
    """An instance of the test's own, which has not been idle and looks often for what is due."""
    async with world.running():
        yield world


@pytest.fixture(scope="module")
async def running(module_infra: InfraSettings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One instance for the tests of a module, which have accounts of their own."""
    async with open_world(module_infra, tmp_path_factory.mktemp("shared")) as world, world.running():
        yield world


@asynccontextmanager
async def open_world(infra: InfraSettings, folder: Path) -> AsyncIterator[World]:
    name = new_id()
    urls = {f"{service}_url": f"local:{service}-{name}" for service in ("accounts", "metadata", "media")}
    infra = infra.model_copy(update=urls)
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    config = S3Config.of(infra)
    async with (
        ObjectStore(config) as objects,
        ObjectStore(replace(config, bucket=infra.processed_bucket)) as pictures,
    ):
        world = World(infra, mongo, objects, pictures, folder / "media")
        register_local_app(infra.accounts_url, fake_accounts())
        register_local_app(infra.metadata_url, world.metadata())
        yield world
    mongo.close()
