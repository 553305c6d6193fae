"""OpenTelemetry traces, propagated as W3C `traceparent` over HTTP, the outbox and Kafka.

Each service of a process has a provider with its own resource; all share one exporter. Without a collector no span is
recorded, and ids are only propagated. Names and attributes follow the stable semantic conventions.
"""

import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope
from yarl import URL

from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.logs import loggable_path

VERSION = version("docstore-platform")
Attributes = Mapping[str, str | int]
_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
_W3C = TraceContextTextMapPropagator()


class Tracing:
    """The tracers of one process, by service. Records nothing without a processor."""

    def __init__(self, region: str = "", processor: SpanProcessor | None = None) -> None:
        self._region = region
        self._processor = processor
        self._providers: dict[str, TracerProvider] = {}
        self.records = processor is not None

    def tracer(self, service: str) -> trace.Tracer:
        return self._provider(service).get_tracer("docstore", VERSION)

    def begins_recorded(self, service: str, name: str) -> bool:
        """Whether a new trace is recorded, by `OTEL_TRACES_SAMPLER`."""
        sampler = self._provider(service).sampler
        return sampler.should_sample(Context(), random.getrandbits(128), name).decision == Decision.RECORD_AND_SAMPLE

    def _provider(self, service: str) -> TracerProvider:
        provider = self._providers.get(service)
        if provider is None:
            resource = Resource.create(
                {
                    "service.namespace": "docstore",
                    "service.name": service,
                    "service.version": VERSION,
                    "service.instance.id": str(uuid.uuid4()),
                    "cloud.region": self._region,
                }
            )
            provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            if self._processor is not None:
                provider.add_span_processor(self._processor)
            self._providers[service] = provider
        return provider

    def shutdown(self) -> None:
        """Send pending spans."""
        if self._processor is not None:
            self._processor.shutdown()


_tracing = Tracing()


def use_tracing(tracing: Tracing) -> Tracing:
    """Record every span of this process with `tracing`; return the previous one."""
    global _tracing
    before, _tracing = _tracing, tracing
    return before


def configure_tracing(settings: InfraSettings) -> Tracing:
    """Send spans to the collector in the settings; without one, only propagate ids."""
    processor = None
    if settings.otlp_endpoint:
        # Imported here: most processes send no spans, and all would start later.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        processor = BatchSpanProcessor(OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"))
    tracing = Tracing(settings.region, processor)
    use_tracing(tracing)
    return tracing


def is_tracing() -> bool:
    """Whether this process sends spans."""
    return _tracing.records


