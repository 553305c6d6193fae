"""A call's way through the gateway: login, path, headers, size, errors."""

import asyncio
from typing import Any

import pytest
from gateway_calls import FakeService, Issuer, OpenGateway, Reply, Request, RunningGateway

from docstore_contracts.replication import CLAIMS_PATH
from docstore_platform.http.problems import Problem

pytestmark = pytest.mark.connected


async def test_a_call_reaches_its_service_as_it_was_sent(running: RunningGateway) -> None:
    """Method, path, query, body and login arrive unchanged, with who called added."""
    headers = running.issuer.bearer() | {"x-request-id": "r-1", "if-match": '"7"'}
    answer = await running.call("PATCH", "/v1/files/7%20a?x=1&y=%2F", headers, b'{"name":"b"}')
    assert answer.status == 200
    assert answer.json() == {"ok": True}
    [request] = running.service.requests
    assert (request.method, request.path, request.query) == ("PATCH", "/v1/files/7 a", "x=1&y=%2F")
    assert request.body == b'{"name":"b"}'
    assert request.header("authorization") == headers["authorization"]
    assert request.header("if-match") == '"7"'
    assert request.header("x-request-id") == "r-1"
    assert request.header("x-forwarded-for") == "198.51.100.7"


async def test_a_client_cant_speak_for_the_gateway(running: RunningGateway) -> None:
    """The address that it claims is not passed on, only the one of its connection."""
    forged = {
        "x-forwarded-for": "1.2.3.4",
        "x-real-ip": "1.2.3.4",
        "forwarded": "for=1.2.3.4",
        "x-request-id": "bad id",
    }
    answer = await running.call("GET", "/v1/files", running.issuer.bearer() | forged)
    [request] = running.service.requests
    assert [value for name, value in request.headers if "forwarded" in name or "ip" in name] == ["198.51.100.7"]
    assert request.header("x-request-id") == answer.header("x-request-id") != "bad id"


@pytest.mark.parametrize("claims", [{"seconds": -60}, {"aud": "other"}, {"iss": "other"}])
async def test_a_token_that_is_not_valid_is_refused_at_once(running: RunningGateway, claims: dict[str, Any]) -> None:
    """Expired or foreign: 401, and no service is bothered."""
    answer = await running.call("GET", "/v1/files", running.issuer.bearer(**claims))
    assert answer.status == 401
    assert answer.json()["code"] == "unauthorized"
    assert answer.header("www-authenticate")
    assert running.service.requests == []


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer x.y.z", "Basic YTpi"])
async def test_without_a_token_there_is_no_answer(running: RunningGateway, authorization: str | None) -> None:
    """Everything but the way in needs a login."""
    headers = {"authorization": authorization} if authorization else {}
    answer = await running.call("GET", "/v1/files", headers)
    assert answer.status == 401
    assert running.service.requests == []


async def test_the_way_in_needs_no_login(running: RunningGateway) -> None:
    """A client with an outdated token in all its headers can still refresh it."""
    for method, path in [
        ("POST", "/v1/accounts"),
        ("POST", "/v1/sessions"),
        ("POST", "/v1/sessions/refresh"),
        ("GET", "/v1/uploads/7/redirect?etag=1"),
    ]:
        assert (await running.call(method, path, {"authorization": "Bearer outdated"})).status == 200
    assert len(running.service.requests) == 4


@pytest.mark.parametrize(
    "path",
    [
        "/internal/keys",
        "/internal/openapi.json",
        "/%69nternal/openapi.json",
        "//internal/keys",
        "/v1/../internal/keys",
        "/v1/files/..%2f..%2finternal%2fkeys",
        "/v1/files/%2e%2e/%2e%2e/internal/keys",
        "/%76%31/files",
        "/v1/unknown",
        "/v1",
        "/nothing",
    ],
)
async def test_nothing_outside_the_public_api_is_reached(running: RunningGateway, path: str) -> None:
    """Internal routes and path tricks are 404 problems, and no service sees them."""
    answer = await running.call("GET", path, running.issuer.bearer())
    assert answer.status == 404
    assert answer.json()["code"] == "not_found"
    assert answer.header("content-type") == "application/problem+json"
    assert running.service.requests == []


async def test_another_region_reaches_its_routes_and_nothing_else(running: RunningGateway) -> None:
    """A peer's signed call gets to accounts as it was sent; by another method, or near it, it is 404."""
    signed = {"x-docstore-region": "eu-north-1", "x-docstore-time": "1", "x-docstore-signature": "ab"}
    for name in ("accounts", "claims", "sign-ups", "password-resets"):
        answer = await running.call("POST", f"/internal/replication/{name}", signed, b'{"some": "thing"}')
        assert answer.status == 200
        request = running.service.requests[-1]
        assert (request.path, request.body) == (f"/internal/replication/{name}", b'{"some": "thing"}')
        assert {key: request.header(key) for key in signed} == signed
    for method, path in [
        ("GET", "/internal/replication/accounts"),
        ("POST", "/internal/replication"),
        ("POST", "/internal/replication/accounts/"),
        ("POST", "/internal/replication/accounts/../../keys"),
        ("POST", "/internal/replication%2faccounts"),
        ("POST", "//internal/replication/accounts"),
    ]:
        assert (await running.call(method, path, signed)).status == 404, path
    assert len(running.service.requests) == 4


