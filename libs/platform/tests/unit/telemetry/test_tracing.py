"""Spans: their service, attributes, and limits for untrusted callers."""

from datetime import timedelta

import pytest
from fastapi import APIRouter
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pymongo import monitoring

from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers, token_source
from docstore_platform.security.service_keys import new_service_key, public_key_of
from docstore_platform.service.app import service_app
from docstore_platform.service.client import LocalTransport, register_local_app
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.metrics import exposition
from docstore_platform.telemetry.mongo_spans import MongoSpans
from docstore_platform.telemetry.tracing import (
    Tracing,
    client_span,
    current_traceparent,
    http_answered,
    http_request,
    is_recorded,
    span,
    use_tracing,
)

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY = new_service_key()


def attributes_of(one: ReadableSpan) -> dict[str, object]:
    return dict(one.attributes or {})


def test_each_service_of_a_process_has_a_resource_of_its_own(spans: InMemorySpanExporter) -> None:
    """A collector groups by `service.name` of the resource, and distinguishes instances."""
    with span("outer", service="upload"), span("inner", service="metadata"):
        pass
    inner, outer = spans.get_finished_spans()
    of_inner, of_outer = dict(inner.resource.attributes), dict(outer.resource.attributes)
    assert (of_inner["service.name"], of_outer["service.name"]) == ("metadata", "upload")
    assert of_inner["service.instance.id"] != of_outer["service.instance.id"]
    assert of_inner["cloud.region"] == "us-west-2"
    assert of_inner["service.version"]
    assert "service.name" not in attributes_of(inner)
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize("sampler", ["always_on", "always_off"])
def test_a_client_cannot_choose_what_is_recorded(flags: str, sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace id goes on; its sampled flag is the operator's choice."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", f"parentbased_{sampler}")
    exporter = InMemorySpanExporter()
    before = use_tracing(Tracing("us-west-2", SimpleSpanProcessor(exporter)))
    try:
        theirs = f"00-{TRACE_ID}-{SPAN_ID}-{flags}"
        with span("GET gateway", service="gateway", kind=SpanKind.SERVER, traceparent=theirs, trusted=False):
            ours = current_traceparent() or ""
    finally:
        use_tracing(before)
    assert ours.split("-")[1] == TRACE_ID
    assert ours.split("-")[2] != SPAN_ID
    assert ours.endswith("-01") is (sampler == "always_on")
    assert len(exporter.get_finished_spans()) == (sampler == "always_on")


@pytest.mark.parametrize("trusted", [True, False])
def test_without_a_collector_ids_are_passed_on_and_nothing_is_recorded(*, trusted: bool) -> None:
    """A trace of another service keeps its flag, a client's does not; no tracer is called."""
    theirs = f"00-{TRACE_ID}-{SPAN_ID}-01"
    with span("GET", service="quota", traceparent=theirs, trusted=trusted) as current:
        ours = (current_traceparent() or "").split("-")
        assert not current.is_recording()
        with client_span("find files", dict) as inner:
            assert inner is current
    assert ours[1] == TRACE_ID
    assert ours[2] != SPAN_ID
    assert ours[3] == ("01" if trusted else "00")
    assert not is_recorded(theirs)


@pytest.mark.parametrize("traceparent", ["", "00-0-0-01", "rubbish", f"00-{'0' * 32}-{SPAN_ID}-01"])
def test_an_invalid_traceparent_starts_a_new_trace(traceparent: str) -> None:
    """No one's ids are taken that are none."""
    with span("GET", service="quota", traceparent=traceparent, trusted=False):
        assert len((current_traceparent() or "").split("-")[1]) == 32


def test_an_error_ends_a_span_as_failed(spans: InMemorySpanExporter) -> None:
    """With its type, as an attribute that can be counted by."""
    with pytest.raises(KeyError), span("work", service="quota"):
        raise KeyError("gone")
    with span("work", service="quota"), client_span("GET", dict) as call:
        http_answered(call, 404)
    failed, refused, caller = spans.get_finished_spans()
    assert (failed.status.status_code, attributes_of(failed)["error.type"]) == (StatusCode.ERROR, "KeyError")
    assert (refused.kind, attributes_of(refused)["error.type"]) == (SpanKind.CLIENT, "404")
    assert caller.status.status_code is StatusCode.UNSET


def test_an_error_of_a_secret_url_is_recorded_by_its_type_alone(spans: InMemorySpanExporter) -> None:
    """Neither as the span's status nor as an event is there a message or a traceback."""
    with (
        span("work", service="notify"),
        pytest.raises(ValueError, match="hidden"),
        client_span("POST", dict, with_messages=False),
    ):
        raise ValueError("https://hooks.example.org/hidden")
    call, _ = spans.get_finished_spans()
    assert (call.status.status_code, attributes_of(call)["error.type"]) == (StatusCode.ERROR, "ValueError")
    assert "hidden" not in call.to_json()


async def test_a_request_is_described_by_the_conventions(spans: InMemorySpanExporter) -> None:
    """Method, route, path, status; 5xx is an error, 4xx is the client's."""
    router = APIRouter(prefix=INTERNAL_PREFIX)

    @router.get("/files/{file_id}", dependencies=[callers("quota")])
    async def file(file_id: str) -> None:
        if file_id == "broken":
            raise RuntimeError("a mistake")

    infra = InfraSettings(service_key=KEY, service_public_keys={"quota": [public_key_of(KEY)]})
    app = service_app("quota", infra, lifespan=lambda _: pytest.fail("not started"), internal=[router], checks={})
    register_local_app("local:traced", app)
    tokens = token_source("quota", "quota", infra)
    assert tokens is not None
    headers = {"authorization": f"Bearer {tokens.token()}"}
    for path in ("/internal/files/f1", "/internal/files/broken", "/internal/nothing"):
        await LocalTransport("local:traced").send("GET", path, headers, b"")
    fine, broken, absent = spans.get_finished_spans()
    assert (fine.name, fine.kind) == ("GET /internal/files/{file_id}", SpanKind.SERVER)
    assert attributes_of(fine) == {
        "http.request.method": "GET",
        "http.route": "/internal/files/{file_id}",
        "http.response.status_code": 200,
        "url.path": "/internal/files/f1",
        "url.scheme": "http",
    }
    assert broken.status.status_code is StatusCode.ERROR
    assert attributes_of(broken)["error.type"] == "RuntimeError"
    assert (absent.name, absent.status.status_code) == ("GET", StatusCode.UNSET)
    assert attributes_of(absent)["http.response.status_code"] == 404
    assert 'docstore_build_info{service="quota"' in exposition()[0].decode()


def test_no_span_contains_a_link_token() -> None:
    """Who reads traces reads no files by them."""
    scope = {"method": "BREW", "path": "/v1/links/secret/content", "scheme": "https"}
    said_of_it = {"http.request.method": "_OTHER", "url.path": "/v1/links/-/content", "url.scheme": "https"}
    assert http_request(scope) == said_of_it


def command(kind: str, reply: dict[str, object], name: str = "find") -> None:
    """What the driver passes to its listeners about one command."""
    listener, where = MongoSpans(), ("db", 27017)
    filter_ = {name: "files", "filter": {"owner": "secret"}}
    listener.started(monitoring.CommandStartedEvent(filter_, "docstore_metadata", 7, where, 7))  # type: ignore[arg-type]
    common = (name, 7, where, 7)
    if kind == "succeeded":
        listener.succeeded(monitoring.CommandSucceededEvent(timedelta(), reply, *common))  # type: ignore[arg-type]
    else:
        listener.failed(monitoring.CommandFailedEvent(timedelta(), reply, *common))  # type: ignore[arg-type]


def test_commands_of_mongodb_are_spans_of_who_sends_them(spans: InMemorySpanExporter) -> None:
    """Their names and where they went, never what was asked for."""
    with span("work", service="metadata"):
        command("succeeded", {"ok": 1})
        command("failed", {"ok": 0, "code": 11000})
    found, failed, _ = spans.get_finished_spans()
    assert (found.name, found.kind) == ("find files", SpanKind.CLIENT)
    assert found.resource.attributes["service.name"] == "metadata"
    assert attributes_of(found) == {
        "db.system.name": "mongodb",
        "db.namespace": "docstore_metadata",
        "db.operation.name": "find",
        "db.collection.name": "files",
        "server.address": "db",
        "server.port": 27017,
    }
    assert failed.status.status_code is StatusCode.ERROR
    assert attributes_of(failed)["db.response.status_code"] == "11000"


def test_nothing_is_made_of_a_command_outside_of_a_recorded_trace(spans: InMemorySpanExporter) -> None:
    """Polling would be most of what is sent."""
    assert not trace.get_current_span().is_recording()
    command("succeeded", {"ok": 1})
    assert spans.get_finished_spans() == ()
