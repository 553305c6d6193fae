"""Client spans for the MongoDB commands of a recorded trace."""

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from pymongo import monitoring

from docstore_platform.telemetry.tracing import failed, service_of, start_span


class MongoSpans(monitoring.CommandListener):
    """The driver calls it in the thread and context of the call."""

    def __init__(self) -> None:
        self._open: dict[tuple[Any, int], Span] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        current = trace.get_current_span()
        if not current.is_recording():
            return
        target = event.command.get("collection" if event.command_name == "getMore" else event.command_name)
        collection = target if isinstance(target, str) else None
        host, port = event.connection_id
        attributes: dict[str, str | int] = {
            "db.system.name": "mongodb",
            "db.namespace": event.database_name,
            "db.operation.name": event.command_name,
            "server.address": host,
        }
        if collection is not None:
            attributes["db.collection.name"] = collection
        if port is not None:
            attributes["server.port"] = port
        name = f"{event.command_name} {collection or event.database_name}"
        self._open[(event.connection_id, event.request_id)] = start_span(
            name, service=service_of(current), kind=SpanKind.CLIENT, attributes=attributes
        )

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        opened = self._open.pop((event.connection_id, event.request_id), None)
        if opened is not None:
            opened.end()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        opened = self._open.pop((event.connection_id, event.request_id), None)
        if opened is not None:
            code = event.failure.get("code")
            if code is not None:
                opened.set_attribute("db.response.status_code", str(code))
            failed(opened, str(code or event.failure.get("codeName") or "_OTHER"))
            opened.end()
