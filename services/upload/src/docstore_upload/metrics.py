"""Metrics of the upload service beside those of every service."""

from prometheus_client import Counter, Gauge

GAUGES = "upload:gauges"
"""Wakes the loop that sets the gauges of this instance by what all instances have stored."""

initiated_total = Counter("docstore_uploads_initiated_total", "Uploads initiated", ["method"])
ended_total = Counter("docstore_uploads_ended_total", "Uploads that ended", ["state", "method", "by"])
completed_bytes_total = Counter("docstore_upload_bytes_total", "Bytes of completed uploads", ["method"])
unclaimed_bytes = Gauge("docstore_upload_unclaimed_bytes", "Bytes in the store that no version refers to", ["kind"])
unclaimed_deleted_total = Counter("docstore_upload_unclaimed_deleted_total", "Unknown objects deleted", ["kind"])
blocks_asked_total = Counter("docstore_blocks_asked_total", "Blocks that clients asked for", ["answer"])
blocks_collected_total = Counter("docstore_blocks_collected_total", "Unreferenced blocks deleted")
checked_total = Counter(
    "docstore_uploads_checked_total", "Completed uploads: acknowledged by all services in time, or stalled", ["outcome"]
)
for outcome in ("acknowledged", "stalled"):
    checked_total.labels(outcome)  # from zero on: a rate does not see the value that a series begins with
republished_total = Counter(
    "docstore_uploads_republished_total", "Events that the final check republished", ["service"]
)
compacted_bytes_total = Counter("docstore_packs_compacted_bytes_total", "Bytes freed by rewriting packs")
stalled_packs = Gauge("docstore_packs_stalled", "Completed packs that a service has not acknowledged in time")
stalled = Gauge("docstore_uploads_stalled", "Completed uploads that a service has not acknowledged in time")
cold_bytes_total = Counter("docstore_cold_bytes_total", "Bytes of objects moved to a colder storage class")
