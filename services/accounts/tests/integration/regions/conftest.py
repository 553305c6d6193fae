"""Two regions, each with its own database, topics and instance, and a line between them that can be cut."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from accounts_client import Client
from pydantic import SecretStr
from regions_client import EAST, PEPPER, SECRET, WEST, Line, OpenRegion, Region

from docstore_accounts.app import create_app
from docstore_accounts.settings import AccountsSettings
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.client import register_local_app


def region_settings(settings: AccountsSettings, name: str, lines: dict[str, str], **changes: Any) -> AccountsSettings:
    infra = settings.infra
    corner = {
        "region": name,
        "issuer": f"docstore-{name}",
        "database_prefix": f"{infra.database_prefix}{name}_",
        "topic_prefix": f"{infra.topic_prefix}{name}.",
    }
    update = {
        "infra": infra.model_copy(update=corner),
        "peers": {peer: f"https://{peer}.example.org" for peer in (WEST, EAST) if peer != name},
        "peer_links": lines,
        "peer_secret": SecretStr(SECRET),
        "email_pepper": SecretStr(PEPPER),
        "replication_retry_delay_seconds": 0.3,
        "replication_interval_seconds": 0.3,
        "reset_lease_seconds": 0.3,
        "reset_interval_seconds": 0.3,
    }
    return settings.model_copy(update=update | changes)


@pytest.fixture
async def open_region(settings: AccountsSettings, client_of: type[Client]) -> AsyncIterator[OpenRegion]:
    """Starts a region for a while: `async with open_region(EAST) as east`; with `peers={}` on its own."""
    mongo = Mongo(settings.infra.mongo_url.get_secret_value(), app_name="test")
    corner = new_id()
    lines = {name: f"local:{corner}-{name}" for name in (WEST, EAST)}

    @asynccontextmanager
    async def open_one(name: str, *, is_cut: bool = False, **changes: Any) -> AsyncIterator[Region]:
        own = region_settings(settings, name, lines, **changes)
        app = create_app(own)
        line = Line(app=app, cut=is_cut)
        register_local_app(lines[name], line)
        async with app.router.lifespan_context(app):
            database = mongo.database(f"{own.infra.database_prefix}accounts")
            yield Region(name, own, database, line, client_of(app))

    yield open_one
    mongo.close()


@pytest.fixture
async def regions(open_region: OpenRegion) -> AsyncIterator[tuple[Region, Region]]:
    """Two regions that have met."""
    async with open_region(WEST) as west, open_region(EAST) as east:
        for region in (west, east):
            await region.database["introductions"].update_many({}, {"$set": {"awaited": False}})
        yield west, east


@pytest.fixture
def of_region(settings: AccountsSettings) -> Callable[..., AccountsSettings]:
    """Makes the settings of one region: `of_region(name, lines)`."""
    return partial(region_settings, settings)


@pytest.fixture
def west(regions: tuple[Region, Region]) -> Region:
    return regions[0]


@pytest.fixture
def east(regions: tuple[Region, Region]) -> Region:
    return regions[1]
