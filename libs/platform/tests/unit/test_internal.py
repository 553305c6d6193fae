"""Calls from service to service."""

from collections.abc import Mapping

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError

from docstore_platform.internal import Answer, LocalTransport, ServiceClient, register_local_app
from docstore_platform.problems import Problem
from docstore_platform.settings import InfraSettings
from docstore_platform.web import service_app


def infra(secret: str = "s3cret") -> InfraSettings:
    return InfraSettings(internal_secret=secret, quota_url="local:quota-under-test")


@pytest.fixture
def quota() -> FastAPI:
    router = APIRouter()

    @router.get("/usage")
    async def usage() -> dict[str, int]:
        return {"used": 7}

    @router.get("/refused")
    async def refused() -> None:
        raise Problem(507, "over_quota", "No room.", limit=5)

    @router.get("/broken")
    async def broken() -> None:
        raise KeyError("a mistake of ours")

    app = service_app("quota", infra(), lifespan=lambda _: pytest.fail("not started"), internal=[router], checks={})
    register_local_app("local:quota-under-test", app)
    return app


async def test_a_call_answers_the_other_services_json(quota: FastAPI) -> None:
    """A service in the same process is called without a socket."""
    assert await ServiceClient("quota", infra()).call("GET", "/internal/usage") == {"used": 7}


async def test_a_refusal_keeps_its_code_and_its_facts(quota: FastAPI) -> None:
    """The other service's problem arrives as it was raised, so that it can be passed on to the client."""
    with pytest.raises(Problem) as caught:
        await ServiceClient("quota", infra()).call("GET", "/internal/refused")
    assert (caught.value.status, caught.value.code, caught.value.extra) == (507, "over_quota", {"limit": 5})


async def test_a_mistake_of_the_other_service_is_its_500(quota: FastAPI) -> None:
    """In one process too: what went wrong there must not end a loop here that is ready for any answer."""
    with pytest.raises(Problem) as caught:
        await ServiceClient("quota", infra()).call("GET", "/internal/broken")
    assert (caught.value.status, caught.value.code) == (500, "internal_error")


async def test_internal_routes_admit_only_who_knows_the_secret(quota: FastAPI) -> None:
    """A wrong secret is 401 on an internal route."""
    with pytest.raises(Problem) as caught:
        await ServiceClient("quota", infra("guess")).call("GET", "/internal/usage")
    assert caught.value.status == 401


async def test_a_service_that_is_not_there_is_503() -> None:
    """A call to a service that has not started is a problem the client may retry."""
    absent = InfraSettings(internal_secret="s", quota_url="local:nobody")
    with pytest.raises(Problem) as caught:
        await ServiceClient("quota", absent).call("GET", "/internal/usage")
    assert (caught.value.status, caught.value.code) == (503, "unavailable")


async def test_a_lost_answer_is_asked_for_again(quota: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Internal routes are idempotent, so a connection that broke is tried again before it is an error."""
    client = ServiceClient("quota", infra())
    whole = LocalTransport("local:quota-under-test")
    failures = iter([ConnectionError("reset"), None])

    class Flaky:
        async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
            failure = next(failures)
            if failure is not None:
                raise failure
            return await whole.send(method, path, headers, body)

        async def close(self) -> None:
            return None

    monkeypatch.setattr(client, "_transport", Flaky())
    assert await client.call("GET", "/internal/usage") == {"used": 7}


def test_services_do_not_start_with_an_empty_secret() -> None:
    """A variable that is set to nothing is a mistake: with it anybody could make the tokens of redirects."""
    with pytest.raises(ValidationError):
        InfraSettings(internal_secret="")
