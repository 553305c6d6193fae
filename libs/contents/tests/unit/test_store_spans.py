"""Spans of calls to the object store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from local_server import served
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from yarl import URL

from docstore_contents.s3.presigned import S3Config
from docstore_contents.s3.transport import ObjectNotFound, ObjectStoreError, S3Transport
from docstore_platform.clock import utc_now
from docstore_platform.telemetry.tracing import span

KEY = "accounts/ada/hidden/content"
REFUSAL = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>"


@asynccontextmanager
async def transport_to(status: int, text: str = "") -> AsyncIterator[tuple[S3Transport, dict[str, object]]]:
    """A transport to a store with one response to everything, and the attributes that name the store."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(web.AppRunner(app)) as url:
        transport = S3Transport(S3Config(url, url, "eu-north-1", "id", "key", "contents"), utc_now)
        transport.open()
        try:
            address = {"server.address": "127.0.0.1", "server.port": URL(url).port}
            yield transport, {"rpc.system": "aws-api", "cloud.region": "eu-north-1", **address}
        finally:
            await transport.close()


def call_of(spans: InMemorySpanExporter) -> ReadableSpan:
    """The span of the call, inside that of who sends it."""
    call, outer = spans.get_finished_spans()
    assert call.kind is SpanKind.CLIENT
    assert call.parent is not None
    assert call.parent.span_id == outer.context.span_id
    assert call.resource.attributes["service.name"] == "upload"
    return call


async def test_a_request_for_an_object_is_a_span_without_its_key(spans: InMemorySpanExporter) -> None:
    """It has the operation by S3's name, the bucket, and where the store is."""
    async with transport_to(200) as (transport, store):
        with span("work", service="upload"):
            await transport.request("PUT", KEY, body=b"x")
    call = call_of(spans)
    assert call.name == "S3/PutObject"
    assert call.status.status_code is StatusCode.UNSET
    assert dict(call.attributes or {}) == {**store, "rpc.method": "S3/PutObject", "aws.s3.bucket": "contents"}
    assert "hidden" not in call.to_json()


async def test_a_call_by_boto3_is_a_span(spans: InMemorySpanExporter) -> None:
    """Its thread is waited for within the span."""
    async with transport_to(200) as (transport, store):
        with span("work", service="upload"):
            await transport.call("delete_object", Key=KEY)
    call = call_of(spans)
    assert call.name == "S3/DeleteObject"
    assert dict(call.attributes or {}) == {**store, "rpc.method": "S3/DeleteObject", "aws.s3.bucket": "contents"}
    assert "hidden" not in call.to_json()


async def test_a_call_of_sts_names_no_bucket(spans: InMemorySpanExporter) -> None:
    """Credentials are for more than one; a refusal ends the span as failed, with the class of the error."""
    async with transport_to(403, REFUSAL) as (transport, store):
        with span("work", service="upload"), pytest.raises(ObjectStoreError):
            await transport.call("get_caller_identity", service="sts")
    call = call_of(spans)
    expected = {**store, "rpc.method": "STS/GetCallerIdentity", "error.type": "ObjectStoreError"}
    assert (call.name, dict(call.attributes or {})) == ("STS/GetCallerIdentity", expected)
    assert call.status.status_code is StatusCode.ERROR


async def test_a_missing_object_ends_a_span_as_failed(spans: InMemorySpanExporter) -> None:
    """With the class of the error, as an attribute that can be counted by."""
    async with transport_to(404) as (transport, _):
        with span("work", service="upload"), pytest.raises(ObjectNotFound):
            await transport.request("GET", KEY)
    call = call_of(spans)
    assert call.name == "S3/GetObject"
    assert dict(call.attributes or {})["error.type"] == "ObjectNotFound"
    assert call.status.status_code is StatusCode.ERROR
