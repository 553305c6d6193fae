"""Embedded servers for these tests, in folders of their own, and a client that writes to all of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from backup_places import NewPlace, Place
from memory_folders import memory_folder
from new_buckets import make_bucket

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_standalone.backup.deployment import Deployment
from docstore_standalone.servers import Servers, start_servers
from docstore_standalone.settings import StandaloneSettings

TOOLS = Path(__file__).parents[4] / ".tools"


@pytest.fixture(scope="session")
def stack_settings() -> StandaloneSettings:
    """Fetched programs are shared by all tests and runs."""
    return StandaloneSettings(tools=TOOLS)


@pytest.fixture(scope="package")
async def servers(
    tmp_path_factory: pytest.TempPathFactory, stack_settings: StandaloneSettings
) -> AsyncIterator[Servers]:
    """With the broker of `docstore up`, unlike those of the session. They outlive every test."""
    with memory_folder(tmp_path_factory.mktemp("stack")) as folder:
        running = await start_servers(folder, settings=stack_settings)
        yield running
        await running.stop()


@pytest.fixture
async def new_place(servers: Servers) -> AsyncIterator[NewPlace]:
    """Makes empty places on these servers."""
    mongo = Mongo(servers.mongo_url, app_name="test")
    made: list[Place] = []

    async def make() -> Place:
        name, keys = new_id()[-10:], servers.root_keys
        address = (servers.s3_endpoint, servers.s3_endpoint)
        s3 = S3Config(*address, servers.region, keys.access_key_id, keys.secret_access_key, f"backup-{name}")
        place = Place(Deployment(servers.region, servers.mongo_url, f"b{name}_", s3, None), mongo, ObjectStore(s3))
        await place.store.__aenter__()
        await make_bucket(place.store)
        made.append(place)
        return place

    yield make
    for place in made:
        for name in await mongo.database_names(place.deployment.database_prefix):
            await mongo.drop(name)
        await place.store.clear("")
        # The server has a bounded number of volumes, which the buckets of all tests would use up.
        await place.store.transport.call("delete_bucket")
        await place.store.__aexit__(None, None, None)
    mongo.close()


@pytest.fixture
async def place(new_place: NewPlace) -> Place:
    """One with something in it."""
    place = await new_place()
    await place.fill()
    return place
