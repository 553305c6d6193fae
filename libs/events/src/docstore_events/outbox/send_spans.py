"""Producer spans of the relay: one for each record batch with an event whose trace is recorded.

A batch has events of many traces. Its span belongs to the first recorded trace and links to the others, so that a relay
starts no trace of its own. Names and attributes follow the semantic conventions for messaging.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiokafka import TopicPartition
from opentelemetry.trace import SpanKind

from docstore_platform.mongodb.client import Document
from docstore_platform.telemetry.tracing import is_recorded, is_tracing, span

MAX_LINKS = 128
"""The SDK's default limit for links of a span."""


@contextmanager
def send_span(service: str, client_id: str, to: TopicPartition, rows: Sequence[Document]) -> Iterator[None]:
    """A span around sending outbox rows to one partition; none if no trace of them is recorded."""
    recorded = recorded_contexts(rows) if is_tracing() else []
    if not recorded:
        yield
        return
    with span(
        f"send {to.topic}",
        service=service,
        kind=SpanKind.PRODUCER,
        traceparent=recorded[0],
        links=recorded[:MAX_LINKS],
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": to.topic,
            "messaging.destination.partition.id": str(to.partition),
            "messaging.batch.message_count": len(rows),
            "messaging.client.id": client_id,
        },
    ):
        yield


def recorded_contexts(rows: Sequence[Document]) -> list[str]:
    """Return the `traceparent` of each recorded context in which a row was published, in order."""
    found = (bytes(value).decode() for row in rows for name, value in row["headers"] if name == "traceparent")
    return list(dict.fromkeys(filter(is_recorded, found)))
