"""Attack: call internal routes without a key, or as a service that is not an allowed caller."""

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import aiohttp
import generate_openapi
import jwt
import pytest
from many_callers import MANY_CALLERS
from people import Person
from stacks import DetachedStack
from yarl import URL

from docstore_platform.security.service_identity import TOKEN_TYPE, InternalRoute
from docstore_platform.security.service_keys import load_private_key, new_service_key
from docstore_platform.services import SERVICE_NAMES, ServiceName
from docstore_standalone.credentials import load_credentials

pytestmark = pytest.mark.attack


@cache
def internal_routes() -> dict[ServiceName, list[InternalRoute]]:
    """Of each service; the other suites collect this file, too, and need not make all apps."""
    return {name: app.state.internal_routes for name, app in generate_openapi.apps().items()}


@pytest.fixture(scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """Every service in a process of its own, reached at its own port: as by someone who is in the network."""
    async with DetachedStack(tmp_path_factory.mktemp("services"), MANY_CALLERS, processes=True) as running:
        yield running


def key_of(stack: DetachedStack, service: str) -> str:
    return load_credentials(stack.data).service_keys[service][0]


def token(key: str, caller: str, audience: str, *, seconds: int = 60, typ: str = TOKEN_TYPE) -> str:
    expires = int(time.time()) + seconds
    claims = {"iss": caller, "sub": caller, "aud": audience, "iat": expires - 60, "exp": expires}
    return jwt.encode(claims, load_private_key(key), algorithm="EdDSA", headers={"typ": typ})


def unsigned(caller: str, audience: str) -> str:
    now = int(time.time())
    claims = {"iss": caller, "sub": caller, "aud": audience, "iat": now, "exp": now + 60}
    parts = ({"alg": "none", "typ": TOKEN_TYPE}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def forgeries(stack: DetachedStack, service: str, route: InternalRoute) -> Iterator[tuple[str, str, int]]:
    """What is tried, its bearer token, and the status it has to get."""
    caller = min(route.callers or {"gateway"})
    own = key_of(stack, caller)
    other = next(name for name in SERVICE_NAMES if name != service)
    yield "a token for another service", token(own, caller, other), 401
    yield "an expired token", token(own, caller, service, seconds=-60), 401
    yield "a token of another type", token(own, caller, service, typ="JWT"), 401
    yield "a key of one's own", token(new_service_key(), caller, service), 401
    yield "no signature", unsigned(caller, service), 401
    for name in sorted(set(SERVICE_NAMES) - route.callers):
        yield f"{name} in its own name", token(key_of(stack, name), name, service), 403
        if route.callers:
            yield f"{name} in the name of {caller}", token(key_of(stack, name), caller, service), 401


async def status(client: aiohttp.ClientSession, method: str, url: str, bearer: str | None) -> int:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    async with client.request(method, URL(url, encoded=True), data=b"{}", headers=headers) as answer:
        return answer.status


async def test_no_internal_route_answers_who_may_not_call_it(services: DetachedStack) -> None:
    """Not without a token, not with a person's, and not with any that is not its caller's for this service."""
    async with aiohttp.ClientSession() as client, await Person.new(services.gateway, "mallory") as mallory:
        for service, routes in internal_routes().items():
            if service == "gateway":  # its edge lets no one in: see below
                continue
            for route in routes:
                url = f"http://127.0.0.1:{services.state.ports[service]}{route.path.replace('{', '').replace('}', '')}"
                assert await status(client, route.method, url, None) == 401, route
                assert await status(client, route.method, url, mallory.access_token) == 401, route
                for attempt, bearer, expected in forgeries(services, service, route):
                    assert await status(client, route.method, url, bearer) == expected, (attempt, service, route)


async def test_a_caller_that_is_declared_is_let_in(services: DetachedStack) -> None:
    """The refusals above are no accident of how they were sent."""
    async with aiohttp.ClientSession() as client:
        for service in SERVICE_NAMES:
            if service == "gateway":
                continue
            url = f"http://127.0.0.1:{services.state.ports[service]}/internal/health"
            bearer = token(key_of(services, "gateway"), "gateway", service)
            assert await status(client, "GET", url, bearer) == 200, service


async def test_nothing_internal_is_reached_through_the_gateway(stack: DetachedStack) -> None:
    """Whatever token comes with it, by whatever spelling of the path."""
    async with aiohttp.ClientSession() as client:
        for service, routes in internal_routes().items():
            tokens: list[Any] = [None, *(token(key_of(stack, name), name, service) for name in ("gateway", "operator"))]
            for route in routes:
                for prefix in ("", "/v1", "/v1/..", "//", "/v1/%2e%2e"):
                    url = f"{stack.gateway}{prefix}{route.path.replace('{', '').replace('}', '')}"
                    for bearer in tokens:
                        assert await status(client, route.method, url, bearer) in (400, 401, 404, 405), (url, bearer)
