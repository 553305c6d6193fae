"""The client of a cluster: passwords, certificates, and failures that the service understands."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from local_server import served
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from server_certificates import ServerCertificate
from yarl import URL

from docstore_indexer.engines.engine import EngineFailed
from docstore_indexer.engines.opensearch.client import OpenSearchClient, Refused
from docstore_platform.telemetry.tracing import span

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that answers everything by `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with served(web.AppRunner(app), "localhost", tls=tls) as url:
        yield url


async def who(request: web.Request) -> web.Response:
    return web.json_response({"authorization": request.headers.get("authorization")})


async def test_a_password_is_sent_where_there_is_a_user() -> None:
    """As Basic authentication; without a user nothing is sent."""
    async with serving(who) as url:
        for user, sent in (("", None), ("docstore", "Basic ZG9jc3RvcmU6c2VjcmV0")):
            client = OpenSearchClient(url, user, "secret")
            assert await client.call("GET", "/") == {"authorization": sent}
            await client.close()


async def test_a_certificate_must_be_signed_by_the_named_authority(tmp_path: Path) -> None:
    """With its file the server is trusted; without it no request is made."""
    certificate = ServerCertificate(tmp_path, "localhost")
    async with serving(who, certificate.server_context()) as url:
        for file, trusted in ((str(certificate.authority_file), True), ("", False)):
            client = OpenSearchClient(url, ca_file=file)
            if trusted:
                assert await client.call("GET", "/") == {"authorization": None}
            else:
                with pytest.raises(EngineFailed, match="certificate"):
                    await client.call("GET", "/")
            await client.close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, '{"error": {"type": "es_rejected_execution_exception", "reason": "full"}}', "es_rejected"),
        (404, '{"error": "alias [x] missing"}', "error"),
        (502, "<html>bad gateway</html>", "error"),
        (302, "", "error"),
    ],
)
async def test_malformed_responses_are_refused(status: int, body: str, kind: str) -> None:
    """With the cluster's reason, or a proxy's; a redirect is not followed."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"location": "http://elsewhere.invalid/"})

    async with serving(answer) as url:
        client = OpenSearchClient(url)
        with pytest.raises(Refused) as caught:
            await client.call("GET", "/")
        assert caught.value.status == status
        assert caught.value.kind.startswith(kind)
        assert ("error" in await client.call("GET", "/", but={status})) == body.startswith("{")
        await client.close()


async def test_a_call_is_a_span_of_who_searches(spans: InMemorySpanExporter) -> None:
    """A slow or failing node shows in the trace, without what was searched for."""

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({}, status=503)

    async with serving(refuse) as url:
        client = OpenSearchClient(url, "docstore", "secret")
        with span("GET /v1/search", service="indexer"), pytest.raises(Refused):
            await client.call("POST", "/files/_search?preference=ada", {"query": {"match": {"text": "diagnosis"}}})
        await client.close()
    call, _ = spans.get_finished_spans()
    assert (call.name, call.kind) == ("POST", SpanKind.CLIENT)
    assert call.resource.attributes["service.name"] == "indexer"
    assert dict(call.attributes or {}) == {
        "http.request.method": "POST",
        "server.address": "localhost",
        "server.port": URL(url).port,
        "http.response.status_code": 503,
        "error.type": "503",
    }
