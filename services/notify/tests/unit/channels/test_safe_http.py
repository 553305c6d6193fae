"""Spans of calls to addresses that users enter."""

import asyncio
from ipaddress import ip_network

import aiohttp
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from webhook_receivers import Receiver, Reply

from docstore_notify.channels.safe_http.client import SafeHttp
from docstore_platform.telemetry.tracing import span

LOOPBACK = [ip_network("127.0.0.0/8")]
SECRET = "T024-hidden"
BODY = b'{"items": []}'


async def post(url: str) -> None:
    """Send as the worker of deliveries does, in a span of its own."""
    http = SafeHttp(LOOPBACK, 5.0)
    try:
        with span("notify file_changed", service="notify"):
            await http.post(url, BODY, {})
    finally:
        await http.close()


def call_of(spans: InMemorySpanExporter) -> ReadableSpan:
    """The only span of a call."""
    [call] = [each for each in spans.get_finished_spans() if each.kind is SpanKind.CLIENT]
    return call


async def test_a_call_is_a_span_with_its_host_and_its_status(spans: InMemorySpanExporter) -> None:
    """A trace shows which receiver was slow or failed, without the path and the query of its URL."""
    async with Receiver(Reply(503)).running() as receiver:
        await post(f"http://127.0.0.1:{receiver.port}/{SECRET}?key={SECRET}")
    call = call_of(spans)
    assert call.name == "POST"
    assert call.resource.attributes["service.name"] == "notify"
    assert dict(call.attributes or {}) == {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": receiver.port,
        "http.response.status_code": 503,
        "error.type": "503",
    }
    assert SECRET not in call.to_json()


async def test_a_failed_call_does_not_reveal_its_url(spans: InMemorySpanExporter) -> None:
    """The message of aiohttp's error contains the URL; the span has the error's type only."""

    async def talk_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(BODY)
        writer.write(b"nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk_nonsense, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(aiohttp.ClientResponseError, match=SECRET):
            await post(f"http://127.0.0.1:{port}/{SECRET}")
    call = call_of(spans)
    assert call.status.status_code is StatusCode.ERROR
    assert dict(call.attributes or {})["error.type"] == "ClientResponseError"
    assert SECRET not in call.to_json()


async def test_an_invalid_url_is_one_in_a_trace_too(spans: InMemorySpanExporter) -> None:
    """Channels refuse it by the class of the error."""
    with pytest.raises(aiohttp.InvalidURL):
        await post("http://[::1/")
    assert [each.kind for each in spans.get_finished_spans()] == [SpanKind.INTERNAL]
