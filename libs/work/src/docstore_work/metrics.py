"""Metrics of work queues. `queue` is the name of a LeaseQueue: a few per service."""

from prometheus_client import Counter, Histogram

lease_events_total = Counter(
    "docstore_work_leases_total",
    "Leases of work queues: claimed, retaken (the last holder died or stalled), renewed, completed, postponed, lost",
    ["queue", "event"],
)
wait_seconds = Histogram(
    "docstore_work_wait_seconds",
    "Time from a document's due time until a worker claimed it",
    ["queue"],
    buckets=(0.01, 0.1, 1, 10, 60, 600, 3600),
)
