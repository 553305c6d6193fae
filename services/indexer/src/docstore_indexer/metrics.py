"""Metrics of the indexer beside those of every service."""

from prometheus_client import Counter, Gauge, Histogram

SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

pending_documents = Gauge("docstore_index_pending_documents", "Documents waiting for the index", ["lane"])
extraction_seconds = Histogram(
    "docstore_extraction_seconds", "Time to fetch and read a document", ["type", "outcome"], buckets=SLOW
)
rebuild_running = Gauge("docstore_index_rebuild_running", "1 while the index is being rebuilt")
rebuild_files = Gauge("docstore_index_rebuild_files", "Files added by the running or last rebuild")
index_failures = Counter("docstore_index_failures_total", "Documents whose text can't be extracted", ["reason"])
