"""Fake services, tokens, and callers of the gateway without and with sockets."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from docstore_gateway.app import create_app
from docstore_gateway.settings import GatewaySettings
from docstore_platform.ids import new_id
from docstore_platform.service.client import register_local_app
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings

sys.path.insert(0, str(Path(__file__).parent))  # modules that the tests share are found by their names

from gateway_calls import Caller, FakeService, Issuer, Listening, OpenGateway, RunningGateway, serving


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def service(issuer: Issuer) -> FakeService:
    """Stands for every service behind the gateway."""
    return FakeService(issuer)


@pytest.fixture
def local_url(service: FakeService) -> str:
    url = f"local:{new_id()}"
    register_local_app(url, service)
    return url


@pytest.fixture
def open_gateway(infra: InfraSettings, local_url: str) -> OpenGateway:
    """Opens a replica. Settings by name; `urls` sends services elsewhere than to the fake in this process."""
    return replicas(infra, local_url)


@pytest.fixture(scope="module")
async def shared_gateway(module_infra: InfraSettings) -> AsyncIterator[RunningGateway]:
    issuer, url = Issuer(), f"local:{new_id()}"
    service = FakeService(issuer)
    register_local_app(url, service)
    async with replicas(module_infra, url)() as caller:
        yield RunningGateway(caller.app, service, issuer)


@pytest.fixture
def running(shared_gateway: RunningGateway) -> RunningGateway:
    """The module's replica, with the settings as they come; the service behind it is as new."""
    shared_gateway.service.forget()
    return shared_gateway


def replicas(infra: InfraSettings, local_url: str) -> OpenGateway:
    @asynccontextmanager
    async def open_it(
        *, urls: dict[str, str] | None = None, public_url: str = "http://127.0.0.1:8080", **settings: Any
    ) -> AsyncIterator[Caller]:
        everywhere = {f"{name}_url": local_url for name in SERVICE_NAMES if name != "gateway"}
        changed = {f"{name}_url": url for name, url in (urls or {}).items()}
        settings_infra = infra.model_copy(
            update=everywhere | changed | {"log_level": "WARNING", "public_url": public_url}
        )
        app = create_app(GatewaySettings(infra=settings_infra, **settings))
        async with app.router.lifespan_context(app):
            yield Caller(app)

    return open_it


@pytest.fixture
async def gateway(open_gateway: OpenGateway) -> AsyncIterator[Caller]:
    """One replica with the settings as they come."""
    async with open_gateway() as caller:
        yield caller


@pytest.fixture
def listening() -> Listening:
    """Serves an app on a real socket; gives its address."""
    return serving
