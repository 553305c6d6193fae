"""Calls internal routes as an allowed service."""

import json
from typing import Any

from pydantic import SecretStr
from starlette.routing import compile_path

from docstore_platform.security.service_identity import InternalRoute, token_source
from docstore_platform.service.client import ServiceClient, local_app
from docstore_platform.services import CallerName, ServiceName
from docstore_platform.settings import InfraSettings


def bearer(infra: InfraSettings, caller: CallerName, audience: ServiceName) -> str:
    """The Authorization header of a call of `caller` to `audience`."""
    source = token_source(caller, audience, infra)
    assert source is not None
    return f"Bearer {source.token()}"


def allowed_caller(url: str, method: str, path: str) -> Any:
    """Someone who may call this route of the service that runs in this process under `url`."""
    routes: list[InternalRoute] = local_app(url).state.internal_routes  # type: ignore[attr-defined]
    route_path = path.partition("?")[0]
    for route in routes:
        if route.method == method and compile_path(route.path)[0].match(route_path):
            return min(route.callers)
    raise AssertionError(f"{url} has no internal route {method} {path}")


class ServiceCaller:
    """A `ServiceClient` that is whoever may call."""

    def __init__(self, service: ServiceName, infra: InfraSettings, url: str = "") -> None:
        self._service = service
        self._url = url or infra.service_url(service)
        self._infra = infra.model_copy(update={f"{service}_url": self._url})

    def authorization(self, method: str, path: str) -> str:
        return bearer(self._infra, allowed_caller(self._url, method, path), self._service)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        caller = allowed_caller(self._url, method, path)
        return await ServiceClient(self._service, self._infra, caller).call(method, path, body)


def environment_of(infra: InfraSettings) -> dict[str, str]:
    """The variables by which a process has these settings."""
    values = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in infra.model_dump().items()
    }
    return {
        f"DOCSTORE_{name.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in values.items()
    }
