"""Prometheus metrics of every service. Names are stable: dashboards and alerts use them."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from docstore_platform.telemetry.request_metrics import RequestHistogram

disable_created_metrics()  # type: ignore[no-untyped-call]  # one more line for every counter that no dashboard reads

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Few, since each is a line for every route and status."""

build_info = Gauge("docstore_build_info", "Always 1; the running version of a service", ["service", "version"])
http_seconds = RequestHistogram("docstore_http_request_seconds", "Time to answer", REQUEST)
handler_seconds = Histogram(
    "docstore_event_handler_seconds", "Time to handle a batch of events", ["service"], buckets=FAST
)
handled_events = Counter("docstore_events_handled_total", "Events handled", ["service", "type"])
duplicate_events = Counter("docstore_events_duplicate_total", "Events already in the inbox", ["service"])
event_delay_seconds = Histogram(
    "docstore_event_delay_seconds",
    "Time from an event to the end of its handling",
    ["service"],
    buckets=FAST,
)
dead_letters_total = Counter("docstore_dead_letters_total", "Events dead-lettered", ["service", "reason"])
dead_letters_waiting = Gauge("docstore_dead_letters_waiting", "Dead letters not yet replayed", ["service"])
outbox_pending = Gauge("docstore_outbox_pending", "Outbox rows not yet sent, as last seen", ["service"])
outbox_lag_seconds = Gauge("docstore_outbox_lag_seconds", "Age of the oldest unsent outbox row", ["service"])
consumer_lag = Gauge("docstore_consumer_lag_events", "Events not yet consumed", ["service", "topic"])
documents = Gauge("docstore_documents", "Documents kept", ["plan"])
document_bytes = Gauge("docstore_document_bytes", "Bytes of all versions kept", ["plan"])
parser_sandbox = Gauge(
    "docstore_parser_sandbox",
    "1 for the current state: full sandbox, weak sandbox (allowed by a setting), or no parsing",
    ["service", "state"],
)


def exposition() -> tuple[bytes, str]:
    """Return all metrics of this process and the content type of their text."""
    return http_seconds.text(before=generate_latest()), CONTENT_TYPE_LATEST
