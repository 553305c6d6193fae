"""Metrics of notify beside those of every service."""

from prometheus_client import Counter, Histogram

from docstore_platform.telemetry.metrics import FAST

deliveries = Counter("docstore_notify_deliveries_total", "Messages by outcome", ["channel", "kind", "outcome"])
first_attempts = Counter(
    "docstore_notify_first_attempts_total",
    "First attempts to send a message: accepted, refused or postponed",
    ["channel", "outcome"],
)
for outcome in ("accepted", "refused", "postponed"):
    first_attempts.labels("email", outcome)  # from zero on: a rate does not see the value that a series begins with
send_seconds = Histogram("docstore_notify_send_seconds", "Time the channel takes", ["channel"], buckets=FAST)
