"""The real service on real servers; other services are fakes in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from fake_accounts import fake_accounts
from fastapi import FastAPI
from metadata_stack import FakeMedia, FakeQuota, FakeUploads, Person, Stack, fake_app
from new_buckets import make_bucket
from service_calls import ServiceCaller

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_metadata.app import create_app
from docstore_metadata.settings import MetadataSettings
from docstore_platform.clock import Clock, utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings


@pytest.fixture
async def stack(infra: InfraSettings) -> AsyncIterator[Stack]:
    """Servers without the service: `async with stack.run(setting=...)` starts an instance."""
    async with open_stack(infra) as stack:
        yield stack


@pytest.fixture(scope="module")
async def shared_stack(module_infra: InfraSettings) -> AsyncIterator[Stack]:
    """One instance of the service with default settings, for the tests of a module."""
    async with open_stack(module_infra) as stack, stack.run():
        yield stack


@pytest.fixture
def running(shared_stack: Stack) -> Stack:
    """The module's instance, with people and fakes of the test's own."""
    return shared_stack.for_next_test()


@pytest.fixture
async def fresh(stack: Stack) -> AsyncIterator[Stack]:
    """An instance of the test's own, whose database has nothing from other tests."""
    async with stack.run():
        yield stack


@asynccontextmanager
async def open_stack(infra: InfraSettings) -> AsyncIterator[Stack]:
    name = new_id()
    urls = {f"{peer}_url": f"local:{peer}-{name}" for peer in ("accounts", "quota", "upload", "media", "metadata")}
    infra = infra.model_copy(update=urls)
    quota = FakeQuota()
    register_local_app(urls["accounts_url"], fake_accounts())
    register_local_app(urls["quota_url"], fake_app(quota))
    uploads = FakeUploads()
    register_local_app(urls["upload_url"], fake_app(uploads))
    media = FakeMedia()
    register_local_app(urls["media_url"], fake_app(media))

    @asynccontextmanager
    async def run(
        url: str = urls["metadata_url"], *, clock: Clock = utc_now, **settings: Any
    ) -> AsyncIterator[FastAPI]:
        app = create_app(MetadataSettings(**{"infra": infra, "job_interval_ms": 100, **settings}), clock=clock)
        async with app.router.lifespan_context(app):
            register_local_app(url, app)
            yield app

    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    person = Person(urls["metadata_url"], infra.issuer, new_id())
    other = replace(person, account_id=new_id())
    database = mongo.database(f"{infra.database_prefix}metadata")
    async with ObjectStore(S3Config.of(infra)) as objects:
        await make_bucket(objects)
        internal = ServiceCaller("metadata", infra)
        yield Stack(infra, quota, objects, mongo, database, run, person, other, internal, media, uploads)
    mongo.close()
