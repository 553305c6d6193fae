"""Metrics of analytics beside those of every service."""

from prometheus_client import Counter, Gauge

archive_waiting_events = Gauge("docstore_archive_waiting_events", "Rows that are not in the archive yet", ["table"])
archive_oldest_seconds = Gauge(
    "docstore_archive_oldest_seconds", "Age of the oldest row that is not in the archive yet", ["table"]
)
access_log_lines = Counter(
    "docstore_access_log_lines_total", "Lines of access logs, `read` or skipped as `malformed`", ["log", "outcome"]
)
audit_entries = Gauge("docstore_audit_entries", "Entries of the audit log")
audit_contradicted = Gauge("docstore_audit_contradicted", "1 while the audit log contradicts its last anchor in S3")
audit_unsealed_entries = Gauge("docstore_audit_unsealed_entries", "Audit entries not sealed in the object store yet")
