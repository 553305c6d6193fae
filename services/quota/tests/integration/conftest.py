"""Quota's real app on the real servers; accounts and metadata are fakes in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from quota_service import Quota, fake_known_accounts, fake_metadata

from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings


@pytest.fixture
async def quota(infra: InfraSettings) -> AsyncIterator[Quota]:
    """Nothing runs yet: `async with quota.running(setting=...)`."""
    async with open_quota(infra) as quota:
        yield quota


@pytest.fixture(scope="module")
async def running(module_infra: InfraSettings) -> AsyncIterator[Quota]:
    """One instance for the tests of a module, which have accounts of their own."""
    async with open_quota(module_infra) as quota, quota.running():
        yield quota


@asynccontextmanager
async def open_quota(infra: InfraSettings) -> AsyncIterator[Quota]:
    name = new_id()
    urls = {f"{service}_url": f"local:{service}-{name}" for service in ("accounts", "metadata")}
    infra = infra.model_copy(update=urls)
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    quota = Quota(infra, mongo, f"local:quota-{name}")
    register_local_app(infra.accounts_url, fake_known_accounts(quota.accounts))
    register_local_app(infra.metadata_url, fake_metadata(quota.stored))
    yield quota
    mongo.close()
