"""The real service on real servers; the services that it calls are fakes in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from fake_accounts import fake_accounts
from fake_services import FakeServices
from new_buckets import make_bucket
from upload_stack import FAST, LOOKS, Client, Stack, fake_app

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings
from docstore_upload.app import create_app
from docstore_upload.settings import UploadSettings


@pytest.fixture
async def stack(infra: InfraSettings, services: FakeServices) -> AsyncIterator[Stack]:
    """Nothing runs yet: `async with stack.run(setting=...)` is one instance of the service."""
    async with open_stack(infra, services) as stack:
        yield stack


@pytest.fixture(scope="module")
async def shared_stack(module_infra: InfraSettings) -> AsyncIterator[Stack]:
    """One instance of the service, for the tests of a module."""
    async with open_stack(module_infra, FakeServices()) as stack, stack.run():
        yield stack


@pytest.fixture
def running(shared_stack: Stack) -> Stack:
    """The module's instance, with people of the test's own and fakes as new."""
    return shared_stack.for_next_test()


@asynccontextmanager
async def open_stack(infra: InfraSettings, services: FakeServices) -> AsyncIterator[Stack]:
    name = new_id()
    urls = {
        f"{service}_url": f"local:{service}-{name}"
        for service in ("accounts", "metadata", "quota", "indexer", "media", "notify")
    }
    infra = infra.model_copy(update=urls)
    register_local_app(urls["accounts_url"], fake_accounts())
    for service, fake in vars(services).items():
        register_local_app(urls[f"{service}_url"], fake_app(fake))
    url = f"local:upload-{name}"

    @asynccontextmanager
    async def run(*, looks: bool = False, **settings: float) -> AsyncIterator[None]:
        app = create_app(UploadSettings(infra=infra, **{**FAST, **(LOOKS if looks else {}), **settings}))
        async with app.router.lifespan_context(app):
            register_local_app(url, app)
            yield

    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    person = Client(url, infra.issuer, new_id())
    async with ObjectStore(S3Config.of(infra)) as store, aiohttp.ClientSession() as http:
        await make_bucket(store)
        database = mongo.database(f"{infra.database_prefix}upload")
        yield Stack(infra, services, store, database, http, run, person, replace(person, account_id=new_id()))
    mongo.close()
