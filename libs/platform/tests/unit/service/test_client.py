"""Calls from service to service."""

import json
from collections.abc import Mapping

import pytest
from fastapi import APIRouter, FastAPI, params

from docstore_platform.errors import DomainError, OutOfSpace, Unavailable
from docstore_platform.http.problems import problem_of
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.security.service_keys import new_service_key, public_key_of
from docstore_platform.service.app import service_app
from docstore_platform.service.client import HttpResponse, LocalTransport, ServiceClient, register_local_app
from docstore_platform.settings import InfraSettings

URL = "local:quota-under-test"
KEYS = {name: new_service_key() for name in ("accounts", "metadata", "quota", "upload")}
PUBLIC = {name: [public_key_of(key)] for name, key in KEYS.items()}


def infra(**changes: object) -> InfraSettings:
    settings = {"service_key": json.dumps(KEYS), "service_public_keys": PUBLIC, "quota_url": URL, **changes}
    return InfraSettings.model_validate(settings)


def quota_app(settings: InfraSettings) -> FastAPI:
    router = APIRouter(prefix=INTERNAL_PREFIX)

    @router.get("/usage", dependencies=[callers("upload")])
    async def usage() -> dict[str, int]:
        return {"used": 7}

    @router.get("/refused", dependencies=[callers("upload")])
    async def refused() -> None:
        raise OutOfSpace("No room.", limit=5)

    @router.get("/busy", dependencies=[callers("upload")])
    async def busy() -> None:
        raise Unavailable("Not now.", retry_after=7)

    @router.get("/broken", dependencies=[callers("upload")])
    async def broken() -> None:
        raise KeyError("a mistake of ours")

    app = service_app("quota", settings, lifespan=lambda _: pytest.fail("not started"), internal=[router], checks={})
    register_local_app(URL, app)
    return app


@pytest.fixture(autouse=True)
def quota() -> FastAPI:
    return quota_app(infra())


def client(settings: InfraSettings | None = None) -> ServiceClient:
    return ServiceClient("quota", settings or infra(), "upload")


async def test_a_call_answers_the_other_services_json() -> None:
    """A service in the same process is called without a socket."""
    assert await client().call("GET", "/internal/usage") == {"used": 7}


async def test_a_refusal_keeps_its_code_and_its_facts() -> None:
    """The other service's problem arrives as it was raised, so that it can be passed on to the client."""
    with pytest.raises(DomainError) as caught:
        await client().call("GET", "/internal/refused")
    assert (problem_of(caught.value).status, caught.value.code, caught.value.extra) == (507, "over_quota", {"limit": 5})


async def test_a_refusal_that_is_passed_on_keeps_when_to_try_again() -> None:
    """The client gets the busy service's own answer."""
    with pytest.raises(DomainError) as caught:
        await client().call("GET", "/internal/busy")
    assert problem_of(caught.value).headers == {"Retry-After": "7"}


async def test_a_mistake_of_the_other_service_is_its_500() -> None:
    """In one process too: what went wrong there must not end a loop here that is ready for any answer."""
    with pytest.raises(DomainError) as caught:
        await client().call("GET", "/internal/broken")
    assert (problem_of(caught.value).status, caught.value.code) == (500, "internal_error")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"service_key": new_service_key()}, id="a key that nobody knows"),
        pytest.param({"service_key": json.dumps({"upload": KEYS["quota"]})}, id="the key of another service"),
        pytest.param({"service_key": "", "internal_secret": "guess"}, id="a shared secret where none is accepted"),
    ],
)
async def test_a_caller_that_is_not_let_in_gets_503(settings: dict[str, str]) -> None:
    """Its own client did nothing wrong: 401 would log people out for a mistake in the settings."""
    with pytest.raises(DomainError) as caught:
        await client(infra(**settings)).call("GET", "/internal/usage")
    assert (problem_of(caught.value).status, caught.value.code) == (503, "unavailable")


async def test_a_service_that_is_not_there_is_503() -> None:
    """A call to a service that has not started is a problem the client may retry."""
    with pytest.raises(DomainError) as caught:
        await client(infra(quota_url="local:nobody")).call("GET", "/internal/usage")
    assert (problem_of(caught.value).status, caught.value.code) == (503, "unavailable")


async def test_a_lost_answer_is_requested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Internal routes are idempotent, so a connection that broke is tried again before it is an error."""
    caller = client()
    whole = LocalTransport(URL)
    failures = iter([ConnectionError("reset"), None])

    class Flaky:
        async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
            failure = next(failures)
            if failure is not None:
                raise failure
            return await whole.send(method, path, headers, body)

        async def close(self) -> None:
            return None

    monkeypatch.setattr(caller, "_transport", Flaky())
    assert await caller.call("GET", "/internal/usage") == {"used": 7}


async def test_an_upgrade_one_service_at_a_time_loses_no_call() -> None:
    """While the shared secret of the version before is set, its services are let in, and are called by it."""
    new, old = infra(internal_secret="shared"), InfraSettings(internal_secret="shared", quota_url=URL)
    quota_app(new)
    assert await client(old).call("GET", "/internal/usage") == {"used": 7}
    quota_app(old)  # knows no public key, as the version before
    assert await client(new).call("GET", "/internal/usage") == {"used": 7}


def test_a_service_without_a_key_does_not_start() -> None:
    """The setting that is missing is named, and who needs it."""
    with pytest.raises(ValueError, match="DOCSTORE_SERVICE_KEY is not set"):
        ServiceClient("quota", InfraSettings(), "upload")
    with pytest.raises(ValueError, match="DOCSTORE_SERVICE_PUBLIC_KEYS is not set"):
        quota_app(InfraSettings(service_key=new_service_key()))


@pytest.mark.parametrize(("prefix", "allowed"), [("", [callers("upload")]), (INTERNAL_PREFIX, [])])
def test_an_internal_route_needs_its_prefix_and_its_callers(prefix: str, allowed: list[params.Depends]) -> None:
    """Nothing is open by having been forgotten."""
    router = APIRouter(prefix=prefix)
    router.add_api_route("/forgotten", lambda: None, dependencies=allowed)
    with pytest.raises(ValueError, match="declare its callers"):
        service_app("quota", infra(), lifespan=lambda _: pytest.fail("not started"), internal=[router], checks={})
