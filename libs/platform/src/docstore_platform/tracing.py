"""OpenTelemetry traces, passed on as W3C `traceparent` over HTTP and through the outbox and Kafka."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import Span, SpanKind

from docstore_platform.settings import InfraSettings

tracer = trace.get_tracer("docstore")


def configure_tracing(settings: InfraSettings) -> TracerProvider:
    """Send spans to the collector of the settings; without one, only make and pass on the ids."""
    resource = Resource.create({"service.namespace": "docstore", "deployment.region": settings.region})
    if settings.otlp_endpoint:
        provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    else:
        provider = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_OFF))
    trace.set_tracer_provider(provider)
    return provider


def traceparent_of(span: Span) -> str | None:
    """The `traceparent` by which work elsewhere continues under `span`."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def is_recorded(traceparent: str | None) -> bool:
    """Whether the trace is being collected: the sampled flag of the W3C trace context."""
    return traceparent is not None and traceparent.endswith("-01")


def current_traceparent() -> str | None:
    """The `traceparent` of the work being done now, to be stored or sent."""
    return traceparent_of(trace.get_current_span())


@contextmanager
def span(
    name: str,
    *,
    service: str,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[Span]:
    """A span that is current inside; with `traceparent` it continues that trace instead of the current one."""
    parent = propagate.extract({"traceparent": traceparent}) if traceparent else otel_context.get_current()
    with tracer.start_as_current_span(
        name, context=parent, kind=kind, attributes={"service.name": service, **(attributes or {})}
    ) as current:
        yield current
