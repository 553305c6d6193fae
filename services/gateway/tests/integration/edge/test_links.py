"""Public links on their way through the gateway: no login, and no trace of what opens them."""

from typing import Any

import pytest
import structlog
from gateway_calls import Caller, FakeService, Issuer, OpenGateway, Reply, Request, RunningGateway

from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.logs import loggable_path

pytestmark = pytest.mark.connected

TOKEN = "s3cretTokenOfALink"
CALLS = (
    ("POST", f"/v1/links/{TOKEN}/open"),
    ("GET", f"/v1/links/{TOKEN}/content?file_id=7"),
    ("GET", f"/v1/links/{TOKEN}/files"),
    ("GET", f"/l/{TOKEN}"),
    ("POST", f"/l/{TOKEN}"),
    ("GET", f"/l/{TOKEN}/download?grant=1.x"),
)


async def test_links_need_no_login(running: RunningGateway) -> None:
    """Whoever has the token is let through, with the address that was seen."""
    for method, path in CALLS:
        assert (await running.call(method, path, {"x-forwarded-for": "1.2.3.4"})).status == 200, path
    assert [request.path for request in running.service.requests] == [path.partition("?")[0] for _, path in CALLS]
    assert {request.header("x-forwarded-for") for request in running.service.requests} == {"198.51.100.7"}


async def test_owners_routes_of_links_need_a_login(running: RunningGateway) -> None:
    """Making, listing and revoking are the owner's; the bare prefixes lead nowhere."""
    for method, path in (("POST", "/v1/files/7/links"), ("GET", "/v1/files/7/links"), ("GET", "/v1/links")):
        assert (await running.call(method, path)).status == 401
    assert (await running.call("GET", "/l")).status == 404
    assert running.service.requests == []


async def test_guessers_are_limited_by_address(open_gateway: OpenGateway) -> None:
    """Page and API draw on one budget; another address has its own."""
    async with open_gateway(anonymous_per_minute=20) as gateway:
        answers = [await gateway.call(*CALLS[n % len(CALLS)]) for n in range(60)]
        assert {answer.status for answer in answers} == {200, 429}
        assert answers[-1].header("retry-after")
        assert (await gateway.at("203.0.113.9").call("GET", f"/l/{TOKEN}")).status == 200


async def test_a_page_keeps_its_own_policy(running: RunningGateway) -> None:
    """HTML comes through as it is, with what holds for every answer added; its policy is the only one."""

    async def page(_: Request) -> Reply:
        reply = Reply()
        reply.headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'"}
        reply.body = b"<!doctype html><title>x</title>"
        return reply

    running.service.behave = page
    answer = await running.call("GET", f"/l/{TOKEN}")
    assert answer.body == b"<!doctype html><title>x</title>"
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert [value for name, value in answer.headers if name == "content-security-policy"] == ["default-src 'none'"]
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("referrer-policy") == "no-referrer"
    assert answer.header("x-frame-options") == "DENY"


async def test_no_token_of_a_link_can_be_read_from_what_is_kept_for_repeated_calls(
    gateway: Caller, service: FakeService, issuer: Issuer, infra: InfraSettings
) -> None:
    """A new link's answer is kept sealed by the key of its call; what visitors of a link do is not kept at all."""
    keyed = issuer.bearer() | {"idempotency-key": "k1"}
    made = await gateway.call("POST", "/v1/files/7/links", keyed, b"{}")
    for path in (f"/v1/links/{TOKEN}/open", f"/l/{TOKEN}"):
        assert (await gateway.call("POST", path, keyed, b"{}")).status == 200
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    rows = await mongo.database(infra.database_prefix + "gateway")["idempotency_keys"].find().to_list(None)
    mongo.close()
    assert len(rows) == 1
    assert made.body
    assert not [value for value in rows[0].values() if isinstance(value, bytes) and made.body in value]
    assert TOKEN not in str(rows)
    assert len(service.requests) == 3


async def test_tokens_are_not_logged(gateway: Caller, service: FakeService) -> None:
    """The line of each call names its area, not the link, in whatever spelling; nor do errors."""
    lines: list[Any] = []
    gateway.app.state.edge._recorder._access_log = lambda event, **fields: lines.append(fields)

    async def fail(_: Request) -> Reply:
        raise RuntimeError("a bug")

    with structlog.testing.capture_logs() as logs:
        for behave in (service.behave, fail):
            service.behave = behave
            for method, path in (*CALLS, ("GET", f"//l//{TOKEN}"), ("GET", f"/v1//links/{TOKEN}")):
                await gateway.call(method, path)
    assert {line["path"] for line in lines} >= {"/v1/links/-/open", "/l/-", "/l/-/download"}
    assert len(logs) == 8
    assert TOKEN not in repr(lines) + repr([{**entry, "exc_info": ""} for entry in logs])


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/l/abc", "/l/-"),
        ("/l/abc/download", "/l/-/download"),
        ("//v1//links//abc/open", "//v1//links//-/open"),
        ("/V1/Links/abc", "/V1/Links/-"),
        ("/v1/files/abc/links/7", "/v1/files/abc/links/7"),
        ("/login/abc", "/login/abc"),
        ("/l", "/l"),
    ],
)
def test_link_tokens_in_paths_are_not_logged(path: str, logged: str) -> None:
    """All but a link's token."""
    assert loggable_path(path) == logged