def traceparent_of(span: Span) -> str | None:
    """Return the `traceparent` to continue `span` elsewhere."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def is_recorded(traceparent: str | None) -> bool:
    """Whether the trace is recorded: the sampled flag of the W3C trace context."""
    return _tracing.records and traceparent is not None and traceparent.endswith("-01")


def current_traceparent() -> str | None:
    """Return the `traceparent` of the current work, to be stored or sent."""
    return traceparent_of(trace.get_current_span())


def start_span(
    name: str,
    *,
    service: str,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    trusted: bool = True,
    attributes: Attributes | None = None,
    links: Sequence[str] = (),
) -> Span:
    """Start a span that the caller ends; with `traceparent` it continues that trace instead of the current one.

    `links`: other related contexts, as `traceparent`. Of an untrusted `traceparent` only the ids are used: a client
    does not decide whether its trace is recorded.
    """
    parent = _parent(traceparent)
    if not _tracing.records:
        return _unrecorded(parent, trusted=trusted)
    if traceparent is not None and parent.is_valid and not trusted:
        flags = TraceFlags.SAMPLED if _tracing.begins_recorded(service, name) else TraceFlags.DEFAULT
        parent = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=TraceFlags(flags))
    context = trace.set_span_in_context(NonRecordingSpan(parent), Context()) if traceparent is not None else None
    related = [Link(_parent(link)) for link in links]
    return _tracing.tracer(service).start_span(name, context=context, kind=kind, attributes=attributes, links=related)


@contextmanager
def span(
    name: str,
    *,
    service: str,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    trusted: bool = True,
    attributes: Attributes | None = None,
    links: Sequence[str] = (),
    with_messages: bool = True,
) -> Iterator[Span]:
    """A current span, as `start_span` creates it. An exception ends it as failed.

    `with_messages`: the exception's message and traceback are recorded, too, and not its type alone.
    """
    started = start_span(
        name, service=service, kind=kind, traceparent=traceparent, trusted=trusted, attributes=attributes, links=links
    )
    with trace.use_span(
        started, end_on_exit=True, record_exception=with_messages, set_status_on_exception=with_messages
    ):
        try:
            yield started
        except Exception as error:  # whatever failed, the span records it and the caller gets it
            failed(started, error)
            raise


@contextmanager
def client_span(name: str, attributes: Callable[[], Attributes], *, with_messages: bool = True) -> Iterator[Span]:
    """A span around a call of another server, in the calling service's name.

    Without a recorded trace there is none, and the attributes are not computed. An exception's message may contain
    the URL: pass `with_messages=False` where that is a secret.
    """
    current = trace.get_current_span()
    if not current.is_recording():
        yield current
        return
    with span(
        name,
        service=service_of(current),
        kind=SpanKind.CLIENT,
        attributes=attributes(),
        with_messages=with_messages,
    ) as started:
        yield started


def service_of(recorded: Span) -> str:
    """Return the service of a recorded span."""
    assert isinstance(recorded, ReadableSpan)
    return str(recorded.resource.attributes["service.name"])


def failed(ended: Span, error: BaseException | str) -> None:
    """Mark a span as failed, by an exception or by an error code."""
    if ended.is_recording():
        kind = error if isinstance(error, str) else type(error).__qualname__
        ended.set_attribute("error.type", kind)
        ended.set_status(StatusCode.ERROR)


def http_call(method: str, address: URL) -> Attributes:
    """Attributes of a client span."""
    found: dict[str, str | int] = {"http.request.method": _method(method), "server.address": address.host or ""}
    return found | ({"server.port": address.port} if address.port else {})


def http_request(scope: Scope) -> Attributes:
    """Attributes of a server span at its start."""
    return {
        "http.request.method": _method(scope["method"]),
        "url.path": loggable_path(scope["path"]),
        "url.scheme": scope.get("scheme", "http"),
    }


def _method(method: str) -> str:
    return method if method in _METHODS else "_OTHER"


def http_served(ended: Span, method: str, route: str | None, status: int) -> None:
    """Attributes of a server span at its end, when route and status are known."""
    if ended.is_recording():
        known = _method(method)
        ended.update_name(" ".join(("HTTP" if known == "_OTHER" else known, *([route] if route else []))))
        if route:
            ended.set_attribute("http.route", route)
        ended.set_attribute("http.response.status_code", status)
        if status >= 500:
            failed(ended, str(status))


def http_answered(ended: Span, status: int) -> None:
    """Attributes of a client span at its end: any error status is an error for the caller."""
    if ended.is_recording():
        ended.set_attribute("http.response.status_code", status)
        if status >= 400:
            failed(ended, str(status))


def _parent(traceparent: str | None) -> SpanContext:
    if traceparent is None:
        return trace.get_current_span().get_span_context()
    return trace.get_current_span(_W3C.extract({"traceparent": traceparent}, Context())).get_span_context()


def _unrecorded(parent: SpanContext, *, trusted: bool) -> Span:
    """A span with ids only, without a tracer."""
    trace_id = parent.trace_id if parent.is_valid else random.getrandbits(128)
    flags = parent.trace_flags if parent.is_valid and trusted else TraceFlags(TraceFlags.DEFAULT)
    return NonRecordingSpan(SpanContext(trace_id, random.getrandbits(64), is_remote=False, trace_flags=flags))
