"""Each service starts while MongoDB and the broker are away: it waits for them instead of exiting."""

import asyncio
from collections.abc import Iterator
from typing import Any

import generate_openapi
import pytest
from fastapi import FastAPI

from docstore_platform.mongodb import client
from docstore_platform.mongodb.client import shared_clients
from docstore_platform.service.client import LocalTransport, register_local_app
from docstore_platform.services import SERVICE_NAMES, ServiceName

SELECTION_MS = 50
"""How long the driver looks for a server before it reports that there is none."""
SECONDS = 30.0
"""How long a service may take to serve and to stop again. On a busy machine."""


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[ServiceName, FastAPI]]:
    """Every service's app, with settings that name ports where nothing listens."""
    make: Any = client.AsyncIOMotorClient

    def make_hasty(url: str, **options: Any) -> Any:
        return make(url, **{**options, "serverSelectionTimeoutMS": SELECTION_MS})

    with pytest.MonkeyPatch.context() as patched, shared_clients():
        patched.setattr(client, "AsyncIOMotorClient", make_hasty)
        patched.setenv("DOCSTORE_MONGO_URL", "mongodb://127.0.0.1:1/?replicaSet=rs0")
        patched.setenv("DOCSTORE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        yield generate_openapi.apps()


@pytest.mark.parametrize("name", SERVICE_NAMES)
async def test_a_service_waits_for_servers_that_are_away(name: ServiceName, apps: dict[ServiceName, FastAPI]) -> None:
    """Its process serves health checks and reports that it is not ready, and ends when it is told to."""
    url = f"local:waiting-{name}"
    register_local_app(url, apps[name])
    transport = LocalTransport(url)
    async with asyncio.timeout(SECONDS), apps[name].router.lifespan_context(apps[name]):
        health = await transport.send("GET", "/healthz", {}, b"")
        ready = await transport.send("GET", "/readyz", {}, b"")
    assert health.status == 200
    assert (ready.status, ready.json()) == (503, {"status": "starting"})
