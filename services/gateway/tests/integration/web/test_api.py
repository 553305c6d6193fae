"""The gateway's own routes: pages, health, metrics, dead letters."""

import re
from datetime import datetime

import jwt
import orjson
import pytest
from gateway_calls import Caller, FakeService, Issuer, OpenGateway, Reply, Request, RunningGateway

from docstore_platform.clock import utc_now
from docstore_platform.services import INTERNAL_SERVICES, SERVICE_NAMES
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected

LETTER = {
    "id": "7",
    "service": "quota",
    "topic": "files",
    "key": "1",
    "position": "files:0:7",
    "type": "file-created",
    "reason": "failed",
    "error": "KeyError('size')",
    "at": "2026-11-22T08:00:00Z",
    "value": "{}",
}
"""As in the response of a service."""


async def test_the_pages_need_nothing_from_elsewhere(running: RunningGateway) -> None:
    """Landing page, documentation and all they load come from here, and the policy allows no more."""
    for page in ("/", "/docs"):
        answer = await running.call("GET", page)
        assert answer.status == 200
        assert "default-src 'none'" in answer.header("content-security-policy")
        text = answer.body.decode()
        assert "http://" not in text
        assert "https://" not in text
        for link in re.findall(r'(?:src|href)="(/[^"]*)"', text):
            assert (await running.call("GET", link)).status in (200, 303, 503), link
    assert (await running.call("GET", "/docs/assets/secret.txt")).status == 404


async def test_the_api_describes_itself(running: RunningGateway) -> None:
    """/openapi.json is the committed document, with an ETag so that it is fetched once."""
    answer = await running.call("GET", "/openapi.json")
    assert answer.json()["info"]["title"] == "DocStore"
    again = await running.call("GET", "/openapi.json", {"if-none-match": answer.header("etag")})
    assert (again.status, again.body) == (304, b"")


async def test_ready_means_that_every_service_is(gateway: Caller, service: FakeService) -> None:
    """/healthz is about this process; /readyz about all parts, each named to operators when it fails."""
    service.ready = False
    assert (await gateway.call("GET", "/healthz")).status == 200
    answer = await gateway.call("GET", "/readyz")
    assert (answer.status, answer.json()) == (503, {"status": "unavailable"})
    readiness_answer = await gateway.at_operators_port().call("GET", "/readyz")
    assert readiness_answer.status == 503
    assert set(readiness_answer.json()["failed"]) == set(SERVICE_NAMES) - {"gateway"}


async def test_the_public_port_reveals_nothing(running: RunningGateway) -> None:
    """No metrics there, and nothing but metrics and health at the operators' port."""
    assert (await running.call("GET", "/metrics")).status == 404
    assert (await running.at_operators_port().call("GET", "/metrics")).status == 200
    for path in ("/", "/docs", "/v1/me", "/internal/keys", "/openapi.json"):
        assert (await running.at_operators_port().call("GET", path)).status == 404


async def test_operators_read_the_internal_apis_of_all_services(running: RunningGateway) -> None:
    """A page at their port alone, with the document of each service as that service serves it."""
    operators = running.at_operators_port()
    page = await operators.call("GET", "/internal/docs")
    assert (page.status, b"/internal/docs/start.js" in page.body) == (200, True)
    script = (await operators.call("GET", "/internal/docs/start.js")).body.decode()
    assert "SERVICES" not in script
    assert all(f'"{name}"' in script for name in INTERNAL_SERVICES)
    document = await operators.call("GET", "/internal/docs/metadata.json")
    assert (document.status, running.service.requests[-1].path) == (200, "/internal/openapi.json")
    for path in ("/internal/docs", "/internal/docs/start.js", "/internal/docs/metadata.json", "/internal/openapi.json"):
        assert (await running.call("GET", path)).status == 404


async def test_ready_when_all_parts_are(gateway: Caller) -> None:
    """200 with nothing failed."""
    answer = await gateway.call("GET", "/readyz")
    assert answer.json() == {"status": "ok"}


async def test_calls_are_counted_by_area(running: RunningGateway) -> None:
    """The metric names method, area and status, never an id: its series stay few."""
    await running.call("GET", "/v1/files/0192aa", running.issuer.bearer())
    text = (await running.at_operators_port().call("GET", "/metrics")).body.decode()
    labels = 'method="GET",route="/v1/files",service="gateway",status="200"'
    assert f"docstore_http_request_seconds_count{{{labels}}}" in text
    assert "0192aa" not in text


async def test_dead_letters_are_for_operators(running: RunningGateway) -> None:
    """Without a login 401, as a user 403, and no service is asked."""
    assert (await running.call("GET", "/v1/admin/dead-letters")).status == 401
    for method, path in (
        ("GET", "/v1/admin/dead-letters"),
        ("POST", "/v1/admin/dead-letters/quota:7/replay"),
        ("DELETE", "/v1/admin/dead-letters/quota:7"),
        ("POST", "/v1/admin/events/republish"),
    ):
        assert (await running.call(method, path, running.issuer.bearer())).status == 403
    assert running.service.requests == []


async def test_an_operator_lists_and_replays(
    gateway: Caller, service: FakeService, issuer: Issuer, infra: InfraSettings
) -> None:
    """All services' letters in one list; a replay goes to the letter's own service with the internal secret."""

    async def letters(request: Request) -> Reply:
        reply = Reply()
        found = {"items": [LETTER]}
        reply.body = orjson.dumps({"replayed": 1, "error": None} if request.method == "POST" else found)
        return reply

    service.behave = letters
    admin = issuer.bearer(role="admin")
    page = (await gateway.call("GET", "/v1/admin/dead-letters?limit=5", admin)).json()
    first = ["accounts:7", "analytics:7", "indexer:7", "media:7", "metadata:7"]
    assert [letter["id"] for letter in page["items"]] == first
    rest = (await gateway.call("GET", f"/v1/admin/dead-letters?limit=5&cursor={page['next_cursor']}", admin)).json()
    assert rest["items"][-1]["id"] == "upload:7"
    assert rest["next_cursor"] is None
    answer = await gateway.call("POST", "/v1/admin/dead-letters/quota:7/replay", admin)
    assert answer.json() == {"replayed": 1, "error": None}
    assert service.requests[-1].path == "/internal/dead-letters/7/replay"
    token = service.requests[-1].header("authorization").removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == ("gateway", "quota")
    assert (await gateway.call("DELETE", "/v1/admin/dead-letters/quota:7", admin)).status == 204
    assert (service.requests[-1].method, service.requests[-1].path) == ("DELETE", "/internal/dead-letters/7")


async def test_reports_of_vulnerabilities_have_an_address(open_gateway: OpenGateway) -> None:
    """RFC 9116: a contact, and until when it holds; nothing where the operator names none."""
    async with open_gateway(security_contact="mailto:security@example.org") as gateway:
        answer = await gateway.call("GET", "/.well-known/security.txt")
    assert (answer.status, answer.header("content-type")) == (200, "text/plain; charset=utf-8")
    fields = dict(line.split(": ", 1) for line in answer.body.decode().splitlines())
    assert fields["Contact"] == "mailto:security@example.org"
    assert datetime.fromisoformat(fields["Expires"]) > utc_now()
    async with open_gateway() as gateway:
        assert (await gateway.call("GET", "/.well-known/security.txt")).status == 404
