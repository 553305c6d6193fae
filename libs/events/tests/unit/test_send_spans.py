"""Spans of the relay's sending, and none without a recorded trace."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from docstore_events.outbox.send_spans import send_span
from docstore_platform.telemetry.tracing import Tracing, use_tracing

FILES = TopicPartition("files", 1)
FIRST, SECOND = (f"00-{letter * 32}-{letter * 16}-01" for letter in "ab")
UNSAMPLED = f"00-{'c' * 32}-{'c' * 16}-00"


def row(traceparent: str | None) -> dict[str, Any]:
    """An outbox row of an event published in that context."""
    headers = [["ce_id", b"1"], *([["traceparent", traceparent.encode()]] if traceparent else [])]
    return {"headers": headers}


def send(*traceparents: str | None) -> None:
    with send_span("metadata", "relay", FILES, [row(traceparent) for traceparent in traceparents]):
        pass


def test_a_batch_is_one_producer_span_in_the_first_trace_with_links_to_all(spans: InMemorySpanExporter) -> None:
    """Each publishing context leads to the span that sent its event, whatever else the batch had."""
    send(None, UNSAMPLED, FIRST, SECOND, FIRST)
    [span] = spans.get_finished_spans()
    assert (span.name, span.kind) == ("send files", SpanKind.PRODUCER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "a" * 16
    assert [f"{link.context.trace_id:032x}" for link in span.links] == ["a" * 32, "b" * 32]
    assert span.resource.attributes["service.name"] == "metadata"
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "files",
        "messaging.destination.partition.id": "1",
        "messaging.batch.message_count": 5,
        "messaging.client.id": "relay",
    }


@pytest.mark.parametrize("traceparents", [(), (None,), (UNSAMPLED, None)])
def test_a_batch_without_a_recorded_trace_has_no_span(
    spans: InMemorySpanExporter, traceparents: tuple[str | None, ...]
) -> None:
    """A relay begins no trace of its own."""
    send(*traceparents)
    assert not spans.get_finished_spans()


def test_without_a_collector_the_rows_are_not_looked_at() -> None:
    """Sampled upstream or not."""
    before = use_tracing(Tracing())
    try:
        unreadable: Any = [None]
        with send_span("metadata", "relay", FILES, unreadable):
            pass
    finally:
        use_tracing(before)


def test_a_batch_that_the_broker_refuses_is_a_failed_span(spans: InMemorySpanExporter) -> None:
    """With the class of the error."""
    with pytest.raises(ConnectionError), send_span("metadata", "relay", FILES, [row(FIRST)]):
        raise ConnectionError
    [span] = spans.get_finished_spans()
    assert span.status.status_code == StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == "ConnectionError"
