"""The app of analytics with databases and a region of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from analytics_app import Analytics
from fake_accounts import fake_accounts

from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app
from docstore_platform.settings import InfraSettings


@pytest.fixture
async def analytics(infra: InfraSettings) -> AsyncIterator[Analytics]:
    """Nothing runs yet: `async with analytics.running(setting=...)`. Its figures and its audit log are empty."""
    async with open_analytics(infra) as analytics:
        yield analytics


@pytest.fixture(scope="module")
async def running(module_infra: InfraSettings) -> AsyncIterator[Analytics]:
    """One instance for the tests of a module, which leave its figures and its audit log as they found them."""
    async with open_analytics(module_infra) as analytics, analytics.running():
        yield analytics


@asynccontextmanager
async def open_analytics(infra: InfraSettings) -> AsyncIterator[Analytics]:
    name = new_id()
    own = {"accounts_url": f"local:accounts-{name}", "region": f"region-{name}", "s3_bucket": infra.bucket}
    infra = infra.model_copy(update=own)  # a region of its own: the bucket has the anchors of all tests
    register_local_app(infra.accounts_url, fake_accounts())
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield Analytics(infra, mongo, f"local:analytics-{name}")
    mongo.close()