async def test_without_peers_strangers_send_no_bodies_to_accounts(
    open_gateway: OpenGateway, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first 404 of accounts is that of the gateway for a minute; then accounts is asked again."""
    service.behave = lambda _: asyncio.sleep(0, Reply(404))
    async with open_gateway() as gateway:
        for forwarded in (1, 1):
            assert (await gateway.call("POST", CLAIMS_PATH, {}, b"[]")).status == 404
            assert len(service.requests) == forwarded
    monkeypatch.setattr("docstore_gateway.edge.service.NO_PEERS_SECONDS", 0.0)
    async with open_gateway() as gateway:
        for forwarded in (2, 3):
            assert (await gateway.call("POST", CLAIMS_PATH, {}, b"[]")).status == 404
            assert len(service.requests) == forwarded


async def test_a_doubled_slash_is_forgiven(running: RunningGateway) -> None:
    """A base address that ends in a slash still works."""
    assert (await running.call("GET", "//v1/files/", running.issuer.bearer())).status == 200
    assert running.service.requests[0].path == "/v1/files"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(
    open_gateway: OpenGateway, service: FakeService, issuer: Issuer, chunked: bool
) -> None:
    """413 whether the length was announced or not; the service sees nothing."""
    async with open_gateway(max_body_bytes=2048) as gateway:
        body: Any = [b"x" * 1024] * 3 if chunked else b"x" * 3072
        answer = await gateway.call("POST", "/v1/folders", issuer.bearer(), body)
    assert answer.status == 413
    assert answer.json()["code"] == "too_large"
    assert service.requests == []


async def test_a_body_in_chunks_arrives_whole(running: RunningGateway) -> None:
    """A client that does not announce the length is served too."""
    assert (await running.call("POST", "/v1/folders", running.issuer.bearer(), [b'{"path"', b':"/a"}'])).status == 200
    assert running.service.requests[0].body == b'{"path":"/a"}'
    assert running.service.requests[0].header("content-length") == "13"


async def test_an_unknown_method_is_refused(running: RunningGateway) -> None:
    """405 with what there is."""
    answer = await running.call("BREW", "/v1/files", running.issuer.bearer())
    assert answer.status == 405
    assert "GET" in answer.header("allow")


async def test_every_answer_carries_the_security_headers(running: RunningGateway) -> None:
    """Pages, calls and errors alike; answers of the API may do nothing in a browser."""
    for path in ("/v1/files", "/v1/unknown", "/", "/healthz"):
        answer = await running.call("GET", path, running.issuer.bearer())
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == ("same-origin" if path == "/" else "no-referrer")
        assert answer.header("x-frame-options") == "DENY"
        assert answer.header("x-request-id")
    answer = await running.call("GET", "/v1/files", running.issuer.bearer())
    assert "sandbox" in answer.header("content-security-policy")


async def test_a_service_that_fails_answers_as_a_problem(running: RunningGateway) -> None:
    """An exception out of an app in this process is a 500 with a request id, not a dropped connection."""

    async def fail(_: Request) -> Reply:
        raise RuntimeError("broken")

    running.service.behave = fail
    answer = await running.call("GET", "/v1/files", running.issuer.bearer())
    assert answer.status == 500
    assert answer.json()["code"] == "internal_error"
    assert "broken" not in answer.body.decode()


async def test_a_service_that_has_not_started_is_unavailable(open_gateway: OpenGateway, issuer: Issuer) -> None:
    """503 and when to try again; the keys come from accounts, which is there."""
    async with open_gateway(urls={"quota": "local:not-there"}) as gateway:
        answer = await gateway.call("GET", "/v1/admin/overview", issuer.bearer(role="admin"))
    assert answer.status == 503
    assert answer.header("retry-after") == "1"


async def test_a_refusal_of_a_service_is_passed_on(running: RunningGateway) -> None:
    """The services' problems reach the client as they are."""

    async def refuse(_: Request) -> Reply:
        raise Problem(507, "over_quota", "No room.")

    running.service.behave = refuse
    answer = await running.call("POST", "/v1/uploads", running.issuer.bearer(), b"{}")
    assert (answer.status, answer.json()["code"]) == (507, "over_quota")


async def test_other_origins_need_permission(open_gateway: OpenGateway, issuer: Issuer) -> None:
    """A web page elsewhere may read answers only where the operator allowed its origin; cookies never count."""
    preflight = {"access-control-request-method": "PATCH"}
    async with open_gateway(cors_origins=("https://app.example",)) as gateway:
        friend, outsider = {"origin": "https://app.example"}, {"origin": "https://evil.example"}
        answer = await gateway.call("OPTIONS", "/v1/files", friend | preflight)
        assert answer.status == 204
        assert answer.header("access-control-allow-origin") == "https://app.example"
        assert "Idempotency-Key" in answer.header("access-control-allow-headers")
        answer = await gateway.call("GET", "/v1/files", friend | issuer.bearer())
        assert answer.header("access-control-allow-origin") == "https://app.example"
        assert answer.header("access-control-allow-credentials") is None
        for method, more in (("OPTIONS", preflight), ("GET", issuer.bearer())):
            answer = await gateway.call(method, "/v1/files", outsider | more)
            assert answer.header("access-control-allow-origin") is None


async def test_calls_do_not_wait_for_each_other(running: RunningGateway) -> None:
    """A slow call holds up no one else."""
    release = asyncio.Event()

    async def slow_for_one(request: Request) -> Reply:
        if request.path == "/v1/files/slow":
            await release.wait()
        return Reply()

    running.service.behave = slow_for_one
    slow = asyncio.create_task(running.call("GET", "/v1/files/slow", running.issuer.bearer()))
    assert (await running.call("GET", "/v1/files/quick", running.issuer.bearer())).status == 200
    assert not slow.done()
    release.set()
    assert (await slow).status == 200


async def test_private_responses_are_not_cached(running: RunningGateway) -> None:
    """What has an ETag may be kept by the caller's own browser and is asked for again; a service's own word holds."""

    async def behave(request: Request) -> Reply:
        reply = Reply()
        if request.path == "/v1/files":
            reply.headers["etag"] = '"1"'
        if request.path == "/v1/trash":
            reply.headers["cache-control"] = "private, max-age=5"
        return reply

    running.service.behave = behave
    private_answers = [
        await running.call("GET", path, running.issuer.bearer()) for path in ("/v1/me", "/v1/files", "/v1/trash")
    ]
    refused = await running.call("GET", "/v1/me")
    assert [answer.header("cache-control") for answer in (*private_answers, refused)] == [
        "no-store",
        "private, no-cache",
        "private, max-age=5",
        "no-store",
    ]


async def test_every_answer_contains_the_rest_of_the_limit(open_gateway: OpenGateway, issuer: Issuer) -> None:
    """As the IETF's draft has it: the policy, and how much of it is left. A refusal before any limit costs nothing."""
    cookie, bearer = {"cookie": f"docstore_access={issuer.token('ann')}"}, issuer.bearer()
    refused = {"/v1/files": 401, "/dav/": 401, "/mcp": 401, "/v1/unknown": 404, "/internal/keys": 404}
    async with open_gateway(account_per_minute=100) as gateway:
        answers = [await gateway.call("GET", "/v1/files", bearer) for _ in range(3)]
        answers.append(await gateway.call("POST", "/v1/folders", cookie, b"{}"))
        refusals = [await gateway.call("GET", path) for path in refused]
        refusals.append(await gateway.call("BREW", "/v1/files", bearer))
    assert [answer.status for answer in answers] == [200, 200, 200, 403]
    assert {answer.header("ratelimit-policy") for answer in answers} == {'"account";q=100;w=60'}
    left = [int(answer.header("ratelimit").split(";r=")[1].split(";")[0]) for answer in answers]
    assert left == sorted(left, reverse=True)
    assert left[0] == 99
    assert [answer.status for answer in refusals] == [*refused.values(), 405]
    assert {answer.header("ratelimit-policy") for answer in refusals} == {'"anonymous";q=300;w=60'}
    assert {answer.header("ratelimit") for answer in refusals} == {'"anonymous";r=300;t=0'}


async def test_a_page_elsewhere_may_use_links_and_ranges(open_gateway: OpenGateway) -> None:
    """The grant of a link with a password goes out, the names of ranges and files come in."""
    async with open_gateway(cors_origins=("https://app.example",)) as gateway:
        requested = {"origin": "https://app.example", "access-control-request-method": "GET"}
        preflight = await gateway.call("OPTIONS", "/v1/links/t", requested)
        answer = await gateway.call("GET", "/v1/links/t", {"origin": "https://app.example"})
    assert "X-Link-Grant" in preflight.header("access-control-allow-headers")
    exposed = answer.header("access-control-expose-headers").split(", ")
    assert {"Content-Range", "Content-Disposition", "RateLimit", "RateLimit-Policy"} <= set(exposed)
